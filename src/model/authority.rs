//! Whose advisories speak of a package, and by which names they know it.

/// What decides which advisories are asked for a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authority {
    /// The OSV schema's ecosystem words, each with the release where it has one.
    pub ecosystems: Vec<String>,
    /// The names advisories know it by, each with the version they speak of there: a source package's or its own.
    pub names: Vec<(String, String)>,
    /// Where another distribution's advisories stand in: for whom.
    pub stands_in_for: Option<String>,
}
