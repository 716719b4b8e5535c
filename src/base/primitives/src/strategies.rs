//! Random transactions, headers and blocks for the tests of this crate.

use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header as RawHeader, Version};
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid,
    Witness, transaction,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{
    AuxPow, Block, BlockUndo, CoinTail, FinalTx, FreicoinAuxPow, Header, NamecoinAuxPow, Tx, TxOutEntry, TxUndo,
};

pub(crate) fn script() -> impl Strategy<Value = ScriptBuf> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..60).prop_map(ScriptBuf::from_bytes),
        1 => vec(any::<u8>(), 240..300).prop_map(ScriptBuf::from_bytes),
        2 => any::<[u8; 20]>().prop_map(|h| crate::Destination::PubKeyHash(h).script_pubkey()),
        2 => any::<[u8; 20]>().prop_map(|h| crate::Destination::ScriptHash(h).script_pubkey()),
        2 => any::<[u8; 32]>().prop_map(|h| crate::Destination::WitnessV1Taproot(h).script_pubkey()),
        1 => public_key().prop_map(|key| crate::Destination::PubKey(key).script_pubkey()),
    ]
}

/// Points on the curve in both forms, and a few that are not on it.
fn public_key() -> impl Strategy<Value = Vec<u8>> {
    (1_u8..=254, 0_u8..3).prop_map(|(secret, form)| {
        let secret = secp256k1::SecretKey::from_slice(&[secret; 32]).unwrap();
        let key = secret.public_key(&secp256k1::Secp256k1::signing_only());
        match form {
            0 => key.serialize().to_vec(),
            1 => key.serialize_uncompressed().to_vec(),
            _ => {
                let mut wrong = key.serialize_uncompressed().to_vec();
                wrong[40] ^= 1;
                wrong
            }
        }
    })
}

fn input() -> impl Strategy<Value = TxIn> {
    let outpoint = prop_oneof![
        9 => (any::<[u8; 32]>(), any::<u32>()).prop_map(|(id, vout)| OutPoint { txid: Txid::from_byte_array(id), vout }),
        1 => Just(OutPoint::null()),
    ];
    let witness = prop_oneof![Just(Vec::new()), vec(vec(any::<u8>(), 0..80), 0..4)];
    (outpoint, script(), any::<u32>(), witness).prop_map(|(previous_output, script_sig, sequence, witness)| TxIn {
        previous_output,
        script_sig,
        sequence: Sequence(sequence),
        witness: Witness::from_slice(&witness),
    })
}

pub(crate) fn output() -> impl Strategy<Value = TxOut> {
    (any::<u64>(), script()).prop_map(|(value, script_pubkey)| TxOut { value: Amount::from_sat(value), script_pubkey })
}

/// Transactions with at least one input, as those without read as something else.
pub(crate) fn transaction() -> impl Strategy<Value = Transaction> {
    (any::<i32>(), any::<u32>(), vec(input(), 1..5), vec(output(), 0..5)).prop_map(|(version, lock, input, output)| {
        let version = transaction::Version(if version % 3 == 0 { 1 } else { version });
        Transaction { version, lock_time: LockTime::from_consensus(lock), input, output }
    })
}

/// A transaction of Bitcoin, or of Freicoin.
pub(crate) fn tx(freicoin: bool) -> impl Strategy<Value = Tx> {
    (transaction(), any::<u32>()).prop_map(move |(inner, height)| {
        let height = if crate::tx::has_lock_height(&inner) { height } else { 0 };
        Tx::new(inner, freicoin.then_some(height))
    })
}

pub(crate) fn raw_header() -> impl Strategy<Value = RawHeader> {
    (any::<i32>(), any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u32; 3]>()).prop_map(
        |(version, prev, merkle, [time, bits, nonce])| RawHeader {
            version: Version::from_consensus(version),
            prev_blockhash: BlockHash::from_byte_array(prev),
            merkle_root: TxMerkleNode::from_byte_array(merkle),
            time,
            bits: CompactTarget::from_consensus(bits),
            nonce,
        },
    )
}

fn branch() -> impl Strategy<Value = Vec<[u8; 32]>> {
    vec(any::<[u8; 32]>(), 0..4)
}

/// A header of Syscoin, with a proof where its version says so.
pub(crate) fn namecoin_header() -> impl Strategy<Value = Header> {
    let proof = (tx(false), branch(), branch(), any::<i32>(), raw_header());
    (raw_header(), proof).prop_map(|(raw, (coinbase, coinbase_branch, chain_branch, chain_index, parent))| {
        let coinbase = Arc::new(coinbase);
        let proof = NamecoinAuxPow { coinbase, coinbase_branch, chain_branch, chain_index, parent };
        let has_proof = raw.version.to_consensus() & 0x100 != 0;
        Header::with_aux(raw, has_proof.then(|| Arc::new(AuxPow::Namecoin(Box::new(proof)))))
    })
}

/// A header of Freicoin with or without a proof.
pub(crate) fn freicoin_header() -> impl Strategy<Value = Header> {
    let proof = (any::<[u32; 8]>(), any::<[u64; 2]>(), branch(), vec(any::<u8>(), 0..64), any::<[[u8; 32]; 3]>());
    (raw_header(), any::<bool>(), proof).prop_map(|(mut raw, has_proof, (numbers, secrets, branch, buffer, hashes))| {
        raw.bits = CompactTarget::from_consensus(raw.bits.to_consensus() & !(1 << 23));
        let proof = FreicoinAuxPow {
            commit_version: numbers[0].cast_signed(),
            commit_merkle_root: hashes[0],
            commit_time: numbers[1],
            commit_bits: numbers[2],
            commit_nonce: numbers[3],
            secret_lo: secrets[0],
            secret_hi: secrets[1],
            commit_branch: branch.iter().map(|hash| (hash[0], *hash)).collect(),
            midstate_hash: hashes[1],
            midstate_buffer: buffer,
            midstate_length: numbers[4],
            aux_lock_time: numbers[5],
            aux_branch: branch,
            aux_num_txns: numbers[6].max(1),
            aux_version: numbers[7].cast_signed(),
            aux_prev: hashes[2],
            aux_bits: numbers[0],
            aux_nonce: numbers[1],
        };
        Header::with_aux(raw, has_proof.then(|| Arc::new(AuxPow::Freicoin(Box::new(proof)))))
    })
}

/// A block of Bitcoin.
pub(crate) fn block() -> impl Strategy<Value = Block> {
    (raw_header(), vec(tx(false).prop_map(Arc::new), 0..6)).prop_map(|(raw, txs)| Block {
        header: Header::new(raw),
        txs,
        tail: None,
    })
}

/// A block of Freicoin.
pub(crate) fn freicoin_block() -> impl Strategy<Value = Block> {
    (freicoin_header(), vec(tx(true).prop_map(Arc::new), 0..4)).prop_map(|(header, txs)| Block {
        header,
        txs,
        tail: None,
    })
}

/// A block of Syscoin.
pub(crate) fn syscoin_block() -> impl Strategy<Value = Block> {
    let parts = (namecoin_header(), vec(tx(false).prop_map(Arc::new), 0..4), vec(any::<u8>(), 0..300));
    parts.prop_map(|(header, txs, data)| {
        let tail = (header.version() & 0x80 != 0).then_some(data);
        Block { header, txs, tail }
    })
}

/// An unspent output whose amount and script survive their short forms.
pub(crate) fn entry(tail: impl Strategy<Value = CoinTail>) -> impl Strategy<Value = TxOutEntry> {
    let output = (0..=1_000_000_000_000_000_000_u64, script())
        .prop_map(|(value, script_pubkey)| TxOut { value: Amount::from_sat(value), script_pubkey });
    (output, 0..1_u32 << 31, any::<bool>(), tail).prop_map(|(out, height, coinbase, tail)| TxOutEntry {
        out,
        height,
        coinbase,
        tail,
    })
}

pub(crate) fn asset() -> impl Strategy<Value = CoinTail> {
    prop_oneof![
        Just(CoinTail::Asset { asset: 0, amount: 0 }),
        (1..u64::MAX, 0..1_000_000_000_000_000_000_u64).prop_map(|(asset, amount)| CoinTail::Asset { asset, amount }),
    ]
}

pub(crate) fn undo(
    tail: impl Strategy<Value = CoinTail>,
    final_tx: impl Strategy<Value = Option<FinalTx>>,
) -> impl Strategy<Value = BlockUndo> {
    let txs = vec(vec(entry(tail), 0..4).prop_map(|spent| TxUndo { spent }), 0..4);
    (txs, final_tx).prop_map(|(mut txs, final_tx)| {
        // Outputs of the genesis block are never spent, and old records lose their reference height.
        txs.iter_mut().flat_map(|tx| &mut tx.spent).for_each(|entry| entry.height = entry.height.max(1));
        BlockUndo { txs, final_tx }
    })
}
