//! The engine against oracles that are slow and plain, on random and mutated texts.
//!
//! Two things can go wrong: that the masks do not say where to look, and that a matcher decides
//! otherwise than its rule. For the first there is a scan that looks at each byte; for the second
//! regular expressions at each place, with checksums written anew, for the kinds whose rules can be
//! said that way. The rules for phone numbers, IPv6 addresses, URLs and assignments look at too much
//! around a candidate for that: of them only the places are compared.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::detect::{Detector, Match};
use super::{Entity, Form, Keys, Redactor, Rules, catalog, patterns};

mod expressions;
mod texts;

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Values and what stands around them.
const PIECES: [&str; 77] = [
    "ann@example.com",
    "Ann.Lee+x@mail.example.co.uk",
    "a@b",
    "@",
    "x@2x.png",
    "o'neil@ex-ample.org",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "378282246310005",
    "5105105105105100",
    "6011000990139424",
    "2221 2914 1777 6311",
    "2720291417776317",
    "4291417776318",
    "213129141777631",
    "180029141777632",
    "3530-2914-1777-6315",
    "36291417776310",
    "30529141777633",
    "6202 9141 7776 3179",
    "672914177767",
    "67291417776318291413",
    "123-45-6789",
    "078 05 1120",
    "123456789",
    "SSN ",
    "social security number: ",
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
    "NO9386011117947",
    "de89 3704 0044 0532 0130 00",
    "192.0.2.17",
    "10.0.0.1/8",
    "255.255.255.255",
    "1.2.3.4.5",
    "v1.2.3.4",
    "Chrome/120.0.0.0 ",
    "2001:db8::1",
    "::1",
    "fe80::1%eth0",
    "10:15:00",
    "a::b",
    "0a:21:c4:75:5a:df",
    "AA-BB-CC-DD-EE-01",
    "1e6a.fe71.a32c",
    "00:00:00:00:00:00",
    "+1 212 555 0187",
    "(212) 555-0187",
    "0131 496 0504",
    "call 5550187",
    "2026-11-24",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "sk-proj-AroYwiWVCHTEnt8SHRkthfoeHfg3OKWAYoxuRdb26j1Z5dkEbr7aMEWE",
    "AKIAIOSFODNN7EXAMPLE",
    "AKIA",
    "password=Tr0ub4dor&3",
    "api_key: 'a1b2c3d4e5f6g7h8'",
    "token",
    "= ",
    ": ",
    "postgres://user:s3cret@db.example.com/x",
    "://",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----",
    "\\n",
    "\"",
    "\\\"",
    "\\u0040",
    " ",
    ", ",
    ".",
    "-",
    "é",
    "日本",
    "the quick brown fox ",
];

/// A text of some pieces, and then a few changes of single bytes.
fn text(random: &mut Random) -> String {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(6) {
        bytes.extend_from_slice(random.pick(&PIECES).as_bytes());
        if random.below(3) > 0 {
            bytes.push(*random.pick(b" ,.:;-_@/=\"'()\n0a"));
        }
    }
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => {
                bytes.remove(at);
            }
            1 => bytes.insert(at, *random.pick(b" 0123456789abcABC.-:@=_+/")),
            _ => bytes[at] = *random.pick(b" 0123456789abcABC.-:@=_+/"),
        }
        if bytes.is_empty() {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

type Ranges = BTreeSet<(usize, usize)>;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a regular expression")
}

fn is_escape(text: &str, at: usize) -> bool {
    at > 0 && text.as_bytes()[at - 1] == b'\\' && b"nrt".contains(&text.as_bytes()[at])
}

/// The byte in front of a place, and the one behind it.
fn around(text: &str, start: usize, end: usize) -> (Option<char>, Option<char>) {
    let before = start.checked_sub(1).filter(|at| !is_escape(text, *at));
    let before = before.map(|at| char::from(text.as_bytes()[at]));
    (
        before,
        text.as_bytes().get(end).map(|byte| char::from(*byte)),
    )
}

fn is_word(character: Option<char>) -> bool {
    character.is_some_and(|character| character.is_ascii_alphanumeric())
}

/// Where numbers begin: a digit behind something else.
fn number_starts(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    (0..bytes.len())
        .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit()))
}

/// Collects what `at` finds from each place on, each finding behind the last.
fn each(starts: impl Iterator<Item = usize>, mut at: impl FnMut(usize) -> Option<usize>) -> Ranges {
    let (mut found, mut behind) = (Ranges::new(), 0);
    for start in starts {
        if start >= behind
            && let Some(end) = at(start)
        {
            found.insert((start, end));
            behind = end;
        }
    }
    found
}

fn cards(text: &str) -> Ranges {
    static BRANDS: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            "^(?:4[0-9]{12}|4[0-9]{15}|4[0-9]{18}|5[1-5][0-9]{14}\
             |222[1-9][0-9]{12}|22[3-9][0-9]{13}|2[3-6][0-9]{14}|27[01][0-9]{13}|2720[0-9]{12}\
             |3[47][0-9]{13}|3[689][0-9]{12}|30[0-5][0-9]{11}|35[0-9]{14,17}|(?:2131|1800)[0-9]{11}\
             |5[0678][0-9]{10,17}|6[0-9]{11,18})$",
        )
    });
    static NUMBERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let of = |count: usize| regex(&format!("^[0-9](?:[ -]?[0-9]){{{}}}", count - 1));
        (12..=19).rev().map(of).collect()
    });
    let luhn = |digits: &str| {
        let digits: Vec<u32> = digits
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .collect();
        let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
        let places = digits.iter().rev().enumerate();
        let sum: u32 = places
            .map(|(place, digit)| {
                if place % 2 == 1 {
                    double(*digit)
                } else {
                    *digit
                }
            })
            .sum();
        sum.is_multiple_of(10)
    };
    // A number in front may be taken for the head of one: each group may begin it.
    let card = |start: usize| {
        let (before, _) = around(text, start, start);
        if is_word(before) || matches!(before, Some('.' | '-' | '_')) {
            return None;
        }
        NUMBERS.iter().find_map(|number| {
            let end = start + number.find(&text[start..])?.end();
            let digits: String = text[start..end]
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            let (_, after) = around(text, start, end);
            let (_, next) = around(text, start, end + 1);
            let goes_on = is_word(after)
                || after == Some('_')
                || matches!(after, Some('.' | '-')) && next.is_some_and(|c| c.is_ascii_digit());
            // Travel cards need a word in front, which the pieces have not.
            (!goes_on && BRANDS.is_match(&digits) && luhn(&digits)).then_some(end)
        })
    };
    number_starts(text)
        .filter_map(|start| Some((start, card(start)?)))
        .collect()
}

fn ssns(text: &str) -> Ranges {
    static SHAPED: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"^([0-9]{3})(?:-([0-9]{2})-|\.([0-9]{2})\.| ([0-9]{2}) )([0-9]{4})")
    });
    static BARE: LazyLock<Regex> = LazyLock::new(|| regex("^([0-9]{3})([0-9]{2})([0-9]{4})"));
    static BEGINS: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?:^|\n|"|\\n)$"#));
    static ENDS: LazyLock<Regex> = LazyLock::new(|| regex(r#"^\\*(?:\n|"|$)|^\\+n"#));
    static SAID: LazyLock<Regex> =
        LazyLock::new(|| regex("(?i)(?:^|[^a-z]|\\\\[nrt])(?:ssn|social[ _-]?security)"));
    let is_said = |start: usize| {
        let mut reach = start.saturating_sub(28);
        while !text.is_char_boundary(reach) {
            reach += 1;
        }
        // A word that the reach begins in the middle of is none.
        let is_cut = reach > 0
            && text.as_bytes()[reach - 1].is_ascii_alphabetic()
            && !is_escape(text, reach - 1);
        let mut said = SAID.find_iter(&text[reach..start]);
        said.any(|found| {
            let begins = !found
                .as_str()
                .starts_with(|c: char| c.is_ascii_alphabetic());
            found.start() > 0 || begins || !is_cut
        })
    };
    each(number_starts(text), |start| {
        let (before, _) = around(text, start, start);
        let said = is_said(start);
        if is_word(before) || before.is_some_and(|c| "-._/#$,".contains(c)) && !said {
            return None;
        }
        let bytes = text[start..].bytes();
        let number = match bytes.take_while(u8::is_ascii_digit).count() {
            3 => SHAPED.captures(&text[start..])?,
            9 if said => BARE.captures(&text[start..])?,
            _ => return None,
        };
        let shown = number.get(0)?;
        let end = start + shown.end();
        let is_alone = BEGINS.is_match(&text[..start]) && ENDS.is_match(&text[end..]);
        let is_plain = shown.as_str().contains('-') || said || is_alone;
        let (_, after) = around(text, start, end);
        let parts = number.iter().skip(1).flatten().map(|part| part.as_str());
        let parts: Vec<&str> = parts.collect();
        let exists = !["000", "666"].contains(&parts[0])
            && !parts[0].starts_with('9')
            && parts[1] != "00"
            && parts[2] != "0000";
        (is_plain && exists && !is_word(after) && !matches!(after, Some('-' | '_'))).then_some(end)
    })
}

fn ibans(text: &str) -> Ranges {
    static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let countries = super::detect::iban::LENGTHS.iter();
        let shapes = countries.map(|known| {
            let (country, length) = known.split_at(2);
            let rest = length.parse::<usize>().expect("a length") - 4;
            regex(&format!(
                "^(?i:{country})[0-9]{{2}}(?:[ -]?[A-Za-z0-9]){{{rest}}}"
            ))
        });
        shapes.collect()
    });
    let mut found = Ranges::new();
    // Regular expressions are slow to say no; two letters and two digits are quick.
    let bytes = text.as_bytes();
    let begins = |at: &usize| {
        let head = bytes.get(*at..at + 4);
        head.is_some_and(|head| head[0].is_ascii_alphabetic() && head[3].is_ascii_digit())
    };
    for start in (0..bytes.len()).filter(begins) {
        for shape in SHAPES.iter() {
            let Some(number) = shape.find(&text[start..]) else {
                continue;
            };
            let (before, after) = around(text, start, start + number.end());
            let plain: String = number
                .as_str()
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect();
            let turned = format!("{}{}", &plain[4..], &plain[..4]);
            let digits: String = turned
                .chars()
                .filter_map(|character| character.to_digit(36))
                .map(|value| value.to_string())
                .collect();
            let rest = digits.chars().filter_map(|digit| digit.to_digit(10));
            let rest = rest.fold(0, |rest, digit| (rest * 10 + digit) % 97);
            if rest == 1 && !is_word(before) && !is_word(after) {
                found.insert((start, start + number.end()));
            }
        }
    }
    found
}

fn macs(text: &str) -> Ranges {
    static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let hyphens = "^(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}";
        let dots = r"^(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}";
        vec![regex(hyphens), regex(dots)]
    });
    let mut found = Ranges::new();
    for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        for shape in SHAPES.iter() {
            let Some(address) = shape.find(&text[start..]) else {
                continue;
            };
            let end = start + address.end();
            let (before, after) = around(text, start, end);
            let joins = |c: Option<char>| is_word(c) || matches!(c, Some('-' | '_'));
            let (_, next) = around(text, start, end + 1);
            let dotted = address.as_str().contains('.')
                && (before == Some('.') || after == Some('.') && is_word(next));
            let digits: BTreeSet<char> = address
                .as_str()
                .chars()
                .filter(char::is_ascii_hexdigit)
                .map(|digit| digit.to_ascii_lowercase())
                .collect();
            let is_one = digits.len() == 1 && (digits.contains(&'0') || digits.contains(&'f'));
            if !joins(before) && !joins(after) && !dotted && !is_one {
                found.insert((start, end));
            }
        }
    }
    found
}

/// Keys of the published formats, the longest at each place.
fn keys(text: &str) -> Ranges {
    static SHAPES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
        let is_format = |rule: &str| {
            ["github-pat", "aws-access-token", "openai-project-api-key"].contains(&rule)
        };
        patterns()
            .into_iter()
            .filter(|pattern| pattern.entity == Entity::Secret && is_format(pattern.rule))
            .map(|pattern| (pattern.rule, regex(&format!("^{}", pattern.regex))))
            .collect()
    });
    let mut found = Ranges::new();
    for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        for (_, shape) in SHAPES.iter() {
            let Some(key) = shape.find(&text[start..]) else {
                continue;
            };
            let (before, after) = around(text, start, start + key.end());
            if !is_word(before) && !is_word(after) {
                found.insert((start, start + key.end()));
            }
        }
    }
    found
}

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
        fast.sort_by_key(key);
        slow.sort_by_key(key);
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
    let removing = Redactor::new(Rules::new().default_form(Form::Remove), None);
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
            // What is left of the text may hold a value that was none before.
            false => assert!(removed.len() < rest.len() && removing.find(&removed).is_empty()),
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
