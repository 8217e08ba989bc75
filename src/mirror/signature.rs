//! Signatures over exports, as minisign makes them.

use super::MirrorError;
use minisign_verify::{PublicKey, Signature};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A public key that exports must be signed with.
pub struct Key(PublicKey);

impl Key {
    /// Reads a key: its one line, or the file that minisign writes (`minisign.pub`).
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(text: &str) -> Result<Self, MirrorError> {
        let refused = |reason: String| MirrorError::Refused { path: text.into(), reason };
        let told = |error: minisign_verify::Error| refused(format!("this is no minisign public key: {error}"));
        if Path::new(text).is_file() {
            let held = std::fs::read_to_string(text).map_err(|error| refused(error.to_string()))?;
            return PublicKey::decode(&held).or_else(|_| PublicKey::from_base64(held.trim())).map(Self).map_err(told);
        }
        PublicKey::from_base64(text.trim()).map(Self).map_err(told)
    }

    /// Whether the file is what the key's owner signed (`minisign -S`, prehashed, the default since minisign 0.10).
    ///
    /// # Errors
    /// When the signature does not read, is another key's or another file's.
    pub fn verify(&self, file: &Path, signature: &str) -> Result<(), MirrorError> {
        let refused = |reason: String| MirrorError::Refused { path: file.to_owned(), reason };
        let wrong =
            |error: minisign_verify::Error| refused(format!("its signature is not the one of this key: {error}; nothing was taken"));
        let signature = Signature::decode(signature).map_err(wrong)?;
        let mut stream = self.0.verify_stream(&signature).map_err(wrong)?;
        let mut reader = File::open(file).map_err(|error| refused(error.to_string()))?;
        let mut buffer = vec![0; 1 << 17];
        loop {
            match reader.read(&mut buffer).map_err(|error| refused(error.to_string()))? {
                0 => return stream.finalize().map_err(wrong),
                count => stream.update(&buffer[..count]),
            }
        }
    }
}
