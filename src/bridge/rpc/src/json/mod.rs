//! JSON values that keep what they were given: number text, key order, repeated keys.

mod number;
mod parse;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use number::Number;
pub use parse::{MAX_DEPTH, members, parse};

/// A key of an object. Keys that a handler writes are literals and cost no allocation.
pub type Key = Cow<'static, str>;

/// Any JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as text.
    Num(Number),
    /// A string.
    Str(String),
    /// An array.
    Arr(Vec<Json>),
    /// An object.
    Obj(Object),
    /// An array or an object of which only the text is there, for those who pass it on: there is nothing in it to look up.
    Written(Written),
}

/// The text of one array or object, which has been checked. [`members`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(Box<str>);

static NULL: Json = Json::Null;

/// A value is not what the caller takes it for. The texts are UniValue's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonError {
    /// It has another type.
    #[error("JSON value of type {got} is not of expected type {expected}")]
    WrongType {
        /// The type that it has.
        got: &'static str,
        /// The type that was wanted.
        expected: &'static str,
    },
    /// It is a number, but not one of the integers that fit.
    #[error("JSON integer out of range")]
    IntegerRange,
    /// It is a number beyond the range of a double.
    #[error("JSON double out of range")]
    DoubleRange,
    /// It is neither an object nor an array.
    #[error("JSON value is not an object or array as expected")]
    NotAContainer,
}

impl Json {
    /// An empty object as a value.
    pub fn object() -> Self {
        Self::Obj(Object::new())
    }

    /// A string.
    pub fn str(text: impl Into<String>) -> Self {
        Self::Str(text.into())
    }

    /// A number from its text; none if the text is not a JSON number.
    pub fn number(text: &str) -> Option<Self> {
        match parse(text.as_bytes()) {
            Some(number @ Self::Num(_)) if !text.starts_with(is_space) && !text.ends_with(is_space) => Some(number),
            _ => None,
        }
    }

    /// A double with 16 significant digits. A value that is not finite has no JSON text and becomes `null`.
    pub fn real(value: f64) -> Self {
        Number::real(value).map_or(Self::Null, Self::Num)
    }

    /// An amount in the smallest unit, written as whole coins with exactly eight decimals.
    pub fn amount(value: i64) -> Self {
        Self::Num(Number::amount(value))
    }

    /// The name of the type in error texts.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Num(_) => "number",
            Self::Str(_) => "string",
            Self::Arr(_) => "array",
            Self::Obj(_) => "object",
            Self::Written(Written(text)) => {
                if text.starts_with('[') {
                    "array"
                } else {
                    "object"
                }
            }
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    fn wrong_type(&self, expected: &'static str) -> JsonError {
        JsonError::WrongType { got: self.type_name(), expected }
    }

    /// The string.
    pub fn as_str(&self) -> Result<&str, JsonError> {
        match self {
            Self::Str(text) => Ok(text),
            other => Err(other.wrong_type("string")),
        }
    }

    /// The boolean.
    pub fn as_bool(&self) -> Result<bool, JsonError> {
        match self {
            Self::Bool(value) => Ok(*value),
            other => Err(other.wrong_type("bool")),
        }
    }

    /// The number's text.
    pub fn as_number(&self) -> Result<&str, JsonError> {
        match self {
            Self::Num(number) => Ok(number.as_str()),
            other => Err(other.wrong_type("number")),
        }
    }

    /// The number as an integer. `1e3` and `1.0` are numbers but not integers, as in UniValue.
    pub fn as_int<T: FromStr>(&self) -> Result<T, JsonError> {
        self.as_number()?.parse().map_err(|_| JsonError::IntegerRange)
    }

    /// The number as a double.
    pub fn as_f64(&self) -> Result<f64, JsonError> {
        match self.as_number()?.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(JsonError::DoubleRange),
        }
    }

    /// The value with everything that is in it, where only its text was there.
    #[must_use]
    pub fn opened(self) -> Self {
        match self {
            Self::Written(Written(text)) => parse(text.as_bytes()).unwrap_or_default(),
            value => value,
        }
    }

    /// The elements of the array.
    pub fn as_arr(&self) -> Result<&[Json], JsonError> {
        match self {
            Self::Arr(items) => Ok(items),
            other => Err(other.wrong_type("array")),
        }
    }

    /// The object.
    pub fn as_obj(&self) -> Result<&Object, JsonError> {
        match self {
            Self::Obj(object) => Ok(object),
            other => Err(other.wrong_type("object")),
        }
    }

    /// The first value under `key`; `null` if there is none or this is not an object.
    pub fn get(&self, key: &str) -> &Json {
        match self {
            Self::Obj(object) => object.get(key).unwrap_or(&NULL),
            _ => &NULL,
        }
    }

    /// The element at `index` of an array, or the value at that place of an object; `null` if there is none.
    pub fn at(&self, index: usize) -> &Json {
        match self {
            Self::Arr(items) => items.get(index),
            Self::Obj(object) => object.0.get(index).map(|(_, value)| value),
            _ => None,
        }
        .unwrap_or(&NULL)
    }

    /// How many elements an array or an object has; 0 for anything else.
    pub fn len(&self) -> usize {
        match self {
            Self::Arr(items) => items.len(),
            Self::Obj(object) => object.len(),
            _ => 0,
        }
    }

    /// Whether [`Json::len`] is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text on one line without spaces.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(256);
        self.write_to(&mut out);
        out
    }

    /// The text on many lines, each level indented by `indent` more spaces. `bitcoin-cli` prints with two.
    pub fn write_indented(&self, indent: usize) -> String {
        let mut out = String::with_capacity(256);
        write::indented(self, indent, 1, &mut out);
        out
    }

    /// Appends the compact text to `out`.
    pub fn write_to(&self, out: &mut String) {
        write::compact(self, out);
    }
}

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.write())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// An object: pairs in the order in which they were added. A key can occur twice; reading finds the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object(Vec<(Key, Json)>);

impl Object {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty object with room for so many pairs.
    pub fn with_capacity(pairs: usize) -> Self {
        Self(Vec::with_capacity(pairs))
    }

    /// Adds a pair at the end without looking for the key: the fast way, for keys that are known to be new.
    pub fn push(&mut self, key: impl Into<Key>, value: impl Into<Json>) {
        self.0.push((key.into(), value.into()));
    }

    /// Replaces the value under `key`, or adds the pair at the end.
    pub fn set(&mut self, key: impl Into<Key>, value: impl Into<Json>) {
        let key = key.into();
        match self.0.iter_mut().find(|(existing, _)| *existing == key) {
            Some((_, slot)) => *slot = value.into(),
            None => self.0.push((key, value.into())),
        }
    }

    /// [`Object::push`] for chains of calls.
    #[must_use]
    pub fn with(mut self, key: impl Into<Key>, value: impl Into<Json>) -> Self {
        self.push(key, value);
        self
    }

    /// The first value under `key`.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|(existing, _)| existing == key).map(|(_, value)| value)
    }

    /// Whether `key` occurs.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Removes and returns the first value under `key`.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let index = self.0.iter().position(|(existing, _)| existing == key)?;
        Some(self.0.remove(index).1)
    }

    /// The pairs in order, their values to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json)> {
        self.0.iter_mut().map(|pair| (pair.0.as_ref(), &mut pair.1))
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Object {
    type Item = (Key, Json);
    type IntoIter = std::vec::IntoIter<(Key, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<Key>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Obj(object)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Str(text.clone())
    }
}

impl From<Cow<'_, str>> for Json {
    fn from(text: Cow<'_, str>) -> Self {
        Self::Str(text.into_owned())
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::real(value)
    }
}

impl From<Number> for Json {
    fn from(number: Number) -> Self {
        Self::Num(number)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Arr(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Arr(items.into_iter().map(Into::into).collect())
    }
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Json {
            fn from(value: $kind) -> Self {
                Self::Num(Number::integer(value))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

/// An object as a value: `obj! { "hash" => hash, "height" => 5 }`.
#[macro_export]
macro_rules! obj {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty object is never changed")]
        let mut object = $crate::Object::new();
        $(object.push($key, $value);)*
        $crate::Json::Obj(object)
    }};
}

/// An array as a value: `arr![1, "two"]`.
#[macro_export]
macro_rules! arr {
    ($($value:expr),* $(,)?) => { $crate::Json::Arr(vec![$($crate::Json::from($value)),*]) };
}
