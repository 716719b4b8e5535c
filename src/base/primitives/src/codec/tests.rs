//! Everything that is written can be read, and whatever is read is written the same.

use bitcoin::hashes::{Hash, sha256d};
use bitcoin::hex::FromHex;
use proptest::prelude::*;

use super::*;
use crate::strategies::{
    block, entry, freicoin_block, freicoin_header, namecoin_header, syscoin_block, transaction, tx, undo,
};
use crate::{AuxPow, FinalTx, strategies};

fn codec(id: &str) -> Codec {
    Codec::for_coin(coin::by_id(id).unwrap())
}

/// Three codecs, one for each format.
fn formats() -> [Codec; 3] {
    [Codec::BITCOIN, codec("freicoin"), codec("syscoin")]
}

proptest! {
    #[test]
    fn a_transaction_reads_as_rust_bitcoin_reads_it(inner in transaction()) {
        let tx = Tx::new(inner.clone(), None);
        prop_assert_eq!(tx.txid(), inner.compute_txid());
        prop_assert_eq!(tx.wtxid(), inner.compute_wtxid());
        prop_assert_eq!(tx.weight(), inner.weight().to_wu());
        prop_assert_eq!(tx.total_size(), inner.total_size());
        prop_assert_eq!(tx.stripped_size(), inner.base_size());
        prop_assert_eq!(tx.is_coinbase(), inner.is_coinbase());
        let bytes = tx.to_bytes(WitnessMode::Include);
        prop_assert_eq!(&bytes, &bitcoin::consensus::serialize(&inner));
        let read = Codec::BITCOIN.decode_tx(&bytes, WitnessMode::Include).unwrap();
        prop_assert_eq!(read.inner(), &inner);
        prop_assert_eq!((read.txid(), read.wtxid(), read.weight()), (tx.txid(), tx.wtxid(), tx.weight()));
        prop_assert_eq!(read.has_witness(), inner.input.iter().any(|input| !input.witness.is_empty()));
    }

    #[test]
    fn a_stripped_transaction_has_the_same_txid(tx in tx(false)) {
        let stripped = tx.to_bytes(WitnessMode::Strip);
        prop_assert_eq!(stripped.len(), tx.stripped_size());
        let read = Codec::BITCOIN.decode_tx(&stripped, WitnessMode::Strip).unwrap();
        prop_assert_eq!(read.txid(), tx.txid());
        prop_assert!(!read.has_witness());
    }

    #[test]
    fn a_freicoin_transaction_hashes_its_lock_height(tx in tx(true)) {
        let codec = codec("freicoin");
        let read = codec.decode_tx(&tx.to_bytes(WitnessMode::Include), WitnessMode::Include).unwrap();
        prop_assert_eq!(&read, &tx);
        prop_assert_eq!(read.inner(), tx.inner());
        prop_assert_eq!(read.lock_height(), tx.lock_height());
        prop_assert_eq!((read.total_size(), read.stripped_size()), (tx.total_size(), tx.stripped_size()));
        let stripped = tx.to_bytes(WitnessMode::Strip);
        prop_assert_eq!(sha256d::Hash::hash(&stripped).to_byte_array(), tx.txid().to_byte_array());
        let ends_with_it = stripped.ends_with(&tx.lock_height().unwrap().to_le_bytes());
        prop_assert!(ends_with_it || (tx.version() == 1 && tx.is_coinbase()));
    }

    #[test]
    fn blocks_come_back(bitcoin in block(), freicoin in freicoin_block(), syscoin in syscoin_block()) {
        for (codec, block) in formats().into_iter().zip([bitcoin, freicoin, syscoin]) {
            let bytes = block.to_bytes(WitnessMode::Include);
            prop_assert_eq!(codec.decode_block(&bytes), Ok(block.clone()));
            if block.tail.is_none() && !matches!(block.header.aux().map(Arc::as_ref), Some(AuxPow::Freicoin(_))) {
                prop_assert_eq!(bytes.len(), block.size(WitnessMode::Include));
            }
            prop_assert_eq!(bytes.len(), block.total_size());
        }
    }

    #[test]
    fn a_block_weighs_and_hashes_as_rust_bitcoin_says(block in block()) {
        let bytes = block.to_bytes(WitnessMode::Include);
        let theirs: bitcoin::Block = bitcoin::consensus::deserialize(&bytes).unwrap();
        prop_assert_eq!(block.hash(), theirs.block_hash());
        prop_assert_eq!(block.weight(), theirs.weight().to_wu());
        if !block.txs.is_empty() {
            prop_assert_eq!(Some(block.merkle_root().0), theirs.compute_merkle_root());
            prop_assert_eq!(Some(block.witness_merkle_root()), theirs.witness_root());
        }
    }

    #[test]
    fn headers_with_proofs_come_back(syscoin in namecoin_header(), freicoin in freicoin_header()) {
        for (codec, header) in [(codec("syscoin"), syscoin), (codec("freicoin"), freicoin)] {
            let mut bytes = Vec::new();
            header.encode(&mut bytes, WitnessMode::Include);
            let read = codec.decode_header(&bytes).unwrap();
            prop_assert_eq!(&read, &header);
            prop_assert_eq!(read.hash().to_byte_array(), sha256d::Hash::hash(&header.bytes()).to_byte_array());
        }
    }

    #[test]
    fn unspent_outputs_come_back(
        bitcoin in entry(Just(CoinTail::None)),
        freicoin in entry(any::<u32>().prop_map(CoinTail::RefHeight)),
        syscoin in entry(strategies::asset()),
    ) {
        for (codec, entry) in formats().into_iter().zip([bitcoin, freicoin, syscoin]) {
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            prop_assert_eq!(codec.decode_coin(&bytes), Ok(entry));
        }
    }

    #[test]
    fn undo_records_come_back(
        bitcoin in undo(Just(CoinTail::None), Just(None)),
        freicoin in undo(
            any::<u32>().prop_map(CoinTail::RefHeight),
            proptest::option::of((any::<[u8; 32]>(), 1..u32::MAX).prop_map(|(id, outputs)| FinalTx {
                txid: bitcoin::Txid::from_byte_array(id),
                outputs,
            })),
        ),
        syscoin in undo(strategies::asset(), Just(None)),
    ) {
        for (codec, undo) in formats().into_iter().zip([bitcoin, freicoin, syscoin]) {
            prop_assert_eq!(codec.decode_undo(&undo.to_bytes()), Ok(undo));
        }
    }

    #[test]
    fn bytes_that_read_as_a_transaction_are_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for mode in [WitnessMode::Include, WitnessMode::Strip] {
            for codec in formats() {
                if let Ok(tx) = codec.decode_tx(&bytes, mode)
                    && codec.tx_format() != TxFormat::FreicoinLockHeight
                {
                    prop_assert_eq!(tx.to_bytes(mode), bytes.clone());
                }
            }
        }
    }

    #[test]
    fn damaged_bytes_never_panic_and_ids_stay_true(
        block in block(),
        at in any::<proptest::sample::Index>(),
        with in any::<u8>(),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = block.to_bytes(WitnessMode::Include);
        let at = at.index(bytes.len());
        bytes[at] = with;
        bytes.truncate(cut.index(bytes.len()) + 1);
        for codec in formats() {
            let _ = codec.decode_undo(&bytes);
            let _ = codec.decode_coin(&bytes);
            let _ = codec.read_block(&mut Reader::new(&bytes), WitnessMode::Strip);
            if let Ok(read) = codec.decode_block(&bytes) {
                for tx in &read.txs {
                    let hash = sha256d::Hash::hash(&tx.to_bytes(WitnessMode::Strip)).to_byte_array();
                    prop_assert_eq!(hash, tx.txid().to_byte_array());
                    let hash = sha256d::Hash::hash(&tx.to_bytes(WitnessMode::Include)).to_byte_array();
                    prop_assert_eq!(hash, tx.wtxid().to_byte_array());
                }
            }
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    Vec::from_hex(text).unwrap()
}

/// A version, one input that spends nothing, one empty output, a lock time.
const PLAIN: &str = concat!(
    "01000000",
    "01",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ffffffff",
    "00",
    "ffffffff",
    "01",
    "0000000000000000",
    "00",
    "00000000",
);

/// The same with a marker, flags and what is put in place of the witnesses.
fn extended(flags: &str, witness: &str) -> Vec<u8> {
    hex(&format!("{}00{flags}{}{witness}{}", &PLAIN[..8], &PLAIN[8..PLAIN.len() - 8], &PLAIN[PLAIN.len() - 8..]))
}

#[test]
fn errors_are_the_daemons() {
    let read =
        |bytes: &[u8]| Codec::BITCOIN.decode_tx(bytes, WitnessMode::Include).map(|_| ()).map_err(|e| e.to_string());
    assert_eq!(read(&hex(PLAIN)), Ok(()));
    assert_eq!(read(&extended("01", "0101aa")), Ok(()));
    assert_eq!(read(&hex(&PLAIN[..20])), Err("DataStream::read(): end of data".to_owned()));
    assert_eq!(read(&extended("01", "00")), Err("Superfluous witness record".to_owned()));
    assert_eq!(read(&extended("03", "0101aa")), Err("Unknown transaction optional data".to_owned()));
    assert_eq!(read(&extended("02", "")), Err("Unknown transaction optional data".to_owned()));
    assert_eq!(read(&hex("01000000fd0100")), Err("non-canonical ReadCompactSize()".to_owned()));
    assert_eq!(read(&hex("01000000fe01000002")), Err("ReadCompactSize(): size too large".to_owned()));
    assert_eq!(read(&hex(&format!("{PLAIN}00"))), Err("unexpected data after the end".to_owned()));
}

#[test]
fn a_promise_of_many_items_allocates_nothing() {
    // 32 Mi inputs are promised, none follows.
    let error = Codec::BITCOIN.decode_tx(&hex("01000000fe00000002"), WitnessMode::Include).unwrap_err();
    assert_eq!(error, DecodeError::EndOfData);
    assert_eq!(Reader::new(&[0; 100]).room_for(usize::MAX, 41), 2);
}

#[test]
fn a_transaction_without_inputs_is_guessed() {
    // No inputs and one output: with witnesses allowed, this reads as marker and flags.
    let bytes = hex("0200000000010000000000000000015100000000");
    assert!(Codec::BITCOIN.decode_tx(&bytes, WitnessMode::Include).is_err());
    let plain = Codec::BITCOIN.guess_tx(&bytes, true, true).unwrap();
    assert_eq!((plain.inputs().len(), plain.outputs().len()), (0, 1));
    assert_eq!(Codec::BITCOIN.guess_tx(&bytes, false, true), None);
    // Neither inputs nor outputs: the extended form reads it first.
    let empty = hex("02000000000000000000");
    assert!(Codec::BITCOIN.guess_tx(&empty, true, true).is_some());
    // One with witnesses cannot be read without.
    let witness = extended("01", "0101aa");
    assert!(Codec::BITCOIN.guess_tx(&witness, true, true).unwrap().has_witness());
    assert_eq!(Codec::BITCOIN.guess_tx(&witness, true, false), None);
}

#[test]
fn freicoins_marker_and_lock_height() {
    let codec = codec("freicoin");
    // A version 1 coinbase has no lock height, any other transaction does.
    assert_eq!(codec.decode_tx(&hex(PLAIN), WitnessMode::Include).unwrap().lock_height(), Some(0));
    let second = format!("02{}", &PLAIN[2..]);
    assert_eq!(codec.decode_tx(&hex(&second), WitnessMode::Include), Err(DecodeError::EndOfData));
    let tx = codec.decode_tx(&hex(&format!("{second}07000000")), WitnessMode::Include).unwrap();
    assert_eq!(tx.lock_height(), Some(7));
    // 0x00 is no marker: it counts inputs.
    let none = codec.decode_tx(&hex("0200000000000000000008000000"), WitnessMode::Include).unwrap();
    assert_eq!((none.inputs().len(), none.lock_height()), (0, Some(8)));
    // 0xff is one, and its flags must be known.
    let flagged = |flags: &str| hex(&format!("02000000ff{flags}00000000000009000000"));
    assert_eq!(codec.decode_tx(&flagged("01"), WitnessMode::Include), Err(DecodeError::SuperfluousWitness));
    assert_eq!(codec.decode_tx(&flagged("02"), WitnessMode::Include), Err(DecodeError::UnknownTxData));
    assert_eq!(codec.decode_tx(&flagged("01"), WitnessMode::Strip), Err(DecodeError::UnknownTxData));
}

#[test]
fn freicoins_extended_header() {
    let codec = codec("freicoin");
    let mut bytes = vec![0; 80];
    bytes[74] = 0x80;
    let read = |tail: &[u8]| codec.decode_header(&[bytes.as_slice(), tail].concat());
    assert_eq!(read(&[0xfe]), Err(DecodeError::HeaderDummy));
    assert_eq!(read(&[0xff, 2]), Err(DecodeError::UnknownHeaderData));
    assert_eq!(read(&[0xff, 1]), Err(DecodeError::EndOfData));
    // No flags: the bit is cleared all the same, and so it is in the hash.
    let header = read(&[0xff, 0]).unwrap();
    assert_eq!((header.bits(), header.aux()), (0, None));
    assert_eq!(header.hash().to_byte_array(), sha256d::Hash::hash(&[0; 80]).to_byte_array());
    assert_eq!(Codec::BITCOIN.decode_header(&bytes).unwrap().bits(), 1 << 23);
}

#[test]
fn syscoins_version_says_what_follows() {
    let codec = codec("syscoin");
    let mut bytes = vec![0; 81];
    bytes[0] = 0x80;
    assert_eq!(codec.decode_block(&bytes), Err(DecodeError::EndOfData));
    bytes.extend_from_slice(&[2, 7, 8]);
    let block = codec.decode_block(&bytes).unwrap();
    assert_eq!(block.tail, Some(vec![7, 8]));
    assert_eq!(block.to_bytes(WitnessMode::Include), bytes);
    assert_eq!(Codec::BITCOIN.decode_block(&bytes), Err(DecodeError::TrailingData));
    // Bit 8: a proof.
    let mut bytes = vec![0; 80];
    bytes[1] = 1;
    assert_eq!(codec.decode_header(&bytes), Err(DecodeError::EndOfData));
    bytes.extend(hex(PLAIN));
    bytes.extend([0; 32 + 1 + 4 + 1 + 4 + 80]);
    let header = codec.decode_header(&bytes).unwrap();
    assert!(matches!(header.aux().map(|aux| &**aux), Some(AuxPow::Namecoin(proof)) if proof.coinbase.is_coinbase()));
}

#[test]
fn syscoins_outputs_carry_their_assets() {
    // One asset, 5, and 2 outputs of it: 3 units at output 1, 1000000 at output 2.
    let list = [1, 5, 2, 1, 21, 2, 7];
    let mut script = vec![0x6a, 7];
    script.extend_from_slice(&list);
    let output = |script: Vec<u8>| bitcoin::TxOut {
        value: bitcoin::Amount::ZERO,
        script_pubkey: bitcoin::ScriptBuf::from_bytes(script),
    };
    let mut inner = Codec::BITCOIN.decode_tx(&hex(PLAIN), WitnessMode::Include).unwrap().into_inner();
    inner.version = bitcoin::transaction::Version(142);
    inner.output = vec![output(script), output(vec![]), output(vec![])];
    let codec = codec("syscoin");
    let tail = |tx: &Tx, vout| codec.new_coin(tx, vout, 9).map(|entry| entry.tail);
    let tx = Tx::new(inner.clone(), None);
    assert_eq!(tail(&tx, 0), Some(CoinTail::Asset { asset: 0, amount: 0 }));
    assert_eq!(tail(&tx, 1), Some(CoinTail::Asset { asset: 5, amount: 3 }));
    assert_eq!(tail(&tx, 2), Some(CoinTail::Asset { asset: 5, amount: 1_000_000 }));
    assert_eq!(tail(&tx, 3), None);
    inner.version = bitcoin::transaction::Version(2);
    assert_eq!(tail(&Tx::new(inner, None), 1), Some(CoinTail::Asset { asset: 0, amount: 0 }));
}
