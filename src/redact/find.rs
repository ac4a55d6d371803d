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
pub(super) use mask::Seen;
use mask::{BLOCK, Carry, Masks};

/// A rule by its number: see [`super::catalog`].
pub(super) type RuleId = u16;

/// Something that must not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
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

/// Looks for values in one text.
pub(super) struct Finder<'t> {
    pub(super) bytes: &'t [u8],
    found: &'t mut Vec<Found>,
    /// Where the last PEM block ended.
    pem_end: usize,
    /// Where the last run of characters of addresses ended, of assigned values, and the last key.
    colons_end: usize,
    pub(super) value_end: usize,
    pub(super) value_trimmed: usize,
    /// Where the last assigned secret ended.
    pub(super) assigned_end: usize,
    pub(super) secret_end: usize,
}

/// Adds what the built-in rules find in `text`, in no particular order; findings may overlap.
pub(super) fn find(text: &str, found: &mut Vec<Found>) -> Seen {
    Finder::new(text, found).scan()
}

impl<'t> Finder<'t> {
    fn new(text: &'t str, found: &'t mut Vec<Found>) -> Finder<'t> {
        Finder {
            bytes: text.as_bytes(),
            found,
            pem_end: 0,
            colons_end: 0,
            value_end: 0,
            value_trimmed: 0,
            assigned_end: 0,
            secret_end: 0,
        }
    }

    fn scan(&mut self) -> Seen {
        let bytes = self.bytes;
        let mut seen = Seen::default();
        let mut cluster: Option<Cluster> = None;
        let mut last_colon = None;
        let mut carry = Carry::default();
        let mut base = 0;
        while base < bytes.len() {
            let masks = match (bytes[base..].first_chunk::<BLOCK>(), bytes.last_chunk()) {
                (Some(block), _) => Masks::of(block, &mut seen),
                // The end of a text is looked at together with what stands before it: no copy is made.
                (None, Some(last)) => {
                    let known = BLOCK - (bytes.len() - base);
                    Masks::of(last, &mut seen).behind(known)
                }
                (None, None) => {
                    let mut block = [b' '; BLOCK];
                    block[..bytes.len()].copy_from_slice(bytes);
                    Masks::of(&block, &mut seen)
                }
            };
            if masks.digit != 0 {
                for (start, length) in mask::runs(masks.digit) {
                    self.digits(&mut cluster, base + start, length);
                }
                for place in mask::places(carry.account_numbers(&masks)) {
                    self.iban(base + place - 3);
                }
            }
            for place in mask::places(masks.sign) {
                self.sign(base + place, &mut last_colon);
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
            carry.advance(&masks);
            base += BLOCK;
        }
        if let Some(ended) = cluster {
            self.cluster(ended);
        }
        seen
    }

    /// [`scan`](Finder::scan) without masks: looks at each byte.
    #[cfg(test)]
    pub(super) fn scan_slowly(text: &str, found: &mut Vec<Found>) {
        let bytes = text.as_bytes();
        let mut finder = Finder::new(text, found);
        let (mut cluster, mut last_colon) = (None, None);
        let is = |at: usize, class: fn(&u8) -> bool| bytes.get(at).is_some_and(class);
        let in_word = |byte: &u8| byte.is_ascii() && *byte > b',';
        for at in 0..bytes.len() {
            let begins = |class: fn(&u8) -> bool| is(at, class) && (at == 0 || !is(at - 1, class));
            if begins(u8::is_ascii_digit) {
                finder.digits(&mut cluster, at, finder.digit_run(at));
            }
            if is(at, u8::is_ascii_alphabetic)
                && is(at + 1, u8::is_ascii_alphabetic)
                && is(at + 2, u8::is_ascii_digit)
                && is(at + 3, u8::is_ascii_digit)
            {
                finder.iban(at);
            }
            if matches!(bytes[at], b'@' | b':' | b'=') {
                finder.sign(at, &mut last_colon);
            }
            if begins(in_word)
                && bytes[at..].iter().take_while(|b| in_word(b)).count() >= SHORTEST_RUN
            {
                finder.words(at);
            }
            if bytes[at] == b'.' && at >= 5 && bytes[at - 5] == b'.' {
                finder.dot_mac(at);
            }
            if bytes[at..].starts_with(b"-----") {
                finder.pem(at);
            }
        }
        if let Some(ended) = cluster {
            finder.cluster(ended);
        }
    }

    // What follows is rare in clean text, and is kept out of the loop over its blocks.

    /// Adds a run of digits to the cluster that they belong to.
    #[inline(never)]
    fn digits(&mut self, cluster: &mut Option<Cluster>, start: usize, length: usize) {
        match cluster {
            Some(open) if start - open.end <= WIDEST_GAP => {
                open.end = start + length;
                open.digits += length;
            }
            _ => {
                let begun = Cluster {
                    start,
                    end: start + length,
                    digits: length,
                    phone_word: None,
                };
                if let Some(ended) = cluster.replace(begun) {
                    self.cluster(ended);
                }
            }
        }
    }

    /// An `@`, a colon, an equals sign, or another sign of their kind.
    #[inline(never)]
    fn sign(&mut self, at: usize, last_colon: &mut Option<usize>) {
        match self.bytes[at] {
            b'@' => return self.email(at),
            b':' => {
                // JSON of some writers escapes the strokes.
                for strokes in [&b"//"[..], b"\\/\\/"] {
                    if self.bytes[at + 1..].starts_with(strokes) {
                        self.url(at, at + 1 + strokes.len());
                    }
                }
                if last_colon.is_some_and(|last| at - last <= COLON_REACH) && at >= self.colons_end
                {
                    self.colons(at);
                }
                *last_colon = Some(at);
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
                true => self
                    .rest(at)
                    .iter()
                    .take_while(|byte| is_token(**byte))
                    .count(),
                false => 0,
            };
            if run >= SHORTEST_RUN {
                self.run(at, at + run);
            }
            at += run.max(1);
        }
    }

    /// Each kind of number goes on behind the last one of its kind.
    #[inline(never)]
    fn cluster(&mut self, mut cluster: Cluster) {
        if cluster.digits < 4 {
            return;
        }
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
    fn run(&mut self, start: usize, end: usize) {
        if self.jwt(start, end).is_none() {
            self.secrets(start, end);
        }
        self.hyphen_mac(start, end);
        self.crypto(start, end);
    }

    pub(super) fn found(&mut self, entity: Entity, start: usize, end: usize) {
        self.found_by(entity as RuleId, start, end);
    }

    pub(super) fn found_by(&mut self, rule: RuleId, start: usize, end: usize) {
        self.found.push(Found { start, end, rule });
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
    fn rest(&self, at: usize) -> &[u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    fn digit_run(&self, start: usize) -> usize {
        self.rest(start)
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    }

    /// Whether one of the words begins in the `reach` bytes before `at`.
    fn has_word_before(&self, at: usize, reach: usize, words: &[&str]) -> bool {
        self.word_before(at, reach, words).is_some()
    }

    /// Where the nearest of the words begins in the `reach` bytes before `at`.
    fn word_before(&self, at: usize, reach: usize, words: &[&str]) -> Option<usize> {
        let from = at.saturating_sub(reach);
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
        (from..at).rev().find(|&place| {
            let first = self.bytes[place];
            // Words of other alphabets than ours may stand in a row without spaces.
            let may_begin =
                is_letter(first) && (first >= 0xc0 || !self.before(place).is_ascii_alphabetic());
            may_begin
                && !self.is_in_placeholder(place)
                && words.iter().any(|word| {
                    word.as_bytes()[0] == first.to_ascii_lowercase()
                        && place + word.len() <= at
                        && self.bytes[place..place + word.len()]
                            .eq_ignore_ascii_case(word.as_bytes())
                })
        })
    }

    /// Whether the word here is a kind's name in a placeholder: `[PHONE:…]` says nothing of what
    /// follows.
    fn is_in_placeholder(&self, place: usize) -> bool {
        let before = self.bytes[..place].iter().rev();
        let head = before
            .take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_')
            .count();
        let begin = place - head;
        if begin == 0 || self.bytes[begin - 1] != b'[' {
            return false;
        }
        Entity::ALL.iter().any(|entity| {
            let name = entity.as_str().as_bytes();
            self.rest(begin).starts_with(name) && matches!(self.at(begin + name.len()), b':' | b']')
        })
    }

    /// Whether one of the words stands in the `reach` bytes before `at`, and ends there.
    fn has_whole_word_before(&self, at: usize, reach: usize, words: &[&str]) -> bool {
        words.iter().any(|word| {
            self.word_before(at, reach, &[word])
                .is_some_and(|place| !self.at(place + word.len()).is_ascii_alphabetic())
        })
    }

    /// Whether one of the words stands at `at`, behind at most `gap` spaces and the like.
    fn has_word_behind(&self, at: usize, gap: usize, words: &[&str]) -> bool {
        let rest = self.rest(at);
        let skipped = rest
            .iter()
            .take(gap)
            .take_while(|byte| b" -(".contains(byte))
            .count();
        let rest = &rest[skipped..];
        words.iter().any(|word| {
            rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
        })
    }
}
