//! How large an input becomes when it is signed. Fees are chosen by it before there is a signature.

use crate::descriptor::{Descriptor, Node};

/// A kind of address that a wallet hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressType {
    /// The hash of a key or of a script (BIP44).
    Legacy,
    /// A witness program behind a script hash (BIP49).
    P2shSegwit,
    /// A witness program of version 0 (BIP84).
    Bech32,
    /// Taproot (BIP86).
    Bech32m,
}

impl AddressType {
    /// Every kind, in the order in which a new wallet makes them.
    pub const ALL: [Self; 4] = [Self::Legacy, Self::P2shSegwit, Self::Bech32, Self::Bech32m];

    /// The name in options and RPC.
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::P2shSegwit => "p2sh-segwit",
            Self::Bech32 => "bech32",
            Self::Bech32m => "bech32m",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The most that spending takes besides the fields that every input has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Satisfaction {
    /// Weight of the input's script and witness, without their lengths.
    pub weight: usize,
    /// How many elements there are.
    pub elements: usize,
}

/// Bytes of a signature with its hash type.
fn ecdsa(high_r: bool) -> usize {
    if high_r { 72 } else { 71 }
}

/// A Schnorr signature may have a hash type.
const SCHNORR: usize = 65;

/// Bytes outside the witness weigh this much.
const SCALE: usize = 4;

impl Descriptor {
    /// The kind of address that it makes, if it makes one kind only.
    pub fn address_type(&self) -> Option<AddressType> {
        use primitives::Destination;
        let of = |destination: &Destination| match destination {
            Destination::PubKeyHash(_) | Destination::ScriptHash(_) => Some(AddressType::Legacy),
            Destination::WitnessV0KeyHash(_) | Destination::WitnessV0ScriptHash(_) => Some(AddressType::Bech32),
            Destination::WitnessV1Taproot(_) | Destination::WitnessUnknown { .. } => Some(AddressType::Bech32m),
            _ => None,
        };
        match &self.node {
            Node::Sh(inner) if inner.is_witness() => Some(AddressType::P2shSegwit),
            Node::Pkh(_) | Node::Sh(_) => Some(AddressType::Legacy),
            Node::Wpkh(_) | Node::Wsh(_) => Some(AddressType::Bech32),
            Node::Tr { .. } | Node::Rawtr(_) => Some(AddressType::Bech32m),
            Node::Addr(destination) => of(destination),
            Node::Raw(script) => of(&self.notation.addresses().destination(script)),
            Node::Pk(_)
            | Node::Combo(_)
            | Node::Multi { .. }
            | Node::MultiA { .. }
            | Node::Unused(_)
            | Node::Policy(_) => None,
        }
    }

    /// What spending takes at most, if that is known. Taproot outputs are spent by their key. `high_r` says that the
    /// signer makes signatures that are one byte longer in half of the cases.
    pub fn satisfaction(&self, high_r: bool) -> Option<Satisfaction> {
        let weight = match &self.node {
            Node::Pk(_) | Node::Pkh(_) | Node::Multi { .. } => self.node.satisfaction_size(high_r)? * SCALE,
            Node::Sh(inner) => {
                let size = inner.satisfaction_size(high_r)?;
                // The push of a long script takes a byte more. It is not counted, so that fees are the reference's.
                let script = (1 + inner.script_size()?) * SCALE;
                script + if inner.is_witness() { size } else { size * SCALE }
            }
            Node::Wpkh(_) | Node::Wsh(_) | Node::Tr { .. } | Node::Rawtr(_) => self.node.satisfaction_size(high_r)?,
            _ => return None,
        };
        let elements = self.node.satisfaction_elements()?;
        if !self.notation.has_script_trees() {
            return Some(Satisfaction { weight, elements });
        }
        // In front of the script its version, behind it an empty proof; and a key is part of a script.
        let (more, extra) = match &self.node {
            Node::Wpkh(_) => (4, 1),
            Node::Wsh(_) => (2, 1),
            _ => (0, 0),
        };
        Some(Satisfaction { weight: weight + more, elements: elements + extra })
    }

    /// The most that an input weighs when it is signed. In a transaction that has a witness anywhere, every input has
    /// the count of its elements.
    pub fn input_weight(&self, high_r: bool, with_witness: bool) -> Option<usize> {
        let most = self.satisfaction(high_r)?;
        let is_witness = self.address_type().is_some_and(|kind| kind != AddressType::Legacy);
        let (script_len, count_len) = if is_witness {
            (1, primitives::compact_len(most.elements))
        } else {
            (primitives::compact_len(most.weight / SCALE), usize::from(with_witness))
        };
        // The spent output, its index, the sequence number, and the length of the script.
        Some((32 + 4 + 4 + script_len) * SCALE + count_len + most.weight)
    }
}

impl Node {
    fn is_witness(&self) -> bool {
        matches!(self, Self::Wpkh(_) | Self::Wsh(_))
    }

    /// Bytes of the output script.
    fn script_size(&self) -> Option<usize> {
        Some(match self {
            Self::Pk(key) => 1 + key.size() + 1,
            Self::Pkh(_) => 25,
            Self::Wpkh(_) => 22,
            Self::Multi { threshold, keys, .. } => {
                let threshold = usize::try_from(*threshold).ok()?;
                let pushes: usize = keys.iter().map(|key| 1 + key.size()).sum();
                1 + number_size(keys.len()) + number_size(threshold) + pushes
            }
            Self::Sh(_) => 23,
            Self::Wsh(_) => 34,
            Self::Policy(policy) => policy.script_size(),
            _ => return None,
        })
    }

    /// Bytes of what satisfies it, with their lengths.
    fn satisfaction_size(&self, high_r: bool) -> Option<usize> {
        Some(match self {
            Self::Pk(_) => 1 + ecdsa(high_r),
            Self::Pkh(key) => 1 + ecdsa(high_r) + 1 + key.size(),
            Self::Wpkh(_) => 1 + ecdsa(high_r) + 1 + 33,
            Self::Multi { threshold, .. } => 1 + (1 + ecdsa(high_r)) * usize::try_from(*threshold).ok()?,
            Self::Wsh(inner) => {
                let script = inner.script_size()?;
                primitives::compact_len(script) + script + inner.satisfaction_size(high_r)?
            }
            Self::Tr { .. } | Self::Rawtr(_) => 1 + SCHNORR,
            // With high R, whoever signs.
            Self::Policy(policy) => policy.satisfaction_size()?,
            _ => return None,
        })
    }

    fn satisfaction_elements(&self) -> Option<usize> {
        Some(match self {
            Self::Pk(_) | Self::Tr { .. } | Self::Rawtr(_) => 1,
            Self::Pkh(_) | Self::Wpkh(_) => 2,
            Self::Multi { threshold, .. } => 1 + usize::try_from(*threshold).ok()?,
            Self::Sh(inner) | Self::Wsh(inner) => 1 + inner.satisfaction_elements()?,
            Self::Policy(policy) => policy.satisfaction_elements()?,
            _ => return None,
        })
    }
}

/// Bytes of a script that pushes a small number.
fn number_size(number: usize) -> usize {
    match number {
        0..=16 => 1,
        17..=127 => 2,
        _ => 3,
    }
}
