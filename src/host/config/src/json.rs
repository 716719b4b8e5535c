//! The JSON of `settings.json`, with numbers in their own digits, keys in their own order and duplicates still visible.
//!
//! `serde_json` checks the grammar; [`serde_json::value::RawValue`] keeps the text of numbers, so that what the daemon
//! did not touch is written back unchanged.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::{os_bytes, shown};
use crate::value::Value;

/// How deep lists and objects may nest.
const MAX_DEPTH: usize = 128;

/// Reads one JSON text.
pub(crate) fn read(text: &str) -> Result<Value, serde_json::Error> {
    read_raw(serde_json::from_str(text)?, 0)
}

/// `RawValue` is checked without recursion, so its depth is bounded here.
fn read_raw(raw: &RawValue, depth: usize) -> Result<Value, serde_json::Error> {
    if depth > MAX_DEPTH {
        return Err(serde::de::Error::custom("nested too deeply"));
    }
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let entries: Entries<'_> = serde_json::from_str(text)?;
            let read = entries.0.into_iter().map(|(key, raw)| Ok((key, read_raw(raw, depth + 1)?)));
            Value::Object(read.collect::<Result<_, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Value::Array(items.into_iter().map(|item| read_raw(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Value::text(serde_json::from_str::<String>(text)?),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') | None => Value::Null,
        Some(_) => Value::Number(text.to_owned()),
    })
}

/// An object's members in order, duplicates included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Writes a value: on one line, or with four blanks per level when `level` is given.
pub(crate) fn write(value: &Value, level: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(digits) => out.push_str(digits),
        Value::Text(text) => write_text(&shown(&os_bytes(text)), out),
        Value::Array(items) => {
            write_list(items.iter().map(|item| (None, item)), '[', ']', level, out);
        }
        Value::Object(members) => {
            write_list(members.iter().map(|(key, member)| (Some(key.as_str()), member)), '{', '}', level, out);
        }
    }
}

fn write_list<'a>(
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    open: char,
    close: char,
    level: Option<usize>,
    out: &mut String,
) {
    let new_line = |out: &mut String, depth: usize| {
        if level.is_some() {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', 4 * depth));
        }
    };
    let depth = level.unwrap_or(0);
    out.push(open);
    let mut first = true;
    for (key, item) in items {
        if !first {
            out.push(',');
        }
        first = false;
        new_line(out, depth + 1);
        if let Some(key) = key {
            write_text(key, out);
            out.push_str(if level.is_some() { ": " } else { ":" });
        }
        write(item, level.map(|level| level + 1), out);
    }
    new_line(out, depth);
    out.push(close);
}

/// Writes a JSON string. Quotes, backslashes and control characters are escaped, DEL among them; everything else stands
/// for itself.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_digits_order_and_duplicates() {
        let text = r#"{"b":1.10,"a":[1e400,-0,{"x":null}],"b":true}"#;
        assert_eq!(read(text).unwrap().write(), text);
    }

    #[test]
    fn writes_with_indentation() {
        let mut out = String::new();
        write(&read(r#"{"a":[1,2],"b":{},"c":{"d":"e"}}"#).unwrap(), Some(0), &mut out);
        let expected = concat!(
            "{\n    \"a\": [\n        1,\n        2\n    ],\n    \"b\": {\n    },\n",
            "    \"c\": {\n        \"d\": \"e\"\n    }\n}"
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "invalid json", "{", "[1,]", "{\"a\"}", "01", "\"\u{1}\"", "{} x"] {
            assert!(read(text).is_err(), "{text:?}");
        }
        // Depth is bounded: no stack overflow.
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000))).is_err());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|number| Value::Number(number.to_string())),
            any::<String>().prop_map(Value::text),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(Value::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn round_trips(value in any_value()) {
            let mut pretty = String::new();
            write(&value, Some(0), &mut pretty);
            prop_assert_eq!(&read(&value.write()).unwrap(), &value);
            prop_assert_eq!(&read(&pretty).unwrap(), &value);
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = read(&text);
        }
    }
}
