//! Frames on a socket: what `capnp-rpc` sends and receives. What the library sees of it is in [`crate::network`].
//!
//! Ours instead of the library's for three reasons. Everything queued in one turn of the loop leaves in one system call.
//! Sizes are checked before memory is taken, in both directions. And each message is looked at before the library sees
//! it, so that a peer that opens calls without end is cut off at a number and not when memory is gone.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize::{OwnedSegments, SegmentLengthsBuilder};
use capnp_rpc::rpc_capnp::{message, return_};
use futures::channel::oneshot;
use linger::Linger;
use socket2::SockRef;
use tokio::io::{AsyncRead as _, ReadBuf};

use crate::limits::Limits;
use crate::socket::{ReadHalf, Stream, WriteHalf};

/// What is read from the socket at a time, unless a message is larger.
const READ_BYTES: usize = 64 << 10;
/// What the system may keep of messages that the peer has not read yet.
const SEND_BYTES: usize = 2 << 20;
/// Segments that a message may have; the library's own limit.
const MAX_SEGMENTS: usize = 512;
/// Parts handed to one system call.
const MAX_SLICES: usize = 64;
const WORD: usize = 8;
/// How long a closing connection tries to send what is queued.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(crate) type Message = Rc<Builder<HeapAllocator>>;

/// A message that has arrived.
pub(crate) type Received = capnp::message::Reader<OwnedSegments>;

/// A message on its way out: its frame header, itself, and how long both are.
struct Frame {
    header: Vec<u8>,
    message: Message,
    bytes: usize,
}

#[derive(Default)]
struct Output {
    queue: VecDeque<Frame>,
    /// How much of the first frame is written.
    written: usize,
    queued_bytes: usize,
    /// Set when nothing more will be queued.
    closing: bool,
    /// Set when nothing more will be written.
    done: bool,
    writer: Option<Waker>,
    on_done: Vec<oneshot::Sender<()>>,
}

/// The socket and what belongs to both directions.
pub(crate) struct Wire {
    stream: WriteHalf,
    limits: Limits,
    output: RefCell<Output>,
    input: RefCell<Input>,
    linger: Rc<Linger>,
}

/// What is known of the peer's side of the conversation.
struct Input {
    stream: ReadHalf,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Calls that the peer has made and not finished.
    open: HashSet<u32>,
}

impl Wire {
    pub(crate) fn new(stream: Stream, limits: Limits, linger: Rc<Linger>) -> Rc<Self> {
        // A message that fits goes out at once, however slowly the peer reads. The system may grant less.
        SockRef::from(&stream).set_send_buffer_size(SEND_BYTES).ok();
        let (reading, stream) = stream.into_split();
        let input = Input { stream: reading, buffer: vec![0; READ_BYTES], start: 0, end: 0, open: HashSet::new() };
        Rc::new(Self { stream, limits, output: RefCell::default(), input: RefCell::new(input), linger })
    }

    /// Ends both directions: the reader sees the end of the stream, the writer stops.
    pub(crate) fn hang_up(&self) {
        // It fails if the peer was faster, which is as good.
        SockRef::from(self.stream.as_ref()).shutdown(Shutdown::Both).ok();
        let mut output = self.output.borrow_mut();
        output.queue.clear();
        output.queued_bytes = 0;
        output.closing = true;
        if let Some(writer) = output.writer.take() {
            writer.wake();
        }
    }

    /// Lets what is queued go out, and nothing more. Tells when it has.
    pub(crate) fn close(&self) -> oneshot::Receiver<()> {
        let (done, on_done) = oneshot::channel();
        let mut output = self.output.borrow_mut();
        output.closing = true;
        if output.done {
            done.send(()).ok();
        } else {
            output.on_done.push(done);
        }
        if let Some(writer) = output.writer.take() {
            writer.wake();
        }
        on_done
    }

    pub(crate) fn send(&self, message: Message) {
        let header = frame_header(&message);
        let bytes = header.len() + message.size_in_words() * WORD;
        let mut output = self.output.borrow_mut();
        if output.closing {
            return;
        }
        output.queued_bytes += bytes;
        output.queue.push_back(Frame { header, message, bytes });
        if output.queued_bytes > self.limits.unsent_bytes {
            drop(output);
            tracing::warn!(target: "ipc", "ipc: disconnecting a peer that does not read what it asked for");
            self.hang_up();
        } else if let Some(writer) = output.writer.take() {
            writer.wake();
        }
    }

    /// Writes what is queued until the connection closes.
    pub(crate) async fn write(self: Rc<Self>) {
        loop {
            let more = poll_fn(|context| {
                let mut output = self.output.borrow_mut();
                if !output.queue.is_empty() {
                    Poll::Ready(true)
                } else if output.closing {
                    Poll::Ready(false)
                } else {
                    output.writer = Some(context.waker().clone());
                    Poll::Pending
                }
            })
            .await;
            if !more {
                break;
            }
            match self.write_some() {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // The last words of a connection do not wait for a peer that does not read.
                    let patience = if self.output.borrow().closing { LAST_WORDS } else { Duration::MAX };
                    if !matches!(tokio::time::timeout(patience, self.stream.writable()).await, Ok(Ok(()))) {
                        self.hang_up();
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.hang_up(),
            }
        }
        let mut output = self.output.borrow_mut();
        output.done = true;
        for waiting in output.on_done.drain(..) {
            waiting.send(()).ok();
        }
    }

    /// One system call's worth.
    fn write_some(&self) -> io::Result<()> {
        let mut output = self.output.borrow_mut();
        let written = {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let mut used = 0;
            let mut skip = output.written;
            for frame in &output.queue {
                let segments = frame.message.get_segments_for_output();
                for part in std::iter::once(frame.header.as_slice()).chain(segments.iter().copied()) {
                    if skip >= part.len() {
                        skip -= part.len();
                    } else if used < MAX_SLICES {
                        slices[used] = IoSlice::new(&part[skip..]);
                        used += 1;
                        skip = 0;
                    }
                }
                if used >= MAX_SLICES {
                    break;
                }
            }
            self.stream.try_write_vectored(&slices[..used])?
        };
        output.written += written;
        while let Some(bytes) = output.queue.front().map(|first| first.bytes)
            && output.written >= bytes
        {
            output.written -= bytes;
            output.queued_bytes -= bytes;
            output.queue.pop_front();
        }
        Ok(())
    }

    /// Receives the next message; `None` at the end of the stream.
    pub(crate) async fn receive(self: Rc<Self>) -> capnp::Result<Option<Received>> {
        // Each word may be read twice: once here, once by the method.
        let words = (self.limits.message_bytes / WORD).saturating_mul(2);
        let options = ReaderOptions { traversal_limit_in_words: Some(words), nesting_limit: self.limits.nesting };
        let Some(body) = self.read().await? else { return Ok(None) };
        // A call is often done at once, and who has an answer often asks again.
        self.linger.stay();
        let message = capnp::message::Reader::new(body, options);
        self.inspect(&message)?;
        Ok(Some(message))
    }

    /// Reads the next message.
    async fn read(&self) -> capnp::Result<Option<OwnedSegments>> {
        let Some(first) = self.read_header(WORD).await? else { return Ok(None) };
        let segments = u32_at(&first, 0).checked_add(1).map(to_usize).filter(|count| *count < MAX_SEGMENTS);
        let Some(segments) = segments else { return Err(refused("Too many segments")) };
        // The table is padded to whole words: the count and one length are in the first.
        let table = match segments / 2 * WORD {
            0 => Vec::new(),
            bytes => self.read_header(bytes).await?.ok_or_else(cut_off)?,
        };
        let mut lengths = SegmentLengthsBuilder::with_capacity(segments);
        lengths.try_push_segment(to_usize(u32_at(&first, 4)))?;
        for index in 0..segments - 1 {
            lengths.try_push_segment(to_usize(u32_at(&table, index * 4)))?;
        }
        if lengths.total_words() > self.limits.message_bytes / WORD {
            return Err(refused("the message is too large"));
        }
        let mut body = lengths.into_owned_segments();
        self.read_body(&mut body).await?;
        Ok(Some(body))
    }

    /// Reads exactly this many bytes through the buffer. `None` if the stream ends before the first.
    async fn read_header(&self, bytes: usize) -> capnp::Result<Option<Vec<u8>>> {
        loop {
            {
                let mut input = self.input.borrow_mut();
                if input.end - input.start >= bytes {
                    let header = input.buffer[input.start..input.start + bytes].to_vec();
                    input.start += bytes;
                    return Ok(Some(header));
                }
                if input.start > 0 {
                    let (start, end) = (input.start, input.end);
                    input.buffer.copy_within(start..end, 0);
                    input.buffer[end - start..end].fill(0);
                    input.start = 0;
                    input.end = end - start;
                }
            }
            let read = poll_fn(|context| {
                let Input { stream, buffer, end, .. } = &mut *self.input.borrow_mut();
                poll_read(stream, context, &mut buffer[*end..])
            });
            match read.await {
                Ok(0) if self.input.borrow().end == 0 => return Ok(None),
                Ok(0) => return Err(cut_off()),
                Ok(read) => self.input.borrow_mut().end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Fills `body` from the buffer and then from the socket itself.
    async fn read_body(&self, body: &mut [u8]) -> capnp::Result<()> {
        let mut filled = {
            let mut input = self.input.borrow_mut();
            let there = (input.end - input.start).min(body.len());
            let start = input.start;
            body[..there].copy_from_slice(&input.buffer[start..start + there]);
            // Requests hold passphrases and keys: the buffer lives as long as the connection, and shall not keep them.
            input.buffer[start..start + there].fill(0);
            input.start += there;
            there
        };
        while filled < body.len() {
            let read = poll_fn(|context| poll_read(&mut self.input.borrow_mut().stream, context, &mut body[filled..]));
            match read.await {
                Ok(0) => return Err(cut_off()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Looks at a message before the library does.
    fn inspect(&self, reader: &Received) -> capnp::Result<()> {
        let open = &mut self.input.borrow_mut().open;
        let root: message::Reader<'_> = reader.get_root()?;
        match root.which() {
            Ok(message::Call(call)) => {
                let call = call?;
                open.insert(call.get_question_id());
                self.check_capabilities(call.get_params()?.get_cap_table()?.len())?;
            }
            Ok(message::Bootstrap(bootstrap)) => {
                open.insert(bootstrap?.get_question_id());
            }
            Ok(message::Finish(finish)) => {
                open.remove(&finish?.get_question_id());
            }
            Ok(message::Return(answer)) => {
                if let return_::Results(results) = answer?.which()? {
                    self.check_capabilities(results?.get_cap_table()?.len())?;
                }
            }
            _ => {}
        }
        if open.len() > self.limits.calls { Err(refused("too many calls are open")) } else { Ok(()) }
    }

    fn check_capabilities(&self, count: u32) -> capnp::Result<()> {
        if count > self.limits.capabilities { Err(refused("too many capabilities in one message")) } else { Ok(()) }
    }
}

/// One system call's worth. Unlike its counterpart for shared streams, this knows that a read that fills less than it
/// could has emptied the socket, and saves the call that would only say so.
fn poll_read(stream: &mut ReadHalf, context: &mut std::task::Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut into = ReadBuf::new(into);
    Pin::new(stream).poll_read(context, &mut into).map_ok(|()| into.filled().len())
}

fn frame_header(message: &Message) -> Vec<u8> {
    let segments = message.get_segments_for_output();
    let mut header = Vec::with_capacity(WORD + segments.len() / 2 * WORD);
    let count = u32::try_from(segments.len() - 1).expect("a message in memory has few segments");
    header.extend(count.to_le_bytes());
    for segment in segments.iter() {
        let words = u32::try_from(segment.len() / WORD).expect("a segment is allocated by 32-bit word counts");
        header.extend(words.to_le_bytes());
    }
    header.resize(header.len().next_multiple_of(WORD), 0);
    header
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).expect("usize has at least 32 bits here")
}

fn cut_off() -> capnp::Error {
    capnp::Error::disconnected("Premature end of file".to_owned())
}

fn refused(why: &str) -> capnp::Error {
    tracing::warn!(target: "ipc", "ipc: disconnecting a peer: {why}");
    capnp::Error::failed(why.to_owned())
}
