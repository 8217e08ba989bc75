//! What an image says about itself, for the hardening rules: configuration, history, file modes, users and
//! secret candidates. Gathered in the same pass that reads the packages.

/// One instruction of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The instruction as the builder recorded it.
    pub created_by: String,
    /// Whether it made no layer.
    pub empty_layer: bool,
}

/// A file whose mode matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMode {
    /// Path in the image, from its root.
    pub path: String,
    /// Permission bits, as `0o4755`.
    pub mode: u32,
    /// Digest of the layer that set it.
    pub layer: String,
}

/// A user of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswdEntry {
    /// Name.
    pub name: String,
    /// Numeric id.
    pub uid: u32,
}

/// A place that may hold a secret; the value itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretCandidate {
    /// Where it stands.
    pub location: String,
    /// What kind of secret it looks like.
    pub kind: String,
}

/// The facts of one image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// The configured user.
    pub user: Option<String>,
    /// Environment as `NAME=value` with secret values redacted.
    pub environment: Vec<String>,
    /// Whether a health check is configured.
    pub health_check: bool,
    /// Instructions, oldest first.
    pub history: Vec<HistoryEntry>,
    /// Files with setuid or setgid bits.
    pub special_modes: Vec<FileMode>,
    /// Users.
    pub passwd: Vec<PasswdEntry>,
    /// Secret candidates.
    pub secrets: Vec<SecretCandidate>,
}
