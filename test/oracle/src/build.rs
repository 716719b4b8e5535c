//! From a plan to a block: transactions that spend coins of the chain, a coinbase, a commitment, a header with work.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash as _;
use bitcoin::script::Builder;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid,
    Witness, transaction,
};
use consensus::{Below, HeaderView as _, value_of};

use crate::kinds::{self, Kind};
use crate::ours::Chain;
use crate::plan::{BlockPlan, From, Lock, Pick, SequenceRule, TxFlaw, TxPlan};

/// Half of what there can be.
const HALF_OF_ALL: i64 = 1_050_000_000_000_000;

/// A block that is being made.
pub struct Draft<'a> {
    /// The chain that it is for.
    pub chain: &'a Chain,
    /// Its height.
    pub height: u32,
    /// The median time that its locks and its own time are compared with.
    pub median: i64,
    /// Its header; the Merkle root and the work come last.
    pub header: Header,
    /// Its transactions, coinbase first.
    pub txs: Vec<Transaction>,
    /// Tells this block from all others.
    pub unique: u64,
}

/// A coin that may be spent.
#[derive(Clone, Debug)]
pub struct Purse {
    outpoint: OutPoint,
    out: TxOut,
    height: u32,
}

/// The coins that an input may pick from.
struct Purses {
    mature: Vec<Purse>,
    young: Vec<Purse>,
    block: Vec<Purse>,
    used: Vec<Purse>,
}

impl<'a> Draft<'a> {
    /// The block of a plan, without anything that commits to its transactions.
    pub fn new(chain: &'a Chain, plan: &BlockPlan, unique: u64) -> Self {
        let parent = chain.headers().height().saturating_sub(plan.depth);
        let branch = Below::new(chain.headers(), parent);
        let median = branch.median_time_past(parent).expect("a branch has a tip");
        let below = branch.at(parent).expect("a branch has a tip");
        let time = u32::try_from(median + 1).expect("a time of this century").saturating_add(plan.later);
        let header = Header {
            version: Version::from_consensus(plan.version),
            prev_blockhash: below.hash,
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits: CompactTarget::from_consensus(below.bits),
            nonce: 0,
        };
        let mut draft = Self { chain, height: parent + 1, median, header, txs: Vec::new(), unique };
        let mut purses = draft.purses();
        let mut fees = 0;
        for plan in &plan.txs {
            if let Some((tx, fee)) = draft.transaction(plan, &mut purses) {
                draft.txs.push(tx);
                fees += fee;
            }
        }
        let reward = chain.rules().subsidy(draft.height) + fees - plan.unclaimed;
        let coinbase = draft.coinbase(&plan.rewards, reward.max(0));
        draft.txs.insert(0, coinbase);
        draft
    }

    /// The coins that a block of this height finds, by how it may use them.
    fn purses(&self) -> Purses {
        let mut purses = Purses { mature: vec![], young: vec![], block: vec![], used: vec![] };
        for (outpoint, coin) in self.chain.coins() {
            if !Kind::of(&coin.out.script_pubkey).is_some_and(|kind| kind != Kind::Return) {
                continue;
            }
            let purse = Purse { outpoint: *outpoint, out: coin.out.clone(), height: coin.height };
            let depth = self.height.saturating_sub(coin.height);
            if coin.coinbase && (97..103).contains(&depth) {
                purses.young.push(purse);
            } else if !coin.coinbase || depth >= 100 {
                purses.mature.push(purse);
            }
        }
        purses
    }

    /// A mature coin that is spent with any witness.
    pub fn future_coin(&self) -> Option<(OutPoint, TxOut)> {
        let spent: Vec<OutPoint> =
            self.txs.iter().flat_map(|tx| &tx.input).map(|input| input.previous_output).collect();
        let purses = self.purses();
        let free = purses
            .mature
            .into_iter()
            .find(|purse| Kind::of(&purse.out.script_pubkey) == Some(Kind::Future) && !spent.contains(&purse.outpoint));
        free.map(|purse| (purse.outpoint, purse.out))
    }

    fn coinbase(&self, rewards: &[Kind], reward: i64) -> Transaction {
        let script_sig = Builder::new().push_int(self.height.into()).push_slice(self.unique.to_le_bytes());
        Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn { script_sig: script_sig.into_script(), ..spend(OutPoint::null()) }],
            output: shares(rewards, reward),
        }
    }

    /// A transaction and its fee; none if there is nothing to spend.
    fn transaction(&self, plan: &TxPlan, purses: &mut Purses) -> Option<(Transaction, i64)> {
        let mut spent: Vec<Purse> = Vec::new();
        let mut tx = Transaction {
            version: transaction::Version(plan.version),
            lock_time: LockTime::from_consensus(self.lock_time(plan.lock)),
            input: Vec::new(),
            output: Vec::new(),
        };
        for pick in &plan.inputs {
            let Some(purse) = purses.take(pick) else { continue };
            let mut sequence = self.sequence(pick.sequence, &purse);
            if sequence == u32::MAX {
                // Such a coin is meant to be spent, so its lock is respected.
                match Kind::of(&purse.out.script_pubkey) {
                    Some(Kind::Csv) => sequence = 1,
                    Some(Kind::Cltv) => {
                        sequence -= 1;
                        if tx.lock_time == LockTime::ZERO {
                            tx.lock_time = LockTime::from_consensus(5);
                        }
                    }
                    _ => {}
                }
            }
            tx.input.push(TxIn { sequence: Sequence(sequence), ..spend(purse.outpoint) });
            spent.push(purse);
        }
        if spent.is_empty() {
            return None;
        }
        let value: i64 = spent.iter().map(|purse| value_of(&purse.out)).sum();
        let fee = i64::from(plan.fee).min(value);
        tx.output = shares(&plan.outputs, value - fee);
        if let Some(flaw) = plan.flaw {
            spoil_early(&mut tx, flaw, &mut spent, purses);
        }
        let outputs: Vec<TxOut> = spent.iter().map(|purse| purse.out.clone()).collect();
        for index in 0..outputs.len().min(tx.input.len()) {
            kinds::sign(&mut tx, index, &outputs);
        }
        if let Some(flaw) = plan.flaw {
            spoil_late(&mut tx, flaw);
        }
        purses.used.extend(spent);
        let txid = tx.compute_txid();
        for (vout, out) in (0..).zip(&tx.output) {
            if Kind::of(&out.script_pubkey).is_some_and(|kind| kind != Kind::Return) {
                let outpoint = OutPoint { txid, vout };
                purses.block.push(Purse { outpoint, out: out.clone(), height: self.height });
            }
        }
        let fee = value - tx.output.iter().map(value_of).fold(0, i64::wrapping_add);
        Some((tx, if plan.flaw.is_some() { 0 } else { fee }))
    }

    fn lock_time(&self, lock: Lock) -> u32 {
        match lock {
            Lock::Number(number) => number,
            Lock::Height(more) => self.height.saturating_add_signed(more.into()),
            Lock::Time(more) => low_bits(self.median.saturating_add(more.into())),
        }
    }

    fn sequence(&self, rule: SequenceRule, purse: &Purse) -> u32 {
        let headers = self.chain.headers();
        match rule {
            SequenceRule::Number(number) => number,
            SequenceRule::Blocks(more) => {
                low_bits((i64::from(self.height) - i64::from(purse.height) + i64::from(more)).clamp(0, 0xffff))
            }
            SequenceRule::Time(more) => {
                let since = headers.median_time_past(purse.height.saturating_sub(1)).unwrap_or(self.median);
                (1 << 22) | low_bits(((self.median - since) / 512 + i64::from(more)).clamp(0, 0xffff))
            }
        }
    }
}

impl Purses {
    /// The coin that an input picks, which no other input picks then.
    fn take(&mut self, pick: &Pick) -> Option<Purse> {
        let from = match pick.from {
            From::Block if !self.block.is_empty() => &mut self.block,
            From::Young if !self.young.is_empty() => &mut self.young,
            _ => &mut self.mature,
        };
        if from.is_empty() { None } else { Some(from.remove(pick.which.index(from.len()))) }
    }
}

/// What is wrong before the signatures.
fn spoil_early(tx: &mut Transaction, flaw: TxFlaw, spent: &mut Vec<Purse>, purses: &Purses) {
    let first = tx.output[0].clone();
    match flaw {
        TxFlaw::Overspend(more) => {
            let total: i64 = spent.iter().map(|purse| value_of(&purse.out)).sum();
            tx.output = shares(&[Kind::True], total + i64::from(more));
        }
        TxFlaw::Value(value) => tx.output[0].value = amount(value),
        TxFlaw::Sum(more) => {
            tx.output = vec![
                TxOut { value: amount(HALF_OF_ALL), ..first.clone() },
                TxOut { value: amount(HALF_OF_ALL + i64::from(more)), ..first },
            ];
        }
        TxFlaw::SameInput => {
            tx.input.push(tx.input[0].clone());
            spent.push(spent[0].clone());
        }
        TxFlaw::DoubleSpend => {
            if let Some(used) = purses.used.first() {
                tx.input[0].previous_output = used.outpoint;
                spent[0] = used.clone();
            }
        }
        TxFlaw::Missing => tx.input[0].previous_output.vout ^= 0x100,
        TxFlaw::Null => {
            tx.input.push(spend(OutPoint::null()));
            spent.push(Purse { outpoint: OutPoint::null(), ..spent[0].clone() });
        }
        TxFlaw::NoOutputs => tx.output.clear(),
        TxFlaw::NoInputs => tx.input.clear(),
        TxFlaw::Signature(_) | TxFlaw::ExtraWitness | TxFlaw::NoWitness => {}
    }
}

/// What is wrong with the signatures.
fn spoil_late(tx: &mut Transaction, flaw: TxFlaw) {
    let Some(input) = tx.input.first_mut() else { return };
    match flaw {
        TxFlaw::Signature(place) => {
            let mut items = input.witness.to_vec();
            items.push(input.script_sig.to_bytes());
            let bits = items.iter().map(Vec::len).sum::<usize>() * 8;
            if bits > 0 {
                let mut bit = place.index(bits);
                for item in &mut items {
                    if bit < item.len() * 8 {
                        item[bit / 8] ^= 1 << (bit % 8);
                        break;
                    }
                    bit -= item.len() * 8;
                }
            }
            input.script_sig = ScriptBuf::from_bytes(items.pop().unwrap_or_default());
            input.witness = Witness::from_slice(&items);
        }
        TxFlaw::ExtraWitness => input.witness.push([1]),
        TxFlaw::NoWitness => input.witness = Witness::new(),
        _ => {}
    }
}

/// An input that has nothing but what it spends.
pub fn spend(previous_output: OutPoint) -> TxIn {
    TxIn { previous_output, script_sig: ScriptBuf::new(), sequence: Sequence::MAX, witness: Witness::new() }
}

/// An amount that may be none.
pub fn amount(value: i64) -> Amount {
    Amount::from_sat(value.cast_unsigned())
}

/// A value in equal parts; the first part gets what is left over.
fn shares(kinds: &[Kind], value: i64) -> Vec<TxOut> {
    let count = i64::try_from(kinds.len()).expect("few outputs");
    let part = value / count;
    let mut outputs: Vec<TxOut> =
        kinds.iter().map(|kind| TxOut { value: amount(part), script_pubkey: kind.script() }).collect();
    outputs[0].value = amount(value - part * (count - 1));
    outputs
}

fn low_bits(number: i64) -> u32 {
    u32::try_from(number & 0xffff_ffff).expect("32 bits")
}

/// A hash that nothing has.
pub fn nowhere(byte: u8) -> BlockHash {
    BlockHash::from_raw_hash(Txid::from_byte_array([byte; 32]).to_raw_hash())
}
