//! Freicoin's own vectors, as far as they differ from Bitcoin's: witnesses in trees of scripts, opcodes that end a script,
//! hints, and signatures that cover the lock height.

use bitcoin::hex::FromHex;
use bitcoin::{Amount, ScriptBuf, TxOut, Witness};
use primitives::{Codec, Tx, WitnessMode};
use script::{Flags, Prevout, ScriptError, TxData, TxSignatureChecker, verify_script_in};
use spends::notation::spend;

const SCRIPTS: &str = include_str!("freicoin/scripts.tsv");
const HASHES: &str = include_str!("freicoin/sighash.tsv");

fn rows(file: &str) -> impl Iterator<Item = Vec<&str>> {
    file.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// Bytes; a dash stands for none, because a line cannot end with nothing.
fn bytes(text: &str) -> Vec<u8> {
    Vec::from_hex(if text == "-" { "" } else { text }).unwrap()
}

#[test]
fn scripts_end_with_the_exact_error() {
    let mut ran = 0;
    let mut wrong = Vec::new();
    for row in rows(SCRIPTS) {
        let [expected, flags, amount, script_sig, script_pubkey, witness @ ..] = &row[..] else { panic!("{row:?}") };
        let amount = Amount::from_sat(amount.parse().unwrap());
        let script_pubkey = ScriptBuf::from_bytes(bytes(script_pubkey));
        let spent = TxOut { value: amount, script_pubkey };
        let witness: Vec<Vec<u8>> = witness.iter().map(|item| bytes(item)).collect();
        let tx = spend(ScriptBuf::from_bytes(bytes(script_sig)), Witness::from_slice(&witness), &spent);
        let tx = Tx::new(tx, Some(0));
        let prevout = Prevout { amount, script_pubkey: &spent.script_pubkey, reference_height: Some(0) };
        let data = TxData::of(&tx, [prevout]);
        let mut flags: Flags = flags.trim_matches('-').parse().unwrap();
        if flags.has(Flags::CLEANSTACK) {
            flags |= Flags::P2SH | Flags::WITNESS;
        }
        let checker = TxSignatureChecker::new(&data, 0, amount);
        let input = &tx.inputs()[0];
        let found =
            verify_script_in(&script::MAST, &input.script_sig, &spent.script_pubkey, &input.witness, flags, &checker);
        let wanted = match *expected {
            "OK" => Ok(()),
            name => Err(ScriptError::from_name(name).unwrap_or_else(|| panic!("no error is named {name}"))),
        };
        // Bitcoin has given two errors other names since.
        let renamed = matches!(
            (wanted, found),
            (Err(ScriptError::Unknown), Err(ScriptError::ScriptNum))
                | (Err(ScriptError::UnbalancedConditional), Err(ScriptError::InvalidStackOperation))
        );
        if found != wanted && !renamed {
            wrong.push(format!("{found:?}: {row:?}"));
        }
        ran += 1;
    }
    assert!(wrong.is_empty(), "{} of {ran} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(ran, 492);
}

#[test]
fn signatures_cover_the_lock_height() {
    let codec = Codec::for_coin(coin::by_id("freicoin").unwrap());
    let mut ran = 0;
    for row in rows(HASHES) {
        let [hash, hash_type, input, code, tx] = row[..] else { panic!("{row:?}") };
        let tx = codec.decode_tx(&bytes(tx), WitnessMode::Include).unwrap();
        let data = TxData::of(&tx, Vec::<&TxOut>::new());
        let found =
            script::sighash::legacy(&data, input.parse().unwrap(), &bytes(code), hash_type.parse().unwrap()).unwrap();
        let mut expected = bytes(hash);
        expected.reverse();
        assert_eq!(found[..], expected, "{hash}");
        ran += 1;
    }
    assert_eq!(ran, 100);
}
