//! The bytes of ZMTP 3.0, as far as a publisher without encryption needs them: the greeting, the handshake, frames.

use std::io::{self, Read, Write};

/// Frames of subscribers are short: a topic and a byte. Longer ones are no subscription of anybody's.
const MAX_FRAME: u64 = 4096;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
const GREETING: usize = 64;

/// What both sides begin with: a signature, the version, the mechanism `NULL`.
pub(super) fn greeting() -> [u8; GREETING] {
    let mut bytes = [0; GREETING];
    (bytes[0], bytes[9], bytes[10]) = (0xff, 0x7f, 3);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    is_command: bool,
    body: Vec<u8>,
}

/// What a subscriber wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Messages whose topic begins so.
    Subscribe(Vec<u8>),
    /// No longer those.
    Cancel(Vec<u8>),
}

impl Frame {
    pub(super) fn wish(self) -> Option<Wish> {
        let (first, topic) = self.body.split_first().filter(|_| !self.is_command)?;
        match first {
            1 => Some(Wish::Subscribe(topic.to_vec())),
            0 => Some(Wish::Cancel(topic.to_vec())),
            _ => None,
        }
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Greets, and says that this is a publisher. Ends when the other side has done the same.
pub(super) fn shake_hands(stream: &mut (impl Read + Write)) -> io::Result<()> {
    stream.write_all(&greeting())?;
    let mut theirs = [0; GREETING];
    stream.read_exact(&mut theirs)?;
    if theirs[0] != 0xff || theirs[9] & 1 != 1 || theirs[10] < 3 || theirs[12..32] != greeting()[12..32] {
        return Err(bad("not a greeting of ZMTP 3"));
    }
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0\x03PUB".to_vec();
    let length = u8::try_from(ready.len()).expect("a short constant");
    ready.splice(0..0, [COMMAND, length]);
    stream.write_all(&ready)?;
    let frame = read_frame(stream)?;
    if frame.is_command && frame.body.starts_with(b"\x05READY") { Ok(()) } else { Err(bad("not a handshake")) }
}

/// The next frame. One that is too long is an error.
pub(super) fn read_frame(stream: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let [flags, short] = head;
    let length = if flags & LONG == 0 {
        u64::from(short)
    } else {
        let mut rest = [0; 8];
        rest[0] = short;
        stream.read_exact(&mut rest[1..])?;
        u64::from_be_bytes(rest)
    };
    let length = usize::try_from(length).ok().filter(|_| length <= MAX_FRAME).ok_or_else(|| bad("too long a frame"))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Frame { is_command: flags & COMMAND != 0, body })
}

/// A message of several parts.
pub(super) fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 9).sum());
    for (n, part) in parts.iter().enumerate() {
        let more = if n + 1 < parts.len() { MORE } else { 0 };
        if let Ok(length) = u8::try_from(part.len()) {
            out.extend([more, length]);
        } else {
            out.push(more | LONG);
            let length = u64::try_from(part.len()).expect("a length fits into 64 bits");
            out.extend(length.to_be_bytes());
        }
        out.extend_from_slice(part);
    }
    out
}
