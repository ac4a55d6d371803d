//! How JSON objects with known keys are read: straight into their structs, with a place for everything else.
//!
//! A known key whose value has the wrong type is kept in `other`, as an unknown one is. A key that occurs twice is an
//! error: two readers could take different values for it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::Serialize;
use serde_json::{Map, Value};

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

            /// The one that a word names, as the trail writes it.
            #[doc(hidden)]
            pub fn parse(word: impl AsRef<[u8]>) -> Option<$name> {
                [$(($word, $name::$variant)),*]
                    .into_iter()
                    .find_map(|(known, value)| (known.as_bytes() == word.as_ref()).then_some(value))
            }
        }

        impl crate::record::object::Field for $name {
            fn take(value: serde_json::Value) -> Result<Self, serde_json::Value> {
                value.as_str().and_then($name::parse).ok_or(value)
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

/// Declares an enum of words of which an application may have others: how it is read, written and compared.
macro_rules! open_words {
    (
        $(#[$meta:meta])* $name:ident
        { $($(#[$word_meta:meta])* $variant:ident $word:literal,)* }
        $(#[$other_meta:meta])* other, compared by $is_word:path
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name { $($(#[$word_meta])* $variant,)* $(#[$other_meta])* Other(String) }

        impl $name {
            /// The word, as it stands in the line.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)*
                    $name::Other(word) => word,
                }
            }

            /// The one that a word names, if it is a known one.
            #[doc(hidden)]
            #[inline]
            pub fn known(word: &str) -> Option<&'static $name> {
                static KNOWN: &[$name] = &[$($name::$variant),*];
                KNOWN.iter().find(|known| $is_word(known.as_str(), word))
            }
        }

        impl crate::record::object::Field for $name {
            fn take(value: serde_json::Value) -> Result<Self, serde_json::Value> {
                String::take(value).map($name::from)
            }

            fn is_absent(&self) -> bool {
                self.as_str().is_empty()
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $name::known(word).cloned().unwrap_or_else(|| $name::Other(word.to_owned()))
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                $name::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(super) use open_words;

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
    bool: |value| value.as_bool();
    DateTime<Utc>: |value| value.as_str().and_then(|text| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()));
    Value: |value| Some(value.clone());
}

macro_rules! collections {
    ($($type:ty)*) => {
        $(impl Field for $type {
            fn take(value: Value) -> Result<Self, Value> {
                <$type>::deserialize(&value).map_err(|_| value)
            }

            fn is_absent(&self) -> bool {
                self.is_empty()
            }
        })*
    };
}

collections!(Vec<String> BTreeMap<String, u64>);

impl<T: Object> Field for Vec<T> {
    fn take(value: Value) -> Result<Self, Value> {
        Err(value)
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        let found = map.next_value::<Parsed<T>>()?;
        let Parsed::List(list) = found else {
            return Ok(Err(found.into_value()));
        };
        if !list.iter().all(|found| matches!(found, Parsed::Object(_))) {
            return Ok(Err(Parsed::List(list).into_value()));
        }
        let objects = list.into_iter().filter_map(|parsed| match parsed {
            Parsed::Object(object) => Some(object),
            _ => None,
        });
        Ok(Ok(objects.collect()))
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// What is found where a list of objects is expected.
enum Parsed<T> {
    Object(T),
    List(Vec<Parsed<T>>),
    Scalar(Value),
}

impl<T: Object> Parsed<T> {
    fn into_value(self) -> Value {
        match self {
            Parsed::Object(object) => serde_json::to_value(object).unwrap_or_default(),
            Parsed::List(list) => list.into_iter().map(Parsed::into_value).collect(),
            Parsed::Scalar(value) => value,
        }
    }
}

impl<'de, T: Object> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue(PhantomData))
    }
}

struct AnyValue<T>(PhantomData<T>);

macro_rules! scalar_values {
    ($($method:ident($type:ty))*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<Parsed<T>, E> {
            Ok(Parsed::Scalar(value.into()))
        })*
    };
}

impl<'de, T: Object> Visitor<'de> for AnyValue<T> {
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    scalar_values!(visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str));

    fn visit_unit<E: Error>(self) -> Result<Parsed<T>, E> {
        Ok(Parsed::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parsed<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(found) = seq.next_element()? {
            list.push(found);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parsed<T>, A::Error> {
        T::read(map).map(Parsed::Object)
    }
}

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
