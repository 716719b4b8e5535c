//! PSBTs that Bitcoin Core's `descriptorprocesspsbt` worked on: the same bytes must come out here.
//!
//! `psbts.tsv` holds for each case the descriptor with private keys, the end of its range, the hash type, the PSBT that
//! went in, what came out without and with finishing, and whether that was complete.

use primitives::Codec;
use psbt::Psbt;
use psbt::finalize::extract_tx;

use super::*;
use crate::{PsbtManner, process_psbt};

pub(super) fn cases() -> impl Iterator<Item = Vec<&'static str>> {
    include_str!("psbts.tsv").lines().map(|line| line.split('\t').collect())
}

fn hash_type(name: &str) -> Option<i32> {
    match name {
        "-" => None,
        "DEFAULT" => Some(0),
        "ALL" => Some(1),
        "NONE" => Some(2),
        "SINGLE|ANYONECANPAY" => Some(0x83),
        other => panic!("{other}"),
    }
}

fn decode(text: &str) -> Psbt {
    Psbt::decode_base64(Codec::BITCOIN, text).unwrap()
}

fn manner(case: &[&str], finalize: bool) -> PsbtManner {
    PsbtManner { sign: true, sighash: hash_type(case[2]), finalize, bip32_derivs: true }
}

#[test]
fn the_same_as_the_reference() {
    let mut count = 0;
    for case in cases() {
        let provider = provider(case[0], case[1].parse().unwrap());
        for (finalize, wanted) in [(false, case[4]), (true, case[5])] {
            let mut psbt = decode(case[3]);
            // The reference has looked up the transaction that is spent.
            if psbt.inputs[0].non_witness_utxo.is_none() {
                psbt.inputs[0].non_witness_utxo = decode(wanted).inputs[0].non_witness_utxo.clone();
            }
            let complete = process_psbt(&mut psbt, &provider, manner(&case, finalize)).unwrap();
            if finalize && case[0].contains("thresh(") {
                // Any two of three will do; the library chooses others of the same size.
                let size = |psbt: &Psbt| extract_tx(psbt).unwrap().weight();
                assert_eq!(size(&psbt), size(&decode(wanted)));
            } else {
                assert!(psbt.to_base64() == wanted, "{} {} {finalize}: {psbt:#?}", case[0], case[2]);
            }
            assert_eq!(complete, finalize && case[6] == "true", "{}", case[0]);
        }
        count += 1;
    }
    assert_eq!(count, 67);
}

#[test]
fn sizes_are_known_before_there_is_a_signature() {
    for case in cases().filter(|case| case[6] == "true") {
        let (descriptor, ring) = read(case[0], regtest());
        // What a wallet sees: the output's script, and what it knows about that.
        let done = decode(case[5]);
        let finished = &done.inputs[0];
        let script = finished.utxo().unwrap().script_pubkey;
        let expansion =
            (0..=5).find_map(|index| descriptor.expand(index, &ring).filter(|e| e.scripts.contains(&script)));
        let inferred = descriptors::infer(&script, &expansion.unwrap().known, &regtest());
        assert_eq!(inferred.satisfaction(false), descriptor.satisfaction(false), "{}", case[0]);
        assert_eq!(inferred.address_type(), descriptor.address_type());
        let weight = descriptor.input_weight(false, true).unwrap();
        let mut tx = extract_tx(&done).unwrap().into_inner();
        let with_input = tx.weight().to_wu();
        let has_witness = !tx.input[0].witness.is_empty();
        tx.input.clear();
        // Without inputs there is no marker of witnesses either; an input without witness counts as if others had one.
        let marker = if has_witness { 2 } else { 0 };
        let without = bitcoin::consensus::serialize(&tx.output).len() as u64 * 4 + (4 + 4 + 1) * 4 + marker;
        let real = with_input - without + u64::from(!has_witness);
        let spare = i64::try_from(weight).unwrap() - i64::try_from(real).unwrap();
        // A script path of taproot costs more than the key path that is assumed; other forms may be cheaper than their
        // dearest branch.
        if !case[0].starts_with("tr(5092") && !case[0].starts_with("tr(tpub") {
            let signatures = if has_witness { 3 } else { 12 };
            let spare_of_policies = if case[0].starts_with("wsh(") { 80 } else { 0 };
            // The push of a long redeem script is a byte longer than the reference counts.
            let short = if case[0].starts_with("sh(multi") || case[0].starts_with("sh(sortedmulti") { -4 } else { 0 };
            assert!((short..=signatures + spare_of_policies).contains(&spare), "{spare} {}", case[0]);
        }
    }
}
