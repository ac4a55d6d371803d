//! Secrets that are assigned: a name that says what it is, a sign, and the value.

use std::ops::Range;

use super::class::Class;
use super::table::SERVICES;
use crate::Entity;
use crate::detect::bytes::{entropy, is_alnum};
use crate::detect::url::is_placeholder;
use crate::detect::{Detector, RuleId};
use crate::words::{Words, words};

const SHORTEST_VALUE: usize = 6;
/// Longer ones are documents.
const LONGEST_VALUE: usize = 8 << 10;
const LONGEST_NAME: usize = 48;
const LONGEST_LOGIN: usize = 80;
/// How much of a value is looked at to judge it.
const SAMPLE: usize = 256;

const VALUE: Class = Class::of(&[b"AZ", b"az", b"09"], b"_-+/=.~!@#$%^&*|:?;");

impl Detector<'_> {
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
    pub(crate) fn assignment(&mut self, at: usize) {
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
        let name_end = self.skip_back(at, 3, b":=?|.+!");
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
            from + self.run(from, most, |byte| what.contains(&byte))
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
            let in_value = |byte: u8| VALUE.contains(byte) || byte >= 0x80;
            self.value_end = start + self.run(start, usize::MAX, in_value);
            // What ends a sentence or a statement is not the value's.
            let length = self.value_end - start;
            self.value_trimmed = self.skip_back(self.value_end, length, b".,;:?");
        }
        let end = self.value_trimmed.max(start);
        let near = &bytes[start..end.min(start + SAMPLE)];
        let separator = |at: &usize| {
            matches!(near[*at], b'&' | b';') && {
                let in_name = |byte: u8| is_alnum(byte) || b"_-. ".contains(&byte);
                let name = self.run(start + at + 1, LONGEST_NAME, in_name);
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
        let length = self.run_before(colon, LONGEST_LOGIN, |byte| byte > b' ');
        let name = colon - length;
        let option = &self.bytes[name.saturating_sub(4 * LONGEST_LOGIN)..name];
        let is_option = option.ends_with(b" -u ") || option.ends_with(b"--user ");
        let is_client = || {
            let mut words = ["curl", "wget", "http"].iter();
            words.any(|word| memchr::memmem::find(option, word.as_bytes()).is_some())
        };
        (is_option && length > 0 && is_client()).then_some(name)
    }

    fn skip_back(&self, from: usize, most: usize, what: &[u8]) -> usize {
        from - self.run_before(from, most, |byte| what.contains(&byte))
    }

    /// The name that ends at `end`.
    fn name_before(&self, end: usize) -> &[u8] {
        let in_name = |byte: u8| is_alnum(byte) || byte >= 0x80 || b"_.-".contains(&byte);
        &self.bytes[end - self.run_before(end, LONGEST_NAME, in_name)..end]
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
const WORDS: [(Word, &str); 3] = [
    (
        Word::Password,
        "password|passwd|passphrase|passwort|kennwort|wachtwoord|contraseña|motdepasse|hasło|senha|пароль|\
         密码|パスワード|pwd|dbpass|userpass|pass",
    ),
    (
        Word::Secret,
        "secret|token|apikey|accesskey|authkey|privatekey|encryptionkey|signingkey|masterkey|licensekey|\
         clientkey|accountkey|sharedkey|secretkey|appkey|consumerkey|credential|authorization|bearer|密钥",
    ),
    (Word::Key, "key"),
];
static IN_NAMES: Words = Words::new(|| words(WORDS.iter().flat_map(|(_, list)| list.split('|'))));

/// What a name ends with that is about a secret and none itself.
const HARMLESS: &str = "name|url|uri|file|filename|path|dir|count|counts|length|len|size|type|types|ttl|\
    expires|expiry|expiration|expiresat|expiresin|limit|usage|policy|regex|pattern|hint|field|label|format|\
    version";

impl Word {
    /// What a name says: `token_count` counts tokens, a `public_key` is for all.
    fn of(name: &[u8]) -> Option<Word> {
        let mut folded = [0; LONGEST_NAME];
        let letters = name.iter().filter(|byte| !b"_-.".contains(byte));
        let length = letters
            .zip(&mut folded)
            .map(|(letter, folded)| *folded = letter.to_ascii_lowercase())
            .count();
        let folded = &folded[..length];
        // The last word and, of those that end there, the longest.
        let last = IN_NAMES
            .find_overlapping_iter(folded)
            .max_by_key(|word| (word.end(), word.len()))?;
        let (text, rest) = (&folded[last.range()], &folded[last.end()..]);
        let holds = |list: &str| list.split('|').any(|word| word.as_bytes() == text);
        let (word, _) = WORDS.iter().find(|(_, list)| holds(list))?;
        // Short words are parts of others: `compass`, `monkey`.
        let is_whole = || {
            let begin = name.len() - text.len().min(name.len());
            let begins = begin == 0
                || !name[begin - 1].is_ascii_alphabetic()
                || name[begin].is_ascii_uppercase();
            rest.is_empty() && begins
        };
        let is_harmless = HARMLESS
            .split('|')
            .any(|tail| rest.ends_with(tail.as_bytes()))
            || memchr::memmem::find(folded, b"public").is_some();
        let is_word = !matches!(text, b"pass" | b"key") || is_whole();
        (is_word && !is_harmless).then_some(*word)
    }

    /// Whether this is likely to be such a value.
    fn takes(self, value: &[u8]) -> bool {
        let length = value.len();
        let value = &value[..length.min(SAMPLE)];
        let count = |class: fn(&u8) -> bool| value.iter().filter(|byte| class(byte)).count();
        let has_letters = count(u8::is_ascii_alphabetic) > 0;
        let has_symbols = count(|byte| !is_alnum(*byte) && !b"_-. ".contains(byte)) > 0;
        let (digits, spaces) = (count(u8::is_ascii_digit), count(|byte| *byte == b' '));
        let is_time = value.len() >= 19 && (value[4], value[7], value[13]) == (b'-', b'-', b':');
        let is_made = || has_letters && spaces == 0 && !is_uuid(value) && !is_time;
        let is_hex = || value.iter().all(u8::is_ascii_hexdigit);
        let is_path = || value.contains(&b'/') || count(|byte| *byte == b':') > 1;
        let (is_likely, least_entropy) = match self {
            Word::Password => {
                let is_chosen = has_letters && (digits > 0 || has_symbols) && spaces <= 3;
                (length >= 8 && is_chosen, 2.5)
            }
            Word::Secret => (length >= 10 && digits > 0 && is_made(), 3.0),
            Word::Key => {
                let is_random = length >= 20 && digits > 2 && !is_hex() && !is_path();
                (is_random && is_made(), 3.5)
            }
        };
        is_likely && entropy(value) >= least_entropy
    }
}

/// Whether a field of this name says that its value is a secret.
pub(crate) fn says_secret(name: &str) -> bool {
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

static NAMES: Words = Words::new(|| words(SERVICES.iter().map(|service| service.keyword)));

/// The rule for a value of this form whose name names a service.
fn service(name: &[u8], value: &[u8]) -> Option<RuleId> {
    NAMES.find_overlapping_iter(name).find_map(|found| {
        let number = found.pattern().as_usize();
        let service = &SERVICES[number];
        let length = usize::from(service.least)..=usize::from(service.greatest);
        let fits = length.contains(&value.len())
            && value.iter().all(|byte| service.class.contains(*byte))
            && (service.entropy == 0.0 || entropy(value) >= service.entropy)
            && is_word(name, found.start(), found.end());
        fits.then(|| super::SERVICE + number as RuleId)
    })
}

/// Whether a word of a name is one, and not the end of a longer word or split over two: `okTable`,
/// `jetSystem`.
fn is_word(name: &[u8], start: usize, end: usize) -> bool {
    let begins_hump =
        |before: u8, first: u8| before.is_ascii_lowercase() && first.is_ascii_uppercase();
    let begins = start == 0
        || !name[start - 1].is_ascii_alphabetic()
        || begins_hump(name[start - 1], name[start]);
    begins
        && !name[start..end]
            .windows(2)
            .any(|pair| begins_hump(pair[0], pair[1]))
}
