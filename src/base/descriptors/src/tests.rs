//! Descriptors against published vectors, the daemon's error texts, and each other.

use std::collections::BTreeMap;

use bitcoin::{PublicKey, ScriptBuf};
use coin::ChainKind;
use primitives::hex;
use proptest::prelude::*;

use crate::*;

mod errors;
mod musig;
mod round_trips;
mod trees;
mod vectors;

/// Generator times one, two and three: keys that everybody knows.
const G1: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const G2: &str = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
const G3: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
/// The root of BIP32's first vector, and its child `0h`.
const ROOT: &str =
    "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8";
const ROOT_0H: &str =
    "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw";

fn notation_of(coin: &str, kind: ChainKind) -> Notation {
    let coin = coin::all().iter().find(|known| known.id == coin).unwrap();
    let chain = coin.chains.iter().find(|chain| chain.kind == kind).unwrap();
    Notation::new(coin, chain)
}

fn main_net() -> Notation {
    notation_of("bitcoin", ChainKind::Main)
}

fn read(text: &str) -> Descriptor {
    let mut parsed = parse(text, false, &main_net(), &mut NoPrivateKeys).unwrap();
    assert_eq!(parsed.descriptors.len(), 1, "{text}");
    parsed.descriptors.remove(0)
}

fn fails(text: &str) -> String {
    parse(text, false, &main_net(), &mut NoPrivateKeys).unwrap_err().to_string()
}

fn scripts(text: &str, index: u32) -> Vec<String> {
    let expansion = read(text).expand(index, &NoPrivateKeys).unwrap();
    expansion.scripts.iter().map(|script| hex::encode(script.as_bytes())).collect()
}

/// A wallet that knows one root and has taken its first hardened step, as BIP32 says.
struct OneStep(BTreeMap<String, String>);

impl OneStep {
    fn new() -> Self {
        Self(BTreeMap::from([(ROOT.to_owned(), ROOT_0H.to_owned())]))
    }
}

impl PrivateKeys for OneStep {
    fn learn(&mut self, text: &PrivateKeyText) -> Result<PublicPart, Refusal> {
        let public = match text.kind() {
            PrivateKind::Extended => main_net().read_extended(ROOT).map(PublicPart::Extended),
            PrivateKind::Single { .. } => PublicKey::from_slice(&hex::decode(G1).unwrap()).ok().map(PublicPart::Single),
        };
        public.ok_or(Refusal::Invalid)
    }

    fn derive(&self, root: &ExtendedKey, path: &[u32]) -> Option<ExtendedKey> {
        let (first, rest) = path.split_first()?;
        let child = self.0.get(&main_net().write_extended(root)).filter(|_| *first == 1 << 31)?;
        main_net().read_extended(child)?.descendant(rest)
    }
}
