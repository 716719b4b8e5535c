//! `getaddressinfo`: all that the wallet knows of an address.

use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::hashes::{Hash, hash160, ripemd160};
use bitcoin::{PublicKey, Script};
use descriptors::{Known, Origin, format_path, infer};
use primitives::{Addresses, Destination, hex};
use script::{Solution, solve};

use super::common::wallet_of;
use crate::ledger::Owner;
use crate::loader::Wallets;

/// An id that no seed has.
const NO_SEED: &str = "0000000000000000000000000000000000000000";

pub(super) fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let addresses = wallets.shared().addresses();
    let destination = addresses
        .decode(request.str("address")?)
        .map_err(|error| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, error.to_string()))?;
    let script = addresses.script(&destination);
    Ok(wallet.read(|core| {
        let known = core.keys.known(&script);
        let mut object = Object::new()
            .with("address", addresses.encode(&destination))
            .with("scriptPubKey", hex::encode(script.as_bytes()))
            .with("ismine", core.keys.is_mine(&script));
        let inferred = known.as_ref().map(|known| infer(&script, known, core.keys.notation()));
        let inferred = inferred.filter(descriptors::Descriptor::is_solvable);
        object.push("solvable", inferred.is_some());
        if let Some(inferred) = inferred {
            object.push("desc", inferred.to_string());
        }
        let manager = core.keys.of_script(&script).next();
        if let Some(manager) = manager {
            object.push("parent_desc", manager.text());
        }
        object.push("iswatchonly", false);
        let nothing = Known::default();
        let describer = Describer { known: known.as_ref().unwrap_or(&nothing), addresses };
        for (key, value) in describer.describe(&destination) {
            object.push(key, value);
        }
        object.push("ischange", core.is_change(&script));
        if let Some(manager) = manager
            && let Some(origin) = describer.origin(&destination)
        {
            object.push("timestamp", manager.extent().created);
            object.push("hdkeypath", format!("m{}", format_path(&origin.path, false)));
            object.push("hdseedid", NO_SEED);
            object.push("hdmasterfingerprint", hex::encode(&origin.fingerprint));
        }
        let label = core.book.find(&destination).map(crate::book::BookEntry::label_text);
        object.push("labels", label.into_iter().collect::<Json>());
        object.into()
    }))
}

struct Describer<'a> {
    known: &'a Known,
    addresses: &'a Addresses,
}

impl Describer<'_> {
    /// What the address says by itself, and what is behind its hash.
    fn describe(&self, destination: &Destination) -> Object {
        let mut object = shape(destination);
        match destination {
            Destination::PubKeyHash(hash) => {
                if let Some(key) = self.known.keys.get(hash) {
                    object.push("pubkey", key.to_string());
                    object.push("iscompressed", key.compressed);
                }
            }
            Destination::WitnessV0KeyHash(hash) => {
                if let Some(key) = self.known.keys.get(hash) {
                    object.push("pubkey", key.to_string());
                }
            }
            Destination::ScriptHash(hash) => self.inner(self.known.scripts.get(hash).map(|s| &**s), &mut object),
            Destination::WitnessV0ScriptHash(hash) => {
                let hash = ripemd160::Hash::hash(hash).to_byte_array();
                self.inner(self.known.scripts.get(&hash).map(|script| &**script), &mut object);
            }
            _ => {}
        }
        object
    }

    /// A script behind a hash.
    fn inner(&self, script: Option<&Script>, object: &mut Object) {
        let Some(script) = script else { return };
        let solution = solve(script);
        object.push("script", solution.kind().name());
        object.push("hex", hex::encode(script.as_bytes()));
        let destination = self.addresses.destination(script);
        if destination.has_address() {
            let mut embedded = self.describe(&destination);
            embedded.push("address", self.addresses.encode(&destination));
            embedded.push("scriptPubKey", hex::encode(script.as_bytes()));
            // The key is always told at the top as well.
            if let Some(key) = embedded.get("pubkey") {
                object.push("pubkey", key.clone());
            }
            object.push("embedded", embedded);
        } else if let Solution::Multisig { required, keys } = solution {
            object.push("sigsrequired", required);
            object.push("pubkeys", keys.iter().map(|key| hex::encode(key)).collect::<Json>());
        }
    }

    /// Where the key of an address comes from, if it is the address of one key.
    fn origin(&self, destination: &Destination) -> Option<&Origin> {
        let of_key = |key: &PublicKey| self.known.origins.get(&hash160::Hash::hash(&key.to_bytes()).to_byte_array());
        match destination {
            Destination::PubKeyHash(hash) | Destination::WitnessV0KeyHash(hash) => self.known.origins.get(hash),
            Destination::ScriptHash(hash) => {
                let inner = self.addresses.destination(self.known.scripts.get(hash)?);
                match inner {
                    Destination::WitnessV0KeyHash(hash) => self.known.origins.get(&hash),
                    _ => None,
                }
            }
            Destination::WitnessV1Taproot(output) => {
                let tree = self.known.taproot.get(output).filter(|tree| tree.leaves.is_empty())?;
                let parities = [bitcoin::key::Parity::Even, bitcoin::key::Parity::Odd];
                parities.into_iter().find_map(|parity| of_key(&PublicKey::new(tree.internal_key.public_key(parity))))
            }
            _ => None,
        }
    }
}

/// Whether it is a script or a key, and the witness program.
fn shape(destination: &Destination) -> Object {
    let kind =
        |is_script: bool, is_witness: bool| Object::new().with("isscript", is_script).with("iswitness", is_witness);
    let program = |object: Object, version: u8, program: &[u8]| {
        object.with("witness_version", version).with("witness_program", hex::encode(program))
    };
    match destination {
        Destination::None(_) | Destination::PubKey(_) => Object::new(),
        Destination::PubKeyHash(_) => kind(false, false),
        Destination::ScriptHash(_) => kind(true, false),
        Destination::WitnessV0KeyHash(hash) => program(kind(false, true), 0, hash),
        Destination::WitnessV0ScriptHash(hash) => program(kind(true, true), 0, hash),
        Destination::WitnessV1Taproot(key) => program(kind(true, true), 1, key),
        Destination::PayToAnchor => kind(true, true),
        Destination::WitnessUnknown { version, program: bytes } => {
            program(Object::new().with("iswitness", true), *version, bytes)
        }
    }
}
