//! A layer's bytes on their way: unpacked, and their digest.

use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read};

/// Bytes on their way, and their digest.
pub struct Hashed<R> {
    stream: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

impl<R: Read> Hashed<R> {
    /// Over a stream that was not read from yet.
    pub fn new(stream: R) -> Self {
        Self { stream, hash: Sha256::new() }
    }

    /// Reads what follows the archive's end, which the packing's own checksum covers too, and compares the digest with the image's.
    ///
    /// # Errors
    /// When it does not read to its end, or has another digest.
    pub fn settle(mut self, digest: &str) -> Result<(), String> {
        std::io::copy(&mut self, &mut std::io::sink()).map_err(|error| error.to_string())?;
        let Some(stated) = digest.strip_prefix("sha256:") else { return Ok(()) };
        let own: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if own == stated {
            Ok(())
        } else {
            Err(format!("its bytes have the digest sha256:{own}: it was damaged or changed after the image was made"))
        }
    }
}

/// A layer's tar, whatever it is packed with; its first bytes tell.
///
/// # Errors
/// When its first bytes cannot be read.
pub fn unpacked<'a>(stream: impl Read + 'a) -> Result<Box<dyn Read + 'a>, String> {
    let mut stream = BufReader::new(stream);
    let head = stream.fill_buf().map_err(|error| error.to_string())?;
    if head.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(flate2::bufread::MultiGzDecoder::new(stream)))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || head.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) {
        Ok(Box::new(zstd::stream::read::Decoder::with_buffer(stream).map_err(|error| error.to_string())?))
    } else {
        Ok(Box::new(stream))
    }
}
