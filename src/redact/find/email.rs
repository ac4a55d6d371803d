//! Email addresses, found at their `@`.

use super::{Finder, bytes::is_alnum};
use crate::redact::Entity;

pub(in crate::redact) const REGEX: &str =
    r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+(?:xn--[A-Za-z0-9-]+|[A-Za-z]{2,24})";

const LONGEST_LOCAL: usize = 64;
const LONGEST_HOST: usize = 255;

fn is_local(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'\'' | b'-')
}

fn is_host(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'-')
}

impl Finder<'_> {
    pub(super) fn email(&mut self, at: usize) {
        let bytes = self.bytes;
        let reach = at.saturating_sub(LONGEST_LOCAL);
        let mut start = at;
        while start > reach && is_local(bytes[start - 1]) {
            start -= 1;
        }
        // The letter of an escape such as `\n` belongs to it.
        if start < at && self.is_escape_letter(start) {
            start += 1;
        }
        while start < at && matches!(bytes[start], b'.' | b'\'' | b'-' | b'%') {
            start += 1;
        }
        let host = &bytes[at + 1..];
        let length = host
            .iter()
            .take(LONGEST_HOST)
            .take_while(|byte| is_host(**byte))
            .count();
        if let Some(length) = host_length(&host[..length])
            && start < at
        {
            self.found(Entity::Email, start, at + 1 + length);
        }
    }
}

/// The length of the longest host name that `host` begins with: labels, then a TLD.
fn host_length(host: &[u8]) -> Option<usize> {
    // `name@2x.png` is a picture.
    if matches!(host, [b'1'..=b'4', b'x', b'.', ..]) {
        return None;
    }
    let mut end = host.len();
    loop {
        let dot = host[..end].iter().rposition(|byte| *byte == b'.')?;
        let tld = &host[dot + 1..end];
        let letters = tld.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        // What follows the letters must not make a longer word of them.
        let is_whole = tld.get(letters).is_none_or(|next| *next == b'-');
        if dot > 0 && is_alnum(host[dot - 1]) {
            if tld.len() > 4 && tld[..4].eq_ignore_ascii_case(b"xn--") {
                return Some(end);
            }
            if (2..=24).contains(&letters) && is_whole {
                return Some(dot + 1 + letters);
            }
        }
        end = dot;
    }
}
