//! What a package says of itself, its repository, beside what the CVEs of a product of its name link to.
//!
//! Anybody can write anything into a package. So a repository that agrees lifts by one step only and never over the guard,
//! and one that differs takes the certainty from an identity that rests on silence, nothing else.

use super::evidence::{Opinion, speaks};
use crate::model::evidence::ProductFacts;
use crate::model::purl::Ecosystem;

/// The opinion of a product, given the repositories of package and product.
pub fn weigh(opinion: Opinion, ecosystem: Ecosystem, facts: &ProductFacts, claimed: &[String], linked: &[String]) -> Opinion {
    if claimed.is_empty() || linked.is_empty() {
        return opinion;
    }
    let agrees = claimed.iter().any(|repository| linked.contains(repository));
    match opinion {
        Opinion::MayBe(text) if agrees => Opinion::Is(format!("{text}; its metadata and the product's CVEs name the same repository")),
        Opinion::Silent(text) if agrees => Opinion::MayBe(format!("{text}; its metadata and the product's CVEs name the same repository")),
        Opinion::Is(text) if !agrees && !speaks(ecosystem, facts) => {
            Opinion::MayBe(format!("{text}; but its metadata names {}, the product's CVEs {}", claimed[0], linked[0]))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cpe::ProductName;
    use crate::model::evidence::WorldCount;

    fn weighed(opinion: Opinion, words: u32, claimed: &str) -> Opinion {
        let worlds = vec![WorldCount { world: "npm".to_owned(), references: 0, words, targets: 0 }];
        let facts = ProductFacts { product: ProductName::application("v", "p"), cves: 3, latest: 2021, worlds };
        weigh(opinion, Ecosystem::Npm, &facts, &[claimed.to_owned()], &["github.com/a/p".to_owned()])
    }

    #[test]
    fn a_claim_lifts_by_one_step_and_never_over_the_guard() {
        let own = "github.com/a/p";
        assert!(matches!(weighed(Opinion::IsNot(String::new()), 0, own), Opinion::IsNot(_)));
        assert!(matches!(weighed(Opinion::Silent(String::new()), 0, own), Opinion::MayBe(_)));
        assert!(matches!(weighed(Opinion::MayBe(String::new()), 1, own), Opinion::Is(_)));
    }

    #[test]
    fn a_claim_takes_nothing_from_what_the_records_say() {
        let other = "github.com/b/q";
        assert!(matches!(weighed(Opinion::Is(String::new()), 1, other), Opinion::Is(_)));
        assert!(matches!(weighed(Opinion::Is(String::new()), 0, other), Opinion::MayBe(_)));
        assert!(matches!(weighed(Opinion::MayBe(String::new()), 1, other), Opinion::MayBe(_)));
    }
}
