//! Changes to inputs that were good or bad for a reason.

use bitcoin::{Amount, ScriptBuf, Witness};
use proptest::prelude::*;

use crate::generate;
use crate::subject::Subject;

/// One change to a string of bytes. The place is scaled to the length.
#[derive(Clone, Debug)]
pub enum Bend {
    /// A byte becomes another one.
    Set(u16, u8),
    /// A bit is turned over.
    Flip(u16, u8),
    /// A byte comes in.
    Insert(u16, u8),
    /// A byte goes.
    Remove(u16),
    /// The rest is missing.
    Cut(u16),
    /// A part comes again at the end.
    Repeat(u16, u16),
}

impl Bend {
    /// Any one.
    pub fn strategy() -> impl Strategy<Value = Self> {
        let place = any::<u16>;
        prop_oneof![
            (place(), any::<u8>()).prop_map(|(place, byte)| Self::Set(place, byte)),
            (place(), 0..8_u8).prop_map(|(place, bit)| Self::Flip(place, bit)),
            (place(), generate::opcode()).prop_map(|(place, byte)| Self::Insert(place, byte)),
            place().prop_map(Self::Remove),
            place().prop_map(Self::Cut),
            (place(), place()).prop_map(|(from, to)| Self::Repeat(from, to)),
        ]
    }

    /// Makes it.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let at = |place: u16, len: usize| usize::from(place) * len / 65_536;
        match *self {
            Self::Insert(place, byte) => bytes.insert(at(place, len + 1), byte),
            _ if len == 0 => {}
            Self::Set(place, byte) => bytes[at(place, len)] = byte,
            Self::Flip(place, bit) => bytes[at(place, len)] ^= 1 << bit,
            Self::Remove(place) => drop(bytes.remove(at(place, len))),
            Self::Cut(place) => bytes.truncate(at(place, len)),
            Self::Repeat(from, to) => {
                let (from, to) = (at(from.min(to), len), at(from.max(to), len));
                let part = bytes[from..to].to_vec();
                bytes.extend_from_slice(&part);
            }
        }
    }
}

/// What to bend: the input's script, the output's script, or an element of the witness; or fields of the transaction.
#[derive(Clone, Debug)]
pub enum Change {
    /// The input's script.
    ScriptSig(Bend),
    /// The output's script.
    ScriptPubkey(Bend),
    /// An element of the witness.
    Element(u8, Bend),
    /// An element of the witness is missing.
    DropElement(u8),
    /// The witness has one more element.
    AddElement(u8, Vec<u8>),
    /// Another lock time.
    LockTime(u32),
    /// Another sequence number.
    Sequence(u32),
    /// Another version.
    Version(i32),
    /// The output is worth something else.
    Amount(u32),
}

impl Change {
    /// Any one.
    pub fn strategy() -> impl Strategy<Value = Self> {
        prop_oneof![
            4 => Bend::strategy().prop_map(Self::ScriptSig),
            4 => Bend::strategy().prop_map(Self::ScriptPubkey),
            4 => (any::<u8>(), Bend::strategy()).prop_map(|(which, bend)| Self::Element(which, bend)),
            1 => any::<u8>().prop_map(Self::DropElement),
            1 => (any::<u8>(), prop::collection::vec(any::<u8>(), 0..4))
                .prop_map(|(which, bytes)| Self::AddElement(which, bytes)),
            1 => generate::lock_time().prop_map(Self::LockTime),
            1 => generate::sequence().prop_map(Self::Sequence),
            1 => (-1..4).prop_map(Self::Version),
            1 => any::<u32>().prop_map(Self::Amount),
        ]
    }

    /// Makes it.
    pub fn apply(&self, subject: &mut Subject) {
        let input = &mut subject.tx.input[subject.index];
        let mut elements = input.witness.to_vec();
        match self {
            Self::ScriptSig(bend) => bend_script(&mut input.script_sig, bend),
            Self::ScriptPubkey(bend) => bend_script(&mut subject.spent[subject.index].script_pubkey, bend),
            Self::Element(which, bend) if !elements.is_empty() => {
                let which = usize::from(*which) % elements.len();
                bend.apply(&mut elements[which]);
            }
            Self::DropElement(which) if !elements.is_empty() => {
                let which = usize::from(*which) % elements.len();
                elements.remove(which);
            }
            Self::AddElement(which, bytes) => {
                let which = usize::from(*which) % (elements.len() + 1);
                elements.insert(which, bytes.clone());
            }
            Self::LockTime(time) => subject.tx.lock_time = bitcoin::absolute::LockTime::from_consensus(*time),
            Self::Sequence(sequence) => input.sequence = bitcoin::Sequence(*sequence),
            Self::Version(version) => subject.tx.version = bitcoin::transaction::Version(*version),
            Self::Amount(sats) => subject.spent[subject.index].value = Amount::from_sat(u64::from(*sats)),
            Self::Element(..) | Self::DropElement(_) => {}
        }
        subject.tx.input[subject.index].witness = Witness::from_slice(&elements);
    }
}

fn bend_script(script: &mut ScriptBuf, bend: &Bend) {
    let mut bytes = std::mem::take(script).into_bytes();
    bend.apply(&mut bytes);
    *script = ScriptBuf::from_bytes(bytes);
}

/// Mostly none, else a few.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop_oneof![
        2 => Just(Vec::new()),
        2 => prop::collection::vec(Change::strategy(), 1..2),
        1 => prop::collection::vec(Change::strategy(), 1..5),
    ]
}
