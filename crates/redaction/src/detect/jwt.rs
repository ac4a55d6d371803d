//! JSON web tokens, found as long runs of token characters.

use super::Detector;
use super::bytes::{is_alnum, is_token};
use crate::Entity;

pub(crate) const REGEX: &str = r"ey[A-Za-z0-9_-]{14,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,3}";

/// The header in base64: `{"`, or `{` and a line end or a space.
const HEADERS: [&[u8]; 4] = [b"eyJ", b"ewog", b"ewoi", b"eyAi"];
const SHORTEST_BODY: usize = 10;
/// A body in base64: what a token without a signature ends with.
const BODIES: [&[u8]; 2] = [b"eyJ", b"ew"];
/// Signed tokens have three parts, encrypted ones five.
const MOST_PARTS: usize = 5;

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
