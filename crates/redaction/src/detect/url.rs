//! Passwords in URLs, found at their `://`.

use super::Detector;
use super::bytes::is_alnum;
use crate::Entity;

pub(crate) const REGEX: &str = r#"[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s/?#:"'<>\\`]{0,128}:[^\s/?#"'<>\\`]{1,256}@[^\s/?#"'<>\\`]"#;

const LONGEST_USER: usize = 128;
const LONGEST_PASSWORD: usize = 256;

fn ends_authority(byte: u8) -> bool {
    byte <= b' '
        || matches!(
            byte,
            b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`'
        )
}

impl Detector<'_> {
    /// Looks for a password behind `://`, whose colon is at `colon`; `user` is behind the strokes.
    pub(super) fn url(&mut self, colon: usize, user: usize) {
        if !(colon > 0 && is_alnum(self.bytes[colon - 1])) {
            return;
        }
        let in_authority = |byte: u8| !ends_authority(byte);
        let in_user = |byte: u8| in_authority(byte) && byte != b':';
        let length = self.run(user, LONGEST_USER + 1, in_user);
        let password = user + length + 1;
        if length > LONGEST_USER || self.at(user + length) != b':' {
            return;
        }
        // A password may hold an `@`: the last one ends it.
        let rest = self.run(password, LONGEST_PASSWORD + 1, in_authority);
        let authority = &self.bytes[password..password + rest];
        let Some(length) = authority.iter().rposition(|byte| *byte == b'@') else {
            return;
        };
        let end = password + length;
        let has_host = !ends_authority(self.at(end + 1));
        let secret = &self.bytes[password..end];
        if length > 0 && has_host && !is_placeholder(secret) {
            self.found(Entity::UrlCred, password, end);
        }
    }
}

/// `${PASSWORD}`, `<password>`, `%s`, `***`, `xxx`: a place for a secret, and none.
pub(crate) fn is_placeholder(text: &[u8]) -> bool {
    let all = |wanted: fn(&u8) -> bool| text.iter().all(wanted);
    let is_bracketed = matches!(
        text,
        [b'$', b'{', .., b'}']
            | [b'$', b'(', .., b')']
            | [b'{', .., b'}']
            | [b'<', .., b'>']
            | [b'[', .., b']']
            | [b'%', _]
    );
    is_bracketed
        || all(|byte| *byte == b'*')
        || all(|byte| matches!(byte, b'x' | b'X'))
        || all(|byte| *byte == b'.')
        || text.starts_with(b"$")
            && text[1..]
                .iter()
                .all(|b| b.is_ascii_uppercase() || *b == b'_')
}
