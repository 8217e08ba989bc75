//! The name of a base image: on the list, by version, pinned by its digest (CIS Docker Benchmark 1.6, 4.2 and 4.5).

use crate::model::hardening::{Lists, RuleId};
use globset::GlobBuilder;

/// Judges a name as `FROM` writes it, build arguments filled in.
pub fn judge(name: &str, lists: &Lists) -> Vec<(RuleId, String)> {
    if name == "scratch" {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    if let Some(allowed) = &lists.base_images
        && !listed(allowed, name)
        && !listed(allowed, &whole(name))
    {
        wrong.push((RuleId::BaseNotAllowed, format!("{name} is not among base-images in [hardening]")));
    }
    let (tagged, digest) = name.split_once('@').map_or((name, None), |(tagged, digest)| (tagged, Some(digest)));
    if digest.is_none() {
        let tag = tagged.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        let newest = tag.is_none_or(|tag| tag == "latest");
        wrong.push(if name.contains('$') {
            (RuleId::BaseNotPinned, format!("{name} depends on a build argument without a default: pin it by its digest"))
        } else if newest {
            (RuleId::BaseLatest, format!("{name} is whatever is newest when it is built: name a version and its digest"))
        } else {
            (RuleId::BaseNotPinned, format!("{name} may change behind its tag: add @sha256:…"))
        });
    }
    wrong
}

/// A name as Docker completes it: `debian` is `docker.io/library/debian`.
fn whole(name: &str) -> String {
    let first = name.split('/').next().unwrap_or_default();
    match name.contains('/') {
        false => format!("docker.io/library/{name}"),
        true if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        true => format!("docker.io/{name}"),
    }
}

/// Whether a name fits one of the globs.
pub fn listed(globs: &[String], name: &str) -> bool {
    globs.iter().any(|glob| GlobBuilder::new(glob).build().is_ok_and(|glob| glob.compile_matcher().is_match(name)))
}
