//! Keys against published vectors, signatures against those that Bitcoin Core made.

use coin::ChainKind;
use descriptors::{Descriptor, Notation, parse};

use crate::{KeyRing, Provider};

mod keys;
mod psbts;
mod requests;
mod several;
mod together;

fn notation(kind: ChainKind) -> Notation {
    let coin = coin::all().iter().find(|coin| coin.id == "bitcoin").unwrap();
    Notation::new(coin, coin.chains.iter().find(|chain| chain.kind == kind).unwrap())
}

fn regtest() -> Notation {
    notation(ChainKind::Regtest)
}

/// A descriptor and the private keys in its text.
fn read(text: &str, notation: Notation) -> (Descriptor, KeyRing) {
    let mut ring = KeyRing::new(notation);
    let mut parsed = parse(text, false, &notation, &mut ring).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(parsed.descriptors.len(), 1, "{text}");
    (parsed.descriptors.remove(0), ring)
}

/// All that a private descriptor says up to an index.
fn provider(text: &str, end: u32) -> Provider {
    let (descriptor, ring) = read(text, regtest());
    let mut provider = Provider::new(regtest());
    for index in 0..=end {
        let expansion = descriptor.expand(index, &ring).unwrap();
        provider.add(&descriptor, index, expansion, &ring);
    }
    // All at once, or one by one.
    let mut all = Provider::new(regtest());
    assert!(all.add_all(&descriptor, 0, end, &ring));
    assert_eq!(all.known, provider.known);
    assert!(all.keys.keys().eq(provider.keys.keys()));
    provider
}

fn unhex(text: &str) -> Vec<u8> {
    primitives::hex::decode(text).unwrap()
}
