//! Every record becomes bytes and the same record again; any bytes become a record or an error.

use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, BlockHash, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, Wtxid, transaction,
};
use primitives::Tx;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

pub(crate) fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => ".{0,40}".prop_map(Text::from),
        1 => vec(any::<u8>(), 0..300).prop_map(Text::from_bytes),
    ]
}

fn hash() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn txid() -> impl Strategy<Value = Txid> {
    hash().prop_map(Txid::from_byte_array)
}

pub(crate) fn tx(lock_height: bool) -> impl Strategy<Value = Arc<Tx>> {
    let input = (txid(), any::<u32>(), vec(any::<u8>(), 0..30), any::<u32>(), vec(vec(any::<u8>(), 0..70), 0..3));
    let input = input.prop_map(|(txid, vout, script, sequence, witness)| TxIn {
        previous_output: OutPoint { txid, vout },
        script_sig: ScriptBuf::from_bytes(script),
        sequence: Sequence(sequence),
        witness: Witness::from_slice(&witness),
    });
    let output = (any::<u64>(), vec(any::<u8>(), 0..40)).prop_map(|(value, script)| TxOut {
        value: Amount::from_sat(value),
        script_pubkey: ScriptBuf::from_bytes(script),
    });
    (any::<i32>(), any::<u32>(), vec(input, 1..4), vec(output, 0..4), any::<u32>()).prop_map(
        move |(version, lock, input, output, height)| {
            let version = transaction::Version(version);
            let inner = Transaction { version, lock_time: LockTime::from_consensus(lock), input, output };
            Arc::new(Tx::new(inner, lock_height.then_some(height)))
        },
    )
}

fn state() -> impl Strategy<Value = StoredState> {
    let block = || hash().prop_map(BlockHash::from_byte_array);
    prop_oneof![
        Just(StoredState::Inactive),
        Just(StoredState::Abandoned),
        (block(), 0..i32::MAX).prop_map(|(block, index)| StoredState::Confirmed { block, index }),
        block().prop_map(|block| StoredState::Conflicted { block }),
        (block(), i32::MIN..-1).prop_map(|(block, index)| StoredState::Unrecognized { block, index }),
    ]
}

fn tx_record(lock_height: bool) -> impl Strategy<Value = TxRecord> {
    let texts = [(); 4].map(|()| option::of(text()));
    let lists = (vec(text(), 0..3), vec(text(), 0..3));
    let numbers = (any::<u32>(), any::<u32>(), option::of((0..i64::MAX).prop_union(i64::MIN..-1)));
    (tx(lock_height), state(), texts, [option::of(txid()), option::of(txid())], lists, numbers).prop_map(
        |(tx, state, [from, message, comment, comment_to], [replaces, replaced_by], lists, numbers)| {
            let (messages, payment_requests) = lists;
            let (time_received, time_smart, order_pos) = numbers;
            TxRecord {
                tx,
                state,
                from,
                message,
                comment,
                comment_to,
                replaces,
                replaced_by,
                messages,
                payment_requests,
                time_received,
                time_smart,
                order_pos,
            }
        },
    )
}

fn public_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (2_u8..=3, hash()).prop_map(|(first, rest)| [&[first], rest.as_slice()].concat()),
        (hash(), hash()).prop_map(|(x, y)| [&[4], x.as_slice(), y.as_slice()].concat()),
    ]
}

fn key_secret() -> impl Strategy<Value = KeySecret> {
    // Below the order of the curve, and not zero.
    (0_u8..0xff, [any::<u8>(); 30], 1_u8..).prop_map(|(first, middle, last)| {
        let bytes = [&[first], middle.as_slice(), &[last]].concat();
        KeySecret::copy_of(&bytes.try_into().unwrap())
    })
}

fn extended() -> impl Strategy<Value = ExtendedKeyBytes> {
    vec(any::<u8>(), EXTENDED_KEY_BYTES).prop_map(|bytes| bytes.try_into().unwrap())
}

fn blob() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..100)
}

fn hashes() -> impl Strategy<Value = Vec<BlockHash>> {
    vec(hash().prop_map(BlockHash::from_byte_array), 0..40)
}

fn master_key() -> impl Strategy<Value = MasterKeyRecord> {
    (blob(), blob(), any::<[u32; 2]>(), blob()).prop_map(
        |(encrypted_key, salt, [derivation_method, iterations], other_parameters)| MasterKeyRecord {
            encrypted_key,
            salt,
            derivation_method,
            iterations,
            other_parameters,
        },
    )
}

fn descriptor() -> impl Strategy<Value = DescriptorRecord> {
    (text(), any::<u64>(), any::<[i32; 3]>()).prop_map(|(text, creation_time, [next_index, range_start, range_end])| {
        DescriptorRecord { text, creation_time, next_index, range_start, range_end }
    })
}

/// Records of every type but unknown ones.
pub(crate) fn record(lock_height: bool) -> impl Strategy<Value = Record> {
    let legacy = (0..LegacyKind::ALL.len(), blob(), blob());
    prop_oneof![
        any::<i32>().prop_map(Record::Version),
        any::<i32>().prop_map(Record::MinVersion),
        any::<u64>().prop_map(|flags| Record::Flags(WalletFlags(flags))),
        hashes().prop_map(Record::BestBlock),
        hashes().prop_map(Record::BestBlockNoMerkle),
        any::<i64>().prop_map(Record::OrderPosNext),
        (text(), text()).prop_map(|(address, label)| Record::Name { address, label }),
        (text(), text()).prop_map(|(address, purpose)| Record::Purpose { address, purpose }),
        (text(), text(), text()).prop_map(|(address, name, value)| Record::DestData { address, name, value }),
        (txid(), tx_record(lock_height)).prop_map(|(txid, record)| Record::Tx { txid, record: Box::new(record) }),
        (txid(), hash(), tx(lock_height)).prop_map(|(txid, wtxid, tx)| Record::TxVariant {
            txid,
            wtxid: Wtxid::from_byte_array(wtxid),
            tx
        }),
        (txid(), any::<u32>()).prop_map(|(txid, vout)| Record::LockedUtxo(OutPoint { txid, vout })),
        (any::<u32>(), master_key()).prop_map(|(number, key)| Record::MasterKey { number, key }),
        (any::<bool>(), any::<u8>(), hash()).prop_map(|(internal, output_type, id)| Record::Active {
            internal,
            output_type,
            id
        }),
        (hash(), descriptor()).prop_map(|(id, descriptor)| Record::Descriptor { id, descriptor }),
        (hash(), public_key(), key_secret()).prop_map(|(id, public_key, secret)| Record::DescriptorKey {
            id,
            public_key,
            secret
        }),
        (hash(), public_key(), blob()).prop_map(|(id, public_key, ciphertext)| Record::DescriptorCryptedKey {
            id,
            public_key,
            ciphertext
        }),
        (hash(), any::<u32>(), option::of(any::<u32>()), extended())
            .prop_map(|(id, key_index, position, xpub)| { Record::DescriptorCache { id, key_index, position, xpub } }),
        (hash(), any::<u32>(), extended()).prop_map(|(id, key_index, xpub)| Record::DescriptorLastHardened {
            id,
            key_index,
            xpub
        }),
        legacy.prop_map(|(kind, rest, value)| Record::Legacy { kind: LegacyKind::ALL[kind], rest, value }),
    ]
}

fn codec(coin: &str) -> Codec {
    Codec::for_coin(coin::by_id(coin).unwrap())
}

proptest! {
    #[test]
    fn records_round_trip(record in record(false)) {
        let (key, value) = (record.key().encode(), record.encode_value());
        prop_assert_eq!(Record::decode(&Codec::BITCOIN, &key, &value), Ok(record.clone()));
        prop_assert_eq!(Record::decode_value(&Codec::BITCOIN, record.key(), &value), Ok(record));
    }

    #[test]
    fn transactions_of_freicoin_round_trip(record in tx_record(true)) {
        let record = Record::tx(record);
        let value = record.encode_value();
        prop_assert_eq!(Record::decode_value(&codec("freicoin"), record.key(), &value), Ok(record));
    }

    #[test]
    fn bytes_behind_a_value_are_ignored(record in record(false), tail in vec(any::<u8>(), 1..9)) {
        let is_open_ended = matches!(record, Record::Legacy { .. });
        let value = [record.encode_value().as_slice(), &tail].concat();
        let read = Record::decode_value(&Codec::BITCOIN, record.key(), &value);
        prop_assert!(is_open_ended || read == Ok(record));
    }

    #[test]
    fn a_value_that_is_cut_short_is_an_error(record in record(false), cut in any::<prop::sample::Index>()) {
        let value = record.encode_value();
        let has_end = !matches!(record, Record::Legacy { .. } | Record::LockedUtxo(_));
        let short = &value[..cut.index(value.len().max(1))];
        let read = Record::decode_value(&Codec::BITCOIN, record.key(), short);
        prop_assert!(!has_end || read.is_err());
    }

    #[test]
    fn a_key_with_something_behind_it_is_unknown(record in record(false), tail in vec(any::<u8>(), 1..9)) {
        let key = [record.key().encode().as_slice(), &tail].concat();
        // Four bytes behind a parent in the cache are a position.
        let is_open_ended = matches!(record, Record::Legacy { .. } | Record::DescriptorCache { .. });
        prop_assert!(is_open_ended || Key::decode(&key) == Key::Unknown(key));
    }

    #[test]
    fn any_bytes_behind_any_type_are_read_or_refused(record in record(false), value in vec(any::<u8>(), 0..200)) {
        crate::fuzz::value(&record.key().encode(), &value);
    }

    #[test]
    fn damage_is_read_or_refused(record in record(false), place in any::<prop::sample::Index>(), byte: u8) {
        let (key, mut value) = (record.key().encode(), record.encode_value().to_vec());
        if !value.is_empty() {
            let place = place.index(value.len());
            value[place] = byte;
        }
        crate::fuzz::value(&key, &value);
    }

    #[test]
    fn any_bytes_are_a_key(bytes in vec(any::<u8>(), 0..60)) {
        prop_assert_eq!(Key::decode(&bytes).encode(), bytes);
    }
}

#[test]
fn fields_that_lost_their_meaning_are_skipped() {
    let spent = Tx::new(
        Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn::default()],
            output: Vec::new(),
        },
        None,
    );
    let mut value = spent.to_bytes(WitnessMode::Include);
    value.extend_from_slice(&[7; 32]);
    value.extend_from_slice(&[2]); // two hashes beside the way to the root
    value.extend_from_slice(&[1; 64]);
    value.extend_from_slice(&3_i32.to_le_bytes());
    value.push(1); // one earlier transaction, with a way of one hash
    value.extend_from_slice(&spent.to_bytes(WitnessMode::Include));
    value.extend_from_slice(&[0; 32]);
    value.push(1);
    value.extend_from_slice(&[1; 32 + 4]);
    value.push(4);
    for (name, text) in [("fromaccount", "old"), ("spent", "1"), ("n", "8"), ("n", "9")] {
        put_bytes(&mut value, name.as_bytes());
        put_bytes(&mut value, text.as_bytes());
    }
    value.push(0);
    value.extend_from_slice(&[1, 0, 0, 0]);
    value.extend_from_slice(&77_u32.to_le_bytes());
    value.extend_from_slice(&[1, 1]);
    let read = Record::decode_value(&Codec::BITCOIN, Key::Tx(spent.txid()), &value).unwrap();
    let mut expected =
        TxRecord::new(Arc::new(spent), StoredState::Confirmed { block: BlockHash::from_byte_array([7; 32]), index: 3 });
    expected.order_pos = Some(8);
    expected.time_received = 77;
    assert_eq!(read, Record::tx(expected));
}

#[test]
fn strange_facts_about_a_transaction_are_damage() {
    let empty = Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn::default()],
        output: Vec::new(),
    };
    let head = [Tx::new(empty, None).to_bytes(WitnessMode::Include), vec![0; 32 + 1 + 4 + 1]].concat();
    let end = [0_u8; 10];
    let read = |middle: &[u8]| {
        let value = [&head, middle, &end].concat();
        Record::decode_value(&Codec::BITCOIN, Key::Tx(Txid::all_zeros()), &value).unwrap_err().to_string()
    };
    assert_eq!(read(b"\x01\x03foo\x03bar\x00"), "Unexpected value in CWalletTx strings value map");
    assert_eq!(read(b"\x00\x01\x03foo\x03bar"), "Unknown type in CWalletTx messages and requests vector");
    assert_eq!(read(b"\x05"), "DataStream::read(): end of data: iostream error");
}
