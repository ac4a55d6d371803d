//! JSON values of the application's own: each string and map key in them is a text.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Number, Value as Json};

use super::FieldWriter;
use crate::format::internal::{Key, json};
use crate::redact::internal::{FieldMode, WITHHELD_BY_RULE, path_names_value, path_segment};
use crate::write::journal::frame::{self, Name, Value};

/// JSON parsers follow values to a depth of about 128; a record's own values begin a few deep.
const DEEPEST: usize = 64;

impl FieldWriter<'_> {
    /// Adds a value under a name that may have been made at run time.
    #[inline]
    pub(crate) fn named_field(&mut self, name: &str, value: Value<'_>) {
        if may_hold_value(name) {
            let name = self.redacted_name(name);
            return self.field(&name, value);
        }
        let plan = self.plan_of(name);
        match value {
            Value::Str(text)
                if self.keeps_texts
                    && plan.key.is_none()
                    && plan.mode == FieldMode::UNNAMED
                    && !self.fingerprints.insert(plan.fingerprint) =>
            {
                frame::push_other_text(&mut self.out, name, text);
            }
            value => self.add(name, plan, value),
        }
    }

    /// A name without what must not be seen in it.
    #[cold]
    fn redacted_name(&mut self, name: &str) -> String {
        self.mode = FieldMode::UNNAMED;
        // A rule that withholds texts leaves names, and what must not be seen in them goes as ever.
        let withhold = self
            .withhold
            .take_if(|instead| *instead == WITHHELD_BY_RULE);
        let redacted = self.redacted("name", name).into_owned();
        self.withhold = self.withhold.or(withhold);
        redacted
    }

    /// Adds any JSON value, the strings and keys in it redacted. Null is no value.
    pub(crate) fn json_field(&mut self, name: &str, value: &Json) {
        match value {
            Json::Null => {}
            Json::Array(_) | Json::Object(_) => self.nested_field(name, value),
            Json::String(text) => self.named_field(name, Value::Str(text)),
            Json::Bool(truth) => self.named_field(name, Value::Bool(*truth)),
            Json::Number(number) => {
                if let Some(number) = number_of(number) {
                    self.named_field(name, number);
                }
            }
        }
    }

    fn nested_field(&mut self, name: &str, value: &Json) {
        let name = match may_hold_value(name) {
            true => Cow::Owned(self.redacted_name(name)),
            false => Cow::Borrowed(name),
        };
        let plan = self.plan_of(&name);
        self.mode = plan.mode;
        // Its name first: annotations of the texts in it name the place.
        match self.free_key(&plan) {
            Some(key) => {
                let json = self.redacted_members(key.name(), value);
                self.convert(key, plan.accepts, Value::Json(&json));
            }
            None => {
                let name = self.free_name(&name);
                let name = Name::Other(&*name);
                let json = self.redacted_members(&name.path(), value);
                self.keep(name, Value::Json(&json));
            }
        }
    }

    /// Adds the list that these make up: objects in which strings and map keys are redacted, but for ids and hashes.
    #[inline]
    pub(crate) fn elements<T>(&mut self, key: Key, of: &[T], element: impl Fn(&T) -> Option<Json>) {
        let elements: Vec<Json> = of.iter().filter_map(element).collect();
        if !elements.is_empty() {
            self.list(key, &elements);
        }
    }

    #[cold]
    fn list(&mut self, key: Key, elements: &[Json]) {
        /// What comes first, in this order.
        const FIRST: [&str; 6] = ["id", "name", "arguments", "result", "error", "kind"];
        const AS_IT_IS: [&str; 3] = ["id", "bytes", "sha256"];
        self.mode = self.names().key(key).mode;
        let mut list = Vec::new();
        for (place, element) in elements.iter().enumerate() {
            let Json::Object(members) = element else {
                continue;
            };
            list.push(if place == 0 { b'[' } else { b',' });
            let path = format!("{}/{place}", key.name());
            let first = FIRST.iter().filter_map(|name| members.get_key_value(*name));
            let others = members.iter();
            let others = others.filter(|(name, _)| !FIRST.contains(&name.as_str()));
            for (index, (name, value)) in first.chain(others).enumerate() {
                list.push(if index == 0 { b'{' } else { b',' });
                let (name, value) = match AS_IT_IS.contains(&name.as_str()) {
                    true => (name.clone(), value.clone()),
                    false => {
                        let name = match FIRST.contains(&name.as_str()) {
                            true => name.clone(),
                            false => match self.redacted_at(&path, name) {
                                redacted if redacted == *name => redacted,
                                // Several names may redact to one.
                                redacted => format!("{redacted}#{index}"),
                            },
                        };
                        let path = format!("{path}/{}", path_segment(&name));
                        let value = self.redacted_json(&path, value, 2);
                        (name, value)
                    }
                };
                json::push_string(&mut list, name);
                list.push(b':');
                json::push_value(&mut list, &value);
            }
            list.push(b'}');
        }
        list.push(b']');
        self.seen.insert(key);
        self.push(Name::Key(key), Value::Json(&list));
    }

    fn redacted_members(&mut self, path: &str, value: &Json) -> Vec<u8> {
        let redacted = self.redacted_json(path, value, 0);
        let mut text = Vec::new();
        json::push_value(&mut text, &redacted);
        text
    }

    /// `path` is where the value stands, as a JSON pointer without its first slash.
    fn redacted_json(&mut self, path: &str, value: &Json, depth: usize) -> Json {
        match value {
            Json::String(text) => Json::String(self.redacted_at(path, text)),
            Json::Array(_) | Json::Object(_) if depth == DEEPEST => {
                self.problem("a value is nested deeper than readers follow; it stands as text");
                Json::String(self.redacted_at(path, &value.to_string()))
            }
            Json::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(place, item)| {
                    self.redacted_json(&format!("{path}/{place}"), item, depth + 1)
                });
                items.collect()
            }
            Json::Object(map) => {
                let mut redacted = Map::new();
                let mut counts: HashMap<String, u32> = HashMap::new();
                for (key, value) in map {
                    let key = self.redacted_at(path, key);
                    // Several keys may redact to one; none is dropped.
                    let count = counts.entry(key.clone()).or_default();
                    *count += 1;
                    let mut name = match *count {
                        1 => key.clone(),
                        count => format!("{key}#{count}"),
                    };
                    while redacted.contains_key(&name) {
                        name.push('#');
                    }
                    let path = format!("{path}/{}", path_segment(&name));
                    let value = self.redacted_json(&path, value, depth + 1);
                    redacted.insert(name, value);
                }
                Json::Object(redacted)
            }
            Json::Number(number) => {
                let text = number.to_string();
                match text.len() >= 7 && number.is_i64() || text.len() >= 12 {
                    true => match self.redacted_at(path, &text) {
                        redacted if redacted == text => value.clone(),
                        redacted => Json::String(redacted),
                    },
                    false => value.clone(),
                }
            }
            scalar => scalar.clone(),
        }
    }

    /// A text that is nested in a field; `path` as [`redacted_json`](FieldWriter::redacted_json) has it.
    fn redacted_at(&mut self, path: &str, text: &str) -> String {
        self.mode.names_value = path_names_value(path);
        self.redacted(path, text).into_owned()
    }
}

/// Whether a name may have been made of somebody's value: it holds a digit or an `@`.
#[inline]
fn may_hold_value(name: &str) -> bool {
    /// No value that is looked for is shorter.
    const FEWEST: usize = 7;
    let is_of_value = |byte: u8| byte.is_ascii_digit() || byte == b'@';
    name.len() >= FEWEST && name.bytes().any(is_of_value)
}

/// `None`: no frame has a number of its kind.
pub(crate) fn number_of(number: &Number) -> Option<Value<'static>> {
    let count = || number.as_u64().map(Value::U64);
    let whole = || number.as_i64().map(Value::I64);
    count()
        .or_else(whole)
        .or_else(|| number.as_f64().map(Value::F64))
}
