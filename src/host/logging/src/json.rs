//! The JSON line: one object per record, for programs that should not have to parse prose.
//!
//! Every object has `time`, `level`, `category` (or null), `thread`, `message`, `fields` and `source`; `mocktime`
//! appears while one is set. The message is as the program wrote it: JSON's own escapes keep it on one line.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::category::Category;
use crate::format::format_micros;
use crate::record::Record;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mocktime: Option<i64>,
    level: &'static str,
    category: Option<&'static str>,
    thread: &'a str,
    message: &'a str,
    fields: Fields<'a>,
    source: Place<'a>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: u32,
    module: &'a str,
}

struct Fields<'a>(&'a [(Cow<'static, str>, Value)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            // Two fields of one name would make an object that readers disagree about; the last one counts.
            if self.0[index + 1..].iter().all(|(later, _)| later != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// The line for a record, with its line feed.
pub(crate) fn format_json(record: &Record) -> Vec<u8> {
    let line = Line {
        time: format_micros(record.time_micros),
        mocktime: record.mock_time,
        level: record.level.name(),
        category: record.category.map(Category::name),
        thread: &record.thread,
        message: record.message.strip_suffix('\n').unwrap_or(&record.message),
        fields: Fields(&record.fields),
        source: Place { file: &record.source.file, line: record.source.line, module: &record.source.module },
    };
    let mut bytes = serde_json::to_vec(&line).expect("texts, numbers and maps with text keys always serialise");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Level;
    use crate::record::Source;
    use proptest::prelude::*;

    fn record(message: &str, fields: Vec<(Cow<'static, str>, Value)>) -> Record {
        Record {
            category: Category::from_name("net"),
            level: Level::Warning,
            rate_limit: false,
            time_micros: 1_795_236_005_001_234,
            mock_time: None,
            thread: "net".to_owned(),
            source: Source { file: "src/a.rs".into(), line: 3, module: "a".into() },
            message: message.to_owned(),
            fields,
        }
    }

    #[test]
    fn the_object_is_as_documented() {
        let line = format_json(&record("hi\n", vec![("peer".into(), 3.into()), ("peer".into(), 4.into())]));
        let expected = concat!(
            r#"{"time":"2026-11-21T04:40:05.001234Z","level":"warning","category":"net","thread":"net","#,
            r#""message":"hi","fields":{"peer":4},"source":{"file":"src/a.rs","line":3,"module":"a"}}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
        let mut mocked = record("hi", Vec::new());
        (mocked.mock_time, mocked.category) = (Some(5), None);
        let parsed: Value = serde_json::from_slice(&format_json(&mocked)).unwrap();
        assert_eq!((&parsed["mocktime"], &parsed["category"]), (&5.into(), &Value::Null));
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_one_line(
            message in any::<String>(),
            name in any::<String>(),
            value in any::<String>(),
        ) {
            let line = format_json(&record(&message, vec![(name.clone().into(), value.clone().into())]));
            prop_assert_eq!(line.split(|byte| *byte == b'\n').count(), 2);
            let parsed: Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(parsed["message"].as_str(), Some(message.strip_suffix('\n').unwrap_or(&message)));
            prop_assert_eq!(parsed["fields"][&name].as_str(), Some(value.as_str()));
        }
    }
}
