//! Laws of the policy: whatever the rules are, a deny rule more never un-denies, an allow rule less never allows, a local file never
//! loosens the floor, the order of rules does not matter, and ends follow the day.

use proptest::prelude::*;
use scacheck::acquire::{self, Selection};
use scacheck::decide::policy::Policy;
use scacheck::decide::vex::Statements;
use scacheck::decide::{Judged, Matter, decide};
use scacheck::model::advisory::Severity;
use scacheck::model::finding::{Assessment, Basis, Class, Finding, Match};
use scacheck::model::hardening::{Breach, RuleId};
use scacheck::model::package::{Gap, Inventory, Location};
use scacheck::model::truth::{Doubt, Truth};
use scacheck::model::verdict::Decision;

const NAMES: [&str; 4] = ["lodash", "lodahs", "leftpad", "@acme/thing"];
const VERSIONS: [&str; 4] = ["1.0.0", "1.2.0", "2.0.0-rc.1", "odd"];

/// Every name in every version, some from elsewhere, some with a digest.
fn inventory() -> Inventory {
    let mut packages: Vec<String> = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        for (nr, version) in VERSIONS.iter().enumerate() {
            let address = if (at + nr) % 3 == 0 { "http://npm.evil.test/x.tgz" } else { "https://registry.npmjs.org/x.tgz" };
            let digest = if nr % 2 == 0 { format!(",\"integrity\":\"sha512-{}\"", "A".repeat(86) + "==") } else { String::new() };
            let dev = (at + nr) % 4 == 0;
            packages.push(format!("\"node_modules/f{at}{nr}/node_modules/{name}\":{{\"version\":\"{version}\",\"resolved\":\"{address}\",\"hasInstallScript\":{},\"dev\":{dev}{digest}}}", nr == 1));
        }
    }
    let text = format!("{{\"name\":\"x\",\"lockfileVersion\":3,\"packages\":{{\"\":{{\"name\":\"x\"}},{}}}}}", packages.join(","));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("package-lock.json"), text).unwrap();
    let mut inventory = acquire::subject::acquire(folder.path().to_str().unwrap(), &Selection::default(), &mut std::io::empty()).unwrap();
    assert_eq!(inventory.packages.len(), 16, "{:?}", inventory.gaps);
    inventory.gaps.push(Gap { location: Location { base: true, ..Location::file("x") }, reason: "x".to_owned() });
    inventory.gaps.push(Gap { location: Location::file("y"), reason: "x".to_owned() });
    inventory
}

/// A finding of every severity, doubt and class over the packages.
fn findings(inventory: &Inventory) -> Vec<Finding> {
    let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical, Severity::Unscored];
    let truths = [Truth::Yes, Truth::Unknown(Doubt::WeakIdentity), Truth::Unknown(Doubt::VersionUnparsable)];
    (0..inventory.packages.len() * 3)
        .map(|at| Finding {
            found: Match {
                package: at % inventory.packages.len(),
                id: format!("CVE-2020-{:04}", at % 7),
                cve: None,
                aliases: vec![format!("GHSA-{}", at % 5)],
                class: [Class::Vulnerability, Class::Vulnerability, Class::Notice][at % 3],
                truth: truths[at % truths.len()],
                cpe: None,
                basis: Basis::Advisory,
                fixed_in: if at % 2 == 0 { vec!["9.9.9".to_owned()] } else { Vec::new() },
                fix_state: None,
                because: Vec::new(),
            },
            assessment: Assessment {
                severity_word: Some(severities[at % severities.len()]),
                kev: at % 11 == 0,
                published: Some("2025-12-20T00:00:00Z".to_owned()),
                ..Assessment::default()
            },
            suggested: None,
        })
        .collect()
}

fn breaches() -> Vec<Breach> {
    let breach = |(at, rule): (usize, &RuleId)| Breach {
        rule: *rule,
        location: Location::file("Dockerfile"),
        evidence: String::new(),
        allowed: (at % 2 == 0).then(|| "said so".to_owned()),
    };
    RuleId::ALL.iter().enumerate().map(breach).collect()
}

struct World {
    inventory: Inventory,
    findings: Vec<Finding>,
    breaches: Vec<Breach>,
}

impl World {
    fn new() -> Self {
        let inventory = inventory();
        Self { findings: findings(&inventory), breaches: breaches(), inventory }
    }

    fn new_subject() -> scacheck::model::package::Subject {
        let kind = scacheck::model::package::SubjectKind::Directory;
        scacheck::model::package::Subject {
            kind,
            name: "x".to_owned(),
            names: Vec::new(),
            digest: None,
            distro: None,
            base: None,
            image: None,
        }
    }

    fn judge(&self, policy: &str, floor: Option<&str>, today: &str) -> Judged {
        let parse = |text: &str| Policy::parse("scacheck.toml", text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
        let statements = Statements::default();
        let matter =
            Matter { inventory: &self.inventory, findings: &self.findings, breaches: &self.breaches, statements: &statements, today };
        decide(matter, &parse(policy), floor.map(parse).as_ref())
    }

    /// Every decision, in one order.
    fn decisions(&self, policy: &str, floor: Option<&str>, today: &str) -> Vec<Decision> {
        let judged = self.judge(policy, floor, today);
        let packages = judged.packages.iter().chain(&judged.hardening).map(|verdict| verdict.decision);
        packages.chain(judged.findings.iter().flatten().map(|place| place.decision)).chain(judged.gaps.iter().copied()).collect()
    }
}

fn denied(decisions: &[Decision]) -> Vec<bool> {
    decisions.iter().map(|decision| *decision == Decision::Deny).collect()
}

/// Everything that is denied on the left is denied on the right.
fn is_within(left: &[Decision], right: &[Decision]) -> bool {
    denied(left).iter().zip(denied(right)).all(|(left, right)| !left || right)
}

fn selector() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["lodash", "lodahs", "leftpad", "@acme/thing", "*", "@acme/*", "**"]);
    let version = prop::sample::select(vec!["@1.0.0", "@1.2.0", "@odd", "|<2", "|^1.0.0", "|>=1.0.0 <1.1.0 || 2.x", ""]);
    let extra =
        prop::sample::select(vec!["", "", "scope = \"development\"\n", "path = \"*.json\"\n", "path = \"other\"\n", "layer = \"own\"\n"]);
    (names, version, extra).prop_map(|(name, version, extra)| match version.split_once('|') {
        Some((_, range)) => format!("purl = \"pkg:npm/{name}\"\nrange = \"{range}\"\n{extra}"),
        None => format!("purl = \"pkg:npm/{name}{version}\"\n{extra}"),
    })
}

fn until() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "until = 2025-01-01\n", "until = 2026-06-01\n"])
}

fn allow() -> impl Strategy<Value = String> {
    let digest = format!("integrity = \"sha512-{}==\"\n", "A".repeat(86));
    let other = format!("integrity = \"sha512-{}Q==\"\n", "B".repeat(85));
    let extra = prop::sample::select(vec![
        String::new(),
        digest,
        other,
        "registry = \"public\"\n".to_owned(),
        "registry = \"http://npm.evil.test\"\n".to_owned(),
        "install-script = true\n".to_owned(),
    ]);
    (selector(), until(), extra).prop_map(|(selector, until, extra)| format!("[[allow]]\n{selector}{until}{extra}reason = \"a\"\n"))
}

fn deny() -> impl Strategy<Value = String> {
    let decision = prop::sample::select(vec!["", "decision = \"warn\"\n"]);
    (selector(), until(), decision).prop_map(|(selector, until, decision)| format!("[[deny]]\n{selector}{until}{decision}reason = \"d\"\n"))
}

fn suppress() -> impl Strategy<Value = String> {
    let id = prop::sample::select(vec!["id = \"CVE-2020-0001\"\n", "id = [\"GHSA-2\", \"CVE-2020-0003\"]\n", ""]);
    let fixed = prop::sample::select(vec!["", "until-fixed = true\n"]);
    (selector(), id, until(), fixed)
        .prop_map(|(selector, id, until, fixed)| format!("[[suppress]]\n{selector}{id}{until}{fixed}reason = \"s\"\n"))
}

fn head() -> impl Strategy<Value = String> {
    let mode = prop::sample::select(vec!["off", "deny-listed", "allow-only", "allow-only"]);
    let gate = prop::sample::select(vec![
        "",
        "[gate]\nfail-on = \"low\"\non-gap = \"warn\"\n[gate.development]\nfail-on = \"none\"\n",
        "[gate]\nfail-on = \"none\"\nwarn-on = \"high\"\non-unscored = \"warn\"\ngrace-days = 30\n[gate.base]\non-gap = \"warn\"\n",
    ]);
    let sources = prop::sample::select(vec![
        "",
        "[sources]\nregistries = [\"public\"]\non-http = \"deny\"\non-missing-integrity = \"warn\"\non-install-script = \"deny\"\n",
    ]);
    let hardening = prop::sample::select(vec![
        "",
        "[hardening]\ndefault = \"deny\"\n",
        "[hardening.rules]\n\"4.1-root-user\" = \"deny\"\n\"4.9-add-instruction\" = \"allow\"\n",
    ]);
    (mode, gate, sources, hardening)
        .prop_map(|(mode, gate, sources, hardening)| format!("[whitelist]\nmode = \"{mode}\"\n{gate}{sources}{hardening}"))
}

fn rules() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![allow(), allow(), deny(), suppress()], 0..6)
}

fn file(head: &str, rules: &[String]) -> String {
    format!("{head}{}", rules.concat())
}

const TODAY: &str = "2026-01-02";

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_rule_more_never_un_denies(head in head(), rules in rules(), more in deny()) {
        let world = World::new();
        let before = world.decisions(&file(&head, &rules), None, TODAY);
        let after = world.decisions(&file(&head, &[rules, vec![more]].concat()), None, TODAY);
        prop_assert!(is_within(&before, &after));
    }

    #[test]
    fn an_allow_rule_less_never_allows(head in head(), rules in rules(), less in allow()) {
        let world = World::new();
        let without = world.decisions(&file(&head, &rules), None, TODAY);
        let with = world.decisions(&file(&head, &[rules, vec![less]].concat()), None, TODAY);
        prop_assert!(is_within(&with, &without));
    }

    #[test]
    fn a_local_file_never_loosens_the_floor(floor in (head(), rules()), local in (head(), rules())) {
        let world = World::new();
        let floor = file(&floor.0, &floor.1);
        let alone = World { breaches: world.breaches.iter().map(|breach| Breach { allowed: None, ..breach.clone() }).collect(), ..World::new() };
        let alone = alone.decisions(&floor, None, TODAY);
        let both = world.decisions(&file(&local.0, &local.1), Some(&floor), TODAY);
        for (alone, both) in alone.iter().zip(&both) {
            prop_assert!(both >= alone, "{:?} {:?}", alone, both);
        }
    }

    #[test]
    fn the_order_of_rules_does_not_matter(head in head(), (rules, shuffled) in rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle()))) {
        let world = World::new();
        prop_assert_eq!(world.decisions(&file(&head, &rules), None, TODAY), world.decisions(&file(&head, &shuffled), None, TODAY));
    }

    #[test]
    fn an_end_follows_the_day(head in head(), rules in rules(), at in 0..6_usize) {
        let world = World::new();
        let lasting: Vec<String> = rules.iter().map(|rule| rule.replace("until = 2025-01-01\n", "").replace("until = 2026-06-01\n", "")).collect();
        let Some(rule) = lasting.get(at) else { return Ok(()) };
        let ending = format!("{rule}until = 2026-03-01\n");
        let with = |rule: Option<String>| {
            let mut rules = lasting.clone();
            match rule {
                Some(rule) => rules[at] = rule,
                None => drop(rules.remove(at)),
            }
            file(&head, &rules)
        };
        let decisions = |text: &str, today: &str| denied(&world.decisions(text, None, today));
        prop_assert_eq!(decisions(&with(Some(ending.clone())), "2026-03-01"), decisions(&with(Some(rule.clone())), "2026-03-01"));
        prop_assert_eq!(decisions(&with(Some(ending)), "2026-03-02"), decisions(&with(None), "2026-03-02"));
    }
}

/// Pieces of every form that is read here, in any order.
fn anything() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "FROM ",
        "RUN ",
        "<<EOF\n",
        "EOF\n",
        "\\\n",
        "# scacheck: allow ",
        "ARG A",
        "${A:-",
        "$",
        "}",
        "ONBUILD ",
        "[\"a\", ",
        "--mount=type=cache,target=",
        "apt-get install ",
        "pip install ",
        "chmod u+s ",
        "PASSWORD=",
        "-----BEGIN PRIVATE KEY",
        "\"",
        "'",
        "&&",
        "|",
        "$(",
        ")",
        ";",
        "\n",
        " ",
        "\u{e9}",
        "\u{1f600}",
        "@",
        "pkg:npm/",
        "?a=b",
        "%",
        ">=1",
        "<",
        "^",
        "~=",
        "||",
        " - ",
        "1.2.3",
        "1.x",
        "*",
        ",",
        "-rc.1",
        "[[allow]]\n",
        "purl = ",
        "range = ",
        "<suppress>",
        "</suppress>",
        "<cve>",
        "</cve>",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "<suppressions",
        "ignore:\n",
        "- vulnerability: ",
        "common:\n",
        "  CVE-2020-1: x\n",
        "{\"whitelists\":",
        "{\"@context\":\"openvex\",\"statements\":[",
        "{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":[{",
        "]",
        "}",
        ":",
        "exp:2020-01-01",
    ]);
    prop::collection::vec(prop_oneof![8 => piece.prop_map(str::to_owned), 1 => "\\PC{0,6}"], 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_read_panics(text in anything()) {
        use scacheck::amend::import::{Format, read};
        use scacheck::model::hardening::Lists;
        use scacheck::model::purl::Ecosystem;
        let mut inventory = Inventory { subject: World::new_subject(), packages: Vec::new(), dockerfiles: Vec::new(), coverage: Vec::new(), gaps: Vec::new() };
        let tree = acquire::tree::Memory::of("Dockerfile", Vec::new());
        let source = acquire::Source { text: &text, path: "Dockerfile", tree: &tree, distro: None };
        let reading = acquire::readers::dockerfile::read(&source);
        inventory.dockerfiles.extend(reading.ok().and_then(|reading| reading.dockerfile));
        let breaches = scacheck::harden::judge(&inventory, &Lists::default());
        prop_assert!(breaches.iter().all(|breach| breach.location.line.is_some()));
        drop(Policy::parse("scacheck.toml", &text));
        drop(scacheck::decide::vex::read(&text));
        drop(scacheck::facts::secrets::redact(&text));
        for ecosystem in [Ecosystem::Npm, Ecosystem::Cargo, Ecosystem::Pypi, Ecosystem::Deb, Ecosystem::Apk, Ecosystem::Other] {
            if let Ok(range) = scacheck::version::range::Range::parse(&text, ecosystem) {
                let _ = range.standing("1.2.3-rc.1");
            }
        }
        for format in [Format::DependencyCheck, Format::TrivyIgnore, Format::TrivyYaml, Format::Grype, Format::OsvScanner, Format::CargoDeny, Format::Clair, Format::Anchore] {
            if let Ok(imported) = read(format, &text) {
                prop_assert!(Policy::parse("imported", &imported.to_toml()).is_ok(), "{:?} {}", format, imported.to_toml());
            }
        }
    }
}
