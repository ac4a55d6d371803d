//! Secrets that are assigned: a name that says what it is, a sign, and the value.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::class::Class;
use super::table::SERVICES;
use crate::redact::Entity;
use crate::redact::catalog;
use crate::redact::find::bytes::{entropy, is_alnum};
use crate::redact::find::url::is_placeholder;
use crate::redact::find::{Finder, RuleId};

const SHORTEST_VALUE: usize = 6;
/// Longer ones are documents.
const LONGEST_VALUE: usize = 8 << 10;
const LONGEST_NAME: usize = 48;
const LONGEST_LOGIN: usize = 80;
/// How much of a value is looked at to judge it.
const SAMPLE: usize = 256;

const VALUE: Class = Class::of(&[b"AZ", b"az", b"09"], b"_-+/=.~!@#$%^&*|:?;");

impl Finder<'_> {
    /// The value behind an option such as `--api-key`, which no sign separates from it.
    pub(super) fn flag(&mut self, start: usize, end: usize) {
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
    pub(in crate::redact) fn assignment(&mut self, at: usize) {
        if at < self.assigned_end {
            return;
        }
        let Some(value) = self.value(at + 1) else {
            return;
        };
        let Range { start, end } = value.range;
        if let Some(login) = self.login(at) {
            return self.found(Entity::Secret, login, end);
        }
        let mut name_end = at;
        while name_end > 0 && b":=?|.+!".contains(&self.bytes[name_end - 1]) && at - name_end < 3 {
            name_end -= 1;
        }
        // `==` and `!=` compare.
        let operator = &self.bytes[name_end..(at + 2).min(self.bytes.len())];
        let compares = operator.starts_with(b"!=") || operator.starts_with(b"==");
        let name_end = self.skip_back(name_end, 3, b" \t");
        let name_end = self.skip_back(name_end, 3, b"\"'`]\\");
        let bytes = self.bytes;
        let name = self.name_before(name_end);
        if name.is_empty() || compares && !value.is_quoted {
            return;
        }
        let text = &bytes[start..end];
        if let Some(rule) = service(name, text) {
            return self.found_by(rule, start, end);
        }
        if let Some(word) = Word::of(name)
            && !is_placeholder(text)
            && (value.is_quoted || !self.is_expression(start, end, word))
            && word.takes(text)
        {
            self.assigned_end = end;
            self.found(Entity::Secret, start, end);
        }
    }

    /// The value that begins behind an operator: to the end of its quotes, or of its characters.
    fn value(&mut self, at: usize) -> Option<Value> {
        let bytes = self.bytes;
        let skip = |from: usize, most: usize, what: &[u8]| {
            let rest = bytes.get(from..).unwrap_or_default().iter().take(most);
            from + rest.take_while(|byte| what.contains(byte)).count()
        };
        let at = skip(at, 2, b"=>:");
        let at = skip(at, 8, b" \t");
        let at = skip(at, 1, b"[(");
        // Of a string of some language: `b"…"`, `@"…"`.
        let is_string = |at: usize| matches!(self.at(at + 1), b'"' | b'\'');
        let at = at
            + usize::from(matches!(self.at(at), b'b' | b'f' | b'r' | b'u' | b'@') && is_string(at));
        let quote = skip(at, 3, b"\\");
        let mut start = quote;
        let mut closing = None;
        if matches!(self.at(quote), b'"' | b'\'' | b'`') {
            start += 1;
            closing = self.closing(start, self.at(quote), quote > at);
        }
        for scheme in [&b"bearer "[..], b"basic ", b"token ", b"apikey "] {
            let begins = bytes.get(start..start + scheme.len());
            if begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme)) {
                start += scheme.len();
            }
        }
        let end = match closing {
            Some(end) => end,
            None => self.unquoted_end(start),
        };
        let length = end.saturating_sub(start);
        (SHORTEST_VALUE..=LONGEST_VALUE)
            .contains(&length)
            .then_some(Value {
                range: start..end,
                is_quoted: closing.is_some(),
            })
    }

    /// Where the quotes of a value close, on the same line and not too far. A backslash before the
    /// opening quote stands before the closing one too.
    fn closing(&self, start: usize, quote: u8, is_escaped: bool) -> Option<usize> {
        let rest = &self.bytes[start..self.bytes.len().min(start + LONGEST_VALUE)];
        let mut at = 0;
        while at < rest.len() {
            match rest[at] {
                b'\n' => return None,
                b'\\' if is_escaped && rest.get(at + 1) == Some(&quote) => return Some(start + at),
                b'\\' if !is_escaped => at += 1,
                byte if byte == quote => return Some(start + at),
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Where a value without quotes ends: before the next parameter, or with its characters. Each run of
    /// them is measured once, however many signs are in it.
    fn unquoted_end(&mut self, start: usize) -> usize {
        let bytes = self.bytes;
        if start >= self.value_end {
            let rest = bytes.get(start..).unwrap_or_default().iter();
            let run = rest.take_while(|byte| VALUE.contains(**byte) || **byte >= 0x80);
            self.value_end = start + run.count();
            // What ends a sentence or a statement is not the value's.
            let mut trimmed = self.value_end;
            while trimmed > start && matches!(bytes[trimmed - 1], b'.' | b',' | b';' | b':' | b'?')
            {
                trimmed -= 1;
            }
            self.value_trimmed = trimmed;
        }
        let end = self.value_trimmed.max(start);
        let near = &bytes[start..end.min(start + SAMPLE)];
        let separator = |at: &usize| {
            matches!(near[*at], b'&' | b';') && {
                let rest = bytes[start + at + 1..].iter().take(LONGEST_NAME);
                let name = rest.take_while(|byte| {
                    is_alnum(**byte) || matches!(byte, b'_' | b'-' | b'.' | b' ')
                });
                let name = name.count();
                name > 0 && self.at(start + at + 1 + name) == b'='
            }
        };
        (0..near.len()).find(separator).map_or(end, |at| start + at)
    }

    /// A name, a path or a call of a program, and no value.
    fn is_expression(&self, start: usize, end: usize, word: Word) -> bool {
        let value = &self.bytes[start..end];
        let is_name = |part: &[u8]| {
            part.first()
                .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
                && part.iter().all(|byte| is_alnum(*byte) || *byte == b'_')
        };
        let is_path = value.contains(&b'.') && value.split(|byte| *byte == b'.').all(is_name);
        let is_plain = word != Word::Password || !value.iter().any(u8::is_ascii_digit);
        let is_call = matches!(self.at(end), b'(' | b'[' | b'{') && is_plain;
        is_call
            || is_path
            || value.first() == Some(&b'/')
            || value.starts_with(b"arn:")
            || value[..value.len().min(SAMPLE)]
                .windows(3)
                .any(|three| three == b"://")
    }

    /// Where the name begins in front of the colon of a password, behind curl's `-u` or `--user`.
    fn login(&self, colon: usize) -> Option<usize> {
        if self.bytes[colon] != b':' {
            return None;
        }
        let before = self.bytes[..colon].iter().rev().take(LONGEST_LOGIN);
        let length = before.take_while(|byte| **byte > b' ').count();
        let name = colon - length;
        let option = &self.bytes[name.saturating_sub(4 * LONGEST_LOGIN)..name];
        let is_option = option.ends_with(b" -u ") || option.ends_with(b"--user ");
        let is_client = || {
            let words = [&b"curl"[..], b"wget", b"http"];
            words
                .iter()
                .any(|word| memchr::memmem::find(option, word).is_some())
        };
        (is_option && length > 0 && is_client()).then_some(name)
    }

    fn skip_back(&self, from: usize, most: usize, what: &[u8]) -> usize {
        let before = self.bytes[..from].iter().rev().take(most);
        from - before.take_while(|byte| what.contains(byte)).count()
    }

    /// The name that ends at `end`.
    fn name_before(&self, end: usize) -> &[u8] {
        let before = self.bytes[..end].iter().rev().take(LONGEST_NAME);
        let length = before
            .take_while(|byte| {
                is_alnum(**byte) || **byte >= 0x80 || matches!(byte, b'_' | b'.' | b'-')
            })
            .count();
        &self.bytes[end - length..end]
    }
}

struct Value {
    range: Range<usize>,
    is_quoted: bool,
}

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

/// Words as they stand in names without `_`, `-` and `.`.
const WORDS: [(&str, Word); 38] = [
    ("password", Word::Password),
    ("passwd", Word::Password),
    ("passphrase", Word::Password),
    ("passwort", Word::Password),
    ("kennwort", Word::Password),
    ("wachtwoord", Word::Password),
    ("contraseña", Word::Password),
    ("motdepasse", Word::Password),
    ("hasło", Word::Password),
    ("senha", Word::Password),
    ("пароль", Word::Password),
    ("密码", Word::Password),
    ("パスワード", Word::Password),
    ("pwd", Word::Password),
    ("secret", Word::Secret),
    ("token", Word::Secret),
    ("apikey", Word::Secret),
    ("accesskey", Word::Secret),
    ("authkey", Word::Secret),
    ("privatekey", Word::Secret),
    ("encryptionkey", Word::Secret),
    ("signingkey", Word::Secret),
    ("masterkey", Word::Secret),
    ("licensekey", Word::Secret),
    ("clientkey", Word::Secret),
    ("accountkey", Word::Secret),
    ("sharedkey", Word::Secret),
    ("secretkey", Word::Secret),
    ("appkey", Word::Secret),
    ("consumerkey", Word::Secret),
    ("credential", Word::Secret),
    ("authorization", Word::Secret),
    ("bearer", Word::Secret),
    ("密钥", Word::Secret),
    ("dbpass", Word::Password),
    ("userpass", Word::Password),
    ("pass", Word::Password),
    ("key", Word::Key),
];

/// What a name ends with that is about a secret and none itself.
const HARMLESS: [&str; 30] = [
    "name",
    "url",
    "uri",
    "file",
    "filename",
    "path",
    "dir",
    "count",
    "counts",
    "length",
    "len",
    "size",
    "type",
    "types",
    "ttl",
    "expires",
    "expiry",
    "expiration",
    "expiresat",
    "expiresin",
    "limit",
    "usage",
    "policy",
    "regex",
    "pattern",
    "hint",
    "field",
    "label",
    "format",
    "version",
];

static IN_NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(WORDS.iter().map(|(word, _)| word))
        .expect("invariant: a few short words make an automaton")
});

impl Word {
    /// What a name says: `token_count` counts tokens, a `public_key` is for all.
    fn of(name: &[u8]) -> Option<Word> {
        let mut room = [0; LONGEST_NAME];
        let mut length = 0;
        for byte in name.iter().take(LONGEST_NAME) {
            if !matches!(byte, b'_' | b'-' | b'.') {
                room[length] = byte.to_ascii_lowercase();
                length += 1;
            }
        }
        let folded = &room[..length];
        let last = IN_NAMES.find_iter(folded).last()?;
        let (text, word) = WORDS[last.pattern().as_usize()];
        let behind = &folded[last.end()..];
        let is_harmless = HARMLESS
            .iter()
            .any(|tail| behind.ends_with(tail.as_bytes()))
            || memchr::memmem::find(folded, b"public").is_some();
        // Short words are parts of others: `compass`, `monkey`.
        let is_word = match text {
            "pass" | "key" => {
                let begin = name.len() - text.len().min(name.len());
                let begins = begin == 0
                    || !name[begin - 1].is_ascii_alphabetic()
                    || name[begin].is_ascii_uppercase();
                behind.is_empty() && begins
            }
            _ => true,
        };
        (is_word && !is_harmless).then_some(word)
    }

    /// Whether this is likely to be such a value.
    fn takes(self, value: &[u8]) -> bool {
        let length = value.len();
        let value = &value[..length.min(SAMPLE)];
        let has = |class: fn(&u8) -> bool| value.iter().any(class);
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = has(u8::is_ascii_alphabetic);
        let symbols = has(|byte| !is_alnum(*byte) && !b"_-. ".contains(byte));
        let spaces = value.iter().filter(|byte| **byte == b' ').count();
        let random = entropy(value.iter().copied());
        let is_time =
            value.len() >= 19 && value[4] == b'-' && value[7] == b'-' && value[13] == b':';
        match self {
            Word::Password => {
                length >= 8 && letters && (digits > 0 || symbols) && random >= 2.5 && spaces <= 3
            }
            Word::Secret => {
                length >= 10
                    && letters
                    && digits > 0
                    && spaces == 0
                    && random >= 3.0
                    && !is_uuid(value)
                    && !is_time
            }
            Word::Key => {
                let is_hex = value.iter().all(u8::is_ascii_hexdigit);
                let is_path =
                    value.contains(&b'/') || value.iter().filter(|b| **b == b':').count() > 1;
                length >= 20
                    && letters
                    && digits > 2
                    && spaces == 0
                    && random >= 3.5
                    && !is_hex
                    && !is_path
                    && !is_uuid(value)
                    && !is_time
            }
        }
    }
}

/// Whether a field of this name says that its value is a secret.
pub(in crate::redact) fn says_secret(name: &str) -> bool {
    Word::of(name.as_bytes()).is_some_and(|word| word != Word::Key)
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
