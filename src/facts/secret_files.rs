//! Files that look like somebody's secret: by their place, and by what stands at their front.

/// Bytes at the front of a file that tell whether it is a secret.
pub const HEAD: u64 = 4096;

/// What must stand in a file for it to be a secret; nothing where its place says enough.
type Sign = Option<&'static [u8]>;

/// The kind of secret that a path may hold, and the sign of it.
#[must_use]
pub fn secret_kind(path: &str) -> Option<(&'static str, Sign)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = folder.rsplit('/').next().unwrap_or_default();
    match (parent, name) {
        (_, "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519") => Some(("ssh private key", Some(b"PRIVATE KEY"))),
        (".aws", "credentials") => Some(("AWS credentials", Some(b"aws_secret_access_key"))),
        (".kube", "config") => Some(("Kubernetes credentials", Some(b"users:"))),
        (".docker", "config.json") => Some(("registry credentials", Some(b"\"auth\""))),
        (_, ".git-credentials") => Some(("git credentials", Some(b"://"))),
        (_, ".netrc") => Some(("login for a host", Some(b"password"))),
        (_, ".pypirc") => Some(("package index credentials", Some(b"password"))),
        (_, ".npmrc") => Some(("npm credentials", Some(b"_auth"))),
        (_, ".env") => Some(("environment file", None)),
        _ if name.ends_with(".key") || name.ends_with(".pem") => Some(("private key", Some(b"PRIVATE KEY"))),
        _ => None,
    }
}

/// Whether the front of a file has a sign.
#[must_use]
pub fn shows(head: &[u8], sign: Sign) -> bool {
    sign.is_none_or(|sign| head.windows(sign.len()).any(|window| window == sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_a_sign_make_a_secret() {
        let kind = |path: &str, head: &[u8]| secret_kind(path).is_some_and(|(_, sign)| shows(head, sign));
        assert!(kind("root/.ssh/id_rsa", b"-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(!kind("etc/ssl/certs/a.pem", b"-----BEGIN CERTIFICATE-----") && kind("srv/tls.key", b"-----BEGIN PRIVATE KEY-----"));
        assert!(kind("app/.env", b"") && !kind("root/.npmrc", b"registry=https://x.test") && !kind("usr/share/doc", b""));
    }
}
