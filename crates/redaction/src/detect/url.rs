//! Passwords in URLs, found at their `://`.

use super::Detector;
use super::bytes::{is_alnum, is_token};
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
        let plain = authority.iter().rposition(|byte| *byte == b'@');
        let plain = plain.filter(|at| *at > 0 && !ends_authority(self.at(password + at + 1)));
        let is_port = authority.iter().all(u8::is_ascii_digit);
        let name = &self.bytes[user..user + length];
        let scheme = &self.bytes[colon.saturating_sub(5)..colon];
        let is_web = [&b"http"[..], b"https", b"ws", b"wss"]
            .iter()
            .any(|web| scheme.ends_with(web));
        let is_host = is_port && (is_web || is_host_name(name));
        let length = match plain {
            Some(plain) if self.is_host_at(password + plain + 1) => Some(plain),
            _ if is_host => plain,
            // It may also hold what should be escaped in it and often is not.
            _ => self.unescaped_password(password, plain.is_some()).or(plain),
        };
        let Some(length) = length else {
            return;
        };
        let secret = &self.bytes[password..password + length];
        // A digest pins an image: `docker://image:tag@sha256:…`.
        let is_digest = self.rest(password + length + 1).starts_with(b"sha256:");
        if !is_placeholder(secret) && !is_digest {
            // Sidekiq's keys are a name and a password, and both are random.
            let host = self.rest(password + length + 1);
            let is_key = [&b"gems.contribsys.com"[..], b"enterprise.contribsys.com"];
            let is_key = is_key.iter().any(|key| host.starts_with(key));
            let start = if is_key { user } else { password };
            self.found(Entity::UrlCred, start, password + length);
        }
    }

    /// The length of a password with `/`, `?` or `#` in it: to the last `@` that a host stands behind, as far as
    /// no parameter begins before it. If the password may as well be a shorter one, the host must be no path.
    fn unescaped_password(&self, password: usize, is_ambiguous: bool) -> Option<usize> {
        let in_url =
            |byte: u8| byte > b' ' && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`');
        let length = self.run(password, LONGEST_PASSWORD + 1, in_url);
        let rest = &self.bytes[password..password + length];
        let parameter = (0..length).find(|at| {
            let name = self.run(password + at + 1, LONGEST_USER, is_token);
            matches!(rest[*at], b'?' | b'&')
                && name > 0
                && self.at(password + at + 1 + name) == b'='
        });
        let rest = &rest[..parameter.unwrap_or(length)];
        let mut ends = (1..rest.len())
            .rev()
            .filter(|at| rest[*at] == b'@' && rest[at - 1] != b'/');
        ends.find(|at| {
            let host = password + at + 1;
            self.is_host_at(host) || !is_ambiguous && is_alnum(self.at(host))
        })
    }

    /// Whether a host with a domain, a port or a path begins here, or `localhost`.
    fn is_host_at(&self, at: usize) -> bool {
        let length = self.run(at, LONGEST_USER, |byte| {
            is_alnum(byte) || matches!(byte, b'.' | b'-' | b'_')
        });
        let host = &self.bytes[at..at + length];
        let is_v6 = self.at(at) == b'[';
        let ends = self.at(at + length);
        let has_domain = host
            .iter()
            .rposition(|byte| *byte == b'.')
            .is_some_and(|dot| {
                let tld = &host[dot + 1..];
                tld.len() >= 2 && tld.iter().all(u8::is_ascii_alphabetic) || is_host_name(host)
            });
        let has_port = ends == b':' && self.at(at + length + 1).is_ascii_digit();
        let is_path = ends == b'/'
            && !self
                .rest(at)
                .iter()
                .take(LONGEST_PASSWORD)
                .take_while(|byte| **byte > b' ')
                .any(|byte| *byte == b'@');
        is_v6 || length > 0 && (has_domain || has_port || is_path || host == b"localhost")
    }
}

/// Whether this is the name or the address of a host, and hardly that of a user.
fn is_host_name(name: &[u8]) -> bool {
    let is_address = name
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    name == b"localhost"
        || name.contains(&b'.')
            && (is_address
                || name
                    .rsplit(|byte| *byte == b'.')
                    .next()
                    .is_some_and(|tld| tld.iter().all(u8::is_ascii_alphabetic)))
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
