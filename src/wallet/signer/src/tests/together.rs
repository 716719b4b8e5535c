//! Several signers of one script: whoever is enough together completes it, in whatever order, and nobody else does.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use primitives::{Codec, Tx};
use proptest::prelude::*;
use psbt::finalize::{extract_tx, finalize};
use psbt::spend::STANDARD;
use psbt::{Psbt, Version as PsbtVersion};
use script::{TxData, TxSignatureChecker, verify_script};

use super::*;
use crate::{Coin, PrivateKey, PsbtManner, fill_psbt, sign_transaction};

const NUMS: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

fn key(number: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[number + 1; 32], true).unwrap()
}

/// A script that `threshold` of `count` keys spend.
fn descriptor(form: usize, threshold: usize, count: u8) -> String {
    let keys = (0..count).map(|n| key(n).public().to_string()).collect::<Vec<_>>();
    let x_only = keys.iter().map(|key| key[2..].to_owned()).collect::<Vec<_>>().join(",");
    let (other, keys) = (key(9).public().to_string(), keys.join(","));
    match form {
        0 => format!("sh(multi({threshold},{keys}))"),
        1 => format!("wsh(sortedmulti({threshold},{keys}))"),
        2 => format!("sh(wsh(multi({threshold},{keys})))"),
        3 => format!("tr({NUMS},multi_a({threshold},{x_only}))"),
        4 => format!("tr({NUMS},{{sortedmulti_a({threshold},{x_only}),and_v(v:pk({}),older(1000))}})", &other[2..]),
        _ => format!("wsh(or_i(and_v(v:pkh({other}),older(1000)),multi({threshold},{keys})))"),
    }
}

pub(super) fn spending(outpoint: OutPoint) -> Tx {
    let input = TxIn {
        previous_output: outpoint,
        script_sig: ScriptBuf::new(),
        sequence: Sequence(500),
        witness: Witness::new(),
    };
    let output = TxOut { value: Amount::from_sat(9_000), script_pubkey: ScriptBuf::from_bytes(vec![0x51]) };
    let inner =
        Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input: vec![input], output: vec![output] };
    Tx::new(inner, None)
}

pub(super) fn is_right(tx: &Tx, output: &TxOut) -> bool {
    let data = TxData::of(tx, [output]);
    let checker = TxSignatureChecker::new(&data, 0, output.value);
    let input = &tx.inputs()[0];
    verify_script(&input.script_sig, &output.script_pubkey, &input.witness, STANDARD, &checker).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn enough_keys_complete_it(
        form in 0_usize..6,
        count in 1_u8..6,
        threshold in 1_usize..6,
        first in prop::collection::btree_set(0_u8..6, 0..6),
        second in prop::collection::btree_set(0_u8..6, 0..6),
        v2 in any::<bool>(),
    ) {
        let threshold = threshold.min(usize::from(count));
        let (descriptor, _) = read(&descriptor(form, threshold, count), regtest());
        let expansion = descriptor.expand(0, &KeyRing::new(regtest())).unwrap();
        let output = TxOut { value: Amount::from_sat(10_000), script_pubkey: expansion.scripts[0].clone() };
        let mut before = spending(OutPoint::null()).into_inner();
        before.output = vec![output.clone()];
        let before = std::sync::Arc::new(Tx::new(before, None));
        let outpoint = OutPoint { txid: before.txid(), vout: 0 };
        let tx = spending(outpoint);
        let signer = |keys: &BTreeSet<u8>| {
            let mut provider = Provider::new(regtest());
            provider.known = expansion.known.clone();
            for number in keys {
                provider.keys.insert(key(*number));
            }
            provider
        };
        let together: BTreeSet<u8> = first.union(&second).copied().collect();
        let of_script = together.iter().filter(|number| **number < count).count();
        let enough = of_script >= threshold;

        // As PSBTs, each signed by one, then merged and finished.
        let mut psbt = Psbt::new(Codec::BITCOIN, if v2 { PsbtVersion::V2 } else { PsbtVersion::V0 }, &tx);
        psbt.inputs[0].non_witness_utxo = Some(std::sync::Arc::clone(&before));
        // Where keys come from is told, because a script that hides keys behind hashes needs it.
        let manner = PsbtManner { sign: true, sighash: None, finalize: false, bip32_derivs: true };
        let mut copies = Vec::new();
        for keys in [&first, &second] {
            let mut copy = psbt.clone();
            let outcome = fill_psbt(&mut copy, &signer(keys), manner).unwrap();
            prop_assert!(!outcome.complete);
            copies.push(Psbt::decode_base64(Codec::BITCOIN, &copy.to_base64()).unwrap());
        }
        let (theirs, ours) = (copies.pop().unwrap(), copies.pop().unwrap());
        let mut merged = ours.merge(theirs).unwrap();
        prop_assert_eq!(finalize(&mut merged), enough);
        if enough {
            prop_assert!(is_right(&extract_tx(&merged).unwrap(), &output));
        }

        // As transactions, signed by one and then by the other. Taproot and miniscript keep no partial signatures there.
        let coins = BTreeMap::from([(outpoint, Coin::from(output.clone()))]);
        let sign = |tx: &Tx, keys: &BTreeSet<u8>| sign_transaction(Codec::BITCOIN, tx, &coins, &signer(keys), 0, 1 << 60);
        let at_once = sign(&tx, &together);
        prop_assert_eq!(at_once.is_complete(), enough);
        prop_assert_eq!(at_once.is_complete(), is_right(&at_once.tx, &output));
        if form < 3 {
            let one = sign(&tx, &first);
            let both = sign(&one.tx, &second);
            prop_assert_eq!(both.is_complete(), enough);
            prop_assert_eq!(both.is_complete(), is_right(&both.tx, &output));
        }
    }
}

#[test]
fn what_was_not_asked_for_is_not_signed() {
    // A hostile node says that an input spends our script, but with another amount, or that another's input is ours.
    let (descriptor, ring) = read(&format!("wpkh({})", key(1).text(0xef).as_str()), regtest());
    let expansion = descriptor.expand(0, &ring).unwrap();
    let ours = TxOut { value: Amount::from_sat(10_000), script_pubkey: expansion.scripts[0].clone() };
    let mut provider = Provider::new(regtest());
    provider.add(&descriptor, 0, expansion, &ring);
    let outpoint = OutPoint { txid: Txid::all_zeros(), vout: 0 };
    let tx = spending(outpoint);
    let lie = TxOut { value: Amount::from_sat(1), ..ours.clone() };
    let signed = sign_transaction(
        Codec::BITCOIN,
        &tx,
        &BTreeMap::from([(outpoint, Coin::from(lie.clone()))]),
        &provider,
        0,
        1 << 60,
    );
    // The signature says the amount, so it is of no use for another one.
    assert!(is_right(&signed.tx, &lie) && !is_right(&signed.tx, &ours));
    // A PSBT that states what it spends without proof gets no signature that does not say the amount.
    let (descriptor, ring) = read(&format!("pkh({})", key(1).text(0xef).as_str()), regtest());
    let expansion = descriptor.expand(0, &ring).unwrap();
    let mut psbt = Psbt::new(Codec::BITCOIN, PsbtVersion::V0, &tx);
    psbt.inputs[0].witness_utxo = Some(TxOut { value: ours.value, script_pubkey: expansion.scripts[0].clone() });
    let mut provider = Provider::new(regtest());
    provider.add(&descriptor, 0, expansion, &ring);
    let manner = PsbtManner { sign: true, sighash: None, finalize: true, bip32_derivs: true };
    assert!(!fill_psbt(&mut psbt, &provider, manner).unwrap().complete);
    assert!(psbt.inputs[0].signatures.is_empty() && !psbt.inputs[0].is_final());
    // A whole transaction that is another one than the input names is not believed.
    psbt.inputs[0].non_witness_utxo = Some(std::sync::Arc::new(spending(outpoint)));
    assert!(fill_psbt(&mut psbt, &provider, manner).is_err());
    assert!(psbt.inputs[0].signatures.is_empty() && !psbt.inputs[0].is_final());
}
