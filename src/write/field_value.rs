//! What a field of the application's own may be.

use std::borrow::Cow;

use serde_json::{Map, Number, Value as Json};

/// The value of a field of an [`Entry`](crate::Entry): a string, which is borrowed where it can be, or
/// anything that is JSON.
///
/// ```
/// use serde_json::json;
///
/// let name = String::from("eu-west-1");
/// let entry = stinger_audit::event("session_ended")
///     .field("region", name.as_str())
///     .field("idle_minutes", 30)
///     .field("score", Some(0.5))
///     .field("labels", json!({ "plan": "free", "flags": [1, 2] }));
/// # drop(entry);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FieldValue<'a>(pub(super) Given<'a>);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given<'a> {
    Text(Cow<'a, str>),
    Json(Json),
}

impl<'a> From<&'a str> for FieldValue<'a> {
    fn from(text: &'a str) -> Self {
        FieldValue(Given::Text(text.into()))
    }
}

impl<'a> From<&'a String> for FieldValue<'a> {
    fn from(text: &'a String) -> Self {
        FieldValue(Given::Text(text.into()))
    }
}

impl From<String> for FieldValue<'_> {
    fn from(text: String) -> Self {
        FieldValue(Given::Text(text.into()))
    }
}

impl<'a> From<Cow<'a, str>> for FieldValue<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        FieldValue(Given::Text(text))
    }
}

/// `None` is no field.
impl<'a, T: Into<FieldValue<'a>>> From<Option<T>> for FieldValue<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(FieldValue(Given::Json(Json::Null)), Into::into)
    }
}

impl<T: Into<Json>> From<Vec<T>> for FieldValue<'_> {
    fn from(list: Vec<T>) -> Self {
        FieldValue(Given::Json(list.into()))
    }
}

impl<T: Into<Json> + Clone> From<&[T]> for FieldValue<'_> {
    fn from(list: &[T]) -> Self {
        FieldValue(Given::Json(list.into()))
    }
}

impl<T: Into<Json>, const N: usize> From<[T; N]> for FieldValue<'_> {
    fn from(list: [T; N]) -> Self {
        FieldValue(Given::Json(list.into()))
    }
}

macro_rules! from_json {
    ($($type:ty)*) => {
        $(impl From<$type> for FieldValue<'_> {
            fn from(value: $type) -> Self {
                FieldValue(Given::Json(value.into()))
            }
        })*
    };
}

from_json! {
    () Json Map<String, Json> Number bool f32 f64
    i8 i16 i32 i64 isize u8 u16 u32 u64 usize
}
