//! Small text tools: bytes of an argument, trimming, quoting, wrapping.
//!
//! A path on a POSIX system need not be UTF-8. Option values are therefore kept as `OsString` and cut as bytes; only
//! what is shown to people is converted, with U+FFFD for what cannot be.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

/// What a configuration file counts as blank.
pub(crate) const CONF_BLANKS: &[u8] = b" \t\r\n";

/// What the C locale counts as blank.
pub(crate) const C_BLANKS: &[u8] = b" \x0c\n\r\t\x0b";

/// The bytes of an argument or of a path.
#[cfg(unix)]
pub(crate) fn os_bytes(text: &OsStr) -> Cow<'_, [u8]> {
    use std::os::unix::ffi::OsStrExt as _;
    Cow::Borrowed(text.as_bytes())
}

/// The bytes of an argument or of a path; what is not Unicode is replaced.
#[cfg(not(unix))]
pub(crate) fn os_bytes(text: &OsStr) -> Cow<'_, [u8]> {
    Cow::Owned(text.to_string_lossy().into_owned().into_bytes())
}

/// The inverse of [`os_bytes`].
#[cfg(unix)]
pub(crate) fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).to_owned()
}

/// The inverse of [`os_bytes`].
#[cfg(not(unix))]
pub(crate) fn os_string(bytes: &[u8]) -> OsString {
    OsString::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Bytes as something that can be shown.
pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Removes the bytes in `blanks` from both ends.
pub(crate) fn trim<'a>(text: &'a [u8], blanks: &[u8]) -> &'a [u8] {
    let Some(first) = text.iter().position(|byte| !blanks.contains(byte)) else { return &[] };
    let last = text.iter().rposition(|byte| !blanks.contains(byte)).unwrap_or(first);
    &text[first..=last]
}

/// The position of the first `needle`.
pub(crate) fn find(text: &[u8], needle: u8) -> Option<usize> {
    text.iter().position(|byte| *byte == needle)
}

/// A path in double quotes, with `"` and `\` escaped: the form in which the daemon's messages name directories.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Each item on its own line behind a dash.
pub(crate) fn bullets(items: &[String]) -> String {
    items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n")
}

/// Breaks `text` into lines of at most `width` columns; continuation lines start with `indent` blanks, which count.
/// A word that is wider than a line stands alone on its line. Line breaks in `text` stay.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        wrap_line(line, width, indent, &mut out);
    }
    out
}

fn wrap_line(mut line: &str, width: usize, indent: usize, out: &mut String) {
    let mut room = width;
    while line.len() > room {
        // The break may fall on the byte just behind the last column.
        let window = line.as_bytes().get(..=room).unwrap_or(line.as_bytes());
        let blank = window.iter().rposition(|byte| *byte == b' ').or_else(|| find(line.as_bytes(), b' '));
        let Some(at) = blank else { break };
        out.push_str(&line[..at]);
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
        line = &line[at + 1..];
        room = width - indent.min(width);
    }
    out.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_only_the_named_bytes() {
        assert_eq!(trim(b" \t a b \r\n", CONF_BLANKS), b"a b");
        assert_eq!(trim(b" \t ", CONF_BLANKS), b"");
        assert_eq!(trim(b"\x0b1", CONF_BLANKS), b"\x0b1");
        assert_eq!(trim(b"\x0b1", C_BLANKS), b"1");
    }

    #[test]
    fn quotes_like_the_daemon() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }

    // Vectors of Bitcoin Core's own unit test (util_tests, FormatParagraph).
    #[test]
    fn wraps_like_the_daemon() {
        assert_eq!(wrap("", 79, 0), "");
        assert_eq!(wrap("test", 79, 0), "test");
        assert_eq!(wrap(" test", 79, 0), " test");
        assert_eq!(wrap("test test", 79, 0), "test test");
        assert_eq!(wrap("test test", 4, 0), "test\ntest");
        assert_eq!(wrap("testerde test", 4, 0), "testerde\ntest");
        assert_eq!(wrap("test test", 4, 4), "test\n    test");
        let long = "This is a very long test string. This is a second sentence in the very long test string.";
        assert_eq!(
            wrap(long, 79, 0),
            "This is a very long test string. This is a second sentence in the very long\ntest string."
        );
        let one_word = "This_is_a_very_long_test_string.This_is_a_second_sentence_in_the_very_long_test_string.";
        assert_eq!(wrap(&format!("{one_word} s"), 79, 0), format!("{one_word}\ns"));
        assert_eq!(
            wrap("Testing that normal newlines do not get indented.\nLike here.", 79, 4),
            "Testing that normal newlines do not get indented.\nLike here."
        );
    }

    proptest::proptest! {
        #[test]
        fn wrapping_never_loses_a_word(text in "[a-zé ]{0,200}", width in 1usize..40, indent in 0usize..10) {
            let wrapped = wrap(&text, width.max(indent), indent);
            proptest::prop_assert_eq!(
                wrapped.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>()
            );
        }
    }
}
