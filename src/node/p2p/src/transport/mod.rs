//! How messages become bytes on a connection: in the clear (v1), or encrypted as BIP324 says (v2).
//!
//! Bytes go in with [`Transport::receive`], which hands out whole messages; messages go in with [`Transport::send`], and
//! [`Transport::take_output`] hands out bytes. A v2 transport that is called by a v1 peer becomes a v1 transport.

mod v1;
mod v2;

use crate::chance::Chance;
use crate::error::{Rejected, TransportError};

use v1::V1;
use v2::V2;

/// How many characters a message's name has at most.
const NAME_LEN: usize = 12;

/// What came out of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A message, not yet decoded.
    Message {
        /// Its name.
        name: String,
        /// Its payload.
        payload: Vec<u8>,
        /// How many bytes it took on the wire.
        raw_size: usize,
    },
    /// A message that is dropped. Its bytes are counted as another kind's.
    Rejected {
        /// Why.
        reason: Rejected,
        /// How many bytes it took on the wire.
        raw_size: usize,
    },
}

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// Not yet known.
    Detecting,
    /// In the clear.
    V1,
    /// Encrypted.
    V2,
}

impl TransportKind {
    /// The name in RPC answers and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detecting => "detecting",
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// One side of a connection.
#[derive(Debug)]
pub struct Transport(Inner);

#[derive(Debug)]
enum Inner {
    V1(V1),
    V2(Box<V2>),
}

impl Transport {
    /// In the clear.
    pub fn v1(magic: [u8; 4]) -> Self {
        Self(Inner::V1(V1::new(magic)))
    }

    /// Encrypted. Whoever is called finds out whether the caller speaks v1.
    pub fn v2(magic: [u8; 4], initiating: bool, chance: &mut Chance) -> Self {
        Self(Inner::V2(Box::new(V2::new(magic, initiating, chance))))
    }

    /// Takes bytes from the connection and appends what they make whole. After an error the connection is of no more use.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<Received>) -> Result<(), TransportError> {
        match &mut self.0 {
            Inner::V1(v1) => v1.receive(bytes, out),
            Inner::V2(v2) => {
                let Some((mut v1, held)) = v2.receive(bytes, out)? else { return Ok(()) };
                let result = v1.receive(&held, out);
                self.0 = Inner::V1(v1);
                result
            }
        }
    }

    /// Takes a message to be sent, and tells how many bytes it takes on the wire.
    pub fn send(&mut self, name: &str, payload: &[u8]) -> usize {
        match &mut self.0 {
            Inner::V1(v1) => v1.send(name, payload),
            Inner::V2(v2) => v2.send(name, payload),
        }
    }

    /// The bytes that are to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        match &mut self.0 {
            Inner::V1(v1) => v1.take_output(),
            Inner::V2(v2) => v2.take_output(),
        }
    }

    /// What is spoken.
    pub fn kind(&self) -> TransportKind {
        match &self.0 {
            Inner::V1(_) => TransportKind::V1,
            Inner::V2(v2) => v2.kind(),
        }
    }

    /// The number by which both sides can see that nobody sits between them.
    pub fn session_id(&self) -> Option<[u8; 32]> {
        match &self.0 {
            Inner::V1(_) => None,
            Inner::V2(v2) => v2.session_id(),
        }
    }

    /// Whether a connection that was closed should be tried again in the clear: nothing came back for our key.
    pub fn should_reconnect_v1(&self) -> bool {
        matches!(&self.0, Inner::V2(v2) if v2.should_reconnect_v1())
    }
}

/// The name in 12 bytes, filled up with zeros, if it may be one.
fn read_name(bytes: &[u8; NAME_LEN]) -> Option<&str> {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(NAME_LEN);
    let (name, rest) = bytes.split_at(len);
    if rest.iter().any(|byte| *byte != 0) || name.iter().any(|byte| !(b' '..=b'~').contains(byte)) {
        return None;
    }
    std::str::from_utf8(name).ok()
}

/// The 12 bytes of a name.
fn write_name(name: &str) -> [u8; NAME_LEN] {
    let mut bytes = [0; NAME_LEN];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    bytes
}

#[cfg(test)]
mod tests;
