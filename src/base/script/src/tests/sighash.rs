//! Signature hashes against rust-bitcoin's, which shares no code with ours.

use bitcoin::hashes::Hash;
use bitcoin::sighash::{Annex, EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::TapLeafHash;
use bitcoin::{
    Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute, transaction,
};
use primitives::Tx;
use proptest::prelude::*;

use crate::sighash::{Leaf, TaprootContext, legacy, segwit_v0, taproot};
use crate::taproot::{annex_hash, leaf_hash};
use crate::{SigVersion, SignatureChecker, TxData, TxSignatureChecker};

fn script() -> impl Strategy<Value = ScriptBuf> {
    prop::collection::vec(prop_oneof![any::<u8>(), Just(0xab), Just(0xac)], 0..40).prop_map(ScriptBuf::from_bytes)
}

fn input() -> impl Strategy<Value = TxIn> {
    (any::<[u8; 32]>(), any::<u32>(), any::<u32>()).prop_map(|(txid, vout, sequence)| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array(txid), vout),
        script_sig: ScriptBuf::new(),
        sequence: Sequence(sequence),
        witness: Witness::new(),
    })
}

fn output() -> impl Strategy<Value = TxOut> {
    (any::<u32>(), script())
        .prop_map(|(sats, script_pubkey)| TxOut { value: Amount::from_sat(u64::from(sats)), script_pubkey })
}

/// A transaction of one to nine inputs, what they spend, and one of the inputs.
fn spend() -> impl Strategy<Value = (Transaction, Vec<TxOut>, usize)> {
    let inputs = prop::collection::vec((input(), output()), 1..10);
    let outputs = prop::collection::vec(output(), 0..5);
    (any::<i32>(), any::<u32>(), inputs, outputs, any::<prop::sample::Index>()).prop_map(
        |(version, lock_time, inputs, output, index)| {
            let (input, spent): (Vec<TxIn>, Vec<TxOut>) = inputs.into_iter().unzip();
            let index = index.index(input.len());
            let lock_time = absolute::LockTime::from_consensus(lock_time);
            (Transaction { version: transaction::Version(version), lock_time, input, output }, spent, index)
        },
    )
}

/// A script that can be read to its end: rust-bitcoin hashes broken ones in its own way.
fn whole_script() -> impl Strategy<Value = ScriptBuf> {
    script().prop_map(|script| {
        let mut cursor = crate::instruction::Cursor::new(script.as_bytes());
        let mut end = 0;
        while cursor.next_op().is_some() {
            end = cursor.position();
        }
        ScriptBuf::from_bytes(script.as_bytes()[..end].to_vec())
    })
}

fn without_separators(script: &Script) -> ScriptBuf {
    let mut bytes = Vec::new();
    let mut cursor = crate::instruction::Cursor::new(script.as_bytes());
    let mut start = 0;
    while let Some(op) = cursor.next_op() {
        if op.opcode != crate::Opcode::CODESEPARATOR {
            bytes.extend_from_slice(&script.as_bytes()[start..cursor.position()]);
        }
        start = cursor.position();
    }
    ScriptBuf::from_bytes(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn legacy_is_rust_bitcoins((tx, spent, index) in spend(), code in whole_script(), hash_type in any::<u8>()) {
        let data = TxData::new(&tx, &spent);
        let expected = SighashCache::new(&tx)
            .legacy_signature_hash(index, &without_separators(&code), u32::from(hash_type))
            .unwrap();
        let ours = legacy(&data, index, code.as_bytes(), i32::from(hash_type));
        prop_assert_eq!(ours, Some(expected.to_byte_array()));
        // Once more, now that everything shared has been computed, and for another input.
        prop_assert_eq!(legacy(&data, index, code.as_bytes(), i32::from(hash_type)), ours);
        prop_assert_eq!(legacy(&data, tx.input.len(), code.as_bytes(), i32::from(hash_type)), None);
    }

    #[test]
    fn segwit_is_rust_bitcoins(
        (tx, spent, index) in spend(),
        code in script(),
        kind in prop::sample::select(vec![1_u8, 2, 3, 0x81, 0x82, 0x83]),
    ) {
        let data = TxData::new(&tx, &spent);
        let theirs = EcdsaSighashType::from_standard(u32::from(kind)).unwrap();
        let expected =
            SighashCache::new(&tx).p2wsh_signature_hash(index, &code, spent[index].value, theirs).unwrap();
        let ours = segwit_v0(&data, index, code.as_bytes(), spent[index].value, i32::from(kind));
        prop_assert_eq!(ours, Some(expected.to_byte_array()));
    }

    #[test]
    fn taproot_is_rust_bitcoins(
        (tx, spent, index) in spend(),
        leaf in prop::option::of((script(), any::<u32>())),
        annex in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
        kind in any::<u8>(),
    ) {
        let data = TxData::new(&tx, &spent);
        let annex = annex.map(|annex| [&[0x50], &annex[..]].concat());
        let context = TaprootContext {
            annex_hash: annex.as_deref().map(annex_hash),
            leaf: leaf.as_ref().map(|(script, separator)| Leaf {
                hash: leaf_hash(0xc0, script.as_bytes()),
                code_separator: *separator,
            }),
        };
        let ours = taproot(&data, index, kind, &context);
        let expected = TapSighashType::from_consensus_u8(kind).ok().and_then(|kind| {
            let theirs = leaf.as_ref().map(|(script, separator)| {
                (TapLeafHash::from_script(script, bitcoin::taproot::LeafVersion::TapScript), *separator)
            });
            SighashCache::new(&tx)
                .taproot_signature_hash(
                    index,
                    &Prevouts::All(&spent),
                    annex.as_deref().map(|annex| Annex::new(annex).unwrap()),
                    theirs,
                    kind,
                )
                .ok()
        });
        prop_assert_eq!(ours, expected.map(Hash::to_byte_array));
        prop_assert_eq!(taproot(&TxData::without_prevouts(&tx), index, kind, &context), None);
    }

    /// What a checker remembers between its questions never changes an answer.
    #[test]
    fn remembered_messages_are_the_same(
        (tx, spent, index) in spend(),
        codes in prop::collection::vec(script(), 1..3),
        asked in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..12),
    ) {
        let data = TxData::new(&tx, &spent);
        let checker = TxSignatureChecker::new(&data, index, spent[index].value);
        for (code, kind, segwit) in asked {
            let (code, kind) = (code.get(&codes).as_bytes(), i32::from(kind));
            let (version, fresh) = if segwit {
                (SigVersion::WitnessV0, segwit_v0(&data, index, code, spent[index].value, kind))
            } else {
                (SigVersion::Base, legacy(&data, index, code, kind))
            };
            prop_assert_eq!(checker.ecdsa_hash(code, kind, version), fresh);
        }
    }
}

/// Of a script that breaks off, the old message keeps the full length but not the bytes behind the broken opcode.
#[test]
fn broken_script_codes() {
    let tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn::default()],
        output: Vec::new(),
    };
    let mut message = bitcoin::consensus::serialize(&tx.version);
    message.push(1);
    message.extend_from_slice(&[0; 32]);
    message.extend_from_slice(&[0xff; 4]);
    // Of 51 ab 05 aa bb: five bytes without one separator, of which the last two are missing.
    message.extend_from_slice(&[4, 0x51, 0x05]);
    message.extend_from_slice(&tx.input[0].sequence.0.to_le_bytes());
    message.extend_from_slice(&[0; 5]);
    message.extend_from_slice(&1_i32.to_le_bytes());
    let expected = bitcoin::hashes::sha256d::Hash::hash(&message).to_byte_array();
    assert_eq!(legacy(&TxData::without_prevouts(&tx), 0, &[0x51, 0xab, 0x05, 0xaa, 0xbb], 1), Some(expected));
}

/// Lock height and reference height go where Freicoin has them: after the lock time, and after the amount.
#[test]
fn tails_change_the_messages_that_have_room_for_them() {
    let tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn::default()],
        output: vec![TxOut { value: Amount::ONE_SAT, script_pubkey: ScriptBuf::new() }],
    };
    let spent = TxOut { value: Amount::ONE_BTC, script_pubkey: ScriptBuf::new() };
    let plain = TxData::new(&tx, [&spent]);
    let with_height = Tx::new(tx.clone(), Some(7));
    let height = TxData::of(&with_height, [&spent]);
    let dated = TxData::new(&tx, [crate::Prevout { reference_height: Some(7), ..(&spent).into() }]);
    let both = |data: &TxData<'_>| (legacy(data, 0, &[], 1), segwit_v0(data, 0, &[], spent.value, 1));
    assert_ne!(both(&plain).0, both(&height).0);
    assert_ne!(both(&plain).1, both(&height).1);
    assert_eq!(both(&plain).0, both(&dated).0);
    assert_ne!(both(&plain).1, both(&dated).1);

    // The legacy message, written out.
    let mut message = bitcoin::consensus::serialize(&tx);
    message.extend_from_slice(&7_u32.to_le_bytes());
    message.extend_from_slice(&1_u32.to_le_bytes());
    assert_eq!(both(&height).0, Some(bitcoin::hashes::sha256d::Hash::hash(&message).to_byte_array()));
}

#[test]
fn shared_data_crosses_threads() {
    fn is_shareable<T: Send + Sync>(_: &T) {}
    let tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn::default(); 6],
        output: Vec::new(),
    };
    let data = TxData::without_prevouts(&tx);
    is_shareable(&data);
    let alone = legacy(&TxData::without_prevouts(&tx), 3, &[0xac], 1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(legacy(&data, 3, &[0xac], 1), alone));
        }
    });
    // A checker for an input that is not there refuses everything.
    let checker = TxSignatureChecker::new(&data, 6, Amount::ZERO);
    assert!(!checker.check_ecdsa(&[1, 1], &[2; 33], &[], SigVersion::Base));
    assert!(!checker.check_lock_time(0));
    assert!(!checker.check_sequence(0));
}
