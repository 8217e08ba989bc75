//! Values in, findings out: which records apply to which package, and why. Pure; judges no severity and no
//! policy, and drops no case that it cannot decide.

mod configuration;
mod module;
mod osv;
mod ranges;
mod reconcile;
mod trace;
mod unconfigured;

pub use unconfigured::unconfigured;

use crate::model::advisory::CveRecord;
use crate::model::authority::Authority;
use crate::model::finding::{Identity, Matches};
use crate::model::osv::OsvAdvisory;
use crate::model::package::Package;

/// Everything about one package that matching needs.
pub struct Case<'a> {
    /// Index in its inventory.
    pub index: usize,
    /// The package.
    pub package: &'a Package,
    /// What it is held to be.
    pub identity: &'a Identity,
    /// For each candidate, the records that name it.
    pub records: &'a [&'a [CveRecord]],
    /// Whose advisories speak of it, and by which names.
    pub authority: &'a Authority,
    /// Those advisories.
    pub advisories: &'a [OsvAdvisory],
}

/// Matches one package.
#[must_use]
pub fn match_package(case: &Case<'_>) -> Matches {
    reconcile::reconcile(case, configuration::evaluate_all(case), osv::evaluate_all(case))
}
