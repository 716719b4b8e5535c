//! What is wrong with the chain or the network, for as long as it is: in the answers of RPC methods, on screens, and once
//! each to `-alertnotify`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ::rpc::Json;
use chainstate::{Node, Reader, TipFollower};
use primitives::Block;

use crate::NodeContext;

/// An invalid chain that is ahead by the work of so many blocks is worth a warning.
const AHEAD: u32 = 6;

/// What a warning is about. There is one of each kind at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Somebody works on a chain that breaks a rule.
    InvalidChain,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Self::InvalidChain => {
                "Warning: Found invalid chain more than 6 blocks longer than our best chain. This could be due to database \
                 corruption or consensus incompatibility with peers."
            }
        }
    }
}

/// The warnings that hold.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<BTreeMap<Kind, &'static str>>);

impl Warnings {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, &'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether that is news.
    fn set(&self, kind: Kind, holds: bool) -> bool {
        let mut list = self.lock();
        if holds { list.insert(kind, kind.text()).is_none() } else { list.remove(&kind).is_some() }
    }

    /// All texts.
    fn texts(&self) -> Vec<&'static str> {
        self.lock().values().copied().collect()
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
            self.commands.alert(text);
        }
        self.ui.alerts_changed(&self.warnings.texts().join("\n"));
    }

    /// What methods answer under `warnings`: a list, or with `-deprecatedrpc=warnings` the last one.
    pub(crate) fn warnings_json(&self) -> Json {
        let texts = self.warnings.texts();
        if self.config.args().get_all("deprecatedrpc").iter().any(|name| name == "warnings") {
            return texts.last().copied().unwrap_or_default().into();
        }
        texts.into_iter().map(Json::from).collect()
    }
}

/// Looks for an invalid chain with more work whenever the chain has come to rest.
#[derive(Debug)]
pub(crate) struct ForkWatch(Weak<NodeContext>);

impl ForkWatch {
    pub(crate) fn of(node: &Arc<NodeContext>) -> Box<dyn TipFollower> {
        Box::new(Self(Arc::downgrade(node)))
    }
}

impl TipFollower for ForkWatch {
    fn connected(&mut self, _: &Arc<Block>, _: &Node) {}

    fn disconnected(&mut self, _: &Arc<Block>, _: &Node, _: bool) {}

    fn settled(&mut self, chain: &Reader, _: bool) {
        if let Some(node) = self.0.upgrade() {
            node.warning(Kind::InvalidChain, is_ahead(chain));
        }
    }
}

/// Whether the best of the chains that break a rule has far more work than ours.
fn is_ahead(chain: &Reader) -> bool {
    let (Some(tip), Some(invalid)) = (chain.tip(), chain.best_invalid()) else { return false };
    chain.tree(|tree| {
        let node = &tree[tip.id];
        let step = consensus::proof_of_bits(node.header.bits.to_consensus());
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
        assert!(warnings.set(Kind::InvalidChain, false));
        assert_eq!(warnings.texts(), Vec::<&str>::new());
    }
}
