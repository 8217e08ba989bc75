//! `[hardening]`: what images and Dockerfiles must be like, and what a breach costs.

use super::source::Source;
use crate::diag::{Diagnostic, nearest};
use crate::model::hardening::{Breach, Lists, RuleId};
use crate::model::package::Location;
use crate::model::verdict::{Decision, RuleRef, Verdict};
use globset::GlobBuilder;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// What `[hardening]` says.
#[derive(Debug, Clone, Default)]
pub struct Hardening {
    /// Base images, files and tools that are let in or kept out.
    pub lists: Lists,
    default: Option<(Decision, Location)>,
    costs: BTreeMap<RuleId, (Decision, Location)>,
}

/// `[hardening]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Section {
    default: Option<Spanned<String>>,
    #[serde(default)]
    rules: BTreeMap<Spanned<String>, Spanned<String>>,
    base_images: Option<Vec<Spanned<String>>>,
    setuid_files: Option<Vec<Spanned<String>>>,
    tools: Option<Vec<String>>,
    allow_tools: Option<Vec<String>>,
}

impl Hardening {
    /// Lays a file's section over.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn lay(&mut self, section: Section, source: &Source<'_>) -> Result<(), Box<Diagnostic>> {
        let cost = |word: &Spanned<String>| {
            let decision = Decision::from_word(word.get_ref()).map_err(|error| source.wrong(word.span().start, error, None))?;
            Ok::<_, Box<Diagnostic>>((decision, source.location(word.span().start)))
        };
        self.default = section.default.as_ref().map(cost).transpose()?.or(self.default.take());
        for (name, word) in &section.rules {
            let rule = RuleId::from_name(name.get_ref()).ok_or_else(|| {
                let help =
                    nearest(name.get_ref(), RuleId::ALL.iter().map(|rule| rule.name())).map(|near| format!("did you mean `{near}`?"));
                source.wrong(
                    name.span().start,
                    format!("`{}` is no hardening rule; docs/hardening.md lists them", name.get_ref()),
                    help.as_deref(),
                )
            })?;
            self.costs.insert(rule, cost(word)?);
        }
        if let Some(images) = section.base_images {
            self.lists.base_images = Some(globs(&images, source)?);
        }
        if let Some(files) = section.setuid_files {
            self.lists.setuid_files = globs(&files, source)?;
        }
        self.lists.tools.extend(section.tools.unwrap_or_default());
        self.lists.allowed_tools.extend(section.allow_tools.unwrap_or_default());
        Ok(())
    }

    /// What a breach costs: what is said of its rule, else of all rules, else a warning.
    #[must_use]
    pub fn judge(&self, breach: &Breach) -> Verdict {
        let said = self.costs.get(&breach.rule).or(self.default.as_ref());
        let (decision, location) = said.map_or((Decision::Warn, None), |(decision, location)| (*decision, Some(location.clone())));
        Verdict { decision, rule: Some(RuleRef { location, ..RuleRef::said("hardening", breach.rule.name().to_owned()) }) }
    }
}

/// Checked here, so that a mistake has its place; compiled where they are used.
fn globs(texts: &[Spanned<String>], source: &Source<'_>) -> Result<Vec<String>, Box<Diagnostic>> {
    let one = |text: &Spanned<String>| {
        let built = GlobBuilder::new(text.get_ref()).build();
        built.map(|_| text.get_ref().clone()).map_err(|error| source.wrong(text.span().start, error.kind().to_string(), None))
    };
    texts.iter().map(one).collect()
}
