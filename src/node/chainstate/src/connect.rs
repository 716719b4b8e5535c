//! Putting a block on the tip: its coins are looked up, its sums and locks checked, its scripts run, and only if all of
//! that is right the cache learns of it, in one step with the tip. During a catch-up the first two happen to the next
//! block while the scripts of this one run (see [`crate::ahead`]).

use std::{cell::RefCell, sync::Arc};

use bitcoin::{OutPoint, hashes::Hash};
use consensus::{AssumeValid, CoinView, ConnectReason, Connecting, HeaderView, WhyVerify};
use primitives::{Block, BlockUndo, Codec, FinalTx, Tx, TxOutEntry, TxUndo};
use script::Flags;
use store::StoreError;

use crate::{
    Engine, Fatal, Node, NodeId, Tree, Validity,
    ahead::Ahead,
    branch::Branch,
    coins::{Changes, Lookup, StoredCoin},
    engine::LastVerified,
    scripts::ScriptChecker,
    shared::{Shared, read, write},
};

/// A transaction and the coins that it spends: all that its scripts need.
#[derive(Debug, Clone)]
pub struct Spending {
    /// The transaction.
    pub tx: Arc<Tx>,
    /// What its inputs spend, in their order.
    pub spent: Arc<Vec<TxOutEntry>>,
}

/// A block that is right in all but its scripts, which were not run yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    changes: Changes,
    /// In the order of the block; empty before its first payment.
    pub(crate) spendings: Vec<Spending>,
    pub(crate) flags: Flags,
    /// What the block had to continue.
    before: Option<FinalTx>,
}

/// What connecting a block would change.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) changes: Changes,
    pub(crate) undo: BlockUndo,
}

/// The coins as of the tip with changes on top that nobody else sees yet. A failing disk is remembered, since the rules
/// can only ask whether a coin is there.
struct View<'a> {
    shared: &'a Shared,
    layers: [&'a Changes; 2],
    failure: &'a RefCell<Option<StoreError>>,
}

impl View<'_> {
    /// What memory knows of an output.
    fn in_layers(&self, out: &OutPoint) -> Lookup<'_> {
        let known = self.layers.iter().map(|layer| layer.get(out)).find(|found| *found != Lookup::Unknown);
        known.unwrap_or(Lookup::Unknown)
    }

    /// Whether the disk has a coin at one of them, unless memory knows better.
    fn find_any(&self, outs: &[OutPoint]) -> Result<bool, StoreError> {
        let mut unknown = Vec::with_capacity(outs.len());
        let state = read(&self.shared.state);
        for out in outs {
            let known = match self.in_layers(out) {
                Lookup::Unknown => state.cache.get(out),
                known => known,
            };
            match known {
                Lookup::Coin(_) => return Ok(true),
                Lookup::Spent => {}
                Lookup::Unknown => unknown.push(*out),
            }
        }
        let db = state.db.clone();
        drop(state);
        Ok(db.get_many(&unknown)?.iter().any(Option::is_some))
    }

    fn look_up(&self, out: &OutPoint) -> Result<Option<StoredCoin>, StoreError> {
        match self.in_layers(out) {
            Lookup::Coin(coin) => Ok(Some(coin.clone())),
            Lookup::Spent => Ok(None),
            Lookup::Unknown => self.shared.coin(out),
        }
    }

    /// What was found, or nothing if the disk fails, which is remembered.
    fn or_failure<T: Default>(&self, found: Result<T, StoreError>) -> T {
        found.unwrap_or_else(|e| {
            self.failure.borrow_mut().get_or_insert(e);
            T::default()
        })
    }
}

impl CoinView for View<'_> {
    fn final_tx(&self) -> Option<FinalTx> {
        let changed = self.layers.iter().find_map(|layer| layer.new_final_tx());
        changed.map_or_else(|| read(&self.shared.state).cache.final_tx(), |new| new.0)
    }

    fn coin(&self, out: &OutPoint) -> Option<TxOutEntry> {
        let found = self.look_up(out).and_then(|coin| coin.map(|c| c.decode(self.shared.codec)).transpose());
        self.or_failure(found)
    }

    fn has_any(&self, outs: &[OutPoint]) -> bool {
        self.or_failure(self.find_any(outs))
    }
}

/// Adds what a transaction makes, leaving out what can never be spent.
pub(crate) fn add_outputs(changes: &mut Changes, codec: Codec, tx: &Tx, height: u32) {
    let (tails, coinbase) = (codec.tails(tx), tx.is_coinbase());
    for ((vout, n), output) in (0u32..).zip(0usize..).zip(tx.outputs()) {
        if !script::templates::is_unspendable(&output.script_pubkey) {
            let coin = TxOutEntry::new(output.clone(), height, coinbase, tails.at(n));
            changes.add(OutPoint { txid: tx.txid(), vout }, StoredCoin::from(&coin));
        }
    }
}

impl Prepared {
    /// What the block changes.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The scripts are right, too.
    pub(crate) fn pass(self) -> Connected {
        let undo = self.spendings.into_iter().map(|s| TxUndo { spent: Arc::unwrap_or_clone(s.spent) });
        Connected { changes: self.changes, undo: BlockUndo { txs: undo.collect(), final_tx: self.before } }
    }
}

impl Engine {
    /// Connects the block of `id`, whose parent is the tip. The inner error is the rule that it breaks. While its scripts
    /// run, `following` is got ready, which is the block that comes next if this one is right.
    pub(crate) fn connect_tip(
        &mut self,
        id: NodeId,
        following: Option<NodeId>,
    ) -> Result<Result<(), ConnectReason>, Fatal> {
        let Ahead { node, block, state, .. } = self.next_in_turn(id, following.is_some())?;
        let (connected, next) = self.conclude(&node, state, following)?;
        let connected = match connected {
            Ok(connected) => connected,
            Err(reason) => {
                let class = if reason.result().is_permanent() { "consensus" } else { "mutated" };
                tracing::error!("ConnectTip: ConnectBlock {} failed, {} ({class})", node.hash, reason.full());
                return Ok(Err(reason));
            }
        };
        self.ahead = next;
        self.store_undo(id, &node, &connected.undo)?;
        {
            let mut state = write(&self.shared.state);
            state.cache.apply(connected.changes, true);
            state.tip = Some(id);
        }
        self.active_tip = Some(id);
        self.flush(crate::FlushMode::IfNeeded)?;
        self.log_tip(id);
        self.tell_connected(&block, id);
        Ok(Ok(()))
    }

    fn store_undo(&mut self, id: NodeId, node: &Node, undo: &BlockUndo) -> Result<(), Fatal> {
        let undo_offset = match (node.height, node.has_undo(), node.file()) {
            (0, ..) | (_, true, _) => None,
            (_, _, None) => return Err(Fatal::Inconsistent(format!("block {} has no file", node.hash))),
            (height, false, Some(file)) => {
                let parent = node.header.prev_blockhash.to_byte_array();
                let mut bytes = Vec::new();
                undo.encode(&mut bytes);
                Some(self.shared.files.write_undo(file, height, &parent, &bytes)?.offset)
            }
        };
        let mut tree = write(&self.shared.tree);
        let changed = tree[id].raise(Validity::Scripts);
        if let Some(offset) = undo_offset {
            tree[id].set_undo(offset);
        }
        if changed || undo_offset.is_some() {
            self.dirty.insert(id);
        }
        Ok(())
    }

    /// Checks a block against the coins as of its parent, which are those of the tip with `pending` on top.
    pub(crate) fn connect_block(
        &self,
        block: &Arc<Block>,
        node: &Node,
        pending: &Changes,
    ) -> Result<Result<Connected, ConnectReason>, Fatal> {
        let prepared = match self.prepare(block, node, pending)? {
            Ok(prepared) => prepared,
            Err(reason) => return Ok(Err(reason)),
        };
        let why = self.why_verify(node);
        self.log_why(node, why);
        if why.is_some()
            && let Err(failed) =
                ScriptChecker::check(&self.scripts, &prepared.spendings, prepared.flags, self.rules.dialect())
        {
            return Ok(Err(ConnectReason::Script(Box::new(failed))));
        }
        Ok(Ok(prepared.pass()))
    }

    /// Checks a block in all but its scripts.
    pub(crate) fn prepare(
        &self,
        block: &Arc<Block>,
        node: &Node,
        pending: &Changes,
    ) -> Result<Result<Prepared, ConnectReason>, Fatal> {
        let mut changes = Changes::with_capacity(block.txs.len() * 4, self.scripts.salt());
        let Some(parent) = node.parent() else {
            // Nobody can spend what genesis made: it never was in anybody's coins.
            return Ok(Ok(Prepared { changes, spendings: Vec::new(), flags: Flags::NONE, before: None }));
        };
        if self.options.prefetch {
            self.prefetch(block, pending)?;
        }
        let failure = RefCell::new(None);
        let tree = read(&self.shared.tree);
        let prev = Branch::new(&tree, parent);
        let mut spendings = Vec::with_capacity(block.txs.len());
        let before;
        let (verdict, flags) = {
            let view = View { shared: &self.shared, layers: [&Changes::default(), pending], failure: &failure };
            before = view.final_tx();
            match Connecting::start(&*self.rules, block, &prev, &view, &*self.shared.versionbits) {
                Ok(mut rules) => {
                    let flags = rules.flags();
                    let after = rules.final_tx();
                    if after != before {
                        changes.set_final_tx(after);
                    }
                    let sums = block.txs.iter().enumerate().try_for_each(|(n, tx)| {
                        let view = View { shared: &self.shared, layers: [&changes, pending], failure: &failure };
                        let spent = if n == 0 { Vec::new() } else { spent_coins(tx, &view)? };
                        rules.transaction(tx, &spent)?;
                        for input in tx.inputs().iter().filter(|_| n > 0) {
                            changes.spend(input.previous_output);
                        }
                        add_outputs(&mut changes, self.shared.codec, tx, node.height);
                        if n > 0 {
                            spendings.push(Spending { tx: Arc::clone(tx), spent: Arc::new(spent) });
                        }
                        Ok(())
                    });
                    (sums.and_then(|()| rules.finish(&block.txs[0]).map(|_| ())), flags)
                }
                Err(reason) => (Err(reason), Flags::NONE),
            }
        };
        if let Some(e) = failure.into_inner() {
            return Err(e.into());
        }
        if let Err(reason) = verdict {
            return Ok(Err(reason));
        }
        Ok(Ok(Prepared { changes, spendings, flags, before }))
    }

    /// Tells that scripts are run from this block on, or no longer.
    pub(crate) fn log_why(&self, node: &Node, why: Option<WhyVerify>) {
        if node.parent().is_none() {
            return; // genesis has no scripts to run
        }
        let now = why.map_or(LastVerified::Assumed, LastVerified::Run);
        if self.verifies.replace(now) != now {
            if let Some(why) = why {
                tracing::info!("Enabling script verification at block #{} ({}): {why}.", node.height, node.hash);
            } else {
                tracing::info!("Disabling script verification at block #{} ({}).", node.height, node.hash);
            }
        }
    }

    /// Why the block's scripts are run; `None` if they are assumed to be right.
    pub(crate) fn why_verify(&self, node: &Node) -> Option<WhyVerify> {
        if !self.rules.runs_scripts(node.height) {
            return None;
        }
        let tree: &Tree = &read(&self.shared.tree);
        let assumed = self.rules.params().assume_valid().and_then(|hash| tree.find(&hash));
        let assumed = assumed.map(|id| Branch::new(tree, id));
        let Some(best) = *read(&self.shared.best_header) else { return Some(WhyVerify::NotInBestChain) };
        let best_branch = Branch::new(tree, best);
        let decision = AssumeValid {
            height: node.height,
            hash: node.hash,
            work: node.chain_work,
            assumed: assumed.as_ref().map(|b| b as &dyn HeaderView),
            best: &best_branch,
            best_work: tree[best].chain_work,
        };
        decision.why_verify(self.rules.params())
    }

    /// Reads the coins that a block spends in one pass, so that the checks below find them in memory.
    fn prefetch(&self, block: &Block, pending: &Changes) -> Result<(), StoreError> {
        let mut unknown: Vec<OutPoint> = {
            let state = read(&self.shared.state);
            let inputs = block.txs.iter().skip(1).flat_map(|tx| tx.inputs()).map(|input| input.previous_output);
            inputs.filter(|o| pending.get(o) == Lookup::Unknown && state.cache.get(o) == Lookup::Unknown).collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.sort_unstable();
        unknown.dedup();
        let found = self.shared.coins_db().get_many(&unknown)?;
        let mut state = write(&self.shared.state);
        for (out, bytes) in unknown.into_iter().zip(found) {
            if let Some(bytes) = bytes {
                state.cache.remember(out, StoredCoin::new(&bytes));
            }
        }
        Ok(())
    }
}

fn spent_coins(tx: &Tx, view: &View<'_>) -> Result<Vec<TxOutEntry>, ConnectReason> {
    consensus::spent_coins(tx, view).map_err(|reason| ConnectReason::Transaction { txid: tx.txid(), reason })
}
