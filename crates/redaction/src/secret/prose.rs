//! Secrets that a sentence announces: `the admin password is …`, `login ci password …`, `… is my password`.
//!
//! A name is followed by its value, or by a few words that lead to it. What a sentence says about a password is
//! no password (`is wrong`, `is case-sensitive`, `must have 8 characters`): a value has a digit or a sign, or
//! stands in quotes.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::word::{IN_NAMES, LONGEST_NAME, Word, names_algorithm};
use crate::Entity;
use crate::detect::Detector;
use crate::detect::bytes::is_alnum;
use crate::detect::jwt;
use crate::detect::url::is_placeholder;

/// How far before a value the name stands that announces it.
const REACH: usize = 72;
/// The longest value, and the most words between a name and its value.
const LONGEST_VALUE: usize = 128;
const MOST_WORDS: usize = 9;
const SHORTEST_VALUE: usize = 6;
const SHORTEST_QUOTED: usize = 4;

/// What says that the value follows.
const CONNECTORS: &str = "is|was|are|were|be|been|becomes|=|:|->|=>|-|–|—|→";
/// What may stand between those and the value.
const ADVERBS: &str = "is|now|currently|still|just|simply|temporarily|set|changed|reset|updated|to|this|that|the|following|\
    as|follows|been|be|actually|probably|only|always|:|=|->|=>|-|→";
/// What a name may go on with: `the password for the database is …`.
const PREPOSITIONS: &str = "for|of|to|on|at|in|from|with|under|here|there|you|we|i|they|that|which|has|had|have|should|\
    must|will|can|would|could|below|above|changed|reset|set|and|used";
/// What a quoted word says about a password.
const STATES: &str = "wrong|incorrect|invalid|required|missing|expired|empty|weak|strong|too|not|null|none|nil|undefined|\
    true|false|unset|optional|correct|valid|hidden|redacted|masked|unknown|default|locked|mandatory|needed|disabled|\
    enabled|encrypted|hashed|stored|protected|secure|same|password|passwd|string|text|must|cannot|reset|changed|confirm";

fn is_in(list: &str, word: &[u8]) -> bool {
    list.split('|')
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// A value that a name leads to.
struct Announced {
    value: Range<usize>,
    is_quoted: bool,
    /// A verb or a sign leads to it, and not the name alone.
    is_connected: bool,
}

impl<'t> Detector<'t> {
    /// Looks at each name of a password, as far as [`announced`](Self::announced) does not: at values without digits.
    pub(crate) fn passwords(&mut self) {
        let bytes = self.bytes;
        // The common part of password, Passwd, Passwort, passphrase and passcode.
        static PART: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("ass"));
        for at in PART.find_iter(bytes) {
            if matches!(self.at(at + 3), b'w' | b'p' | b'c') {
                let end = at + self.run(at, LONGEST_NAME, |byte| byte.is_ascii_alphabetic());
                self.follow(end, None);
            }
        }
    }

    /// Looks for a name that announces the word here: one of digits and letters.
    #[inline(never)]
    pub(crate) fn announced(&mut self, at: usize) {
        if self.word.contains(&at) {
            return;
        }
        let in_word = |byte: u8| byte > b' ';
        let start = at - self.run_before(at, LONGEST_VALUE, in_word);
        self.word = start..at + self.run(at, LONGEST_VALUE, in_word);
        // The value of an assignment or a placeholder, but for the end of a base64 text.
        let word = &self.bytes[start..self.skip_back(self.word.end, 2, b"=")];
        let is_other = word.iter().any(|byte| matches!(byte, b'=' | b'['));
        if is_other || start > 0 && in_word(self.bytes[start - 1]) {
            return;
        }
        if self.leads_here(start) {
            self.follow_to(start);
        }
        self.follow_back(start, self.word.end);
    }

    /// Whether the word in front of a value may lead to it.
    fn leads_here(&self, start: usize) -> bool {
        let end = self.skip_back(start, 4, b" \t*(\"'`");
        let word = &self.bytes[end - self.run_before(end, LONGEST_NAME, |byte| byte > b' ')..end];
        let is_led = word.ends_with(b":") || word.ends_with(b")") || word.ends_with(b"'s");
        is_led || is_in(ADVERBS, word) || is_in(CONNECTORS, word) || IN_NAMES.is_match(word)
    }

    /// Looks for a name in front of a value.
    fn follow_to(&mut self, start: usize) {
        let from = start.saturating_sub(REACH);
        let before = &self.bytes[from..start];
        let from = from
            + before
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |last| last + 1);
        let names = IN_NAMES.find_overlapping_iter(&self.bytes[from..start]);
        if let Some(end) = names.map(|name| name.end()).max() {
            self.follow(from + end, Some(start));
        }
    }

    /// Goes from the end of a name to the value that it announces, which begins at `wanted` if that is given.
    fn follow(&mut self, end: usize, wanted: Option<usize>) {
        // An `s` of many, and the `'s` of one.
        let end = end + self.run(end, 1, |byte| byte == b's');
        let name_start = self.two_words_before(end);
        let name = &self.bytes[name_start..end];
        // An option says by itself what follows it.
        let word_start = end - self.run_before(end, LONGEST_NAME, |byte| byte > b' ');
        let is_option = self.at(word_start) == b'-';
        if is_alnum(self.at(end)) || self.at(end) == b'_' || is_option {
            return;
        }
        let Some(word) = Word::of(name) else {
            return;
        };
        let Some(found) = self.value_after(end, word) else {
            return;
        };
        let is_wanted = wanted
            .is_none_or(|wanted| found.value.start >= wanted && found.value.start - wanted <= 3);
        if !is_wanted || !self.is_announced(end, word, &found) {
            return;
        }
        let entity = match jwt::has_form(&self.bytes[found.value.clone()]) {
            true => Entity::Jwt,
            false => Entity::Secret,
        };
        self.found(entity, found.value.start, found.value.end);
    }

    /// The value that follows a name, behind the words that lead to it.
    fn value_after(&self, end: usize, word: Word) -> Option<Announced> {
        let mut at = end;
        if self.rest(at).starts_with(b"'s ") {
            return Some(self.announced_value(at + 3, true));
        }
        let (mut is_connected, mut is_led) = (false, false);
        for _ in 0..MOST_WORDS {
            let behind = at;
            // What closes around a name: `**Password**:`, `"password" is`.
            let closes = |byte: u8| byte == b'"' || byte == b'`' || byte == b'\\';
            let spaces = self.run(at, 4, |byte| {
                b" \t*".contains(&byte) || behind == end && closes(byte)
            });
            let begin = at + spaces;
            let length = self.run(begin, LONGEST_VALUE, |byte| byte > b' ');
            let text = &self.bytes[begin..begin + length];
            let bare = text.strip_suffix(b":").unwrap_or(text);
            if length == 0
                || at == end && spaces == 0 && bare.len() == text.len() && !is_in(CONNECTORS, text)
            {
                return None;
            }
            at = begin + length;
            let is_connector = is_in(CONNECTORS, text)
                || bare.len() < text.len() && (is_led || bare.is_empty() || text.starts_with(b"("));
            match (is_connected, is_led) {
                (false, _) if is_connector => is_connected = true,
                (true, _) if is_in(ADVERBS, bare) => {}
                // `change the password to …`
                (false, false) if is_in("to", text) => {
                    let next = self.announced_value(at, true);
                    let follows = self.rest(next.value.end).trim_ascii_start();
                    if takes(word, &self.bytes[next.value.clone()], true)
                        && !follows.starts_with(b"is ")
                    {
                        return Some(next);
                    }
                    is_led = true;
                }
                (false, false) if is_in(PREPOSITIONS, text) || text.starts_with(b"(") => {
                    is_led = true
                }
                (false, true) if text.ends_with(b",") || text.ends_with(b".") => return None,
                (false, true) => {}
                _ => return Some(self.announced_value(behind, is_connected)),
            }
        }
        None
    }

    /// The value that begins here, without what stands around it.
    fn announced_value(&self, at: usize, is_connected: bool) -> Announced {
        let bytes = self.bytes;
        let mut start = at + self.run(at, 4, |byte| b" \t(*".contains(&byte));
        let opening = self.run(start, 2, |byte| byte == b'\\');
        let quote = self.at(start + opening);
        if matches!(quote, b'"' | b'\'' | b'`') {
            let inner = start + opening + 1;
            let end = self.closing(inner, quote, opening > 0);
            if let Some(end) = end.filter(|end| *end <= inner + LONGEST_VALUE) {
                return Announced {
                    value: inner..end,
                    is_quoted: true,
                    is_connected,
                };
            }
            start = inner;
        }
        let curly = [&b"\xe2\x80\x9c"[..], b"\xe2\x80\x98", b"\xc2\xab"];
        if let Some(curly) = curly
            .iter()
            .find(|curly| self.rest(start).starts_with(curly))
        {
            start += curly.len();
        }
        let length = self.run(start, LONGEST_VALUE, |byte| {
            (b'!'..0x7f).contains(&byte) && !b"\"`\\<>".contains(&byte)
        });
        let end = self.skip_back(start + length, length, b".,;:)?'*");
        // A sentence may go on without a space: `hunter2,keep`.
        let comma = bytes[start..end].iter().position(|byte| *byte == b',');
        Announced {
            value: start..comma.map_or(end, |comma| start + comma),
            is_quoted: false,
            is_connected,
        }
    }

    fn is_announced(&self, end: usize, word: Word, found: &Announced) -> bool {
        let value = &self.bytes[found.value.clone()];
        // In brackets stands what takes the place of a value.
        let is_reference =
            value.first().is_none_or(|first| b"$<{%".contains(first)) || value.contains(&b'[');
        if is_reference || is_placeholder(value) {
            return false;
        }
        // The lines of .netrc: `machine … login … password …`.
        let is_login = || {
            let name = end - self.run_before(end, LONGEST_NAME, is_alnum);
            let head = &self.bytes[name.saturating_sub(LONGEST_NAME)..name];
            let head = head.trim_ascii_end();
            let user = head.iter().rposition(|byte| *byte <= b' ').unwrap_or(0);
            head[..user].trim_ascii_end().ends_with(b"login") && !found.is_quoted
        };
        let is_word = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b' ';
        let is_said = || {
            let words = value.split(|byte| *byte == b' ').count();
            let first = value.split(|byte| *byte == b' ').next().unwrap_or_default();
            found.is_quoted
                && value.len() >= SHORTEST_QUOTED
                && !value.contains(&b':')
                && words <= 6
                && (!value.iter().all(is_word)
                    || found.is_connected && (words >= 4 || !is_in(STATES, first)))
        };
        match word {
            Word::Password => {
                takes(word, value, found.is_connected)
                    || is_said()
                    || !found.is_connected && is_login()
            }
            // A hash has no name in front of it.
            _ => {
                let is_hash = value.iter().all(u8::is_ascii_hexdigit);
                takes(word, value, found.is_connected)
                    && (found.is_connected || word == Word::Secret && !is_hash && value.len() >= 16)
            }
        }
    }

    /// `hunter2 is my password`, `… as the password`: the value in front of the name.
    fn follow_back(&mut self, start: usize, end: usize) {
        let mut rest = self
            .rest(end)
            .trim_ascii_start()
            .split(|byte| *byte <= b' ')
            .take(5);
        if !rest.next().is_some_and(|word| is_in("is|was|as", word)) {
            return;
        }
        let value = self.announced_value(start, true).value;
        let is_article = |word: &[u8]| {
            is_in(
                "the|my|your|our|his|her|their|a|new|old|temporary|admin|root|default|current|user|login|db",
                word,
            )
        };
        let name = rest.find(|word| !is_article(word)).unwrap_or_default();
        let after = rest.next().unwrap_or_default();
        let ends = name.last().is_some_and(|byte| b".,;!?".contains(byte))
            || after.is_empty()
            || is_in("for|of|to|on|at|in|and|there|here|now", after);
        let bare = &name[..name.iter().take_while(|byte| is_alnum(**byte)).count()];
        if ends
            && Word::of(bare) == Some(Word::Password)
            && takes(Word::Password, &self.bytes[value.clone()], true)
        {
            self.found(Entity::Secret, value.start, value.end);
        }
    }

    /// Where the word in front of a name begins, which may be a part of it: `api key`.
    fn two_words_before(&self, end: usize) -> usize {
        let in_name = |byte: u8| is_alnum(byte) || byte >= 0x80 || b"_.-".contains(&byte);
        let start = end - self.run_before(end, LONGEST_NAME / 2, in_name);
        match self.before(start) {
            b' ' if start > 0 => {
                start
                    - 1
                    - self.run_before(start - 1, LONGEST_NAME / 2 - 1, |byte| {
                        byte.is_ascii_alphabetic()
                    })
            }
            _ => start,
        }
    }
}

/// Whether a sentence may say this for a secret.
fn takes(word: Word, value: &[u8], is_connected: bool) -> bool {
    let count = |class: fn(&u8) -> bool| value.iter().filter(|byte| class(byte)).count();
    let (letters, digits) = (count(u8::is_ascii_alphabetic), count(u8::is_ascii_digit));
    let is_address = value.windows(3).any(|three| three == b"://")
        || value.starts_with(b"/")
        || value.iter().filter(|byte| **byte == b'@').count() == 1
            && memchr::memchr(b'@', value).is_some_and(|at| value[at..].contains(&b'.'));
    if word != Word::Password {
        return !is_address && word.takes(value);
    }
    // `8-character`, `12-16`, `3.5`, `2FA`: a number and what it counts.
    let head = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    let is_count =
        (1..=3).contains(&head) && (value.get(head) == Some(&b'-') || value.len() <= head + 2);
    // Signs that words have none of within them.
    let inner = &value[..value.len() - usize::from(value.ends_with(b"!"))];
    let signs = inner
        .iter()
        .filter(|byte| b"!@#$%^&*+=~".contains(byte))
        .count();
    let hyphens = count(|byte| *byte == b'-');
    let is_chosen = letters > 0 && (digits > 0 || signs > 0 || hyphens >= 3);
    value.len() >= SHORTEST_VALUE
        && !is_address
        && !is_count
        && !names_algorithm(value)
        && !value.contains(&b' ')
        && !value.starts_with(b"--")
        && !value.contains(&b'(')
        && (is_chosen && (is_connected || digits > 0 || signs > 0)
            || is_connected && letters == 0 && digits == value.len())
}
