//! A peer of the daemon that a scenario holds in its hand: it speaks version 1 or 2 of the transport, says what it is
//! told to, right or wrong, and waits for what it expects.
//!
//! Messages are those of the `bitcoin` crate and the second transport is that of the `bip324` crate, so nothing here
//! shares a line with what it judges. [`transport`] moves messages, [`Peer`] holds the conversation. There is no
//! thread behind it: a peer reads when it waits, and answers a `ping` that it meets then.

mod transport;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bitcoin::BlockHash;
use bitcoin::hashes::Hash as _;
use bitcoin::p2p::ServiceFlags;
use bitcoin::p2p::address::Address;
use bitcoin::p2p::message::NetworkMessage;
use bitcoin::p2p::message_blockdata::{GetHeadersMessage, Inventory};
use bitcoin::p2p::message_network::VersionMessage;

use crate::node::Node;
use crate::wait::{DEADLINE, until};
pub use transport::Transport;
use transport::{Link, Received};

/// The version of the protocol that is spoken.
const VERSION: u32 = 70016;

/// What a peer claims to be.
#[derive(Debug, Clone)]
pub struct Character {
    /// How it talks.
    pub transport: Transport,
    /// Services that it claims to offer.
    pub services: ServiceFlags,
    /// Whether it wants to hear of transactions.
    pub relay: bool,
    /// Its name.
    pub agent: &'static str,
}

impl Character {
    /// A full node.
    pub fn new(transport: Transport) -> Character {
        let services = ServiceFlags::NETWORK | ServiceFlags::WITNESS;
        Character { transport, services, relay: true, agent: "/functional-peer:1/" }
    }
}

/// A peer with a connection to the daemon.
pub struct Peer {
    link: Link,
    name: String,
    nonce: u64,
    /// What the daemon said of itself.
    pub version: Option<VersionMessage>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Peer {
    /// Calls the daemon and introduces itself.
    pub fn connect(node: &Node, magic: [u8; 4], character: &Character) -> Result<Peer> {
        let mut peer = Peer::call(node, magic, character.transport)?;
        peer.introduce(character)?;
        Ok(peer)
    }

    /// Calls a daemon of which only the address is known, and introduces itself.
    pub fn at(address: SocketAddr, magic: [u8; 4], character: &Character) -> Result<Peer> {
        let stream = TcpStream::connect(address).with_context(|| format!("calling {address}"))?;
        let mut peer = Peer::over(stream, magic, character.transport, true)?;
        peer.introduce(character)?;
        Ok(peer)
    }

    /// Calls the daemon and says nothing yet. Version 2 has agreed on keys when this returns.
    pub fn call(node: &Node, magic: [u8; 4], transport: Transport) -> Result<Peer> {
        let address = node.p2p().context("the node does not listen to peers")?;
        let stream = TcpStream::connect(address).with_context(|| format!("calling {address}"))?;
        Peer::over(stream, magic, transport, true)
    }

    fn over(stream: TcpStream, magic: [u8; 4], transport: Transport, calls: bool) -> Result<Peer> {
        let name = format!("{}, {transport:?}", stream.local_addr()?);
        let link = Link::open(stream, magic, transport, calls).with_context(|| format!("meeting {name}"))?;
        Ok(Peer { link, name, nonce: 0, version: None })
    }

    /// The daemon is told to call, and is met as it is expected to.
    pub fn called_by(node: &mut Node, magic: [u8; 4], character: &Character) -> Result<Peer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?.to_string();
        let second = character.transport == Transport::V2;
        node.call("addnode", &[address.as_str().into(), "onetry".into(), second.into()])?;
        listener.set_nonblocking(true)?;
        let stream = until("the daemon's call", DEADLINE, || Ok(listener.accept().ok()))?.0;
        stream.set_nonblocking(false)?;
        let mut peer = Peer::over(stream, magic, character.transport, false)?;
        peer.introduce(character)?;
        Ok(peer)
    }

    /// Says who it is, learns who the daemon is, and waits until both know that.
    pub fn introduce(&mut self, character: &Character) -> Result<()> {
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let address = Address::new(&nobody, ServiceFlags::NONE);
        let mut version =
            VersionMessage::new(character.services, 0, address.clone(), address, 1, character.agent.to_owned(), 0);
        version.version = VERSION;
        version.timestamp = i64::try_from(now().as_secs())?;
        version.relay = character.relay;
        version.nonce = u64::try_from(now().as_nanos() & 0xffff_ffff)?;
        self.send(NetworkMessage::Version(version))?;
        self.send(NetworkMessage::WtxidRelay)?;
        self.send(NetworkMessage::SendAddrV2)?;
        let (mut heard, mut agreed) = (false, false);
        while !(heard && agreed) {
            match self.next("the introduction")? {
                NetworkMessage::Version(theirs) => {
                    self.version = Some(theirs);
                    self.send(NetworkMessage::Verack)?;
                    heard = true;
                }
                NetworkMessage::Verack => agreed = true,
                _ => {}
            }
        }
        self.sync()
    }

    /// Says something.
    pub fn send(&mut self, message: NetworkMessage) -> Result<()> {
        self.link.send(message).with_context(|| self.name.clone())
    }

    /// Says a message that the `bitcoin` crate does not know, or would not write like this.
    pub fn send_raw(&mut self, command: &str, payload: &[u8]) -> Result<()> {
        self.link.send_raw(command, payload).with_context(|| self.name.clone())
    }

    /// Puts bytes on the wire that are no message at all.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.link.send_bytes(bytes).with_context(|| self.name.clone())
    }

    /// The next message, whatever it is.
    fn next(&mut self, what: &str) -> Result<NetworkMessage> {
        match self.link.receive(DEADLINE) {
            Ok(Received::Message(message)) => Ok(*message),
            Ok(Received::Nothing) => bail!("{}: no {what} within {} s", self.name, DEADLINE.as_secs()),
            Ok(Received::End) => bail!("{}: the daemon hung up; {what} was expected", self.name),
            Err(error) => Err(error.context(self.name.clone())),
        }
    }

    /// Waits for a message from which `pick` takes something. Others are passed over, and a `ping` is answered.
    pub fn expect<T>(&mut self, what: &str, mut pick: impl FnMut(NetworkMessage) -> Option<T>) -> Result<T> {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            let message = self.next(what)?;
            if let NetworkMessage::Ping(nonce) = message {
                self.send(NetworkMessage::Pong(nonce))?;
            }
            if let Some(found) = pick(message) {
                return Ok(found);
            }
        }
        bail!("{}: no {what} within {} s", self.name, DEADLINE.as_secs())
    }

    /// Waits until the daemon has dealt with everything that was said. Returns what it said meanwhile.
    pub fn heard(&mut self) -> Result<Vec<NetworkMessage>> {
        self.nonce += 1;
        let nonce = self.nonce;
        self.send(NetworkMessage::Ping(nonce))?;
        let mut said = Vec::new();
        self.expect("pong", |message| {
            if message == NetworkMessage::Pong(nonce) {
                return Some(());
            }
            said.push(message);
            None
        })?;
        Ok(said)
    }

    /// The same, when nobody wants to know what was said.
    pub fn sync(&mut self) -> Result<()> {
        self.heard().map(drop)
    }

    /// Waits until the daemon hangs up.
    pub fn expect_end(&mut self) -> Result<()> {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            match self.link.receive(DEADLINE) {
                // A daemon that hangs up with something unread resets the connection.
                Ok(Received::End) | Err(_) => return Ok(()),
                Ok(Received::Message(_)) => {}
                Ok(Received::Nothing) => break,
            }
        }
        bail!("{}: the daemon did not hang up", self.name)
    }

    /// The daemon's headers behind a block, or from the first one.
    pub fn headers_after(&mut self, block: Option<BlockHash>) -> Result<Vec<bitcoin::block::Header>> {
        // A hash that nobody knows stands for the first block; no hash at all is another question.
        let locator = vec![block.unwrap_or(BlockHash::all_zeros())];
        let mut question = GetHeadersMessage::new(locator, BlockHash::all_zeros());
        question.version = VERSION;
        self.send(NetworkMessage::GetHeaders(question))?;
        self.expect("headers", |message| match message {
            NetworkMessage::Headers(headers) => Some(headers),
            _ => None,
        })
    }

    /// A block of the daemon's.
    pub fn block(&mut self, hash: BlockHash) -> Result<bitcoin::Block> {
        self.send(NetworkMessage::GetData(vec![Inventory::WitnessBlock(hash)]))?;
        let block = self.expect("block", |message| match message {
            NetworkMessage::Block(block) => Some(block),
            _ => None,
        })?;
        ensure!(block.block_hash() == hash, "{}: another block than was asked for", self.name);
        Ok(block)
    }
}

/// Time since 1970.
fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}
