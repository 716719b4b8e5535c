//! What a new wallet starts with: a descriptor for each kind of address, to receive and for change.

use coin::ChainKind;
use descriptors::{AddressType, Descriptor, ExtendedKey, NoPrivateKeys, Notation, parse};

/// The descriptor that a new wallet makes for one kind of address. Its first three steps are hardened, so expanding it
/// needs the root's private key, or a cache that was filled when that was at hand.
pub fn default_descriptor(
    root: &ExtendedKey,
    kind: AddressType,
    internal: bool,
    chain: ChainKind,
    notation: &Notation,
) -> Descriptor {
    let coin_type = u8::from(chain != ChainKind::Main);
    let change = u8::from(internal);
    let root = notation.write_extended(root);
    let text = match kind {
        AddressType::Legacy => format!("pkh({root}/44h/{coin_type}h/0h/{change}/*)"),
        AddressType::P2shSegwit => format!("sh(wpkh({root}/49h/{coin_type}h/0h/{change}/*))"),
        AddressType::Bech32 => {
            format!("{}({root}/84h/{coin_type}h/0h/{change}/*)", notation.witness_key_name())
        }
        AddressType::Bech32m => format!("tr({root}/86h/{coin_type}h/0h/{change}/*)"),
    };
    let parsed = parse(&text, false, notation, &mut NoPrivateKeys).map(|parsed| parsed.descriptors);
    parsed.ok().and_then(|mut all| all.pop()).expect("a key of this chain in a form that every chain has")
}

/// The eight descriptors of a new wallet, each with its kind and whether it is for change.
pub fn default_descriptors(
    root: &ExtendedKey,
    chain: ChainKind,
    notation: &Notation,
) -> Vec<(AddressType, bool, Descriptor)> {
    [false, true]
        .into_iter()
        .flat_map(|internal| notation.address_types().iter().map(move |kind| (*kind, internal)))
        .map(|(kind, internal)| (kind, internal, default_descriptor(root, kind, internal, chain, notation)))
        .collect()
}
