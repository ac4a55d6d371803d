//! The ids of a record: which there are, what becomes of each, and which rules cannot apply.

use std::borrow::Cow;

use super::{FieldPolicy, IdentifierPolicy, Rules};
use crate::Entity;
use crate::canonical::canonical;
use crate::error::{Error, InvalidRule, Result};
use crate::ids::IDS;
use crate::key::Keys;

/// Records are put together by these: two values must not become one.
const GROUPING: [&str; 2] = ["conversation_id", "turn_id"];

/// What stands in the place of a value that a rule withholds.
pub const WITHHELD_BY_RULE: &str = "[withheld]";

/// An id that is not kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRule {
    id: u8,
    is_tagged: bool,
}

impl IdRule {
    /// Whether the id stands in the record as its tag. If not, it is left out.
    pub fn is_tagged(self) -> bool {
        self.is_tagged
    }

    /// What stands for a value of the id.
    pub(crate) fn replace(self, value: &str, keys: Option<&Keys>) -> Cow<'static, str> {
        let (name, kind) = IDS[usize::from(self.id)];
        match (self.is_tagged, keys) {
            (false, _) => Cow::Borrowed(WITHHELD_BY_RULE),
            (true, None) => Cow::Owned(format!("[{kind}]")),
            (true, Some(keys)) => {
                let value = match name {
                    "user_ip" => Cow::Owned(canonical(Entity::Ip, value)),
                    _ => Cow::Borrowed(value),
                };
                let tag = keys.tag(kind, value.as_bytes());
                Cow::Owned(format!("[{kind}:{}:{tag}]", keys.current()))
            }
        }
    }
}

pub(super) fn is_id(name: &str) -> bool {
    IDS.iter().any(|(id, _)| *id == name)
}

impl Rules {
    /// What becomes of an id. `None`: it is kept, or the name is none of an id.
    pub(crate) fn id_rule(&self, name: &str) -> Option<IdRule> {
        let id = IDS.iter().position(|(id, _)| *id == name)?;
        let policy = self.ids.get(name).copied().unwrap_or(match name {
            // Whoever has the id of a session may have the session.
            "session_id" => IdentifierPolicy::Tag,
            _ => IdentifierPolicy::Keep,
        });
        (policy != IdentifierPolicy::Keep).then_some(IdRule {
            id: id as u8,
            is_tagged: policy == IdentifierPolicy::Tag,
        })
    }

    /// Whether each rule can apply. Opening a trail asks this.
    ///
    /// # Errors
    ///
    /// A rule names no id, or a field that is no text (`is_fixed` knows the names of the record); a policy does not
    /// suit; or an id cannot be tagged because there are no keys.
    #[doc(hidden)]
    pub fn check(&self, has_keys: bool, is_fixed: impl Fn(&str) -> bool) -> Result<()> {
        let mut found: Option<(&str, &str, InvalidRule)> = None;
        for (name, policy) in &self.fields {
            if is_id(name) && *policy == FieldPolicy::Redact && name != "client_request_id" {
                found = Some(("fields", name, InvalidRule::IdPolicy));
            } else if is_fixed(name) && !is_id(name) {
                found = Some(("fields", name, InvalidRule::Fixed));
            }
        }
        for (name, policy) in &self.ids {
            if !is_id(name) {
                found = Some(("ids", name, InvalidRule::NotAnId));
            } else if *policy == IdentifierPolicy::Tag
                && !has_keys
                && GROUPING.contains(&name.as_str())
            {
                found = Some(("ids", name, InvalidRule::NoKeys));
            }
        }
        for (tenant, policy) in &self.tenants {
            if tenant.is_empty() {
                found = Some(("tenants", "tenants", InvalidRule::EmptyTenant));
            } else if *policy == FieldPolicy::Keep {
                found = Some(("tenants", tenant, InvalidRule::TenantPolicy));
            } else if self.ids.get("tenant_id") == Some(&IdentifierPolicy::Withhold) {
                found = Some(("tenants", tenant, InvalidRule::TenantWithheld));
            }
        }
        for kind in self.replacements.keys() {
            if Entity::of(kind).is_none() && self.rules.iter().all(|rule| rule.name != *kind) {
                found = Some(("replacements", kind, InvalidRule::UnknownKind));
            }
        }
        let Some((table, name, reason)) = found else {
            return Ok(());
        };
        let error = Error::rule(name, reason);
        Err(match self.positions.get(&(table, name.to_owned())) {
            Some(position) => error.at(position.clone()),
            None => error,
        })
    }
}
