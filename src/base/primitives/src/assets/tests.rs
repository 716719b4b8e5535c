//! Lists that come back, lists that are refused, and where the data of a transaction stands.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use proptest::prelude::*;

use super::*;
use crate::{Codec, WitnessMode};

fn syscoin() -> Codec {
    Codec::for_coin(coin::by_id("syscoin").unwrap())
}

fn tx(version: u32, scripts: &[Vec<u8>]) -> Tx {
    let input = TxIn {
        previous_output: OutPoint { txid: bitcoin::hashes::Hash::all_zeros(), vout: 0 },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let output = scripts
        .iter()
        .map(|script| TxOut { value: Amount::ONE_SAT, script_pubkey: ScriptBuf::from_bytes(script.clone()) })
        .collect();
    let version = Version(version.cast_signed());
    Tx::new(Transaction { version, lock_time: LockTime::ZERO, input: vec![input], output }, None)
}

/// `OP_RETURN` and the shortest push.
fn carrier(data: &[u8]) -> Vec<u8> {
    let mut script = vec![OP_RETURN];
    match u8::try_from(data.len()) {
        Ok(len) if len <= 75 => script.push(len),
        Ok(len) => script.extend([76, len]),
        Err(_) => {
            script.push(77);
            script.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
        }
    }
    script.extend(data);
    script
}

fn list(assets: &[(u64, &[(u32, u64)])]) -> Allocation {
    let assets = assets.iter().map(|(asset, outputs)| AssetOutputs { asset: *asset, outputs: outputs.to_vec() });
    Allocation { assets: assets.collect() }
}

fn encoded(list: &Allocation) -> Vec<u8> {
    let mut out = Vec::new();
    list.encode(&mut out);
    out
}

fn any_list() -> impl Strategy<Value = Allocation> {
    let outputs = proptest::collection::vec((0u32..0x0200_0000, 0..=MAX_ASSET), 1..6);
    let asset = (any::<u64>(), outputs).prop_map(|(asset, outputs)| AssetOutputs { asset, outputs });
    proptest::collection::vec(asset, 1..6).prop_map(|assets| Allocation { assets })
}

proptest! {
    #[test]
    fn lists_come_back(list in any_list(), memo in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut data = encoded(&list);
        data.extend(&memo);
        let send = tx(SEND, &[vec![0x51], carrier(&data)]);
        let read = Allocation::of(&send);
        if memo.len() <= MAX_MEMO {
            prop_assert_eq!(read, Some((list.clone(), memo.as_slice())));
        } else {
            prop_assert_eq!(read, None);
        }
        // A burn may be followed by anything.
        let burn = tx(BURN_TO_COIN, &[vec![0x51], carrier(&data)]);
        prop_assert_eq!(Allocation::of(&burn), Some((list, memo.as_slice())));
    }

    #[test]
    fn no_bytes_are_read_that_are_not_there(data in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(list) = Allocation::read(&mut Reader::new(&data)) {
            let again = encoded(&list);
            prop_assert_eq!(Allocation::read(&mut Reader::new(&again)), Ok(list));
        }
    }
}

#[test]
fn a_transaction_whose_list_makes_no_sense_is_none() {
    let read = |version, script: Vec<u8>| {
        let bytes = tx(version, &[vec![0x51], script]).to_bytes(WitnessMode::Include);
        syscoin().decode_tx(&bytes, WitnessMode::Include).map(|_| ())
    };
    let good = encoded(&list(&[(7, &[(0, 5)])]));
    assert_eq!(read(SEND, carrier(&good)), Ok(()));
    for (data, error) in [
        (vec![], DecodeError::UnknownAssetData),
        (encoded(&list(&[])), DecodeError::UnknownAssetData),
        (good[..good.len() - 1].to_vec(), DecodeError::UnknownAssetData),
        (encoded(&list(&[(7, &[])])), DecodeError::EmptyAsset),
        (encoded(&list(&[(7, &[(2, 5)])])), DecodeError::AssetOutput),
        (encoded(&list(&[(7, &[(0, MAX_ASSET + 1)])])), DecodeError::AssetAmount),
    ] {
        assert_eq!(read(SEND, carrier(&data)), Err(error), "{data:02x?}");
        // Other versions do not have lists, so nothing can be wrong with them.
        assert_eq!(read(2, carrier(&data)), Ok(()));
        assert_eq!(read(137, carrier(&data)), Ok(()));
        let bytes = tx(SEND, &[vec![0x51], carrier(&data)]).to_bytes(WitnessMode::Include);
        assert!(Codec::BITCOIN.decode_tx(&bytes, WitnessMode::Include).is_ok());
    }
    assert_eq!(read(SEND, vec![0x51]), Err(DecodeError::UnknownAssetData), "no data at all");
}

#[test]
fn the_last_line_of_an_output_counts() {
    let tails = list(&[(7, &[(0, 5), (1, 6)]), (8, &[(1, 9)]), (0, &[(0, 4)])]).assign(3).unwrap();
    assert_eq!(tails, [NO_ASSET, CoinTail::Asset { asset: 8, amount: 9 }, NO_ASSET]);
}

#[test]
fn data_may_stand_behind_a_commitment_to_witnesses() {
    let mut commitment = WITNESS_COMMITMENT.to_vec();
    commitment.extend([9; 32]);
    let mut script = carrier(&commitment);
    script.extend([3, 1, 2, 3]);
    let both = tx(2, &[vec![0x51], script.clone()]);
    assert_eq!((data_output(&both), data(&both)), (Some(1), Some([1, 2, 3].as_slice())));
    assert_eq!(canonical_data(&both), Some([1, 2, 3].as_slice()));
    script.push(0x51);
    let more = tx(2, &[script]);
    assert_eq!((data(&more), canonical_data(&more)), (None, None));
    // A push that is cut off is not an operation, so the loose reading does not see it.
    let cut = tx(2, &[[carrier(&[4]), vec![5, 1]].concat()]);
    assert_eq!((data(&cut), canonical_data(&cut)), (Some([4].as_slice()), None));
    // Only the first output that cannot be spent counts.
    let second = tx(2, &[vec![OP_RETURN, 0x61, 0x61], carrier(&[1])]);
    assert_eq!((data_output(&second), data(&second)), (Some(0), None));
    // Not a push, but an operation: empty data.
    let number = tx(2, &[vec![OP_RETURN, 0x51]]);
    assert_eq!((data(&number), canonical_data(&number)), (Some([].as_slice()), None));
}

#[test]
fn burns_and_mints_have_a_form() {
    let assets = list(&[(7, &[(0, 5)])]);
    let address = [0x11; 20];
    let burning = tx(BURN_TO_NEVM, &[vec![0x51], carrier(&burn_data(&assets, &address))]);
    assert_eq!(burn(&burning), Some((assets.clone(), address.as_slice())));
    let mut longer = burn_data(&assets, &address);
    longer.push(0);
    assert_eq!(burn(&tx(BURN_TO_NEVM, &[carrier(&longer)])), None);

    let mut proof = encoded(&assets);
    proof.extend([1; 32]);
    proof.extend([2; 32]);
    proof.extend([1, 0]);
    put_bytes(&mut proof, &[3, 4]);
    put_bytes(&mut proof, &[5]);
    proof.extend([0, 0]);
    put_bytes(&mut proof, &[6]);
    proof.extend([7; 32]);
    proof.extend([8; 32]);
    let minting = tx(MINT, &[carrier(&proof), vec![0x51]]);
    let read = mint(&minting).unwrap();
    assert_eq!((read.tx_hash, read.block_hash, read.tx_root, read.receipt_root), ([1; 32], [2; 32], [7; 32], [8; 32]));
    assert_eq!((read.tx_position, read.tx_nodes, read.path), (1, [3, 4].as_slice(), [5].as_slice()));
    assert_eq!((read.receipt_position, read.receipt_nodes), (0, [6].as_slice()));
    // The position of the transaction is beyond its nodes.
    let position = encoded(&assets).len() + 64;
    proof[position] = 2;
    assert_eq!(mint(&tx(MINT, &[carrier(&proof)])), None);
}

/// What the reference's own encoder writes.
#[test]
fn the_references_encodings() {
    let pair = |text: &'static str, by| text.split_once(by).unwrap();
    let mut count = 0;
    for line in include_str!("vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let (text, bytes) = pair(line, ' ');
        let assets = text.split(';').map(|asset| {
            let (asset, outputs) = pair(asset, ':');
            let outputs = outputs.split(',').map(|output| {
                let (output, amount) = pair(output, '=');
                (output.parse().unwrap(), amount.parse().unwrap())
            });
            AssetOutputs { asset: asset.parse().unwrap(), outputs: outputs.collect() }
        });
        let expected = Allocation { assets: assets.collect() };
        let bytes: Vec<u8> =
            (0..bytes.len()).step_by(2).map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap()).collect();
        assert_eq!(encoded(&expected), bytes, "{line}");
        assert_eq!(Allocation::read(&mut Reader::new(&bytes)), Ok(expected), "{line}");
        count += 1;
    }
    assert!(count >= 40, "{count}");
    // A burn to the other chain has the address there behind its list.
    let written = burn_data(&list(&[(123_456, &[(1, 2_000_000_000)])]), &[0x11; 20]);
    assert_eq!(written, [&[0x01, 0x86, 0xc3, 0x40, 0x01, 0x01, 0x14, 20][..], &[0x11; 20]].concat());
}
