//! What an image says about itself, for the hardening rules: configuration, history, file modes, users and secret candidates. Gathered
//! in the same pass that reads the packages.

use serde::Serialize;

/// One instruction of an image's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// The instruction as the builder recorded it.
    pub created_by: String,
    /// Digest of the layer it made; nothing where it made none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Whether the base image brought it; only said of instructions that made a layer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub base: bool,
}

/// A file whose mode matters: setuid, setgid, or open for everybody to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileMode {
    /// Path in the image, from its root.
    pub path: String,
    /// Permission bits in octal, as `4755`.
    pub mode: String,
    /// Digest of the layer that set it.
    pub layer: String,
}

/// A user of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PasswdEntry {
    /// Name.
    pub name: String,
    /// Numeric id.
    pub uid: u32,
}

/// A place that may hold a secret; the value itself is never kept. A file that a later layer removed is still in the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SecretCandidate {
    /// A path, the name of a variable, or an instruction's number.
    pub place: String,
    /// What kind of secret it looks like.
    pub kind: String,
    /// Digest of the layer that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
}

/// The facts of one image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImageFacts {
    /// `os/architecture`.
    pub platform: String,
    /// The configured user; nothing is root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Environment as `NAME=value`, the values of what may be secrets left out.
    pub environment: Vec<String>,
    /// Whether a health check is configured.
    pub health_check: bool,
    /// Instructions, oldest first.
    pub history: Vec<HistoryEntry>,
    /// Files whose modes matter.
    pub special_modes: Vec<FileMode>,
    /// Users.
    pub passwd: Vec<PasswdEntry>,
    /// Secret candidates.
    pub secrets: Vec<SecretCandidate>,
}
