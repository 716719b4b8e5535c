//! From a loaded engine to a running chain: what is on the disk is connected and looked over, block files are imported.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chainstate::{ChainHandle, Engine, LoadError, SaltedState, ValidationThread};
use config::Config;
use mempool::{Dump, ImportOptions, Mempool};
use platform::{Clock, SystemEntropy};
use tracing::{error, info};

use crate::{
    NodeContext,
    options::{self, BadOption},
    startup::StartError,
};

/// Hands the engine to its thread. Short work is done before this returns; imports, which may take hours, are the
/// thread's first task, and the node answers meanwhile.
pub(crate) fn begin(
    mut engine: Engine,
    reindex: bool,
    context: &Arc<NodeContext>,
) -> Result<(ChainHandle, ValidationThread), StartError> {
    let config = &context.config;
    let reindex = reindex || engine.reindexing().map_err(LoadError::Fatal)?;
    if !reindex {
        engine.start()?;
        context.rpc_state.set_warmup_status("Verifying blocks…");
        verify(&engine, config)?;
    }
    let pool = Mempool::new(
        options::mempool_options(config)?,
        Arc::clone(&context.rules),
        Arc::clone(engine.scripts()),
        Arc::clone(&context.clock) as Arc<dyn Clock>,
        random_salt()?,
    );
    let pool = pool.map_err(|e| BadOption(e.to_string()))?;
    engine.follow(pool.follower());
    let files: Vec<PathBuf> =
        config.args().get_all("loadblock").iter().map(|f| config.env().absolute(f.as_ref())).collect();
    let (chain, validation) = chainstate::spawn(engine)?;
    // Nobody else sets them.
    let _ = (context.chain.set(chain.clone()), context.mempool.set(pool.clone()));
    if reindex || !files.is_empty() {
        let shutdown = context.shutdown.clone();
        let work = move |engine: &mut Engine| {
            if let Err(e) = import(engine, reindex, &files) {
                error!("System error while loading external block file: {e}");
                shutdown.request();
            }
        };
        // The thread was started just now; that it is gone already is noticed by the next caller.
        let _ = chain.post(work);
    }
    let (file, persists) = (context.mempool_file(), config.args().get_bool("persistmempool", true));
    let _ = chain.post(move |engine| load_mempool(engine, &pool, persists.then_some(file).as_deref()));
    Ok((chain, validation))
}

/// Takes the transactions of the last run in again, as far as they still fit.
fn load_mempool(engine: &Engine, pool: &Mempool, file: Option<&Path>) {
    match file.map(std::fs::read) {
        Some(Ok(bytes)) => {
            // What is wrong with the file is logged where it is found; the node runs without.
            let _ = pool.load(&engine.reader(), bytes, ImportOptions::default(), &|| false);
        }
        Some(Err(e)) if e.kind() != std::io::ErrorKind::NotFound => {
            tracing::info!("Failed to open mempool file. Continuing anyway. ({e})");
        }
        _ => {}
    }
    pool.set_load_tried(true);
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
    Ok(())
}

/// Looks the last blocks over, unless the user does not want to.
fn verify(engine: &Engine, config: &Config) -> Result<(), StartError> {
    let args = config.args();
    let number = |name, default| u32::try_from(args.get_i64(name, default)).unwrap_or(0);
    let (level, depth) = (number("checklevel", 3), number("checkblocks", 6));
    info!("Verifying blocks…");
    match engine.verify(level, depth).map_err(LoadError::Fatal)? {
        Ok(_) => Ok(()),
        Err(problem) => {
            error!("{problem}");
            let text =
                "Corrupted block database detected.\nPlease restart with -reindex or -reindex-chainstate to recover.";
            Err(BadOption(text.to_owned()).into())
        }
    }
}
