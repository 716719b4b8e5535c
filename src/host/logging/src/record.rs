//! What is known about one line of log before it is formatted.

use std::borrow::Cow;
use std::fmt::{Debug, Write};

use serde_json::Value;
use tracing::field::{Field, Visit};

use crate::category::Category;
use crate::filter::Level;

/// The place in the code that a line comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// The file, relative to the workspace.
    pub file: Cow<'static, str>,
    /// The line in it.
    pub line: u32,
    /// The module. Lines print it where the daemon prints a function name, which the compiler does not tell us.
    pub module: Cow<'static, str>,
}

/// One line of log. Records made elsewhere (by another process, say) can be [logged](crate::LogHandle::log) as well.
#[derive(Debug, Clone)]
pub struct Record {
    /// The category, if the line has one.
    pub category: Option<Category>,
    /// The importance.
    pub level: Level,
    /// Whether the line counts against, and is subject to, the limit of its source location.
    pub rate_limit: bool,
    /// When: microseconds since 1970 by the machine's clock.
    pub time_micros: i64,
    /// The mock time in seconds, if one was set then.
    pub mock_time: Option<i64>,
    /// The name of the thread; empty if it has none.
    pub thread: String,
    /// Where in the code.
    pub source: Source,
    /// The text.
    pub message: String,
    /// Everything else that the event carries, for the JSON file.
    pub fields: Vec<(Cow<'static, str>, Value)>,
}

impl Record {
    /// About how much memory the record takes.
    pub(crate) fn memory(&self) -> usize {
        let fields: usize =
            self.fields.iter().map(|(name, value)| 48 + name.len() + value.as_str().map_or(0, str::len)).sum();
        size_of::<Self>() + self.thread.len() + self.message.len() + fields
    }
}

/// Takes an event apart.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) message: Option<String>,
    pub(crate) fields: Vec<(Cow<'static, str>, Value)>,
    pub(crate) rate_limit: bool,
    wants_fields: bool,
}

/// The field that lifts the rate limit. It is not part of the line.
const NO_RATE_LIMIT: &str = "no_rate_limit";

impl Parts {
    pub(crate) fn new(wants_fields: bool) -> Self {
        Self { message: None, fields: Vec::new(), rate_limit: true, wants_fields }
    }

    /// The text of the line: the message, or else the fields.
    pub(crate) fn text(&mut self) -> String {
        self.message.take().unwrap_or_else(|| {
            let mut text = String::new();
            for (index, (name, value)) in self.fields.iter().enumerate() {
                let space = if index == 0 { "" } else { " " };
                let written = match value {
                    Value::String(value) => write!(text, "{space}{name}={value}"),
                    other => write!(text, "{space}{name}={other}"),
                };
                written.expect("writing to a String cannot fail");
            }
            text
        })
    }

    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        if self.wants_fields {
            self.fields.push((Cow::Borrowed(field.name()), value.into()));
        }
    }
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.push(field, text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = Some(value.to_owned());
        } else {
            self.push(field, value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == NO_RATE_LIMIT {
            self.rate_limit = !value;
        } else {
            self.push(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        // Beyond 64 bits most readers of JSON lose digits, so such numbers become texts.
        match i64::try_from(value) {
            Ok(small) => self.push(field, small),
            Err(_) => self.push(field, value.to_string()),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(small) => self.push(field, small),
            Err(_) => self.push(field, value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinities; they become texts.
        match serde_json::Number::from_f64(value) {
            Some(number) => self.push(field, Value::Number(number)),
            None => self.push(field, value.to_string()),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.push(field, value.to_string());
    }
}
