//! From a loaded engine to a running chain: what is on the disk is connected and looked over, block files are imported.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use chainstate::{ChainHandle, Engine, LoadError, Node, Reader, SaltedState, TipFollower, ValidationThread};
use config::Config;
use mempool::{Dump, ImportOptions, Mempool};
use platform::{Clock, Shutdown, SystemEntropy};
use primitives::Block;
use tracing::{error, info};

use crate::{
    NodeContext,
    estimates::{EstimateFiles, FLUSH_PERIOD},
    mining::{Miner, Settings},
    options::{self, BadOption},
    startup::StartError,
    warnings::{ForkWatch, Frontier, Kind, beyond},
};

/// Blocks that are connected before the node answers, when a crash or a rebuild left the coins behind.
const SHORT: u32 = 16;

/// A chain that runs.
pub(crate) struct Begun {
    pub(crate) chain: ChainHandle,
    pub(crate) validation: ValidationThread,
    /// Whether its thread is busy with an import.
    pub(crate) importing: bool,
}

/// Hands the engine to its thread. Short work is done before this returns; imports, which may take hours, are the
/// thread's first task, and the node answers meanwhile.
pub(crate) fn begin(mut engine: Engine, reindex: bool, context: &Arc<NodeContext>) -> Result<Begun, StartError> {
    let config = &context.config;
    let reindex = reindex || engine.reindexing().map_err(LoadError::Fatal)?;
    let mut behind = false;
    if !reindex {
        engine.begin()?;
        behind = engine.blocks_behind() > SHORT;
        if !behind && engine.activate().map_err(LoadError::Fatal)?.stop {
            context.shutdown.request();
        }
        context.announce("Verifying blocks…");
        verify(&engine, config, context.now())?;
    }
    if let Some(text) = engine.reader().tip().and_then(|tip| beyond(&*context.rules, tip.height)) {
        return Err(StartError::Frontier(text));
    }
    if let Some(unverified) = context.rules.unverified().filter(|_| context.rules.frontier().is_none()) {
        context.warning(Kind::Unverified(unverified.rules), true);
    }
    let pool = Mempool::new(
        options::mempool_options(config)?,
        Arc::clone(&context.rules),
        Arc::clone(engine.scripts()),
        Arc::clone(&context.clock) as Arc<dyn Clock>,
        random_salt()?,
    );
    let pool = pool.map_err(|e| BadOption(e.to_string()))?;
    let relay = pool.read().options().min_relay_fee;
    if !config.args().is_set("minrelaytxfee") && relay != mempool::Options::default().min_relay_fee {
        info!("Increasing minrelaytxfee to {} to match incrementalrelayfee", relay.text(config.coin().ticker));
    }
    engine.follow(pool.follower());
    engine.follow(Miner::follower(&context.tip_signal));
    engine.follow(ForkWatch::of(context));
    if let Some(height) = engine.stops_at() {
        engine.follow(Box::new(StopAt { height, shutdown: context.shutdown.clone() }));
    }
    if let Some(frontier) = Frontier::of(context) {
        engine.follow(frontier);
    }
    let files: Vec<PathBuf> =
        config.args().get_all("loadblock").iter().map(|f| config.env().absolute(f.as_ref())).collect();
    let stop = context.shutdown.clone();
    let (chain, validation) = chainstate::spawn(engine, move |e| crate::startup::abort(&stop, &e))?;
    let miner = Miner::new(
        chain.clone(),
        pool.clone(),
        Arc::clone(&context.rules),
        Arc::clone(&context.clock) as Arc<dyn Clock>,
        Settings::read(config, context.rules.params())?,
        context.shutdown.clone(),
        Arc::clone(&context.tip_signal),
    );
    context.feed.attach(chain.reader(), &pool);
    // Nobody else sets them.
    let _ = (context.chain.set(chain.clone()), context.mempool.set(pool.clone()), context.miner.set(Arc::new(miner)));
    let importing = reindex || behind || !files.is_empty();
    if importing {
        let shutdown = context.shutdown.clone();
        let work = move |engine: &mut Engine| {
            if let Err(e) = import(engine, reindex, &files) {
                error!("System error while loading external block file: {e}");
                crate::startup::abort(&shutdown, &e);
            }
        };
        // The thread was started just now; that it is gone already is noticed by the next caller.
        let _ = chain.post(work);
    }
    start_estimates(&chain, &pool, context)?;
    start_loading(&chain, pool, context)?;
    Ok(Begun { chain, validation, importing })
}

/// Asks the node to stop when the chain is as high as it was to become.
#[derive(Debug)]
struct StopAt {
    height: u32,
    shutdown: Shutdown,
}

impl TipFollower for StopAt {
    fn connected(&mut self, _: &Arc<Block>, _: &Node) {}

    fn disconnected(&mut self, _: &Arc<Block>, _: &Node, _: bool) {}

    fn settled(&mut self, chain: &Reader, _: bool) {
        if chain.tip().is_some_and(|tip| tip.height >= self.height) {
            self.shutdown.request();
        }
    }
}

/// Takes the transactions of the last run in again, as far as they still fit, while the node answers already.
fn start_loading(chain: &ChainHandle, pool: Mempool, context: &Arc<NodeContext>) -> Result<(), StartError> {
    let persists = context.config.args().get_bool("persistmempool", true);
    let file = persists.then(|| context.mempool_file());
    let (chain, shutdown) = (chain.clone(), context.shutdown.clone());
    let body = move || {
        // Imports of blocks come first.
        if chain.call(|_| ()).is_err() {
            return;
        }
        match file.map(std::fs::read) {
            Some(Ok(bytes)) => load_mempool(&chain, &pool, bytes, &shutdown),
            Some(Err(e)) if e.kind() != std::io::ErrorKind::NotFound => {
                info!("Failed to open mempool file. Continuing anyway. ({e})");
            }
            _ => {}
        }
        // What was not read to its end must not be written over what is there.
        if !shutdown.is_requested() {
            pool.set_load_tried(true);
        }
    };
    platform::thread::spawn("initload", move || logging::run_traced("initload", body))?;
    Ok(())
}

fn load_mempool(chain: &ChainHandle, pool: &Mempool, bytes: Vec<u8>, shutdown: &Shutdown) {
    let (codec, options) = (chain.reader().codec(), ImportOptions::default());
    // What is wrong with the file is logged where it is found; the node runs without.
    let _ = pool.load_in_steps(codec, bytes, options, |txs| {
        if shutdown.is_requested() {
            return Ok(None);
        }
        let (pool, txs) = (pool.clone(), txs.to_vec());
        chain.call(move |engine| pool.import(&engine.reader(), &txs, options)).map_or(Ok(None), |done| done.map(Some))
    });
}

/// Takes over what earlier runs have learned about fees, and keeps writing it down.
fn start_estimates(chain: &ChainHandle, pool: &Mempool, context: &Arc<NodeContext>) -> Result<(), StartError> {
    let config = &context.config;
    let scheduler = Arc::clone(&context.scheduler);
    platform::thread::spawn("scheduler", move || logging::run_traced("scheduler", || scheduler.run()))?;
    // Whoever does not relay transactions does not see what is paid.
    if config.args().get_bool("blocksonly", false) {
        return Ok(());
    }
    let stale_too = config.args().get_bool("acceptstalefeeestimates", false);
    let kind = config.chain().kind;
    if stale_too && kind != coin::ChainKind::Regtest {
        return Err(BadOption(format!("acceptstalefeeestimates is not supported on {} chain.", kind.name())).into());
    }
    let files = EstimateFiles::of(config.net_dir());
    let tip = chain.reader().tip().map(|tip| (tip.height.into(), tip.hash));
    files.load(pool, tip, stale_too, system_time(&*context.clock));
    let pool = pool.clone();
    context.scheduler.every(FLUSH_PERIOD, move || files.flush(&pool));
    Ok(())
}

/// The machine's time, with which the ages of files are compared.
fn system_time(clock: &dyn Clock) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(clock.system_micros()).unwrap_or(0))
}

/// Writes down what was learned about fees.
pub(crate) fn save_estimates(context: &NodeContext) {
    if let Some(pool) = context.mempool.get()
        && !context.config.args().get_bool("blocksonly", false)
    {
        EstimateFiles::of(context.config.net_dir()).close(pool);
    }
}

/// Keeps the pool for the next run.
pub(crate) fn save_mempool(context: &NodeContext) {
    let Some(pool) = context.mempool.get() else { return };
    if !context.config.args().get_bool("persistmempool", true) || !pool.read().load_tried() {
        return;
    }
    let (dump, v1) = {
        let pool = pool.read();
        (Dump::of(&pool), pool.options().persist_v1)
    };
    if let Err(e) = dump.save(&context.mempool_file(), v1, &SystemEntropy) {
        tracing::info!("Failed to dump mempool: {e}. Continuing anyway.");
    }
}

fn random_salt() -> std::io::Result<SaltedState> {
    Ok(SaltedState::new([
        platform::entropy::random_u64(&SystemEntropy)?,
        platform::entropy::random_u64(&SystemEntropy)?,
    ]))
}

fn import(engine: &mut Engine, reindex: bool, files: &[PathBuf]) -> Result<(), LoadError> {
    if reindex {
        if engine.reindex()?.interrupted {
            return Ok(());
        }
        engine.start()?;
    }
    for file in files {
        if let Err(e) = engine.load_blocks(file) {
            tracing::warn!("Could not open blocks file {}: {e}", file.display());
        }
    }
    engine.activate()?;
    engine.prune_to_target()?;
    Ok(())
}

/// Takes away what is over the target, which may be a smaller one than last time.
pub(crate) fn prune(chain: &ChainHandle, context: &NodeContext) -> Result<(), StartError> {
    if context.config.args().get_i64("prune", 0) == 0 {
        return Ok(());
    }
    context.announce("Pruning blockstore…");
    // A thread that is gone has told why.
    let pruned = chain.call(Engine::prune_to_target).unwrap_or(Ok(0));
    pruned.map_err(LoadError::Fatal)?;
    Ok(())
}

/// Asks the node to stop once what is imported is there.
pub(crate) fn stop_after(chain: &ChainHandle, shutdown: Shutdown) {
    // A thread that is gone stops the node as well.
    let _ = chain.post(move |_| {
        info!("Stopping after block import");
        shutdown.request();
    });
}

/// A block may be ahead of the clock by this many seconds.
const MAX_FUTURE_BLOCK_TIME: i64 = 2 * 60 * 60;

/// Looks the last blocks over, unless the user does not want to.
fn verify(engine: &Engine, config: &Config, now: i64) -> Result<(), StartError> {
    let args = config.args();
    let number = |name, default| u32::try_from(args.get_i64(name, default)).unwrap_or(0);
    let (level, depth) = (number("checklevel", 3), number("checkblocks", 6));
    if engine.reader().tip().is_some_and(|tip| i64::from(tip.time) > now + MAX_FUTURE_BLOCK_TIME) {
        return Err(StartError::Unusable(
            "The block database contains a block which appears to be from the future. \
             This may be due to your computer's date and time being set incorrectly. \
             Only rebuild the block database if you are sure that your computer's date and time are correct"
                .to_owned(),
        ));
    }
    match engine.verify(level, depth).map_err(LoadError::Fatal)? {
        Ok(_) => Ok(()),
        Err(problem) => {
            error!("{problem}");
            Err(StartError::Unusable("Corrupted block database detected".to_owned()))
        }
    }
}
