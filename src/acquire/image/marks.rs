//! What of an image a hardening rule may speak of: files by their mode, and secrets in its configuration. Nothing of a secret is kept.

use crate::model::image::SecretCandidate;

/// Whether a file's mode matters: setuid, setgid, or open for everybody to write.
#[must_use]
pub fn mode_matters(mode: u32) -> bool {
    mode & 0o6002 != 0
}

/// A candidate in the configuration.
#[must_use]
pub fn configured(place: String, kind: String) -> SecretCandidate {
    SecretCandidate { place, kind, layer: None }
}
