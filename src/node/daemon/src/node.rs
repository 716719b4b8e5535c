//! The running node: the one place that knows in which order its parts start and stop.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::rpc::{Directory, Engine as RpcEngine, RpcState};
use chainstate::{ChainHandle, Engine, FlushMode, ValidationThread};
use config::Config;
use ipc::Ipc;
use logging::LogHandle;
use platform::{Clock, DirectoryLock, MockableClock, PidFile, Shutdown, Signals, SystemEntropy};
use tracing::{error, info, warn};

use crate::{
    NodeContext, import, ipc_server,
    options::{self, BadOption},
    ready::Ready,
    server::{self, RpcServer},
    startup::StartError,
};

/// Answers that are on their way may take this long to leave when the node stops.
const GRACE: Duration = Duration::from_secs(1);
/// Descriptors for databases, files and peers.
const DESCRIPTORS: u32 = 1024;

/// A node that runs.
pub(crate) struct Node {
    context: Arc<NodeContext>,
    chain: ChainHandle,
    validation: ValidationThread,
    rpc: Option<RpcServer>,
    ipc: Option<Ipc>,
    ready_file: PathBuf,
    pid_file: Option<PidFile>,
    shutdown: Shutdown,
    ephemeral: Option<PathBuf>,
    // Released last: whoever gets them next finds everything written.
    _locks: Vec<DirectoryLock>,
}

impl Node {
    /// Starts everything. What was started before a failure is stopped again by being dropped.
    pub(crate) fn start(
        config: Config,
        clock: Arc<MockableClock>,
        log: LogHandle,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        if !config.args().get_bool("sysperms", false) {
            platform::limits::set_private_umask();
        }
        config.check_sections()?;
        open_log(&config, &log)?;
        let rules = consensus::rules_for(options::chain_params(&config)?)?;
        let (load, engine_options) = options::chain_options(&config)?;
        let rpc_options = options::rpc_options(&config)?;
        let descriptors = platform::limits::raise_descriptor_limit(DESCRIPTORS);
        info!("Using at most {descriptors} file descriptors");

        let client = config.coin().client_name;
        let mut locks = vec![DirectoryLock::acquire(config.net_dir(), client)?];
        if load.blocks_dir.parent() != Some(config.net_dir()) {
            locks.push(DirectoryLock::acquire(&load.blocks_dir, client)?);
        }
        let pid_path = config.file_option("pid", config.coin().pid_file);
        let pid_file = pid_path.map(|path| PidFile::create(&path)).transpose()?;
        let reopen = log.clone();
        Signals::install()?.forward(shutdown.clone(), move || reopen.reopen())?;

        let net_dir = config.net_dir().to_owned();
        let ephemeral = config.ephemeral_dir().map(PathBuf::from);
        let with_server = config.args().get_bool("server", true);
        let check_results = config.args().get_bool("rpcdoccheck", cfg!(debug_assertions));
        let directory = Directory::new(server::identity(&config));
        let rpc_state = Arc::new(RpcState::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let context = Arc::new(NodeContext {
            started: clock.monotonic(),
            config: Arc::new(config),
            chain: OnceLock::new(),
            mempool: OnceLock::new(),
            rules: Arc::clone(&rules),
            clock: Arc::clone(&clock),
            log,
            shutdown: shutdown.clone(),
            rpc_state: Arc::clone(&rpc_state),
            directory: directory.clone(),
        });
        let cookie_file = rpc_options.cookie_file.clone();
        // It answers before there is a chain: with what the start is busy with.
        let engine = RpcEngine::new(Arc::clone(&context), server::registry(directory), Arc::clone(&rpc_state))
            .with_whitelist(rpc_options.whitelist.clone())
            .with_logged_ips(context.log.log_ips())
            .with_result_checks(check_results);
        let methods = Arc::new(engine);
        let rpc = with_server.then(|| server::start(rpc_options, client, Arc::clone(&methods), &SystemEntropy));
        let rpc = rpc.transpose().map_err(|e| {
            error!("{e}");
            StartError::Server(e)
        })?;

        rpc_state.set_warmup_status("Loading block index…");
        let reindex = load.reindex;
        let engine = Engine::load(
            rules,
            &load,
            engine_options,
            Arc::new(store::RealDisk),
            clock as Arc<dyn Clock>,
            &SystemEntropy,
        )?;
        stop_long_work(&engine, shutdown)?;
        let (chain, validation) = import::begin(engine, reindex, &context)?;
        let ipc = ipc_server::start(&context, &methods)?;
        rpc_state.finish_warmup();
        info!("Done loading");
        let ready = Ready {
            pid: std::process::id(),
            chain: context.config.chain().kind.name(),
            rpc: rpc.as_ref().map_or_else(Vec::new, |r| r.server.addresses().to_vec()),
            p2p: Vec::new(),
            cookie: rpc.as_ref().and_then(|r| r.cookie.as_ref()).and(cookie_file),
            data_dir: net_dir.clone(),
        };
        let ready_file = net_dir.join("ready.json");
        ready.write(&ready_file)?;
        let shutdown = shutdown.clone();
        Ok(Self { context, chain, validation, rpc, ipc, ready_file, pid_file, shutdown, ephemeral, _locks: locks })
    }

    /// Waits for the request to stop, then takes everything down in the reverse order.
    pub(crate) fn wait_and_stop(self) {
        let Self { context, chain, validation, rpc, ipc, ready_file, pid_file, shutdown, ephemeral, _locks } = self;
        shutdown.wait();
        info!("Shutdown: In progress...");
        // It may be gone already, with its directory.
        let _ = std::fs::remove_file(&ready_file);
        context.rpc_state.interrupt();
        if let Some(RpcServer { server, cookie }) = rpc {
            server.stop(GRACE);
            drop(cookie);
        }
        if let Some(ipc) = ipc {
            ipc_server::stop(&ipc);
        }
        import::save_mempool(&context);
        drop((context, chain));
        if let Ok(mut engine) = validation.join() {
            if let Err(e) = engine.flush(FlushMode::Empty) {
                error!("Cannot write the chain state: {e}");
            }
        } else {
            error!("The validation thread panicked; what it had not written is lost");
        }
        if let Some(pid_file) = pid_file
            && let Err(e) = pid_file.remove()
        {
            warn!("Unable to remove PID file: {e}");
        }
        if let Some(dir) = ephemeral
            && let Err(e) = std::fs::remove_dir_all(&dir)
        {
            warn!("Unable to remove the temporary directory {}: {e}", dir.display());
        }
        info!("Shutdown done");
    }
}

/// Opens the log and writes what was waiting for it.
fn open_log(config: &Config, log: &LogHandle) -> Result<(), StartError> {
    let background = config.args().get_bool("daemon", false) || config.args().get_bool("daemonwait", false);
    log.install().map_err(|e| BadOption(e.to_string()))?;
    options::start_log(config, log, background)?;
    info!("{} version {}", config.coin().client_name, config::about::VERSION);
    if let Some(text) = config.unrecognized_sections() {
        warn!("{text}");
    }
    for notice in config.log_lines().iter().chain(config.notices()) {
        match notice.level {
            config::NoticeLevel::Info => info!("{}", notice.text),
            config::NoticeLevel::Warning => warn!("{}", notice.text),
        }
    }
    Ok(())
}

/// A request to stop ends imports and long reorganisations at their next block.
fn stop_long_work(engine: &Engine, shutdown: &Shutdown) -> std::io::Result<()> {
    let (reader, shutdown) = (engine.reader(), shutdown.clone());
    platform::thread::spawn("shutoff", move || {
        shutdown.wait();
        reader.interrupt();
    })
    .map(drop)
}
