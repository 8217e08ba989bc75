//! Verdicts: what the policy says, by which rule, and how a run ends.

use super::package::Location;
use serde::Serialize;

/// What the policy says about one thing, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Nothing to say against it.
    Allow,
    /// A rule set it aside, with a reason.
    Suppressed,
    /// Worth attention; does not fail the gate.
    Warn,
    /// Fails the gate.
    Deny,
}

impl Decision {
    /// `allow`, `warn` or `deny`.
    ///
    /// # Errors
    /// When the word is another.
    pub fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "allow" => Ok(Self::Allow),
            "warn" => Ok(Self::Warn),
            "deny" => Ok(Self::Deny),
            other => Err(format!("`{other}` is not one of allow, warn, deny")),
        }
    }

    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Suppressed => "suppressed",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// The rule behind a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RuleRef {
    /// `allow`, `deny`, `suppress`, `gate`, `doubt`, `whitelist`, `sources`, `hardening`, `vex`.
    pub kind: String,
    /// The rule in words: the pattern, the threshold.
    pub text: String,
    /// Where it stands, for a rule of a policy file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The reason its author gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Where that was discussed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

impl RuleRef {
    /// A rule that stands in no file, or whose place does not matter.
    #[must_use]
    pub fn said(kind: &str, text: String) -> Self {
        Self { kind: kind.to_owned(), text, ..Self::default() }
    }
}

/// A decision with its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What the policy says.
    pub decision: Decision,
    /// Which rule said it.
    pub rule: Option<RuleRef>,
}

/// A decision at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceDecision {
    /// Where.
    pub location: Location,
    /// What the policy says there.
    pub decision: Decision,
    /// Which rule said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// A VEX justification, for a suppressed finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vex: Option<String>,
}

/// How a run ended. The exit code belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Exit 0.
    Passed,
    /// Exit 1.
    Denied,
    /// Exit 3.
    NothingFound,
    /// Exit 5.
    Incomplete,
}

impl Outcome {
    /// The exit code of a run that gave a verdict.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Denied => 1,
            Self::NothingFound => 3,
            Self::Incomplete => 5,
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Passed => "the gate passed",
            Self::Denied => "the gate failed: something was denied",
            Self::NothingFound => "nothing to check was found",
            Self::Incomplete => "nothing was denied, but something could not be looked at",
        }
    }

    /// Of several subjects: 1 before 5 before 3 before 0.
    #[must_use]
    pub fn first_of(self, other: Self) -> Self {
        let rank = |outcome: Self| match outcome {
            Self::Denied => 0,
            Self::Incomplete => 1,
            Self::NothingFound => 2,
            Self::Passed => 3,
        };
        if rank(other) < rank(self) { other } else { self }
    }
}
