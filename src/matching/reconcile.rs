//! One finding per package and vulnerability, over what the NVD and the ecosystem's own advisories say.
//!
//! Where an advisory of the package's own ecosystem carries the CVE, its ranges are the authority and the
//! NVD's answer is kept as a rejection if it differs. Two advisories that disagree are both told, and the
//! affirmative one counts. Clusters never join two CVE ids.

use super::Case;
use super::configuration::NvdAnswer;
use super::osv::OsvAnswer;
use crate::model::advisory::CveId;
use crate::model::finding::{Basis, Class, FixState, Match, Matches, Rejection, Step};
use crate::model::package::Origin;
use crate::model::truth::{Doubt, Truth};
use std::collections::BTreeMap;

/// Joins both sides.
pub fn reconcile(case: &Case<'_>, nvd: Vec<NvdAnswer>, osv: Vec<OsvAnswer>) -> Matches {
    let mut out = Matches::default();
    let mut by_cve: BTreeMap<CveId, Vec<&OsvAnswer>> = BTreeMap::new();
    for answer in &osv {
        for cve in &answer.cves {
            by_cve.entry(*cve).or_default().push(answer);
        }
    }
    let mut nvd: BTreeMap<CveId, NvdAnswer> = nvd.into_iter().map(|answer| (answer.id, answer)).collect();
    for (cve, answers) in &by_cve {
        authority(case, *cve, answers, nvd.remove(cve), &mut out);
    }
    for answer in nvd.into_values() {
        nvd_alone(case, answer, &mut out);
    }
    let mut seen: Vec<&str> = Vec::new();
    for answer in osv.iter().filter(|answer| answer.cves.is_empty()) {
        // Two databases may tell one vulnerability without a CVE under each other's id.
        if answer.aliases.iter().any(|alias| seen.contains(&alias.as_str())) {
            continue;
        }
        seen.push(&answer.id);
        without_cve(case, answer, &mut out);
    }
    out
}

/// The ecosystem's advisories about one CVE; the most affirmative counts.
fn authority(case: &Case<'_>, cve: CveId, answers: &[&OsvAnswer], nvd: Option<NvdAnswer>, out: &mut Matches) {
    let truth = answers.iter().map(|answer| answer.truth).fold(Truth::No, Truth::or);
    let mut because: Vec<Step> = answers.iter().flat_map(|answer| answer.because.clone()).collect();
    if truth == Truth::No {
        if let Some(nvd) = nvd.filter(|nvd| nvd.truth != Truth::No) {
            because.extend(nvd.because);
            let by = answers.iter().map(|answer| answer.id.as_str()).collect::<Vec<_>>().join(", ");
            out.rejections.push(Rejection { package: case.index, id: cve.to_string(), by, because });
        }
        return;
    }
    let (cpe, nvd_fixes) = match nvd {
        Some(nvd) => {
            because.extend(nvd.because);
            (Some(nvd.cpe), nvd.fixed_in)
        }
        None => (None, Vec::new()),
    };
    let own: Vec<String> = answers.iter().flat_map(|answer| answer.fixed_in.clone()).collect();
    let mut aliases: Vec<String> =
        answers.iter().flat_map(|answer| std::iter::once(answer.id.clone()).chain(answer.aliases.iter().cloned())).collect();
    aliases.retain(|alias| alias.parse::<CveId>().is_err());
    out.matches.push(Match {
        package: case.index,
        id: cve.to_string(),
        cve: Some(cve),
        aliases: sorted(aliases),
        class: answers.iter().map(|answer| answer.class).min().unwrap_or(Class::Vulnerability),
        truth,
        cpe,
        basis: Basis::Advisory,
        fix_state: fix_state(answers),
        fixed_in: sorted(if own.is_empty() { nvd_fixes } else { own }),
        because,
    });
}

/// What the distribution has done, by those of its advisories that apply; one that names a fix counts most.
fn fix_state(answers: &[&OsvAnswer]) -> Option<FixState> {
    let order = |state: &FixState| [FixState::Fixed, FixState::Ignored, FixState::Unfixed].iter().position(|known| known == state);
    answers.iter().filter(|answer| answer.truth != Truth::No).filter_map(|answer| answer.fix_state).min_by_key(order)
}

fn nvd_alone(case: &Case<'_>, answer: NvdAnswer, out: &mut Matches) {
    let mut truth = answer.truth;
    let mut because = answer.because;
    if truth == Truth::No {
        return;
    }
    let mut add = |doubt: Doubt, text: String| {
        truth = truth.and(Truth::Unknown(doubt));
        because.push(Step { depth: 0, truth: "unknown", text });
    };
    if case.package.ecosystem().is_distro() {
        add(Doubt::DistroMayBackport, "only the NVD's upstream range speaks of it; the distribution may have fixed it".to_owned());
    } else if let (false, Some(address)) = (case.package.origin == Origin::Public, case.package.origin.address()) {
        add(Doubt::OtherSource, format!("the package comes from {address}"));
    }
    out.matches.push(Match {
        package: case.index,
        id: answer.id.to_string(),
        cve: Some(answer.id),
        aliases: Vec::new(),
        class: Class::Vulnerability,
        truth,
        cpe: Some(answer.cpe),
        basis: answer.basis,
        fixed_in: sorted(answer.fixed_in),
        fix_state: None,
        because,
    });
}

fn without_cve(case: &Case<'_>, answer: &OsvAnswer, out: &mut Matches) {
    if answer.truth == Truth::No {
        return;
    }
    out.matches.push(Match {
        package: case.index,
        id: answer.id.clone(),
        cve: None,
        aliases: sorted(answer.aliases.clone()),
        class: answer.class,
        truth: answer.truth,
        cpe: None,
        basis: Basis::Advisory,
        fixed_in: sorted(answer.fixed_in.clone()),
        fix_state: answer.fix_state,
        because: answer.because.clone(),
    });
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list.dedup();
    list
}
