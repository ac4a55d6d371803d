//! Payment card numbers, found at the first digit of a group.

use super::bytes::{digits, is_alnum, luhn};
use super::{Cluster, Detector};
use crate::Entity;
use crate::words::{Words, words};

pub(crate) const REGEX: &str = r"[0-9](?:[ -]?[0-9]){11,18}";

const FEWEST: usize = 12;
const MOST: usize = 19;

/// How far before a number the words stand that make it a card's.
const REACH: usize = 28;
static WORDS: Words = Words::new(|| {
    words(
        "card|credit|debit|uatp|cc|pan|pays|pay with|charge|visa|mastercard|maestro|amex|jcb|diners|discover|unionpay"
            .split('|'),
    )
});
/// How far before a number the words stand that make it an article's, a device's or a post's.
const CODE_REACH: usize = 16;
static CODE_WORDS: Words = Words::new(|| {
    words("ean|gtin|upc|isbn|issn|barcode|imei|iccid|sku|tweet|snowflake".split('|'))
});
/// How far when something joins the two: `card_4111…`.
const JOINED_REACH: usize = 12;

impl Detector<'_> {
    /// Looks for a card number that begins at `start`, and says where it ends: the longest number of
    /// whole groups whose brand, length and checksum hold.
    pub(super) fn card(&mut self, start: usize, cluster: &Cluster) -> Option<usize> {
        let before = self.before(start);
        let joins = matches!(before, b'.' | b'-' | b'_');
        if is_alnum(before) || joins && !self.has_word_before(start - 1, JOINED_REACH, &WORDS) {
            return None;
        }
        let (mut count, mut at, mut end) = (0, start, None);
        while at < cluster.end {
            let group = self.digit_run(at);
            count += group;
            at += group;
            if count > MOST {
                break;
            }
            if count >= FEWEST && self.is_card(start, at) {
                end = Some(at);
            }
            if !matches!(self.at(at), b' ' | b'-') || !self.at(at + 1).is_ascii_digit() {
                break;
            }
            at += 1;
        }
        self.found(Entity::CreditCard, start, end?);
        end
    }

    fn is_card(&self, start: usize, end: usize) -> bool {
        let after = self.at(end);
        let goes_on = is_alnum(after)
            || after == b'_'
            || matches!(after, b'-' | b'.') && self.at(end + 1).is_ascii_digit();
        let text = &self.bytes[start..end];
        let count = digits(text).count();
        let brand = brand(text);
        let is_travel = text[0] == b'1' && count == 15;
        if goes_on || brand.is_none() && !is_travel || !luhn(text) {
            return false;
        }
        // One number in ten has the checksum: a length that few cards have says too little.
        let is_usual = brand.is_some_and(|brand| is_usual(brand, count));
        brand.is_some() && is_in_fours(text)
            || is_usual && !self.has_word_before(start, CODE_REACH, &CODE_WORDS)
            || self.has_word_before(start, REACH, &WORDS)
    }
}

/// Whether today's cards of a brand have so many digits. Articles (EAN-13) and posts (18 or 19 digits)
/// are numbered with those lengths that only old or rare cards have.
fn is_usual(brand: &str, count: usize) -> bool {
    match brand {
        "AMEX" => count == 15,
        "DINERS" => count == 14,
        _ => count == 16,
    }
}

/// Whether a number is written as on a card: four digits, a separator, four digits …
fn is_in_fours(text: &[u8]) -> bool {
    let mut groups = text.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len);
    let last = groups.next_back().unwrap_or_default();
    text.len() > 9 && groups.all(|length| length == 4) && last <= 4
}

/// The brand of a number, by its first digits and how many it has.
pub(crate) fn brand(text: &[u8]) -> Option<&'static str> {
    let count = digits(text).count();
    let head4 = digits(text)
        .take(4)
        .fold(0, |head, digit| head * 10 + digit);
    let (head2, head3) = (head4 / 100, head4 / 10);
    let is = |brand: &'static str, holds: bool| holds.then_some(brand);
    match head4 / 1000 {
        4 => is("VISA", matches!(count, 13 | 16 | 19)),
        2 => is("MASTERCARD", count == 16 && matches!(head4, 2221..=2720))
            .or(is("JCB", count == 15 && head4 == 2131)),
        1 => is("JCB", count == 15 && head4 == 1800),
        3 => is("AMEX", count == 15 && matches!(head2, 34 | 37))
            .or(is(
                "DINERS",
                count == 14 && (matches!(head2, 36 | 38 | 39) || matches!(head3, 300..=305)),
            ))
            .or(is("JCB", (16..=19).contains(&count) && head2 == 35)),
        5 => is("MASTERCARD", count == 16 && matches!(head2, 51..=55))
            .or(is("MAESTRO", matches!(head2, 50 | 56..=58))),
        6 => match head2 {
            62 => is("UNIONPAY", count >= 16),
            60 | 64 | 65 => is("DISCOVER", count >= 16),
            _ => None,
        }
        .or(Some("MAESTRO")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Entity, Redactor, Replacement, Rules};

    #[test]
    fn each_brand_is_named_and_what_only_looks_like_a_card_stays() {
        let rules = Rules::new().replacement(Entity::CreditCard, Replacement::Mask);
        let redactor = Redactor::new(rules, None);
        let masked = |text: &str| redactor.redact(text).text.into_owned();
        for (number, brand) in [
            ("4291417776318", "VISA"),
            ("4291417776318293", "VISA"),
            ("4291417776318291419", "VISA"),
            ("2221291417776311", "MASTERCARD"),
            ("2720291417776317", "MASTERCARD"),
            ("5129141777631828", "MASTERCARD"),
            ("5529141777631824", "MASTERCARD"),
            ("342914177763181", "AMEX"),
            ("378282246310005", "AMEX"),
            ("30029141777634", "DINERS"),
            ("30529141777633", "DINERS"),
            ("36291417776310", "DINERS"),
            ("38291417776318", "DINERS"),
            ("39291417776317", "DINERS"),
            ("213129141777631", "JCB"),
            ("180029141777632", "JCB"),
            ("3528291417776319", "JCB"),
            ("3530291417776315", "JCB"),
            ("35291417776318297", "JCB"),
            ("3529141777631829148", "JCB"),
            ("6202914177763179", "UNIONPAY"),
            ("6229141777631829142", "UNIONPAY"),
            ("6011291417776316", "DISCOVER"),
            ("6429141777631823", "DISCOVER"),
            ("6529141777631829145", "DISCOVER"),
            ("502914177766", "MAESTRO"),
            ("5629141777632", "MAESTRO"),
            ("5829141777631829140", "MAESTRO"),
            ("602914177763186", "MAESTRO"),
            ("622914177763182", "MAESTRO"),
            ("672914177767", "MAESTRO"),
            ("6629141777631821", "MAESTRO"),
        ] {
            let last = &number[number.len() - 4..];
            let expected = format!("pays [CREDIT_CARD:{brand} {last}].");
            assert_eq!(masked(&format!("pays {number}.")), expected);
            // Without a word, the lengths that articles, posts and devices share are nobody's.
            let is_usual = match brand {
                "AMEX" => number.len() == 15,
                "DINERS" => number.len() == 14,
                _ => number.len() == 16,
            };
            assert_eq!(masked(number) != number, is_usual, "{number}");
        }
        for number in [
            // Beside the ranges of a brand.
            "2220291417776312",
            "2721291417776316",
            "213229141777639",
            "180129141777630",
            "30629141777631",
            "37291417776319",
            "5929141777631820",
            "7291417776318296",
            // Of another length than the brand's.
            "42914177763184",
            "222129141777630",
            "2131291417776310",
            "1800291417776312",
            "512914177763185",
            "3429141777631820",
            "305291417776314",
            "362914177763186",
            "352914177763188",
            // Eleven and twenty digits.
            "67592914179",
            "62291417776318291418",
            "67291417776318291413",
            // The checksum is wrong.
            "2221291417776312",
            "6202914177763178",
        ] {
            assert_eq!(masked(number), number);
        }
    }

    #[test]
    fn words_make_a_travel_card_of_a_number_only_within_their_reach() {
        let rules = Rules::new().replacement(Entity::CreditCard, Replacement::Mask);
        let redactor = Redactor::new(rules, None);
        let masked = |text: &str| redactor.redact(text).text.into_owned();
        for word in ["card", "Credit", "UATP"] {
            let text = format!("{word} 123429141777634");
            assert_eq!(masked(&text), format!("{word} [CREDIT_CARD:CARD 7634]"));
        }
        let near = format!("card{}", " ".repeat(24));
        assert_eq!(
            masked(&format!("{near}123429141777634")),
            format!("{near}[CREDIT_CARD:CARD 7634]")
        );
        let joined_near = "cardabcdefgh_";
        assert_eq!(
            masked(&format!("{joined_near}4291417776318293")),
            format!("{joined_near}[CREDIT_CARD:VISA 8293]")
        );
        for text in [
            "123429141777634".to_owned(),
            "ticket 123429141777634".to_owned(),
            "card 12914177763180".to_owned(),
            "card 1291417776318299".to_owned(),
            "card 223429141777633".to_owned(),
            format!("{near} 123429141777634"),
            "id_4291417776318293".to_owned(),
            "cardabcdefghi_4291417776318293".to_owned(),
        ] {
            assert_eq!(masked(&text), text);
        }
    }
}
