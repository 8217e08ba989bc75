//! A container image: an archive as `docker save` writes it, or an OCI layout in an archive or folder (OCI image specification 1.1).
//!
//! Layers are read once, lowest first, as streams; nothing is unpacked to disk. What tells of installed packages is kept in memory,
//! and what a later layer replaces or removes (whiteouts, opaque folders) is dropped again.

use super::desk::Desk;
use super::layers::{Layers, linked};
use super::tree::Tree;
use super::{AcquireError, Selection, rootfs};
use crate::model::package::{Inventory, SubjectKind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Manifests, indexes and configurations are smaller than this.
const LARGEST_PAPER: u64 = 8 << 20;

/// Members of an archive at most.
const MOST_MEMBERS: usize = 100_000;

/// Looks at an image.
///
/// # Errors
/// When it is no image; a layer that does not read is a gap.
pub fn acquire(name: &str, selection: &Selection) -> Result<Inventory, AcquireError> {
    let unreadable = |reason: String| AcquireError::Unreadable { name: name.to_owned(), reason };
    let path = Path::new(name);
    if !path.exists() {
        let hint = format!("; if this is the name of an image, save it first: `docker save {name} -o image.tar`");
        return Err(AcquireError::Missing { name: name.to_owned(), hint });
    }
    let blobs = Blobs::open(path).map_err(unreadable)?;
    let plan = blobs.plan().map_err(unreadable)?;
    let mut desk = Desk::new(SubjectKind::Image, name, selection);
    desk.subject.digest = plan.digest.clone();
    let mut layers = Layers::default();
    for (at, layer) in plan.layers.iter().enumerate() {
        let digest = plan.digests.get(at).unwrap_or(layer);
        match blobs.stream(layer) {
            Ok(stream) => layers.add(stream, digest),
            Err(reason) => layers.fail(digest, &reason),
        }
    }
    desk.gaps.append(&mut layers.gaps);
    desk.layers = layers.places();
    let paths = layers.paths();
    rootfs::read_all(&layers as &dyn Tree, &paths, &mut desk);
    Ok(desk.finish())
}

/// Whether a file is an archive that holds an image.
#[must_use]
pub fn is_image(path: &Path) -> bool {
    if path.is_dir() {
        return path.join("oci-layout").is_file() && path.join("index.json").is_file();
    }
    let mut head = [0; 512];
    let whole = File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok();
    whole && &head[257..262] == b"ustar"
}

/// The layers of one image, lowest first.
#[derive(Debug, Default)]
struct Plan {
    layers: Vec<String>,
    digests: Vec<String>,
    digest: Option<String>,
}

/// Where the parts of an image are.
enum Blobs {
    Folder(PathBuf),
    Archive { path: PathBuf, members: BTreeMap<String, Member> },
}

/// A member of an archive.
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// Old versions of `docker save` write equal layers as links.
    Link(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: Option<RootFs>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

impl Blobs {
    fn open(path: &Path) -> Result<Self, String> {
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let mut head = [0; 2];
        if file.read_exact(&mut head).is_ok() && head == [0x1f, 0x8b] {
            return Err("it is packed with gzip: unpack it first (`gunzip`)".to_owned());
        }
        file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
        let mut members = BTreeMap::new();
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries_with_seek().map_err(|error| error.to_string())? {
            let entry = entry.map_err(|error| format!("it is no tar archive, or one that was cut off: {error}"))?;
            let name = entry.path().map_err(|error| error.to_string())?.to_string_lossy().trim_start_matches("./").to_owned();
            let member = match entry.link_name().ok().flatten() {
                Some(target) => Member::Link(target.to_string_lossy().into_owned()),
                None => Member::File { offset: entry.raw_file_position(), size: entry.size() },
            };
            members.insert(name, member);
            if members.len() > MOST_MEMBERS {
                return Err(format!("it has more than {MOST_MEMBERS} members, which no image has"));
            }
        }
        Ok(Self::Archive { path: path.to_owned(), members })
    }

    /// The bytes of a part.
    fn stream(&self, name: &str) -> Result<Box<dyn Read>, String> {
        match self {
            Self::Folder(folder) => {
                if name.split('/').any(|part| part == "..") || name.starts_with('/') {
                    return Err(format!("`{name}` leads out of the image"));
                }
                let file = File::open(folder.join(name)).map_err(|error| format!("`{name}`: {error}"))?;
                Ok(Box::new(file))
            }
            Self::Archive { path, members } => {
                let mut name = name.to_owned();
                for _ in 0..4 {
                    match members.get(&name) {
                        Some(Member::File { offset, size }) => {
                            let mut file = File::open(path).map_err(|error| error.to_string())?;
                            file.seek(SeekFrom::Start(*offset)).map_err(|error| error.to_string())?;
                            return Ok(Box::new(file.take(*size)));
                        }
                        Some(Member::Link(target)) => name = linked(&name, target),
                        None => break,
                    }
                }
                Err(format!("`{name}` is not in the archive: was the image saved whole?"))
            }
        }
    }

    fn paper<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let mut bytes = Vec::new();
        let read = self.stream(name)?.take(LARGEST_PAPER + 1).read_to_end(&mut bytes).map_err(|error| format!("`{name}`: {error}"))?;
        if read as u64 > LARGEST_PAPER {
            return Err(format!("`{name}` has more than {LARGEST_PAPER} bytes"));
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("`{name}`: {error}"))
    }

    fn plan(&self) -> Result<Plan, String> {
        let saved = self.paper::<Vec<Saved>>("manifest.json");
        if let Ok(saved) = &saved {
            let tags = || saved.iter().flat_map(|one| one.repo_tags.iter().flatten().cloned()).collect::<Vec<_>>().join(", ");
            return match saved.as_slice() {
                [one] => {
                    let config: Config = self.paper(&one.config)?;
                    let digests = config.rootfs.map(|rootfs| rootfs.diff_ids).unwrap_or_default();
                    Ok(Plan { layers: one.layers.clone(), digests, digest: None })
                }
                [] => Err("its manifest.json names no image".to_owned()),
                more => Err(format!("it holds {} images ({}): save one of them", more.len(), tags())),
            };
        }
        let why = saved.err().unwrap_or_default();
        let neither = |reason| format!("it is no image: neither manifest.json nor index.json reads ({why}; {reason})");
        let index: Index = self.paper("index.json").map_err(neither)?;
        let manifest = self.chosen(index, 0)?;
        let digest = manifest.digest.clone();
        let manifest: Manifest = self.paper(&blob(&manifest.digest)?)?;
        let config: Config = self.paper(&blob(&manifest.config.digest)?)?;
        let layers = manifest.layers.iter().map(|layer| blob(&layer.digest)).collect::<Result<_, _>>()?;
        Ok(Plan { layers, digests: config.rootfs.map(|rootfs| rootfs.diff_ids).unwrap_or_default(), digest: Some(digest) })
    }

    /// The one manifest of an index, through nested indexes; attestations are none.
    fn chosen(&self, index: Index, depth: u8) -> Result<Descriptor, String> {
        let real = |one: &Descriptor| one.platform.as_ref().is_none_or(|platform| platform.os != "unknown");
        let mut manifests: Vec<Descriptor> = index.manifests.into_iter().filter(real).collect();
        let names = |all: &[Descriptor]| {
            let name =
                |one: &Descriptor| one.platform.as_ref().map_or_else(|| one.digest.clone(), |p| format!("{}/{}", p.os, p.architecture));
            all.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        match (manifests.pop(), manifests.is_empty()) {
            (Some(one), true) if one.media_type.ends_with("image.index.v1+json") || one.media_type.ends_with("manifest.list.v2+json") => {
                if depth > 3 {
                    return Err("its indexes are nested too deep".to_owned());
                }
                let inner: Index = self.paper(&blob(&one.digest)?)?;
                self.chosen(inner, depth + 1)
            }
            (Some(one), true) => Ok(one),
            (Some(one), false) => {
                manifests.push(one);
                Err(format!("it holds images for {}: save one of them", names(&manifests)))
            }
            (None, _) => Err("its index names no image".to_owned()),
        }
    }
}

/// Where a layout keeps a digest's blob.
fn blob(digest: &str) -> Result<String, String> {
    let (kind, hex) = digest.split_once(':').ok_or_else(|| format!("`{digest}` is no digest"))?;
    let sound = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if sound(kind) && sound(hex) { Ok(format!("blobs/{kind}/{hex}")) } else { Err(format!("`{digest}` is no digest")) }
}
