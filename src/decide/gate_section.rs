//! `[gate]` as a policy file writes it, and the gates that come of it: for production and development, own layers and the base image's.

use super::source::Source;
use crate::diag::{Diagnostic, nearest};
use crate::model::advisory::Severity;
use crate::model::package::{Location, Scope};
use crate::model::truth::Doubt;
use crate::model::verdict::Decision;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// From when the days of grace count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GraceSince {
    /// The vulnerability became public.
    #[default]
    Published,
    /// An advisory named a version that fixes it.
    Fixed,
}

/// What fails the gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Findings of this severity and above are denied; nothing switches the severity gate off.
    pub severity: Option<Severity>,
    /// Findings from this severity that are not denied are warned of; nothing: none.
    pub warn_from: Option<Severity>,
    /// What a finding without any score costs; nothing: the most, where there is a severity gate.
    pub unscored: Option<Decision>,
    /// Findings in KEV.
    pub kev: bool,
    /// CVSS base scores from here.
    pub cvss: Option<f64>,
    /// EPSS probabilities from here.
    pub epss: Option<f64>,
    /// Only findings that a version fixes.
    pub only_fixed: bool,
    /// Days in which a denial is a warning still; 0: none.
    pub grace_days: u16,
    /// From when they count.
    pub grace_since: GraceSince,
    /// What notices cost: unmaintained, unsound.
    pub notice: Decision,
    /// What gaps cost: warn or deny.
    pub gap: Decision,
    /// What doubts cost.
    pub doubts: BTreeMap<Doubt, Decision>,
}

impl Default for Gate {
    fn default() -> Self {
        let doubts = [
            (Doubt::WeakIdentity, Decision::Allow),
            (Doubt::PlatformUnseen, Decision::Warn),
            (Doubt::DistroMayBackport, Decision::Warn),
            (Doubt::OtherSource, Decision::Warn),
            (Doubt::VersionUnparsable, Decision::Deny),
        ];
        Self {
            severity: Some(Severity::High),
            warn_from: Some(Severity::None),
            unscored: None,
            kev: true,
            cvss: None,
            epss: None,
            only_fixed: false,
            grace_days: 0,
            grace_since: GraceSince::Published,
            notice: Decision::Warn,
            gap: Decision::Deny,
            doubts: doubts.into(),
        }
    }
}

impl Gate {
    /// What a doubt costs.
    #[must_use]
    pub fn cost_of(&self, doubt: Doubt) -> Decision {
        self.doubts.get(&doubt).copied().unwrap_or(Decision::Deny)
    }
}

/// The gates, by scope (development or not) and layer (the base image's or not).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gates([Gate; 4]);

impl Gates {
    /// The gate at a place.
    #[must_use]
    pub fn at(&self, location: &Location, scope: Scope) -> &Gate {
        &self.0[usize::from(scope == Scope::Development) + 2 * usize::from(location.base)]
    }

    /// All of them, to be changed alike.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Gate> {
        self.0.iter_mut()
    }

    /// Lays a file's sections over: the general one, then scope, then layer.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn lay(&mut self, section: &GateSection, source: &Source<'_>) -> Result<(), Box<Diagnostic>> {
        for (index, gate) in self.0.iter_mut().enumerate() {
            let scope = if index % 2 == 1 { &section.development } else { &section.production };
            let layer = if index >= 2 { &section.base } else { &section.own };
            for one in [Some(&section.main), scope.as_ref(), layer.as_ref()].into_iter().flatten() {
                one.lay(gate, source)?;
            }
        }
        Ok(())
    }
}

/// `[gate]` with its sub-sections.
#[derive(Debug, Default)]
pub struct GateSection {
    main: Keys,
    production: Option<Keys>,
    development: Option<Keys>,
    own: Option<Keys>,
    base: Option<Keys>,
}

macro_rules! keys {
    ($(#[$doc:meta])* $name:ident { $($extra:ident: $kind:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct $name {
            fail_on: Option<Spanned<String>>,
            warn_on: Option<Spanned<String>>,
            on_unscored: Option<Spanned<String>>,
            fail_on_kev: Option<bool>,
            fail_on_cvss: Option<Spanned<f64>>,
            fail_on_epss: Option<Spanned<f64>>,
            only_fixed: Option<bool>,
            grace_days: Option<u16>,
            grace_since: Option<GraceSince>,
            on_notice: Option<Spanned<String>>,
            on_gap: Option<Spanned<String>>,
            #[serde(default)]
            on_doubt: BTreeMap<Spanned<String>, Spanned<String>>,
            $($extra: $kind,)*
        }
    };
}

keys!(
    /// What every section may say.
    Keys {}
);
keys!(
    /// What the general section may say: the same, and the sections below it. Spelled out, since a flattened one would lose places.
    Main { production: Option<Keys>, development: Option<Keys>, own: Option<Keys>, base: Option<Keys> }
);

impl<'de> Deserialize<'de> for GateSection {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let m = Main::deserialize(deserializer)?;
        let main = Keys {
            fail_on: m.fail_on,
            warn_on: m.warn_on,
            on_unscored: m.on_unscored,
            fail_on_kev: m.fail_on_kev,
            fail_on_cvss: m.fail_on_cvss,
            fail_on_epss: m.fail_on_epss,
            only_fixed: m.only_fixed,
            grace_days: m.grace_days,
            grace_since: m.grace_since,
            on_notice: m.on_notice,
            on_gap: m.on_gap,
            on_doubt: m.on_doubt,
        };
        Ok(Self { main, production: m.production, development: m.development, own: m.own, base: m.base })
    }
}

impl Keys {
    /// Lays what is given over a gate.
    fn lay(&self, gate: &mut Gate, source: &Source<'_>) -> Result<(), Box<Diagnostic>> {
        let wrong = |at: &Spanned<String>, error: String| source.wrong(at.span().start, error, None);
        if let Some(word) = &self.fail_on {
            gate.severity = threshold(word.get_ref()).map_err(|error| wrong(word, error))?;
        }
        if let Some(word) = &self.warn_on {
            gate.warn_from = threshold(word.get_ref()).map_err(|error| wrong(word, error))?;
        }
        if let Some(word) = &self.on_unscored {
            gate.unscored = Some(Decision::from_word(word.get_ref()).map_err(|error| wrong(word, error))?);
        }
        if let Some(word) = &self.on_notice {
            gate.notice = Decision::from_word(word.get_ref()).map_err(|error| wrong(word, error))?;
        }
        if let Some(word) = &self.on_gap {
            gate.gap = gap(word.get_ref()).ok_or_else(|| wrong(word, "on-gap is `warn` or `deny`".to_owned()))?;
        }
        for (kind, word) in &self.on_doubt {
            let doubt = doubt(kind, source)?;
            gate.doubts.insert(doubt, Decision::from_word(word.get_ref()).map_err(|error| wrong(word, error))?);
        }
        gate.cvss = bounded(self.fail_on_cvss.as_ref(), 10.0, source)?.or(gate.cvss);
        gate.epss = bounded(self.fail_on_epss.as_ref(), 1.0, source)?.or(gate.epss);
        gate.kev = self.fail_on_kev.unwrap_or(gate.kev);
        gate.only_fixed = self.only_fixed.unwrap_or(gate.only_fixed);
        gate.grace_days = self.grace_days.unwrap_or(gate.grace_days);
        gate.grace_since = self.grace_since.unwrap_or(gate.grace_since);
        Ok(())
    }
}

fn bounded(number: Option<&Spanned<f64>>, most: f64, source: &Source<'_>) -> Result<Option<f64>, Box<Diagnostic>> {
    let Some(number) = number else { return Ok(None) };
    let value = *number.get_ref();
    if (0.0..=most).contains(&value) {
        return Ok(Some(value));
    }
    Err(source.wrong(number.span().start, format!("{value} is not between 0 and {most}"), None))
}

fn doubt(kind: &Spanned<String>, source: &Source<'_>) -> Result<Doubt, Box<Diagnostic>> {
    let names = || Doubt::ALL.into_iter().map(Doubt::name);
    Doubt::from_name(kind.get_ref()).ok_or_else(|| {
        let help = nearest(kind.get_ref(), names()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` is no doubt; there are {}", kind.get_ref(), names().collect::<Vec<_>>().join(", "));
        source.wrong(kind.span().start, message, help.as_deref())
    })
}

/// What a gap may cost.
#[must_use]
pub fn gap(word: &str) -> Option<Decision> {
    Decision::from_word(word).ok().filter(|cost| *cost != Decision::Allow)
}

/// `none`, or the least severity that fails the gate.
///
/// # Errors
/// When the word is no severity.
pub fn threshold(word: &str) -> Result<Option<Severity>, String> {
    match word {
        "none" => Ok(None),
        "low" | "medium" | "high" | "critical" => Ok(Severity::from_word(word)),
        other => Err(format!("`{other}` is not one of none, low, medium, high, critical")),
    }
}
