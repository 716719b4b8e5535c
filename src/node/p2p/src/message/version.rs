//! The first message of each side.

use primitives::{Reader, put_bytes};

use crate::error::MessageError;
use crate::netaddr::Service;

/// How long a user agent may be.
const MAX_USER_AGENT: usize = 256;

/// Who a peer says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The protocol version.
    pub version: i32,
    /// What it offers.
    pub services: u64,
    /// Its clock, in seconds since 1970.
    pub time: i64,
    /// What it thinks that the receiver offers.
    pub receiver_services: u64,
    /// Where it sees the receiver.
    pub receiver: Service,
    /// A random number, by which a node recognises itself.
    pub nonce: u64,
    /// The name of its software.
    pub user_agent: String,
    /// The height of its chain; -1 if it does not say.
    pub start_height: i32,
    /// Whether it wants to hear of transactions.
    pub relay: bool,
    /// On coins with masternodes: what a peer that is one would sign. No node of ours asks, so it is never read.
    pub challenge: Option<[u8; 32]>,
}

impl Version {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.services.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&self.receiver_services.to_le_bytes());
        self.receiver.encode_v1(out);
        // Where the sender thinks it is: nobody uses it, so nobody is told.
        out.extend_from_slice(&self.services.to_le_bytes());
        out.extend_from_slice(&[0; 18]);
        out.extend_from_slice(&self.nonce.to_le_bytes());
        put_bytes(out, self.user_agent.as_bytes());
        out.extend_from_slice(&self.start_height.to_le_bytes());
        out.push(u8::from(self.relay));
        if let Some(challenge) = self.challenge {
            out.extend_from_slice(&challenge);
            // We are no masternode.
            out.push(0);
        }
    }

    /// Old peers end after the receiver's address, or after any later field.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let mut it = Self {
            version: reader.i32()?,
            services: reader.u64()?,
            time: reader.i64()?.max(0),
            receiver_services: reader.u64()?,
            receiver: Service::decode_v1(reader)?,
            nonce: 1,
            user_agent: String::new(),
            start_height: -1,
            relay: true,
            challenge: None,
        };
        if !reader.is_empty() {
            reader.take(26)?;
            it.nonce = reader.u64()?;
        }
        if !reader.is_empty() {
            let len = reader.compact_size()?;
            if len > MAX_USER_AGENT {
                return Err(MessageError::StringTooLong);
            }
            it.user_agent = sanitize(reader.take(len)?);
        }
        if !reader.is_empty() {
            it.start_height = reader.i32()?;
        }
        if !reader.is_empty() {
            it.relay = reader.u8()? != 0;
        }
        Ok(it)
    }
}

/// Text from a peer without the characters that could confuse a log or a client.
pub fn sanitize(bytes: &[u8]) -> String {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b" .,;-_/:?@()".contains(byte);
    bytes.iter().filter(|byte| safe(byte)).map(|byte| char::from(*byte)).collect()
}
