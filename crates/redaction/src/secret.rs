//! Keys and passwords: by their published formats, found as long runs of token characters, or by what
//! is said in front of them, found at `:` and `=`.

use std::sync::LazyLock;

use super::Entity;
use super::detect::bytes::{entropy, is_alnum, is_token};
use super::detect::url::is_placeholder;
use super::detect::{Detector, RuleId};

mod assign;
mod class;
mod command;
mod prose;
mod table;
mod word;

pub(super) use class::Class;
pub(super) use table::{FORMATS, SERVICES};
pub(super) use word::says_secret;

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

/// The rule numbers of the services, in the order of their table. Those of the kinds of value come before them.
pub(super) const SERVICE: RuleId = Entity::ALL.len() as RuleId;
/// The rule numbers of the formats, in the order of their table.
pub(super) const FORMAT: RuleId = SERVICE + SERVICES.len() as RuleId;

/// How far before a run of token characters the literal of a format may begin.
const REACH: usize = 60;

/// Formats, with their numbers, by the first byte of their literals.
static BY_FIRST: LazyLock<[Vec<(usize, &Format)>; 256]> = LazyLock::new(|| {
    let mut by_first = [const { Vec::new() }; 256];
    for (number, format) in FORMATS.iter().enumerate() {
        let (_, literal) = format.anchor();
        by_first[usize::from(literal.as_bytes()[0])].push((number, format));
    }
    by_first
});

impl Format {
    /// The first literal, by its place among the parts.
    fn anchor(&self) -> (usize, &'static str) {
        let mut parts = self.parts.iter().enumerate();
        let literal = parts.find_map(|(place, part)| Some((place, part.literal()?)));
        literal.expect("invariant: every format has a literal; a test asks for it")
    }

    /// The range of a key of this format whose literal stands at `at`.
    ///
    /// A key that is longer than its format allows is one all the same, and goes up to `run_end`, where
    /// the format begins unmistakably: else a character more would hide it.
    fn range(&self, detector: &Detector<'_>, at: usize, run_end: usize) -> Option<(usize, usize)> {
        let (anchor, literal) = self.anchor();
        let bytes = detector.bytes;
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
        if is_alnum(detector.before(start)) {
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
                    let length =
                        detector.run(end, usize::from(*greatest), |byte| class.contains(byte));
                    if length < usize::from(*least) {
                        return None;
                    }
                    end += length;
                }
            }
        }
        let is_unmistakable = literal.len() >= 4 && literal.ends_with(['-', '_']);
        if is_alnum(detector.at(end)) && is_unmistakable && end < run_end {
            end = run_end;
        }
        let is_whole = !is_alnum(detector.at(end));
        (is_whole && self.is_random(&bytes[start..end])).then_some((start, end))
    }

    /// Whether the runs of a key have the entropy that its format asks for.
    fn is_random(&self, key: &[u8]) -> bool {
        let literals = self.parts.iter().filter_map(Part::literal);
        if key.len() <= literals.map(str::len).sum() {
            return true;
        }
        let (_, literal) = self.anchor();
        let run = key.strip_prefix(literal.as_bytes()).unwrap_or(key);
        !is_placeholder(run) && (self.entropy == 0.0 || entropy(run) >= self.entropy)
    }

    /// What every key of this format begins with.
    pub(super) fn head(&self) -> Option<&'static str> {
        self.parts.first()?.literal()
    }

    #[cfg(feature = "regex")]
    pub(super) fn regex(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Lit(literal) => regex::escape(literal),
            Part::Run(class, least, greatest) => repeated(*class, *least, *greatest),
        });
        parts.collect()
    }
}

#[cfg(feature = "regex")]
impl Service {
    pub(super) fn regex(&self) -> String {
        let value = repeated(self.class, self.least, self.greatest);
        format!(
            r#"(?i:{})[A-Za-z0-9_.-]{{0,48}}["'`\\]{{0,3}}\s{{0,3}}[:=?|.+!]{{0,2}}[:=][=>:]{{0,2}}\s{{0,4}}["'`\\]{{0,3}}{value}"#,
            self.keyword
        )
    }
}

#[cfg(feature = "regex")]
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
    fn literal(&self) -> Option<&'static str> {
        match self {
            Part::Lit(literal) => Some(literal),
            Part::Run(..) => None,
        }
    }
}

fn joins_key(byte: u8) -> bool {
    is_alnum(byte) || b"_.~-:/%+=".contains(&byte)
}

impl Detector<'_> {
    /// Looks for keys of published formats at a run of token characters.
    pub(super) fn secrets(&mut self, start: usize, end: usize) {
        if self.bot_token(start, end) {
            return;
        }
        let reach = start.saturating_sub(REACH).max(self.secret_end).min(start);
        let mut at = start - self.run_before(start, start - reach, joins_key);
        while at < end {
            let formats = BY_FIRST[usize::from(self.bytes[at])].iter();
            let keys = formats.filter_map(|(number, format)| {
                // A literal that begins in the middle of a word is that of a format with a run in front of it.
                let may_begin = format.head().is_none() || !is_alnum(self.before(at));
                let range = may_begin.then(|| format.range(self, at, end));
                Some((*number, range??))
            });
            // The longest key and, of those, the first in the table.
            match keys.rev().max_by_key(|(_, (_, end))| *end) {
                Some((number, (start, end))) => {
                    self.found_by(FORMAT + number as RuleId, start, end);
                    self.secret_end = end;
                    at = end;
                }
                None => at += 1,
            }
        }
        self.announced(start);
    }

    /// Three parts of the lengths of a Discord bot's token, the first of which is a run.
    fn bot_token(&mut self, start: usize, end: usize) -> bool {
        let part = |from: usize| match self.at(from) {
            b'.' => self.run(from + 1, usize::MAX, is_token),
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
            && entropy(first) >= 3.0;
        if is_token {
            self.secret_end = end + 2 + second + third;
            self.found(Entity::Secret, start, self.secret_end);
        }
        is_token
    }
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

    #[test]
    fn the_table_is_in_the_order_of_its_names_and_says_where_each_format_is_published() {
        assert!(FORMATS.is_sorted_by_key(|format| format.name));
        assert!(SERVICES.is_sorted_by_key(|service| service.name));
        let entries = include_str!("secret/table.rs").lines().filter(|line| {
            let line = line.trim_start();
            line.starts_with("Format {") || line.starts_with("Service {")
        });
        let mut count = 0;
        for entry in entries {
            let (_, source) = entry.split_once(" }, // ").expect("one line, and a source");
            assert!(source.len() > 5, "{entry}");
            count += 1;
        }
        assert_eq!(count, FORMATS.len() + SERVICES.len());
    }
}
