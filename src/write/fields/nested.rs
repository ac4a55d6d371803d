//! JSON values of the application's own: each string and map key in them is a text.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::FieldWriter;
use crate::redact::{Manner, path_names_value};
use crate::trail::json;
use crate::write::frame::{Name, Value};
use crate::write::meaning::Meaning;

/// JSON parsers follow values to a depth of about 128; a record's own values begin a few deep.
const DEEPEST: usize = 64;

impl FieldWriter<'_> {
    /// Adds a text under a name that may have been made at run time.
    pub(in crate::write) fn text_field(&mut self, name: &str, text: &str) {
        let made = self.made_name(name);
        self.field(made.as_deref().unwrap_or(name), Value::Str(text));
    }

    /// A name without what must not be seen, where it is one that may be somebody's.
    fn made_name(&mut self, name: &str) -> Option<String> {
        let is_made = |byte: u8| byte.is_ascii_digit() || byte == b'@';
        (name.len() > 6 && name.bytes().any(is_made)).then(|| {
            self.manner = Manner::UNNAMED;
            self.redacted("name", name)
        })
    }

    /// Adds any JSON value, the strings and keys in it redacted. Null is no value.
    pub(in crate::write) fn json_field(&mut self, name: &str, value: &Json) {
        let made = self.made_name(name);
        let name = made.as_deref().unwrap_or(name);
        match value {
            Json::Null => {}
            Json::String(text) => self.field(name, Value::Str(text)),
            Json::Bool(truth) => self.field(name, Value::Bool(*truth)),
            Json::Number(number) => {
                let value = number
                    .as_u64()
                    .map(Value::U64)
                    .or_else(|| number.as_i64().map(Value::I64))
                    .or_else(|| number.as_f64().map(Value::F64));
                if let Some(value) = value {
                    self.field(name, value);
                }
            }
            Json::Array(_) | Json::Object(_) => {
                let meaning = Meaning::of(name, self.redactors);
                self.manner = meaning.manner;
                // Its name first: what is told of the texts in it says where they stand.
                match self.free_key(&meaning) {
                    Some(key) => {
                        let json = self.redacted_members(key.name(), value);
                        self.known(key, Value::Json(&json));
                    }
                    None => {
                        let name = self.beside(name, &meaning);
                        let json = self.redacted_members(&name, value);
                        self.keep(Name::Other(&name), Value::Json(&json));
                    }
                }
            }
        }
    }

    fn redacted_members(&mut self, name: &str, value: &Json) -> Vec<u8> {
        let redacted = self.redacted_json(name, value, 0);
        let mut text = Vec::new();
        json::push_value(&mut text, &redacted);
        text
    }

    /// `path` is where the value stands: the field, and the keys and places in it, with `/` between.
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
                    let value = self.redacted_json(&format!("{path}/{name}"), value, depth + 1);
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
        self.manner.names_value = path_names_value(path);
        self.redacted(path, text)
    }
}
