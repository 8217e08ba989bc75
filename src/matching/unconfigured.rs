//! CVEs that no CPE will ever match: where one names a package, that is a lead for a person, never a finding.

use crate::model::finding::{Lead, Step};
use crate::model::mirror::Mention;
use crate::model::osv::OsvAdvisory;

/// A name that more unconfigured CVEs use is an everyday word, or a product whose name the package merely shares.
const EVERYDAY: usize = 20;

/// The leads of one package. `world`: the place of its ecosystem in the bits of a record's signals. What an advisory of
/// its own ecosystem judges is no lead.
#[must_use]
pub fn unconfigured(index: usize, name: &str, world: usize, mentions: &[Mention], advisories: &[OsvAdvisory]) -> Vec<Lead> {
    let judged = |mention: &Mention| advisories.iter().any(|advisory| advisory.cves().contains(&mention.cve));
    let speaks = |mention: &Mention| mention.signals >> (2 * world) & 3 != 0;
    let fits: Vec<&Mention> = mentions.iter().filter(|mention| !judged(mention) && (mention.by_reference || speaks(mention))).collect();
    let lead = |id: String, text: String| Lead { package: index, id, because: vec![Step { depth: 0, truth: "unknown", text }] };
    let by_text = fits.iter().filter(|mention| !mention.by_reference).count();
    let single = fits.iter().filter(|mention| mention.by_reference || by_text <= EVERYDAY).map(|mention| {
        let what = if mention.by_reference { "a reference of it leads to this package" } else { "its text names this package" };
        lead(
            mention.cve.to_string(),
            format!("the NVD gives it no configuration, and {what}: whether the version is affected is not known"),
        )
    });
    let crowd = (by_text > EVERYDAY)
        .then(|| lead(name.to_owned(), format!("{by_text} CVEs without any configuration use this name: too many to mean this package")));
    single.chain(crowd).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::advisory::CveId;

    fn mention(number: i64, by_reference: bool, signals: i64) -> Mention {
        Mention { cve: CveId::from_packed(2026 * 10_000_000_000 + number), by_reference, signals }
    }

    #[test]
    fn prose_counts_where_it_speaks_of_the_ecosystem_and_references_always() {
        let mentions = [mention(1, true, 0), mention(2, false, 2 << 2), mention(3, false, 1)];
        let ids: Vec<_> = unconfigured(0, "x", 1, &mentions, &[]).into_iter().map(|lead| lead.id).collect();
        assert_eq!(ids, ["CVE-2026-0001", "CVE-2026-0002"]);
    }

    #[test]
    fn an_everyday_word_is_told_once() {
        let mut mentions: Vec<Mention> = (1..=30).map(|number| mention(number, false, 1)).collect();
        mentions.push(mention(31, true, 0));
        let leads = unconfigured(0, "request", 0, &mentions, &[]);
        assert_eq!(leads.iter().map(|lead| lead.id.as_str()).collect::<Vec<_>>(), ["CVE-2026-0031", "request"]);
    }
}
