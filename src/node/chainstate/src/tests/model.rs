//! The engine against a plain model: forks, invalid blocks, refusals, flushes, restarts and crashes in any order.
//!
//! The model knows every block and whether it breaks a rule by itself. After each step the tip must be a valid block of
//! the most work, the old one if it still is one (unless somebody was forgiven or preferred), and the coins must be what
//! replaying its branch gives.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bitcoin::{BlockHash, OutPoint};
use primitives::Block;
use proptest::prelude::*;

use super::lab::{Lab, split};
use crate::FlushMode;

/// Blocks that are mined before chance takes over, so that there are coins to spend.
const BASE: u32 = 103;

#[derive(Clone, Debug)]
enum Step {
    /// Mine on one of the blocks there are, spending some coins of its branch.
    Mine {
        on: prop::sample::Index,
        spends: u8,
    },
    /// The same with a coinbase that pays too much.
    MineBad {
        on: prop::sample::Index,
    },
    /// Hand in a block and its child in the wrong order.
    MineBackwards {
        on: prop::sample::Index,
    },
    Invalidate(prop::sample::Index),
    Reconsider(prop::sample::Index),
    Precious(prop::sample::Index),
    Flush,
    Restart,
    Crash,
    Reindex,
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        8 => (any(), 0u8..3).prop_map(|(on, spends)| Step::Mine { on, spends }),
        2 => any().prop_map(|on| Step::MineBad { on }),
        1 => any().prop_map(|on| Step::MineBackwards { on }),
        2 => any().prop_map(Step::Invalidate),
        2 => any().prop_map(Step::Reconsider),
        1 => any().prop_map(Step::Precious),
        2 => Just(Step::Flush),
        1 => Just(Step::Restart),
        2 => Just(Step::Crash),
        1 => Just(Step::Reindex),
    ]
}

#[derive(Clone, Debug)]
struct Known {
    block: Arc<Block>,
    height: u32,
    bad: bool,
}

#[derive(Clone, Debug, Default)]
struct Model {
    blocks: HashMap<BlockHash, Known>,
    order: Vec<BlockHash>,
    refused: BTreeSet<BlockHash>,
    genesis: Option<BlockHash>,
    salt: u32,
}

type Coins = BTreeMap<OutPoint, (u32, u64)>;

impl Model {
    fn learn(&mut self, block: &Arc<Block>, bad: bool) {
        let height = self.blocks.get(&block.header.prev()).map_or(1, |p| p.height + 1);
        self.blocks.insert(block.hash(), Known { block: Arc::clone(block), height, bad });
        self.order.push(block.hash());
    }

    fn branch(&self, tip: BlockHash) -> Vec<&Known> {
        let mut path = Vec::new();
        let mut at = tip;
        while let Some(known) = self.blocks.get(&at) {
            path.push(known);
            at = known.block.header.prev();
        }
        path.reverse();
        path
    }

    fn valid(&self, tip: BlockHash) -> bool {
        self.branch(tip).iter().all(|k| !k.bad && !self.refused.contains(&k.block.hash()))
    }

    fn coins(&self, tip: BlockHash) -> Coins {
        let mut coins = Coins::new();
        for known in self.branch(tip) {
            for tx in &known.block.txs {
                for input in tx.inputs() {
                    coins.remove(&input.previous_output);
                }
                for (vout, output) in (0u32..).zip(tx.outputs()) {
                    coins.insert(OutPoint { txid: tx.txid(), vout }, (known.height, output.value.to_sat()));
                }
            }
        }
        coins
    }

    fn pick(&self, index: prop::sample::Index) -> BlockHash {
        // Near the end, so that forks are shallow and often win.
        let from = self.order.len().saturating_sub(12);
        *index.get(&self.order[from..])
    }

    /// Up to `n` transactions that spend what is old enough on the branch.
    fn spends(&self, tip: BlockHash, n: u8) -> Vec<primitives::Tx> {
        let height = self.blocks[&tip].height + 1;
        let coinbases: BTreeSet<_> = self.branch(tip).iter().map(|k| k.block.txs[0].txid()).collect();
        let ripe = self
            .coins(tip)
            .into_iter()
            .filter(|(out, (made, value))| *value > 1000 && (height - made >= 100 || !coinbases.contains(&out.txid)));
        ripe.take(usize::from(n)).map(|(out, (_, value))| split(out, value)).collect()
    }
}

fn check(lab: &mut Lab, model: &Model, before: Option<BlockHash>) -> Result<(), TestCaseError> {
    let tip = lab.tip();
    let best = model.order.iter().filter(|h| model.valid(**h)).map(|h| model.blocks[h].height).max().unwrap_or(0);
    let height = model.blocks.get(&tip).map_or(0, |k| k.height);
    prop_assert!(model.valid(tip) || Some(tip) == model.genesis, "the tip {} is not valid", tip);
    prop_assert_eq!(height, best, "another block has more work");
    if let Some(before) = before.filter(|b| model.valid(*b) && model.blocks.get(b).is_some_and(|k| k.height == best)) {
        prop_assert_eq!(tip, before, "a tip is left for more work only");
    }
    Ok(())
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut lab = Lab::new();
    let mut model = Model { genesis: Some(lab.tip()), ..Model::default() };
    for block in lab.mine(BASE) {
        model.learn(&block, false);
    }
    lab.engine().flush(FlushMode::Sync).unwrap();
    let mut durable = (model.clone(), lab.tip());
    for step in steps {
        let before = lab.tip();
        let mut expect_same_tip = Some(before);
        match step {
            Step::Mine { on, spends } => {
                let parent = model.pick(on);
                let txs = model.spends(parent, spends);
                model.salt += 1;
                let block = lab.block(parent, txs, model.salt, 0);
                if lab.submit(&block).0.is_ok() {
                    model.learn(&block, false);
                }
            }
            Step::MineBad { on } => {
                let parent = model.pick(on);
                model.salt += 1;
                let block = lab.block(parent, Vec::new(), model.salt, 1);
                if lab.submit(&block).0.is_ok() {
                    model.learn(&block, true);
                }
            }
            Step::MineBackwards { on } => {
                let parent = model.pick(on);
                model.salt += 1;
                let block = lab.block(parent, Vec::new(), model.salt, 0);
                if lab.engine().accept_header(&block.header, true).is_ok() {
                    let child = lab.block(block.hash(), Vec::new(), model.salt, 0);
                    prop_assert!(lab.submit(&child).0.is_ok());
                    prop_assert_eq!(lab.tip(), before, "a block without its parent's data cannot be connected");
                    prop_assert!(lab.submit(&block).0.is_ok());
                    model.learn(&block, false);
                    model.learn(&child, false);
                }
            }
            Step::Invalidate(index) => {
                let hash = model.pick(index);
                let id = lab.id(hash);
                prop_assert!(lab.engine().invalidate(id).unwrap());
                lab.engine().activate().unwrap();
                // Everything on it is refused with it.
                let refused: Vec<_> = model
                    .order
                    .iter()
                    .copied()
                    .filter(|h| model.branch(*h).iter().any(|k| k.block.hash() == hash))
                    .collect();
                model.refused.extend(refused);
            }
            Step::Reconsider(index) => {
                let hash = model.pick(index);
                let id = lab.id(hash);
                lab.engine().reconsider(id);
                lab.engine().activate().unwrap();
                expect_same_tip = None;
                let forgiven: Vec<_> = model
                    .order
                    .iter()
                    .copied()
                    .filter(|h| {
                        model.branch(*h).iter().any(|k| k.block.hash() == hash)
                            || model.branch(hash).iter().any(|k| k.block.hash() == *h)
                    })
                    .collect();
                // A forgiven block of the same work that came before the tip did is preferred to it again, but no other.
                let tip = lab.tip();
                prop_assert!(tip == before || forgiven.contains(&tip), "the tip moved to a block that nobody forgave");
                for hash in forgiven {
                    model.refused.remove(&hash);
                }
            }
            Step::Precious(index) => {
                let hash = model.pick(index);
                let id = lab.id(hash);
                lab.engine().precious(id);
                lab.engine().activate().unwrap();
                expect_same_tip = None;
            }
            Step::Flush => {
                lab.engine().flush(FlushMode::Sync).unwrap();
                durable = (model.clone(), lab.tip());
            }
            Step::Restart => {
                lab.restart();
                durable = (model.clone(), lab.tip());
            }
            Step::Crash => {
                lab.crash();
                let salt = model.salt;
                model = durable.0.clone();
                model.salt = salt;
                expect_same_tip = Some(durable.1);
            }
            Step::Reindex => {
                lab.stop();
                lab.open(true, false).unwrap();
                // The files hold every block that was ever stored, lost ones included; refusals are forgotten.
                prop_assert!(
                    lab.height()
                        >= model
                            .order
                            .iter()
                            .filter(|h| model.valid(**h))
                            .map(|h| model.blocks[h].height)
                            .max()
                            .unwrap_or(0)
                );
                return Ok(());
            }
        }
        check(&mut lab, &model, expect_same_tip)?;
    }
    let tip = lab.tip();
    prop_assert_eq!(lab.coins(), model.coins(tip));
    prop_assert!(lab.engine().verify(4, 20).unwrap().is_ok());
    lab.restart();
    prop_assert_eq!(lab.tip(), tip);
    prop_assert_eq!(lab.coins(), model.coins(tip));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_is_its_model(steps in prop::collection::vec(step(), 1..40)) {
        run(steps)?;
    }
}
