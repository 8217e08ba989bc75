//! Allow, deny and suppress rules, and what each is held against: a package at one of its places.

use super::digest::Digest;
use super::pattern::{Named, Pattern};
use crate::model::cpe::ProductName;
use crate::model::package::{Location, Package, Place, Scope, Subject};
use crate::model::verdict::{Decision, RuleRef};
use crate::version::range::Standing;
use globset::GlobMatcher;

/// The kinds of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// May be shipped.
    Allow,
    /// May not be shipped.
    Deny,
    /// A finding that is set aside.
    Suppress,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Suppress];

    /// The word used in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Suppress => "suppress",
        }
    }
}

/// Which layers of an image a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// Those of the base image.
    Base,
    /// All others.
    Own,
    /// One, by its digest.
    Digest(String),
}

/// A vulnerability that a suppress rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedId {
    /// Any of its ids.
    pub id: String,
    /// Where the rule names it.
    pub location: Location,
}

/// Which packages, and where.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// The package.
    pub purl: Option<Pattern>,
    /// The distribution's source package.
    pub source: Option<Pattern>,
    /// Who built it, as its database says.
    pub vendor: Option<String>,
    /// What it is needed for; empty: anything.
    pub scope: Vec<Scope>,
    /// The file that names it, relative to the subject.
    pub path: Option<GlobMatcher>,
    /// The image, by a name it was saved under, its file or its digest.
    pub image: Option<GlobMatcher>,
    /// The layer.
    pub layer: Option<Layer>,
}

/// A package at one of its places in a subject.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// The package.
    pub package: &'a Package,
    /// The place.
    pub place: &'a Place,
}

impl Selector {
    /// Whether it names the package at all, at whatever version and place.
    #[must_use]
    pub fn names(&self, package: &Package) -> bool {
        let purl = self.purl.as_ref().is_none_or(|pattern| pattern.names(&Named::package(package)));
        purl && self.source.as_ref().is_none_or(|pattern| Named::source(package).is_some_and(|source| pattern.names(&source)))
    }

    /// Where the package stands at the place; for `Out`, what differs, in words.
    ///
    /// # Errors
    /// What differs.
    pub fn standing(&self, at: At<'_>) -> Result<Standing, String> {
        let mut standing = Standing::In;
        if let Some(pattern) = &self.purl {
            standing = standing.min(stands(pattern, &Named::package(at.package), "")?);
        }
        if let Some(pattern) = &self.source {
            let source = Named::source(at.package).ok_or("it is of no source package")?;
            standing = standing.min(stands(pattern, &source, "source package ")?);
        }
        if let Some(vendor) = self.vendor.as_ref().filter(|vendor| at.package.vendor.as_ref() != Some(vendor)) {
            return Err(format!("its vendor is {}, not {vendor}", at.package.vendor.as_deref().unwrap_or("not stated")));
        }
        self.place(at)?;
        Ok(standing)
    }

    /// Whether the place is one that it is about.
    fn place(&self, at: At<'_>) -> Result<(), String> {
        if !self.scope.is_empty() && !self.scope.contains(&at.place.scope) {
            return Err(format!("it is needed for {} here", at.place.scope.name()));
        }
        let location = &at.place.location;
        if self.path.as_ref().is_some_and(|path| !path.is_match(&location.path)) {
            return Err(format!("it is in {}", location.path));
        }
        if let Some(image) = &self.image {
            let subject = at.subject;
            let mut names = std::iter::once(&subject.name).chain(&subject.names).chain(&subject.digest);
            if !names.any(|name| image.is_match(name)) {
                return Err(format!("it is in {}", at.subject.name));
            }
        }
        let fits = match &self.layer {
            None => true,
            Some(Layer::Base) => location.layer.is_some() && location.base,
            Some(Layer::Own) => !location.base,
            Some(Layer::Digest(digest)) => location.layer.as_ref() == Some(digest),
        };
        if fits { Ok(()) } else { Err("it is in another layer".to_owned()) }
    }
}

fn stands(pattern: &Pattern, named: &Named<'_>, what: &str) -> Result<Standing, String> {
    if !pattern.names(named) {
        return Err(format!("it is {what}{}", named.name));
    }
    match pattern.standing(named) {
        Standing::Out if pattern.version_stands(named) != Standing::Out => Err("its qualifiers (architecture, release) differ".to_owned()),
        Standing::Out => match pattern.exact_version() {
            Some(wanted) => Err(format!("{what}version {} is not {wanted}", named.version)),
            None => Err(format!("{what}version {} is outside the range", named.version)),
        },
        standing => Ok(standing),
    }
}

/// What a rule says beyond whom it is about.
#[derive(Debug, Clone)]
pub enum Body {
    /// Of an allow rule.
    Allow {
        /// Address prefixes it may come from; empty: what `[sources]` says.
        registries: Vec<String>,
        /// Digests; empty: any.
        digests: Vec<Digest>,
        /// Where the digests stand.
        digests_at: Location,
        /// Whether it may run a script when it is installed.
        install_script: bool,
    },
    /// Of a deny rule.
    Deny {
        /// What to use instead.
        use_instead: Option<String>,
        /// `deny` or `warn`.
        decision: Decision,
    },
    /// Of a suppress rule.
    Suppress {
        /// The vulnerabilities; empty: all.
        ids: Vec<NamedId>,
        /// The product that the finding must have been matched as.
        cpe: Option<ProductName>,
        /// VEX justification.
        justification: Option<String>,
        /// It ends when a version fixes the finding.
        until_fixed: bool,
    },
}

/// One rule of a policy.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its kind.
    pub kind: Kind,
    /// The rule in words.
    pub text: String,
    /// Whom it is about.
    pub about: Selector,
    /// What it says.
    pub body: Body,
    /// Why.
    pub reason: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Where that was discussed.
    pub ticket: Option<String>,
    /// Last day in force, ISO date.
    pub until: Option<String>,
    /// Where it stands.
    pub location: Location,
}

impl Rule {
    /// Whether it is in force on that day (ISO date).
    #[must_use]
    pub fn in_force(&self, today: &str) -> bool {
        self.until.as_deref().is_none_or(|until| today <= until)
    }

    /// The rule as the report names it.
    #[must_use]
    pub fn reference(&self) -> RuleRef {
        RuleRef {
            kind: self.kind.name().to_owned(),
            text: self.text.clone(),
            location: Some(self.location.clone()),
            reason: self.reason.clone(),
            approved_by: self.approved_by.clone(),
            ticket: self.ticket.clone(),
        }
    }

    /// What makes it this rule: two of the same key say the same of the same packages.
    #[must_use]
    pub fn key(&self) -> String {
        let about = &self.about;
        let globs = [&about.path, &about.image].map(|glob| glob.as_ref().map(|glob| glob.glob().glob()));
        let digests = if let Body::Allow { digests, registries, .. } = &self.body { Some((digests, registries)) } else { None };
        format!("{} {:?} {:?} {globs:?} {:?} {digests:?}", self.text, about.vendor, about.scope, about.layer)
    }

    /// What can be used or unused of it: each id of a suppress rule, or the rule.
    #[must_use]
    pub fn parts(&self) -> Vec<RuleRef> {
        match &self.body {
            Body::Suppress { ids, .. } if ids.len() > 1 => {
                let part = |id: &NamedId| RuleRef {
                    text: format!("{} (of {})", id.id, self.text),
                    location: Some(id.location.clone()),
                    ..self.reference()
                };
                ids.iter().map(part).collect()
            }
            _ => vec![self.reference()],
        }
    }
}
