//! Messages in the clear: magic, name, size, checksum, payload.

use bitcoin::hashes::{Hash, sha256d};
use primitives::hex;

use super::{NAME_LEN, Received, read_name, write_name};
use crate::error::{Rejected, TransportError};
use crate::message::{MAX_MESSAGE_LENGTH, sanitize};

/// The size of what stands before each payload.
pub(super) const HEADER: usize = 24;

/// A connection in the clear.
#[derive(Debug)]
pub(super) struct V1 {
    magic: [u8; 4],
    header: Vec<u8>,
    expected: Option<Expected>,
    payload: Vec<u8>,
    output: Vec<u8>,
}

/// What the header of the payload that is being read says.
#[derive(Debug, Clone, Copy)]
struct Expected {
    name: [u8; NAME_LEN],
    size: usize,
    checksum: [u8; 4],
}

impl V1 {
    pub(super) fn new(magic: [u8; 4]) -> Self {
        Self { magic, header: Vec::with_capacity(HEADER), expected: None, payload: Vec::new(), output: Vec::new() }
    }

    pub(super) fn receive(&mut self, mut bytes: &[u8], out: &mut Vec<Received>) -> Result<(), TransportError> {
        loop {
            let expected = if let Some(expected) = self.expected {
                expected
            } else {
                take(&mut self.header, &mut bytes, HEADER);
                let Some(header) = self.header.first_chunk::<HEADER>() else { return Ok(()) };
                let expected = self.check_header(header)?;
                self.header.clear();
                self.expected = Some(expected);
                expected
            };
            // The vector grows with what has come, not with what was promised.
            take(&mut self.payload, &mut bytes, expected.size);
            if self.payload.len() < expected.size {
                return Ok(());
            }
            self.expected = None;
            out.push(finish(expected, std::mem::take(&mut self.payload)));
        }
    }

    fn check_header(&self, header: &[u8; HEADER]) -> Result<Expected, TransportError> {
        let (magic, rest) = header.split_first_chunk::<4>().expect("a header has 24 bytes");
        let (name, rest) = rest.split_first_chunk::<NAME_LEN>().expect("20 bytes are left");
        let (size, rest) = rest.split_first_chunk::<4>().expect("8 bytes are left");
        let checksum = *rest.first_chunk::<4>().expect("4 bytes are left");
        if *magic != self.magic {
            return Err(TransportError::WrongMagic(hex::encode(magic)));
        }
        let announced = u32::from_le_bytes(*size);
        let size = usize::try_from(announced).unwrap_or(usize::MAX);
        if size > MAX_MESSAGE_LENGTH {
            return Err(TransportError::TooLarge { message: shown(name), size: announced });
        }
        Ok(Expected { name: *name, size, checksum })
    }

    pub(super) fn send(&mut self, name: &str, payload: &[u8]) -> usize {
        let size = u32::try_from(payload.len()).expect("messages are far below four gigabytes");
        self.output.reserve(HEADER + payload.len());
        self.output.extend_from_slice(&self.magic);
        self.output.extend_from_slice(&write_name(name));
        self.output.extend_from_slice(&size.to_le_bytes());
        self.output.extend_from_slice(&checksum(payload));
        self.output.extend_from_slice(payload);
        HEADER + payload.len()
    }

    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }
}

/// Moves bytes over until the vector has `size`.
fn take(to: &mut Vec<u8>, from: &mut &[u8], size: usize) {
    let count = (size - to.len()).min(from.len());
    let (head, rest) = from.split_at(count);
    to.extend_from_slice(head);
    *from = rest;
}

fn finish(expected: Expected, payload: Vec<u8>) -> Received {
    let raw_size = HEADER + payload.len();
    let hash = checksum(&payload);
    let reason = if hash != expected.checksum {
        Rejected::Checksum {
            message: shown(&expected.name),
            size: payload.len(),
            expected: hex::encode(&hash),
            was: hex::encode(&expected.checksum),
        }
    } else if let Some(name) = read_name(&expected.name) {
        return Received::Message { name: name.to_owned(), payload, raw_size };
    } else {
        Rejected::MessageType { message: shown(&expected.name), size: payload.len() }
    };
    Received::Rejected { reason, raw_size }
}

/// A name that may be none, for the log.
fn shown(name: &[u8; NAME_LEN]) -> String {
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(NAME_LEN);
    sanitize(&name[..len])
}

fn checksum(payload: &[u8]) -> [u8; 4] {
    *sha256d::Hash::hash(payload).as_byte_array().first_chunk().expect("a hash has 32 bytes")
}
