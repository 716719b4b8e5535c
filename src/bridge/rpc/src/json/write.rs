//! Values to text, with UniValue's escapes.

use super::Json;

pub(super) fn compact(value: &Json, out: &mut String) {
    match value {
        Json::Arr(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                compact(item, out);
            }
            out.push(']');
        }
        Json::Obj(object) => {
            out.push('{');
            for (index, (key, item)) in object.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                compact(item, out);
            }
            out.push('}');
        }
        scalar_value => scalar(scalar_value, out),
    }
}

/// `level` is how deep the members of a container at this place are.
pub(super) fn indented(value: &Json, indent: usize, level: usize, out: &mut String) {
    match value {
        Json::Arr(items) => {
            out.push_str("[\n");
            for (index, item) in items.iter().enumerate() {
                spaces(indent * level, out);
                indented(item, indent, level + 1, out);
                out.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
            }
            spaces(indent * (level - 1), out);
            out.push(']');
        }
        Json::Obj(object) => {
            out.push_str("{\n");
            for (index, (key, item)) in object.iter().enumerate() {
                spaces(indent * level, out);
                string(key, out);
                out.push_str(": ");
                indented(item, indent, level + 1, out);
                out.push_str(if index + 1 < object.len() { ",\n" } else { "\n" });
            }
            spaces(indent * (level - 1), out);
            out.push('}');
        }
        scalar_value => scalar(scalar_value, out),
    }
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

fn scalar(value: &Json, out: &mut String) {
    match value {
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Num(number) => out.push_str(number.as_str()),
        Json::Str(text) => string(text, out),
        Json::Written(written) => out.push_str(&written.0),
        Json::Null | Json::Arr(_) | Json::Obj(_) => out.push_str("null"),
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    // Most strings need no escape. To look at all of a text first is faster than to stop at each byte.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.push_str(text);
    } else {
        escaped(text, out);
    }
    out.push('"');
}

fn is_plain(byte: u8) -> bool {
    !matches!(byte, ..0x20 | b'"' | b'\\' | 0x7f)
}

fn escaped(text: &str, out: &mut String) {
    // The runs between escapes are copied whole.
    let mut copied = 0;
    for (index, byte) in text.bytes().enumerate() {
        if is_plain(byte) {
            continue;
        }
        out.push_str(&text[copied..index]);
        copied = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            other => {
                out.push_str("\\u00");
                let digits = [other >> 4, other & 0xf];
                out.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
            }
        }
    }
    out.push_str(&text[copied..]);
}
