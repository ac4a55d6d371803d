//! Rules as a TOML file says them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Entity, FieldPolicy, IdentifierPolicy, National, Replacement, Rule, Rules, check_name,
};
use crate::redact::detect::bytes::{luhn, mod97};
use crate::redact::error::{Error, InvalidRule, Position, Result};

/// The file, word for word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    replacement: Option<Spanned<String>>,
    #[serde(default)]
    off: Vec<Spanned<String>>,
    #[serde(default)]
    national: Vec<Spanned<String>>,
    #[serde(default)]
    allow: Vec<String>,
    user_id: Option<Spanned<String>>,
    user_ip: Option<Spanned<String>>,
    #[serde(default)]
    replacements: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    fields: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    rule: Vec<WrittenRule>,
    #[serde(default)]
    deny: Vec<WrittenDeny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: Spanned<String>,
    regex: Spanned<String>,
    validator: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDeny {
    name: Spanned<String>,
    words: Vec<String>,
}

const REPLACEMENTS: [(&str, Replacement); 4] = [
    ("tag", Replacement::Tag),
    ("type", Replacement::Type),
    ("mask", Replacement::Mask),
    ("remove", Replacement::Remove),
];
const IDENTIFIERS: [(&str, IdentifierPolicy); 3] = [
    ("keep", IdentifierPolicy::Keep),
    ("tag", IdentifierPolicy::Tag),
    ("drop", IdentifierPolicy::Drop),
];
type Check = fn(&str) -> bool;
const VALIDATORS: [(&str, Check); 2] = [
    ("luhn", |value| luhn(value.as_bytes())),
    ("mod97", |value| mod97(value.as_bytes())),
];
const FIELD_POLICIES: [(&str, FieldPolicy); 3] = [
    ("redact", FieldPolicy::Redact),
    ("keep", FieldPolicy::Keep),
    ("withhold", FieldPolicy::Withhold),
];

/// Reads the text of a file of rules.
pub(super) fn parse(text: &str, path: &Path) -> Result<Rules> {
    let source = Source { text, path };
    let written: Written = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let reason = InvalidRule::Syntax(error.message().to_owned());
        Error::rule("file", reason).at(source.position(at))
    })?;
    source.rules(written)
}

struct Source<'t> {
    text: &'t str,
    path: &'t Path,
}

impl Source<'_> {
    fn rules(&self, written: Written) -> Result<Rules> {
        let mut rules = Rules {
            default_replacement: self.word_or_default(
                "replacement",
                &written.replacement,
                &REPLACEMENTS,
            )?,
            allowed: written.allow,
            user_id: self.word_or_default("user_id", &written.user_id, &IDENTIFIERS)?,
            user_ip: self.word_or_default("user_ip", &written.user_ip, &IDENTIFIERS)?,
            ..Rules::new()
        };
        let entities: Vec<_> = Entity::ALL.iter().map(|e| (e.as_str(), *e)).collect();
        for word in &written.off {
            rules.off.insert(self.word("off", word, &entities)?);
        }
        let national: Vec<_> = National::ALL.iter().map(|n| (n.as_str(), *n)).collect();
        for word in &written.national {
            rules = rules.national([self.word("national", word, &national)?]);
        }
        for rule in &written.rule {
            rules = rules.rule(self.rule(rule)?);
        }
        for deny in written.deny {
            let rule = Rule::of_words(deny.name.as_ref(), deny.words);
            rules = rules.rule(rule.map_err(|error| self.at(&deny.name, error))?);
        }
        for (field, word) in written.fields {
            let policy = self.word("fields", &word, &FIELD_POLICIES)?;
            rules.fields.insert(field, policy);
        }
        for (kind, word) in written.replacements {
            let replacement = self.word("replacements", &word, &REPLACEMENTS)?;
            if Entity::of(&kind).is_none() && rules.rules.iter().all(|rule| rule.name != kind) {
                return Err(self.at(&word, Error::rule(&kind, InvalidRule::UnknownKind)));
            }
            rules.replacements.insert(kind, replacement);
        }
        Ok(rules)
    }

    fn rule(&self, written: &WrittenRule) -> Result<Rule> {
        let name = written.name.as_ref();
        check_name(name).map_err(|error| self.at(&written.name, error))?;
        let rule = Rule::new(name, written.regex.as_ref())
            .map_err(|error| self.at(&written.regex, error))?;
        let Some(validator) = &written.validator else {
            return Ok(rule);
        };
        Ok(rule.validator(self.word("validator", validator, &VALIDATORS)?))
    }

    fn word_or_default<T: Copy + Default>(
        &self,
        key: &str,
        word: &Option<Spanned<String>>,
        words: &[(&'static str, T)],
    ) -> Result<T> {
        let word = word.as_ref().map(|word| self.word(key, word, words));
        word.unwrap_or_else(|| Ok(T::default()))
    }

    /// The meaning of a word of a few.
    fn word<T: Copy>(
        &self,
        key: &str,
        word: &Spanned<String>,
        words: &[(&'static str, T)],
    ) -> Result<T> {
        let said = word.as_ref();
        let known = words
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(said));
        known.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let reason = InvalidRule::Word {
                word: said.clone(),
                known: words.iter().map(|(known, _)| *known).collect(),
            };
            self.at(word, Error::rule(key, reason))
        })
    }

    /// An error with the line of what it is about.
    fn at(&self, said: &Spanned<String>, error: Error) -> Error {
        error.at(self.position(said.span().start))
    }

    fn position(&self, byte: usize) -> Position {
        let before = &self.text.as_bytes()[..byte.min(self.text.len())];
        Position {
            file: self.path.to_owned(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64,
            byte: byte as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    fn read(text: &str) -> Result<Rules> {
        parse(text, Path::new("rules.toml"))
    }

    #[test]
    fn everything_that_code_can_say_a_file_can_say() {
        let rules = read(
            "replacement = 'type'\noff = ['ip']\nnational = ['PL_PESEL']\nallow = ['a@b.cd']\n\
             user_id = 'drop'\nuser_ip = 'tag'\n[replacements]\nCREDIT_CARD = 'mask'\nSTAFF = 'remove'\n\
             [fields]\nnotes = 'keep'\n[[rule]]\nname = 'STAFF'\nregex = 'E-\\d+'\nvalidator = 'luhn'\n\
             [[deny]]\nname = 'CODENAME'\nwords = ['Falcon', '']",
        )
        .expect("rules");
        assert_eq!(
            (rules.user_id, rules.user_ip),
            (IdentifierPolicy::Drop, IdentifierPolicy::Tag)
        );
        assert_eq!(rules.fields["notes"], FieldPolicy::Keep);
        let redactor = Redactor::new(rules, None);
        let text = "a@b.cd c@b.cd 10.1.2.3 E-18 E-19 FALCON 44051401359 4111111111111111";
        assert_eq!(
            redactor.redact(text).text,
            "a@b.cd [EMAIL] 10.1.2.3  E-19 [CODENAME] [PL_PESEL] [CREDIT_CARD:VISA 1111]"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, says) in [
            (
                "replacement = 'tags'",
                1,
                "\"tags\" is none of tag, type, mask, remove",
            ),
            ("\noff = ['EMAIL', 'X']", 2, "\"X\" is none of PRIVATE_KEY"),
            ("unknown = 1", 1, "unknown field"),
            ("\n\n[[rule]]\nname = 'A'\nregex = '('", 5, "unclosed group"),
            (
                "[[rule]]\nname = 'email'\nregex = 'x'",
                2,
                "capital letters",
            ),
            (
                "[[rule]]\nname = 'A'\nregex = 'x'\nvalidator = 'y'",
                4,
                "none of luhn, mod97",
            ),
            ("[[deny]]\nname = 'EMAIL'\nwords = []", 2, "built-in"),
            ("[replacements]\nNOBODY = 'tag'", 2, "no kind of that name"),
            ("replacement = ", 1, "string values must be quoted"),
        ] {
            let error = read(text).expect_err(text);
            let position = error.position().unwrap_or_else(|| panic!("{error}"));
            assert_eq!(position.line, line, "{error}");
            assert!(format!("{error:?}").contains(says), "{error:?}");
        }
    }
}
