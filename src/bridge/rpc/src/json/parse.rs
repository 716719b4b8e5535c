//! Text to values. What is accepted is what UniValue accepts, with three repairs that are listed in the tests: a lone
//! minus sign is no number, escaped surrogate pairs decode to the right character, and characters beyond Unicode's
//! last one are refused.

use super::{Json, Number, Object};

/// Arrays and objects nested deeper than this are refused.
pub const MAX_DEPTH: usize = 512;

/// The value that `text` holds, or none if it is not exactly one JSON value.
///
/// Memory is bounded by a small multiple of the text's length, so whoever limits the text limits the value.
pub fn parse(text: &[u8]) -> Option<Json> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    parser.peek().is_none().then_some(value)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn word(&mut self, word: &[u8], value: Json) -> Option<Json> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_space();
        match self.peek()? {
            b'n' => self.word(b"null", Json::Null),
            b't' => self.word(b"true", Json::Bool(true)),
            b'f' => self.word(b"false", Json::Bool(false)),
            b'"' => self.string().map(Json::Str),
            b'-' | b'0'..=b'9' => self.number(),
            b'[' if depth < MAX_DEPTH => self.array(depth + 1),
            b'{' if depth < MAX_DEPTH => self.object(depth + 1),
            _ => None,
        }
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Some(Json::Arr(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            match self.next()? {
                b',' => {}
                b']' => return Some(Json::Arr(items)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut object = Object::new();
        self.skip_space();
        if self.eat(b'}') {
            return Some(Json::Obj(object));
        }
        loop {
            self.skip_space();
            if self.peek()? != b'"' {
                return None;
            }
            let key = self.string()?;
            self.skip_space();
            if !self.eat(b':') {
                return None;
            }
            let value = self.value(depth)?;
            object.push(key, value);
            self.skip_space();
            match self.next()? {
                b',' => {}
                b'}' => return Some(Json::Obj(object)),
                _ => return None,
            }
        }
    }

    fn digits(&mut self) -> Option<()> {
        if !self.peek()?.is_ascii_digit() {
            return None;
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Some(())
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        self.eat(b'-');
        if self.eat(b'0') {
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return None;
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = std::str::from_utf8(self.text.get(start..self.at)?).ok()?;
        Some(Json::Num(Number::from_text(text)))
    }

    fn string(&mut self) -> Option<String> {
        self.at += 1;
        // The usual string has no escape and is ASCII or well-formed UTF-8: take it whole.
        let rest = self.text.get(self.at..)?;
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        if rest.get(plain) == Some(&b'"')
            && let Ok(text) = std::str::from_utf8(&rest[..plain])
        {
            self.at += plain + 1;
            return Some(text.to_owned());
        }
        self.string_with_escapes()
    }

    fn string_with_escapes(&mut self) -> Option<String> {
        let mut text = Utf8::default();
        loop {
            match self.next()? {
                b'"' => return text.finish(),
                b'\\' => match self.next()? {
                    plain @ (b'"' | b'\\' | b'/') => text.byte(plain)?,
                    b'b' => text.byte(0x08)?,
                    b'f' => text.byte(0x0c)?,
                    b'n' => text.byte(b'\n')?,
                    b'r' => text.byte(b'\r')?,
                    b't' => text.byte(b'\t')?,
                    b'u' => {
                        let unit = self.four_hex_digits()?;
                        text.code(unit)?;
                    }
                    _ => return None,
                },
                0..=0x1f => return None,
                byte => text.byte(byte)?,
            }
        }
    }

    fn four_hex_digits(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + char::from(self.next()?).to_digit(16)?;
        }
        Some(unit)
    }
}

/// Puts bytes and escapes together. Like UniValue, it decodes overlong sequences and surrogate pairs that were
/// themselves written as UTF-8, so the text that comes out is well-formed even where the text that came in was not.
#[derive(Default)]
struct Utf8 {
    out: String,
    /// The code point so far, and how many continuation bytes it still needs.
    code: u32,
    needs: u8,
    /// The first half of a surrogate pair.
    high: Option<u32>,
}

impl Utf8 {
    fn byte(&mut self, byte: u8) -> Option<()> {
        if self.needs > 0 {
            if byte & 0xc0 != 0x80 {
                return None;
            }
            self.code = self.code << 6 | u32::from(byte & 0x3f);
            self.needs -= 1;
            return if self.needs == 0 { self.code(self.code) } else { Some(()) };
        }
        let (bits, needs) = match byte {
            0..=0x7f => {
                self.out.push(char::from(byte));
                return Some(());
            }
            0xc0..=0xdf => (byte & 0x1f, 1),
            0xe0..=0xef => (byte & 0x0f, 2),
            0xf0..=0xf7 => (byte & 0x07, 3),
            _ => return None,
        };
        (self.code, self.needs) = (u32::from(bits), needs);
        Some(())
    }

    fn code(&mut self, code: u32) -> Option<()> {
        if self.needs > 0 {
            return None;
        }
        let character = match (code, self.high.take()) {
            (0xd800..=0xdbff, None) => {
                self.high = Some(code);
                return Some(());
            }
            (0xdc00..=0xdfff, Some(high)) => 0x1_0000 + ((high - 0xd800) << 10) + (code - 0xdc00),
            (0xd800..=0xdfff, _) | (_, Some(_)) => return None,
            (plain, None) => plain,
        };
        self.out.push(char::from_u32(character)?);
        Some(())
    }

    fn finish(self) -> Option<String> {
        (self.needs == 0 && self.high.is_none()).then_some(self.out)
    }
}
