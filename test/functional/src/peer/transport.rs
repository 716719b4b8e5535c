//! Messages on a TCP connection, in the first version of the transport, which is open, and in the second, which is
//! encrypted (BIP 324).

use std::io::{ErrorKind, Read, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use bip324::io::{Payload, ProtocolReader, ProtocolWriter};
use bip324::{PacketType, Role};
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::{Hash as _, sha256d};
use bitcoin::p2p::Magic;
use bitcoin::p2p::message::{NetworkMessage, RawNetworkMessage};

/// Bytes of a header: network, name, length, check sum.
const HEADER: usize = 24;
/// Bytes of a name.
const NAME: usize = 12;
/// No message is longer.
const MAX_PAYLOAD: usize = 4_000_000;
/// Names of messages that the second version writes as one byte, from one on.
const SHORT: [&str; 28] = [
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
];

/// How a peer talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In the open.
    V1,
    /// Encrypted.
    V2,
}

impl Transport {
    /// Both.
    pub const ALL: [Transport; 2] = [Transport::V1, Transport::V2];
}

/// What came.
pub(super) enum Received {
    Message(Box<NetworkMessage>),
    /// Time is up.
    Nothing,
    /// The other side hung up.
    End,
}

enum Codec {
    Open { buffer: Vec<u8> },
    Encrypted { reader: Box<ProtocolReader<TcpStream>>, writer: Box<ProtocolWriter<TcpStream>> },
}

/// A connection that carries messages.
pub(super) struct Link {
    stream: TcpStream,
    magic: [u8; 4],
    codec: Codec,
}

impl Link {
    /// Agrees on keys, if the transport has any. `calls` says who has called whom.
    pub(super) fn open(stream: TcpStream, magic: [u8; 4], transport: Transport, calls: bool) -> Result<Link> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(crate::wait::DEADLINE))?;
        let codec = match transport {
            Transport::V1 => Codec::Open { buffer: Vec::new() },
            Transport::V2 => {
                let role = if calls { Role::Initiator } else { Role::Responder };
                // Garbage and a decoy belong to the protocol, so there are some.
                let (garbage, decoys) = (Some(vec![7; 100]), Some(vec![vec![1, 2, 3]]));
                let (reader, writer) = (stream.try_clone()?, stream.try_clone()?);
                let session = bip324::io::Protocol::new(magic, role, garbage, decoys, reader, writer);
                let (reader, writer) = session.map_err(|error| anyhow!("no session: {error}"))?.into_split();
                Codec::Encrypted { reader: Box::new(reader), writer: Box::new(writer) }
            }
        };
        Ok(Link { stream, magic, codec })
    }

    pub(super) fn send(&mut self, message: NetworkMessage) -> Result<()> {
        let raw = RawNetworkMessage::new(Magic::from_bytes(self.magic), message);
        let command = raw.command().to_string();
        let bytes = serialize(&raw);
        self.send_raw(&command, bytes.get(HEADER..).unwrap_or_default())
    }

    pub(super) fn send_raw(&mut self, command: &str, payload: &[u8]) -> Result<()> {
        match &mut self.codec {
            Codec::Open { .. } => Ok(self.stream.write_all(&frame(self.magic, command, payload)?)?),
            Codec::Encrypted { writer, .. } => {
                let mut contents = match (1..).zip(SHORT).find(|(_, name)| *name == command) {
                    Some((number, _)) => vec![number],
                    None => [&[0], &name_bytes(command)?[..]].concat(),
                };
                contents.extend(payload);
                writer.write(&Payload::genuine(contents)).map_err(|error| anyhow!("sending {command}: {error}"))
            }
        }
    }

    pub(super) fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next message, within so much time.
    pub(super) fn receive(&mut self, limit: Duration) -> Result<Received> {
        let end = Instant::now() + limit;
        match &mut self.codec {
            Codec::Open { buffer } => loop {
                if let Some(message) = take_frame(buffer, self.magic)? {
                    return Ok(Received::Message(Box::new(message)));
                }
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(Received::Nothing);
                }
                self.stream.set_read_timeout(Some(left))?;
                let mut some = [0; 8192];
                match self.stream.read(&mut some) {
                    Ok(0) => return Ok(Received::End),
                    Ok(read) => buffer.extend(&some[..read]),
                    Err(error) if is_time_out(&error) => return Ok(Received::Nothing),
                    Err(error) => return Err(error.into()),
                }
            },
            Codec::Encrypted { reader, .. } => loop {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(Received::Nothing);
                }
                // A packet is read as a whole, so time is up at the latest with the next one.
                self.stream.set_read_timeout(Some(left))?;
                match reader.read() {
                    Ok(payload) if payload.packet_type() == PacketType::Genuine => {
                        let message = from_packet(self.magic, payload.contents())?;
                        return Ok(Received::Message(Box::new(message)));
                    }
                    Ok(_) => {}
                    Err(bip324::io::ProtocolError::Io(error, _)) if is_time_out(&error) => {
                        return Ok(Received::Nothing);
                    }
                    Err(bip324::io::ProtocolError::Io(error, _)) if error.kind() == ErrorKind::UnexpectedEof => {
                        return Ok(Received::End);
                    }
                    Err(error) => return Err(anyhow!("receiving: {error}")),
                }
            },
        }
    }
}

fn is_time_out(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn name_bytes(command: &str) -> Result<[u8; NAME]> {
    let mut name = [0; NAME];
    ensure!(command.len() <= NAME, "`{command}` is too long for a name");
    name[..command.len()].copy_from_slice(command.as_bytes());
    Ok(name)
}

/// A message of the first version, with a right check sum.
pub(super) fn frame(magic: [u8; 4], command: &str, payload: &[u8]) -> Result<Vec<u8>> {
    let sum = sha256d::Hash::hash(payload).to_byte_array();
    let length = u32::try_from(payload.len())?.to_le_bytes();
    Ok([&magic[..], &name_bytes(command)?, &length, &sum[..4], payload].concat())
}

/// Takes the first message off the buffer, if it is whole.
fn take_frame(buffer: &mut Vec<u8>, magic: [u8; 4]) -> Result<Option<NetworkMessage>> {
    let Some(header) = buffer.get(..HEADER) else { return Ok(None) };
    ensure!(header[..4] == magic, "a message of another network");
    let length = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
    let length = usize::try_from(length)?;
    ensure!(length <= MAX_PAYLOAD, "a message of {length} bytes");
    if buffer.len() < HEADER + length {
        return Ok(None);
    }
    let rest = buffer.split_off(HEADER + length);
    let whole = std::mem::replace(buffer, rest);
    Ok(Some(decode(&whole)?))
}

fn decode(frame: &[u8]) -> Result<NetworkMessage> {
    Ok(deserialize::<RawNetworkMessage>(frame)?.into_payload())
}

/// A packet of the second version, read as the message of the first that says the same.
fn from_packet(magic: [u8; 4], contents: &[u8]) -> Result<NetworkMessage> {
    let (first, rest) = contents.split_first().ok_or_else(|| anyhow!("an empty packet"))?;
    let (name, payload) = match usize::from(*first) {
        0 => {
            ensure!(rest.len() >= NAME, "a packet without a name");
            let (name, payload) = rest.split_at(NAME);
            (String::from_utf8_lossy(name).trim_end_matches('\0').to_owned(), payload)
        }
        number => {
            let name = SHORT.get(number - 1).ok_or_else(|| anyhow!("no message has the number {number}"))?;
            ((*name).to_owned(), rest)
        }
    };
    decode(&frame(magic, &name, payload)?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

    /// Two ends of one connection, the caller's first.
    fn pair(transport: Transport) -> (Link, Link) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let caller =
            thread::spawn(move || Link::open(TcpStream::connect(address).unwrap(), MAGIC, transport, true).unwrap());
        let called = Link::open(listener.accept().unwrap().0, MAGIC, transport, false).unwrap();
        (caller.join().unwrap(), called)
    }

    #[test]
    fn messages_arrive_in_both_versions() {
        for transport in Transport::ALL {
            let (mut caller, mut called) = pair(transport);
            for message in [NetworkMessage::Ping(7), NetworkMessage::Verack, NetworkMessage::SendAddrV2] {
                caller.send(message.clone()).unwrap();
                let Received::Message(came) = called.receive(crate::wait::DEADLINE).unwrap() else { panic!("nothing") };
                assert_eq!(*came, message);
                called.send(message.clone()).unwrap();
                let Received::Message(came) = caller.receive(crate::wait::DEADLINE).unwrap() else { panic!("nothing") };
                assert_eq!(*came, message);
            }
            assert!(matches!(called.receive(Duration::from_millis(1)).unwrap(), Received::Nothing));
            drop(caller);
            assert!(matches!(called.receive(crate::wait::DEADLINE).unwrap(), Received::End));
        }
    }

    #[test]
    fn what_is_not_a_message_is_an_error() {
        let mut whole = frame(MAGIC, "ping", &7_u64.to_le_bytes()).unwrap();
        assert_eq!(take_frame(&mut whole.clone(), MAGIC).unwrap(), Some(NetworkMessage::Ping(7)));
        assert!(take_frame(&mut whole.clone(), [0; 4]).is_err());
        assert_eq!(take_frame(&mut whole[..30].to_vec(), MAGIC).unwrap(), None);
        whole[20] ^= 1;
        assert!(take_frame(&mut whole, MAGIC).is_err());
        assert!(from_packet(MAGIC, &[]).is_err());
        assert!(from_packet(MAGIC, &[0, 1]).is_err());
        assert!(from_packet(MAGIC, &[200]).is_err());
    }
}
