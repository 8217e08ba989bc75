//! Puts the report together: one sorted value that every format renders, with the outcome and exit code.

use crate::decide::rule::Kind;
use crate::mirror::store::hex;
use crate::model::finding::{Finding, Identity, Lead, Rejection};
use crate::model::hardening::Breach;
use crate::model::mirror::MirrorState;
use crate::model::package::{CoverageState, Package};
use crate::model::report::*;
use crate::model::truth::Truth;
use crate::model::verdict::*;
use crate::pipeline::{Checked, Request};
use crate::remedy;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// How the end of a run is judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending {
    /// A failed gate is no failure of the run.
    pub exit_zero: bool,
    /// Unused rules fail the gate.
    pub deny_unused: bool,
    /// Anything known but unsupported counts as not looked at.
    pub strict: bool,
    /// A subject without packages is fine.
    pub allow_empty: bool,
}

/// Puts the report together.
#[must_use]
pub fn report(request: &Request, mirror: &MirrorState, checked: Vec<Checked>, mut warnings: Vec<String>) -> Report {
    let used: BTreeSet<_> = checked.iter().flat_map(|one| one.judged.used.iter().copied()).collect();
    let (own, included): (Vec<_>, Vec<_>) = request.policy.rules.unused(&used).partition(|(_, included)| !included);
    let of_this_project = !own.is_empty();
    let unused_rules: Vec<RuleRef> = own.into_iter().chain(included).map(|(rule, _)| rule).collect();
    warnings.extend(request.policy.warnings.iter().chain(request.floor.iter().flat_map(|floor| &floor.warnings)).cloned());
    warnings.extend(checked.iter().flat_map(|one| one.judged.ended.iter().cloned()).collect::<BTreeSet<_>>());
    let expired = request.policy.rules.all().iter().filter(|rule| rule.kind != Kind::Deny && !rule.in_force(&request.today));
    warnings.extend(expired.map(|rule| {
        format!("{}: the {} rule {} expired on {}", rule.location, rule.kind.name(), rule.text, rule.until.as_deref().unwrap_or_default())
    }));
    let uses: Vec<_> = checked.iter().map(|one| one.judged.vex.clone()).collect();
    let vex = request.statements.account(&uses);
    let outcomes: Vec<Outcome> = checked.iter().map(|one| outcome(one, request)).collect();
    let mut outcome = outcomes.into_iter().fold(Outcome::Passed, Outcome::first_of);
    if request.ending.deny_unused && of_this_project && !request.ending.exit_zero {
        outcome = Outcome::Denied;
    }
    let mut report = Report {
        schema: "scacheck.report/1",
        tool: Tool { name: "scacheck", version: env!("CARGO_PKG_VERSION") },
        today: request.today.clone(),
        mirror: mirror.clone(),
        policy: request.policy_files.clone(),
        outcome,
        exit_code: outcome.exit_code(),
        summary: Summary::default(),
        subjects: checked.iter().map(|one| one.inventory.subject.clone()).collect(),
        coverage: Vec::new(),
        packages: Vec::new(),
        findings: Vec::new(),
        rejected: Vec::new(),
        leads: Vec::new(),
        hardening: Vec::new(),
        whitelist: Vec::new(),
        unused_rules,
        vex,
        gaps: Vec::new(),
        warnings,
    };
    checked.into_iter().for_each(|one| add(&mut report, one));
    report.findings.sort_by_cached_key(rank);
    report.summary = summary(&report);
    report
}

/// Worst first: decision, certainty, class, severity, then names.
fn rank(entry: &FindingEntry) -> impl Ord + use<> {
    let severity = ["critical", "high", "unscored", "medium", "low", "none"].iter().position(|word| *word == entry.severity);
    (
        std::cmp::Reverse(entry.decision),
        std::cmp::Reverse(entry.truth),
        entry.class,
        severity,
        !entry.kev,
        entry.package.clone(),
        entry.id.clone(),
        entry.subject.clone(),
    )
}

fn outcome(one: &Checked, request: &Request) -> Outcome {
    let places = one.judged.findings.iter().flatten().map(|place| place.decision);
    let verdicts = one.judged.packages.iter().chain(&one.judged.hardening).map(|verdict| verdict.decision);
    let denied = places.chain(verdicts).any(|decision| decision == Decision::Deny);
    let unread = |state: CoverageState| one.inventory.coverage.iter().any(|line| line.state == state);
    let gaps = one.judged.gaps.contains(&Decision::Deny);
    if denied && !request.ending.exit_zero {
        Outcome::Denied
    } else if gaps || (request.ending.strict && unread(CoverageState::Unsupported)) {
        Outcome::Incomplete
    } else if one.inventory.packages.is_empty() && one.inventory.dockerfiles.is_empty() && !request.ending.allow_empty {
        Outcome::NothingFound
    } else {
        Outcome::Passed
    }
}

fn add(report: &mut Report, one: Checked) {
    let subject = one.inventory.subject.name.clone();
    let packages = &one.inventory.packages;
    for ((package, identity), verdict) in packages.iter().zip(&one.identities).zip(&one.judged.packages) {
        report.packages.push(package_entry(&subject, package, identity, verdict));
    }
    for (finding, places) in one.findings.iter().zip(one.judged.findings) {
        report.findings.push(finding_entry(&subject, finding, &packages[finding.found.package], places));
    }
    let purl = |index: usize| packages[index].purl.text().to_owned();
    let rejected = |r: Rejection| SideEntry { package: purl(r.package), id: r.id, by: Some(r.by), because: r.because };
    report.rejected.extend(one.matches.rejections.into_iter().map(rejected));
    let lead = |l: Lead| SideEntry { package: purl(l.package), id: l.id, by: None, because: l.because };
    report.leads.extend(one.matches.leads.into_iter().map(lead));
    let hardening = one.breaches.into_iter().zip(one.judged.hardening).map(|(breach, verdict)| hardening_entry(&subject, breach, verdict));
    report.hardening.extend(hardening);
    report.whitelist.extend(one.judged.whitelist);
    report.coverage.extend(one.inventory.coverage);
    report.gaps.extend(one.inventory.gaps);
    report.warnings.extend(one.notes);
}

fn package_entry(subject: &str, package: &Package, identity: &Identity, verdict: &Verdict) -> PackageEntry {
    let entry = |candidate: &crate::model::finding::Candidate| IdentityEntry {
        product: candidate.product.to_string(),
        cpe: candidate.product.at_version(candidate.version.as_deref().unwrap_or(&package.version)),
        basis: candidate.basis.name(),
        doubt: candidate.doubt.map(crate::model::truth::Doubt::name),
        evidence: candidate.evidence.clone(),
        only: candidate.only.iter().map(ToString::to_string).collect(),
    };
    let rival = |rival: &crate::model::finding::Rival| RivalEntry { product: rival.product.to_string(), reason: rival.reason.clone() };
    PackageEntry {
        subject: subject.to_owned(),
        purl: package.purl.text().to_owned(),
        name: package.name(),
        version: package.version.clone(),
        ecosystem: package.purl.kind().to_owned(),
        source_package: package.source.clone(),
        arch: package.purl.qualifier("arch").map(str::to_owned),
        vendor: package.vendor.clone().or_else(|| package.purl.namespace().filter(|_| package.ecosystem().is_distro()).map(str::to_owned)),
        module: package.module.clone(),
        registry: package.origin.address().map(str::to_owned),
        integrity: package.integrity(),
        scope: package.scope(),
        direct: package.direct(),
        paths: package.paths(),
        locations: package.places.iter().map(|place| place.location.clone()).collect(),
        identity: identity.candidates.iter().map(entry).collect(),
        rivals: identity.rivals.iter().map(rival).collect(),
        decision: verdict.decision,
        rule: verdict.rule.clone(),
    }
}

fn finding_entry(subject: &str, finding: &Finding, package: &Package, places: Vec<PlaceDecision>) -> FindingEntry {
    let (found, facts) = (&finding.found, &finding.assessment);
    let path = package.places.first().map(|place| place.location.path.as_str()).unwrap_or_default();
    let fingerprint = hex(&Sha256::digest(format!("{}\n{}\n{path}", found.id, package.purl.without_version())));
    FindingEntry {
        subject: subject.to_owned(),
        id: found.id.clone(),
        aliases: found.aliases.clone(),
        class: found.class,
        fingerprint,
        package: PackageName {
            purl: package.purl.text().to_owned(),
            name: package.name(),
            version: package.version.clone(),
            ecosystem: package.purl.kind().to_owned(),
            path: package.paths().into_iter().next().unwrap_or_default(),
        },
        truth: found.truth.name(),
        doubt: match found.truth {
            Truth::Unknown(doubt) => Some(doubt.name()),
            _ => None,
        },
        cpe: found.cpe.as_ref().map(ToString::to_string),
        basis: found.basis.name(),
        severity: facts.severity().name(),
        cvss: facts
            .cvss
            .iter()
            .map(|c| CvssEntry {
                version: c.version.to_string(),
                vector: c.vector.to_string(),
                score: c.score,
                source: c.source.to_string(),
            })
            .collect(),
        cwe: facts.cwe.clone(),
        kev: facts.kev,
        epss: facts.epss,
        fix: Fix {
            versions: found.fixed_in.clone(),
            state: found.fix_state,
            suggested: finding.suggested.clone(),
            command: finding.suggested.as_deref().and_then(|version| remedy::command(package, version)),
        },
        summary: facts.summary.clone(),
        references: facts.references.clone(),
        because: found.because.clone(),
        decision: places.iter().map(|place| place.decision).max().unwrap_or(Decision::Allow),
        places,
    }
}

fn hardening_entry(subject: &str, breach: Breach, verdict: Verdict) -> HardeningEntry {
    HardeningEntry {
        subject: subject.to_owned(),
        id: breach.rule.name(),
        title: breach.rule.title(),
        location: breach.location,
        decision: verdict.decision,
        rule: verdict.rule,
        evidence: breach.evidence,
    }
}

fn summary(report: &Report) -> Summary {
    let count = |decision: Decision| report.findings.iter().filter(|finding| finding.decision == decision).count();
    let mut by_severity = std::collections::BTreeMap::from(["critical", "high", "medium", "low", "none", "unscored"].map(|word| (word, 0)));
    for finding in &report.findings {
        *by_severity.entry(finding.severity).or_default() += 1;
    }
    Summary {
        packages: report.packages.len(),
        findings: report.findings.len(),
        denied: count(Decision::Deny)
            + report.packages.iter().filter(|package| package.decision == Decision::Deny).count()
            + report.hardening.iter().filter(|entry| entry.decision == Decision::Deny).count(),
        warned: count(Decision::Warn),
        suppressed: count(Decision::Suppressed),
        doubtful: report.findings.iter().filter(|finding| finding.truth == "unknown").count(),
        gaps: report.gaps.len(),
        by_severity,
    }
}
