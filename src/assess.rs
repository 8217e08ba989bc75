//! How bad a match is and how to get rid of it: score, KEV, EPSS, links and fix, looked up once per finding.
//! Also the age of the mirror, which every report states.

use crate::mirror::MirrorError;
use crate::mirror::reader::Reader;
use crate::model::advisory::{CveDetail, CveId, Cvss, Severity};
use crate::model::finding::{Assessment, Finding, Match};
use crate::model::mirror::MirrorState;
use crate::model::osv::{OsvAdvisory, OsvEvent};
use crate::model::package::Package;
use crate::version::VersionOrder;
use jiff::Timestamp;
use jiff::civil::Date;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Adds assessment and fix to every match.
///
/// # Errors
/// When the mirror cannot be read.
pub fn assess(matches: Vec<Match>, packages: &[Package], mirror: &Reader) -> Result<Vec<Finding>, MirrorError> {
    let mut known: BTreeMap<(Option<CveId>, String), Assessment> = BTreeMap::new();
    let mut findings = Vec::with_capacity(matches.len());
    for found in matches {
        let key = (found.cve, found.id.clone());
        if !known.contains_key(&key) {
            known.insert(key.clone(), assessment(&found, mirror)?);
        }
        let assessment = known.get(&key).cloned().unwrap_or_default();
        let package = &packages[found.package];
        findings.push(Finding { suggested: suggested(package, &found.fixed_in), found, assessment });
    }
    clear_all(&mut findings, packages);
    Ok(findings)
}

fn assessment(found: &Match, mirror: &Reader) -> Result<Assessment, MirrorError> {
    let mut out = Assessment::default();
    if let Some(cve) = found.cve {
        out.kev = mirror.is_exploited(cve)?;
        out.epss = mirror.epss(cve)?;
        out.published = mirror.published(cve)?;
        if let Some(detail) = mirror.detail(cve)? {
            take_record(&mut out, detail);
        }
    }
    for id in std::iter::once(&found.id).chain(&found.aliases) {
        if let Some(advisory) = mirror.advisory(id)? {
            take_advisory(&mut out, advisory);
        }
    }
    out.cvss.sort_by_key(authority);
    out.references.retain(|url| url.starts_with("https://") || url.starts_with("http://"));
    out.references.sort();
    out.references.dedup();
    Ok(out)
}

fn take_record(out: &mut Assessment, detail: CveDetail<'static>) {
    out.cvss = detail.cvss;
    out.cwe = detail.cwe.into_iter().map(Cow::into_owned).collect();
    out.summary = detail.summary.into_owned();
    out.references = detail.references.into_iter().map(|reference| reference.url.into_owned()).collect();
}

fn take_advisory(out: &mut Assessment, advisory: OsvAdvisory) {
    if let Some(published) = &advisory.published {
        let earlier = |known: &Option<String>| known.as_ref().is_none_or(|known| published < known);
        if earlier(&out.published) {
            out.published = Some(published.clone());
        }
        let fixes = advisory.affected.iter().flat_map(|affected| &affected.ranges).flat_map(|range| &range.events);
        if earlier(&out.fix_published) && fixes.clone().any(|event| matches!(event, OsvEvent::Fixed(_))) {
            out.fix_published = Some(published.clone());
        }
    }
    for given in &advisory.severity {
        if let Some(cvss) = scored(&given.score, &advisory.id) {
            out.cvss.push(cvss);
        }
    }
    let word = advisory.severity_word.as_deref().and_then(Severity::from_word);
    out.severity_word = out.severity_word.max(word);
    if out.summary.is_empty() {
        out.summary = advisory.summary;
    }
    if out.cwe.is_empty() {
        out.cwe = advisory.cwe;
    }
    out.references.extend(advisory.references);
}

/// A vector without a score is scored by the `cvss` crate; an incomplete one counts as none.
fn scored(vector: &str, source: &str) -> Option<Cvss<'static>> {
    let vector = vector.trim_end_matches('/');
    let parsed: cvss::Cvss = vector.parse().ok()?;
    let (version, needed) = match &parsed {
        cvss::Cvss::CvssV20(_) => ("2.0", 6),
        cvss::Cvss::CvssV30(_) => ("3.0", 9),
        cvss::Cvss::CvssV31(_) => ("3.1", 9),
        cvss::Cvss::CvssV40(_) => ("4.0", 12),
        _ => return None,
    };
    (vector.split('/').count() >= needed).then(|| Cvss {
        version: version.into(),
        vector: vector.to_owned().into(),
        score: parsed.score(),
        source: source.to_owned().into(),
    })
}

/// The documented order: NVD 4.0, 3.1, 3.0, then others' in the same order, and 2.0 last.
fn authority(cvss: &Cvss<'static>) -> (u8, u8) {
    let version = match &*cvss.version {
        "4.0" => 0,
        "3.1" => 1,
        "3.0" => 2,
        _ => 9,
    };
    let source = if cvss.source == "nvd@nist.gov" { 0 } else { u8::from(!cvss.source.contains('@')) + 1 };
    if version == 9 { (9, source) } else { (source, version) }
}

/// The smallest fixing version above the one in use.
fn suggested(package: &Package, fixed_in: &[String]) -> Option<String> {
    let order = VersionOrder::of(package.ecosystem());
    let above = fixed_in.iter().filter(|fix| order.compare(fix, &package.version).is_some_and(std::cmp::Ordering::is_gt));
    above.min_by(|a, b| order.compare(a, b).unwrap_or(std::cmp::Ordering::Equal)).cloned()
}

/// One advice per package: the greatest of its suggestions clears them all.
fn clear_all(findings: &mut [Finding], packages: &[Package]) {
    let mut best: BTreeMap<usize, String> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.found.truth.doubt().is_none()) {
        let Some(fix) = &finding.suggested else { continue };
        let order = VersionOrder::of(packages[finding.found.package].ecosystem());
        let entry = best.entry(finding.found.package).or_insert_with(|| fix.clone());
        if order.compare(fix, entry).is_some_and(std::cmp::Ordering::is_gt) {
            entry.clone_from(fix);
        }
    }
    for finding in findings {
        if finding.suggested.is_some()
            && let Some(fix) = best.get(&finding.found.package)
        {
            finding.suggested = Some(fix.clone());
        }
    }
}

const WARN_AFTER_DAYS: f64 = 3.0;

/// What is to be said about the mirror's age and completeness.
///
/// # Errors
/// One sentence, when a source is older than allowed.
pub fn age_warnings(state: &MirrorState, today: &str, most: Option<f64>) -> Result<Vec<String>, String> {
    let mut warnings = Vec::new();
    if state.kind == "starter" {
        return Ok(vec![
            "this is the small starter feed: it knows a few well-known packages only; run `scacheck sync` for the real one".to_owned(),
        ]);
    }
    for source in &state.sources {
        let age = age_in_days(&source.contacted, today);
        match (age, most) {
            (Some(age), Some(most)) if age > most => {
                return Err(format!(
                    "the mirror's source {} was last reached {age:.0} days ago, {most} is the most that is allowed: run `scacheck sync`",
                    source.name
                ));
            }
            (None, Some(_)) => {
                return Err(format!("it is not known when the mirror's source {} was last reached: run `scacheck sync`", source.name));
            }
            (Some(age), None) if age > WARN_AFTER_DAYS => {
                warnings.push(format!("source {} was last reached {age:.0} days ago: run `scacheck sync`", source.name))
            }
            (None, None) => warnings.push(format!("it is not known when source {} was last reached", source.name)),
            _ => {}
        }
        if days_since(&source.contacted, today).is_some_and(|age| age < -1.5) {
            warnings.push(format!(
                "source {} was last reached on {}, after {today}: is this machine's clock right?",
                source.name, source.contacted
            ));
        }
        if source.state != "current" {
            warnings.push(format!("source {}: {}", source.name, source.state));
        }
    }
    if !state.absent_years.is_empty() {
        let years = state.absent_years.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        warnings.push(format!("the mirror does not hold the NVD's records of {years}"));
    }
    Ok(warnings)
}

/// Days from a time stamp to the end of a day; a clock that is behind counts as no age.
fn age_in_days(contacted: &str, today: &str) -> Option<f64> {
    days_since(contacted, today).map(|days| days.max(0.0))
}

fn days_since(contacted: &str, today: &str) -> Option<f64> {
    let then = contacted.parse::<Timestamp>().ok()?;
    let day = jiff::tz::TimeZone::UTC.to_timestamp(today.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok()?;
    Some((day.as_second() - then.as_second()) as f64 / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_authority_is_fixed() {
        let cvss = |version: &'static str, source: &'static str| Cvss {
            version: version.into(),
            vector: "".into(),
            score: 1.0,
            source: source.into(),
        };
        let mut list = [
            cvss("2.0", "nvd@nist.gov"),
            cvss("3.1", "GHSA-1"),
            cvss("4.0", "cna@example.test"),
            cvss("3.0", "nvd@nist.gov"),
            cvss("3.1", "nvd@nist.gov"),
        ];
        list.sort_by_key(authority);
        let order: Vec<_> = list.iter().map(|c| (&*c.version, &*c.source)).collect();
        assert_eq!(
            order,
            [("3.1", "nvd@nist.gov"), ("3.0", "nvd@nist.gov"), ("4.0", "cna@example.test"), ("3.1", "GHSA-1"), ("2.0", "nvd@nist.gov")]
        );
    }

    #[test]
    fn incomplete_vectors_score_nothing() {
        assert!(scored("CVSS:3.1/AV:N", "x").is_none() && scored("nonsense", "x").is_none());
        assert_eq!(scored("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "x").unwrap().score, 9.8);
    }

    #[test]
    fn ages_are_counted_from_the_last_contact() {
        assert_eq!(age_in_days("2026-01-01T00:00:00Z", "2026-01-08"), Some(7.0));
        assert_eq!(age_in_days("2026-01-09T00:00:00Z", "2026-01-08"), Some(0.0));
        assert_eq!(age_in_days("never", "2026-01-08"), None);
    }
}
