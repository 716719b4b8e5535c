//! Text to values. What is accepted is what UniValue accepts, with three repairs that are listed in the tests: a lone
//! minus sign is no number, escaped surrogate pairs decode to the right character, and characters beyond Unicode's
//! last one are refused.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::{Json, Number, Object, Written};

/// Arrays and objects nested deeper than this are refused.
pub const MAX_DEPTH: usize = 512;

/// The value that `text` holds, or none if it is not exactly one JSON value.
///
/// Memory is bounded by a small multiple of the text's length, so whoever limits the text limits the value.
pub fn parse(text: &[u8]) -> Option<Json> {
    let mut parser = Parser::<Tree>::new(text);
    let value = parser.value(0)?;
    parser.ends().then_some(value)
}

/// The members of the object that `text` is, or none if it is no object. Arrays and objects among them are checked to the
/// last character but not taken apart: it is for whoever passes them on.
pub fn members(text: &str) -> Option<Object> {
    let mut parser = Parser::<Nothing>::new(text.as_bytes());
    let mut found = Object::new();
    parser.skip_space();
    if parser.peek()? != b'{' {
        return None;
    }
    parser.object(|parser, key| {
        parser.skip_space();
        let from = parser.at;
        parser.value(1)?;
        let value = text.get(from..parser.at)?;
        let whole = matches!(value.as_bytes().first()?, b'[' | b'{');
        found.push(
            key.into_owned(),
            if whole { Json::Written(Written(value.into())) } else { parse(value.as_bytes())? },
        );
        Some(())
    })?;
    parser.ends().then_some(found)
}

/// What is made of what is read.
trait Build {
    type Value;
    type Object: Default;
    fn word(value: Json) -> Self::Value;
    fn number(text: &str) -> Self::Value;
    fn string(text: Cow<'_, str>) -> Self::Value;
    fn array(items: Vec<Self::Value>) -> Self::Value;
    fn member(object: &mut Self::Object, key: Cow<'_, str>, value: Self::Value);
    fn object(object: Self::Object) -> Self::Value;
}

/// Values.
struct Tree;

impl Build for Tree {
    type Value = Json;
    type Object = Object;

    fn word(value: Json) -> Json {
        value
    }

    fn number(text: &str) -> Json {
        Json::Num(Number::from_text(text))
    }

    fn string(text: Cow<'_, str>) -> Json {
        Json::Str(text.into_owned())
    }

    fn array(items: Vec<Json>) -> Json {
        Json::Arr(items)
    }

    fn member(object: &mut Object, key: Cow<'_, str>, value: Json) {
        object.push(key.into_owned(), value);
    }

    fn object(object: Object) -> Json {
        Json::Obj(object)
    }
}

/// Nothing: what is read is only checked.
struct Nothing;

impl Build for Nothing {
    type Value = ();
    type Object = ();

    fn word(_: Json) {}

    fn number(_: &str) {}

    fn string(_: Cow<'_, str>) {}

    fn array(_: Vec<()>) {}

    fn member((): &mut (), _: Cow<'_, str>, (): ()) {}

    fn object((): ()) {}
}

struct Parser<'a, B> {
    text: &'a [u8],
    at: usize,
    build: PhantomData<B>,
}

impl<'a, B: Build> Parser<'a, B> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, build: PhantomData }
    }

    /// Whether nothing but space follows.
    fn ends(&mut self) -> bool {
        self.skip_space();
        self.peek().is_none()
    }

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

    fn word(&mut self, word: &[u8], value: Json) -> Option<B::Value> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            B::word(value)
        })
    }

    fn value(&mut self, depth: usize) -> Option<B::Value> {
        self.skip_space();
        match self.peek()? {
            b'n' => self.word(b"null", Json::Null),
            b't' => self.word(b"true", Json::Bool(true)),
            b'f' => self.word(b"false", Json::Bool(false)),
            b'"' => self.string().map(B::string),
            b'-' | b'0'..=b'9' => self.number().map(B::number),
            b'[' if depth < MAX_DEPTH => self.array(depth + 1),
            b'{' if depth < MAX_DEPTH => {
                let mut object = B::Object::default();
                self.object(|parser, key| {
                    let value = parser.value(depth + 1)?;
                    B::member(&mut object, key, value);
                    Some(())
                })?;
                Some(B::object(object))
            }
            _ => None,
        }
    }

    fn array(&mut self, depth: usize) -> Option<B::Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Some(B::array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            match self.next()? {
                b',' => {}
                b']' => return Some(B::array(items)),
                _ => return None,
            }
        }
    }

    /// Reads an object. `member` is given each key, and has to read the value behind it.
    fn object(&mut self, mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Some(());
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
            member(self, key)?;
            self.skip_space();
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
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

    fn number(&mut self) -> Option<&'a str> {
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
        std::str::from_utf8(self.text.get(start..self.at)?).ok()
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        // The usual string has no escape and is ASCII or well-formed UTF-8: take it whole.
        let rest = self.text.get(self.at..)?;
        let plain = plain_length(rest)?;
        if rest.get(plain) == Some(&b'"')
            && let Ok(text) = std::str::from_utf8(&rest[..plain])
        {
            self.at += plain + 1;
            return Some(Cow::Borrowed(text));
        }
        self.string_with_escapes().map(Cow::Owned)
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

/// How many bytes are before the first that ends a string or needs a closer look.
fn plain_length(text: &[u8]) -> Option<usize> {
    const BLOCK: usize = 16;
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    // To look at all of a block is faster than to stop at each byte.
    let (blocks, _) = text.as_chunks::<BLOCK>();
    let is_plain = |block: &&[u8; BLOCK]| !block.iter().fold(false, |found, byte| found | is_special(byte));
    let skipped = BLOCK * blocks.iter().take_while(is_plain).count();
    text[skipped..].iter().position(is_special).map(|at| skipped + at)
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
