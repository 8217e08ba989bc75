//! Downloads over HTTPS: the only file that uses the HTTP client.
//!
//! A download that broke off goes on where it was, and one that the server has not changed is not fetched again (its ETag
//! is kept beside it).

use super::fetch::{Fetch, FetchError, Transport};
use reqwest::blocking::Response;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::Duration;

/// Files under an address, downloaded with retries.
pub struct Https {
    base: String,
    raw: PathBuf,
    client: reqwest::blocking::Client,
}

const TRIES: u32 = 5;
/// Bytes of a downloaded file at most.
pub(super) const LARGEST_FILE: u64 = 4 << 30;
/// Bytes of an answer to a question at most; two thousand records of the NVD are about 15 MB.
const LARGEST_PAGE: u64 = 256 << 20;
/// Bytes of a small text at most.
const LARGEST_TEXT: u64 = 1 << 20;

impl Https {
    /// A client for the files under `base`.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub fn new(base: &str, raw: &Path, transport: &Transport) -> Result<Self, FetchError> {
        let base = base.trim_end_matches('/').to_owned();
        let client = transport.shared.client(transport.ca.as_deref())?;
        Ok(Self { base, raw: raw.to_owned(), client })
    }

    fn address(&self, name: &str) -> String {
        if name.is_empty() { self.base.clone() } else { format!("{}/{name}", self.base) }
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.raw.join(if name.is_empty() { "file" } else { name })
    }

    /// The address of a question, as it may be shown.
    pub(super) fn shown(&self, question: &str) -> String {
        shown(&format!("{}{question}", self.base))
    }

    /// One attempt at a question that is no file: the whole answer, or why not and whether to try again. 404 is an answer
    /// like others.
    pub(super) fn attempt(&self, question: &str, key: Option<&str>) -> Result<Vec<u8>, (FetchError, Retry)> {
        let url = format!("{}{question}", self.base);
        let headers: Vec<_> = key.map(|key| ("apiKey", key.to_owned())).into_iter().collect();
        let absent = || (FetchError::Status { url: shown(&url), status: 404, advice: advice(404) }, Retry::No);
        let response = self.ask(&url, &headers)?.ok_or_else(absent)?;
        let announced = response.content_length();
        let mut body = Vec::new();
        response.take(LARGEST_PAGE).read_to_end(&mut body).map_err(|error| (network(&url, &error), Retry::Yes))?;
        if announced.is_some_and(|announced| announced != body.len() as u64) {
            return Err((FetchError::Network { url: shown(&url), cause: "the answer was cut short".to_owned() }, Retry::Yes));
        }
        if is_page(&body) {
            return Err((FetchError::Html { url: shown(&url) }, Retry::Yes));
        }
        Ok(body)
    }

    /// Tries again after a pause that doubles, with some chance in it so that many clients do not come back at once.
    fn persist<T>(&self, url: &str, mut attempt: impl FnMut() -> Result<T, (FetchError, Retry)>) -> Result<T, FetchError> {
        let mut last = FetchError::Network { url: shown(url), cause: "no answer".to_owned() };
        for round in 0..TRIES {
            if round > 0 {
                let chance = RandomState::new().hash_one(round) % 250;
                sleep(Duration::from_millis((250 << round.min(6)) + chance));
            }
            match attempt() {
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

    /// Sends a request; gives the answer where it is one of the expected kinds, and nothing for 404.
    fn ask(&self, url: &str, headers: &[(&str, String)]) -> Result<Option<Response>, (FetchError, Retry)> {
        let request = headers.iter().fold(self.client.get(url), |request, (name, value)| request.header(*name, value));
        let response = request.send().map_err(|error| (network(url, &error), Retry::Yes))?;
        let status = response.status().as_u16();
        match status {
            200 | 206 | 304 => Ok(Some(response)),
            404 => Ok(None),
            _ => {
                let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                Err((FetchError::Status { url: shown(url), status, advice: advice(status) }, retry_of(status, wait)))
            }
        }
    }

    fn get_text(&self, url: &str) -> Result<Option<String>, (FetchError, Retry)> {
        let Some(response) = self.ask(url, &[])? else { return Ok(None) };
        let mut body = Vec::new();
        response.take(LARGEST_TEXT).read_to_end(&mut body).map_err(|error| (network(url, &error), Retry::Yes))?;
        if is_page(&body) {
            return Err((FetchError::Html { url: shown(url) }, Retry::Yes));
        }
        Ok(Some(String::from_utf8_lossy(&body).into_owned()))
    }

    /// One attempt at a file; what comes before a break is kept for the next.
    fn download(&self, url: &str, path: &Path) -> Result<Option<()>, (FetchError, Retry)> {
        let disk = |action, path: &Path, cause| (FetchError::File { action, path: path.to_owned(), cause }, Retry::No);
        let (part, tag) = (suffixed(path, "part"), suffixed(path, "etag"));
        let part_tag = suffixed(path, "part-etag");
        let known = |path: &Path| fs::read_to_string(path).ok().filter(|tag| !tag.is_empty());
        let have = fs::metadata(&part).map_or(0, |meta| meta.len());
        let headers = match (known(&part_tag), known(&tag)) {
            (Some(tag), _) if have > 0 => vec![("range", format!("bytes={have}-")), ("if-range", tag)],
            (_, Some(tag)) if path.is_file() => vec![("if-none-match", tag)],
            _ => Vec::new(),
        };
        let Some(mut response) = self.ask(url, &headers)? else { return Ok(None) };
        if response.status().as_u16() == 304 {
            return Ok(Some(()));
        }
        let goes_on = response.status().as_u16() == 206 && have > 0;
        let new_tag = response.headers().get("etag").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let announced = response.content_length();
        fs::write(&part_tag, &new_tag).map_err(|cause| disk("writing", &part_tag, cause))?;
        let mut file = File::options().create(true).append(true).open(&part).map_err(|cause| disk("opening", &part, cause))?;
        let start = if goes_on { have } else { 0 };
        file.set_len(start).map_err(|cause| disk("writing", &part, cause))?;
        let (mut buffer, mut length, mut first) = (vec![0; 1 << 16], 0_u64, true);
        loop {
            let count = response.read(&mut buffer).map_err(|error| (network(url, &error), Retry::Yes))?;
            if count == 0 {
                break;
            }
            if std::mem::take(&mut first) && !goes_on && is_page(&buffer[..count]) {
                return Err((FetchError::Html { url: shown(url) }, Retry::Yes));
            }
            length += count as u64;
            if start + length > LARGEST_FILE {
                let _ = fs::remove_file(&part);
                return Err((FetchError::Endless { url: shown(url) }, Retry::No));
            }
            file.write_all(&buffer[..count]).map_err(|cause| disk("writing", &part, cause))?;
        }
        if announced.is_some_and(|announced| announced != length) {
            return Err((FetchError::Network { url: shown(url), cause: "the answer was cut short".to_owned() }, Retry::Yes));
        }
        drop(file);
        let _ = fs::remove_file(&part_tag);
        fs::rename(&part, path).map_err(|cause| disk("naming", path, cause))?;
        fs::write(&tag, new_tag).map_err(|cause| disk("writing", &tag, cause))?;
        Ok(Some(()))
    }
}

/// An address as it may be shown: without user name and password.
fn shown(url: &str) -> String {
    match url.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('/').unwrap_or((rest, "")))) {
        Some((scheme, (authority, path))) if authority.contains('@') => {
            format!("{scheme}://{}/{path}", authority.rsplit('@').next().unwrap_or_default())
        }
        _ => url.to_owned(),
    }
}

fn network(url: &str, error: &dyn std::error::Error) -> FetchError {
    FetchError::Network { url: shown(url), cause: chain(error).replace(url, &shown(url)) }
}

fn is_page(bytes: &[u8]) -> bool {
    let head = bytes[..bytes.len().min(64)].to_ascii_lowercase();
    head.trim_ascii_start().starts_with(b"<html") || head.trim_ascii_start().starts_with(b"<!doctype")
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// One client for all addresses: each has its own thread and its own copy of the public certificates.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<OnceLock<reqwest::blocking::Client>>);

impl Shared {
    fn client(&self, ca: Option<&Path>) -> Result<reqwest::blocking::Client, FetchError> {
        if let Some(client) = self.0.get() {
            return Ok(client.clone());
        }
        // Only the first caller installs the provider; for later ones it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = ca.map(certificates).transpose()?.unwrap_or_default();
        let client = own
            .into_iter()
            .fold(reqwest::blocking::Client::builder(), reqwest::blocking::ClientBuilder::add_root_certificate)
            .user_agent(concat!("scacheck/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(20))
            // Of a blocking client this is the longest silence, not the longest download.
            .timeout(Duration::from_secs(60))
            .build()
            .map_err(|error| FetchError::Network { url: "the HTTP client".to_owned(), cause: chain(&error) })?;
        Ok(self.0.get_or_init(|| client).clone())
    }
}

/// The certificates in a PEM file.
fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, FetchError> {
    let told = |cause| FetchError::File { action: "reading", path: path.to_owned(), cause };
    let bytes = fs::read(path).map_err(told)?;
    let found = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| told(std::io::Error::other(chain(&error))))?;
    if found.is_empty() { Err(told(std::io::Error::other("it holds no certificate (PEM)"))) } else { Ok(found) }
}

/// Whether another attempt has a chance.
pub(super) enum Retry {
    /// No.
    No,
    /// Yes.
    Yes,
    /// After the time that the server asks for.
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
        shown(&self.base)
    }

    fn must_be_whole(&self) -> bool {
        true
    }

    fn text(&self, name: &str) -> Result<Option<String>, FetchError> {
        let url = self.address(name);
        self.persist(&url, || self.get_text(&url))
    }

    fn file(&self, name: &str) -> Result<Option<PathBuf>, FetchError> {
        let (url, path) = (self.address(name), self.kept(name));
        let folder = path.parent().unwrap_or(&self.raw).to_owned();
        fs::create_dir_all(&folder).map_err(|cause| FetchError::File { action: "making", path: folder.clone(), cause })?;
        let had = self.persist(&url, || self.download(&url, &path))?;
        Ok(had.map(|()| path))
    }

    fn discard(&self, name: &str) {
        let path = self.kept(name);
        let _ = fs::remove_file(suffixed(&path, "etag"));
        let _ = fs::remove_file(path);
    }

    fn size(&self, name: &str) -> Option<u64> {
        if self.kept(name).is_file() {
            return None;
        }
        let response = self.client.head(self.address(name)).send().ok().filter(|response| response.status().is_success())?;
        let page = response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if page {
            return None;
        }
        response.headers().get("content-length")?.to_str().ok()?.parse().ok()
    }
}
