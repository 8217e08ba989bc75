//! Bytes from a folder or over HTTPS: the only file that uses the HTTP client.
//!
//! A file comes back as a path to complete bytes on this disk, so that what reads it never deals with a
//! network. Answers that are not the file (an HTML page, 403, 404, 429, 503) are told apart.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

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
}

/// A source for an address or a folder. `raw` is where downloads are put.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub fn source(place: &str, raw: &Path) -> Result<Box<dyn Fetch>, FetchError> {
    if place.starts_with("https://") || place.starts_with("http://") {
        Ok(Box::new(Https::new(place, raw)?))
    } else {
        Ok(Box::new(Folder { root: PathBuf::from(place) }))
    }
}

/// Files in a folder: what is there is there.
pub struct Folder {
    root: PathBuf,
}

impl Fetch for Folder {
    fn place(&self) -> String {
        self.root.display().to_string()
    }

    fn must_be_whole(&self) -> bool {
        false
    }

    fn text(&self, name: &str) -> Result<Option<String>, FetchError> {
        let path = self.root.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(FetchError::File { action: "reading", path, cause }),
        }
    }

    fn file(&self, name: &str) -> Result<Option<PathBuf>, FetchError> {
        let path = self.root.join(name);
        Ok(path.is_file().then_some(path))
    }
}

/// Files under an address, downloaded with retries.
pub struct Https {
    base: String,
    raw: PathBuf,
    client: reqwest::blocking::Client,
}

const TRIES: u32 = 5;

impl Https {
    /// A client for the files under `base`.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub fn new(base: &str, raw: &Path) -> Result<Self, FetchError> {
        let base = base.trim_end_matches('/').to_owned();
        // Only the first caller installs the provider; for later ones it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::blocking::Client::builder()
            .user_agent(concat!("scacheck/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(20))
            .timeout(Duration::from_secs(900))
            .build()
            .map_err(|error| FetchError::Network { url: base.clone(), cause: chain(&error) })?;
        Ok(Self { base, raw: raw.to_owned(), client })
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let url = format!("{}/{name}", self.base);
        let mut last = FetchError::Network { url: url.clone(), cause: "no answer".to_owned() };
        for attempt in 0..TRIES {
            if attempt > 0 {
                sleep(Duration::from_millis(250 << attempt.min(6)));
            }
            match self.attempt(&url) {
                Ok(answer) => return Ok(answer),
                Err((error, retry)) => {
                    last = error;
                    match retry {
                        Retry::No => break,
                        Retry::After(pause) => sleep(pause),
                        Retry::Yes => {}
                    }
                }
            }
        }
        Err(last)
    }

    fn attempt(&self, url: &str) -> Result<Option<Vec<u8>>, (FetchError, Retry)> {
        let network = |error: &dyn std::error::Error| (FetchError::Network { url: url.to_owned(), cause: chain(error) }, Retry::Yes);
        let mut response = self.client.get(url).send().map_err(|error| network(&error))?;
        let status = response.status().as_u16();
        if status == 404 {
            return Ok(None);
        }
        if status != 200 {
            let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            return Err((FetchError::Status { url: url.to_owned(), status, advice: advice(status) }, retry_of(status, wait)));
        }
        let announced = response.content_length();
        let mut body = Vec::new();
        response.read_to_end(&mut body).map_err(|error| network(&error))?;
        if announced.is_some_and(|length| length != body.len() as u64) {
            return Err((FetchError::Network { url: url.to_owned(), cause: "the answer was cut short".to_owned() }, Retry::Yes));
        }
        let head = body[..body.len().min(64)].to_ascii_lowercase();
        if head.trim_ascii_start().starts_with(b"<html") || head.trim_ascii_start().starts_with(b"<!doctype") {
            return Err((FetchError::Html { url: url.to_owned() }, Retry::Yes));
        }
        Ok(Some(body))
    }
}

enum Retry {
    No,
    Yes,
    After(Duration),
}

fn retry_of(status: u16, wait: Option<u64>) -> Retry {
    match (status, wait) {
        (429 | 403 | 500..=599, Some(seconds)) => Retry::After(Duration::from_secs(seconds.min(60))),
        (429 | 403 | 500..=599, None) => Retry::Yes,
        _ => Retry::No,
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => "the server refuses this client: slow down, or check the credentials of the proxy",
        429 => "too many requests: try again later",
        500..=599 => "the server is in trouble: try again later",
        _ => "check the address",
    }
}

/// An error with its causes, which reqwest does not print by itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl Fetch for Https {
    fn place(&self) -> String {
        self.base.clone()
    }

    fn must_be_whole(&self) -> bool {
        true
    }

    fn text(&self, name: &str) -> Result<Option<String>, FetchError> {
        Ok(self.get(name)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn file(&self, name: &str) -> Result<Option<PathBuf>, FetchError> {
        let Some(bytes) = self.get(name)? else { return Ok(None) };
        let path = self.raw.join(name);
        let told = |action, path: &Path| {
            let path = path.to_owned();
            move |cause| FetchError::File { action, path, cause }
        };
        fs::create_dir_all(&self.raw).map_err(told("making", &self.raw))?;
        let part = path.with_extension("part");
        let mut file = File::create(&part).map_err(told("writing", &part))?;
        file.write_all(&bytes).map_err(told("writing", &part))?;
        fs::rename(&part, &path).map_err(told("naming", &path))?;
        Ok(Some(path))
    }
}
