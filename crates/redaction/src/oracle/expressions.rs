//! Rules said once more, by regular expressions at each place and by checksums written anew.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::detect::iban::LENGTHS;
use crate::{Entity, patterns};

pub(super) type Ranges = BTreeSet<(usize, usize)>;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a regular expression")
}

fn is_escape(text: &str, at: usize) -> bool {
    at > 0 && text.as_bytes()[at - 1] == b'\\' && b"nrt".contains(&text.as_bytes()[at])
}

/// The byte in front of a place, and the one behind it.
fn context(text: &str, start: usize, end: usize) -> (Option<char>, Option<char>) {
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

/// Whether one of the words stands in the `reach` bytes before a place.
fn is_said(text: &str, start: usize, reach: usize, words: &Regex) -> bool {
    let mut reach = start.saturating_sub(reach);
    while !text.is_char_boundary(reach) {
        reach += 1;
    }
    // A word that the reach begins in the middle of is none.
    let is_cut = reach > 0
        && text.as_bytes()[reach - 1].is_ascii_alphabetic()
        && !is_escape(text, reach - 1);
    let mut said = words.find_iter(&text[reach..start]);
    said.any(|found| {
        let begins = !found
            .as_str()
            .starts_with(|c: char| c.is_ascii_alphabetic());
        found.start() > 0 || begins || !is_cut
    })
}

pub(super) fn cards(text: &str) -> Ranges {
    // Today's cards; those of lengths that other numbers have too; and travel cards.
    static USUAL: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            "^(?:4[0-9]{15}|5[1-5][0-9]{14}|222[1-9][0-9]{12}|22[3-9][0-9]{13}|2[3-6][0-9]{14}|27[01][0-9]{13}|2720[0-9]{12}\
             |3[47][0-9]{13}|3[689][0-9]{12}|30[0-5][0-9]{11}|35[0-9]{14}|5[0678][0-9]{14}|6[0-9]{15})$",
        )
    });
    static RARE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            "^(?:4[0-9]{12}|4[0-9]{18}|35[0-9]{15,17}|(?:2131|1800)[0-9]{11}|5[0678][0-9]{10,17}|6[0-9]{11,18})$",
        )
    });
    static TRAVEL: LazyLock<Regex> = LazyLock::new(|| regex("^1[0-9]{14}$"));
    static IN_FOURS: LazyLock<Regex> =
        LazyLock::new(|| regex("^[0-9]{4}[ -](?:[0-9]{4}[ -])+[0-9]{1,4}$"));
    static CARD: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?i)(?:^|[^a-z]|\\[nrt])(?:card|credit|debit|uatp|cc|pan|pays|pay with|charge|visa|mastercard\
              |maestro|amex|jcb|diners|discover|unionpay)".replace("\\\n              ", "").as_str(),
        )
    });
    static CODE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?i)(?:^|[^a-z]|\\[nrt])(?:ean|gtin|upc|isbn|issn|barcode|imei|iccid|sku|tweet|snowflake)",
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
        let (before, _) = context(text, start, start);
        let joins = matches!(before, Some('.' | '-' | '_'));
        if is_word(before) || joins && !is_said(text, start - 1, 12, &CARD) {
            return None;
        }
        NUMBERS.iter().find_map(|number| {
            let end = start + number.find(&text[start..])?.end();
            let digits: String = text[start..end]
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            let (_, after) = context(text, start, end);
            let (_, next) = context(text, start, end + 1);
            let goes_on = is_word(after)
                || after == Some('_')
                || matches!(after, Some('.' | '-')) && next.is_some_and(|c| c.is_ascii_digit());
            let is_rare = USUAL.is_match(&digits) || RARE.is_match(&digits);
            let is_card = USUAL.is_match(&digits) && !is_said(text, start, 16, &CODE)
                || is_rare && IN_FOURS.is_match(&text[start..end])
                || (is_rare || TRAVEL.is_match(&digits)) && is_said(text, start, 28, &CARD);
            (!goes_on && is_card && luhn(&digits)).then_some(end)
        })
    };
    number_starts(text)
        .filter_map(|start| Some((start, card(start)?)))
        .collect()
}

pub(super) fn ssns(text: &str) -> Ranges {
    static SHAPED: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"^([0-9]{3})(?:-([0-9]{2})-|\.([0-9]{2})\.| ([0-9]{2}) )([0-9]{4})")
    });
    static BARE: LazyLock<Regex> = LazyLock::new(|| regex("^([0-9]{3})([0-9]{2})([0-9]{4})"));
    static BEGINS: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?:^|\n|"|\\n)$"#));
    static ENDS: LazyLock<Regex> = LazyLock::new(|| regex(r#"^\\*(?:\n|"|$)|^\\+n"#));
    static AFTER_WORD: LazyLock<Regex> = LazyLock::new(|| regex("[A-Za-z] $"));
    static BEFORE_WORD: LazyLock<Regex> =
        LazyLock::new(|| regex(r"^(?:$|[.,;?!]$|[.,;?!][ \n]| [A-Za-z])"));
    static SAID: LazyLock<Regex> = LazyLock::new(|| {
        regex("(?i)(?:^|[^a-z]|\\\\[nrt])(?:ssn|social[ _-]?security|soc sec|ss#)")
    });
    each(number_starts(text), |start| {
        let (before, _) = context(text, start, start);
        let said = is_said(text, start, 64, &SAID);
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
        let is_in_words = shown.as_str().contains(' ')
            && !shown.as_str().starts_with('0')
            && AFTER_WORD.is_match(&text[..start])
            && BEFORE_WORD.is_match(&text[end..]);
        let is_plain = shown.as_str().contains('-') || said || is_alone || is_in_words;
        let (_, after) = context(text, start, end);
        let parts = number.iter().skip(1).flatten().map(|part| part.as_str());
        let parts: Vec<&str> = parts.collect();
        let exists = !["000", "666"].contains(&parts[0])
            && !parts[0].starts_with('9')
            && parts[1] != "00"
            && parts[2] != "0000";
        (is_plain && exists && !is_word(after) && !matches!(after, Some('-' | '_'))).then_some(end)
    })
}

pub(super) fn ibans(text: &str) -> Ranges {
    static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let countries = LENGTHS.iter();
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
            let (before, after) = context(text, start, start + number.end());
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

pub(super) fn macs(text: &str) -> Ranges {
    static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let hyphens = "^(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}";
        let dots = r"^(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}";
        vec![regex(hyphens), regex(dots)]
    });
    static SAID: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(?i)(?:^|[^a-z]|\\[nrt])(?:mac|hwaddr|ether|bssid|lladdr)"));
    let mut found = Ranges::new();
    for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        for shape in SHAPES.iter() {
            let Some(address) = shape.find(&text[start..]) else {
                continue;
            };
            let end = start + address.end();
            let (before, after) = context(text, start, end);
            let joins = |c: Option<char>| is_word(c) || matches!(c, Some('-' | '_'));
            let (_, next) = context(text, start, end + 1);
            let dotted = address.as_str().contains('.')
                && (before == Some('.') || after == Some('.') && is_word(next));
            let digits: BTreeSet<char> = address
                .as_str()
                .chars()
                .filter(char::is_ascii_hexdigit)
                .map(|digit| digit.to_ascii_lowercase())
                .collect();
            let is_one = digits.len() == 1 && (digits.contains(&'0') || digits.contains(&'f'));
            // Six pairs of decimal digits are six numbers.
            let has_letter = digits.iter().any(|digit| digit.is_ascii_alphabetic());
            let is_numbers =
                address.as_str().contains('-') && !has_letter && !is_said(text, start, 16, &SAID);
            if !joins(before) && !joins(after) && !dotted && !is_one && !is_numbers {
                found.insert((start, end));
            }
        }
    }
    found
}

/// Keys of the published formats, the longest at each place.
pub(super) fn keys(text: &str) -> Ranges {
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
            let (before, after) = context(text, start, start + key.end());
            if !is_word(before) && !is_word(after) {
                found.insert((start, start + key.end()));
            }
        }
    }
    found
}
