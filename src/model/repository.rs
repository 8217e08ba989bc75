//! The source repository that an address leads into, in one spelling.

/// Hosts whose addresses begin with owner and repository.
const FORGES: [&str; 5] = ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "opendev.org"];

/// `host/owner/name` in lower case, for an address of a public forge in any of its forms (`git+https://…`, `git@host:…`, a page
/// deep inside); nothing for other addresses.
#[must_use]
pub fn repository(address: &str) -> Option<String> {
    let lower = address.trim().to_ascii_lowercase();
    let bare = lower.strip_prefix("scm:").unwrap_or(&lower);
    let bare = bare.strip_prefix("git+").or_else(|| bare.strip_prefix("git:")).unwrap_or(bare);
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let bare = bare.rsplit_once('@').filter(|(user, _)| !user.contains('/')).map_or(bare, |(_, rest)| rest);
    let bare = bare.trim_start_matches('/').strip_prefix("www.").unwrap_or(bare.trim_start_matches('/'));
    let (host, path) = bare.split_once([':', '/'])?;
    let mut parts = path.split(['/', '#', '?', '@']).filter(|part| !part.is_empty());
    let (owner, name) = (parts.next()?, parts.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let plain = |part: &str| part.len() <= 100 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    (FORGES.contains(&host) && plain(owner) && plain(name) && !name.is_empty()).then(|| format!("{host}/{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_an_address_are_one_repository() {
        for address in [
            "https://github.com/Owner/Name",
            "git+https://github.com/owner/name.git#main",
            "git@github.com:owner/name.git",
            "ssh://git@github.com/owner/name.git",
            "scm:git:https://www.github.com/owner/name",
            "https://github.com/owner/name/commit/0123456789",
        ] {
            assert_eq!(repository(address).as_deref(), Some("github.com/owner/name"), "{address}");
        }
        for address in ["https://github.com/owner", "https://example.test/a/b", "", "github.com", "https://github.com/%2e%2e/x"] {
            assert_eq!(repository(address), None, "{address}");
        }
    }
}
