//! Transactions and scripts as clients see them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::rpc::Json;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, ScriptBuf, TxOut};
use primitives::{Codec, Header, Tx, WitnessMode, hex};

use super::{combine, construct, create, proof, script};
use crate::testing::Asker;

const TXID: &str = "1d1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000";
const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
/// The generator point with both its coordinates.
const LONG_KEY: &str = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
/// The address of [`KEY`] on the regtest chain.
const ADDRESS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

fn asker() -> Asker {
    let create = create::page().run(|config: &config::Config, request| {
        let tx = construct(config, request)?;
        Ok(hex::encode(&tx.to_bytes(WitnessMode::Include)).into())
    });
    Asker::new("bitcoin", vec![create, create::decode(), script::decode()])
}

#[test]
fn creates_and_decodes() {
    let asker = asker();
    let params = format!(
        r#"[[{{"txid":"{TXID}","vout":1}},{{"txid":"{TXID}","vout":2,"sequence":7}}],[{{"{ADDRESS}":1.5}},{{"data":"00010203"}}],500]"#
    );
    let hex = asker.ask("createrawtransaction", &params).unwrap();
    let decoded = asker.shown("decoderawtransaction", &format!("[{hex}]"));
    insta::assert_snapshot!("created", format!("{}\n{decoded}", hex.as_str().unwrap()));
}

#[test]
fn outputs_may_be_one_object() {
    let asker = asker();
    let list = format!(r#"[[],[{{"{ADDRESS}":"0.1"}},{{"data":"ff"}}]]"#);
    let object = format!(r#"[[],{{"{ADDRESS}":0.1,"data":"ff"}}]"#);
    let made = asker.ask("createrawtransaction", &list).unwrap();
    assert_eq!(asker.ask("createrawtransaction", &object).unwrap(), made);
    // Without inputs it looks like a transaction with witnesses; it is found out nevertheless.
    let decoded = asker.ask("decoderawtransaction", &format!("[{made}]")).unwrap();
    assert_eq!((decoded.get("vin").len(), decoded.get("vout").len()), (0, 2));
    assert_eq!(asker.ask("decoderawtransaction", &format!("[{made},true]")), Err((-22, "TX decode failed".to_owned())));
}

#[test]
fn sequence_numbers_follow_the_arguments() {
    let asker = asker();
    let sequence = |rest: &str| {
        let hex =
            asker.ask("createrawtransaction", &format!(r#"[[{{"txid":"{TXID}","vout":0}}],{{}}{rest}]"#)).unwrap();
        let decoded = asker.ask("decoderawtransaction", &format!("[{hex},true]")).unwrap();
        decoded.get("vin").at(0).get("sequence").as_int::<u32>().unwrap()
    };
    assert_eq!(sequence(""), 0xffff_fffd);
    assert_eq!(sequence(",0,false"), 0xffff_ffff);
    assert_eq!(sequence(",1,false"), 0xffff_fffe);
    assert_eq!(sequence(",1,true,3"), 0xffff_fffd);
}

#[test]
fn refuses_as_the_daemon_does() {
    let asker = asker();
    let input = |more: &str| format!(r#"[{{"txid":"{TXID}"{more}}}],{{}}"#);
    let cases = [
        (format!("{},-1", input(r#","vout":0"#)), -8, "Invalid parameter, locktime out of range"),
        (format!("{},4294967296", input(r#","vout":0"#)), -8, "Invalid parameter, locktime out of range"),
        ("[],{},0,true,4".to_owned(), -8, "Invalid parameter, version out of range(1~3)"),
        ("[],{},0,true,-1".to_owned(), -1, "JSON integer out of range"),
        ("[],null".to_owned(), -8, "Invalid parameter, output argument must be non-null"),
        ("[],\"x\"".to_owned(), -3, "JSON value of type string is not of expected type array"),
        ("[3],{}".to_owned(), -3, "JSON value of type number is not of expected type object"),
        ("[{}],{}".to_owned(), -3, "JSON value of type null is not of expected type string"),
        ("[{\"txid\":\"00\"}],{}".to_owned(), -8, "txid must be of length 64 (not 2, for '00')"),
        (input(""), -8, "Invalid parameter, missing vout key"),
        (input(r#","vout":"1""#), -8, "Invalid parameter, missing vout key"),
        (input(r#","vout":-1"#), -8, "Invalid parameter, vout cannot be negative"),
        (input(r#","vout":1,"sequence":-1"#), -8, "Invalid parameter, sequence number is out of range"),
        (input(r#","vout":1,"sequence":4294967296"#), -8, "Invalid parameter, sequence number is out of range"),
        (
            format!("{},0,true", input(r#","vout":1,"sequence":4294967295"#)),
            -8,
            "Invalid parameter combination: Sequence number(s) contradict replaceable option",
        ),
        ("[],{\"data\":\"foo\"}".to_owned(), -8, "Data must be hexadecimal string (not 'foo')"),
        ("[],{\"foo\":0}".to_owned(), -5, "Invalid Bitcoin address: foo"),
        ("[],{\"foo\":-1}".to_owned(), -3, "Amount out of range"),
        (format!("[],[{{\"{ADDRESS}\":1}},{{\"{ADDRESS}\":1}}]"), -8, "duplicated"),
        ("[],[{\"data\":\"00\"},{\"data\":\"00\"}]".to_owned(), -8, "Invalid parameter, duplicate key: data"),
        ("[],[[]]".to_owned(), -8, "Invalid parameter, key-value pair not an object as expected"),
        ("[],[{}]".to_owned(), -8, "Invalid parameter, key-value pair must contain exactly one key"),
    ];
    for (params, code, text) in cases {
        let (got, message) = asker.ask("createrawtransaction", &format!("[{params}]")).unwrap_err();
        let expected = if text == "duplicated" {
            format!("Invalid parameter, duplicated address: {ADDRESS}")
        } else {
            text.to_owned()
        };
        assert_eq!((got, message), (code, expected), "{params}");
    }
    for bad in ["", "0", "zz", "00"] {
        let answer = asker.ask("decoderawtransaction", &format!("[\"{bad}\"]"));
        assert_eq!(answer, Err((-22, "TX decode failed".to_owned())), "{bad}");
    }
}

#[test]
fn scripts_and_their_wrappings() {
    let asker = asker();
    let hash = "5dd1d3a048119c27b28293056724d9522f26d945";
    let scripts = [
        String::new(),
        format!("21{KEY}ac"),
        format!("41{LONG_KEY}ac"),
        format!("76a914{hash}88ac"),
        format!("a914{hash}87"),
        format!("5121{KEY}21{KEY}52ae"),
        format!("5121{KEY}41{LONG_KEY}52ae"),
        format!("0014{hash}"),
        "51024e73".to_owned(),
        // Not the coordinate of any point, so that no descriptor holds it.
        format!("5120{}", "ee".repeat(31) + "f0"),
        "6a0548656c6c6f".to_owned(),
        "50".to_owned(),
        "ba".to_owned(),
        "4c".to_owned(),
    ];
    let shown: Vec<String> = scripts
        .iter()
        .map(|script| format!("{script}\n{}", asker.shown("decodescript", &format!("[\"{script}\"]"))))
        .collect();
    insta::assert_snapshot!("scripts", shown.join("\n\n"));
    let answer = asker.ask("decodescript", "[\"xx\"]");
    assert_eq!(answer, Err((-8, "argument must be hexadecimal string (not 'xx')".to_owned())));
}

/// A block of `count` coinbase-like transactions.
fn block(count: u8) -> primitives::Block {
    let coinbase = |n: u8| {
        let mut inner = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).txdata.remove(0);
        inner.output[0].value = Amount::from_sat(u64::from(n));
        Arc::new(Tx::new(inner, None))
    };
    let txs: Vec<Arc<Tx>> = (0..count).map(coinbase).collect();
    let mut raw = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).header;
    let blank = primitives::Block { header: Header::new(raw), txs: txs.clone(), tail: None };
    raw.merkle_root = blank.merkle_root().0;
    primitives::Block { header: Header::new(raw), txs, tail: None }
}

#[test]
fn proofs_prove() {
    for count in 1..=9 {
        let block = block(count);
        for chosen in 0_u32..1 << count.min(5) {
            let wanted: BTreeSet<_> =
                block.txs.iter().enumerate().filter(|(n, _)| chosen >> n & 1 == 1).map(|(_, tx)| tx.txid()).collect();
            let bytes = proof::prove(&block, &wanted).unwrap();
            let opened = proof::open(Codec::BITCOIN, &bytes).unwrap();
            assert_eq!(opened.header.hash(), block.hash());
            assert_eq!(opened.count, u32::from(count));
            assert_eq!(opened.txids.unwrap().into_iter().collect::<BTreeSet<_>>(), wanted);
        }
    }
}

#[test]
fn broken_proofs_prove_nothing() {
    let block = block(4);
    let wanted = [block.txs[2].txid()].into();
    let good = proof::prove(&block, &wanted).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        let proven = proof::open(Codec::BITCOIN, &bad).ok().and_then(|p| Some((p.header.hash(), p.txids?)));
        assert!(proven.is_none_or(|(hash, _)| hash != block.hash()), "byte {place}");
        assert!(proof::open(Codec::BITCOIN, &good[..place]).is_err(), "{place} bytes");
    }
    let stranger = bitcoin::Txid::all_zeros();
    assert_eq!(proof::prove(&block, &[stranger].into()), None);
}

fn combine(txs: &[&str], script: &ScriptBuf) -> Result<Json, String> {
    let list: Vec<Json> = txs.iter().map(|tx| Json::from(*tx)).collect();
    let coin = TxOut { value: Amount::from_sat(100_000), script_pubkey: script.clone() };
    combine::combine_texts(Codec::BITCOIN, &list, |_| Ok(Some(coin.clone()))).map_err(|e| e.message.into_owned())
}

mod signing {
    //! Real signatures, by keys that everybody knows.

    use bitcoin::hashes::{Hash, sha256};
    use bitcoin::secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey};
    use bitcoin::sighash::SighashCache;
    use bitcoin::{Amount, EcdsaSighashType, ScriptBuf, Transaction, Witness};
    use script::{instruction::push_data, templates};

    pub(super) struct Keys {
        secp: Secp256k1<All>,
        secrets: Vec<SecretKey>,
    }

    impl Keys {
        pub(super) fn new(count: u8) -> Self {
            let secrets = (1..=count).map(|n| SecretKey::from_slice(&[n; 32]).unwrap()).collect();
            Self { secp: Secp256k1::new(), secrets }
        }

        pub(super) fn publics(&self) -> Vec<Vec<u8>> {
            self.secrets.iter().map(|s| PublicKey::from_secret_key(&self.secp, s).serialize().to_vec()).collect()
        }

        fn sign(&self, key: usize, hash: [u8; 32]) -> Vec<u8> {
            let signature = self.secp.sign_ecdsa(&Message::from_digest(hash), &self.secrets[key]);
            [signature.serialize_der().as_ref(), &[1]].concat()
        }

        /// The 2-of-n script, and the output that hides it in a witness.
        pub(super) fn multisig(&self) -> (ScriptBuf, ScriptBuf) {
            let script = templates::multisig(2, &self.publics());
            let output =
                ScriptBuf::new_p2wsh(&bitcoin::WScriptHash::from_raw_hash(sha256::Hash::hash(script.as_bytes())));
            (script, output)
        }

        /// A copy of `tx` that these keys signed, with empty places for the others, behind a witness script hash.
        pub(super) fn sign_witness(&self, tx: &Transaction, amount: u64, keys: &[usize]) -> String {
            let (script, _) = self.multisig();
            let hash = SighashCache::new(tx)
                .p2wsh_signature_hash(0, &script, Amount::from_sat(amount), EcdsaSighashType::All)
                .unwrap()
                .to_byte_array();
            let mut stack = vec![Vec::new()];
            stack.extend(keys.iter().map(|key| self.sign(*key, hash)));
            stack.resize(3, Vec::new());
            stack.push(script.to_bytes());
            let mut tx = tx.clone();
            tx.input[0].witness = Witness::from_slice(&stack);
            bitcoin::consensus::encode::serialize_hex(&tx)
        }

        /// The same without witness: the bare script is the output.
        pub(super) fn sign_bare(&self, tx: &Transaction, keys: &[usize]) -> String {
            let (script, _) = self.multisig();
            let hash = SighashCache::new(tx).legacy_signature_hash(0, &script, 1).unwrap().to_byte_array();
            let mut script_sig = vec![0];
            for key in keys {
                push_data(&mut script_sig, &self.sign(*key, hash));
            }
            let mut tx = tx.clone();
            tx.input[0].script_sig = ScriptBuf::from_bytes(script_sig);
            bitcoin::consensus::encode::serialize_hex(&tx)
        }
    }
}

fn spending() -> bitcoin::Transaction {
    let mut tx = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).txdata.remove(0);
    tx.input[0].previous_output = bitcoin::OutPoint { txid: TXID.parse().unwrap(), vout: 1 };
    tx.input[0].script_sig = ScriptBuf::new();
    tx
}

#[test]
fn signatures_of_several_come_together() {
    let keys = signing::Keys::new(3);
    let (script, output) = keys.multisig();
    let tx = spending();
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        let copies = [first, second].map(|key| keys.sign_witness(&tx, 100_000, &[key]));
        let whole = Json::from(keys.sign_witness(&tx, 100_000, &[first, second]));
        assert_eq!(combine(&[&copies[0], &copies[1]], &output).unwrap(), whole);
        assert_eq!(combine(&[&copies[1], &copies[0]], &output).unwrap(), whole);
        let copies = [first, second].map(|key| keys.sign_bare(&tx, &[key]));
        let whole = Json::from(keys.sign_bare(&tx, &[first, second]));
        assert_eq!(combine(&[&copies[0], &copies[1]], &script).unwrap(), whole);
    }
}

#[test]
fn one_signature_keeps_its_place() {
    let keys = signing::Keys::new(3);
    let (_, output) = keys.multisig();
    let tx = spending();
    let alone = keys.sign_witness(&tx, 100_000, &[1]);
    assert_eq!(combine(&[&alone, &alone], &output).unwrap(), Json::from(alone.as_str()));
}

#[test]
fn only_copies_are_combined() {
    let keys = signing::Keys::new(2);
    let (_, output) = keys.multisig();
    let tx = spending();
    let mut other = tx.clone();
    other.output[0].value = Amount::from_sat(1);
    let (one, two) = (keys.sign_witness(&tx, 100_000, &[0]), keys.sign_witness(&other, 100_000, &[1]));
    let error = |txs: &[&str]| combine(txs, &output).unwrap_err();
    assert_eq!(error(&[&one, &two]), "Transaction number 2 not compatible with first transaction");
    assert_eq!(error(&[&one]), "Missing transactions. At least two transactions required.");
    assert_eq!(error(&[&one, "00"]), "TX decode failed for tx 1. Make sure the tx has at least one input.");
}
