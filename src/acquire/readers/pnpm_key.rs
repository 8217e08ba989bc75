//! The keys of pnpm-lock.yaml: `/a/1.0.0_peers` (version 5), `/a@1.0.0(peers)` (6), `a@1.0.0(peers)` (9).

use super::npm;

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Version 5.
    Slashes,
    /// Version 6.
    LeadingSlash,
    /// Version 9.
    Plain,
}

/// What a key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// The version; empty where the key holds an address instead.
    pub version: String,
    /// The address; empty for a package of the registry.
    pub address: String,
}

impl Layout {
    /// A key without its peers.
    #[must_use]
    pub fn without_peers(self, key: &str) -> &str {
        match self {
            Self::Slashes => {
                let at = key.rfind('/').unwrap_or(0);
                key[at..].find('_').map_or(key, |end| &key[..at + end])
            }
            Self::LeadingSlash | Self::Plain => key.find('(').map_or(key, |end| &key[..end]),
        }
    }

    /// Name and version of a key. An old key of an archive or repository says neither; its entry does.
    #[must_use]
    pub fn split(self, key: &str) -> Option<Key> {
        let plain = self.without_peers(key);
        let of = |name: &str, version: &str| Key { name: name.to_owned(), version: version.to_owned(), address: String::new() };
        match (self, plain.strip_prefix('/')) {
            (Self::Slashes, Some(path)) => path.rsplit_once('/').map(|(name, version)| of(name, version)),
            (Self::LeadingSlash, Some(path)) => npm::split_name(path).map(|(name, version)| of(name, version)),
            (Self::Plain, _) => {
                let (name, version) = npm::split_name(plain)?;
                let address = version.contains(':');
                let (version, address) = if address { ("", version) } else { (version, "") };
                Some(Key { address: address.to_owned(), ..of(name, version) })
            }
            (_, None) => {
                // `registry.example.test/a/1.0.0` is a package of another registry; the rest are addresses.
                Some(Key { name: String::new(), version: String::new(), address: format!("https://{}", plain.trim_start_matches('@')) })
            }
        }
    }

    /// The keys that a request for this version may lead to, the likeliest first.
    #[must_use]
    pub fn keys(self, name: &str, version: &str) -> Vec<String> {
        let own = match self {
            Self::Slashes => format!("/{name}/{version}"),
            Self::LeadingSlash => format!("/{name}@{version}"),
            Self::Plain => format!("{name}@{version}"),
        };
        // An alias or an address stands in the place of the version, whole.
        vec![own, version.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_version() {
        for (layout, key, name, version) in [
            (Layout::Slashes, "/a/1.0.0", "a", "1.0.0"),
            (Layout::Slashes, "/@s/a_b/1.0.0_@x+y@2.0.0", "@s/a_b", "1.0.0"),
            (Layout::LeadingSlash, "/@s/a@1.0.0(@x/y@2.0.0)(z@1.0.0)", "@s/a", "1.0.0"),
            (Layout::Plain, "@s/a@1.0.0(@x/y@2.0.0)", "@s/a", "1.0.0"),
            (Layout::Plain, "t@https://example.test/t.tgz", "t", ""),
        ] {
            let split = layout.split(key).unwrap();
            assert_eq!((split.name.as_str(), split.version.as_str()), (name, version), "{key}");
        }
        assert!(Layout::Plain.split("a").is_none() && Layout::Slashes.split("/a").is_none());
    }
}
