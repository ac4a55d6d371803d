//! Keys and passwords: by their published formats, found as long runs of token characters, or by what
//! is said in front of them, found at `:` and `=`.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::Entity;
use super::catalog;
use super::find::bytes::{entropy, is_alnum, is_token};
use super::find::url::is_placeholder;
use super::find::{Finder, RuleId};

mod class;
mod table;

pub(super) use class::Class;
pub(super) use table::{FORMATS, SERVICES};

/// A format that is recognised by a literal in it.
pub(super) struct Format {
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
    /// The least entropy of its runs, in bits per byte.
    entropy: f32,
}

pub(super) enum Part {
    Lit(&'static str),
    /// From so many to so many bytes of a class, as many as there are.
    Run(Class, u16, u16),
}

/// A format that is recognised by the service named in front of it.
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) keyword: &'static str,
    pub(super) class: Class,
    pub(super) least: u16,
    pub(super) greatest: u16,
    entropy: f32,
}

/// How far before a run of token characters the literal of a format may begin.
const REACH: usize = 60;

/// Formats by the first byte of their literals.
static BY_FIRST: LazyLock<[Vec<u16>; 128]> = LazyLock::new(|| {
    let mut by_first = [const { Vec::new() }; 128];
    for (number, format) in FORMATS.iter().enumerate() {
        let (_, literal) = format.anchor();
        by_first[usize::from(literal.as_bytes()[0])].push(number as u16);
    }
    by_first
});

impl Format {
    /// The first literal, by its place among the parts.
    fn anchor(&self) -> (usize, &'static str) {
        let literals = self.parts.iter().enumerate();
        let mut literals = literals.filter_map(|(place, part)| match part {
            Part::Lit(literal) => Some((place, *literal)),
            Part::Run(..) => None,
        });
        literals
            .next()
            .expect("invariant: every format has a literal; a test asks for it")
    }

    /// The range of a key of this format whose literal stands at `at`.
    fn range(&self, finder: &Finder<'_>, at: usize) -> Option<(usize, usize)> {
        let (anchor, literal) = self.anchor();
        let bytes = finder.bytes;
        if !bytes[at..].starts_with(literal.as_bytes()) {
            return None;
        }
        let mut start = at;
        for part in self.parts[..anchor].iter().rev() {
            let Part::Run(class, length, _) = part else {
                return None;
            };
            let from = start.checked_sub(usize::from(*length))?;
            if !bytes[from..start].iter().all(|byte| class.contains(*byte)) {
                return None;
            }
            start = from;
        }
        if is_alnum(finder.before(start)) {
            return None;
        }
        let mut end = at + literal.len();
        for part in &self.parts[anchor + 1..] {
            match part {
                Part::Lit(literal) if bytes[end..].starts_with(literal.as_bytes()) => {
                    end += literal.len();
                }
                Part::Lit(_) => return None,
                Part::Run(class, least, greatest) => {
                    let rest = bytes[end..].iter().take(usize::from(*greatest));
                    let length = rest.take_while(|byte| class.contains(**byte)).count();
                    if length < usize::from(*least) {
                        return None;
                    }
                    end += length;
                }
            }
        }
        let is_whole = !is_alnum(finder.at(end));
        (is_whole && self.is_random(&bytes[start..end])).then_some((start, end))
    }

    /// Whether the runs of a key have the entropy that its format asks for.
    fn is_random(&self, key: &[u8]) -> bool {
        let literals: usize = self.parts.iter().map(Part::literal_length).sum();
        if self.entropy == 0.0 || key.len() <= literals {
            return true;
        }
        let (_, literal) = self.anchor();
        let rest = match key.strip_prefix(literal.as_bytes()) {
            Some(rest) => rest,
            None => key,
        };
        entropy(rest.iter().copied()) >= self.entropy
    }
}

impl Format {
    pub(super) fn regex(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Lit(literal) => regex::escape(literal),
            Part::Run(class, least, greatest) => repeated(*class, *least, *greatest),
        });
        parts.collect()
    }
}

impl Service {
    pub(super) fn regex(&self) -> String {
        let value = repeated(self.class, self.least, self.greatest);
        format!(
            r#"(?i:{})[A-Za-z0-9_.-]{{0,48}}["'`\\]{{0,3}}\s{{0,3}}[:=?|.+!]{{0,2}}[:=][=>:]{{0,2}}\s{{0,4}}["'`\\]{{0,3}}{value}"#,
            self.keyword
        )
    }
}

fn repeated(class: Class, least: u16, greatest: u16) -> String {
    let characters: String = (0..128_u8)
        .filter(|byte| class.contains(*byte))
        .map(|byte| regex::escape(&char::from(byte).to_string()))
        .collect();
    format!("[{characters}]{{{least},{greatest}}}")
}

/// A name that says that its value is a secret, and the value.
pub(super) const REGEX: &str = r#"(?i:passw|pwd|secret|token|key|credential|authorization|bearer)[A-Za-z0-9_.-]{0,48}["'`\\]{0,3}\s{0,3}[:=?|.+!]{0,2}[:=][=>:]{0,2}\s{0,4}["'`\\]{0,3}(?i:bearer |basic |token )?[A-Za-z0-9_+/=.~!@#$%^&*|:?;-]{6,150}"#;

impl Part {
    fn literal_length(&self) -> usize {
        match self {
            Part::Lit(literal) => literal.len(),
            Part::Run(..) => 0,
        }
    }
}

fn joins_key(byte: u8) -> bool {
    is_alnum(byte)
        || matches!(
            byte,
            b'_' | b'.' | b'~' | b'-' | b':' | b'/' | b'%' | b'+' | b'='
        )
}

impl Finder<'_> {
    /// Looks for keys of published formats at a run of token characters.
    pub(super) fn secrets(&mut self, start: usize, end: usize) {
        if self.bot_token(start, end) {
            return;
        }
        let reach = start.saturating_sub(REACH).max(self.secret_end);
        let mut at = start;
        while at > reach && joins_key(self.bytes[at - 1]) {
            at -= 1;
        }
        while at < end {
            let numbers = &BY_FIRST[usize::from(self.bytes[at] & 0x7f)];
            let mut longest: Option<(usize, usize, u16)> = None;
            if !numbers.is_empty() && self.bytes[at].is_ascii() {
                // A literal that begins in the middle of a word is that of a format with a run
                // in front of it.
                let in_word = is_alnum(self.before(at));
                for &number in numbers {
                    let format = &FORMATS[usize::from(number)];
                    if in_word && matches!(format.parts[0], Part::Lit(_)) {
                        continue;
                    }
                    if let Some((start, end)) = format.range(self, at)
                        && longest.is_none_or(|(_, known, _)| end > known)
                    {
                        longest = Some((start, end, number));
                    }
                }
            }
            match longest {
                Some((start, end, number)) => {
                    self.found_by(catalog::format(number), start, end);
                    self.secret_end = end;
                    at = end;
                }
                None => at += 1,
            }
        }
        self.flag(start, end);
    }

    /// Three parts of the lengths of a Discord bot's token, the first of which is a run.
    fn bot_token(&mut self, start: usize, end: usize) -> bool {
        let part = |from: usize| match self.at(from) {
            b'.' => self.bytes[from + 1..]
                .iter()
                .take_while(|byte| is_token(**byte))
                .count(),
            _ => 0,
        };
        let first = &self.bytes[start..end];
        let second = part(end);
        if !(24..=28).contains(&first.len()) || second != 6 || is_alnum(self.before(start)) {
            return false;
        }
        let third = part(end + 1 + second);
        let is_token = (27..=38).contains(&third)
            && matches!(first[0], b'M' | b'N' | b'O' | b'A')
            && entropy(first.iter().copied()) >= 3.0;
        if is_token {
            self.secret_end = end + 2 + second + third;
            self.found(Entity::Secret, start, self.secret_end);
        }
        is_token
    }

    /// The value behind an option such as `--api-key`, which no sign separates from it.
    fn flag(&mut self, start: usize, end: usize) {
        if start < self.secret_end || !matches!(self.before(start), b' ' | b'"' | b'\'') {
            return;
        }
        let name_end = self.skip_back(start, 2, b" \"'");
        let name = self.name_before(name_end);
        if name.starts_with(b"--")
            && let Some(word) = Word::of(name)
            && word.takes(&self.bytes[start..end])
        {
            self.found(Entity::Secret, start, end);
        }
    }

    /// Looks for a secret that is assigned at the `:` or `=` here to a name that says what it is.
    pub(super) fn assignment(&mut self, at: usize) {
        let Some((start, end)) = self.value(at + 1) else {
            return;
        };
        let mut name_end = at;
        while name_end > 0 && b":=?|.+!".contains(&self.bytes[name_end - 1]) && at - name_end < 3 {
            name_end -= 1;
        }
        let name_end = self.skip_back(name_end, 3, b" \t");
        let name_end = self.skip_back(name_end, 3, b"\"'`]\\");
        let bytes = self.bytes;
        let name = self.name_before(name_end);
        let value = &bytes[start..end];
        if is_placeholder(value) || self.is_expression(start, end) {
            return;
        }
        if let Some(login) = self.login(at) {
            return self.found(Entity::Secret, login, end);
        }
        if let Some(rule) = service(name, value) {
            return self.found_by(rule, start, end);
        }
        if let Some(word) = Word::of(name)
            && word.takes(value)
        {
            self.found(Entity::Secret, start, end);
        }
    }

    /// The value that begins behind an operator.
    fn value(&mut self, at: usize) -> Option<(usize, usize)> {
        let bytes = self.bytes;
        let skip = |from: usize, most: usize, what: &[u8]| {
            let rest = bytes[from..].iter().take(most);
            from + rest.take_while(|byte| what.contains(byte)).count()
        };
        let at = skip(at, 2, b"=>:");
        let at = skip(at, 4, b" \t");
        let mut start = skip(at, 3, b"\"'`\\");
        for scheme in [&b"bearer "[..], b"basic ", b"token "] {
            let begins = bytes.get(start..start + scheme.len());
            if begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme)) {
                start += scheme.len();
            }
        }
        // Each run of characters of values is measured once, however many signs are in it.
        if start >= self.value_end {
            let rest = bytes[start..].iter();
            self.value_end = start + rest.take_while(|byte| VALUE.contains(**byte)).count();
        }
        let mut end = self.value_end;
        // What ends a sentence, or a statement, is not the value's.
        while end > start && b".,;:!?".contains(&bytes[end - 1]) {
            end -= 1;
        }
        let length = end.saturating_sub(start);
        (SHORTEST_VALUE..=LONGEST_VALUE)
            .contains(&length)
            .then_some((start, end))
    }

    /// A name, a path or a call of a program, and no value.
    fn is_expression(&self, start: usize, end: usize) -> bool {
        let value = &self.bytes[start..end];
        let is_name = |part: &[u8]| {
            part.first()
                .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
                && part.iter().all(|byte| is_alnum(*byte) || *byte == b'_')
        };
        let is_path = value.contains(&b'.') && value.split(|byte| *byte == b'.').all(is_name);
        matches!(self.at(end), b'(' | b'[' | b'{')
            || is_path
            || value.first() == Some(&b'/')
            || value.windows(3).any(|three| three == b"://")
    }

    /// Where the name begins in front of the colon of a password, behind curl's `-u` or `--user`.
    fn login(&self, colon: usize) -> Option<usize> {
        let before = self.bytes[..colon].iter().rev().take(LONGEST_LOGIN);
        let length = before.take_while(|byte| **byte > b' ').count();
        let name = colon - length;
        let option = &self.bytes[..name];
        let is_login = option.ends_with(b" -u ") || option.ends_with(b"--user ");
        (is_login && length > 0 && self.bytes[colon] == b':').then_some(name)
    }

    fn skip_back(&self, from: usize, most: usize, what: &[u8]) -> usize {
        let before = self.bytes[..from].iter().rev().take(most);
        from - before.take_while(|byte| what.contains(byte)).count()
    }

    /// The name that ends at `end`.
    fn name_before(&self, end: usize) -> &[u8] {
        let before = self.bytes[..end].iter().rev().take(LONGEST_NAME);
        let length = before
            .take_while(|byte| is_alnum(**byte) || b"_.-".contains(byte))
            .count();
        &self.bytes[end - length..end]
    }
}

const SHORTEST_VALUE: usize = 6;
const LONGEST_VALUE: usize = 150;
const LONGEST_NAME: usize = 48;
const LONGEST_LOGIN: usize = 80;

const VALUE: Class = Class::of(&[b"AZ", b"az", b"09"], b"_-+/=.~!@#$%^&*|:?;");

/// A word in a name that says that its value is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// `password`: people choose them.
    Password,
    /// `secret`, `token`, `api_key`: machines make them.
    Secret,
    /// `key`: of a lock or of a table.
    Key,
}

static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = WORDS_OF_SECRETS.iter().map(|(word, _)| word);
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(words)
        .expect("invariant: a few short words make an automaton")
});

const WORDS_OF_SECRETS: [(&str, Word); 24] = [
    ("password", Word::Password),
    ("passwd", Word::Password),
    ("passphrase", Word::Password),
    ("passwort", Word::Password),
    ("pwd", Word::Password),
    ("secret", Word::Secret),
    ("token", Word::Secret),
    ("apikey", Word::Secret),
    ("api_key", Word::Secret),
    ("api-key", Word::Secret),
    ("accesskey", Word::Secret),
    ("access_key", Word::Secret),
    ("access-key", Word::Secret),
    ("authkey", Word::Secret),
    ("auth_key", Word::Secret),
    ("private_key", Word::Secret),
    ("encryption_key", Word::Secret),
    ("signing_key", Word::Secret),
    ("license_key", Word::Secret),
    ("credential", Word::Secret),
    ("authorization", Word::Secret),
    ("bearer", Word::Secret),
    ("client_secret", Word::Secret),
    ("key", Word::Key),
];

impl Word {
    /// What the last word of a name says: `token_count` counts tokens.
    fn of(name: &[u8]) -> Option<Word> {
        let last = WORDS.find_iter(name).last()?;
        let behind = &name[last.end()..];
        let ends = behind.is_empty()
            || matches!(
                behind,
                b"s" | b"_value" | b"Value" | b"_1" | b"_2" | b"1" | b"2"
            );
        ends.then(|| WORDS_OF_SECRETS[last.pattern().as_usize()].1)
    }

    /// Whether this is likely to be such a value.
    fn takes(self, value: &[u8]) -> bool {
        let has = |class: fn(&u8) -> bool| value.iter().any(class);
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = has(u8::is_ascii_alphabetic);
        let symbols = has(|byte| !is_alnum(*byte) && !b"_-.".contains(byte));
        let random = entropy(value.iter().copied());
        match self {
            Word::Password => {
                value.len() >= 8 && letters && (digits > 0 || symbols) && random >= 2.5
            }
            Word::Secret => {
                value.len() >= 10 && letters && digits > 0 && random >= 3.0 && !is_uuid(value)
            }
            Word::Key => {
                let is_hex = value.iter().all(u8::is_ascii_hexdigit);
                value.len() >= 20
                    && letters
                    && digits > 2
                    && random >= 3.5
                    && !is_hex
                    && !is_uuid(value)
            }
        }
    }
}

/// 8-4-4-4-12 hex digits: an id.
fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(SERVICES.iter().map(|service| service.keyword))
        .expect("invariant: a few short words make an automaton")
});

/// The rule for a value of this form whose name names a service.
fn service(name: &[u8], value: &[u8]) -> Option<RuleId> {
    NAMES.find_overlapping_iter(name).find_map(|found| {
        let number = found.pattern().as_usize();
        let service = &SERVICES[number];
        let length = usize::from(service.least)..=usize::from(service.greatest);
        let fits = length.contains(&value.len())
            && value.iter().all(|byte| service.class.contains(*byte))
            && (service.entropy == 0.0 || entropy(value.iter().copied()) >= service.entropy)
            && is_word(name, found.start(), found.end());
        fits.then(|| catalog::service(number))
    })
}

/// Whether a word of a name is one, and not the end of a longer word or split over two: `okTable`,
/// `jetSystem`.
fn is_word(name: &[u8], start: usize, end: usize) -> bool {
    let begins = match start.checked_sub(1).map(|before| name[before]) {
        Some(before) => {
            !before.is_ascii_alphabetic()
                || before.is_ascii_lowercase() && name[start].is_ascii_uppercase()
        }
        None => true,
    };
    let splits = name[start..end]
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    begins && !splits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_can_be_found() {
        for format in FORMATS {
            let (anchor, literal) = format.anchor();
            assert!(literal.len() >= 2 && literal.is_ascii(), "{}", format.name);
            for part in &format.parts[..anchor] {
                let is_fixed = matches!(part, Part::Run(_, least, greatest) if least == greatest);
                assert!(is_fixed, "{}", format.name);
            }
        }
        for service in SERVICES {
            assert!(
                service.least >= 10 && service.least <= service.greatest,
                "{}",
                service.name
            );
            assert_eq!(service.keyword, service.keyword.to_ascii_lowercase());
        }
    }
}
