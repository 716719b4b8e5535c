//! What Tor says: lines with a number, and what stands in them.

use std::collections::BTreeMap;

/// How long a line may be, its end not counted, and how many lines an answer may have. Tor itself knows no limits.
const MAX_LINE: usize = 100_000;
const MAX_LINES: usize = 1000;
/// In front of each line: a number, and whether more lines follow.
const PREFIX: usize = 4;

/// Why a connection to Tor is given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TorError {
    /// A line never ends.
    #[error("Error processing receive buffer: max_line_length exceeded by LineReader")]
    LongLine,
    /// An answer never ends.
    #[error("Error processing receive buffer: Control port reply exceeded {MAX_LINES} lines, disconnecting")]
    ManyLines,
    /// Tor does not take what it is sent.
    #[error("Error sending command: timeout")]
    Slow,
    /// The connection broke.
    #[error("Error reading from socket: {0}")]
    Io(#[from] std::io::Error),
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) lines: Vec<String>,
}

/// Puts answers together from what comes.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    buffer: Vec<u8>,
    reply: Reply,
}

impl Lines {
    /// Takes bytes, and gives the answers that are whole now.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Reply>, TorError> {
        let mut done = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, ended) = part.strip_suffix(b"\n").map_or((part, false), |line| (line, true));
            if self.buffer.len() + line.len() > MAX_LINE {
                return Err(TorError::LongLine);
            }
            self.buffer.extend_from_slice(line);
            if ended {
                let line = std::mem::take(&mut self.buffer);
                self.line(&line, &mut done)?;
            }
        }
        Ok(done)
    }

    fn line(&mut self, line: &[u8], done: &mut Vec<Reply>) -> Result<(), TorError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.reply.lines.len() == MAX_LINES {
            return Err(TorError::ManyLines);
        }
        let Some((prefix, text)) = line.split_at_checked(PREFIX) else { return Ok(()) };
        let digits = std::str::from_utf8(&prefix[..3]).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        self.reply.code = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
        self.reply.lines.push(String::from_utf8_lossy(text).into_owned());
        if prefix[3] == b' ' {
            done.push(std::mem::take(&mut self.reply));
        }
        Ok(())
    }
}

/// A line as its first word and the rest.
pub(crate) fn first_word(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// `KEY=value KEY="value"`: what each key stands for. Nothing if it breaks off; words without a value end it.
pub(crate) fn mapping(text: &str) -> BTreeMap<String, Vec<u8>> {
    let (mut map, mut rest) = (BTreeMap::new(), text.as_bytes());
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'=' | b' ')) else { return BTreeMap::new() };
        if rest[end] == b' ' {
            break;
        }
        let key = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        let value = if let Some(quoted) = rest.strip_prefix(b"\"") {
            let Some((value, behind)) = unquote(quoted) else { return BTreeMap::new() };
            rest = behind;
            value
        } else {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            let value = rest[..end].to_vec();
            rest = &rest[end..];
            value
        };
        rest = rest.strip_prefix(b" ").unwrap_or(rest);
        map.insert(key, value);
    }
    map
}

/// What stands up to the closing quote, with the escapes of C, and what follows it.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut value, mut rest) = (Vec::new(), text);
    loop {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            b'"' => return Some((value, rest)),
            b'\\' => {
                let (escaped, behind) = rest.split_first()?;
                match escaped {
                    b'n' => value.push(b'\n'),
                    b't' => value.push(b'\t'),
                    b'r' => value.push(b'\r'),
                    b'0'..=b'7' => {
                        let (octal, behind) = octal(rest);
                        value.push(octal);
                        rest = behind;
                        continue;
                    }
                    other => value.push(*other),
                }
                rest = behind;
            }
            other => value.push(*other),
        }
    }
}

/// Up to three octal digits that make a byte: the first of three is at most 3.
fn octal(text: &[u8]) -> (u8, &[u8]) {
    let most = if text[0] <= b'3' { 3 } else { 2 };
    let count = text.iter().take(most).take_while(|byte| (b'0'..=b'7').contains(*byte)).count();
    let value = text[..count].iter().fold(0_u8, |value, digit| value << 3 | (digit - b'0'));
    (value, &text[count..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.receive(b"250-PROTOCOLINFO 1\r\n250-AUTH METH").unwrap(), []);
        assert_eq!(lines.receive(b"ODS=NULL\r\nx\r\n250 OK").unwrap(), []);
        let reply =
            Reply { code: 250, lines: ["PROTOCOLINFO 1", "AUTH METHODS=NULL", "OK"].map(String::from).to_vec() };
        assert_eq!(lines.receive(b"\r\n").unwrap(), [reply]);
        assert_eq!(lines.receive(b"abc x\n").unwrap(), [Reply { code: 0, lines: vec!["x".into()] }]);
    }

    #[test]
    fn limits() {
        let mut line = vec![b'A'; MAX_LINE];
        line.push(b'\n');
        Lines::default().receive(&line).unwrap();
        line.insert(0, b'A');
        assert!(matches!(Lines::default().receive(&line), Err(TorError::LongLine)));
        assert!(matches!(Lines::default().receive(&line[..=MAX_LINE]), Err(TorError::LongLine)), "before it ends");
        let mut many = b"250-x\n".repeat(MAX_LINES - 1);
        many.extend(b"250 OK\n");
        assert_eq!(Lines::default().receive(&many).unwrap().len(), 1);
        let endless = b"250-x\n".repeat(MAX_LINES + 1);
        assert!(matches!(Lines::default().receive(&endless), Err(TorError::ManyLines)));
    }

    #[test]
    fn keys_and_values() {
        let map = |text: &str| mapping(text).into_iter().map(|(key, value)| (key, String::from_utf8(value).unwrap()));
        let pairs = |text: &str| map(text).map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
        assert_eq!(
            pairs(r#"METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/home/x/.tor/control_auth_cookie""#),
            ["COOKIEFILE=/home/x/.tor/control_auth_cookie", "METHODS=COOKIE,SAFECOOKIE"]
        );
        assert_eq!(pairs("Foo=Bar=Baz Spam="), ["Foo=Bar=Baz", "Spam="]);
        assert_eq!(pairs("Foo=Bar OPT ARGS"), ["Foo=Bar"]);
        for broken in ["Foo", "Foo=\"Bar", "Foo=\"Bar\\\"", "A=B Foo"] {
            assert!(pairs(broken).is_empty(), "{broken}");
        }
        let escapes = [
            (r#"X="a\"b\\c""#, &b"a\"b\\c"[..]),
            (r#"X="\n\t\r\q""#, b"\n\t\rq"),
            (r#"X="\1a\01\377\0""#, b"\x01a\x01\xff\0"),
            (r#"X="\400\18""#, b"\x200\x018"),
        ];
        for (text, expected) in escapes {
            assert_eq!(mapping(text)["X"], expected, "{text}");
        }
    }
}
