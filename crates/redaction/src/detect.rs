//! Finding: from a text to the places of what must not be seen in it.
//!
//! One pass over the text, 64 bytes at a time, makes masks of a few classes of bytes. Their rare
//! coincidences (an `@`, digits close together, a long run of token characters, two colons close
//! together, five hyphens, …) are where something may be; there a matcher looks at the bytes around it.
//! Each matcher looks at a bounded number of bytes for each of them, or at each byte once, so that the
//! cost of a text grows with its length and no faster, whatever stands in it.
//!
//! The masks decide only where to look. `oracle.rs` looks everywhere, without masks and by plain regular
//! expressions, and holds them to the same findings.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use wide::u8x16;

use super::Entity;

pub(super) mod bytes;
pub(super) mod card;
pub(super) mod crypto;
pub(super) mod email;
pub(super) mod iban;
pub(super) mod ip;
pub(super) mod jwt;
mod mask;
pub(super) mod pem;
pub(super) mod phone;
pub(super) mod ssn;
pub(super) mod url;

use bytes::is_token;
use mask::{BLOCK, Carry, Masks};

/// A rule by its number: see [`super::catalog`].
pub(super) type RuleId = u16;

/// Something that must not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: RuleId,
}

/// Digits with at most two other bytes between one and the next.
struct Cluster {
    start: usize,
    end: usize,
    digits: usize,
    /// Where the nearest word begins that makes a phone number of digits behind it.
    phone_word: Option<Option<usize>>,
}

/// The most bytes between two digits of a cluster.
const WIDEST_GAP: usize = 2;
/// The shortest run of token characters that is looked at: the shortest published formats of keys.
pub(super) const SHORTEST_RUN: usize = 16;
/// The greatest distance of two colons of an address: four digits between them.
const COLON_REACH: usize = 5;

/// What the built-in rules find in a text.
pub(super) struct Detected {
    /// In no particular order; they may overlap.
    pub(super) matches: Vec<Match>,
    /// Whether the text holds bytes that a disguise may be made of.
    pub(super) may_be_disguised: bool,
}

/// Looks for values in one text.
pub(super) struct Detector<'t> {
    pub(super) bytes: &'t [u8],
    matches: Vec<Match>,
    cluster: Option<Cluster>,
    last_colon: Option<usize>,
    /// Where the last PEM block ended.
    pem_end: usize,
    /// Where the last run of characters of addresses ended, of assigned values, and the last key.
    colons_end: usize,
    pub(super) value_end: usize,
    pub(super) value_trimmed: usize,
    /// Where the last assigned secret ended.
    pub(super) assigned_end: usize,
    pub(super) secret_end: usize,
    /// Where the header of cookies ends that was seen last.
    pub(super) cookies_end: usize,
    /// The word that was last looked at as an announced value.
    pub(super) word: Range<usize>,
}

impl<'t> Detector<'t> {
    pub(super) fn new(text: &'t str) -> Detector<'t> {
        Detector {
            bytes: text.as_bytes(),
            matches: Vec::new(),
            cluster: None,
            last_colon: None,
            pem_end: 0,
            colons_end: 0,
            value_end: 0,
            value_trimmed: 0,
            assigned_end: 0,
            secret_end: 0,
            cookies_end: 0,
            word: 0..0,
        }
    }

    /// Looks at the places that the masks show.
    pub(super) fn scan(mut self) -> Detected {
        let bytes = self.bytes;
        let mut suspects = u8x16::splat(0);
        let mut carry = Carry::default();
        for base in (0..bytes.len()).step_by(BLOCK) {
            let masks = match bytes[base..].first_chunk() {
                Some(block) => Masks::of(block, &mut suspects),
                None => {
                    let mut block = [b' '; BLOCK];
                    block[..bytes.len() - base].copy_from_slice(&bytes[base..]);
                    Masks::of(&block, &mut suspects)
                }
            };
            for place in mask::places(carry.numbers(&masks)) {
                self.digits(base + place);
            }
            for place in mask::places(masks.sign) {
                self.sign(base + place);
            }
            if let Some(length) = carry.crossing_run(&masks) {
                self.words(base - length);
            }
            for place in mask::places(carry.long_runs(&masks)) {
                self.words(base + place);
            }
            for place in mask::places(carry.far_strokes(&masks)) {
                self.dot_mac(base + place);
            }
            for place in mask::places(carry.five_strokes(&masks)) {
                self.pem(base + place - 4);
            }
            for place in mask::places(carry.leading_strokes(&masks)) {
                self.option(base + place);
            }
            carry.advance(&masks);
        }
        self.end_cluster();
        self.passwords();
        Detected {
            matches: self.matches,
            // The highest bit is that of bytes beyond ASCII.
            may_be_disguised: suspects.to_bitmask() != 0,
        }
    }

    /// [`scan`](Detector::scan) without masks: looks at each byte.
    #[cfg(test)]
    pub(super) fn scan_slowly(mut self) -> Vec<Match> {
        let bytes = self.bytes;
        let is = |at: usize, class: fn(&u8) -> bool| bytes.get(at).is_some_and(class);
        let in_word = |byte: &u8| byte.is_ascii() && *byte > b',';
        for at in 0..bytes.len() {
            let begins = |class: fn(&u8) -> bool| is(at, class) && (at == 0 || !is(at - 1, class));
            if begins(u8::is_ascii_digit) {
                self.digits(at);
            }
            if matches!(bytes[at], b'@' | b':' | b'=') {
                self.sign(at);
            }
            if begins(in_word)
                && bytes[at..].iter().take_while(|b| in_word(b)).count() >= SHORTEST_RUN
            {
                self.words(at);
            }
            if bytes[at] == b'.' && at >= 5 && bytes[at - 5] == b'.' {
                self.dot_mac(at);
            }
            if bytes[at..].starts_with(b"-----") {
                self.pem(at);
            }
            if matches!(bytes[at], b'-' | b'.') && begins(in_word) {
                self.option(at);
            }
        }
        self.end_cluster();
        self.passwords();
        self.matches
    }

    // What follows is rare in clean text, and is kept out of the loop over its blocks.

    /// A run of digits begins here. It belongs to the cluster in front of it, or begins one.
    #[inline(never)]
    fn digits(&mut self, start: usize) {
        let digits = self.digit_run(start);
        let end = start + digits;
        match &mut self.cluster {
            Some(open) if start - open.end <= WIDEST_GAP => {
                open.end = end;
                open.digits += digits;
            }
            _ => {
                self.end_cluster();
                self.cluster = Some(Cluster {
                    start,
                    end,
                    digits,
                    phone_word: None,
                });
            }
        }
        let is_letter = |byte: u8| byte.is_ascii_alphabetic();
        if start > 0 && is_letter(self.bytes[start - 1]) || is_letter(self.at(end)) {
            self.announced(start);
        }
        if digits >= 2 && self.run_before(start, 2, is_letter) == 2 {
            self.iban(start - 2);
        }
    }

    /// An `@`, a colon, an equals sign, or another sign of their kind.
    #[inline(never)]
    fn sign(&mut self, at: usize) {
        match self.bytes[at] {
            b'@' => return self.email(at),
            b':' => {
                // JSON of some writers escapes the strokes.
                for strokes in [&b"//"[..], b"\\/\\/"] {
                    if self.bytes[at + 1..].starts_with(strokes) {
                        self.url(at, at + 1 + strokes.len());
                    }
                }
                let last = self.last_colon.replace(at);
                if last.is_some_and(|last| at - last <= COLON_REACH) && at >= self.colons_end {
                    self.colons(at);
                }
            }
            b'=' => {}
            _ => return,
        }
        self.assignment(at);
    }

    /// Looks at the long runs of token characters from here to the next byte that can stand in no word.
    #[inline(never)]
    fn words(&mut self, start: usize) {
        let mut at = start;
        while let Some(byte) = self
            .bytes
            .get(at)
            .filter(|byte| byte.is_ascii() && **byte > b',')
        {
            // What ends an escape such as `\n` or `%22` is no part of the word behind it.
            let behind_percent = at > 0 && self.bytes[at - 1] == b'%' && self.is_escape_end(at + 1);
            if behind_percent {
                at += 2;
                continue;
            }
            let run = match is_token(*byte) && !self.is_escape_letter(at) {
                true => self.run(at, usize::MAX, is_token),
                false => 0,
            };
            if run >= SHORTEST_RUN {
                self.token(at, at + run);
            }
            at += run.max(1);
        }
    }

    /// Each kind of number goes on behind the last one of its kind.
    #[inline(never)]
    fn end_cluster(&mut self) {
        let Some(mut cluster) = self.cluster.take().filter(|cluster| cluster.digits >= 4) else {
            return;
        };
        let (mut card, mut ssn, mut ip, mut phone) = (0, 0, 0, 0);
        // Digits that are left: a number has so many at least.
        let mut left = cluster.digits;
        let mut at = cluster.start;
        while at < cluster.end {
            let run = self.digit_run(at);
            if run == 0 {
                at += 1;
                continue;
            }
            // A number in front may be taken for the head of one: each group may begin it.
            if left >= 12 {
                card = card.max(self.card(at, &cluster).unwrap_or(0));
            }
            if left >= 9 && at >= ssn {
                ssn = self.ssn(at, &cluster).unwrap_or(ssn);
            }
            if run <= 3 && at >= ip && self.at(at + run) == b'.' {
                ip = self.ipv4(at).unwrap_or(ip);
            }
            // No phone number begins within another number.
            if left >= 7 && at >= phone.max(card).max(ssn).max(ip) {
                phone = self.phone(at, &mut cluster).unwrap_or(phone);
            }
            left -= run;
            at += run;
        }
    }

    /// A run of token characters, at least [`SHORTEST_RUN`] of them.
    fn token(&mut self, start: usize, end: usize) {
        if !self.jwt(start, end) {
            self.secrets(start, end);
        }
        self.hyphen_mac(start, end);
        self.crypto(start, end);
    }

    pub(super) fn found(&mut self, entity: Entity, start: usize, end: usize) {
        self.found_by(entity as RuleId, start, end);
    }

    pub(super) fn found_by(&mut self, rule: RuleId, start: usize, end: usize) {
        self.matches.push(Match { start, end, rule });
    }

    /// The byte at a place; a space behind the end.
    pub(super) fn at(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b' ')
    }

    /// The byte before a place; a space where the text begins, or where that byte is the letter of
    /// an escape such as `\n`, as in JSON inside a string.
    pub(super) fn before(&self, at: usize) -> u8 {
        match at.checked_sub(1) {
            Some(before) if !self.is_escape_end(before) => self.bytes[before],
            _ => b' ',
        }
    }

    /// Whether the byte here is the last one of an escape: `\n`, `%22`.
    fn is_escape_end(&self, at: usize) -> bool {
        let is_percent = |at: usize| {
            at >= 2
                && at < self.bytes.len()
                && self.bytes[at - 2] == b'%'
                && self.bytes[at - 1].is_ascii_hexdigit()
                && self.bytes[at].is_ascii_hexdigit()
        };
        self.is_escape_letter(at) || is_percent(at)
    }

    /// Whether the byte here is the letter of an escape.
    fn is_escape_letter(&self, at: usize) -> bool {
        at > 0 && self.bytes[at - 1] == b'\\' && matches!(self.bytes[at], b'n' | b'r' | b't')
    }

    /// The bytes from a place on; none behind the end.
    pub(super) fn rest(&self, at: usize) -> &'t [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// How many bytes of a class stand from a place on: `most` at most.
    pub(super) fn run(&self, start: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest(start);
        let rest = &rest[..rest.len().min(most)];
        let end = rest.iter().position(|byte| !class(*byte));
        end.unwrap_or(rest.len())
    }

    /// How many bytes of a class stand before a place: `most` at most.
    pub(super) fn run_before(&self, end: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
        let before = &self.bytes[end.saturating_sub(most)..end];
        let begin = before.iter().rposition(|byte| !class(*byte));
        before.len() - begin.map_or(0, |last| last + 1)
    }

    fn digit_run(&self, start: usize) -> usize {
        self.run(start, usize::MAX, |byte| byte.is_ascii_digit())
    }

    /// Where the words begin and end that stand in the `reach` bytes before `at`.
    fn words_before(
        &self,
        at: usize,
        reach: usize,
        words: &AhoCorasick,
    ) -> impl Iterator<Item = (usize, usize)> {
        let from = at.saturating_sub(reach);
        let found = words.find_overlapping_iter(&self.bytes[from..at]);
        let found = found.map(move |word| (from + word.start(), from + word.end()));
        // Words of other alphabets than ours may stand in a row without spaces.
        found.filter(|(start, _)| {
            let begins = self.bytes[*start] >= 0xc0 || !self.before(*start).is_ascii_alphabetic();
            begins && !self.is_in_placeholder(*start)
        })
    }

    /// Whether one of the words begins in the `reach` bytes before `at`.
    fn has_word_before(&self, at: usize, reach: usize, words: &AhoCorasick) -> bool {
        self.words_before(at, reach, words).next().is_some()
    }

    /// Whether the word here is a kind's name in a placeholder: `[PHONE:…]` says nothing of what
    /// follows.
    fn is_in_placeholder(&self, place: usize) -> bool {
        let in_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        let begin = place - self.run_before(place, usize::MAX, in_name);
        let is_kind = |entity: &Entity| {
            let name = entity.as_str().as_bytes();
            self.rest(begin).starts_with(name) && matches!(self.at(begin + name.len()), b':' | b']')
        };
        self.bytes[..begin].ends_with(b"[") && Entity::ALL.iter().any(is_kind)
    }

    /// Whether one of the words stands at `at`, behind at most `gap` spaces and the like.
    fn has_word_behind(&self, at: usize, gap: usize, words: &[&str]) -> bool {
        let rest = self.rest(at + self.run(at, gap, |byte| b" -(".contains(&byte)));
        words.iter().any(|word| {
            rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
        })
    }
}
