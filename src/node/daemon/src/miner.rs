//! Making blocks for the methods that generate, on chains where that is easy.

use std::sync::Arc;

use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
    absolute::LockTime, block::Header as RawHeader, hashes::Hash,
};
use chainstate::{Branch, Engine};
use consensus::{Buried, HeaderView, Rules, WITNESS_RESERVED_VALUE};
use primitives::{Block, Header, Tx};

/// Why no block could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MineError {
    /// There is no tip yet.
    #[error("the chain has no blocks yet")]
    NoTip,
    /// The nonces were used up.
    #[error("no proof of work found")]
    Exhausted,
}

/// A block on the tip that pays `script` and holds `txs`, complete but for its proof of work.
///
/// `now` is the time that it should have; the rules may ask for a later one. `fees` is what `txs` pay.
pub fn assemble(
    engine: &Engine,
    rules: &dyn Rules,
    script: &ScriptBuf,
    txs: &[Arc<Tx>],
    fees: i64,
    now: i64,
) -> Result<Block, MineError> {
    let reader = engine.reader();
    let tip = engine.tip().ok_or(MineError::NoTip)?;
    reader.tree(|tree| {
        let branch = Branch::new(tree, tip);
        let height = branch.height() + 1;
        let earliest = i64::from(tree.median_time_past(tip)) + 1;
        let time = u32::try_from(now.max(earliest)).unwrap_or(u32::MAX);
        let version = consensus::block_version(rules.params().deployments(), Some(&branch), &consensus::NoCache);
        let mut raw = RawHeader {
            version: bitcoin::block::Version::from_consensus(version),
            prev_blockhash: tree[tip].hash,
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits: CompactTarget::from_consensus(0),
            nonce: 0,
        };
        raw.bits = CompactTarget::from_consensus(rules.next_work_required(&branch, &Header::new(raw)));
        let witness = rules.params().is_active(Buried::Segwit, height);
        let reward = rules.reward_limit(height, fees);
        let all = |coinbase: Tx| std::iter::once(Arc::new(coinbase)).chain(txs.iter().cloned()).collect();
        let draft = coinbase(height, reward, script, witness, None);
        let mut block = Block { header: Header::new(raw), txs: all(draft), tail: None };
        if witness {
            let commitment = consensus::commitment_output(&block);
            block.txs = all(coinbase(height, reward, script, witness, Some(commitment)));
        }
        raw.merkle_root = block.merkle_root().0;
        block.header = Header::new(raw);
        Ok(block)
    })
}

fn coinbase(height: u32, reward: i64, script: &ScriptBuf, witness: bool, commitment: Option<TxOut>) -> Tx {
    let mut script_sig = consensus::height_script(height);
    // The shortest script that is allowed has two bytes.
    script_sig.push(0);
    let value = Amount::from_sat(u64::try_from(reward).unwrap_or(0));
    let mut output = vec![TxOut { value, script_pubkey: script.clone() }];
    output.extend(commitment);
    let inner = Transaction {
        version: bitcoin::transaction::Version::TWO,
        // It cannot be in another block than this: BIP54's wish, which costs nothing.
        lock_time: LockTime::from_height(height.saturating_sub(1)).unwrap_or(LockTime::ZERO),
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes(script_sig),
            sequence: Sequence::ENABLE_LOCKTIME_NO_RBF,
            witness: if witness { Witness::from_slice(&[WITNESS_RESERVED_VALUE]) } else { Witness::new() },
        }],
        output,
    };
    Tx::new(inner, None)
}

/// Looks for a nonce, up to `tries` of them; takes from `tries` what it used.
pub fn solve(
    block: &mut Block,
    rules: &dyn Rules,
    tries: &mut u64,
    mut go_on: impl FnMut() -> bool,
) -> Option<BlockHash> {
    let raw = *block.header.raw();
    for nonce in 0..u32::MAX {
        if *tries == 0 || (nonce % 65_536 == 65_535 && !go_on()) {
            return None;
        }
        let header = Header::new(RawHeader { nonce, ..raw });
        if rules.is_proven(&header) {
            block.header = header;
            return Some(block.hash());
        }
        *tries -= 1;
    }
    None
}
