//! The text line: `2026-11-21T04:40:05Z [thread] [file:line] [module] [category:level] message`.

use std::fmt::Write;

use platform::format_iso8601;

use crate::category::Category;
use crate::filter::Level;
use crate::record::Record;

/// What a line shows besides its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// `-logtimestamps`: the time, and the mock time if one is set.
    pub timestamps: bool,
    /// `-logtimemicros`: the time with microseconds.
    pub time_micros: bool,
    /// `-logthreadnames`: the thread.
    pub thread_names: bool,
    /// `-logsourcelocations`: file, line and module.
    pub source_locations: bool,
    /// `-loglevelalways`: category and level on every line.
    pub level_always: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { timestamps: true, time_micros: false, thread_names: false, source_locations: false, level_always: false }
    }
}

/// The line for a record, with its line feed.
pub(crate) fn format_line(record: &Record, style: Style) -> String {
    let mut line = String::with_capacity(record.message.len() + 96);
    if style.timestamps {
        push_timestamp(&mut line, record, style.time_micros);
    }
    if style.thread_names {
        let thread = if record.thread.is_empty() { "unknown" } else { &record.thread };
        push(&mut line, format_args!("[{thread}] "));
    }
    if style.source_locations {
        let source = &record.source;
        let file = source.file.strip_prefix("./").unwrap_or(&source.file);
        push(&mut line, format_args!("[{file}:{}] [{}] ", source.line, source.module));
    }
    push_prefix(&mut line, record, style.level_always);
    escape_into(&mut line, &record.message);
    if !line.ends_with('\n') {
        line.push('\n');
    }
    line
}

/// A moment with microseconds: `2026-11-21T04:40:05.123456Z`.
pub(crate) fn format_micros(unix_micros: i64) -> String {
    let mut text = format_iso8601(unix_micros.div_euclid(1_000_000));
    if text.pop().is_some() {
        push(&mut text, format_args!(".{:06}Z", unix_micros.rem_euclid(1_000_000)));
    }
    text
}

fn push_timestamp(line: &mut String, record: &Record, micros: bool) {
    if micros {
        line.push_str(&format_micros(record.time_micros));
    } else {
        line.push_str(&format_iso8601(record.time_micros.div_euclid(1_000_000)));
    }
    if let Some(mock) = record.mock_time.filter(|mock| *mock > 0) {
        push(line, format_args!(" (mocktime: {})", format_iso8601(mock)));
    }
    line.push(' ');
}

/// `[category:level] `. Info is understood without a category, debug with one.
fn push_prefix(line: &mut String, record: &Record, always: bool) {
    let shows_category = always || record.category.is_some();
    if !shows_category && record.level == Level::Info {
        return;
    }
    line.push('[');
    if shows_category {
        line.push_str(record.category.map_or("all", Category::name));
    }
    if always || !shows_category || record.level != Level::Debug {
        if shows_category {
            line.push(':');
        }
        line.push_str(record.level.name());
    }
    line.push_str("] ");
}

/// A text with its control characters written out (`\x1b`), except line feeds. So a peer's text cannot drive a
/// terminal.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape_into(&mut escaped, text);
    escaped
}

fn escape_into(line: &mut String, text: &str) {
    for symbol in text.chars() {
        if (symbol >= ' ' || symbol == '\n') && symbol != '\x7f' {
            line.push(symbol);
        } else {
            push(line, format_args!("\\x{:02x}", u32::from(symbol)));
        }
    }
}

fn push(line: &mut String, part: std::fmt::Arguments<'_>) {
    line.write_fmt(part).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Source;
    use proptest::prelude::*;

    fn record(category: Option<&str>, level: Level, message: &str) -> Record {
        Record {
            category: category.map(|name| Category::from_name(name).unwrap()),
            level,
            rate_limit: false,
            time_micros: 1_795_236_005_001_234,
            mock_time: None,
            thread: "msghand".to_owned(),
            source: Source { file: "./src/node/net/src/lib.rs".into(), line: 7, module: "net".into() },
            message: message.to_owned(),
            fields: Vec::new(),
        }
    }

    const BARE: Style = Style {
        timestamps: false,
        time_micros: false,
        thread_names: false,
        source_locations: false,
        level_always: false,
    };

    #[test]
    fn prefixes_are_those_of_the_daemon() {
        let cases = [
            (Some("net"), Level::Trace, "[net:trace] x\n", "[net:trace] x\n"),
            (Some("net"), Level::Debug, "[net] x\n", "[net:debug] x\n"),
            (Some("net"), Level::Info, "[net:info] x\n", "[net:info] x\n"),
            (Some("net"), Level::Warning, "[net:warning] x\n", "[net:warning] x\n"),
            (Some("net"), Level::Error, "[net:error] x\n", "[net:error] x\n"),
            (None, Level::Trace, "[trace] x\n", "[all:trace] x\n"),
            (None, Level::Debug, "[debug] x\n", "[all:debug] x\n"),
            (None, Level::Info, "x\n", "[all:info] x\n"),
            (None, Level::Warning, "[warning] x\n", "[all:warning] x\n"),
            (None, Level::Error, "[error] x\n", "[all:error] x\n"),
        ];
        for (category, level, plain, always) in cases {
            let record = record(category, level, "x");
            assert_eq!(format_line(&record, BARE), plain);
            assert_eq!(format_line(&record, Style { level_always: true, ..BARE }), always);
        }
    }

    #[test]
    fn every_part_of_a_line() {
        let mut record = record(Some("net"), Level::Debug, "message");
        assert_eq!(format_line(&record, Style::default()), "2026-11-21T04:40:05Z [net] message\n");
        let full = Style { time_micros: true, thread_names: true, source_locations: true, ..Style::default() };
        let rest = "[msghand] [src/node/net/src/lib.rs:7] [net] [net] message\n";
        assert_eq!(format_line(&record, full), format!("2026-11-21T04:40:05.001234Z {rest}"));
        record.mock_time = Some(1_231_006_505);
        let mock = "(mocktime: 2009-01-03T18:15:05Z)";
        assert_eq!(format_line(&record, full), format!("2026-11-21T04:40:05.001234Z {mock} {rest}"));
        record.thread.clear();
        assert_eq!(format_line(&record, Style { thread_names: true, ..BARE }), "[unknown] [net] message\n");
    }

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(escape("a\x00b\x1b[31mc\td\re\x7ff\ng"), "a\\x00b\\x1b[31mc\\x09d\\x0de\\x7ff\ng");
        assert_eq!(escape("₿ \u{80}"), "₿ \u{80}");
        let line = format_line(&record(None, Level::Info, "one\ntwo\n"), BARE);
        assert_eq!(line, "one\ntwo\n");
        assert_eq!(format_line(&record(None, Level::Info, ""), BARE), "\n");
    }

    proptest! {
        #[test]
        fn nothing_that_drives_a_terminal_passes(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(escaped.chars().all(|symbol| symbol == '\n' || !symbol.is_ascii_control()));
            prop_assert_eq!(escape(&escaped), escaped);
        }
    }
}
