//! The layers of an image, laid over each other: what of them tells of installed packages (OCI image specification 1.1, layer.md:
//! changesets, whiteouts, opaque whiteouts, hard links).

use super::installed::{Use, use_of};
use super::tree::{Tree, TreeError, largest};
use crate::model::package::{Gap, Location};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

/// Entries of all layers at most; ten times what a large image has.
const MOST_ENTRIES: u64 = 20_000_000;
/// Bytes of one layer, unpacked, at most.
const LARGEST_LAYER: u64 = 64 << 30;
/// Bytes of all kept files at most.
const MOST_KEPT: u64 = 1 << 30;
/// Links that are followed for one file at most.
const MOST_LINKS: usize = 40;

/// What is kept of a path.
#[derive(Debug)]
enum Kept {
    Bytes(Vec<u8>),
    Link(String),
    /// Why its bytes are not there.
    Not(TreeError),
}

/// The layers so far.
#[derive(Debug, Default)]
pub struct Layers {
    files: BTreeMap<String, (usize, Kept)>,
    digests: Vec<String>,
    entries: u64,
    kept: u64,
    /// Layers and entries that could not be read.
    pub gaps: Vec<Gap>,
}

impl Layers {
    /// Lays one more layer over the others. Where it ends early, what was read of it counts and the rest is a gap.
    pub fn add(&mut self, stream: impl Read, digest: &str) {
        self.digests.push(digest.to_owned());
        if let Err(reason) = self.read(stream) {
            self.gap(&format!("the layer does not read to its end, so what follows is not known: {reason}"));
        }
    }

    /// Notes a layer that is not there.
    pub fn fail(&mut self, digest: &str, reason: &str) {
        self.digests.push(digest.to_owned());
        self.gap(&format!("the layer cannot be read: {reason}"));
    }

    /// The paths of what is kept, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    /// The digest of the layer that each path is from.
    #[must_use]
    pub fn places(&self) -> BTreeMap<String, String> {
        self.files.iter().filter_map(|(path, (layer, _))| Some((path.clone(), self.digests.get(*layer)?.clone()))).collect()
    }

    fn gap(&mut self, reason: &str) {
        let layer = self.digests.last().cloned();
        let path = layer.clone().unwrap_or_default();
        self.gaps.push(Gap { location: Location { path, line: None, column: None, layer }, reason: reason.to_owned() });
    }

    fn read(&mut self, stream: impl Read) -> Result<(), String> {
        let layer = self.digests.len() - 1;
        let unpacked = unpacked(stream)?;
        let mut archive = tar::Archive::new(unpacked.take(LARGEST_LAYER));
        for entry in archive.entries().map_err(|error| error.to_string())? {
            let mut entry = entry.map_err(|error| error.to_string())?;
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(format!("the image has more than {MOST_ENTRIES} entries"));
            }
            let Some(path) = inside(&String::from_utf8_lossy(&entry.path_bytes())) else {
                self.gap("an entry's name leads out of the image and was not taken");
                continue;
            };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let kind = entry.header().entry_type();
            // The root itself cannot be replaced or removed: such an entry would hide all that lies below.
            if name == ".wh." || (name.is_empty() && !kind.is_dir()) {
                self.gap("an entry without a name was not taken");
                continue;
            }
            if name == ".wh..wh..opq" {
                self.drop_below(folder, layer);
                continue;
            }
            if let Some(gone) = name.strip_prefix(".wh.") {
                let gone = if folder.is_empty() { gone.to_owned() } else { format!("{folder}/{gone}") };
                self.drop_whole(&gone, layer);
                continue;
            }
            if kind.is_dir() {
                continue;
            }
            // Anything but a folder takes the place of what was there, a folder with all below it included.
            self.drop_whole(&path, layer + 1);
            if !wanted(&path) {
                continue;
            }
            let kept = if kind.is_symlink() || kind.is_hard_link() {
                let target = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned()).unwrap_or_default();
                // A hard link names its target from the root.
                Kept::Link(if kind.is_hard_link() { format!("/{}", target.trim_start_matches('/')) } else { target })
            } else if kind.is_file() || kind.is_contiguous() {
                self.keep(&path, &mut entry)?
            } else {
                continue;
            };
            self.files.insert(path, (layer, kept));
        }
        Ok(())
    }

    fn keep(&mut self, path: &str, entry: &mut (impl Read + ?Sized)) -> Result<Kept, String> {
        // A lockfile is only told of.
        if matches!(use_of(path), Some(Use::Lockfile(_))) {
            return Ok(Kept::Bytes(Vec::new()));
        }
        let mut bytes = Vec::new();
        let most = largest(path);
        let read = entry.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())? as u64;
        if read > most {
            return Ok(Kept::Not(TreeError::TooLarge(read, most)));
        }
        self.kept += read;
        if self.kept > MOST_KEPT {
            return Ok(Kept::Not(TreeError::Refused(format!("what tells of packages has more than {MOST_KEPT} bytes"))));
        }
        Ok(Kept::Bytes(bytes))
    }

    /// Drops a path and all below it, as far as they are of layers under this one.
    fn drop_whole(&mut self, path: &str, layer: usize) {
        if self.files.get(path).is_some_and(|(of, _)| *of < layer) {
            self.files.remove(path);
        }
        self.drop_below(path, layer);
    }

    fn drop_below(&mut self, folder: &str, layer: usize) {
        let front = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.files.range(front.clone()..).take_while(|(path, _)| path.starts_with(&front));
        let gone: Vec<String> = below.filter(|(_, (of, _))| *of < layer).map(|(path, _)| path.clone()).collect();
        for path in gone {
            self.files.remove(&path);
        }
    }
}

impl Tree for Layers {
    fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, TreeError> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            match self.files.get(&path) {
                Some((_, Kept::Bytes(bytes))) => return Ok(bytes.into()),
                Some((_, Kept::Not(error))) => return Err(error.clone()),
                Some((_, Kept::Link(target))) => {
                    path = linked(&path, target);
                    if !self.files.contains_key(&path) {
                        return Err(TreeError::Refused(format!("it is a link to `{path}`, which was not kept")));
                    }
                }
                None => return Err(TreeError::Missing),
            }
        }
        Err(TreeError::Refused("its links lead in a circle".to_owned()))
    }

    fn folders(&self, _path: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Whether a path tells of installed packages, of who brought them, or of the distribution.
fn wanted(path: &str) -> bool {
    let list = path.starts_with("var/lib/dpkg/info/") && path.ends_with(".list");
    list || matches!(path, "etc/os-release" | "usr/lib/os-release")
        || path.ends_with(".dist-info/direct_url.json")
        || path.ends_with("/rpmdb.sqlite-wal")
        || use_of(path).is_some()
}

/// A name from the root without `.` and leading `/`; nothing where it has `..` or is the root itself.
fn inside(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() {
        return Some(String::new());
    }
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

/// Where a link leads, from where it stands; nothing in it leads above the root.
pub fn linked(path: &str, target: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> =
        if target.starts_with('/') { Vec::new() } else { folder.split('/').filter(|part| !part.is_empty()).collect() };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// A layer's tar, whatever it is packed with; its first bytes tell.
fn unpacked<'a>(stream: impl Read + 'a) -> Result<Box<dyn Read + 'a>, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "app/node_modules/a/package.json";
    const B: &str = "app/node_modules/b/package.json";

    fn layer(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn laid(each: &[Vec<u8>]) -> Layers {
        let mut layers = Layers::default();
        for (at, bytes) in each.iter().enumerate() {
            layers.add(bytes.as_slice(), &format!("sha256:{at}"));
        }
        layers
    }

    #[test]
    fn later_layers_replace_and_remove() {
        let base = layer(&[(A, "1"), (B, "1")]);
        assert_eq!(laid(&[base.clone(), layer(&[(A, "2")])]).read(A).unwrap()[..], *b"2");
        assert_eq!(laid(&[base.clone(), layer(&[("app/node_modules/a/.wh.package.json", "")])]).paths(), [B]);
        assert_eq!(laid(&[base.clone(), layer(&[("app/node_modules/.wh.a", "")])]).paths(), [B]);
        assert_eq!(laid(&[base.clone(), layer(&[("app/node_modules/a", "a file now")])]).paths(), [B]);
        // What the opaque layer itself brings stays, wherever in the layer it stands.
        let opaque = layer(&[(A, "3"), ("app/.wh..wh..opq", "")]);
        let layers = laid(&[base.clone(), opaque]);
        assert_eq!((layers.paths(), layers.read(A).unwrap().into_owned()), (vec![A.to_owned()], b"3".to_vec()));
        assert_eq!(layers.places()[A], "sha256:1");
        assert!(laid(&[base, layer(&[(".wh.app", "")])]).paths().is_empty());
    }

    #[test]
    fn nothing_hides_the_root() {
        let mut nameless = layer(&[("x", "")]);
        nameless[0] = b'/';
        let sum: u32 = nameless[..512].iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
        nameless[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        for hostile in [layer(&[(".wh.", "")]), nameless] {
            let layers = laid(&[layer(&[(A, "1")]), hostile]);
            assert_eq!((layers.paths(), layers.gaps.len()), (vec![A.to_owned()], 1));
        }
    }

    #[test]
    fn packed_layers_and_broken_ones() {
        let plain = layer(&[(A, "1"), (B, "1")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &plain).unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(laid(std::slice::from_ref(&gzip)).paths(), [A, B]);
        assert_eq!(laid(&[zstd::encode_all(plain.as_slice(), 1).unwrap()]).paths(), [A, B]);
        let broken = laid(&[plain.clone(), gzip[..gzip.len() / 2].to_vec(), layer(&[(A, "2")])]);
        assert_eq!((broken.gaps.len(), broken.read(A).unwrap().into_owned()), (1, b"2".to_vec()));
        assert_eq!(laid(&[plain[..700].to_vec()]).gaps.len(), 1);
    }

    #[test]
    fn links_stay_inside() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut link = |kind, path: &str, target: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            tar.append_link(&mut header, path, target).unwrap();
        };
        link(tar::EntryType::Symlink, "etc/os-release", "../../../usr/lib/os-release");
        link(tar::EntryType::Link, B, A);
        link(tar::EntryType::Symlink, "usr/lib/os-release", "../../etc/os-release");
        let links = tar.into_inner().unwrap();
        let layers = laid(&[layer(&[(A, "1"), ("usr/lib/os-release", "ID=x")]), links]);
        assert_eq!(layers.read(B).unwrap()[..], *b"1");
        assert!(matches!(layers.read("etc/os-release"), Err(TreeError::Refused(_))));
    }
}
