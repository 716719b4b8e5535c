//! A block that wants a proof of work: what the pool offers, a coinbase for it, and a header.

use std::sync::Arc;

use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
    absolute::LockTime, block::Header as RawHeader, hashes::Hash,
};
use chainstate::{Branch, Engine, Fatal, NodeId, Tree};
use consensus::{HeaderView, Rules, Scope, VersionBitsCache};
use mempool::{Mempool, TemplateTx};
use primitives::{Block, Codec, Header, Tx};
use tracing::info;

use super::{MineError, Order, Settings};

/// The first block of a period may be at most so many seconds older than the last of the one before (BIP94).
const MAX_TIMEWARP: i64 = 600;

/// The parts of the coinbase that the chain decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoinbasePlan {
    /// Its version.
    pub version: u32,
    /// The sequence of its input.
    pub sequence: u32,
    /// What its script begins with.
    pub script_sig_prefix: Vec<u8>,
    /// The only item of its witness.
    pub witness: Option<Vec<u8>>,
    /// What it may pay out.
    pub reward: i64,
    /// Outputs that it must begin with.
    pub first: Vec<TxOut>,
    /// Outputs that it must have.
    pub required: Vec<TxOut>,
    /// Its lock time.
    pub lock_time: u32,
}

/// A block without a proof of work.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What was wanted.
    pub order: Order,
    /// The block that it builds on.
    pub prev: BlockHash,
    /// Its height.
    pub height: u32,
    /// Its header.
    pub header: Header,
    /// A coinbase that makes it valid.
    pub coinbase: Arc<Tx>,
    /// What a coinbase needs.
    pub plan: CoinbasePlan,
    /// Everything else that is in it.
    pub txs: Vec<TemplateTx>,
    /// Whether the last of them is the one that the rules want at the end of a block.
    pub has_last: bool,
    /// What that pays.
    pub fees: i64,
    /// Its weight, with what was kept free.
    pub weight: u64,
    rules: Arc<dyn Rules>,
}

impl Draft {
    /// The block with this header and coinbase in place of its own.
    pub fn block_with(&self, header: Header, coinbase: Arc<Tx>) -> Block {
        let txs = std::iter::once(coinbase).chain(self.txs.iter().map(|t| Arc::clone(&t.tx))).collect();
        let mut block = Block { header, txs, tail: None };
        self.rules.commit_to_witnesses(&mut block);
        block
    }

    /// The block.
    pub fn block(&self) -> Block {
        self.block_with(self.header.clone(), Arc::clone(&self.coinbase))
    }

    /// The block with these transactions in place of its own, and a commitment to their witnesses.
    pub fn block_of(&self, txs: Vec<Arc<Tx>>) -> Block {
        let coinbase = Arc::clone(&self.coinbase);
        let index = consensus::commitment_index(&coinbase);
        let (mut inner, lock_height) = (coinbase.inner().clone(), coinbase.lock_height());
        let last = self.txs.last().filter(|_| self.has_last).map(|last| Arc::clone(&last.tx));
        let txs = std::iter::once(coinbase).chain(txs).chain(last).collect();
        let mut block = Block { header: self.header.clone(), txs, tail: None };
        self.rules.commit_to_witnesses(&mut block);
        if let Some(index) = index {
            let behind = consensus::behind_commitment(&inner.output[index]).to_vec();
            inner.output[index] = consensus::commitment_output(&block, &behind);
            block.txs[0] = Arc::new(Tx::new(inner, lock_height));
        }
        block
    }

    /// Makes a draft on the tip, and sees that it would be valid.
    pub(super) fn make(
        engine: &Engine,
        rules: &Arc<dyn Rules>,
        pool: &Mempool,
        settings: &Settings,
        order: &Order,
        now: i64,
    ) -> Result<Result<Self, MineError>, Fatal> {
        let options = match settings.options(order, rules.params()) {
            Ok(options) => options,
            Err(bad) => return Ok(Err(bad.into())),
        };
        let reader = engine.reader();
        let Some(next) = pool.template(&reader, &options) else { return Ok(Err(MineError::NoTip)) };
        let (height, template) = (next.height, next.template);
        if settings.print_rates {
            let ticker = rules.params().coin().ticker;
            for tx in &template.txs {
                info!("fee rate {} txid {}", tx.rate.text(ticker), tx.tx.txid());
            }
        }
        let codec = reader.codec();
        let Some(tip) = engine.tip() else { return Ok(Err(MineError::NoTip)) };
        let (header, aux) = reader.tree(|tree| {
            let header = header_after(tree, tip, &**rules, settings, now, reader.versionbits());
            (header, rules.own_proof(&Header::new(header), &Branch::new(tree, tip)))
        });
        let ends = reader.tree(|tree| rules.block_ends(&Branch::new(tree, tip), &reader, reader.versionbits()));
        let ends = match ends {
            Ok(ends) => ends,
            Err(reason) => return Ok(Err(MineError::Invalid(reason.full()))),
        };
        let (mut txs, mut fees) = (template.txs, template.fees);
        let has_last = ends.last.is_some();
        if let Some((tx, fee)) = ends.last {
            fees = fees.saturating_add(fee);
            txs.push(TemplateTx { tx: Arc::new(tx), fee, sigops: 0, rate: mempool::FeeRate::per_kvb(0) });
        }
        let mut plan = CoinbasePlan {
            version: 2,
            sequence: ends.sequence,
            script_sig_prefix: consensus::height_script(height),
            witness: ends.witness,
            reward: rules.reward(height, fees),
            first: ends.first_outputs,
            required: Vec::new(),
            lock_time: ends.lock_time,
        };
        let mut draft = Self {
            order: order.clone(),
            prev: next.prev,
            height,
            header: Header::with_aux(header, aux),
            coinbase: Arc::new(coinbase(&plan, &order.script, height, codec)),
            plan: plan.clone(),
            txs,
            has_last,
            fees,
            weight: template.weight,
            rules: Arc::clone(rules),
        };
        if ends.commitment_in_coinbase {
            let mut behind = Vec::new();
            let data = [ends.data, order.data.clone()].concat();
            if !data.is_empty() {
                script::instruction::push_data(&mut behind, &data);
            }
            plan.required = vec![consensus::commitment_output(&draft.block(), &behind)];
            draft.coinbase = Arc::new(coinbase(&plan, &order.script, height, codec));
            draft.plan = plan;
        }
        let block = draft.block();
        let merkle_root = block.merkle_root().0;
        draft.header = Header::with_aux(RawHeader { merkle_root, ..header }, draft.header.aux().cloned());
        info!(
            "CreateNewBlock(): block weight: {} txs: {} fees: {} sigops {}",
            block.weight(),
            draft.txs.len(),
            draft.fees,
            template.sigops
        );
        let verdict = engine.test_block(&Arc::new(draft.block()), Scope::TEMPLATE)?;
        Ok(verdict.map(|()| draft).map_err(|unfit| MineError::Invalid(unfit.full())))
    }
}

/// The earliest time of a block after `tip`. The rule of BIP94 is kept on every chain: that costs nothing.
pub fn minimum_time(tree: &Tree, tip: NodeId, interval: u32) -> i64 {
    let earliest = i64::from(tree.median_time_past(tip)) + 1;
    let node = &tree[tip];
    if (node.height + 1).is_multiple_of(interval) {
        earliest.max(i64::from(node.header.time) - MAX_TIMEWARP)
    } else {
        earliest
    }
}

/// The header of a block after `tip` that is made `now`, but for its merkle root.
pub fn header_after(
    tree: &Tree,
    tip: NodeId,
    rules: &dyn Rules,
    settings: &Settings,
    now: i64,
    known: &dyn VersionBitsCache,
) -> RawHeader {
    let branch = Branch::new(tree, tip);
    let prev: &dyn HeaderView = &branch;
    let params = rules.params();
    let signalling = || {
        let version = consensus::block_version(params.deployments(), Some(prev), known);
        rules.block_version(version, tree[tip].height.saturating_add(1))
    };
    let time = now.max(minimum_time(tree, tip, params.pow().interval.get()));
    let mut raw = RawHeader {
        version: bitcoin::block::Version::from_consensus(settings.version.unwrap_or_else(signalling)),
        prev_blockhash: tree[tip].hash,
        merkle_root: TxMerkleNode::all_zeros(),
        time: u32::try_from(time).unwrap_or(u32::MAX),
        bits: CompactTarget::from_consensus(0),
        nonce: 0,
    };
    raw.bits = CompactTarget::from_consensus(rules.next_work_required(prev, &Header::new(raw)));
    raw
}

/// A coinbase that pays all to `script`.
fn coinbase(plan: &CoinbasePlan, script: &ScriptBuf, height: u32, codec: Codec) -> Tx {
    let mut script_sig = plan.script_sig_prefix.clone();
    if script_sig.len() < 2 {
        // The shortest script that is allowed has two bytes.
        script_sig.push(0);
    }
    let value = Amount::from_sat(u64::try_from(plan.reward).unwrap_or(0));
    let mut output = plan.first.clone();
    output.push(TxOut { value, script_pubkey: script.clone() });
    output.extend(plan.required.iter().cloned());
    let inner = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::from_consensus(plan.lock_time),
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes(script_sig),
            sequence: Sequence::from_consensus(plan.sequence),
            witness: plan.witness.as_ref().map_or_else(Witness::new, |item| Witness::from_slice(&[item])),
        }],
        output,
    };
    codec.new_tx(inner, height)
}
