//! A Dockerfile as it was written: instructions with their lines, stages, and comments that allow something.

/// One instruction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instruction {
    /// In capitals: `RUN`.
    pub keyword: String,
    /// Whether it is for images built upon this one (`ONBUILD`).
    pub onbuild: bool,
    /// `--name=value` before the arguments; a flag without a value has an empty one.
    pub flags: Vec<(String, String)>,
    /// The arguments, continuation lines joined, comments left out.
    pub text: String,
    /// The arguments of the JSON form.
    pub json: Option<Vec<String>>,
    /// The bodies of its heredocs.
    pub heredocs: Vec<String>,
    /// First line, from 1.
    pub line: u32,
    /// What comments beside it allow.
    pub allows: Vec<Allow>,
}

/// `# scacheck: allow RULE reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The rule's name.
    pub rule: String,
    /// Why; empty: not said, and the comment does not count.
    pub reason: String,
    /// The comment's line, from 1.
    pub line: u32,
}

/// A stage: from one `FROM` to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// Its `FROM`.
    pub from: Instruction,
    /// The image or stage it builds upon, build arguments filled in where they have a default.
    pub base: String,
    /// Its name.
    pub name: Option<String>,
    /// What follows.
    pub instructions: Vec<Instruction>,
}

/// A Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its path, relative to the subject.
    pub path: String,
    /// `ARG` instructions before the first stage.
    pub arguments: Vec<Instruction>,
    /// Stages in order.
    pub stages: Vec<Stage>,
}

impl Dockerfile {
    /// The stage that a name or number stands for, among those before a stage.
    #[must_use]
    pub fn stage_named(&self, name: &str, before: usize) -> Option<usize> {
        let earlier = &self.stages[..before.min(self.stages.len())];
        earlier.iter().rposition(|stage| stage.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The stages whose layers are in the image that is built: the last one and those it builds upon, lowest first.
    #[must_use]
    pub fn lineage(&self) -> Vec<usize> {
        let mut out: Vec<usize> = Vec::new();
        let mut next = self.stages.len().checked_sub(1);
        while let Some(at) = next {
            out.push(at);
            next = self.stage_named(&self.stages[at].base, at);
        }
        out.reverse();
        out
    }
}
