//! Words in names that say that a value is a secret, and which values they take for one.

use crate::detect::bytes::{entropy, is_alnum};
use crate::words::{Words, words};

/// How much of a value is looked at to judge it.
pub(super) const SAMPLE: usize = 256;
pub(super) const LONGEST_NAME: usize = 48;
const SHORTEST_PASSWORD: usize = 6;

/// A word in a name that says that its value is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// `password`: people choose them.
    Password,
    /// `secret`, `token`, `api_key`: machines make them.
    Secret,
    /// `key`: of a lock or of a table.
    Key,
}

/// Words as they stand in names without `_`, `-` and `.`.
const WORDS: [(Word, &str); 3] = [
    (
        Word::Password,
        "password|passwd|passphrase|passwort|kennwort|wachtwoord|contraseña|motdepasse|hasło|senha|пароль|\
         密码|パスワード|pwd|dbpass|userpass|storepass|keypass|passin|passout|bindpw|rootpw|passcode|pass",
    ),
    (
        Word::Secret,
        "secret|token|apikey|accesskey|authkey|privatekey|encryptionkey|signingkey|masterkey|licensekey|\
         clientkey|accountkey|sharedkey|secretkey|appkey|consumerkey|credential|authorization|bearer|密钥",
    ),
    (Word::Key, "key"),
];
pub(super) static IN_NAMES: Words =
    Words::new(|| words(WORDS.iter().flat_map(|(_, list)| list.split('|'))));

/// What a name ends with that is about a secret and none itself.
const HARMLESS: &str = "name|url|uri|file|filename|path|dir|count|counts|length|len|size|type|types|ttl|\
    expires|expiry|expiration|expiresat|expiresin|limit|usage|policy|regex|pattern|hint|field|label|format|\
    version|stdin";

impl Word {
    /// What a name says: `token_count` counts tokens, a `public_key` is for all.
    pub(super) fn of(name: &[u8]) -> Option<Word> {
        let mut folded = [0; LONGEST_NAME];
        let letters = name.iter().filter(|byte| !b"_-. ".contains(byte));
        let length = letters
            .zip(&mut folded)
            .map(|(letter, folded)| *folded = letter.to_ascii_lowercase())
            .count();
        let folded = &folded[..length];
        // The last word and, of those that end there, the longest.
        let last = IN_NAMES
            .find_overlapping_iter(folded)
            .max_by_key(|word| (word.end(), word.len()))?;
        let (text, rest) = (&folded[last.range()], &folded[last.end()..]);
        let holds = |list: &str| list.split('|').any(|word| word.as_bytes() == text);
        let (word, _) = WORDS.iter().find(|(_, list)| holds(list))?;
        // Short words are parts of others: `compass`, `monkey`.
        let is_whole = || {
            let begin = name.len() - text.len().min(name.len());
            let begins = begin == 0
                || !name[begin - 1].is_ascii_alphabetic()
                || name[begin].is_ascii_uppercase();
            rest.is_empty() && begins
        };
        let is_harmless = HARMLESS
            .split('|')
            .any(|tail| rest.ends_with(tail.as_bytes()))
            || memchr::memmem::find(folded, b"public").is_some();
        let is_word = !matches!(text, b"pass" | b"key") || is_whole();
        (is_word && !is_harmless).then_some(*word)
    }

    /// Whether this is likely to be such a value.
    pub(super) fn takes(self, value: &[u8]) -> bool {
        let length = value.len();
        let value = &value[..length.min(SAMPLE)];
        let count = |class: fn(&u8) -> bool| value.iter().filter(|byte| class(byte)).count();
        let has_letters = count(u8::is_ascii_alphabetic) > 0;
        let has_symbols = count(|byte| !is_alnum(*byte) && !b"_-. ".contains(byte)) > 0;
        let (digits, spaces) = (count(u8::is_ascii_digit), count(|byte| *byte == b' '));
        let is_time = value.len() >= 19 && (value[4], value[7], value[13]) == (b'-', b'-', b':');
        let is_made = || has_letters && spaces == 0 && !is_uuid(value) && !is_time;
        let is_hex = || value.iter().all(u8::is_ascii_hexdigit);
        let is_path = || value.contains(&b'/') || count(|byte| *byte == b':') > 1;
        let (is_likely, least_entropy) = match self {
            Word::Password => {
                let is_chosen = has_letters && (digits > 0 || has_symbols) && spaces <= 3;
                let is_long = length >= SHORTEST_PASSWORD && (digits > 0 || length >= 8);
                (is_long && is_chosen && !names_algorithm(value), 2.25)
            }
            Word::Secret => (length >= 10 && digits > 0 && is_made(), 3.0),
            Word::Key => {
                let is_random = length >= 20 && digits > 2 && !is_hex() && !is_path();
                (is_random && is_made(), 3.5)
            }
        };
        is_likely && entropy(value) >= least_entropy
    }
}

/// Whether a field of this name says that its value is a secret.
pub(crate) fn says_secret(name: &str) -> bool {
    Word::of(name.as_bytes()).is_some_and(|word| word != Word::Key)
}

/// `sha256`, `base64-encoded`: how a password is kept, and none.
pub(super) fn names_algorithm(value: &[u8]) -> bool {
    const NAMES: &str = "sha|sha-|md|aes|aes-|base|bcrypt|scrypt|argon|pbkdf|rsa|rsa-|utf|utf-|iso-|oauth|ed|hmac|hmac-sha|totp|\
        http|tls|ssl|ipv|ntlm|pkcs|x|v|type|level|step|field|page|line";
    let head = value
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-')
        .count();
    let digits = value[head..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let rest = &value[head + digits..];
    let mut names = NAMES.split('|');
    digits > 0
        && (rest.len() <= 2 || !is_alnum(rest[0]))
        && names.any(|name| value[..head].eq_ignore_ascii_case(name.as_bytes()))
}

/// 8-4-4-4-12 hex digits: an id.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
