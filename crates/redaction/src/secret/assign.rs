//! Secrets that are assigned: a name that says what it is, a sign, and the value.

use std::ops::Range;

use data_encoding::{BASE64, BASE64_NOPAD};

use super::class::{BASE64_PAD, Class};
use super::table::SERVICES;
use super::word::{LONGEST_NAME, SAMPLE, Word, is_uuid};
use crate::Entity;
use crate::detect::bytes::{entropy, is_alnum};
use crate::detect::jwt;
use crate::detect::url::is_placeholder;
use crate::detect::{Detector, RuleId};
use crate::words::{Words, words};

const SHORTEST_VALUE: usize = 6;
/// Longer ones are documents.
const LONGEST_VALUE: usize = 8 << 10;

const VALUE: Class = Class::of(&[b"AZ", b"az", b"09"], b"_-+/=.~!@#$%^&*|:?;");

impl<'t> Detector<'t> {
    /// Looks for a secret that is assigned at the `:` or `=` here to a name that says what it is.
    pub(crate) fn assignment(&mut self, at: usize) {
        if at < self.assigned_end {
            return;
        }
        if let Some(password) = self.password_file(at) {
            self.assigned_end = password.end;
            return self.found(Entity::Secret, password.start, password.end);
        }
        let Some(value) = self.value(at + 1) else {
            return;
        };
        let Range { start, end } = value.range;
        let name_end = self.skip_back(at, 3, b":=?|.+!");
        // `==` and `!=` compare.
        let operator = &self.bytes[name_end..(at + 2).min(self.bytes.len())];
        let compares = operator.starts_with(b"!=") || operator.starts_with(b"==");
        let name_end = self.skip_back(name_end, 3, b" \t");
        let name_end = self.skip_back(name_end, 3, b"\"'`]\\");
        let bytes = self.bytes;
        let name = self.name_before(name_end);
        if name.is_empty() || compares && !value.is_quoted {
            return;
        }
        if is_cookies(name) && at >= self.cookies_end {
            self.cookies_end = self.cookies_end(at);
            return;
        }
        let text = &bytes[start..end];
        if bytes[at] == b'=' && self.is_token_of(name, name_end, text, at) {
            self.assigned_end = end;
            return self.found(Entity::Secret, start, end);
        }
        if let Some(rule) = service(name, text) {
            return self.found_by(rule, start, end);
        }
        let Some(word) = Word::of(name).filter(|_| !is_placeholder(text)) else {
            return;
        };
        if word == Word::Secret && jwt::has_form(text) {
            return self.found(Entity::Jwt, start, end);
        }
        let is_likely = || {
            (value.is_quoted || !self.is_expression(start, end, word))
                && (word.takes(text) || is_in_environment(name, operator, text))
        };
        if is_credential(name, text) || is_likely() {
            self.assigned_end = end;
            self.found(Entity::Secret, start, end);
        }
    }

    /// Whether a value is a cookie's in their header, or signs the URL whose parameter it is.
    fn is_token_of(&self, name: &[u8], name_end: usize, value: &[u8], at: usize) -> bool {
        let is = |list: &str| {
            list.split('|')
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        };
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        let has_letters = value.iter().any(u8::is_ascii_alphabetic);
        if at < self.cookies_end || is(SESSION_COOKIES) {
            let is_session =
                memchr::memmem::find(name, b"sess").is_some() || name.ends_with(b"sid");
            return value.len() >= 8
                && digits > 0
                && (has_letters || is_session)
                && !is(COOKIE_ATTRIBUTES)
                && entropy(&value[..value.len().min(SAMPLE)]) >= 2.5;
        }
        // A parameter follows `?` or `&`, or a comma in a header.
        let is_parameter = matches!(
            self.before(name_end - name.len()),
            b'?' | b'&' | b';' | b',' | b' '
        );
        is_parameter
            && is(SIGNATURES)
            && value.len() >= 16
            && digits >= 2
            && has_letters
            && entropy(&value[..value.len().min(SAMPLE)]) >= 3.0
    }

    /// The value that begins behind an operator: to the end of its quotes, or of its characters.
    fn value(&mut self, at: usize) -> Option<Value> {
        let bytes = self.bytes;
        let skip = |from: usize, most: usize, what: &[u8]| {
            from + self.run(from, most, |byte| what.contains(&byte))
        };
        let at = skip(at, 2, b"=>:");
        let at = skip(at, 8, b" \t");
        let at = skip(at, 1, b"[(");
        // Of a string of some language: `b"…"`, `@"…"`.
        let is_string = |at: usize| matches!(self.at(at + 1), b'"' | b'\'');
        let at = at
            + usize::from(matches!(self.at(at), b'b' | b'f' | b'r' | b'u' | b'@') && is_string(at));
        let quote = skip(at, 3, b"\\");
        let mut start = quote;
        let mut closing = None;
        if matches!(self.at(quote), b'"' | b'\'' | b'`') {
            start += 1;
            closing = self.closing(start, self.at(quote), quote > at);
        }
        for scheme in [
            &b"bearer "[..],
            b"basic ",
            b"token ",
            b"apikey ",
            b"api-key ",
        ] {
            let begins = bytes.get(start..start + scheme.len());
            if begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme)) {
                start += scheme.len();
            }
        }
        let end = match closing {
            Some(end) => end,
            None => self.unquoted_end(start),
        };
        let length = end.saturating_sub(start);
        (SHORTEST_VALUE..=LONGEST_VALUE)
            .contains(&length)
            .then_some(Value {
                range: start..end,
                is_quoted: closing.is_some(),
            })
    }

    /// Where the quotes of a value close, on the same line and not too far. A backslash before the
    /// opening quote stands before the closing one too.
    pub(super) fn closing(&self, start: usize, quote: u8, is_escaped: bool) -> Option<usize> {
        let rest = &self.bytes[start..self.bytes.len().min(start + LONGEST_VALUE)];
        let mut at = 0;
        while at < rest.len() {
            match rest[at] {
                b'\n' => return None,
                b'\\' if is_escaped && rest.get(at + 1) == Some(&quote) => return Some(start + at),
                b'\\' if !is_escaped => at += 1,
                byte if byte == quote => return Some(start + at),
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Where a value without quotes ends: before the next parameter, or with its characters. Each run of
    /// them is measured once, however many signs are in it.
    fn unquoted_end(&mut self, start: usize) -> usize {
        let bytes = self.bytes;
        if start >= self.value_end {
            let in_value = |byte: u8| VALUE.contains(byte) || byte >= 0x80;
            self.value_end = start + self.run(start, usize::MAX, in_value);
            // What ends a sentence or a statement is not the value's.
            let length = self.value_end - start;
            self.value_trimmed = self.skip_back(self.value_end, length, b".,;:?");
        }
        let end = self.value_trimmed.max(start);
        let near = &bytes[start..end.min(start + SAMPLE)];
        let separator = |at: &usize| {
            matches!(near[*at], b'&' | b';') && {
                let in_name = |byte: u8| is_alnum(byte) || b"_-. ".contains(&byte);
                let name = self.run(start + at + 1, LONGEST_NAME, in_name);
                name > 0 && self.at(start + at + 1 + name) == b'='
            }
        };
        (0..near.len()).find(separator).map_or(end, |at| start + at)
    }

    /// A name, a path or a call of a program, and no value.
    fn is_expression(&self, start: usize, end: usize, word: Word) -> bool {
        let value = &self.bytes[start..end];
        let is_name = |part: &[u8]| {
            part.first()
                .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
                && part.iter().all(|byte| is_alnum(*byte) || *byte == b'_')
        };
        let is_path = value.contains(&b'.') && value.split(|byte| *byte == b'.').all(is_name);
        let is_plain = word != Word::Password || !value.iter().any(u8::is_ascii_digit);
        let is_call = matches!(self.at(end), b'(' | b'[' | b'{') && is_plain;
        is_call
            || is_path
            || value.first() == Some(&b'/')
            || value.starts_with(b"arn:")
            || value[..value.len().min(SAMPLE)]
                .windows(3)
                .any(|three| three == b"://")
    }

    /// The password of a line of `.pgpass`, whose first colon is here: `host:port:database:user:password`.
    fn password_file(&self, colon: usize) -> Option<Range<usize>> {
        let begins = self.bytes[colon] == b':' && matches!(self.at(colon + 1), b'0'..=b'9' | b'*');
        let in_part = |byte: u8| (b'!'..0x7f).contains(&byte) && !b":\"'`\\,;".contains(&byte);
        if !begins || self.run_before(colon, LONGEST_NAME, in_part) == 0 {
            return None;
        }
        let mut at = colon;
        let mut part = || {
            let start = (self.at(at) == b':').then_some(at + 1)?;
            at = start + self.run(start, LONGEST_NAME, in_part);
            (start < at).then_some(start..at)
        };
        let (port, database, user, password) = (part()?, part()?, part()?, part()?);
        let goes_on = self.at(at) == b':';
        let is_any = |part: &Range<usize>| &self.bytes[part.clone()] == b"*";
        let is_name =
            |part: &Range<usize>| is_any(part) || self.at(part.start).is_ascii_alphabetic();
        let is_port = is_any(&port)
            || (4..=5).contains(&port.len()) && self.bytes[port].iter().all(u8::is_ascii_digit);
        let is_line = is_port && is_name(&database) && is_name(&user) && !goes_on;
        (is_line && Word::Password.takes(&self.bytes[password.clone()])).then_some(password)
    }

    /// Where the header of cookies ends whose colon is here, with its line or its string.
    fn cookies_end(&self, colon: usize) -> usize {
        let start = colon + 1 + self.run(colon + 1, 8, |byte| b" [\\\"'".contains(&byte));
        start
            + self.run(start, usize::MAX, |byte| {
                byte >= b' ' && !b"\"'\\".contains(&byte)
            })
    }

    pub(super) fn skip_back(&self, from: usize, most: usize, what: &[u8]) -> usize {
        from - self.run_before(from, most, |byte| what.contains(&byte))
    }

    /// The name that ends at `end`.
    pub(super) fn name_before(&self, end: usize) -> &'t [u8] {
        let in_name = |byte: u8| is_alnum(byte) || byte >= 0x80 || b"_.-".contains(&byte);
        &self.bytes[end - self.run_before(end, LONGEST_NAME, in_name)..end]
    }
}

/// Parameters that sign a URL: whoever has it has what they stand for.
const SIGNATURES: &str =
    "sig|signature|x-amz-signature|x-goog-signature|x-oss-signature|x-cos-signature|hmac|sign";
/// Cookies of frameworks that name a session.
const SESSION_COOKIES: &str = "jsessionid|phpsessid|asp.net_sessionid|connect.sid|laravel_session";
/// What stands in `Set-Cookie` beside the cookie.
const COOKIE_ATTRIBUTES: &str = "expires|max-age|domain|path|samesite|version";

/// Whether a header or a variable of this name holds cookies.
fn is_cookies(name: &[u8]) -> bool {
    [
        "cookie",
        "set-cookie",
        "set-cookie2",
        "document.cookie",
        "cookies",
    ]
    .iter()
    .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// A key as some servers make it, or a login in base64, under a name that leaves no doubt: anything else under it
/// would be a UUID or a word.
fn is_credential(name: &[u8], value: &[u8]) -> bool {
    let ends = |known: &str| {
        let at = name.len().saturating_sub(known.len());
        name[at..].eq_ignore_ascii_case(known.as_bytes())
    };
    let names = [
        "authorization",
        "apikey",
        "api-key",
        "api_key",
        "x-auth-token",
        "access-key",
    ];
    let is_login = || {
        let length = value
            .iter()
            .take_while(|byte| BASE64_PAD.contains(**byte))
            .count();
        let login = &value[..length.min(SAMPLE)];
        let decoded = BASE64.decode(login).or_else(|_| BASE64_NOPAD.decode(login));
        decoded.is_ok_and(|login| login.contains(&b':') && login.is_ascii())
    };
    names.iter().any(|known| ends(known)) && is_uuid(value) || ends("authorization") && is_login()
}

/// `PGPASSWORD=letmein`: a variable holds nothing but the password, in whatever letters.
fn is_in_environment(name: &[u8], operator: &[u8], value: &[u8]) -> bool {
    let is_variable =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let words = ["PASSWORD", "PASSWD", "_PWD", "_PASS", "MYSQL_PWD"];
    words.iter().any(|word| name.ends_with(word.as_bytes()))
        && operator.first() == Some(&b'=')
        && name.iter().all(is_variable)
        && value.iter().all(u8::is_ascii_alphabetic)
        && value.iter().any(u8::is_ascii_lowercase)
        && ![
            "password", "required", "optional", "disabled", "enabled", "secret", "string",
            "prompt", "hidden", "redacted",
        ]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

struct Value {
    range: Range<usize>,
    is_quoted: bool,
}

static NAMES: Words = Words::new(|| words(SERVICES.iter().map(|service| service.keyword)));

/// The rule for a value of this form whose name names a service.
fn service(name: &[u8], value: &[u8]) -> Option<RuleId> {
    NAMES.find_overlapping_iter(name).find_map(|found| {
        let number = found.pattern().as_usize();
        let service = &SERVICES[number];
        let length = usize::from(service.least)..=usize::from(service.greatest);
        let fits = length.contains(&value.len())
            && value.iter().all(|byte| service.class.contains(*byte))
            && (service.entropy == 0.0 || entropy(value) >= service.entropy)
            && is_word(name, found.start(), found.end());
        fits.then(|| super::SERVICE + number as RuleId)
    })
}

/// Whether a word of a name is one, and not the end of a longer word or split over two: `okTable`,
/// `jetSystem`.
fn is_word(name: &[u8], start: usize, end: usize) -> bool {
    let begins_hump =
        |before: u8, first: u8| before.is_ascii_lowercase() && first.is_ascii_uppercase();
    let begins = start == 0
        || !name[start - 1].is_ascii_alphabetic()
        || begins_hump(name[start - 1], name[start]);
    begins
        && !name[start..end]
            .windows(2)
            .any(|pair| begins_hump(pair[0], pair[1]))
}
