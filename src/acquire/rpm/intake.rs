//! From a header to a package: what all forms of the database have in common.

use super::header::{Header, Tag};
use crate::acquire::Reading;
use crate::acquire::readers::distro::{Distro, Installed};

/// Where the headers of one database come together.
pub struct Intake<'a> {
    distro: &'a Distro<'a>,
    /// The packages so far.
    pub reading: Reading,
    /// Bytes that may still be read: far more than the database has are a loop.
    left: usize,
}

impl<'a> Intake<'a> {
    /// For a database of that many bytes.
    pub fn new(distro: &'a Distro<'a>, bytes: usize) -> Self {
        Self { distro, reading: Reading::default(), left: bytes.saturating_mul(2) }
    }

    /// Notes a place that could not be read.
    pub fn broken(&mut self, place: usize, reason: &str) {
        self.reading.blemish(
            place,
            format!("{reason} (at byte {place}); a package may be missing here: `rpm --rebuilddb` where it was made may mend it"),
        );
    }

    /// Counts bytes that are read, an entry as some at least.
    ///
    /// # Errors
    /// When all together are more than twice the database.
    pub fn charge(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes.max(16)).ok_or("its entries lie over each other")?;
        Ok(())
    }

    /// Takes a header's bytes.
    ///
    /// # Errors
    /// When all entries together have more than twice the bytes of the database.
    pub fn header(&mut self, place: usize, bytes: &[u8]) -> Result<(), String> {
        self.charge(bytes.len())?;
        match Header::over(bytes) {
            Ok(header) => self.package(place, &header),
            Err(reason) => self.broken(place, &reason),
        }
        Ok(())
    }

    fn package(&mut self, place: usize, header: &Header<'_>) {
        let texts = [Tag::Name, Tag::Version, Tag::Release].map(|tag| header.text(tag).filter(|text| !text.is_empty()));
        let [Some(name), Some(version), Some(release)] = texts else {
            self.broken(place, "a header without a package's name, version or release");
            return;
        };
        // Keys are kept in the same database as packages.
        if name == "gpg-pubkey" {
            return;
        }
        let evr = match header.numbers(Tag::Epoch).first() {
            Some(epoch) if *epoch > 0 => format!("{epoch}:{version}-{release}"),
            _ => format!("{version}-{release}"),
        };
        let arch = header.text(Tag::Arch).unwrap_or_default();
        let upstream = header.text(Tag::SourceRpm).filter(|file| !file.is_empty());
        let package = Installed { kind: "rpm", name: &name, version: &evr, arch: &arch, upstream };
        let before = self.reading.found.len();
        self.distro.add(&mut self.reading, package, place);
        if self.reading.found.len() > before {
            let found = &mut self.reading.found[before];
            found.vendor = header.text(Tag::Vendor).filter(|vendor| !vendor.is_empty());
            found.module = header.text(Tag::ModularityLabel).filter(|label| !label.is_empty());
            self.files(place, header, &name);
        }
    }

    /// Notes the files of a package.
    fn files(&mut self, place: usize, header: &Header<'_>, owner: &str) {
        let (folders, places) = (header.list(Tag::DirNames), header.numbers(Tag::DirIndexes));
        for (name, folder) in header.list(Tag::BaseNames).iter().zip(places) {
            // A file without its folder owns nothing: what it brought is judged by itself then.
            if let Some(folder) = folders.get(folder as usize) {
                self.reading.own(place, folder, name, owner);
            }
        }
        for path in header.list(Tag::OldFileNames) {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            self.reading.own(place, folder, name, owner);
        }
    }
}
