//! The engine against oracles that are slow and plain, on random and mutated texts.
//!
//! Two things can go wrong: that the masks do not say where to look, and that a matcher decides
//! otherwise than its rule. For the first there is a scan that looks at each byte; for the second
//! regular expressions at each place, with checksums written anew, for the kinds whose rules can be
//! said that way. The rules for phone numbers, IPv6 addresses, URLs and assignments look at too much
//! around a candidate for that: of them only the places are compared.

use super::detect::{Detector, Match};
use super::{Entity, Keys, Redactor, Replacement, Rules, catalog};

mod expressions;
mod texts;

use expressions::{Ranges, cards, ibans, keys, macs, ssns};
use texts::{Random, text, texts};

/// The ranges of one kind among findings.
fn of(found: &[Match], entity: Entity) -> Ranges {
    let of_kind = found
        .iter()
        .filter(|found| catalog::entity(found.rule) == Some(entity));
    of_kind.map(|found| (found.start, found.end)).collect()
}

#[test]
fn the_masks_miss_no_place_at_which_a_matcher_finds_something() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut total = 0;
    for _ in 0..texts() {
        // Somewhere in the text a block of the masks ends.
        let text = format!("{}{}", "x ".repeat(random.below(40)), text(&mut random));
        let mut fast = Detector::new(&text).scan().matches;
        let mut slow = Detector::new(&text).scan_slowly();
        let key = |found: &Match| (found.start, found.end, found.rule);
        // A value may be found by its digits and by its name.
        for matches in [&mut fast, &mut slow] {
            matches.sort_by_key(key);
            matches.dedup();
        }
        assert_eq!(fast, slow, "{text:?}");
        total += fast.len();
    }
    assert!(
        total > texts() / 2,
        "{total} findings: the texts hold something"
    );
}

#[test]
fn numbers_and_addresses_are_what_plain_regular_expressions_say() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut counts = [0; 4];
    let texts = texts() / 4;
    for _ in 0..texts {
        let text = text(&mut random);
        let found = Detector::new(&text).scan().matches;
        let expected = [
            (Entity::CreditCard, cards(&text)),
            (Entity::UsSsn, ssns(&text)),
            (Entity::Iban, ibans(&text)),
        ];
        for (place, (entity, expected)) in expected.iter().enumerate() {
            assert_eq!(&of(&found, *entity), expected, "{entity} in {text:?}");
            counts[place] += expected.len();
        }
        // Colons are compared by place only.
        let mut macs_found = of(&found, Entity::Mac);
        macs_found.retain(|(start, end)| !text[*start..*end].contains(':'));
        assert_eq!(macs_found, macs(&text), "{text:?}");
        counts[3] += macs_found.len();
        let secrets = of(&found, Entity::Secret);
        for (start, end) in keys(&text) {
            let is_covered = secrets
                .iter()
                .any(|(from, to)| *from <= start && end <= *to);
            assert!(is_covered, "a key at {start} in {text:?}: {secrets:?}");
        }
    }
    for count in counts {
        assert!(count > texts / 100, "{counts:?}: each kind occurs");
    }
}

#[test]
fn no_byte_of_a_found_value_is_written_and_twice_is_once() {
    let mut random = Random(0xdead_beef_cafe_f00d);
    let keyed = Redactor::new(Rules::new(), Some(Keys::from_secret("k1", &[3; 32])));
    let removing = Redactor::new(Rules::new().default_replacement(Replacement::Remove), None);
    for _ in 0..texts() {
        let text = text(&mut random);
        let places = removing.find(&text);
        let mut rest = String::new();
        let mut copied = 0;
        for place in &places {
            assert!(copied <= place.start && place.start < place.end, "{text:?}");
            rest.push_str(&text[copied..place.start]);
            copied = place.end;
        }
        rest.push_str(&text[copied..]);
        let removed = removing.redact(&text).text;
        match removing.find(&rest).is_empty() {
            true => assert_eq!(removed, rest, "what is not found, and nothing else"),
            // What is left of the text may hold a value that was none before: `-p` without its password is
            // followed by the next word.
            false => {
                let is_secret = |found: &crate::Finding| ["SECRET", "JWT"].contains(&&*found.kind);
                let left = removing.find(&removed);
                assert!(
                    removed.len() <= rest.len() && left.iter().all(is_secret),
                    "{text:?}: {removed:?}"
                );
            }
        }

        let redacted = keyed.redact(&text);
        assert_eq!(redacted.redactions.is_empty(), places.is_empty());
        for redaction in &redacted.redactions {
            let (tag, key) = (
                redaction.tag.expect("a tag").1,
                redaction.tag.expect("a tag").0,
            );
            let shown = &redacted.text[redaction.start..redaction.end];
            assert_eq!(shown, format!("[{}:{key}:{tag}]", redaction.kind));
        }
        let again = keyed.redact_again(&redacted.text);
        assert_eq!(again.text, redacted.text, "{text:?}");
    }
}
