//! Phone numbers, found at the first digit of a group.

use super::bytes::{digits, is_alnum};
use super::{Cluster, Detector};
use crate::Entity;
use crate::words::{Words, words};

pub(crate) const REGEX: &str = r"(?:\+|\+?\()?[0-9](?:[0-9]|[ .\-/]?\(?[0-9]|\)[ .\-/]?\(?[0-9]){6,16}(?:[ ]?(?:x|ext\.?)[ ]?[0-9]{1,5})?";

/// Words that make a group of digits a phone number, shortly before or right behind it.
static BEFORE: Words = Words::new(|| {
    let list = "phone|phonenumber|telephone|cellphone|call|calling|called|tel|mobile|mobil|cell|fax|whatsapp|\
                sms|dial|desk|reach me|reach us|reach you|reach him|reach her|reach them|ring me|text me|\
                answering at|messages to|contact number|registered|téléphone|tél|portable|handynummer|móvil|\
                movil|celular|teléfono|telefono|telefon|cellulare|rufnummer|телефон|тел|电话|手机|電話|전화";
    words(list.split('|'))
});
/// Words in front of digits that make them something else.
static NOT_BEFORE: Words =
    Words::new(|| words("isbn|issn|arxiv|doi|order|invoice|ticket|tracking|sku".split('|')));
const NOT_BEFORE_REACH: usize = 12;
const BEFORE_REACH: usize = 28;
const AFTER: [&str; 6] = ["mobile", "fax", "office", "phone", "cell", "landline"];
const AFTER_GAP: usize = 2;

/// How long a number may be: the digits and what stands between them.
const LONGEST: usize = 32;

/// What a candidate looks like.
struct Shape {
    /// How many digits its groups have.
    groups: [u8; 8],
    count: usize,
    digits: usize,
    plus: bool,
    parenthesis: bool,
    separated: bool,
    /// All separators are dots.
    dotted: bool,
}

impl Shape {
    fn groups(&self) -> &[u8] {
        &self.groups[..self.count]
    }
}

impl Detector<'_> {
    pub(super) fn phone(&mut self, digit: usize, cluster: &mut Cluster) -> Option<usize> {
        // A number begins in front of its first digit: `+49`, `(212)`, `+(49)`.
        let mut start = digit;
        if start > 0 && self.bytes[start - 1] == b'(' {
            start -= 1;
        }
        if start > 0 && self.bytes[start - 1] == b'+' {
            start -= 1;
        }
        let before = self.before(start);
        // A number that begins with a sign of its own is one beside almost anything.
        let is_marked =
            matches!(self.bytes[start], b'+' | b'(') && !matches!(before, b'+' | b'-' | b'.');
        let joins = !is_marked
            && matches!(
                before,
                b'#' | b'$' | b'.' | b'/' | b'_' | b'-' | b'+' | b',' | b':'
            );
        if is_alnum(before) || joins && !self.follows_word(start) {
            return None;
        }
        let is_grouped = before == b',' && self.before(start - 1).is_ascii_digit();
        if before == b'.' || is_grouped && !is_marked {
            return None;
        }
        let (shape, end) = self.shape(start, cluster)?;
        if !self.is_phone(&shape, start, end, cluster) {
            return None;
        }
        let end = self.extension(end);
        self.found(Entity::Phone, start, end);
        Some(end)
    }

    /// Whether the separator before `start` ends a word, as in `Fax:0212…`.
    fn follows_word(&self, start: usize) -> bool {
        matches!(self.before(start), b':' | b'/' | b',' | b'.')
            && !is_digit(self.before(start - 1))
            && !(self.before(start) == b'/' && is_alnum(self.before(start - 1)))
    }

    fn shape(&self, start: usize, cluster: &Cluster) -> Option<(Shape, usize)> {
        let mut shape = Shape {
            groups: [0; 8],
            count: 0,
            digits: 0,
            plus: self.bytes[start] == b'+',
            parenthesis: false,
            separated: false,
            dotted: true,
        };
        let (mut at, mut end) = (start + usize::from(shape.plus), start);
        let mut opened = false;
        while at < self.bytes.len() && at - start < LONGEST {
            let run = self.digit_run(at);
            if run > 0 {
                if shape.count == shape.groups.len() {
                    break;
                }
                if shape.digits + run > 15 {
                    return (shape.digits >= 7).then_some((shape, end));
                }
                shape.groups[shape.count] = run as u8;
                shape.count += 1;
                shape.digits += run;
                at += run;
                if !opened {
                    end = at;
                }
                if at >= cluster.end && !opened {
                    break;
                }
                continue;
            }
            match self.bytes[at] {
                b'(' if !opened && shape.count <= 1 => {
                    opened = true;
                    shape.parenthesis = true;
                    at += 1;
                }
                b')' if opened => {
                    opened = false;
                    at += 1;
                    end = at;
                }
                separator @ (b' ' | b'-' | b'.' | b'/')
                    if shape.count > 0
                        && !opened
                        && (is_digit(self.at(at + 1)) || self.at(at + 1) == b'(') =>
                {
                    shape.separated = true;
                    shape.dotted &= separator == b'.';
                    at += 1;
                }
                _ => break,
            }
        }
        // A parenthesis at the end belongs to what follows.
        (shape.digits >= 7 && end > start).then_some((shape, end))
    }

    fn is_phone(&self, shape: &Shape, start: usize, end: usize, cluster: &mut Cluster) -> bool {
        let after = self.at(end);
        let starts_extension = matches!(after, b'x' | b'X') && is_digit(self.at(end + 1));
        if is_alnum(after) && !starts_extension
            || after == b'_'
            || matches!(after, b'.' | b'-' | b'/' | b':' | b',') && is_digit(self.at(end + 1))
            || self.bytes[end - 1] == b'('
        {
            return false;
        }
        let text = &self.bytes[start..end];
        let groups = shape.groups();
        // A decimal number, or the check digit of an ISBN.
        let is_other = shape.dotted && groups.len() == 2 && !shape.plus && !shape.parenthesis
            || shape.separated && groups.last() == Some(&1)
            || matches!(after, b'-')
                && self.at(end + 1).eq_ignore_ascii_case(&b'x')
                && !is_alnum(self.at(end + 2));
        let is_said_otherwise = || self.has_word_before(start, NOT_BEFORE_REACH, &NOT_BEFORE);
        if is_other || is_date(shape, text) {
            return false;
        }
        if shape.plus {
            // North America has eleven digits.
            return match self.at(start + 1) {
                b'0' => false,
                b'1' => shape.digits == 11,
                _ => shape.digits >= 9,
            };
        }
        let nanp = matches!(groups, [3, 3, 4] | [1, 3, 3, 4] | [3, 3, 3, 4]);
        // Area and exchange begin with 2 to 9.
        let national = match groups {
            [1, ..] if text[0] == b'1' => 1,
            [3, 3, 3, 4] if text.starts_with(b"001") => 3,
            [3, 3, 4] => 0,
            _ => usize::MAX,
        };
        let digit = |place: usize| digits(text).nth(place).unwrap_or(0);
        let plausible_nanp =
            national != usize::MAX && digit(national) >= 2 && digit(national + 3) >= 2;
        let is_area = text.starts_with(b"(") && groups.len() >= 2 && groups[0] >= 2;
        let is_year = text.starts_with(b"(19") || text.starts_with(b"(20");
        let first_is_zero = digits(text).next() == Some(0);
        if nanp && plausible_nanp && (shape.separated || shape.parenthesis)
            || is_area && shape.digits >= 8 && !(is_year && groups[0] == 4)
        {
            return !is_said_otherwise();
        }
        // Shaped as a social security number, and not taken for one.
        if groups == [3, 2, 4] {
            return false;
        }
        // A trunk prefix and an area. Six digits would be a date.
        if first_is_zero
            && shape.separated
            && shape.digits >= 9
            && !shape.dotted
            && matches!(groups[0], 2..=5)
            && digit(1) != 0
            && after != b':'
            && !is_row(text)
        {
            return !is_said_otherwise();
        }
        // Between the digits of a cluster there is no room for a word: it stands before them all,
        // or behind.
        let word = *cluster.phone_word.get_or_insert_with(|| {
            let words = self.words_before(cluster.start, BEFORE_REACH, &BEFORE);
            let (start, end) = words.max()?;
            self.names_number(end).then_some(start)
        });
        let is_said = word.is_some_and(|word| start.saturating_sub(word) <= BEFORE_REACH)
            || self.has_word_behind(end, AFTER_GAP, &AFTER);
        is_said && !is_said_otherwise()
    }

    /// Whether the word that ends here is one whole and not a part of a name for something else:
    /// `desktop`, `call_id`.
    fn names_number(&self, end: usize) -> bool {
        let rest = self.rest(end);
        let rest = rest.strip_prefix(b"s").unwrap_or(rest);
        let is_whole = !rest.first().is_some_and(u8::is_ascii_alphabetic);
        let of_something = [&b"_id"[..], b" id", b"-id", b" count", b"_count"];
        is_whole && !of_something.iter().any(|tail| rest.starts_with(tail))
    }

    /// Where an extension behind the number ends, or the number itself.
    fn extension(&self, end: usize) -> usize {
        let mut at = end;
        if self.at(at) == b' ' {
            at += 1;
        }
        let word = [&b"ext."[..], b"ext", b"x", b"X"]
            .into_iter()
            .find(|word| self.rest(at).starts_with(word));
        let Some(word) = word else {
            return end;
        };
        at += word.len();
        if self.at(at) == b' ' {
            at += 1;
        }
        match self.digit_run(at) {
            run @ 1..=5 if !is_alnum(self.at(at + run)) => at + run,
            _ => end,
        }
    }
}

/// Groups of a table or a dump: alike, or each with zeros in front.
fn is_row(text: &[u8]) -> bool {
    let groups = || text.split(|byte| !byte.is_ascii_digit());
    let zeros = groups().filter(|group| group.starts_with(b"0")).count();
    let are_alike = groups().all(|group| group.len() == 4);
    zeros > 2 || are_alike
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// `2026-11-23`, `23.11.2026`, `2026-11-23 10`, and the like.
fn is_date(shape: &Shape, text: &[u8]) -> bool {
    let year = |at: usize| {
        text.get(at..at + 4)
            .is_some_and(|digits| digits.starts_with(b"19") || digits.starts_with(b"20"))
    };
    match shape.groups() {
        [4, 2, 2, ..] | [4, 1 | 2, 1 | 2] => year(0) && !text.starts_with(b"+"),
        [2, 2, 4, ..] => year(6),
        [8, ..] => (year(0) || year(4)) && shape.count > 1,
        _ => false,
    }
}
