//! Three-valued truth: what scacheck answers when it is asked whether something applies.
//!
//! AND, OR and NOT follow Kleene's strong logic. What cannot be decided is [`Truth::Unknown`] with the reason,
//! never `No`; the policy says what a doubt costs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an answer is not certain. The order is by weight: where two doubts meet, the greater one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The CPE is only probably this package.
    WeakIdentity,
    /// The record applies on a platform or edition that cannot be seen from here.
    PlatformUnseen,
    /// The distribution may have fixed this without raising the upstream version.
    DistroMayBackport,
    /// The package comes from git, a path or a registry other than the public one.
    OtherSource,
    /// A version does not parse, so it cannot be placed in the range.
    VersionUnparsable,
}

impl Doubt {
    /// All doubts, lightest first.
    pub const ALL: [Self; 5] =
        [Self::WeakIdentity, Self::PlatformUnseen, Self::DistroMayBackport, Self::OtherSource, Self::VersionUnparsable];

    /// The name used in files, flags and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WeakIdentity => "weak-identity",
            Self::PlatformUnseen => "platform-unseen",
            Self::DistroMayBackport => "distro-may-backport",
            Self::OtherSource => "other-source",
            Self::VersionUnparsable => "version-unparsable",
        }
    }

    /// The doubt of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.name() == name)
    }

    /// One short clause for people.
    #[must_use]
    pub fn clause(self) -> &'static str {
        match self {
            Self::WeakIdentity => "the CPE is only probably this package",
            Self::PlatformUnseen => "it depends on a platform or edition that cannot be seen from here",
            Self::DistroMayBackport => "the distribution may have fixed it without raising the version",
            Self::OtherSource => "the package does not come from the public registry",
            Self::VersionUnparsable => "the version does not parse, so it cannot be placed in the range",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Kleene's three values; the third one says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It applies.
    Yes,
    /// It does not apply.
    No,
    /// It cannot be decided, for this reason.
    Unknown(Doubt),
}

impl Truth {
    /// Conjunction: `No` wins, then the greater doubt.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(a.max(b)),
            (Self::Unknown(d), Self::Yes) | (Self::Yes, Self::Unknown(d)) => Self::Unknown(d),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Disjunction: `Yes` wins, then the lighter doubt (the better-supported way for it to be true).
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(a.min(b)),
            (Self::Unknown(d), Self::No) | (Self::No, Self::Unknown(d)) => Self::Unknown(d),
            (Self::No, Self::No) => Self::No,
        }
    }

    /// Negation; a doubt stays a doubt.
    #[must_use]
    pub fn negate_if(self, negate: bool) -> Self {
        match self {
            Self::Yes if negate => Self::No,
            Self::No if negate => Self::Yes,
            other => other,
        }
    }

    /// The doubt, if it is one.
    #[must_use]
    pub fn doubt(self) -> Option<Doubt> {
        match self {
            Self::Unknown(doubt) => Some(doubt),
            _ => None,
        }
    }

    /// `yes`, `no` or `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_truth() -> impl Strategy<Value = Truth> {
        prop_oneof![Just(Truth::Yes), Just(Truth::No), (0..Doubt::ALL.len()).prop_map(|i| Truth::Unknown(Doubt::ALL[i])),]
    }

    proptest! {
        #[test]
        fn de_morgan_holds_up_to_the_reason(a in any_truth(), b in any_truth()) {
            let left = a.and(b).negate_if(true);
            let right = a.negate_if(true).or(b.negate_if(true));
            prop_assert_eq!(left.name(), right.name());
        }

        #[test]
        fn a_doubt_is_never_lost_to_no_by_or(a in any_truth(), b in any_truth()) {
            if a.doubt().is_some() { prop_assert_ne!(a.or(b), Truth::No); }
        }

        #[test]
        fn order_does_not_matter(a in any_truth(), b in any_truth(), c in any_truth()) {
            prop_assert_eq!(a.and(b), b.and(a));
            prop_assert_eq!(a.or(b), b.or(a));
            prop_assert_eq!(a.and(b).and(c), a.and(b.and(c)));
            prop_assert_eq!(a.or(b).or(c), a.or(b.or(c)));
        }
    }

    #[test]
    fn names_round_trip() {
        for doubt in Doubt::ALL {
            assert_eq!(Doubt::from_name(doubt.name()), Some(doubt));
        }
    }
}
