//! The hardening rules: their names, what they say, and breaches of them. Numbers are those of the CIS Docker Benchmark 1.6, section 4.

/// A hardening rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleId {
    /// The process runs as root.
    RootUser,
    /// The user that is named does not exist.
    UnknownUser,
    /// The base image is not on the list.
    BaseNotAllowed,
    /// The base image is named without a tag or as `latest`.
    BaseLatest,
    /// The base image is not pinned by its digest.
    BaseNotPinned,
    /// Compilers, shells or tools in the final stage.
    UnneededTool,
    /// Caches of a package manager are left in a layer.
    CacheLeft,
    /// No health check.
    NoHealthcheck,
    /// More than one health check in a stage.
    ManyHealthchecks,
    /// The health check is switched off.
    HealthcheckNone,
    /// Package lists are updated in an instruction of their own.
    UpdateAlone,
    /// Setuid or setgid files that are not on the list.
    SetuidFile,
    /// `ADD` where `COPY` does.
    AddInstruction,
    /// Something that looks like a secret.
    Secret,
    /// Packages are installed without their version.
    UnpinnedVersion,
}

/// Rule, name, title.
const TABLE: [(RuleId, &str, &str); 15] = [
    (RuleId::RootUser, "4.1-root-user", "A user other than root is configured"),
    (RuleId::UnknownUser, "4.1-unknown-user", "The configured user exists"),
    (RuleId::BaseNotAllowed, "4.2-base-not-allowed", "Only trusted base images are used"),
    (RuleId::BaseLatest, "4.2-base-latest", "Base images are named by a version"),
    (RuleId::BaseNotPinned, "4.5-base-not-pinned", "Base images are pinned by their digest"),
    (RuleId::UnneededTool, "4.3-unneeded-tool", "No unnecessary packages are installed"),
    (RuleId::CacheLeft, "4.3-cache-left", "Caches of package managers are not left behind"),
    (RuleId::NoHealthcheck, "4.6-no-healthcheck", "A health check is configured"),
    (RuleId::ManyHealthchecks, "4.6-many-healthchecks", "One health check is configured"),
    (RuleId::HealthcheckNone, "4.6-healthcheck-none", "The health check is not switched off"),
    (RuleId::UpdateAlone, "4.7-update-alone", "Package lists are updated where packages are installed"),
    (RuleId::SetuidFile, "4.8-setuid-file", "Setuid and setgid bits are removed"),
    (RuleId::AddInstruction, "4.9-add-instruction", "COPY is used instead of ADD"),
    (RuleId::Secret, "4.10-secret", "No secrets are stored in images"),
    (RuleId::UnpinnedVersion, "4.11-unpinned-version", "Only verified packages are installed: versions are pinned"),
];

impl RuleId {
    /// All rules.
    pub const ALL: [Self; 15] = {
        let mut all = [Self::RootUser; 15];
        let mut at = 0;
        while at < TABLE.len() {
            all[at] = TABLE[at].0;
            at += 1;
        }
        all
    };

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        TABLE.iter().find(|(rule, ..)| *rule == self).unwrap_or(&TABLE[0])
    }

    /// The name used in files and reports: the number in the benchmark and a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What holds where the rule is kept.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The rule of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == name).map(|(rule, ..)| *rule)
    }
}

/// A breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which rule.
    pub rule: RuleId,
    /// Where: a line of a Dockerfile, a file or layer of an image.
    pub location: super::package::Location,
    /// What was seen, without secrets, and what to do.
    pub evidence: String,
    /// The reason that a comment beside the line gives for allowing it.
    pub allowed: Option<String>,
}

/// What a policy lets in and keeps out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Globs of base images; nothing: any.
    pub base_images: Option<Vec<String>>,
    /// Globs of files that may be setuid or setgid.
    pub setuid_files: Vec<String>,
    /// Packages that are tools beside the known ones.
    pub tools: Vec<String>,
    /// Packages that may be there though they are tools.
    pub allowed_tools: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        for rule in RuleId::ALL {
            assert_eq!(RuleId::from_name(rule.name()), Some(rule));
        }
    }
}
