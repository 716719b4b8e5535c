//! Cap'n Proto by hand: as much of it as a client needs that does nothing but wait for a server.
//!
//! A library on this side would be half of what is measured. Messages are single segments that are written once and
//! sent with another question number each time; of answers the number, the kind and the first capability are read.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_mins(2);
/// No answer is larger.
const MAX_WORDS: usize = 64 << 20 >> 3;

/// The type ids of Core's interfaces; a method is one of them and a number.
pub(crate) const INIT: u64 = 0x8838_c700_ba5c_ba65;
pub(crate) const MINING: u64 = 0xf9c6_8436_df3a_f39e;
pub(crate) const BLOCK_TEMPLATE: u64 = 0xf967_1ad8_41b2_f622;
pub(crate) const ECHO: u64 = 0xd36b_8964_0dc9_4399;
const THREAD_MAP: u64 = 0xee5e_3717_9ad9_dc9d;
const CONSTRUCT: (u64, u16) = (INIT, 0);
const MAKE_THREAD: (u64, u16) = (THREAD_MAP, 0);

/// What `Message` holds, by the numbers of its union.
mod kind {
    pub(super) const UNIMPLEMENTED: u64 = 0;
    pub(super) const ABORT: u64 = 1;
    pub(super) const CALL: u64 = 2;
    pub(super) const RETURN: u64 = 3;
    pub(super) const FINISH: u64 = 4;
    pub(super) const BOOTSTRAP: u64 = 8;
}

/// `CapDescriptor`: the receiver has it, under a number.
const RECEIVER_HOSTED: u64 = 3;
/// The same for the sender: an object, or one that is promised and can be called as well.
const SENDER_HOSTED: u64 = 1;
const SENDER_PROMISE: u64 = 2;

/// A message that grows by one object at a time.
#[derive(Debug)]
pub(crate) struct Builder(Vec<u64>);

fn word(number: usize) -> u64 {
    u64::try_from(number).expect("usize has at most 64 bits here")
}

impl Builder {
    /// A message of a kind; answers where the pointer to its content is.
    fn message(kind: u64) -> (Builder, usize) {
        let mut builder = Builder(vec![0]);
        let root = builder.object(0, 1, 1);
        builder.0[root] = kind;
        (builder, root + 1)
    }

    fn space(&mut self, words: usize) -> usize {
        let at = self.0.len();
        self.0.resize(at + words, 0);
        at
    }

    /// A struct behind the pointer at `from`; answers where it begins.
    pub(crate) fn object(&mut self, from: usize, data: usize, pointers: usize) -> usize {
        let at = self.space(data + pointers);
        self.0[from] = word(at - from - 1) << 2 | word(data) << 32 | word(pointers) << 48;
        at
    }

    /// Text or data behind the pointer at `from`. Text has a zero at its end.
    pub(crate) fn bytes(&mut self, from: usize, bytes: &[u8], text: bool) {
        let length = bytes.len() + usize::from(text);
        let at = self.space(length.div_ceil(8));
        self.0[from] = 1 | word(at - from - 1) << 2 | 2 << 32 | word(length) << 35;
        for (place, chunk) in bytes.chunks(8).enumerate() {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            self.0[at + place] = u64::from_le_bytes(whole);
        }
    }

    /// Sets a word.
    pub(crate) fn set(&mut self, at: usize, value: u64) {
        self.0[at] = value;
    }

    /// A `Context` behind the pointer at `from`: calls run on the thread that is the first capability of the message.
    pub(crate) fn context(&mut self, from: usize) {
        let context = self.object(from, 0, 2);
        self.0[context] = 3;
    }

    fn frame(self) -> Vec<u8> {
        let mut bytes = (word(self.0.len()) << 32).to_le_bytes().to_vec();
        bytes.extend(self.0.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }
}

/// Where the number of the question is in a frame: behind the frame's header, the root pointer, the message and the
/// pointer to the call.
const QUESTION: usize = 8 + 8 + 16;

/// A call to a capability of the other side, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Call(Vec<u8>);

impl Call {
    /// `content` writes the parameters behind a pointer; `caps` are capabilities of the other side that they name.
    pub(crate) fn new(
        target: u32,
        (interface, method): (u64, u16),
        caps: &[u32],
        content: impl FnOnce(&mut Builder, usize),
    ) -> Call {
        let (mut builder, at) = Builder::message(kind::CALL);
        let call = builder.object(at, 3, 3);
        builder.set(call, u64::from(method) << 32);
        builder.set(call + 1, interface);
        let on = builder.object(call + 3, 1, 1);
        builder.set(on, u64::from(target));
        let payload = builder.object(call + 4, 0, 2);
        content(&mut builder, payload);
        if !caps.is_empty() {
            let table = builder.space(1 + 2 * caps.len());
            builder.0[payload + 1] = 1 | word(table - payload - 2) << 2 | 7 << 32 | word(2 * caps.len()) << 35;
            builder.0[table] = word(caps.len()) << 2 | 1 << 32 | 1 << 48;
            for (place, cap) in caps.iter().enumerate() {
                // No file descriptor comes with it, which is written as zero: the default is turned around.
                builder.0[table + 1 + 2 * place] = RECEIVER_HOSTED | u64::from(*cap) << 32;
            }
        }
        Call(builder.frame())
    }
}

/// A call of a method that takes nothing but a context.
pub(crate) fn in_context(target: u32, method: (u64, u16), thread: u32) -> Call {
    Call::new(target, method, &[thread], |builder, at| {
        let params = builder.object(at, 0, 1);
        builder.context(params);
    })
}

/// What an answer says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) question: u32,
    /// The first capability in it.
    pub(crate) cap: Option<u32>,
    /// Its size on the wire.
    pub(crate) bytes: usize,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: UnixStream,
    out: Vec<u8>,
    /// What was read and not looked at is between `start` and `end`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    next: u32,
}

impl Wire {
    /// Connects, asks for the first object and gets a thread; answers both.
    pub(crate) fn open(path: &Path) -> Result<(Wire, u32, u32)> {
        let stream = UnixStream::connect(path).with_context(|| format!("connecting to {}", path.display()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut wire = Wire { stream, out: Vec::new(), input: vec![0; 64 << 10], start: 0, end: 0, next: 0 };
        let (mut bootstrap, at) = Builder::message(kind::BOOTSTRAP);
        bootstrap.object(at, 1, 1);
        let init = wire.ask_cap(&Call(bootstrap.frame()))?;
        let map = wire.ask_cap(&Call::new(init, CONSTRUCT, &[], |builder, at| {
            builder.object(at, 0, 1);
        }))?;
        let thread = wire.ask_cap(&Call::new(map, MAKE_THREAD, &[], |builder, at| {
            let params = builder.object(at, 0, 1);
            builder.bytes(params, b"bench", true);
        }))?;
        Ok((wire, init, thread))
    }

    /// Puts a call behind what is to be sent; answers its number.
    pub(crate) fn queue(&mut self, call: &Call) -> u32 {
        let question = self.next;
        self.next += 1;
        let at = self.out.len();
        self.out.extend(&call.0);
        self.out[at + QUESTION..at + QUESTION + 4].copy_from_slice(&question.to_le_bytes());
        question
    }

    /// Puts the end of a question behind what is to be sent. With `release` the capabilities in its answer go with it.
    pub(crate) fn finish(&mut self, question: u32, release: bool) {
        let (mut builder, at) = Builder::message(kind::FINISH);
        let finish = builder.object(at, 1, 0);
        // Releasing is the default, and a default is written as zero.
        builder.set(finish, u64::from(question) | u64::from(!release) << 32);
        self.out.extend(builder.frame());
    }

    /// Sends what is queued, in one go.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Result<Answer> {
        loop {
            let bytes = self.message()?;
            let message = &self.input[self.start..self.start + bytes];
            let answer = read_answer(message)?;
            self.start += bytes;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// Reads until a whole message is there; answers its size.
    fn message(&mut self) -> Result<usize> {
        self.want(8)?;
        let segments = usize::try_from(self.half(0))? + 1;
        ensure!(segments <= 512, "a message of {segments} segments");
        let table = (segments / 2 + 1) * 8;
        self.want(table)?;
        let words: usize = (1..=segments).map(|part| usize::try_from(self.half(part)).unwrap_or(MAX_WORDS)).sum();
        ensure!(words <= MAX_WORDS, "a message of {words} words");
        self.want(table + words * 8)?;
        Ok(table + words * 8)
    }

    fn half(&self, place: usize) -> u32 {
        half(&self.input[self.start..], place)
    }

    /// Reads until so many bytes are there.
    fn want(&mut self, bytes: usize) -> Result<()> {
        while self.end - self.start < bytes {
            if self.start > 0 {
                self.input.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.input.len() < bytes {
                self.input.resize(bytes, 0);
            }
            let read = self.stream.read(&mut self.input[self.end..])?;
            ensure!(read > 0, "the server hung up");
            self.end += read;
        }
        Ok(())
    }

    /// Whether the beginning of another message has come already.
    pub(crate) fn has_more(&self) -> bool {
        self.end > self.start
    }

    /// Asks and waits.
    pub(crate) fn ask(&mut self, call: &Call) -> Result<Answer> {
        let question = self.queue(call);
        self.flush()?;
        let answer = self.answer()?;
        ensure!(answer.question == question, "an answer to another question");
        Ok(answer)
    }

    /// Asks for a capability, and keeps it.
    pub(crate) fn ask_cap(&mut self, call: &Call) -> Result<u32> {
        let answer = self.ask(call)?;
        self.finish(answer.question, false);
        answer.cap.context("no capability in the answer")
    }
}

fn half(bytes: &[u8], place: usize) -> u32 {
    bytes.get(place * 4..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// A place in a message: the segment, and the word in it.
type Place = (usize, usize);

/// The segments of a message.
struct Words<'a>(Vec<&'a [u8]>);

impl<'a> Words<'a> {
    fn new(message: &'a [u8]) -> Result<Words<'a>> {
        let segments = usize::try_from(half(message, 0))? + 1;
        let mut rest = message.get((segments / 2 + 1) * 8..).context("a message that is cut short")?;
        let mut all = Vec::new();
        for part in 1..=segments {
            let bytes = usize::try_from(half(message, part))? * 8;
            let (segment, behind) = rest.split_at_checked(bytes).context("a message that is cut short")?;
            all.push(segment);
            rest = behind;
        }
        Ok(Words(all))
    }

    fn at(&self, (segment, place): Place) -> Result<u64> {
        let segment = self.0.get(segment).context("a pointer leads nowhere")?;
        let chunk = segment.get(place * 8..).and_then(<[u8]>::first_chunk).context("a pointer leads nowhere")?;
        Ok(u64::from_le_bytes(*chunk))
    }

    /// Where the pointer at a place is in truth: it may say that it is in another segment.
    fn pointer(&self, place: Place) -> Result<Place> {
        let pointer = self.at(place)?;
        if pointer & 7 != 2 {
            return Ok(place);
        }
        Ok((usize::try_from(pointer >> 32)?, usize::try_from(pointer >> 3 & 0x1fff_ffff)?))
    }

    /// Where the pointer at a place leads; `None` if it is null or no pointer to an object.
    fn follow(&self, place: Place) -> Result<Option<Place>> {
        let (segment, place) = self.pointer(place)?;
        let pointer = self.at((segment, place))?;
        if pointer == 0 || pointer & 3 > 1 {
            return Ok(None);
        }
        // Thirty bits with a sign, behind the kind.
        let offset = i32::from_le_bytes((u32::try_from(pointer & 0xffff_ffff)?).to_le_bytes()) >> 2;
        let target = i64::try_from(place)? + 1 + i64::from(offset);
        Ok(Some((segment, usize::try_from(target)?)))
    }

    /// The first pointer of a struct whose pointer is at a place.
    fn pointers(&self, place: Place) -> Result<Option<Place>> {
        let data = usize::try_from(self.at(self.pointer(place)?)? >> 32 & 0xffff)?;
        Ok(self.follow(place)?.map(|(segment, at)| (segment, at + data)))
    }

    /// Everything, for a person.
    fn text(&self) -> String {
        self.0.iter().map(|segment| String::from_utf8_lossy(segment)).collect()
    }
}

/// The word behind a place.
fn behind((segment, place): Place) -> Place {
    (segment, place + 1)
}

/// Reads a message as an answer; `None` if it is something that a client may overlook.
fn read_answer(message: &[u8]) -> Result<Option<Answer>> {
    let words = Words::new(message)?;
    let root = words.follow((0, 0))?.context("an empty message")?;
    match words.at(root)? & 0xffff {
        kind::RETURN => {}
        kind::ABORT | kind::UNIMPLEMENTED => bail!("the server refuses: {}", words.text()),
        _ => return Ok(None),
    }
    let pointer = behind(root);
    let head = words.at(words.follow(pointer)?.context("an empty answer")?)?;
    ensure!(head >> 48 == 0, "an answer that is none: {}", words.text());
    let content = words.pointers(pointer)?.context("an answer without content")?;
    let table = words.pointers(content)?.map(|payload| words.follow(behind(payload))).transpose()?.flatten();
    let cap = match table {
        // The tag of the list says how many there are.
        Some(table) if words.at(table)? >> 2 & 0x3fff_ffff > 0 => {
            let first = words.at(behind(table))?;
            let callable = [SENDER_HOSTED, SENDER_PROMISE].contains(&(first & 0xffff));
            callable.then(|| u32::try_from(first >> 32)).transpose()?
        }
        _ => None,
    };
    let question = u32::try_from(head & 0xffff_ffff)?;
    Ok(Some(Answer { question, cap, bytes: message.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Return` with a capability, as the library writes it: kept as bytes, because this file shall not judge itself.
    fn returned(question: u32, cap: u32) -> Vec<u8> {
        let words: [u64; 14] = [
            1 << 32 | 1 << 48,                    // the message: one word, one pointer
            kind::RETURN,                         // its kind
            2 << 32 | 1 << 48,                    // the answer: two words, one pointer
            u64::from(question),                  // results, releasing parameters
            0,                                    //
            2 << 48,                              // the payload: two pointers
            1 << 2 | 1 << 48,                     // the content, behind the table's pointer
            1 | 1 << 2 | 7 << 32 | 2 << 35,       // the table: two words
            3,                                    // the content: the first capability
            1 << 2 | 1 << 32 | 1 << 48,           // one descriptor of a word and a pointer
            SENDER_HOSTED | u64::from(cap) << 32, // it
            0,                                    //
            0,                                    //
            0,                                    //
        ];
        let mut bytes = (word(words.len()) << 32).to_le_bytes().to_vec();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    #[test]
    fn answers_are_read() {
        let bytes = returned(7, 9);
        let answer = read_answer(&bytes).unwrap().unwrap();
        assert_eq!(answer, Answer { question: 7, cap: Some(9), bytes: bytes.len() });
        assert_eq!(read_answer(&Builder::message(6).0.frame()).unwrap(), None);
        assert!(read_answer(&Builder::message(kind::ABORT).0.frame()).is_err());
        for cut in 8..bytes.len() {
            // Whatever is missing, it is an error or an answer, and no panic.
            drop(read_answer(&bytes[..cut]));
        }
    }

    #[test]
    fn a_table_may_be_in_another_segment() {
        let words: [u64; 12] = [
            1 << 32 | 1 << 48,
            kind::RETURN,
            2 << 32 | 1 << 48,
            5,
            0,
            2 << 48,
            3,
            1 << 32 | 2,
            1 | 7 << 32 | 2 << 35,
            1 << 2 | 1 << 32 | 1 << 48,
            SENDER_HOSTED | 6 << 32,
            0,
        ];
        let mut bytes = [1_u32, 8, 4, 0].iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<_>>();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let answer = read_answer(&bytes).unwrap().unwrap();
        assert_eq!(answer, Answer { question: 5, cap: Some(6), bytes: 112 });
    }

    #[test]
    fn a_call_gets_its_number_where_the_server_looks_for_it() {
        let call = Call::new(3, (0x1234, 5), &[8], Builder::context);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut wire = Wire { stream: ours, out: Vec::new(), input: Vec::new(), start: 0, end: 0, next: 77 };
        assert_eq!(wire.queue(&call), 77);
        wire.finish(77, true);
        wire.flush().unwrap();
        let mut bytes = vec![0; call.0.len()];
        theirs.read_exact(&mut bytes).unwrap();
        let at = |place: usize| half(&bytes[8..], place);
        // Behind the root, the message and its pointer: number, method, and the interface.
        assert_eq!((at(6), at(7), at(8)), (77, 5, 0x1234));
        theirs.write_all(&returned(77, 4)).unwrap();
        assert_eq!(wire.answer().unwrap().cap, Some(4));
    }
}
