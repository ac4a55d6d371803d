//! How JSON objects with known keys are read: straight into their structs, with a place for everything else.
//!
//! A known key whose value has the wrong type is kept in `other`, as an unknown one is. A key that occurs twice is an
//! error: two readers could take different values for it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;
use serde_json::{Map, Value};

use super::{Decision, EventType, Outcome, Phase};

/// Declares a struct, how it is written (its fields in their order, without those that are absent), and how it is
/// read. What is `required` comes with what is said if it is missing; `other` holds all other keys, and `last` follows
/// them.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident
        $(required { $($(#[$required_meta:meta])* $required:ident: $required_type:ty, $why:literal;)* })?
        { $($(#[$field_meta:meta])* $field:ident $key:literal: $type:ty;)* }
        $(last { $($(#[$last_meta:meta])* $last:ident $last_key:literal: $last_type:ty;)* })?
    ) => {
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        $(#[$meta])*
        pub struct $name {
            $($($(#[$required_meta])* pub $required: $required_type,)*)?
            $(
                $(#[$field_meta])*
                #[serde(rename = $key, skip_serializing_if = "crate::record::object::Field::is_absent")]
                pub $field: $type,
            )*
            /// All other keys under their names, and any of these whose value has another type.
            #[serde(flatten)]
            pub other: serde_json::Map<String, serde_json::Value>,
            $($(
                $(#[$last_meta])*
                #[serde(rename = $last_key, skip_serializing_if = "crate::record::object::Field::is_absent")]
                pub $last: $last_type,
            )*)?
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let members = crate::record::object::Members(std::marker::PhantomData);
                from.deserialize_map(members)
            }
        }

        impl crate::record::object::Object for $name {
            fn read<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<$name, A::Error> {
                use crate::record::object::{read_member, read_other};

                #[expect(non_camel_case_types, reason = "the variants are named after the fields")]
                #[derive(serde::Deserialize)]
                #[serde(field_identifier)]
                enum Name {
                    $($($required,)*)?
                    $(#[serde(rename = $key)] $field,)*
                    $($(#[serde(rename = $last_key)] $last,)*)?
                    Other(String),
                }
                $($(let mut $required: Option<$required_type> = None;)*)?
                $(let mut $field: Option<$type> = None;)*
                $($(let mut $last: Option<$last_type> = None;)*)?
                let mut other = serde_json::Map::new();
                while let Some(key) = map.next_key()? {
                    match key {
                        $($(Name::$required => {
                            read_member(&mut map, stringify!($required), &mut $required, &mut other)?;
                        })*)?
                        $(Name::$field => read_member(&mut map, $key, &mut $field, &mut other)?,)*
                        $($(Name::$last => read_member(&mut map, $last_key, &mut $last, &mut other)?,)*)?
                        Name::Other(key) => read_other(&mut map, key, &mut other)?,
                    }
                }
                Ok($name {
                    $($($required: $required.ok_or_else(|| serde::de::Error::custom($why))?,)*)?
                    $($field: $field.unwrap_or_default(),)*
                    other,
                    $($($last: $last.unwrap_or_default(),)*)?
                })
            }
        }
    };
}
pub(super) use object;

/// Declares an enum of words, as they are written.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$word_meta:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$word_meta])* $variant),* }

        impl $name {
            /// The word, as the trail writes it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            pub(crate) fn parse(word: impl AsRef<[u8]>) -> Option<$name> {
                [$(($word, $name::$variant)),*]
                    .into_iter()
                    .find_map(|(known, value)| (known.as_bytes() == word.as_ref()).then_some(value))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(super) use words;

/// An object with known keys.
pub(crate) trait Object: Serialize + Sized {
    fn read<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

/// What the value of a known key may be.
pub(crate) trait Field: Sized {
    /// Takes a value, or gives one of another type back.
    fn take(value: Value) -> Result<Self, Value>;

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        map.next_value().map(Self::take)
    }

    /// Whether its key is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

const TWICE: &str = "a key occurs twice";

pub(super) fn read_member<'de, A: MapAccess<'de>, T: Field>(
    map: &mut A,
    name: &'static str,
    field: &mut Option<T>,
    other: &mut Map<String, Value>,
) -> Result<(), A::Error> {
    if field.is_some() || other.contains_key(name) {
        return Err(A::Error::custom(TWICE));
    }
    match T::read(map)? {
        Ok(value) => *field = Some(value),
        Err(value) => {
            other.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

pub(super) fn read_other<'de, A: MapAccess<'de>>(
    map: &mut A,
    name: String,
    other: &mut Map<String, Value>,
) -> Result<(), A::Error> {
    match other.insert(name, map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom(TWICE)),
    }
}

impl<T: Field> Field for Option<T> {
    fn take(value: Value) -> Result<Self, Value> {
        T::take(value).map(Some)
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        Ok(T::read(map)?.map(Some))
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Field for String {
    fn take(value: Value) -> Result<Self, Value> {
        match value {
            Value::String(text) => Ok(text),
            value => Err(value),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for Decision {
    fn take(value: Value) -> Result<Self, Value> {
        String::take(value).map(Decision::from)
    }

    fn is_absent(&self) -> bool {
        self.as_str().is_empty()
    }
}

macro_rules! scalars {
    ($($type:ty: |$value:ident| $read:expr;)*) => {
        $(impl Field for $type {
            fn take($value: Value) -> Result<Self, Value> {
                $read.ok_or($value)
            }
        })*
    };
}

scalars! {
    u64: |value| value.as_u64();
    usize: |value| value.as_u64().and_then(|number| number.try_into().ok());
    f64: |value| value.as_f64();
    Phase: |value| value.as_str().and_then(Phase::parse);
    Outcome: |value| value.as_str().and_then(Outcome::parse);
    EventType: |value| value.as_str().map(EventType::from);
    DateTime<Utc>: |value| value.as_str().and_then(|text| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()));
    Value: |value| Some(value.clone());
}

impl Field for Vec<String> {
    fn take(value: Value) -> Result<Self, Value> {
        match Vec::deserialize(&value) {
            Ok(texts) => Ok(texts),
            Err(_) => Err(value),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for BTreeMap<String, u64> {
    fn take(value: Value) -> Result<Self, Value> {
        match BTreeMap::deserialize(&value) {
            Ok(counts) => Ok(counts),
            Err(_) => Err(value),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Object> Field for Vec<T> {
    fn take(value: Value) -> Result<Self, Value> {
        Err(value)
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        Ok(map.next_value::<List<T>>()?.0)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// A list of objects, or whatever else came.
struct List<T>(Result<Vec<T>, Value>);

/// An element of a list of objects.
struct Element<T>(Result<T, Value>);

struct Any<T>(PhantomData<T>);

pub(super) struct Members<T>(pub(super) PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(map)
    }
}

macro_rules! other_values {
    ($type:ident $wrapper:ident: $($method:ident($value:ty))*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON value")
        }

        $(fn $method<E: Error>(self, value: $value) -> Result<$wrapper<$type>, E> {
            Ok($wrapper(Err(value.into())))
        })*

        fn visit_unit<E: Error>(self) -> Result<$wrapper<$type>, E> {
            Ok($wrapper(Err(Value::Null)))
        }
    };
}

impl<'de, T: Object> Visitor<'de> for Any<Element<T>> {
    type Value = Element<T>;

    other_values!(T Element: visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str));

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Element<T>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(|value| Element(Err(value)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element<T>, A::Error> {
        T::read(map).map(|object| Element(Ok(object)))
    }
}

impl<'de, T: Object> Visitor<'de> for Any<List<T>> {
    type Value = List<T>;

    other_values!(T List: visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str));

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut objects = Vec::new();
        while let Some(Element(element)) = seq.next_element()? {
            let value = match element {
                Ok(object) => {
                    objects.push(object);
                    continue;
                }
                Err(value) => value,
            };
            // Not a list of objects: it is kept as it is.
            let mut values = Vec::new();
            for object in objects {
                values.push(serde_json::to_value(object).map_err(A::Error::custom)?);
            }
            values.push(value);
            while let Some(value) = seq.next_element()? {
                values.push(value);
            }
            return Ok(List(Err(Value::Array(values))));
        }
        Ok(List(Ok(objects)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<T>, A::Error> {
        let mut object = Map::new();
        while let Some(name) = map.next_key()? {
            read_other(&mut map, name, &mut object)?;
        }
        Ok(List(Err(Value::Object(object))))
    }
}

impl<'de, T: Object> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any(PhantomData::<Element<T>>))
    }
}

impl<'de, T: Object> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any(PhantomData::<List<T>>))
    }
}
