//! What is wrong with the chain or the network, for as long as it is: in the answers of RPC methods, on screens, and once
//! each to `-alertnotify`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ::rpc::Json;
use chainstate::{Branch, Node, Reader, TipFollower};
use consensus::{MemoryCache, Rules};
use primitives::Block;

use crate::NodeContext;

/// An invalid chain that is ahead by the work of so many blocks is worth a warning.
const AHEAD: u32 = 6;

/// What a warning is about. There is one of each kind at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Somebody works on a chain that breaks a rule.
    InvalidChain,
    /// Most miners have signalled with this bit rules that we do not know.
    UnknownRules(u8),
    /// These of the chain's rules are not verified, and the operator wants that.
    Unverified(&'static [&'static str]),
}

impl Kind {
    fn text(self) -> Cow<'static, str> {
        match self {
            Self::UnknownRules(bit) => format!("Unknown new rules activated (versionbit {bit})").into(),
            Self::InvalidChain => {
                "Warning: Found invalid chain more than 6 blocks longer than our best chain. This could be due to database \
                 corruption or consensus incompatibility with peers."
                    .into()
            }
            Self::Unverified(rules) => {
                format!("Warning: This node does not verify all rules of its chain. Not verified: {}.", rules.join("; ")).into()
            }
        }
    }
}

/// The warnings that hold.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<BTreeMap<Kind, Cow<'static, str>>>);

impl Warnings {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Cow<'static, str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether that is news.
    fn set(&self, kind: Kind, holds: bool) -> bool {
        let mut list = self.lock();
        if holds { list.insert(kind, kind.text()).is_none() } else { list.remove(&kind).is_some() }
    }

    /// All texts.
    pub(crate) fn texts(&self) -> Vec<Cow<'static, str>> {
        self.lock().values().cloned().collect()
    }
}

impl NodeContext {
    /// A warning holds now, or no more.
    pub(crate) fn warning(&self, kind: Kind, holds: bool) {
        if !self.warnings.set(kind, holds) {
            return;
        }
        let text = kind.text();
        if holds {
            tracing::warn!("{}", text.trim_start_matches("Warning: "));
            self.commands.alert(&text);
        }
        self.ui.alerts_changed(&self.warnings.texts().join("\n"));
    }

    /// What methods answer under `warnings`: a list, or with `-deprecatedrpc=warnings` the last one.
    pub(crate) fn warnings_json(&self) -> Json {
        let texts = self.warnings.texts();
        if self.config.answers_deprecated("warnings") {
            return texts.last().cloned().unwrap_or_default().into();
        }
        texts.into_iter().map(Json::from).collect()
    }
}

/// Looks for an invalid chain with more work, and for rules that only others know, whenever the chain has come to rest.
#[derive(Debug)]
pub(crate) struct ForkWatch {
    node: Weak<NodeContext>,
    /// What was counted before.
    counted: MemoryCache,
}

impl ForkWatch {
    pub(crate) fn of(node: &Arc<NodeContext>) -> Box<dyn TipFollower> {
        Box::new(Self { node: Arc::downgrade(node), counted: MemoryCache::default() })
    }
}

impl TipFollower for ForkWatch {
    fn connected(&mut self, _: &Arc<Block>, _: &Node) {}

    fn disconnected(&mut self, _: &Arc<Block>, _: &Node, _: bool) {}

    fn settled(&mut self, chain: &Reader, _: bool) {
        let Some(node) = self.node.upgrade() else { return };
        node.warning(Kind::InvalidChain, is_ahead(chain));
        let Some(tip) = chain.tip().filter(|_| !chain.initial_download()) else { return };
        let signalled = chain
            .tree(|tree| consensus::unknown_activations(chain.params(), &Branch::new(tree, tip.id), &self.counted));
        for (bit, _) in signalled.into_iter().filter(|(_, active)| *active) {
            node.warning(Kind::UnknownRules(bit), true);
        }
    }
}

/// Ends the node at the last block that it can verify.
#[derive(Debug)]
pub(crate) struct Frontier(Weak<NodeContext>);

impl Frontier {
    /// `None` if all blocks of the chain can be verified, or need not be.
    pub(crate) fn of(node: &Arc<NodeContext>) -> Option<Box<dyn TipFollower>> {
        node.rules.frontier()?;
        Some(Box::new(Self(Arc::downgrade(node))))
    }
}

impl TipFollower for Frontier {
    fn connected(&mut self, _: &Arc<Block>, _: &Node) {}

    fn disconnected(&mut self, _: &Arc<Block>, _: &Node, _: bool) {}

    fn settled(&mut self, chain: &Reader, _: bool) {
        let Some((node, tip)) = self.0.upgrade().zip(chain.tip()) else { return };
        if let Some(text) = beyond(&*node.rules, tip.height) {
            tracing::error!("{text}");
            node.shutdown.request();
        }
    }
}

/// What to tell somebody whose chain has come to where its next block cannot be verified.
pub(crate) fn beyond(rules: &dyn Rules, height: u32) -> Option<String> {
    let frontier = rules.frontier().filter(|frontier| height.saturating_add(1) >= *frontier)?;
    let unverified = rules.unverified()?;
    Some(format!(
        "Block {frontier} and those after it need rules that this node does not verify: {}. The node stops here. Start it \
         with -{}=1 to follow the chain without verifying them",
        unverified.rules.join("; "),
        unverified.option,
    ))
}

/// Whether the best of the chains that break a rule has far more work than ours.
fn is_ahead(chain: &Reader) -> bool {
    let (Some(tip), Some(invalid)) = (chain.tip(), chain.best_invalid()) else { return false };
    chain.tree(|tree| {
        let node = &tree[tip.id];
        let step = consensus::header_work(node.header.bits.to_consensus(), tree.merged(tip.id));
        let far = (0..AHEAD).fold(node.chain_work, |work, _| work.wrapping_add(step));
        tree[invalid].chain_work > far
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_news_once() {
        let warnings = Warnings::default();
        assert!(!warnings.set(Kind::InvalidChain, false));
        assert!(warnings.set(Kind::InvalidChain, true));
        assert!(!warnings.set(Kind::InvalidChain, true));
        assert_eq!(warnings.texts().len(), 1);
        assert!(warnings.set(Kind::UnknownRules(3), true));
        assert!(warnings.set(Kind::InvalidChain, false));
        assert_eq!(warnings.texts(), ["Unknown new rules activated (versionbit 3)"]);
        assert!(warnings.set(Kind::Unverified(&["one", "another"]), true));
        assert!(warnings.texts()[1].ends_with("Not verified: one; another."), "{:?}", warnings.texts());
    }
}
