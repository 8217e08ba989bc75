//! Bytes from a folder, an address, or several of them in order.
//!
//! A file comes back as a path to complete bytes on this disk, so that what reads it never deals with a
//! network (`https.rs` does). Answers that are not the file (an HTML page, 403, 404, 429, 503) are told apart.

use super::https::{Https, LARGEST_FILE, Shared};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server said no.
    #[error("{url}: the server answered {status}; {advice}")]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
        /// The one thing to do.
        advice: &'static str,
    },
    /// The connection failed or broke.
    #[error("{url}: {cause}; check the address, the proxy (HTTPS_PROXY) and the network")]
    Network {
        /// What was asked for.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The server answered with a page for people.
    #[error("{url}: the server answered with an HTML page instead of the file: a proxy or a block stands in between")]
    Html {
        /// What was asked for.
        url: String,
    },
    /// The server's answer is not what was asked for.
    #[error("{url}: the answer does not read: {cause}; try again later")]
    Answer {
        /// What was asked for.
        url: String,
        /// What is wrong.
        cause: String,
    },
    /// The file does not end.
    #[error("{url}: it has more than {LARGEST_FILE} bytes, which no feed has")]
    Endless {
        /// What was asked for.
        url: String,
    },
    /// A file operation failed.
    #[error("{action} {path}: {cause}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// Where the files of a source come from.
pub trait Fetch: Sync {
    /// The place, for messages.
    fn place(&self) -> String;
    /// Whether everything that is asked for must be there.
    fn must_be_whole(&self) -> bool;
    /// A small text file; nothing if it does not exist.
    ///
    /// # Errors
    /// When it cannot be told whether the file exists, or it cannot be read.
    fn text(&self, name: &str) -> Result<Option<String>, FetchError>;
    /// A path to the complete bytes of a file; nothing if it does not exist.
    ///
    /// # Errors
    /// When the file cannot be had whole.
    fn file(&self, name: &str) -> Result<Option<PathBuf>, FetchError>;
    /// Forgets a downloaded file that turned out to be damaged, so that it is fetched anew.
    fn discard(&self, name: &str);
    /// Bytes that a first [`Fetch::file`] would have to carry here; nothing where that is not known or none.
    fn size(&self, name: &str) -> Option<u64>;
}

/// How addresses are reached.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    /// Certificates (PEM) that are trusted beside the public ones.
    pub ca: Option<PathBuf>,
    /// What all addresses share: connections, certificates.
    pub shared: Shared,
}

/// A source for addresses or folders that hold the same files; the first that answers is used. A file whose name is
/// empty is the address itself. `raw` is where downloads are put.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub fn source(places: &[String], raw: &Path, transport: &Transport) -> Result<Box<dyn Fetch>, FetchError> {
    let single = |(at, place): (usize, &String)| -> Result<Box<dyn Fetch>, FetchError> {
        if place.starts_with("https://") || place.starts_with("http://") {
            let raw = if at == 0 { raw.to_owned() } else { raw.join(format!("mirror-{at}")) };
            Ok(Box::new(Https::new(place, &raw, transport)?))
        } else {
            Ok(Box::new(Folder { root: PathBuf::from(place) }))
        }
    };
    let mut sources = places.iter().enumerate().map(single).collect::<Result<Vec<_>, _>>()?;
    match sources.pop() {
        Some(only) if sources.is_empty() => Ok(only),
        last => Ok(Box::new(Ordered { sources: sources.into_iter().chain(last).collect(), from: AtomicUsize::new(0) })),
    }
}

/// Places with the same files.
struct Ordered {
    sources: Vec<Box<dyn Fetch>>,
    /// The place to ask first.
    from: AtomicUsize,
}

impl Ordered {
    /// The first answer that is a file. A place that failed is asked last from then on; nothing is only said to be absent
    /// where every place says so.
    fn first<T>(&self, ask: impl Fn(&dyn Fetch) -> Result<Option<T>, FetchError>) -> Result<Option<T>, FetchError> {
        let from = self.from.load(Ordering::Relaxed).min(self.sources.len());
        let mut failed = None;
        for at in (from..self.sources.len()).chain(0..from) {
            match ask(&*self.sources[at]) {
                Ok(Some(answer)) => return Ok(Some(answer)),
                Ok(None) => {}
                Err(error) => {
                    if at == from && at + 1 < self.sources.len() {
                        self.from.store(at + 1, Ordering::Relaxed);
                    }
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(None), Err)
    }
}

impl Fetch for Ordered {
    fn place(&self) -> String {
        self.sources.iter().map(|source| source.place()).collect::<Vec<_>>().join(", ")
    }

    fn must_be_whole(&self) -> bool {
        self.sources.iter().all(|source| source.must_be_whole())
    }

    fn text(&self, name: &str) -> Result<Option<String>, FetchError> {
        self.first(|source| source.text(name))
    }

    fn file(&self, name: &str) -> Result<Option<PathBuf>, FetchError> {
        self.first(|source| source.file(name))
    }

    fn discard(&self, name: &str) {
        self.sources.iter().for_each(|source| source.discard(name));
    }

    fn size(&self, name: &str) -> Option<u64> {
        self.sources.iter().skip(self.from.load(Ordering::Relaxed)).find_map(|source| source.size(name))
    }
}

/// Files in a folder: what is there is there.
struct Folder {
    root: PathBuf,
}

impl Folder {
    fn at(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }
}

impl Fetch for Folder {
    fn place(&self) -> String {
        self.root.display().to_string()
    }

    fn must_be_whole(&self) -> bool {
        false
    }

    fn text(&self, name: &str) -> Result<Option<String>, FetchError> {
        let path = self.at(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(FetchError::File { action: "reading", path, cause }),
        }
    }

    fn file(&self, name: &str) -> Result<Option<PathBuf>, FetchError> {
        let path = self.at(name);
        Ok(path.is_file().then_some(path))
    }

    fn discard(&self, _name: &str) {}

    fn size(&self, _name: &str) -> Option<u64> {
        None
    }
}
