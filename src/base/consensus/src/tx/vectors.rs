//! `tx_valid.json` and `tx_invalid.json`, judged by the rules of this crate: a transaction alone, then its scripts.

use std::sync::Arc;

use bitcoin::{Amount, OutPoint, ScriptBuf, TxOut, Txid};
use primitives::{Codec, Tx, TxOutEntry, WitnessMode};
use script::{BITCOIN, Flags};
use serde_json::Value;

use crate::ScriptCheck;
use crate::testing::regtest;

struct Case {
    tx: Arc<Tx>,
    spent: Arc<Vec<TxOutEntry>>,
    flags: String,
}

fn read_all(name: &str) -> Vec<Case> {
    let codec = Codec::for_coin(coin::by_id("bitcoin").unwrap());
    let file = ::vectors::load(name);
    let rows = file.as_array().unwrap().iter().map(|row| row.as_array().unwrap());
    let read = |row: &Vec<Value>| {
        let hex = row[1].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let tx = codec.decode_tx(&bytes, WitnessMode::Include).unwrap();
        let prevouts: Vec<(OutPoint, TxOut)> = row[0].as_array().unwrap().iter().map(prevout).collect();
        let spent = tx.inputs().iter().filter_map(|input| {
            // Cases with doubled outputs name the last one.
            let found = prevouts.iter().rev().find(|(outpoint, _)| *outpoint == input.previous_output)?;
            Some(TxOutEntry::new(found.1.clone(), 1, false, None))
        });
        let spent = Arc::new(spent.collect());
        Case { tx: Arc::new(tx), spent, flags: row[2].as_str().unwrap().to_owned() }
    };
    rows.filter(|row| row.len() > 1).map(read).collect()
}

fn prevout(value: &Value) -> (OutPoint, TxOut) {
    let txid: Txid = value[0].as_str().unwrap().parse().unwrap();
    let vout = u32::try_from(value[1].as_i64().unwrap() & 0xffff_ffff).unwrap();
    let script_pubkey: ScriptBuf = script::asm::parse_script(value[2].as_str().unwrap()).unwrap();
    let value = value.get(3).map_or(Amount::ZERO, |value| Amount::from_sat(value.as_u64().unwrap()));
    (OutPoint { txid, vout }, TxOut { value, script_pubkey })
}

#[test]
fn valid_transactions_pass() {
    let (rules, all) = (regtest(), read_all("tx_valid.json"));
    for case in &all {
        let id = case.tx.txid();
        assert_eq!(rules.check_transaction(&case.tx), Ok(()), "{id}");
        // The file names the flags that have to be off.
        let flags = !case.flags.parse::<Flags>().unwrap();
        assert_eq!(ScriptCheck::whole(&case.tx, &case.spent, flags, BITCOIN).run(None), Ok(()), "{id} under {flags}");
    }
    ::vectors::ran("tx_valid.json", all.len(), 121);
}

#[test]
fn invalid_transactions_fail() {
    let (rules, all) = (regtest(), read_all("tx_invalid.json"));
    for case in &all {
        let id = case.tx.txid();
        let alone = rules.check_transaction(&case.tx);
        assert_eq!(alone.is_err(), case.flags == "BADTX", "{id}: {alone:?}");
        if alone.is_ok() {
            let flags = case.flags.parse::<Flags>().unwrap();
            let check = ScriptCheck::whole(&case.tx, &case.spent, flags, BITCOIN);
            assert!(check.run(None).is_err(), "{id} under {flags}");
        }
    }
    ::vectors::ran("tx_invalid.json", all.len(), 93);
}
