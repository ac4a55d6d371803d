//! Email addresses, found at their `@`.

use super::{Detector, bytes::is_alnum};
use crate::Entity;

pub(crate) const REGEX: &str =
    r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+(?:xn--[A-Za-z0-9-]+|[A-Za-z]{2,24})";

const LONGEST_LOCAL: usize = 64;
const LONGEST_HOST: usize = 255;

fn is_local(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'\'' | b'-')
}

fn is_host(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'-')
}

/// `git@github.com:…` is where a repository is.
fn is_repository(local: &[u8]) -> bool {
    matches!(local, b"git" | b"hg" | b"svn")
}

impl Detector<'_> {
    pub(super) fn email(&mut self, at: usize) {
        let bytes = self.bytes;
        let reach = at.saturating_sub(LONGEST_LOCAL);
        let mut start = at;
        // Letters of Latin alphabets beyond ASCII are two bytes.
        loop {
            match bytes[..start] {
                [.., 0xc3..=0xc5, 0x80..=0xbf] if start >= reach + 2 => start -= 2,
                [.., byte] if start > reach && is_local(byte) => start -= 1,
                _ => break,
            }
        }
        // The letter of an escape such as `\n` belongs to it.
        if start < at && self.is_escape_letter(start) {
            start += 1;
        }
        while start < at && matches!(bytes[start], b'.' | b'\'' | b'-' | b'%') {
            start += 1;
        }
        let length = self.run(at + 1, LONGEST_HOST, |byte| {
            is_host(byte) || matches!(byte, 0x80..=0xbf | 0xc3..=0xc5)
        });
        if let Some(length) = host_length(&bytes[at + 1..][..length])
            && start < at
            && !(self.at(at + 1 + length) == b':' && is_repository(&bytes[start..at]))
        {
            self.found(Entity::Email, start, at + 1 + length);
        }
    }
}

/// Endings of files that are no top-level domains: `icon@2x.png`.
const FILES: [&[u8]; 18] = [
    b"png", b"jpg", b"jpeg", b"gif", b"webp", b"svg", b"avif", b"tgz", b"gz", b"whl", b"tar",
    b"rpm", b"deb", b"jar", b"exe", b"dll", b"css", b"txt",
];

/// The length of the longest host name that `host` begins with: labels, then a TLD.
fn host_length(host: &[u8]) -> Option<usize> {
    let mut end = host.len();
    loop {
        let dot = host[..end].iter().rposition(|byte| *byte == b'.')?;
        let tld = &host[dot + 1..end];
        let letters = tld.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        // What follows the letters must not make a longer word of them.
        let is_whole = tld.get(letters).is_none_or(|next| *next == b'-');
        if dot > 0 && (is_alnum(host[dot - 1]) || host[dot - 1] >= 0x80) {
            if tld.len() > 4 && tld[..4].eq_ignore_ascii_case(b"xn--") {
                return Some(end);
            }
            if (2..=24).contains(&letters) && is_whole {
                let is_file = FILES
                    .iter()
                    .any(|name| tld[..letters].eq_ignore_ascii_case(name));
                // `kernel@5.15.generic` is a version.
                let is_version = host[..dot]
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b'.');
                return (!is_file && !is_version).then_some(dot + 1 + letters);
            }
        }
        end = dot;
    }
}
