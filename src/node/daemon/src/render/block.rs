//! Headers and blocks.

use ::rpc::{Json, Object, Res};
use chainstate::{NodeId, Tree};
use consensus::{U256, difficulty, target_of};
use descriptors::Notation;
use primitives::{AuxPow, Block, BlockUndo, Header, NamecoinAuxPow, Tx, WitnessMode, hex};

use super::{Prevouts, hex256, tx};

/// A header where it stands: `tip` decides how deep it is and what follows it.
pub fn header(tree: &Tree, id: NodeId, tip: NodeId, limit: U256) -> Object {
    let node = &tree[id];
    let active = tree.ancestor(tip, node.height) == Some(id);
    let confirmations = if active { i64::from(tree[tip].height) - i64::from(node.height) + 1 } else { -1 };
    let bits = node.header.bits.to_consensus();
    let version = node.header.version.to_consensus();
    let mut object = Object::new()
        .with("hash", node.hash.to_string())
        .with("confirmations", confirmations)
        .with("height", node.height)
        .with("version", version)
        .with("versionHex", format!("{version:08x}"))
        .with("merkleroot", node.header.merkle_root.to_string())
        .with("time", node.header.time)
        .with("mediantime", tree.median_time_past(id))
        .with("nonce", node.header.nonce)
        .with("bits", format!("{bits:08x}"))
        .with("target", hex256(target_of(bits, limit).unwrap_or(U256::ZERO)))
        .with("difficulty", difficulty(bits));
    if let Some(merged) = tree.merged(id) {
        object.push("auxdifficulty", difficulty(merged.bits));
    }
    object.push("chainwork", hex256(node.chain_work));
    object.push("nTx", node.tx_count);
    if let Some(parent) = node.parent() {
        object.push("previousblockhash", tree[parent].hash.to_string());
    }
    if active && let Some(next) = tree.ancestor(tip, node.height + 1) {
        object.push("nextblockhash", tree[next].hash.to_string());
    }
    object
}

/// The fields of [`header`].
pub fn header_fields() -> Vec<Res> {
    vec![
        Res::hex("hash", "the block hash (same as provided)"),
        Res::num("confirmations", "The number of confirmations, or -1 if the block is not on the main chain"),
        Res::num("height", "The block height or index"),
        Res::num("version", "The block version"),
        Res::hex("versionHex", "The block version formatted in hexadecimal"),
        Res::hex("merkleroot", "The merkle root"),
        Res::time("time", "The block time expressed in UNIX epoch time"),
        Res::time("mediantime", "The median block time expressed in UNIX epoch time"),
        Res::num("nonce", "The nonce"),
        Res::hex("bits", "nBits: compact representation of the block difficulty target"),
        Res::hex("target", "The difficulty target"),
        Res::num("difficulty", "The difficulty"),
        Res::num("auxdifficulty", "The difficulty of the merged work").optional().skip_in_help(),
        Res::hex("chainwork", "Expected number of hashes required to produce the current chain"),
        Res::num("nTx", "The number of transactions in the block"),
        Res::hex("previousblockhash", "The hash of the previous block (if available)").optional(),
        Res::hex("nextblockhash", "The hash of the next block (if available)").optional(),
    ]
}

/// A block behind its `header`. `verbosity` 1 names transactions, 2 shows them, 3 shows what they spend as well.
pub fn block(
    mut header: Object,
    block: &Block,
    undo: Option<&BlockUndo>,
    verbosity: i32,
    notation: &Notation,
) -> Object {
    header.push("strippedsize", block.size(WitnessMode::Strip));
    header.push("size", block.size(WitnessMode::Include));
    header.push("weight", block.weight());
    if let Some(coinbase) = block.txs.first() {
        header.push("coinbase_tx", coinbase_tx(coinbase));
    }
    let txs: Json = if verbosity <= 1 {
        block.txs.iter().map(|tx| hex::of_hash(&tx.txid())).collect()
    } else {
        let spent = |n: usize| n.checked_sub(1).and_then(|n| Some(undo?.txs.get(n)?.spent.as_slice()));
        let shown = block.txs.iter().enumerate().map(|(n, transaction)| {
            let prevouts = match spent(n) {
                None => Prevouts::Unknown,
                Some(spent) if verbosity == 2 => Prevouts::ForFee(spent),
                Some(spent) => Prevouts::Shown(spent),
            };
            tx(transaction, None, notation, prevouts, true)
        });
        shown.collect()
    };
    header.push("tx", txs);
    if let Some(AuxPow::Namecoin(proof)) = block.header.aux().map(|aux| &**aux) {
        header.push("auxpow", merged_mining(proof, notation));
    }
    header
}

/// The proof that a block was mined along with a block of another chain.
fn merged_mining(proof: &NamecoinAuxPow, notation: &Notation) -> Object {
    let branch = |branch: &[[u8; 32]]| branch.iter().map(hex::of_hash).collect::<Json>();
    let parent = Header::new(proof.parent);
    Object::new()
        .with("tx", tx(&proof.coinbase, Some(parent.hash()), notation, Prevouts::Unknown, true))
        .with("chainindex", proof.chain_index)
        .with("merklebranch", branch(&proof.coinbase_branch))
        .with("chainmerklebranch", branch(&proof.chain_branch))
        .with("parentblock", hex::encode(&parent.bytes()))
}

fn coinbase_tx(coinbase: &Tx) -> Object {
    let mut object = Object::new().with("version", coinbase.version()).with("locktime", coinbase.lock_time());
    if let Some(input) = coinbase.inputs().first() {
        object.push("sequence", input.sequence.0);
        object.push("coinbase", hex::encode(input.script_sig.as_bytes()));
        if let Some(item) = input.witness.iter().next() {
            object.push("witness", hex::encode(item));
        }
    }
    object
}

/// The fields of [`block`] that follow those of the header, with `tx` as given.
pub fn block_fields(tx: Res) -> Vec<Res> {
    let mut fields = header_fields();
    let after = fields.len() - 2;
    let body = [
        Res::num("strippedsize", "The block size excluding witness data"),
        Res::num("size", "The block size"),
        Res::num("weight", "The block weight as defined in BIP 141"),
        Res::obj(
            "coinbase_tx",
            "Coinbase transaction metadata",
            [
                Res::num("version", "The coinbase transaction version"),
                Res::num("locktime", "The coinbase transaction's locktime (nLockTime)"),
                Res::num("sequence", "The coinbase input's sequence number (nSequence)"),
                Res::hex("coinbase", "The coinbase input's script"),
                Res::hex("witness", "The coinbase input's first (and only) witness stack element, if present")
                    .optional(),
            ],
        )
        .since(31),
        tx,
        Res::obj("auxpow", "The proof that it was mined along with a block of another chain", [])
            .optional()
            .skip_in_help()
            .skip_type_check(),
    ];
    fields.splice(after..after, body);
    fields
}
