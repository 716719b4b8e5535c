//! `bip341_wallet_vectors.json`: trees of scripts, and every kind of key path signature.

use bitcoin::{ScriptBuf, TxOut};
use script::sighash::{TaprootContext, taproot};
use script::taproot::{ControlBlock, branch_hash, leaf_hash, tweak_hash};
use script::{Flags, Solution, TxData, solve};
use serde_json::Value;

use spends::notation::{array32, bytes, sats, transaction};

use crate::common::verify_input;

/// The root of a tree, and the hashes of its leaves in their order.
fn tree(node: &Value, leaves: &mut Vec<[u8; 32]>, scripts: &mut Vec<(u8, Vec<u8>)>) -> [u8; 32] {
    if let Value::Array(children) = node {
        let [left, right] = &children[..] else { panic!("not two children: {node}") };
        let left = tree(left, leaves, scripts);
        let right = tree(right, leaves, scripts);
        return branch_hash(&left, &right);
    }
    let version = u8::try_from(node["leafVersion"].as_u64().unwrap()).unwrap();
    let script = bytes(&node["script"]);
    let hash = leaf_hash(version, &script);
    leaves.push(hash);
    scripts.push((version, script));
    hash
}

#[test]
fn trees_of_scripts() {
    let file = vectors::load("bip341_wallet_vectors.json");
    let rows = file["scriptPubKey"].as_array().unwrap();
    let mut blocks = 0;
    for row in rows {
        let internal = array32(&row["given"]["internalPubkey"]);
        let (mut leaves, mut scripts) = (Vec::new(), Vec::new());
        let root = match &row["given"]["scriptTree"] {
            Value::Null => None,
            node => Some(tree(node, &mut leaves, &mut scripts)),
        };
        let expected = &row["intermediary"];
        assert_eq!(root, (!expected["merkleRoot"].is_null()).then(|| array32(&expected["merkleRoot"])));
        assert_eq!(tweak_hash(&internal, root.as_ref()), array32(&expected["tweak"]));
        let output = ScriptBuf::from_bytes(bytes(&row["expected"]["scriptPubKey"]));
        let output_key = array32(&expected["tweakedPubkey"]);
        assert_eq!(solve(&output), Solution::WitnessV1Taproot(&output_key));
        for (index, control) in row["expected"]["scriptPathControlBlocks"].as_array().into_iter().flatten().enumerate()
        {
            let bytes = bytes(control);
            let control = ControlBlock::parse(&bytes).unwrap();
            let (version, script) = &scripts[index];
            assert_eq!(control.leaf_version(), *version);
            assert_eq!(leaves[index], array32(&expected["leafHashes"][index]));
            assert!(control.commits(&output_key, leaf_hash(*version, script)));
            assert!(!control.commits(&output_key, leaf_hash(*version, b"another")));
            blocks += 1;
        }
    }
    vectors::ran("bip341_wallet_vectors.json, trees", rows.len(), 7);
    vectors::ran("bip341_wallet_vectors.json, control blocks", blocks, 12);
}

#[test]
fn key_path_signatures() {
    let file = vectors::load("bip341_wallet_vectors.json");
    let mut signatures = 0;
    for row in file["keyPathSpending"].as_array().unwrap() {
        let spent: Vec<TxOut> = row["given"]["utxosSpent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|output| TxOut {
                value: sats(&output["amountSats"]),
                script_pubkey: ScriptBuf::from_bytes(bytes(&output["scriptPubKey"])),
            })
            .collect();
        let tx = transaction(&row["given"]["rawUnsignedTx"]);
        let data = TxData::new(&tx, &spent);
        for spending in row["inputSpending"].as_array().unwrap() {
            let index = usize::try_from(spending["given"]["txinIndex"].as_u64().unwrap()).unwrap();
            let hash_type = u8::try_from(spending["given"]["hashType"].as_u64().unwrap()).unwrap();
            let hash = taproot(&data, index, hash_type, &TaprootContext::default());
            assert_eq!(hash, Some(array32(&spending["intermediary"]["sigHash"])), "input {index}");
            signatures += 1;
        }
        // The whole transaction, with its inputs of other kinds too.
        let signed = transaction(&row["auxiliary"]["fullySignedTx"]);
        let data = TxData::new(&signed, &spent);
        for index in 0..signed.input.len() {
            assert_eq!(verify_input(&data, index, Flags::ALL), Ok(()), "input {index}");
        }
    }
    vectors::ran("bip341_wallet_vectors.json, signatures", signatures, 7);
}
