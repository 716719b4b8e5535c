//! One key of several people: two rounds, nonces that are used once, and parts that fit nothing else.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, TxOut, Txid};
use platform::SystemEntropy;
use primitives::{Codec, Tx};
use proptest::prelude::*;
use psbt::finalize::{extract_tx, finalize};
use psbt::{Psbt, Version};

use super::together::{is_right, spending};
use super::*;
use crate::{PsbtManner, Sessions, fill_psbt};

const NUMS: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
const MANNER: PsbtManner = PsbtManner { sign: true, sighash: None, finalize: true, bip32_derivs: true };

/// The roots of people that everybody knows: private, and public.
fn roots(count: u8) -> Vec<(String, String)> {
    let make = |n| crate::ExtendedPrivateKey::from_seed(&[n + 1; 32]).unwrap();
    let texts =
        |key: crate::ExtendedPrivateKey| (key.text(&regtest()).to_string(), regtest().write_extended(key.public()));
    (0..count).map(make).map(texts).collect()
}

/// What each of some people knows of a descriptor, in which `$0`, `$1` are their keys.
fn people(form: &str, count: u8) -> (Vec<Provider>, TxOut) {
    let roots = roots(count);
    let mut output = None;
    let one = |me: usize| {
        let mut text = form.to_owned();
        for (number, (private, public)) in roots.iter().enumerate() {
            text = text.replace(&format!("${number}"), if number == me { private } else { public });
        }
        let (descriptor, ring) = read(&text, regtest());
        let expansion = descriptor.expand(7, &ring).unwrap();
        let script = expansion.scripts[0].clone();
        assert!(output.replace(script.clone()).is_none_or(|before| before == script), "all have the same script");
        let mut provider = Provider::new(regtest());
        provider.add(&descriptor, 7, expansion, &ring);
        provider.sessions = Some(Arc::new(Sessions::new(Arc::new(SystemEntropy))));
        provider
    };
    let all = (0..roots.len()).map(one).collect();
    (all, TxOut { value: Amount::from_sat(10_000), script_pubkey: output.unwrap() })
}

fn fresh(output: &TxOut) -> (Tx, Psbt) {
    let tx = spending(OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 0 });
    let mut psbt = Psbt::new(Codec::BITCOIN, Version::V2, &tx);
    psbt.inputs[0].witness_utxo = Some(output.clone());
    (tx, psbt)
}

/// Each of them works on a copy; then the copies are one again.
fn round(psbt: &Psbt, people: &[Provider], manner: PsbtManner) -> Psbt {
    let copies = people.iter().map(|provider| {
        let mut copy = psbt.clone();
        assert!(!fill_psbt(&mut copy, provider, manner).unwrap().complete);
        // As it travels.
        Psbt::decode_base64(Codec::BITCOIN, &copy.to_base64()).unwrap()
    });
    copies.reduce(|all, copy| all.merge(copy).unwrap()).unwrap()
}

const FORMS: [&str; 7] = [
    "rawtr(musig($0/*,$1/*,$2/*))",
    "tr(musig($0/0/*,$1/1/*,$2/2/*))",
    "rawtr(musig($0,$1,$2)/3/*)",
    "tr(musig($0,$1,$2)/*)",
    "tr(NUMS,pk(musig($0/*,$1/*,$2/*)))",
    "tr(NUMS,{pk(musig($0,$1,$2)/0/*),and_v(v:pkh(musig($2,$1)/1/*),older(100))})",
    "tr(NUMS,and_v(v:pk(musig($0,$1,$2)/5),older(100)))",
];

#[test]
fn two_rounds_make_a_signature() {
    for form in FORMS {
        for sighash in [None, Some(0x81)] {
            let (people, output) = people(&form.replace("NUMS", NUMS), 3);
            let manner = PsbtManner { sighash, ..MANNER };
            let (_, psbt) = fresh(&output);
            let first = round(&psbt, &people, manner);
            let nonces = first.inputs[0].musig2_nonces.values().next().unwrap();
            assert_eq!((nonces.len(), first.inputs[0].musig2_signatures.len()), (3, 0), "{form}");
            let mut second = round(&first, &people, manner);
            assert_eq!(second.inputs[0].musig2_signatures.values().next().unwrap().len(), 3, "{form}");
            // Nobody's secrets are left, and whoever has no keys at all can finish.
            assert!(people.iter().all(|person| person.sessions.as_ref().unwrap().is_empty()), "{form}");
            assert!(finalize(&mut second), "{form}");
            assert!(is_right(&extract_tx(&second).unwrap(), &output), "{form}");
        }
    }
}

#[test]
fn nobody_signs_before_all_nonces_are_there() {
    let (people, output) = people(FORMS[1], 3);
    let (_, psbt) = fresh(&output);
    let first = round(&psbt, &people[..2], MANNER);
    let again = round(&first, &people[..2], MANNER);
    assert!(again.inputs[0].musig2_signatures.is_empty());
    assert_eq!(again.inputs[0].musig2_nonces.values().next().unwrap().len(), 2);
    // Two of three parts are not enough either.
    let all = round(&psbt, &people, MANNER);
    let mut two = round(&all, &people[..2], MANNER);
    assert!(!finalize(&mut two));
    assert_eq!(two.inputs[0].musig2_signatures.values().next().unwrap().len(), 2);
}

#[test]
fn a_nonce_signs_once() {
    let (people, output) = people(FORMS[1], 3);
    let (_, psbt) = fresh(&output);
    let first = round(&psbt, &people, MANNER);
    let part = |psbt: &Psbt| {
        let mut copy = psbt.clone();
        fill_psbt(&mut copy, &people[0], MANNER).unwrap();
        copy.inputs[0].musig2_signatures.values().next().map(std::collections::BTreeMap::len)
    };
    assert_eq!(part(&first), Some(1));
    assert_eq!(part(&first), None, "the secret is gone");
    // Another begin is another nonce.
    let (one, two) = (round(&psbt, &people, MANNER), round(&psbt, &people, MANNER));
    let nonces = |psbt: &Psbt| psbt.inputs[0].musig2_nonces.values().next().unwrap().clone();
    assert!(nonces(&one).values().zip(nonces(&two).values()).all(|(a, b)| a != b));
    // Both can be finished, in whatever order.
    for begun in [two, one] {
        assert!(finalize(&mut round(&begun, &people, MANNER)));
    }
}

#[test]
fn nothing_is_begun_without_a_place_for_secrets() {
    let (mut people, output) = people(FORMS[0], 3);
    people[0].sessions = None;
    let (_, psbt) = fresh(&output);
    let first = round(&psbt, &people[..1], MANNER);
    assert!(first.inputs[0].musig2_nonces.is_empty());
    assert_eq!(first.inputs[0].musig2_participants.len(), 1, "but who takes part is told");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the others send instead of their parts, nobody panics and nothing wrong is finished.
    #[test]
    fn spoiled_parts_finish_nothing(form in 0_usize..7, place in 0_usize..100, bit in 0_u8..8, in_nonces in any::<bool>()) {
        let (people, output) = people(&FORMS[form].replace("NUMS", NUMS), 3);
        let (_, psbt) = fresh(&output);
        let mut first = round(&psbt, &people, MANNER);
        let spoil = |records: &mut std::collections::BTreeMap<psbt::MuSig2Key, psbt::Records>| {
            if let Some(bytes) = records.values_mut().next().and_then(|values| values.values_mut().next()) {
                let at = place % bytes.len();
                bytes[at] ^= 1 << bit;
            }
        };
        if in_nonces {
            spoil(&mut first.inputs[0].musig2_nonces);
        }
        let mut second = round(&first, &people, MANNER);
        if !in_nonces {
            spoil(&mut second.inputs[0].musig2_signatures);
        }
        let finished = finalize(&mut second);
        // The second leaf of one form is somebody else's, and may be whole.
        prop_assert!(!finished || is_right(&extract_tx(&second).unwrap(), &output));
        prop_assert!(!finished || form == 5);
    }
}
