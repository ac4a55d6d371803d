//! What a field of the application's own may be.

use std::borrow::Cow;

use serde_json::{Map, Number, Value as Json};

use super::fields::number_of;
use crate::write::journal::frame::Value;

/// The value of a field of an [`Entry`](crate::emit::Entry): a string, which is borrowed where it can be, or
/// anything that is JSON.
///
/// ```
/// use serde_json::json;
///
/// let name = String::from("eu-west-1");
/// let entry = stinger_audit::emit::event("session_ended")
///     .field("region", name.as_str())
///     .field("idle_minutes", 30)
///     .field("score", Some(0.5))
///     .field("labels", json!({ "plan": "free", "flags": [1, 2] }));
/// # drop(entry);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FieldValue<'a>(pub(crate) Content<'a>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content<'a> {
    Text(Cow<'a, str>),
    /// A number, or whether something is so.
    Scalar(Value<'static>),
    Json(Json),
}

macro_rules! from_texts {
    ($($type:ty)*) => {
        $(impl<'a> From<$type> for FieldValue<'a> {
            #[inline]
            fn from(text: $type) -> Self {
                FieldValue(Content::Text(text.into()))
            }
        })*
    };
}

from_texts! { &'a str &'a String String Cow<'a, str> }

/// `None` is no field.
impl<'a, T: Into<FieldValue<'a>>> From<Option<T>> for FieldValue<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(FieldValue::from(()), Into::into)
    }
}

impl From<Json> for FieldValue<'_> {
    #[inline]
    fn from(value: Json) -> Self {
        FieldValue(match value {
            Json::String(text) => Content::Text(text.into()),
            Json::Bool(truth) => Content::Scalar(Value::Bool(truth)),
            Json::Number(number) => match number_of(&number) {
                Some(number) => Content::Scalar(number),
                None => Content::Json(Json::Number(number)),
            },
            value => Content::Json(value),
        })
    }
}

impl<T: Into<Json>> From<Vec<T>> for FieldValue<'_> {
    fn from(list: Vec<T>) -> Self {
        FieldValue(Content::Json(list.into()))
    }
}

impl<T: Into<Json> + Clone> From<&[T]> for FieldValue<'_> {
    fn from(list: &[T]) -> Self {
        FieldValue(Content::Json(list.into()))
    }
}

impl<T: Into<Json>, const N: usize> From<[T; N]> for FieldValue<'_> {
    fn from(list: [T; N]) -> Self {
        FieldValue(Content::Json(list.into()))
    }
}

macro_rules! from_json {
    ($($type:ty)*) => {
        $(impl From<$type> for FieldValue<'_> {
            #[inline]
            fn from(value: $type) -> Self {
                FieldValue::from(Json::from(value))
            }
        })*
    };
}

from_json! {
    () bool u8 u16 u32 u64 usize i8 i16 i32 i64 isize
    Number Map<String, Json>
}

/// A number that JSON does not have is recorded as `"NaN"`, `"Infinity"` or `"-Infinity"`.
impl From<f64> for FieldValue<'_> {
    #[inline]
    fn from(number: f64) -> Self {
        FieldValue(Content::Scalar(Value::F64(number)))
    }
}

impl From<f32> for FieldValue<'_> {
    #[inline]
    fn from(number: f32) -> Self {
        FieldValue::from(f64::from(number))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FieldValue;

    #[test]
    fn a_value_is_what_its_json_is() {
        let pairs = [
            (FieldValue::from(7u8), json!(7)),
            (FieldValue::from(u64::MAX), json!(u64::MAX)),
            (FieldValue::from(7i32), json!(7)),
            (FieldValue::from(i64::MIN), json!(i64::MIN)),
            (FieldValue::from(0.5f32), json!(0.5)),
            (FieldValue::from(-1e300), json!(-1e300)),
            (FieldValue::from(usize::MAX), json!(usize::MAX)),
            (FieldValue::from(isize::MIN), json!(isize::MIN)),
            (FieldValue::from(serde_json::Number::from(7)), json!(7)),
            (FieldValue::from(serde_json::Map::new()), json!({})),
            (FieldValue::from(true), json!(true)),
            (FieldValue::from("text"), json!("text")),
            (FieldValue::from(None::<u8>), json!(null)),
            (FieldValue::from(Some(-3i8)), json!(-3)),
            (FieldValue::from(vec![1, 2]), json!([1, 2])),
        ];
        for (value, json) in pairs {
            assert_eq!(value, FieldValue::from(json));
        }
    }
}
