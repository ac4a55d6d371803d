//! Private keys in PEM, found at their five hyphens.

use memchr::memmem;

use super::Detector;
use crate::Entity;

pub(crate) const REGEX: &str = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)";

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const LONGEST_LABEL: usize = 60;

impl Detector<'_> {
    /// Looks for a key whose first hyphen is at `start`. What lies behind one that is cut is taken
    /// for part of it, so that each byte is searched once.
    #[inline(never)]
    pub(super) fn pem(&mut self, start: usize) {
        if start < self.pem_end || !self.bytes[start..].starts_with(BEGIN) {
            return;
        }
        let Some(body) = label(&self.bytes[start + BEGIN.len()..]) else {
            return;
        };
        let mut at = start + BEGIN.len() + body;
        let end = loop {
            let Some(found) = memmem::find(&self.bytes[at..], END) else {
                break self.bytes.len();
            };
            at += found + END.len();
            if let Some(length) = label(&self.bytes[at..]) {
                break at + length;
            }
        };
        self.pem_end = end;
        self.found(Entity::PrivateKey, start, end);
    }
}

/// The length of a label of a private key with the hyphens behind it.
fn label(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(LONGEST_LABEL)];
    let words = text
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ')
        .count();
    let is_private = [&b"PRIVATE KEY"[..], b"PRIVATE KEY BLOCK"]
        .iter()
        .any(|name| text[..words].ends_with(name));
    (is_private && text[words..].starts_with(b"-----")).then_some(words + 5)
}
