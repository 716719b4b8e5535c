//! What a person should know when the node starts: too little room, too much memory asked for, a chain that has no
//! future, or one that is not verified in full.

use coin::{ChainKind, Coin};

use crate::{NodeContext, options};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// A cache of this size is never too large.
const SMALL_CACHE: u64 = 450 * MIB;
/// What a machine needs besides the cache.
const RESERVED: u64 = 2 * GIB;

/// Says it, before the network starts. `height` is where the chain stands.
pub(crate) fn give(context: &NodeContext, height: u32) {
    if let Some(text) = old_chain(context.config.coin(), context.config.chain().kind) {
        tracing::info!("{text}");
    }
    for text in options::taken_on_trust(&*context.rules) {
        context.warn_user(&text);
    }
    let cache = u64::try_from(options::dbcache(&context.config)).unwrap_or(u64::MAX);
    if let Some(text) = platform::machine::total_memory().and_then(|memory| oversized_cache(cache, memory)) {
        context.warn_user(&text);
    }
    if let Some(text) = little_room(context, height) {
        context.warn_user(&text);
    }
}

/// The old test network, where there is a newer one.
fn old_chain(coin: &Coin, kind: ChainKind) -> Option<&'static str> {
    let newer = coin.chain(ChainKind::Testnet4).is_some();
    (kind == ChainKind::Test && newer).then_some(
        "Warning: Support for testnet3 is deprecated and will be removed in an upcoming release. Consider switching to \
         testnet4.",
    )
}

fn oversized_cache(cache: u64, memory: u64) -> Option<String> {
    let fits = memory.saturating_sub(RESERVED) / 4 * 3;
    let text =
        || format!("A {} MiB dbcache may be too large for a system memory of only {} MiB.", cache / MIB, memory / MIB);
    (cache > fits.max(SMALL_CACHE)).then(text)
}

/// A new chain whose blocks will not fit.
fn little_room(context: &NodeContext, height: u32) -> Option<String> {
    let args = context.config.args();
    if height > 1 || args.get_bool("reindex", false) || args.get_bool("reindex-chainstate", false) {
        return None;
    }
    let expected = context.config.chain().assumed_blockchain_gb;
    // One MiB is how a person says that blocks are deleted by hand.
    let target = u64::try_from(args.get_i64("prune", 0)).ok().filter(|target| *target > 1);
    let needed = target.map_or(expected * GIB, |target| target.saturating_mul(MIB).min(expected * GIB));
    let blocks = context.config.blocks_dir().ok()?;
    let fits = platform::disk::has_space(&blocks, needed).unwrap_or(true);
    (!fits).then(|| {
        format!(
            "Disk space for \"{}\" may not accommodate the block files. Approximately {expected} GB of data will \
             be stored in this directory.",
            blocks.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use coin::ChainKind;

    use super::{GIB, MIB, old_chain, oversized_cache};
    use crate::options::taken_on_trust;

    #[test]
    fn a_cache_that_leaves_no_memory_is_told() {
        assert_eq!(oversized_cache(1024 * MIB, 16 * GIB), None);
        assert_eq!(oversized_cache(450 * MIB, GIB), None);
        let text = oversized_cache(8000 * MIB, 4 * GIB).unwrap();
        assert_eq!(text, "A 8000 MiB dbcache may be too large for a system memory of only 4096 MiB.");
    }

    #[test]
    fn the_old_test_network_of_one_that_has_a_newer_one() {
        let told = |name, kind| old_chain(coin::by_id(name).unwrap(), kind).is_some();
        assert!(told("bitcoin", ChainKind::Test) && !told("bitcoin", ChainKind::Testnet4));
        assert!(!told("freicoin", ChainKind::Test));
    }

    #[test]
    fn what_is_not_verified_is_told() {
        for coin in coin::all() {
            let chain = coin.chain(ChainKind::Main).unwrap();
            let params = consensus::ChainParams::new(coin, chain);
            let careful = consensus::rules_for(params.clone()).unwrap();
            let trusting = consensus::rules_for(params.with_unverified()).unwrap();
            let told = taken_on_trust(&*trusting);
            let rules = trusting.unverified().map_or(0, |unverified| unverified.rules.len());
            let checkpoints = usize::from(trusting.trusted_below().is_some());
            assert_eq!(told.len(), rules + checkpoints, "{}: {told:?}", coin.id);
            assert_eq!(taken_on_trust(&*careful).len(), checkpoints, "{}", coin.id);
            assert_eq!(rules > 0, chain.syscoin().is_some(), "{}", coin.id);
        }
    }
}
