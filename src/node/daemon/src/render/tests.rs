//! Shapes, looked at.

use std::sync::Arc;

use ::rpc::Json;
use bitcoin::{Amount, ScriptBuf, TxOut};
use chainstate::{SaltedState, Tree};
use consensus::U256;
use descriptors::Notation;
use primitives::{Block, Codec, CoinTail, Header, Tx, TxOutEntry, hex};

use super::{Prevouts, block, descriptor, header, hex256, tx};

fn notation() -> Notation {
    let coin = coin::by_id("bitcoin").unwrap();
    Notation::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap())
}

/// A spending transaction with a witness, and what it spends.
fn spending() -> (Tx, TxOutEntry) {
    let hash = bitcoin::WPubkeyHash::from_raw_hash(bitcoin::hashes::Hash::hash(b"key"));
    let script_pubkey = ScriptBuf::new_p2wpkh(&hash);
    let mut inner = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).txdata.remove(0);
    inner.input[0].previous_output = bitcoin::OutPoint { txid: inner.compute_txid(), vout: 7 };
    // A signature, as far as its form goes, and a key.
    inner.input[0].script_sig = ScriptBuf::from_bytes(vec![9, 0x30, 6, 2, 1, 1, 2, 1, 1, 0x83]);
    inner.input[0].witness.push([1, 2, 3]);
    inner.output[0].value = Amount::from_sat(4_999_990_000);
    inner.output.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new_op_return([7; 6]) });
    let out = TxOut { value: Amount::from_int_btc(50), script_pubkey };
    (Tx::new(inner, None), TxOutEntry::new(out, 100, true, CoinTail::None))
}

#[test]
fn transactions() {
    let (spender, coin) = spending();
    let coins = [coin];
    let shown = [Prevouts::Unknown, Prevouts::ForFee(&coins), Prevouts::Shown(&coins)]
        .map(|prevouts| Json::from(tx(&spender, None, &notation(), prevouts, true)).write_indented(2));
    insta::assert_snapshot!(shown.join("\n"));
    let read =
        Codec::BITCOIN.decode_tx(&spender.to_bytes(primitives::WitnessMode::Include), primitives::WitnessMode::Include);
    assert_eq!(read, Ok(spender));
}

#[test]
fn blocks_and_headers() {
    let genesis = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    let raw = genesis.header;
    let txs = genesis.txdata.into_iter().map(|inner| Arc::new(Tx::new(inner, None))).collect();
    let first = Block { header: Header::new(raw), txs, tail: None };
    let mut tree = Tree::new(SaltedState::default());
    let id = tree.insert(raw, first.hash(), None, None);
    let mut next = raw;
    next.prev_blockhash = first.hash();
    let child = tree.insert(next, Header::new(next).hash(), Some(id), None);
    let limit = U256::MAX >> 1;
    let at_tip = header(&tree, id, id, limit);
    let below = header(&tree, id, child, limit);
    assert_eq!(at_tip.get("confirmations"), Some(&Json::from(1)));
    assert_eq!(below.get("confirmations"), Some(&Json::from(2)));
    assert!(!at_tip.contains("nextblockhash") && below.contains("nextblockhash"));
    let stray = header(&tree, child, id, limit);
    assert_eq!(stray.get("confirmations"), Some(&Json::from(-1)));
    let shown = [1, 2]
        .map(|verbosity| Json::from(block(below.clone(), &first, None, verbosity, &notation())).write_indented(2));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn descriptors_of_scripts_behind_hashes() {
    let key = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
    let bytes = <[u8; 33] as bitcoin::hex::FromHex>::from_hex(key).unwrap();
    let inner = script::templates::pay_to_pubkey(&bytes);
    let program = inner.to_p2wsh();
    let wrapped = program.to_p2sh();
    let body = |text: String| text.split('#').next().unwrap().to_owned();
    let known: &[&bitcoin::Script] = &[&inner, &program];
    assert_eq!(body(descriptor(&wrapped, known, &notation())), format!("sh(wsh(pk({key})))"));
    assert_eq!(body(descriptor(&inner.to_p2sh(), known, &notation())), format!("sh(pk({key}))"));
    assert!(descriptor(&wrapped, &[], &notation()).starts_with("addr(2"));
    // A key that is written twice as long is no key of segwit.
    let long = bitcoin::PublicKey::from_slice(&bytes).unwrap().inner.serialize_uncompressed();
    let inner = script::templates::pay_to_pubkey(&long);
    assert_eq!(body(descriptor(&inner.to_p2sh(), &[&inner], &notation())), format!("sh(pk({}))", hex::encode(&long)));
    assert!(descriptor(&inner.to_p2wsh(), &[&inner], &notation()).starts_with("addr(bcrt1"));
    // Hybrid keys have no descriptor, and some numbers are no key at all.
    let mut hybrid = long;
    hybrid[0] = 6 + (long[64] & 1);
    assert!(descriptor(&script::templates::pay_to_pubkey(&hybrid), &[], &notation()).starts_with("raw(41"));
    let no_key = ScriptBuf::from_bytes([&[0x51, 0x20][..], &[0xff; 32]].concat());
    assert!(descriptor(&no_key, &[], &notation()).starts_with("addr(bcrt1p"));
}

#[test]
fn numbers_keep_their_zeros() {
    assert_eq!(hex256(U256::ZERO), "0".repeat(64));
    assert_eq!(hex::encode(&[0, 0x0f, 0xff]), "000fff");
}
