//! From a header to a package: what all forms of the database have in common.

use super::header::{Header, Tag};
use crate::acquire::installed::may_be_owned;
use crate::acquire::readers::distro::{Distro, Installed};
use crate::acquire::{Owned, Reading};

/// Where the headers of one database come together.
pub struct Intake<'a> {
    distro: &'a Distro<'a>,
    /// The packages so far.
    pub reading: Reading,
    /// Bytes of headers that may still come: more than the database itself has are a loop.
    left: usize,
}

impl<'a> Intake<'a> {
    /// For a database of that many bytes.
    pub fn new(distro: &'a Distro<'a>, bytes: usize) -> Self {
        Self { distro, reading: Reading::default(), left: bytes }
    }

    /// Notes a place that could not be read.
    pub fn broken(&mut self, place: usize, reason: &str) {
        self.reading.blemish(
            place,
            format!("{reason} (at byte {place}); a package may be missing here: `rpm --rebuilddb` where it was made may mend it"),
        );
    }

    /// Takes a header's bytes.
    ///
    /// # Errors
    /// When all headers together have more bytes than the database.
    pub fn header(&mut self, place: usize, bytes: &[u8]) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes.len()).ok_or("its entries lie over each other")?;
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
            self.reading.owned.extend(files(header).filter(|file| may_be_owned(file)).map(|path| Owned { path, owner: name.clone() }));
        }
    }
}

/// The paths of a package's files, without the leading `/`.
fn files(header: &Header<'_>) -> impl Iterator<Item = String> {
    let (folders, places) = (header.list(Tag::DirNames), header.numbers(Tag::DirIndexes));
    let named = header
        .list(Tag::BaseNames)
        .into_iter()
        .zip(places)
        .filter_map(move |(name, place)| Some(format!("{}{name}", folders.get(place as usize)?)));
    named.chain(header.list(Tag::OldFileNames)).map(|path| path.trim_start_matches('/').to_owned())
}
