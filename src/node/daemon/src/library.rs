//! The indexes of the node: which ones the user wants, where they are, and when they start and stop.

use std::{path::PathBuf, sync::Arc, time::Duration};

use config::Config;
use indexes::{CoinStatsIndex, FilterIndex, Follower, IndexError, SpenderIndex, Status, TxIndex};
use platform::{Clock, SystemEntropy};
use store::KvOptions;
use tracing::info;

use crate::{NodeContext, options::BadOption};

/// The only kind of block filter that there is.
pub const BASIC_FILTER: &str = "basic";
/// What the index of filters is called.
pub const FILTERS: &str = "basic block filter index";
/// The most memory that the cache of one index takes.
const MAX_CACHE: usize = 1 << 30;
/// What an index without a share of its own gets.
const SMALL_CACHE: usize = 2 << 20;
/// How long a method waits for an index to see the tip.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which indexes the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Wanted {
    /// `-txindex`
    pub txs: bool,
    /// `-txospenderindex`
    pub spenders: bool,
    /// `-blockfilterindex`
    pub filters: bool,
    /// `-coinstatsindex`
    pub stats: bool,
}

impl Wanted {
    /// Reads the options, and refuses those that exclude one another.
    pub fn read(config: &Config) -> Result<Self, BadOption> {
        let args = config.args();
        let filters = match args.get_str("blockfilterindex", "0").as_str() {
            "" | "1" => true,
            "0" => false,
            _ => {
                let unknown = args.get_all("blockfilterindex").into_iter().find(|name| name != BASIC_FILTER);
                if let Some(name) = unknown {
                    return Err(BadOption(format!("Unknown -blockfilterindex value {name}.")));
                }
                true
            }
        };
        if args.get_bool("peerblockfilters", false) && !filters {
            return Err(BadOption("Cannot set -peerblockfilters without -blockfilterindex.".to_owned()));
        }
        let wanted = Self {
            txs: args.get_bool("txindex", false),
            spenders: args.get_bool("txospenderindex", false),
            filters,
            stats: args.get_bool("coinstatsindex", false),
        };
        let pruned = args.get_i64("prune", 0) != 0;
        for (name, set) in [("txindex", wanted.txs), ("txospenderindex", wanted.spenders)] {
            if pruned && set {
                return Err(BadOption(format!("Prune mode is incompatible with -{name}.")));
            }
        }
        Ok(wanted)
    }
}

/// The indexes that run. What is not wanted is not here.
#[derive(Debug, Default)]
pub struct Library {
    /// Where transactions are.
    pub txs: Option<TxIndex>,
    /// Who spent an output.
    pub spenders: Option<SpenderIndex>,
    /// What blocks touch.
    pub filters: Option<FilterIndex>,
    /// How many coins there were.
    pub stats: Option<CoinStatsIndex>,
    /// Their threads, in the order in which `getindexinfo` lists them.
    followers: Vec<Arc<Follower>>,
}

impl Library {
    /// Opens what is wanted and puts it to work behind the chain of `context`.
    pub(crate) fn start(context: &Arc<NodeContext>, wipe: bool) -> Result<Self, IndexError> {
        let config = &context.config;
        let wanted = Wanted::read(config).unwrap_or_default();
        let cache = crate::options::dbcache(config);
        let share = |percent: usize| (cache / 100 * percent).clamp(SMALL_CACHE, MAX_CACHE);
        let dir = config.net_dir().join("indexes");
        let compact = config.args().get_bool("forcecompactdb", false);
        let open = |name: &str, cache_bytes: usize| (dir.join(name), KvOptions { cache_bytes, wipe, compact });
        let mut library = Self::default();
        if wanted.txs {
            let (path, options) = open("txindex", share(10));
            tell("transaction index", options);
            library.txs = Some(TxIndex::open(&path, options)?);
        }
        if wanted.stats {
            let (path, options) = open("coinstatsindex/db", SMALL_CACHE);
            library.stats = Some(CoinStatsIndex::open(&path, options, Arc::clone(&context.rules))?);
        }
        if wanted.spenders {
            let (path, options) = open("txospenderindex/db", share(5));
            tell("transaction output spender index", options);
            library.spenders = Some(SpenderIndex::open(&path, options, &SystemEntropy)?);
        }
        if wanted.filters {
            let (path, options): (PathBuf, _) = open("blockfilter/basic/db", share(5));
            tell("basic block filter index", options);
            library.filters = Some(FilterIndex::open(&path, options)?);
        }
        library.follow(context)?;
        Ok(library)
    }

    fn follow(&mut self, context: &Arc<NodeContext>) -> Result<(), IndexError> {
        fn start(context: &Arc<NodeContext>, index: impl indexes::Index) -> Result<Arc<Follower>, IndexError> {
            let shutdown = context.shutdown.clone();
            let failed = move |reason: String| {
                crate::startup::abort(&shutdown, &reason);
            };
            let clock = Arc::clone(&context.clock) as Arc<dyn Clock>;
            indexes::start(index, context.reader().clone(), clock, failed).map(Arc::new)
        }
        // Filters are listed last, and are the first to say that blocks are gone, as with the reference.
        let filters = self.filters.as_ref().map(|index| start(context, index.clone())).transpose()?;
        if let Some(index) = &self.txs {
            self.followers.push(start(context, index.clone())?);
        }
        if let Some(index) = &self.stats {
            self.followers.push(start(context, index.clone())?);
        }
        if let Some(index) = &self.spenders {
            self.followers.push(start(context, index.clone())?);
        }
        self.followers.extend(filters);
        Ok(())
    }

    /// Where each index stands.
    pub fn status(&self) -> impl Iterator<Item = Status> {
        self.followers.iter().map(|follower| follower.status())
    }

    /// Waits until the index has seen the tip of now. `false` if it is still catching up.
    pub fn wait_for(&self, name: &str, context: &NodeContext) -> bool {
        let follower = self.followers.iter().find(|follower| follower.status().name == name);
        follower.is_some_and(|follower| follower.wait_for(context.reader(), PATIENCE))
    }

    /// Asks those that are catching up to end, and returns what ends them when it is dropped: after the chain is written.
    pub(crate) fn interrupt(&self) -> Vec<Arc<Follower>> {
        self.followers.iter().for_each(|follower| follower.interrupt());
        self.followers.clone()
    }
}

fn tell(what: &str, options: KvOptions) {
    let tenths = options.cache_bytes / (1 << 20) * 10;
    info!("* Using {}.{} MiB for {what} database", tenths / 10, tenths % 10);
}
