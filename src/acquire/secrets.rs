//! Addresses in lockfiles may carry a password or a token; none of them may reach a report.

use std::borrow::Cow;

/// Words in the name of a query parameter whose value is taken for a secret.
const SECRET: [&str; 6] = ["token", "key", "password", "passwd", "secret", "sig"];

/// The text with the user information of its addresses and the values of secret query parameters left out. The user
/// name of an ssh address is no secret and stays.
#[must_use]
pub fn hide(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (front, after) = rest.split_at(at + 3);
        out.push_str(front);
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>|".contains(c)).unwrap_or(after.len());
        let (address, tail) = after.split_at(end);
        push_address(&mut out, address, front.ends_with("ssh://"));
        rest = tail;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn push_address(out: &mut String, address: &str, ssh: bool) {
    let host_end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (authority, path) = address.split_at(host_end);
    match authority.rsplit_once('@') {
        Some((user, host)) if ssh && !user.contains(':') => out.extend([user, "@", host]),
        Some((_, host)) => out.push_str(host),
        None => out.push_str(authority),
    }
    let Some((path, query)) = path.split_once('?') else { return out.push_str(path) };
    let (query, fragment) = query.split_once('#').map_or((query, None), |(query, fragment)| (query, Some(fragment)));
    out.extend([path, "?"]);
    for (index, pair) in query.split('&').enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let secret = !value.is_empty() && SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word));
        out.extend([if index > 0 { "&" } else { "" }, if secret { name } else { pair }, if secret { "=…" } else { "" }]);
    }
    out.extend(fragment.map(|fragment| format!("#{fragment}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_left_out() {
        for (text, shown) in [
            ("git+https://me:pw@git.example.test/a.git#1", "git+https://git.example.test/a.git#1"),
            ("https://tok3n@example.test/a?private_token=x&rev=2#f", "https://example.test/a?private_token=…&rev=2#f"),
            ("git+ssh://git@example.test/a.git", "git+ssh://git@example.test/a.git"),
            ("ssh://git:pw@example.test/a", "ssh://example.test/a"),
            ("`a @ https://u:p@h/x` and https://u:p@h", "`a @ https://h/x` and https://h"),
            ("https://h/@scope/x", "https://h/@scope/x"),
            ("plain", "plain"),
        ] {
            assert_eq!(hide(text), shown);
        }
    }
}
