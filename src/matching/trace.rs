//! The reasoning, written down while it happens.

use crate::model::finding::Step;
use crate::model::truth::Truth;

/// Steps in the order they are taken; an outer step is opened before and filled in after its inner ones.
#[derive(Debug, Default)]
pub struct Trace {
    steps: Vec<Step>,
    depth: u8,
}

impl Trace {
    /// Adds a step.
    pub fn step(&mut self, truth: Truth, text: String) {
        self.steps.push(Step { depth: self.depth, truth: truth.name(), text });
    }

    /// Adds an outer step around inner ones.
    pub fn group(&mut self, text: &str, inner: impl FnOnce(&mut Self) -> Truth) -> Truth {
        let at = self.steps.len();
        self.step(Truth::Yes, text.to_owned());
        self.depth = self.depth.saturating_add(1);
        let truth = inner(self);
        self.depth = self.depth.saturating_sub(1);
        self.steps[at].truth = truth.name();
        truth
    }

    /// The steps.
    #[must_use]
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}
