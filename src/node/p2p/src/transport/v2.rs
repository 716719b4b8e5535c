//! Messages encrypted as BIP324 says.
//!
//! The handshake is a straight story (keys, garbage, version) that waits for bytes in its middle, so it is written as
//! an async function over a [`Pipe`], and driven by hand each time that bytes have come. Nothing else ever wakes it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bip324::{CipherSession, GarbageResult, Handshake, PacketType, Role, VersionResult};
use primitives::hex;
use secp256k1::Secp256k1;

use super::v1::V1;
use super::{NAME_LEN, Received, TransportKind, read_name, write_name};
use crate::chance::Chance;
use crate::error::{Rejected, TransportError};
use crate::message::MAX_MESSAGE_LENGTH;

/// The names that are written as one byte, from 1 on. An empty one is not given away yet.
const SHORT_IDS: [&str; 37] = [
    "addr",
    "block",
    "blocktxn",
    "cmpctblock",
    "feefilter",
    "filteradd",
    "filterclear",
    "filterload",
    "getblocks",
    "getblocktxn",
    "getdata",
    "getheaders",
    "headers",
    "inv",
    "mempool",
    "merkleblock",
    "notfound",
    "ping",
    "pong",
    "sendcmpct",
    "tx",
    "getcfilters",
    "cfilter",
    "getcfheaders",
    "cfheaders",
    "getcfcheckpt",
    "cfcheckpt",
    "addrv2",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "feature",
];
const KEY: usize = 64;
const GARBAGE: usize = 4095;
const TERMINATOR: usize = 16;
/// Header byte and authentication tag.
const OVERHEAD: usize = 17;
/// The longest packet: a name in its long form and a payload.
const MAX_CONTENTS: usize = 1 + NAME_LEN + MAX_MESSAGE_LENGTH;
/// What a caller who speaks v1 sends behind the magic.
const V1_START: [u8; 12] = *b"version\0\0\0\0\0";

type Story = Pin<Box<dyn Future<Output = Result<CipherSession, TransportError>> + Send>>;

/// An encrypted connection.
pub(super) struct V2 {
    magic: [u8; 4],
    initiating: bool,
    pipe: Shared,
    state: State,
    waiting: Vec<Vec<u8>>,
    received_any: bool,
}

enum State {
    /// Nobody knows yet whether the caller speaks v1. The handshake waits.
    Maybe(Story),
    /// Keys are exchanged.
    Shaking(Story),
    /// Packets flow.
    Ready { session: Box<CipherSession>, packet: Option<usize> },
    /// Nothing goes any more.
    Broken,
}

impl fmt::Debug for V2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("V2").field("initiating", &self.initiating).field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl V2 {
    pub(super) fn new(magic: [u8; 4], initiating: bool, chance: &mut Chance) -> Self {
        let pipe = Shared::default();
        let mut garbage = vec![0; chance.index(GARBAGE + 1)];
        chance.fill(&mut garbage);
        let role = if initiating { Role::Initiator } else { Role::Responder };
        let story = Box::pin(shake(pipe.clone(), magic, role, chance.fork(), garbage));
        let state = if initiating { State::Shaking(story) } else { State::Maybe(story) };
        let mut it = Self { magic, initiating, pipe, state, waiting: Vec::new(), received_any: false };
        if initiating {
            // The first step only writes our key; no byte of the other side can make it fail.
            it.advance().expect("nothing was received yet");
        }
        it
    }

    /// Takes bytes. If the caller speaks v1, gives back a v1 transport and all bytes that it has to be fed.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<Received>,
    ) -> Result<Option<(V1, Vec<u8>)>, TransportError> {
        if matches!(self.state, State::Broken) {
            return Ok(None);
        }
        self.received_any |= !bytes.is_empty();
        self.pipe.lock().input.extend_from_slice(bytes);
        if matches!(self.state, State::Maybe(_)) {
            let mut start = self.magic.to_vec();
            start.extend_from_slice(&V1_START);
            let held = self.pipe.lock().input.clone();
            let known = held.len().min(start.len());
            if held[..known] == start[..known] {
                return Ok((known == start.len()).then(|| self.fall_back(held)));
            }
        }
        if !self.initiating && !matches!(self.state, State::Ready { .. }) {
            self.check_wrong_magic()?;
        }
        let result = self.advance().and_then(|()| self.read_packets(out));
        if result.is_err() {
            self.state = State::Broken;
        }
        result.map(|()| None)
    }

    fn fall_back(&mut self, held: Vec<u8>) -> (V1, Vec<u8>) {
        self.state = State::Broken;
        (V1::new(self.magic), held)
    }

    /// A v1 caller of another network would otherwise be taken for a key.
    fn check_wrong_magic(&self) -> Result<(), TransportError> {
        let pipe = self.pipe.lock();
        if pipe.taken == 0 && pipe.input.get(4..16) == Some(&V1_START[..]) {
            return Err(TransportError::V1WrongMagic(hex::encode(&pipe.input[..4])));
        }
        Ok(())
    }

    /// Lets the handshake go as far as it can.
    fn advance(&mut self) -> Result<(), TransportError> {
        let mut story = match std::mem::replace(&mut self.state, State::Broken) {
            State::Maybe(story) | State::Shaking(story) => story,
            other => {
                self.state = other;
                return Ok(());
            }
        };
        match story.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.state = State::Shaking(story),
            Poll::Ready(session) => {
                self.state = State::Ready { session: Box::new(session?), packet: None };
                for contents in std::mem::take(&mut self.waiting) {
                    self.write_packet(&contents);
                }
            }
        }
        Ok(())
    }

    fn read_packets(&mut self, out: &mut Vec<Received>) -> Result<(), TransportError> {
        let State::Ready { session, packet } = &mut self.state else { return Ok(()) };
        let mut pipe = self.pipe.lock();
        let mut at = 0;
        loop {
            let rest = &mut pipe.input[at..];
            let size = if let Some(size) = *packet {
                size
            } else {
                let Some(length) = rest.first_chunk::<3>() else { break };
                let size = session.inbound().decrypt_packet_len(*length);
                check_size(size)?;
                *packet = Some(size);
                size
            };
            let Some(cipher) = rest.get_mut(3..3 + size) else { break };
            let contents = size - OVERHEAD;
            let (kind, plain) =
                session.inbound().decrypt_in_place(cipher, None).map_err(|_| TransportError::Decryption(contents))?;
            if kind == PacketType::Genuine {
                out.push(read_contents(&plain[1..]));
            }
            *packet = None;
            at += 3 + size;
        }
        pipe.consume(at);
        Ok(())
    }

    pub(super) fn send(&mut self, name: &str, payload: &[u8]) -> usize {
        let mut contents = Vec::with_capacity(1 + NAME_LEN + payload.len());
        let short = SHORT_IDS.iter().position(|known| *known == name);
        if let Some(id) = short.and_then(|index| u8::try_from(index + 1).ok()) {
            contents.push(id);
        } else {
            contents.push(0);
            contents.extend_from_slice(&write_name(name));
        }
        contents.extend_from_slice(payload);
        let raw_size = contents.len() + OVERHEAD + 3;
        if matches!(self.state, State::Ready { .. }) {
            self.write_packet(&contents);
        } else {
            self.waiting.push(contents);
        }
        raw_size
    }

    fn write_packet(&mut self, contents: &[u8]) {
        if let State::Ready { session, .. } = &mut self.state {
            let packet = session.outbound().encrypt_to_vec(contents, PacketType::Genuine, None);
            self.pipe.lock().output.extend_from_slice(&packet);
        }
    }

    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pipe.lock().output)
    }

    pub(super) fn kind(&self) -> TransportKind {
        match &self.state {
            State::Maybe(_) | State::Shaking(_) => TransportKind::Detecting,
            State::Ready { .. } | State::Broken => TransportKind::V2,
        }
    }

    pub(super) fn session_id(&self) -> Option<[u8; 32]> {
        match &self.state {
            State::Ready { session, .. } => Some(*session.id()),
            _ => None,
        }
    }

    pub(super) fn should_reconnect_v1(&self) -> bool {
        self.initiating && !self.received_any
    }
}

/// `size` is what follows the three bytes of the length.
fn check_size(size: usize) -> Result<(), TransportError> {
    let contents = size - OVERHEAD;
    if contents > MAX_CONTENTS { Err(TransportError::PacketTooLarge(contents)) } else { Ok(()) }
}

/// A packet's contents: a name in its short or long form, and a payload.
pub(super) fn read_contents(contents: &[u8]) -> Received {
    let raw_size = contents.len() + OVERHEAD + 3;
    let found = match contents.split_first() {
        Some((0, rest)) => rest.split_first_chunk::<NAME_LEN>().and_then(|(name, rest)| Some((read_name(name)?, rest))),
        Some((id, rest)) => {
            SHORT_IDS.get(usize::from(*id) - 1).filter(|name| !name.is_empty()).map(|name| (*name, rest))
        }
        None => None,
    };
    match found {
        Some((name, payload)) => Received::Message { name: name.to_owned(), payload: payload.to_vec(), raw_size },
        None => Received::Rejected { reason: Rejected::V2MessageType(contents.len()), raw_size },
    }
}

/// Bytes on their way between the connection and the handshake.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    taken: usize,
    output: Vec<u8>,
}

impl Pipe {
    fn consume(&mut self, count: usize) {
        self.input.drain(..count);
        self.taken += count;
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Pipe>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pipe> {
        // Nothing panics while it holds the lock; if it did, the bytes would still be what they are.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `count` bytes and takes them.
    async fn read(&self, count: usize) -> Vec<u8> {
        poll_fn(|_| {
            let mut pipe = self.lock();
            if pipe.input.len() < count {
                return Poll::Pending;
            }
            let bytes = pipe.input[..count].to_vec();
            pipe.consume(count);
            Poll::Ready(bytes)
        })
        .await
    }

    /// Waits until there are more than `count` bytes, and looks at up to `most` of them.
    async fn peek(&self, count: usize, most: usize) -> Vec<u8> {
        poll_fn(|_| {
            let pipe = self.lock();
            if pipe.input.len() <= count {
                return Poll::Pending;
            }
            Poll::Ready(pipe.input[..pipe.input.len().min(most)].to_vec())
        })
        .await
    }
}

/// Keys, garbage, version.
async fn shake(
    pipe: Shared,
    magic: [u8; 4],
    role: Role,
    mut chance: Chance,
    garbage: Vec<u8>,
) -> Result<CipherSession, TransportError> {
    let failed = |_| TransportError::KeyExchange;
    let mut key = vec![0; KEY + garbage.len()];
    let sent_key = Handshake::new_with_rng(magic, role, &mut chance, &Secp256k1::signing_only())
        .and_then(|start| start.send_key(Some(&garbage), &mut key))
        .map_err(failed)?;
    pipe.lock().output.extend_from_slice(&key);

    let theirs = pipe.read(KEY).await;
    let theirs = *theirs.first_chunk::<KEY>().expect("as many bytes were asked for");
    let mut version = vec![0; TERMINATOR + OVERHEAD + 3];
    let received = match sent_key.receive_key(theirs) {
        Err(bip324::Error::V1Protocol) => {
            // Nobody has such a key by chance: it begins with the magic and does not go on as v1 does. The library refuses
            // it, so what follows never makes sense; that shows when there is too much of it.
            pipe.peek(GARBAGE + TERMINATOR, GARBAGE).await;
            return Err(TransportError::NoGarbageTerminator);
        }
        other => other.map_err(failed)?,
    };
    let mut sent_version = received.send_version(&mut version, None).map_err(failed)?;
    pipe.lock().output.extend_from_slice(&version);

    let mut seen: Vec<u8>;
    let mut known = 0;
    let (mut shaking, consumed) = loop {
        seen = pipe.peek(known, GARBAGE + TERMINATOR).await;
        known = seen.len();
        match sent_version.receive_garbage(&seen).map_err(|_| TransportError::NoGarbageTerminator)? {
            GarbageResult::FoundGarbage { handshake, consumed_bytes } => break (handshake, consumed_bytes),
            GarbageResult::NeedMoreData(same) => sent_version = same,
        }
    };
    pipe.lock().consume(consumed);

    loop {
        let length = pipe.read(3).await;
        let length = *length.first_chunk::<3>().expect("as many bytes were asked for");
        let size = shaking.decrypt_packet_len(length).map_err(failed)?;
        check_size(size)?;
        let mut packet = pipe.read(size).await;
        match shaking.receive_version(&mut packet).map_err(|_| TransportError::Decryption(size - OVERHEAD))? {
            VersionResult::Complete { cipher } => return Ok(cipher),
            VersionResult::Decoy(same) => shaking = same,
        }
    }
}
