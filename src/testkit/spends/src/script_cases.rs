//! The cases of `script_tests.json`: pairs of scripts, and the exact error that they end with.

use bitcoin::{Amount, ScriptBuf, TxOut, Witness};
use script::taproot::{LEAF_TAPSCRIPT, leaf_hash, tweak_hash};
use script::{Flags, ScriptError};
use secp256k1::{Parity, Scalar, Secp256k1, XOnlyPublicKey};
use serde_json::Value;

use crate::notation::{bytes, cases, parse, text};

/// The x coordinate of the generator: the public key of the secret key 1, which the vectors use inside taproot.
const INTERNAL_KEY: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// The output key and the control block of a tree of one leaf.
fn tree_of_one(leaf: &[u8]) -> ([u8; 32], Vec<u8>) {
    let internal: XOnlyPublicKey = INTERNAL_KEY.parse().unwrap();
    let root = leaf_hash(LEAF_TAPSCRIPT, leaf);
    let tweak = Scalar::from_be_bytes(tweak_hash(&internal.serialize(), Some(&root))).unwrap();
    let (output, parity) = internal.add_tweak(&Secp256k1::verification_only(), &tweak).unwrap();
    let mut control = vec![LEAF_TAPSCRIPT | u8::from(parity == Parity::Odd)];
    control.extend_from_slice(&internal.serialize());
    (output.serialize(), control)
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The script of the input.
    pub script_sig: ScriptBuf,
    /// What it spends.
    pub spent: TxOut,
    /// Its witness.
    pub witness: Witness,
    /// The flags to run it with.
    pub flags: Flags,
    /// How it ends.
    pub expected: Result<(), ScriptError>,
}

/// Reads a row of the file.
pub fn read_case(row: &[Value]) -> Case {
    let mut row = row;
    let mut elements: Vec<Vec<u8>> = Vec::new();
    let mut output_key = None;
    let mut amount = Amount::ZERO;
    if let [Value::Array(witness), rest @ ..] = row {
        row = rest;
        let (coins, witness) = witness.split_last().unwrap();
        amount = Amount::from_btc(coins.as_f64().unwrap()).unwrap();
        for element in witness {
            elements.push(match text(element) {
                "#CONTROLBLOCK#" => {
                    let (key, control) = tree_of_one(elements.last().unwrap());
                    output_key = Some(key);
                    control
                }
                other => match other.strip_prefix("#SCRIPT#") {
                    Some(script) => script::asm::parse_script(script).unwrap().into_bytes(),
                    None => bytes(element),
                },
            });
        }
    }
    let [script_sig, script_pubkey, flags, expected, ..] = row else { panic!("too short: {row:?}") };
    let script_pubkey = if text(script_pubkey) == "0x51 0x20 #TAPROOTOUTPUT#" {
        let mut script = vec![0x51, 0x20];
        script.extend_from_slice(&output_key.unwrap());
        ScriptBuf::from_bytes(script)
    } else {
        parse(script_pubkey)
    };
    let mut flags: Flags = text(flags).parse().unwrap();
    if flags.has(Flags::CLEANSTACK) {
        flags |= Flags::P2SH | Flags::WITNESS;
    }
    let expected = match text(expected) {
        "OK" => Ok(()),
        name => Err(ScriptError::from_name(name).unwrap_or_else(|| panic!("no error is named {name}"))),
    };
    Case {
        script_sig: parse(script_sig),
        spent: TxOut { value: amount, script_pubkey },
        witness: Witness::from_slice(&elements),
        flags,
        expected,
    }
}

/// Every script pair of the file, for tests that start from them: what is spent, and with what.
pub fn pairs() -> Vec<(ScriptBuf, Witness, TxOut)> {
    let file = vectors::load("script_tests.json");
    let read = |row: &Vec<Value>| {
        let case = read_case(row);
        (case.script_sig, case.witness, case.spent)
    };
    cases(&file).into_iter().map(read).collect()
}
