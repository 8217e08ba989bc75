//! Subject in, inventory out: what is there, where it stands, and what could not be read.
//!
//! `subject` tells what kind of thing the user named; `tree` gives files; `table` says which reader reads
//! which file; one file per format below `readers`. This room never uses the network, the mirror or a
//! policy, and never guesses a CPE.

pub mod desk;
pub mod elf;
pub mod graph;
pub mod image;
pub mod installed;
pub mod json;
pub mod readers;
pub mod rootfs;
pub mod rpm;
pub mod subject;
pub mod table;
pub mod text;
pub mod toml;
pub mod tree;
pub mod walk;
pub mod yaml;

use crate::model::cpe::CpeName;
use crate::model::dockerfile::Dockerfile;
use crate::model::package::{Gap, Location, Origin, Scope};
use crate::model::purl::Purl;
use graph::Graph;
use std::path::PathBuf;
use tree::Tree;

/// Why a subject could not be looked at at all.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// It does not exist.
    #[error("{name}: there is no such file or folder{hint}")]
    Missing {
        /// As the user named it.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// It cannot be read.
    #[error("reading {path}: {cause}")]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is not what its prefix or form says.
    #[error("{name}: {reason}")]
    Unreadable {
        /// As the user named it.
        name: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A glob pattern is wrong.
    #[error("the pattern `{pattern}`: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
}

/// What the user wants to be looked at.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Patterns of paths that are passed over, besides the default ones.
    pub exclude: Vec<String>,
    /// Scopes that are left out.
    pub omit: Vec<Scope>,
    /// Purl types that are looked at; all, if empty.
    pub ecosystems: Vec<String>,
    /// The distribution and release that listings without one come from, as `debian:12`.
    pub distro: Option<String>,
    /// Which image of an index, as `linux/amd64`.
    pub platform: Option<String>,
    /// The image that the subject is built upon.
    pub base: Option<String>,
}

/// One package as one line of one file gives it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its identity.
    pub purl: Purl,
    /// Its version as written.
    pub version: String,
    /// Byte offset of the line that names it.
    pub offset: usize,
    /// Where its bytes come from.
    pub origin: Origin,
    /// Digests.
    pub integrity: Vec<String>,
    /// Whether installing it runs a script of its own.
    pub install_script: bool,
    /// Whether its bytes are part of another package's, whose digest covers them.
    pub bundled: bool,
    /// What it is needed for.
    pub scope: Scope,
    /// CPE names that the file states.
    pub stated_cpes: Vec<CpeName>,
    /// Repositories that the package's own metadata name.
    pub repositories: Vec<String>,
    /// Who built it, as its database says.
    pub vendor: Option<String>,
    /// The rpm module it is of, `name:stream:version:context`.
    pub module: Option<String>,
}

impl Found {
    /// A production package from the public registry.
    #[must_use]
    pub fn new(purl: Purl, offset: usize) -> Self {
        Self {
            version: purl.full_version().into_owned(),
            purl,
            offset,
            origin: Origin::Public,
            integrity: Vec::new(),
            install_script: false,
            bundled: false,
            scope: Scope::Production,
            stated_cpes: Vec::new(),
            repositories: Vec::new(),
            vendor: None,
            module: None,
        }
    }
}

/// Something in a file that could not be used: byte offset and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blemish {
    /// Byte offset in the file.
    pub offset: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

impl Blemish {
    /// What is wrong at a byte offset.
    #[must_use]
    pub fn at(offset: usize, reason: impl Into<String>) -> Self {
        Self { offset, reason: reason.into() }
    }
}

/// A file for a reader: its text, and its neighbours where the format leaves something to them.
pub struct Source<'a> {
    /// The text, without a byte order mark.
    pub text: &'a str,
    /// Its path in the tree.
    pub path: &'a str,
    /// The files around it.
    pub tree: &'a dyn Tree,
    /// The distribution that the user names for listings without one.
    pub distro: Option<&'a str>,
}

impl Source<'_> {
    /// A path relative to this file's folder, kept inside the tree.
    #[must_use]
    pub fn relative(&self, path: &str) -> Option<String> {
        if path.contains("://") || path.starts_with('/') {
            return None;
        }
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for part in path.split(['/', '\\']) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                name => parts.push(name),
            }
        }
        Some(parts.join("/"))
    }

    /// The text of a neighbour; nothing where it is not there or cannot be read.
    #[must_use]
    pub fn beside(&self, path: &str) -> Option<String> {
        let bytes = self.tree.read(&self.relative(path)?).ok()?;
        Some(text::decode(bytes.into_owned()).text)
    }
}

/// What a reader makes of a file.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The packages.
    pub found: Vec<Found>,
    /// Entries that could not be used.
    pub blemishes: Vec<Blemish>,
    /// Other files of the tree that belong to this one, relative to it (`-r other.txt`).
    pub includes: Vec<Include>,
    /// Who asks for whom.
    pub graph: Graph,
    /// Files that a distribution's package brought and that would be judged by themselves without it.
    pub owned: Vec<Owned>,
    /// What it is, if it is a Dockerfile.
    pub dockerfile: Option<Dockerfile>,
    /// Bytes of all paths in its file lists.
    listed: usize,
}

/// Bytes of the paths of one database's file lists at most.
const MOST_LISTED: usize = 256 << 20;

/// A file that tells of a language package, and the distribution's package that brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Its path from the root, without the leading `/`.
    pub path: String,
    /// The name of the package that brought it.
    pub owner: String,
}

impl Reading {
    /// Notes something that could not be used.
    pub fn blemish(&mut self, offset: usize, reason: impl Into<String>) {
        self.blemishes.push(Blemish::at(offset, reason));
    }

    /// Notes a file of a distribution's package. A list may name one long folder for any number of files, so all paths are bounded.
    pub fn own(&mut self, offset: usize, folder: &str, name: &str, owner: &str) {
        let before = self.listed;
        self.listed = self.listed.saturating_add(folder.len() + name.len());
        if self.listed <= MOST_LISTED {
            let path = format!("{}/{name}", folder.trim_matches('/'));
            if installed::may_be_owned(&path) {
                self.owned.push(Owned { path, owner: owner.to_owned() });
            }
        } else if before <= MOST_LISTED {
            self.blemish(
                offset,
                format!("its file lists have more than {MOST_LISTED} bytes; what they own after that may be judged twice"),
            );
        }
    }

    /// Derives scopes from the graph, for formats that do not write them. Without roots every package counts as
    /// needed.
    pub fn settle_scopes(&mut self) {
        self.graph.settle_scopes(&mut self.found);
    }
}

/// A file that another one includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Path as written, relative to the including file.
    pub path: String,
    /// Where it is named.
    pub offset: usize,
}

/// A reader: a file in, packages out. An error means that nothing of the file can be trusted.
pub type Reader = fn(&Source<'_>) -> Result<Reading, Blemish>;

/// A file that is no text, for a reader.
pub struct Binary<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its path in the tree.
    pub path: &'a str,
    /// The files around it.
    pub tree: &'a dyn Tree,
    /// The distribution of the root, or as the user names it.
    pub distro: Option<&'a str>,
}

impl Binary<'_> {
    /// The bytes of the file whose name is this one's with something added; nothing where it is not there.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> Option<Vec<u8>> {
        self.tree.read(&format!("{}{suffix}", self.path)).ok().map(std::borrow::Cow::into_owned)
    }
}

/// A reader of files that are no text; its blemishes' offsets are told in their reasons, as there are no lines.
pub type BinaryReader = fn(&Binary<'_>) -> Result<Reading, Blemish>;

/// A gap at a place in a file.
#[must_use]
pub fn gap_at(path: &str, lines: &text::Lines, blemish: &Blemish) -> Gap {
    let (line, column) = lines.place(blemish.offset);
    let location = Location { line: Some(line), column: Some(column), ..Location::file(path) };
    Gap { location, reason: crate::facts::secrets::hide(&blemish.reason).into_owned() }
}
