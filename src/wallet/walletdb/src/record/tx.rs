//! The record of a transaction: the transaction, where it stands in the chain, and what its owner knows about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid};
use primitives::{Codec, Reader, Tx, WitnessMode, put_bytes, put_compact_size};

use crate::{RecordError, Text};

/// Where a transaction stands, as far as the file knows. Heights are not in it, nor is the mempool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoredState {
    /// In no block, and not given up.
    #[default]
    Inactive,
    /// Given up.
    Abandoned,
    /// In a block.
    Confirmed {
        /// The block.
        block: BlockHash,
        /// The position in it.
        index: i32,
    },
    /// In conflict with a transaction of a block.
    Conflicted {
        /// The block.
        block: BlockHash,
    },
    /// Something that is kept as it is. It counts as inactive.
    Unrecognized {
        /// What stands where the block should.
        block: BlockHash,
        /// What stands where the position should.
        index: i32,
    },
}

/// The hash that marks a transaction as given up: the number one.
const ABANDONED: [u8; 32] = {
    let mut one = [0; 32];
    one[0] = 1;
    one
};

impl StoredState {
    fn from_fields(hash: [u8; 32], index: i32) -> Self {
        let block = BlockHash::from_byte_array(hash);
        match (hash, index) {
            (hash, 0) if hash == [0; 32] => Self::Inactive,
            (ABANDONED, -1) => Self::Abandoned,
            (hash, index) if hash == [0; 32] || hash == ABANDONED => Self::Unrecognized { block, index },
            (_, 0..) => Self::Confirmed { block, index },
            (_, -1) => Self::Conflicted { block },
            _ => Self::Unrecognized { block, index },
        }
    }

    fn fields(self) -> ([u8; 32], i32) {
        match self {
            Self::Inactive => ([0; 32], 0),
            Self::Abandoned => (ABANDONED, -1),
            Self::Conflicted { block } => (block.to_byte_array(), -1),
            Self::Confirmed { block, index } | Self::Unrecognized { block, index } => (block.to_byte_array(), index),
        }
    }
}

/// A transaction of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxRecord {
    /// The transaction, with the witnesses that count.
    pub tx: Arc<Tx>,
    /// Where it stands.
    pub state: StoredState,
    /// Who it is from, as people could say before 2011.
    pub from: Option<Text>,
    /// What was said with it then.
    pub message: Option<Text>,
    /// What the owner said about it.
    pub comment: Option<Text>,
    /// What the owner said about the receiver.
    pub comment_to: Option<Text>,
    /// The transaction that this one replaces.
    pub replaces: Option<Txid>,
    /// The transaction that replaces this one.
    pub replaced_by: Option<Txid>,
    /// Messages of BIP21 URIs.
    pub messages: Vec<Text>,
    /// Payment requests of BIP70.
    pub payment_requests: Vec<Text>,
    /// When it came, in seconds.
    pub time_received: u32,
    /// The time that is shown, in seconds; 0 if it was not worked out.
    pub time_smart: u32,
    /// The position in the order of transactions.
    pub order_pos: Option<i64>,
}

impl TxRecord {
    /// A transaction about which nothing else is known.
    pub fn new(tx: Arc<Tx>, state: StoredState) -> Self {
        Self {
            tx,
            state,
            from: None,
            message: None,
            comment: None,
            comment_to: None,
            replaces: None,
            replaced_by: None,
            messages: Vec::new(),
            payment_requests: Vec::new(),
            time_received: 0,
            time_smart: 0,
            order_pos: None,
        }
    }

    /// The strings, each under its name. Names are sorted in the file.
    fn strings(&self) -> BTreeMap<&'static str, Vec<u8>> {
        // Accounts are gone, but a program that had them wants to read an empty one.
        let mut strings = BTreeMap::from([("fromaccount", Vec::new())]);
        let texts =
            [("from", &self.from), ("message", &self.message), ("comment", &self.comment), ("to", &self.comment_to)];
        for (name, text) in texts {
            if let Some(text) = text {
                strings.insert(name, text.as_bytes().to_vec());
            }
        }
        for (name, txid) in [("replaces_txid", self.replaces), ("replaced_by_txid", self.replaced_by)] {
            if let Some(txid) = txid {
                strings.insert(name, txid.to_string().into_bytes());
            }
        }
        if let Some(position) = self.order_pos {
            strings.insert("n", position.to_string().into_bytes());
        }
        if self.time_smart != 0 {
            strings.insert("timesmart", self.time_smart.to_string().into_bytes());
        }
        strings
    }

    /// Appends the value of the record. Fields that have lost their meaning are written empty.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (hash, index) = self.state.fields();
        self.tx.encode(out, WitnessMode::Include);
        out.extend_from_slice(&hash);
        out.push(0); // hashes beside the way to the block's root
        out.extend_from_slice(&index.to_le_bytes());
        out.push(0); // transactions that this one spends
        let strings = self.strings();
        put_compact_size(out, strings.len());
        for (name, value) in strings {
            put_bytes(out, name.as_bytes());
            put_bytes(out, &value);
        }
        put_compact_size(out, self.messages.len() + self.payment_requests.len());
        for (kind, texts) in [("Message", &self.messages), ("PaymentRequest", &self.payment_requests)] {
            for text in texts {
                put_bytes(out, kind.as_bytes());
                put_bytes(out, text.as_bytes());
            }
        }
        out.extend_from_slice(&[0; 4]); // whether the time is the transaction's own
        out.extend_from_slice(&self.time_received.to_le_bytes());
        out.extend_from_slice(&[0; 2]); // whether it is ours, and whether it is spent
    }

    /// Reads the value of the record.
    pub(crate) fn read(codec: &Codec, reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let tx = codec.read_tx(reader, WitnessMode::Include)?;
        let hash = reader.array()?;
        skip_hashes(reader)?;
        let index = reader.i32()?;
        for _ in 0..reader.compact_size()? {
            codec.read_tx(reader, WitnessMode::Include)?;
            reader.take(32)?;
            skip_hashes(reader)?;
            reader.take(4)?;
        }
        let mut record = Self::new(Arc::new(tx), StoredState::from_fields(hash, index));
        // Should a name stand there twice, the first one counts.
        let mut strings = BTreeMap::new();
        for _ in 0..reader.compact_size()? {
            let name = reader.bytes()?;
            strings.entry(name).or_insert(reader.bytes()?);
        }
        let mut messages = Vec::new();
        for _ in 0..reader.compact_size()? {
            messages.push((reader.bytes()?, reader.bytes()?));
        }
        reader.take(4)?;
        record.time_received = reader.u32()?;
        reader.take(2)?;
        // The whole value was there; only now is it looked at.
        for (name, value) in strings {
            record.set_string(name, value)?;
        }
        for (kind, text) in messages {
            match kind {
                b"Message" => record.messages.push(Text::from_bytes(text)),
                b"PaymentRequest" => record.payment_requests.push(Text::from_bytes(text)),
                _ => return Err(RecordError::TxMessages),
            }
        }
        Ok(record)
    }

    fn set_string(&mut self, name: &[u8], value: &[u8]) -> Result<(), RecordError> {
        let text = || Some(Text::from_bytes(value));
        match name {
            b"fromaccount" | b"spent" => {}
            b"n" => self.order_pos = Some(number(value)).filter(|position| *position != -1),
            // Only the lower half counts, as it always did.
            b"timesmart" => {
                let [a, b, c, d, ..] = number(value).to_le_bytes();
                self.time_smart = u32::from_le_bytes([a, b, c, d]);
            }
            b"from" => self.from = text(),
            b"message" => self.message = text(),
            b"comment" => self.comment = text(),
            b"to" => self.comment_to = text(),
            b"replaces_txid" => self.replaces = txid(value),
            b"replaced_by_txid" => self.replaced_by = txid(value),
            _ => return Err(RecordError::TxStrings),
        }
        Ok(())
    }
}

fn skip_hashes(reader: &mut Reader<'_>) -> Result<(), RecordError> {
    for _ in 0..reader.compact_size()? {
        reader.take(32)?;
    }
    Ok(())
}

/// An id in hexadecimal digits; what is none is as good as nothing.
fn txid(digits: &[u8]) -> Option<Txid> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A number as C's `atoi` reads it: what is no number is 0, what is too large is the largest.
fn number(text: &[u8]) -> i64 {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let mut digits = &text[start..];
    let negative = match digits.first() {
        Some(b'-') => true,
        Some(b'+') => {
            digits = &digits[1..];
            false
        }
        _ => false,
    };
    if negative {
        digits = &digits[1..];
    }
    let mut value: i64 = 0;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        value = value.saturating_mul(10);
        value = if negative { value.saturating_sub(digit) } else { value.saturating_add(digit) };
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_atoi_reads_them() {
        let cases: [(&str, i64); 13] = [
            ("12", 12),
            (" 12 ", 12),
            ("+12", 12),
            ("-12", -12),
            ("+-12", 0),
            ("-+12", 0),
            ("--1", 0),
            ("12x", 12),
            ("x12", 0),
            ("", 0),
            ("99999999999999999999", i64::MAX),
            ("-99999999999999999999", i64::MIN),
            ("-9223372036854775808", i64::MIN),
        ];
        for (text, value) in cases {
            assert_eq!(number(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn states_are_told_apart_by_two_fields() {
        let block = BlockHash::from_byte_array([9; 32]);
        let one = BlockHash::from_byte_array(ABANDONED);
        let zero = BlockHash::from_byte_array([0; 32]);
        for state in [
            StoredState::Inactive,
            StoredState::Abandoned,
            StoredState::Confirmed { block, index: 0 },
            StoredState::Confirmed { block, index: i32::MAX },
            StoredState::Conflicted { block },
            StoredState::Unrecognized { block, index: -2 },
            StoredState::Unrecognized { block: one, index: 0 },
            StoredState::Unrecognized { block: zero, index: -1 },
            StoredState::Unrecognized { block: zero, index: 5 },
        ] {
            let (hash, index) = state.fields();
            assert_eq!(StoredState::from_fields(hash, index), state);
        }
    }
}
