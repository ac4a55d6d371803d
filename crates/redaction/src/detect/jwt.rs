//! JSON web tokens, found as long runs of token characters.

use super::Detector;
use super::bytes::{is_alnum, is_token};
use crate::Entity;

pub(crate) const REGEX: &str = r"ey[A-Za-z0-9_-]{14,}\.[A-Za-z0-9_-]{3,}(?:\.[A-Za-z0-9_-]*){0,3}";

/// The header in base64: `{"`, or `{` and a line end or a space.
const HEADERS: [&[u8]; 4] = [b"eyJ", b"ewog", b"ewoi", b"eyAi"];
/// `{}` in base64.
const SHORTEST_BODY: usize = 3;
/// A body in base64: what a token without a signature ends with.
const BODIES: [&[u8]; 3] = [b"eyJ", b"ew", b"e30"];
/// Signed tokens have three parts, encrypted ones five.
const MOST_PARTS: usize = 5;

/// Whether a text has the parts of a token, whatever is in them: something called one need not be valid.
pub(crate) fn has_form(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    let heads = [parts.next(), parts.next()].into_iter().flatten();
    let are_heads = heads.filter(|part| part.len() >= 2).count() == 2;
    text.starts_with(b"ey")
        && (1..=MOST_PARTS - 2).contains(&parts.count())
        && are_heads
        && text.iter().all(|byte| is_token(*byte) || *byte == b'.')
}

impl Detector<'_> {
    /// Looks for a token at a run of token characters; says whether it is one.
    pub(super) fn jwt(&mut self, start: usize, end: usize) -> bool {
        let header = &self.bytes[start..end];
        if !HEADERS.iter().any(|begin| header.starts_with(begin)) || is_alnum(self.before(start)) {
            return false;
        }
        let (mut at, mut parts, mut has_body) = (end, 1, false);
        while self.at(at) == b'.' && parts < MOST_PARTS {
            let part = &self.bytes[at + 1..];
            let length = self.run(at + 1, usize::MAX, is_token);
            if parts == 1 {
                if length < SHORTEST_BODY {
                    return false;
                }
                has_body = BODIES.iter().any(|begin| part.starts_with(begin));
            }
            parts += 1;
            at += 1 + length;
        }
        let is_token = parts >= 3 || parts == 2 && has_body;
        if is_token {
            self.found(Entity::Jwt, start, at);
        }
        is_token
    }
}
