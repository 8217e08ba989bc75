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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWRzY2FjaGVjawOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    /// Of the bytes `an export`.
    const SIGNATURE: &str = "untrusted comment: signature
RURzY2FjaGVja8P1aEhIKnyRJwZmoDWPBqj6yZyPRPtWICF993ZYXwL11GnaMBZQDnK+jZVV0Av5ylxDV4jyNpyPUzMElGtsng8=
trusted comment: timestamp:1767225600
GlxKN1gTMEHdZjsngelWwK2qpJas5KfEedu0ZlEKyMD9Sb7tfY+VW+et0Qznzijdni85CSFUikw4gUegWst5Bg==
";

    #[test]
    fn only_what_the_owner_signed_passes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let verified = |bytes: &str, signature: &str| {
            std::fs::write(file.path(), bytes).unwrap();
            Key::read(KEY).unwrap().verify(file.path(), signature).map_err(|error| error.to_string())
        };
        assert_eq!(verified("an export", SIGNATURE), Ok(()));
        assert!(verified("an expOrt", SIGNATURE).unwrap_err().contains("nothing was taken"));
        assert!(verified("an export", &SIGNATURE.replace("1767225600", "1767225601")).is_err(), "the trusted comment is signed too");
        assert!(verified("an export", "nonsense").is_err());
        assert!(Key::read("nonsense").is_err());
    }
}
