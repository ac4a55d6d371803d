//! Rules in a TOML file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Entity, FieldPolicy, IdentifierPolicy, National, Replacement, Rule, Rules, check_name,
};
use crate::detect::bytes::{luhn, mod97};
use crate::error::{Error, InvalidRule, Position, Result};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RulesFile {
    replacement: Replacement,
    off: Vec<Entity>,
    national: Vec<National>,
    allow: Vec<String>,
    replacements: BTreeMap<String, Spanned<Replacement>>,
    fields: BTreeMap<String, Spanned<FieldPolicy>>,
    ids: BTreeMap<String, Spanned<IdentifierPolicy>>,
    tenants: BTreeMap<String, Spanned<FieldPolicy>>,
    rule: Vec<RegexRule>,
    deny: Vec<WordList>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegexRule {
    name: Spanned<String>,
    regex: Spanned<String>,
    validator: Option<Validator>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Validator {
    Luhn,
    Mod97,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordList {
    name: Spanned<String>,
    words: Vec<String>,
}

/// Parses the text of a file of rules.
pub(super) fn parse(text: &str, path: &Path) -> Result<Rules> {
    let at = |span: Range<usize>| move |error: Error| error.at(position(text, path, span.start));
    let file: RulesFile = toml::from_str(text).map_err(|error| {
        let reason = InvalidRule::Syntax(error.message().to_owned());
        at(error.span().unwrap_or_default())(Error::rule("file", reason))
    })?;
    let rules = Rules {
        default_replacement: file.replacement,
        off: file.off.into_iter().collect(),
        allowed: file.allow,
        ..Rules::new()
    };
    let mut rules = rules.national(file.national);
    for written in file.rule {
        let name = written.name.as_ref();
        check_name(name).map_err(at(written.name.span()))?;
        let rule = Rule::new(name, written.regex.as_ref());
        let rule = rule.map_err(at(written.regex.span()))?;
        rules = rules.rule(match written.validator {
            Some(Validator::Luhn) => rule.validator(|value| luhn(value.as_bytes())),
            Some(Validator::Mod97) => rule.validator(|value| mod97(value.as_bytes())),
            None => rule,
        });
    }
    for list in file.deny {
        let denied = rules.deny(list.name.as_ref(), list.words);
        rules = denied.map_err(at(list.name.span()))?;
    }
    let mut positions = BTreeMap::new();
    let mut note = |table, name: &str, span: Range<usize>| {
        positions.insert((table, name.to_owned()), position(text, path, span.start));
    };
    for (kind, replacement) in file.replacements {
        note("replacements", &kind, replacement.span());
        rules = rules.replacement(kind, replacement.into_inner());
    }
    for (name, policy) in file.fields {
        note("fields", &name, policy.span());
        rules = rules.field(name, policy.into_inner());
    }
    for (name, policy) in file.ids {
        note("ids", &name, policy.span());
        rules = rules.id(name, policy.into_inner());
    }
    for (tenant, policy) in file.tenants {
        let name = if tenant.is_empty() {
            "tenants"
        } else {
            &tenant
        };
        note("tenants", name, policy.span());
        rules = rules.tenant(tenant, policy.into_inner());
    }
    rules.positions = positions;
    // The names of a record are known where a trail is opened, and so are the keys.
    rules.check(true, |_| false)?;
    Ok(rules)
}

fn position(text: &str, path: &Path, byte: usize) -> Position {
    let before = &text.as_bytes()[..byte.min(text.len())];
    Position {
        file: path.to_owned(),
        line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64,
        byte: byte as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Redactor;

    fn read(text: &str) -> Result<Rules> {
        parse(text, Path::new("rules.toml"))
    }

    #[test]
    fn everything_that_code_can_say_a_file_can_say() {
        let rules = read(
            "replacement = 'type'\noff = ['ip']\nnational = ['PL_PESEL']\nallow = ['a@b.cd']\n\
             [ids]\nuser_id = 'withhold'\nuser_ip = 'tag'\n[tenants]\nacme = 'withhold'\n[replacements]\nCREDIT_CARD = 'mask'\nSTAFF = 'remove'\n\
             [fields]\nnotes = 'keep'\n[[rule]]\nname = 'STAFF'\nregex = 'E-\\d+'\nvalidator = 'luhn'\n\
             [[deny]]\nname = 'CODENAME'\nwords = ['Falcon', '']",
        )
        .expect("rules");
        assert_eq!(
            (rules.ids["user_id"], rules.ids["user_ip"]),
            (IdentifierPolicy::Withhold, IdentifierPolicy::Tag)
        );
        assert_eq!(rules.tenants["acme"], FieldPolicy::Withhold);
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
                "unknown variant `tags`, expected one of `tag`, `type`, `mask`, `remove`",
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
                "unknown variant `y`, expected `luhn` or `mod97`",
            ),
            ("[[deny]]\nname = 'EMAIL'\nwords = []", 2, "built-in"),
            ("[replacements]\nNOBODY = 'tag'", 2, "no kind of that name"),
            ("[ids]\nuser_ip = 'tag'\nuser = 'tag'", 3, "it is no id"),
            ("\n[fields]\nsession_id = 'redact'", 3, "not searched"),
            ("[tenants]\nacme = 'keep'", 2, "can be withheld"),
            ("[tenants]\n'' = 'withhold'", 2, "it is empty"),
            (
                "[ids]\ntenant_id = 'withhold'\n[tenants]\nacme = 'withhold'",
                4,
                "cannot be found",
            ),
            ("replacement = ", 1, "string values must be quoted"),
        ] {
            let error = read(text).expect_err(text);
            let position = error.position().unwrap_or_else(|| panic!("{error}"));
            assert_eq!(position.line, line, "{error}");
            assert!(format!("{error:?}").contains(says), "{error:?}");
        }
    }
}
