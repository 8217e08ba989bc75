//! Addresses, environments and instructions may carry a password or a token; none of them may reach a report.

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

/// Words in the name of a variable or flag whose value is taken for a secret. `GPG_KEY` and the like name public keys.
const NAMES: [&str; 11] =
    ["password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "private_key", "access_key", "credential", "auth_key"];
/// What follows a secret's name and is none: a place where the secret lies.
const PLACES: [&str; 5] = ["_file", "_path", "_dir", "_url", "_id"];
/// How tokens begin, and how many more characters they have at least (the issuers' documentation of their formats).
const TOKENS: [(&str, usize, &str); 13] = [
    ("AKIA", 16, "AWS access key"),
    ("ASIA", 16, "AWS access key"),
    ("ghp_", 30, "GitHub token"),
    ("gho_", 30, "GitHub token"),
    ("ghs_", 30, "GitHub token"),
    ("github_pat_", 30, "GitHub token"),
    ("glpat-", 20, "GitLab token"),
    ("npm_", 30, "npm token"),
    ("pypi-AgEI", 30, "PyPI token"),
    ("xoxb-", 20, "Slack token"),
    ("xoxp-", 20, "Slack token"),
    ("sk_live_", 20, "Stripe key"),
    ("eyJhbGciOi", 30, "signed token"),
];

/// Whether a variable or flag of that name holds a secret.
#[must_use]
pub fn names_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').replace('-', "_").to_ascii_lowercase();
    NAMES.iter().any(|word| name.contains(word)) && !PLACES.iter().any(|place| name.ends_with(place))
}

/// A text without its secrets, and what kinds there were. Values of variables and flags with a secret's name, tokens whose form is known,
/// private keys, passwords in addresses; a reference to a variable or file is none.
#[must_use]
pub fn redact(text: &str) -> (String, Vec<String>) {
    let mut kinds = Vec::new();
    let hidden = hide(text);
    if hidden != text {
        kinds.push("password or token in an address".to_owned());
    }
    let hidden = without_key(hidden, &mut kinds);
    let mut out = String::with_capacity(hidden.len());
    let (mut rest, mut flag) = (hidden.as_ref(), None::<String>);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        out.push_str(&rest[..end]);
        rest = &rest[end..];
        let word = &rest[..word_end(rest)];
        rest = &rest[word.len()..];
        let (shown, kind) = match flag.take() {
            Some(name) if !refers(word) => ("***".to_owned(), Some(format!("value of {name}"))),
            _ => shown_word(word),
        };
        flag = (word.starts_with("--") && !word.contains('=') && names_secret(word)).then(|| word.to_owned());
        out.push_str(&shown);
        kinds.extend(kind);
    }
    (out, kinds)
}

/// A text without the private keys in it (RFC 7468, section 10 and its likes), from the first to the last.
fn without_key<'a>(text: Cow<'a, str>, kinds: &mut Vec<String>) -> Cow<'a, str> {
    let begin = text.find("-----BEGIN ").filter(|at| text[*at..].split("-----").nth(1).is_some_and(|label| label.ends_with("PRIVATE KEY")));
    let Some(begin) = begin else { return text };
    kinds.push("private key".to_owned());
    let end = text.rfind("PRIVATE KEY-----").map_or(text.len(), |at| at + "PRIVATE KEY-----".len());
    format!("{}***{}", &text[..begin], &text[end..]).into()
}

/// Where a word ends; quotes hold it together.
fn word_end(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => return at,
            _ => {}
        }
    }
    // A quote that does not end holds nothing together.
    if quote.is_some() { text.find(char::is_whitespace).unwrap_or(text.len()) } else { text.len() }
}

fn shown_word(word: &str) -> (String, Option<String>) {
    if let Some((name, value)) = word.split_once('=') {
        let bare =
            name.trim_matches(['"', '\'']).rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next().unwrap_or_default();
        if names_secret(bare) && !refers(value) {
            return (format!("{name}=***"), Some(format!("value of {}", bare.trim_start_matches('-'))));
        }
    }
    for (start, least, kind) in TOKENS {
        let Some(at) = word.find(start) else { continue };
        let body = &word[at + start.len()..];
        let length = body.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(body.len());
        if length >= least {
            return (format!("{}***{}", &word[..at], &body[length..]), Some(kind.to_owned()));
        }
    }
    (word.to_owned(), None)
}

/// Whether a value is nothing, or says where the secret is instead of what.
fn refers(value: &str) -> bool {
    let plain = value.trim_matches(['"', '\'', ';', ',']);
    plain.is_empty() || plain.starts_with(['$', '<', '`', '/']) || plain == "***" || plain == "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_and_never_shown() {
        for (text, shown, kinds) in [
            ("RUN |1 NPM_TOKEN=abc GPG_KEY=A1 npm ci", "RUN |1 NPM_TOKEN=*** GPG_KEY=A1 npm ci", vec!["value of NPM_TOKEN"]),
            ("POSTGRES_PASSWORD_FILE=/run/x", "POSTGRES_PASSWORD_FILE=/run/x", vec![]),
            ("DB_PASSWORD=\"my long secret\" x", "DB_PASSWORD=*** x", vec!["value of DB_PASSWORD"]),
            ("login --password hunter2 --user me", "login --password *** --user me", vec!["value of --password"]),
            ("login --password $PW TOKEN=$(cat /x) --token=${T}", "login --password $PW TOKEN=$(cat /x) --token=${T}", vec![]),
            ("x AKIAABCDEFGHIJKLMNOP y", "x *** y", vec!["AWS access key"]),
            ("curl https://me:pw@h.test/x", "curl https://h.test/x", vec!["password or token in an address"]),
            ("echo '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----' > k", "echo '***' > k", vec!["private key"]),
            ("it's PASSWORD=x", "it's PASSWORD=***", vec!["value of PASSWORD"]),
        ] {
            assert_eq!(redact(text), (shown.to_owned(), kinds.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }

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
