//! Secrets on command lines: what follows an option such as `--password`, or `-p` of a command whose `-p` is a
//! password.

use std::ops::Range;

use super::word::{LONGEST_NAME, Word};
use crate::Entity;
use crate::detect::Detector;
use crate::detect::bytes::is_alnum;
use crate::detect::url::is_placeholder;
use crate::words::{Words, words};

/// How far before an option its command stands.
const LONGEST_COMMAND: usize = 240;
const LONGEST_OPERAND: usize = 256;
const SHORTEST_OPERAND: usize = 4;

/// Where the operand of an option is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Next,
    /// `-pSECRET`: behind a space stands something else.
    Attached,
    Either,
    /// `-u user:password`.
    Login,
}

/// Commands, the letters of their options, and where the secret is. `login` is one of docker, podman, helm, az, oc …
const COMMANDS: &[(&str, &str, Operand)] = &[
    ("sshpass", "p", Operand::Either),
    ("login", "p", Operand::Next),
    (
        "mysql|mysqldump|mysqladmin|mysqlimport|mysqlshow|mysqlcheck|mariadb|mariadb-dump|mariadb-admin|mycli|7z|7za",
        "p",
        Operand::Attached,
    ),
    (
        "mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport|mongostat|cqlsh|rabbitmqadmin|useradd|usermod",
        "p",
        Operand::Either,
    ),
    ("redis-cli", "a", Operand::Either),
    (
        "ldapsearch|ldapmodify|ldapadd|ldapdelete|ldapwhoami|ldappasswd",
        "w",
        Operand::Either,
    ),
    ("sqlcmd|bcp|osql|zip|unzip|ipmitool", "P", Operand::Either),
    ("openssl", "k", Operand::Next),
    ("curl|wget", "uU", Operand::Login),
    ("http|https|httpie|xh", "a", Operand::Login),
];
static NAMES: Words =
    Words::new(|| words(COMMANDS.iter().flat_map(|(names, ..)| names.split('|'))));
/// Long options with a login.
const LOGINS: [&[u8]; 4] = [b"user", b"proxy-user", b"auth", b"basic"];
/// Commands whose long options take a password of any letters: what is no command may be a sentence.
const CLIENTS: &str = "sshpass|login|curl|wget|docker|podman|helm|kubectl|gcloud|aws|az|mongosh|mongodump|svn|keytool|\
    openssl|redis-cli|vault|plink|pscp|influx|clickhouse-client|ldapsearch|psql";

impl<'t> Detector<'t> {
    /// A hyphen begins a word here: an option?
    #[inline(never)]
    pub(crate) fn option(&mut self, at: usize) {
        let dashes = self.run(at, 3, |byte| byte == b'-');
        let name_start = at + dashes;
        let in_name = |byte: u8| is_alnum(byte) || b"_-.".contains(&byte);
        let length = self.run(name_start, LONGEST_NAME, in_name);
        let name = &self.bytes[name_start..name_start + length];
        if dashes > 2 || !name.first().is_some_and(u8::is_ascii_alphabetic) {
            return;
        }
        let end = name_start + length;
        if dashes == 1
            && (b"paPwkuU".contains(&name[0]) || name.len() <= 4 && name.contains(&b'b'))
            && let Some(found) = self.short_option(name_start, end, self.command_before(at))
        {
            return self.found(Entity::Secret, found.start, found.end);
        }
        let separator = self.at(end);
        if !matches!(separator, b' ' | b'\t' | b'=') || dashes == 1 && length == 1 {
            return;
        }
        let operand = self.operand(end + 1);
        if LOGINS.contains(&name)
            && self.names_command(self.command_before(at), "curl|wget|http|https|httpie|xh")
        {
            if let Some(login) = self.login(operand.clone()) {
                self.found(Entity::Secret, login.start, login.end);
            }
            return;
        }
        let is_known = name == b"pw" || name == b"oauth2-bearer";
        let Some(word) = Word::of(name).or(is_known.then_some(Word::Password)) else {
            return;
        };
        let (start, text) = self.plain(operand.clone());
        if text.is_empty() || text.starts_with(b"-") || is_reference(text) {
            return;
        }
        let is_certain = || {
            let has_sign = text.iter().any(|byte| !byte.is_ascii_alphabetic());
            text.len() >= SHORTEST_OPERAND
                && (has_sign
                    || start > operand.start
                    || self.names_command(self.command_before(at), CLIENTS))
        };
        let takes = match word {
            Word::Password => is_certain() || word.takes(text),
            _ => word.takes(text),
        };
        if takes {
            self.found(Entity::Secret, start, start + text.len());
        }
    }

    /// The secret of an option of one letter, or of several such options in one.
    fn short_option(
        &self,
        start: usize,
        end: usize,
        command: Range<usize>,
    ) -> Option<Range<usize>> {
        let letters = &self.bytes[start..end];
        if letters.contains(&b'b')
            && letters.len() <= 4
            && self.names_command(command.clone(), "htpasswd")
        {
            return self.htpasswd(start, end);
        }
        let text = &self.bytes[command.clone()];
        let names = NAMES.find_overlapping_iter(text);
        let last = names
            .filter(|name| {
                self.is_command(command.start + name.start(), command.start + name.end())
            })
            .max_by_key(|name| (name.start(), name.len()))?;
        let name = &text[last.range()];
        let is = |names: &str| {
            names
                .split('|')
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        };
        let (_, options, operand) = COMMANDS.iter().find(|(names, ..)| is(names))?;
        if !options.as_bytes().contains(&letters[0]) {
            return None;
        }
        let is_attached = self.at(start + 1) > b' ';
        let range = match (operand, is_attached) {
            (Operand::Login, _) => {
                return self.login(self.operand(start + 1 + usize::from(!is_attached)));
            }
            (Operand::Attached, false) | (Operand::Next, true) => return None,
            (_, true) => self.operand(start + 1),
            (_, false) => self.operand(start + 2),
        };
        let (start, text) = self.plain(range);
        let is_secret = !text.is_empty() && !text.starts_with(b"-") && !is_reference(text);
        is_secret.then_some(start..start + text.len())
    }

    /// The password of `htpasswd -b FILE USER PASSWORD`, or of `-nb USER PASSWORD`.
    fn htpasswd(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let mut left = if self.bytes[start..end].contains(&b'n') {
            2
        } else {
            3
        };
        let mut at = end;
        while left > 0 {
            let word = self.operand(at + 1);
            if word.is_empty() {
                return None;
            }
            left -= usize::from(self.bytes[word.start] != b'-');
            at = word.end;
            if left == 0 {
                let (start, text) = self.plain(word);
                return (!is_reference(text)).then_some(start..start + text.len());
            }
        }
        None
    }

    /// A login and its password, unless they only stand for some.
    fn login(&self, operand: Range<usize>) -> Option<Range<usize>> {
        let text = &self.bytes[operand.clone()];
        let colon = text.iter().position(|byte| *byte == b':')?;
        let is_quote = |byte: &u8| b"\"'\\".contains(byte);
        let strip = |part: &'t [u8]| {
            let start = part
                .iter()
                .position(|byte| !is_quote(byte))
                .unwrap_or(part.len());
            let end = part
                .iter()
                .rposition(|byte| !is_quote(byte))
                .map_or(start, |last| last + 1);
            &part[start..end]
        };
        let (user, password) = (
            strip(&self.bytes[operand.start..operand.start + colon]),
            strip(&self.bytes[operand.start + colon + 1..operand.end]),
        );
        let is_example =
            user.eq_ignore_ascii_case(b"username") && password.eq_ignore_ascii_case(b"password");
        // `{name}` stands for a password, `{a1b2}` may be one.
        let is_braced = password.starts_with(b"{") && password.iter().any(u8::is_ascii_digit);
        let is_login = !password.is_empty()
            && (!is_reference(password) || is_braced)
            && !is_example
            && !password.starts_with(b"//");
        let quoted = text.iter().take_while(|byte| is_quote(byte)).count();
        let closed = text
            .iter()
            .rev()
            .take(quoted)
            .take_while(|byte| is_quote(byte))
            .count();
        is_login.then(|| operand.start + closed..operand.end - closed)
    }

    /// The command that an option belongs to: back to the end of another, or of a line.
    fn command_before(&self, at: usize) -> Range<usize> {
        let from = at.saturating_sub(LONGEST_COMMAND);
        let before = &self.bytes[from..at];
        let ends = |place: &usize| match before[*place] {
            b'|' | b';' | b'&' | b'`' => true,
            b'\n' => !before[..*place].ends_with(b"\\"),
            _ => false,
        };
        let start = (0..before.len())
            .rev()
            .find(ends)
            .map_or(0, |last| last + 1);
        from + start..at
    }

    /// Whether one of the commands stands in a range.
    fn names_command(&self, range: Range<usize>, names: &str) -> bool {
        let text = &self.bytes[range.clone()];
        names.split('|').any(|name| {
            memchr::memmem::find_iter(text, name).any(|at| {
                let start = range.start + at;
                self.is_command(start, start + name.len())
            })
        })
    }

    fn is_command(&self, start: usize, end: usize) -> bool {
        let before = self.before(start);
        !is_alnum(before)
            && !b"-_.".contains(&before)
            && matches!(self.at(end), b' ' | b'\t' | b'.' | b'\\' | b'"')
    }

    /// The word of a shell that begins here, behind further spaces, with its quotes.
    pub(super) fn operand(&self, at: usize) -> Range<usize> {
        let at = at.min(self.bytes.len());
        let start = at + self.run(at, 8, |byte| b" \t".contains(&byte));
        let limit = self.bytes.len().min(start + LONGEST_OPERAND);
        let mut end = start;
        while end < limit {
            let byte = self.bytes[end];
            let is_quote = matches!(byte, b'"' | b'\'');
            let opens = end == start || matches!(self.bytes[end - 1], b':' | b'=' | b'\\' | b'p');
            if is_quote && opens {
                let is_escaped = end > start && self.bytes[end - 1] == b'\\';
                if let Some(closing) = self.closing(end + 1, byte, is_escaped)
                    && closing < limit
                {
                    end = limit.min(closing + 1 + usize::from(is_escaped));
                    continue;
                }
            }
            let opens_escaped =
                byte == b'\\' && end == start && matches!(self.at(end + 1), b'"' | b'\'');
            if byte <= b' '
                || is_quote
                || byte == b'\\' && !opens_escaped
                || matches!(byte, b'|' | b';' | b'<' | b'>' | b')' | b'`')
            {
                break;
            }
            end += 1;
        }
        // The limit may lie within a character.
        while end > start && self.bytes.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
        start..end.max(start)
    }

    /// An operand without its quotes, what openssl writes in front of a password, and what ends a sentence.
    fn plain(&self, operand: Range<usize>) -> (usize, &'t [u8]) {
        let bytes = self.bytes;
        let (mut start, mut end) = (operand.start, operand.end);
        let quoted = self.run(start, 2, |byte| b"\\\"'".contains(&byte));
        if quoted > 0 && start + quoted < end {
            start += quoted;
            end = start.max(self.skip_back(end, quoted, b"\\\"'"));
        } else {
            end = self.skip_back(end, end - start, b".,;:");
        }
        if bytes[start..end].starts_with(b"pass:") {
            start += b"pass:".len();
        }
        (start, &bytes[start..end])
    }
}

/// What stands for a secret, or says where it is: `$PASSWORD`, `env:PASSWORD`, `/run/secrets/x`.
fn is_reference(text: &[u8]) -> bool {
    let begins = [
        "$", "<", "{", "[", "%", "/", "./", "~/", "@", "env:", "file:", "fd:",
    ];
    is_placeholder(text)
        || begins
            .iter()
            .any(|begin| text.starts_with(begin.as_bytes()))
        || text == b"stdin"
        || text == b"***"
}
