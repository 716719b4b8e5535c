//! PSBTs against rust-bitcoin's, real signatures put in their places, and bytes that nobody meant.

use std::sync::Arc;

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::secp256k1::{All, Keypair, Message, PublicKey, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, EcdsaSighashType, ScriptBuf, Transaction, TxOut};
use primitives::{Codec, Tx};
use proptest::prelude::*;
use script::templates;

use crate::analyze::{Hopeless, Role, analyze};
use crate::finalize::{extract_tx, finalize};
use crate::spend::{KeySignature, id_of};
use crate::{Psbt, PsbtError, Version};

const CODEC: Codec = Codec::BITCOIN;
const MAX_MONEY: i64 = 2_100_000_000_000_000;

struct Keys {
    secp: Secp256k1<All>,
    secrets: [SecretKey; 3],
}

impl Keys {
    fn new() -> Self {
        Self { secp: Secp256k1::new(), secrets: [1, 2, 3].map(|n| SecretKey::from_slice(&[n; 32]).unwrap()) }
    }

    fn public(&self, key: usize) -> Vec<u8> {
        PublicKey::from_secret_key(&self.secp, &self.secrets[key]).serialize().to_vec()
    }

    fn sign(&self, key: usize, hash: [u8; 32]) -> KeySignature {
        let signature = self.secp.sign_ecdsa(&Message::from_digest(hash), &self.secrets[key]);
        KeySignature { key: self.public(key), signature: [signature.serialize_der().as_ref(), &[1]].concat() }
    }

    fn multisig(&self) -> ScriptBuf {
        templates::multisig(2, &[self.public(0), self.public(1), self.public(2)])
    }
}

fn p2wsh(script: &ScriptBuf) -> ScriptBuf {
    ScriptBuf::new_p2wsh(&bitcoin::WScriptHash::from_raw_hash(sha256::Hash::hash(script.as_bytes())))
}

fn p2sh(script: &ScriptBuf) -> ScriptBuf {
    ScriptBuf::new_p2sh(&bitcoin::ScriptHash::from_raw_hash(hash160::Hash::hash(script.as_bytes())))
}

fn blank_tx() -> Transaction {
    let mut tx = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).txdata.remove(0);
    tx.input[0].script_sig = ScriptBuf::new();
    tx
}

/// A PSBT that spends one output with this script, and that output.
fn spending(version: Version, script: &ScriptBuf) -> (Psbt, TxOut) {
    let utxo = TxOut { value: Amount::from_sat(60_000), script_pubkey: script.clone() };
    let mut before = blank_tx();
    before.output = vec![utxo.clone()];
    let before = Tx::new(before, None);
    let mut tx = blank_tx();
    tx.input[0].previous_output = bitcoin::OutPoint { txid: before.txid(), vout: 0 };
    tx.output[0].value = Amount::from_sat(50_000);
    let mut psbt = Psbt::new(CODEC, version, &Tx::new(tx, None));
    psbt.inputs[0].non_witness_utxo = Some(Arc::new(before));
    (psbt, utxo)
}

#[test]
fn the_lock_height_is_kept_in_both_versions() {
    let coin = coin::by_id("freicoin").unwrap();
    let codec = Codec::for_coin(coin);
    let mut tx = blank_tx();
    tx.version = bitcoin::transaction::Version::TWO;
    tx.input[0].previous_output = bitcoin::OutPoint { txid: bitcoin::Txid::all_zeros(), vout: 3 };
    for height in [0, 1, 105, u32::MAX] {
        let tx = codec.new_tx(tx.clone(), height);
        for version in [Version::V0, Version::V2] {
            let bytes = Psbt::new(codec, version, &tx).to_bytes();
            let read = Psbt::decode(codec, &bytes).unwrap();
            assert_eq!((read.version, read.lock_height, read.unique_id().is_some()), (version, height, true));
            assert_eq!(read.to_bytes(), bytes);
            let whole = codec.new_tx(read.unsigned_tx().unwrap(), read.lock_height);
            assert_eq!(whole.txid(), tx.txid(), "version {version:?}, height {height}");
        }
        // In other coins the record is one that some program has put there.
        let bytes = Psbt::new(codec, Version::V2, &tx).to_bytes();
        let foreign = Psbt::decode(CODEC, &bytes).unwrap();
        assert_eq!((foreign.lock_height, foreign.proprietary.len()), (0, 1));
        assert_eq!(foreign.to_bytes(), bytes);
    }
    // Version 0 has it in the transaction, and must not have two.
    let mut bytes = Psbt::new(codec, Version::V0, &codec.new_tx(tx, 7)).to_bytes();
    let record = [&[14, 0xfc][..], crate::read::LOCK_HEIGHT, &[4, 7, 0, 0, 0]].concat();
    bytes.splice(5..5, record);
    let error = Psbt::decode(codec, &bytes).unwrap_err();
    assert_eq!(error.to_string(), "The proprietary lock height is not allowed in PSBTv0: iostream error");
}

fn add(psbt: &mut Psbt, signature: KeySignature) {
    psbt.inputs[0].signatures.insert(id_of(&signature.key), signature);
}

fn again(psbt: &Psbt) -> Psbt {
    let read = Psbt::decode_base64(CODEC, &psbt.to_base64()).unwrap();
    assert_eq!(&read, psbt);
    read
}

/// The whole way of a PSBT whose input is a 2-of-3 in a witness, plain or behind a script hash.
fn multisig_way(version: Version, nested: bool) {
    let keys = Keys::new();
    let script = keys.multisig();
    let program = p2wsh(&script);
    let output = if nested { p2sh(&program) } else { program.clone() };
    let (mut psbt, utxo) = spending(version, &output);
    let tx = psbt.unsigned_tx().unwrap();
    let status = |psbt: &Psbt| {
        let analysis = analyze(psbt.clone(), MAX_MONEY).unwrap();
        assert_eq!(analysis.fee, Some(10_000));
        (analysis.next, analysis.vsize.is_some(), analysis.inputs[0].missing.clone())
    };
    let (next, sized, missing) = status(&psbt);
    assert_eq!((next, sized), (Role::Updater, false));
    assert_eq!(missing.redeem_script.is_some(), nested);
    assert_eq!(missing.witness_script.is_some(), !nested);
    if nested {
        psbt.inputs[0].redeem_script = program;
    }
    psbt.inputs[0].witness_script = script.clone();
    let (next, sized, missing) = status(&psbt);
    assert_eq!((next, sized, missing.signatures.len()), (Role::Signer, true, 3));
    let hash = SighashCache::new(&tx)
        .p2wsh_signature_hash(0, &script, utxo.value, EcdsaSighashType::All)
        .unwrap()
        .to_byte_array();
    let copies = [2, 0].map(|key| {
        let mut copy = again(&psbt);
        add(&mut copy, keys.sign(key, hash));
        assert!(!finalize(&mut copy.clone()));
        again(&copy)
    });
    let [first, second] = copies;
    let mut merged = first.merge(second).unwrap();
    assert_eq!(status(&merged).0, Role::Finalizer);
    assert!(finalize(&mut merged));
    let analysis = analyze(again(&merged), MAX_MONEY).unwrap();
    assert_eq!((analysis.next, analysis.inputs[0].is_final), (Role::Extractor, true));
    let done = extract_tx(&again(&merged)).unwrap();
    assert_eq!(analysis.vsize, Some(done.vsize()));
    // The independent judge: what rust-bitcoin would build by hand.
    let witness: Vec<Vec<u8>> = done.inputs()[0].witness.to_vec();
    let wanted = [vec![], keys.sign(0, hash).signature, keys.sign(2, hash).signature, script.to_bytes()];
    assert_eq!(witness, wanted);
}

#[test]
fn multisigs_are_finished() {
    for version in [Version::V0, Version::V2] {
        multisig_way(version, false);
        multisig_way(version, true);
    }
}

#[test]
fn bare_keys_are_finished() {
    let keys = Keys::new();
    let id = id_of(&keys.public(1));
    let output = ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::from_byte_array(id));
    let (mut psbt, _) = spending(Version::V0, &output);
    let tx = psbt.unsigned_tx().unwrap();
    let hash = SighashCache::new(&tx).legacy_signature_hash(0, &output, 1).unwrap().to_byte_array();
    assert_eq!(analyze(psbt.clone(), MAX_MONEY).unwrap().inputs[0].missing.keys, [id]);
    add(&mut psbt, keys.sign(1, hash));
    assert!(finalize(&mut psbt));
    assert!(psbt.inputs[0].final_witness.is_empty());
    assert_eq!(psbt.inputs[0].witness_utxo, None);
    // A wrong signature finishes nothing.
    let (mut psbt, _) = spending(Version::V0, &output);
    add(&mut psbt, keys.sign(1, [9; 32]));
    assert!(!finalize(&mut psbt));
    assert!(!psbt.inputs[0].is_final());
}

#[test]
fn an_unproven_amount_needs_a_witness() {
    let keys = Keys::new();
    let id = id_of(&keys.public(1));
    let output = ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::from_byte_array(id));
    let (mut psbt, utxo) = spending(Version::V0, &output);
    psbt.inputs[0].non_witness_utxo = None;
    psbt.inputs[0].witness_utxo = Some(utxo);
    let tx = psbt.unsigned_tx().unwrap();
    let hash = SighashCache::new(&tx).legacy_signature_hash(0, &output, 1).unwrap().to_byte_array();
    add(&mut psbt, keys.sign(1, hash));
    assert!(!finalize(&mut psbt));
}

#[test]
fn taproot_keys_are_finished() {
    let keys = Keys::new();
    let pair = Keypair::from_secret_key(&keys.secp, &keys.secrets[0]);
    let (internal, _) = pair.x_only_public_key();
    let output = ScriptBuf::new_p2tr(&keys.secp, internal, None);
    let (mut psbt, utxo) = spending(Version::V2, &output);
    psbt.inputs[0].non_witness_utxo = None;
    psbt.inputs[0].witness_utxo = Some(utxo.clone());
    let tx = psbt.unsigned_tx().unwrap();
    let hash = SighashCache::new(&tx)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&[utxo]), TapSighashType::Default)
        .unwrap()
        .to_byte_array();
    let tweaked = bitcoin::key::TapTweak::tap_tweak(pair, &keys.secp, None).to_keypair();
    let signature = keys.secp.sign_schnorr_no_aux_rand(&Message::from_digest(hash), &tweaked);
    let analysis = analyze(psbt.clone(), MAX_MONEY).unwrap();
    assert_eq!(analysis.vsize, Some(analysis_size(&psbt)));
    psbt.inputs[0].taproot_signature = Some(signature.as_ref().to_vec());
    let mut psbt = again(&psbt);
    assert!(finalize(&mut psbt));
    assert_eq!(psbt.inputs[0].final_witness, [signature.as_ref().to_vec()]);
}

/// The size of the transaction once it has a Schnorr signature.
fn analysis_size(psbt: &Psbt) -> u64 {
    let mut tx = psbt.unsigned_tx().unwrap();
    tx.input[0].witness.push([1; 64]);
    Tx::new(tx, None).vsize()
}

#[test]
fn signatures_must_have_the_stated_hash_type() {
    let keys = Keys::new();
    let script = keys.multisig();
    let (mut psbt, _) = spending(Version::V0, &p2wsh(&script));
    psbt.inputs[0].sighash = Some(3);
    psbt.inputs[0].witness_script = script;
    add(&mut psbt, keys.sign(0, [1; 32]));
    let before = psbt.clone();
    assert!(!finalize(&mut psbt));
    assert_eq!(psbt, before);
}

#[test]
fn what_can_never_be_a_transaction() {
    let keys = Keys::new();
    let (mut psbt, _) = spending(Version::V2, &keys.multisig());
    psbt.outputs[0].amount = -1;
    assert_eq!(analyze(psbt.clone(), MAX_MONEY), Err(Hopeless::OutputValue));
    psbt.inputs[0].time_locktime = Some(600_000_000);
    psbt.inputs.push(psbt.inputs[0].clone());
    psbt.inputs[1].time_locktime = None;
    psbt.inputs[1].height_locktime = Some(7);
    assert_eq!(analyze(psbt.clone(), MAX_MONEY), Err(Hopeless::Contradiction));
    assert_eq!((psbt.lock_time(), psbt.unique_id()), (None, None));
    psbt.inputs[1].time_locktime = Some(600_000_001);
    assert_eq!(psbt.lock_time(), Some(600_000_001));
    let (psbt, _) = spending(Version::V0, &ScriptBuf::from_bytes(vec![0x6a]));
    assert_eq!(analyze(psbt, MAX_MONEY), Err(Hopeless::Unspendable(0)));
    let (psbt, _) = spending(Version::V0, &keys.multisig());
    assert_eq!(analyze(psbt, 59_999), Err(Hopeless::InputValue(0)));
}

#[test]
fn rust_bitcoin_reads_and_writes_the_same() {
    use bitcoin::bip32::{DerivationPath, Fingerprint, Xpriv, Xpub};
    let keys = Keys::new();
    let script = keys.multisig();
    let (ours, utxo) = spending(Version::V0, &p2wsh(&script));
    let mut theirs = bitcoin::Psbt::from_unsigned_tx(ours.unsigned_tx().unwrap()).unwrap();
    assert_eq!(
        Psbt::new(CODEC, Version::V0, &Tx::new(ours.unsigned_tx().unwrap(), None)).to_bytes(),
        theirs.serialize()
    );
    let path: DerivationPath = "m/84h/0h/5".parse().unwrap();
    let origin = (Fingerprint::from([1, 2, 3, 4]), path);
    let public = PublicKey::from_slice(&keys.public(0)).unwrap();
    let xpriv = Xpriv::new_master(bitcoin::Network::Bitcoin, &[5; 32]).unwrap();
    theirs.xpub.insert(Xpub::from_priv(&keys.secp, &xpriv), origin.clone());
    let input = &mut theirs.inputs[0];
    input.non_witness_utxo = ours.inputs[0].non_witness_utxo.as_ref().map(|tx| tx.inner().clone());
    input.witness_utxo = Some(utxo);
    input.witness_script = Some(script.clone());
    input.redeem_script = Some(p2wsh(&script));
    input.bip32_derivation.insert(public, origin.clone());
    input.sighash_type = Some(EcdsaSighashType::All.into());
    input.sha256_preimages.insert(sha256::Hash::hash(b"x"), b"x".to_vec());
    let (x_only, _) = public.x_only_public_key();
    let leaf = bitcoin::TapLeafHash::from_script(&script, bitcoin::taproot::LeafVersion::TapScript);
    input.tap_internal_key = Some(x_only);
    input.tap_key_origins.insert(x_only, (vec![leaf], origin.clone()));
    theirs.outputs[0].bip32_derivation.insert(public, origin);
    theirs.outputs[0].witness_script = Some(script);
    let bytes = theirs.serialize();
    let read = Psbt::decode(CODEC, &bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    let origin = read.inputs[0].origins.values().next().unwrap();
    assert_eq!((origin.path_text().as_str(), origin.fingerprint), ("m/84h/0h/5", [1, 2, 3, 4]));
    assert_eq!(bitcoin::Psbt::deserialize(&read.to_bytes()).unwrap(), theirs);
}

#[test]
fn a_key_occurs_once() {
    let (psbt, _) = spending(Version::V2, &ScriptBuf::new());
    let bytes = psbt.to_bytes();
    // The separator of the last map makes room for two records of the same key.
    let twice = [&bytes[..bytes.len() - 1], &[2, 0xee, 1, 0, 2, 0xee, 1, 0, 0]].concat();
    let error = Psbt::decode(CODEC, &twice).unwrap_err();
    assert_eq!(error, PsbtError::Duplicate { map: "output", key: "ee01".to_owned() });
    let once = [&bytes[..bytes.len() - 1], &[2, 0xee, 1, 0, 0]].concat();
    let read = Psbt::decode(CODEC, &once).unwrap();
    assert_eq!(read.outputs[0].unknown.len(), 1);
    assert_eq!(read.to_bytes(), once);
}

proptest! {
    #[test]
    fn no_bytes_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        tail in proptest::collection::vec(any::<u8>(), 0..40),
        v2 in any::<bool>(),
    ) {
        let keys = Keys::new();
        let (mut psbt, _) = spending(if v2 { Version::V2 } else { Version::V0 }, &p2wsh(&keys.multisig()));
        psbt.inputs[0].witness_script = keys.multisig();
        add(&mut psbt, keys.sign(0, [1; 32]));
        let mut bytes = psbt.to_bytes();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.extend(tail);
        crate::fuzz::psbt(&bytes);
    }

    #[test]
    fn no_script_panics(
        parts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..40),
    ) {
        let key = Keys::new().public(0);
        // What miniscript is made of: keys with and without parity, numbers, hashes, and the operations between them.
        let tokens: Vec<Vec<u8>> = [
            &[&[33], key.as_slice()].concat()[..],
            &[&[32], &key[1..]].concat(),
            &[&[20], &key[..20]].concat(),
            &[0x51], &[0x52], &[0x00], &[0x02, 0x90, 0x01],
            &[0xac], &[0xad], &[0xae], &[0xba], &[0x9c], &[0x93], &[0x87], &[0x88], &[0x7c], &[0x73], &[0x6b], &[0x6c],
            &[0x63], &[0x64], &[0x67], &[0x68], &[0x92], &[0x82], &[0xa8], &[0xa9], &[0x76], &[0xb1], &[0xb2], &[0x69],
            &[0x9a], &[0x9b],
        ].map(<[u8]>::to_vec).to_vec();
        let mut script = Vec::new();
        for (token, other) in parts {
            if other == 0 {
                script.push(other);
            }
            script.extend_from_slice(&tokens[token.index(tokens.len())]);
        }
        crate::fuzz::satisfy(&script);
    }
}

#[test]
fn deep_scripts_are_given_up() {
    // A key, its check, and very many operations that change nothing.
    let keys = Keys::new();
    for depth in [0, 400, 100_000] {
        for key in [keys.public(0), keys.public(0)[1..].to_vec()] {
            let length = u8::try_from(key.len()).unwrap();
            let script = [&[length], key.as_slice(), &[0xac], &vec![0x92; depth]].concat();
            crate::fuzz::satisfy(&script);
        }
    }
}
