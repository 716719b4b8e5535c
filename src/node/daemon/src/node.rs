//! The running node: the one place that knows in which order its parts start and stop.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::rpc::{Directory, Engine as RpcEngine, RpcOptions, RpcState};
use chainstate::{ChainHandle, Engine, FlushMode, LoadOptions, ValidationThread};
use config::Config;
use logging::LogHandle;
use platform::{
    Clock, DirectoryLock, MockableClock, PidFile, Shutdown, Signals, SystemEntropy, child, pages, socket::LocalSocket,
};
use tracing::{error, info, warn};

use crate::{
    NodeContext, advice,
    chain_iface::{Feed, Subscriber},
    context::Scans,
    import::{self, Begun},
    ipc_server,
    library::{Library, Wanted},
    mining::{Settings, wants_release30},
    node_iface::Ui,
    notices,
    options::{self, BadOption},
    peers, publish,
    ready::Ready,
    scheduler::Scheduler,
    server::{self, RpcServer},
    startup::StartError,
    wallet_host::{WalletHost, WalletSource},
    warnings::Warnings,
};

/// Answers that are on their way may take this long to leave when the node stops.
const GRACE: Duration = Duration::from_secs(1);
/// Descriptors for databases, files and peers.
const DESCRIPTORS: u32 = 1024;
/// What is told before the process ends because a page of a database is lost.
const LOST_PAGE: &str = "A fatal internal error occurred: a database file cannot be read, because the disk failed or the \
    file was cut short. What was stored before is safe from this. Check the disk; if this comes again, restart with \
    -reindex-chainstate, or with -reindex.";

/// A node that runs.
pub(crate) struct Node {
    context: Arc<NodeContext>,
    chain: ChainHandle,
    validation: ValidationThread,
    rpc: Option<RpcServer>,
    ipc: Option<ipc_server::Server>,
    notices: [Option<Subscriber>; 2],
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
        wallets: WalletSource,
    ) -> Result<Self, StartError> {
        if !config.args().get_bool("sysperms", false) {
            platform::limits::set_private_umask();
        }
        config.check_sections()?;
        if let Some(time) = config.args().get_int::<i64>("mocktime") {
            clock.set_mock_time(time.max(0));
        }
        open_log(&config, &log)?;
        peers::options::interact(&config);
        let rules = options::rules(&config)?;
        options::check_ports(&config)?;
        let (load, engine_options) = options::chain_options(&config)?;
        let rpc_options = RpcOptions::read(&config).map_err(|error| BadOption(error.0))?;
        // What does not fit is told before anything is touched.
        options::mempool_options(&config)?.check().map_err(|e| BadOption(e.to_string()))?;
        Settings::read(&config, rules.params())?;
        wants_release30(&config)?;
        config.rpc_release()?;
        ipc_server::check(&config)?;
        Wanted::read(&config)?;
        peers::options::net_options(&config)?;
        peers::options::peer_options(&config)?;
        let descriptors = platform::limits::raise_descriptor_limit(DESCRIPTORS);
        info!("Using at most {descriptors} file descriptors");

        let client = config.coin().client_name;
        let locks = vec![
            DirectoryLock::acquire(config.net_dir(), client)?,
            // Another node may use it with a directory of its own.
            DirectoryLock::acquire(&load.blocks_dir, client)?,
        ];
        let pid_path = config.file_option("pid", config.coin().pid_file);
        let pid_file = pid_path.map(|path| PidFile::create(&path)).transpose()?;
        let reopen = log.clone();
        Signals::install()?.forward(shutdown.clone(), move || reopen.reopen())?;
        pages::tell_of_lost_pages(LOST_PAGE, config.file_option("debuglogfile", "debug.log").as_deref())?;

        let net_dir = config.net_dir().to_owned();
        let ephemeral = config.ephemeral_dir().map(PathBuf::from);
        // In the background it has no parent to follow.
        if ephemeral.is_some()
            && !config.args().get_bool("daemon", false)
            && !config.args().get_bool("daemonwait", false)
        {
            crate::ephemeral::follow_parent(shutdown, child::parent)?;
        }
        let with_server = config.args().get_bool("server", true);
        let check_results = config.args().get_bool("rpcdoccheck", cfg!(debug_assertions));
        let directory = Directory::new(::rpc::Identity::of(config.coin()));
        let rpc_state = Arc::new(RpcState::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let commands = Arc::new(notices::commands(&config));
        let context = Arc::new(NodeContext {
            started: clock.monotonic(),
            config: Arc::new(config),
            chain: OnceLock::new(),
            mempool: OnceLock::new(),
            miner: OnceLock::new(),
            library: OnceLock::new(),
            net: OnceLock::new(),
            publisher: OnceLock::new(),
            scans: Scans::default(),
            wallets: OnceLock::new(),
            feed: Feed::default(),
            ui: Ui::default(),
            warnings: Warnings::default(),
            commands,
            tip_signal: Arc::default(),
            scheduler: Arc::new(Scheduler::new(Arc::clone(&clock) as Arc<dyn Clock>)),
            rules: Arc::clone(&rules),
            clock: Arc::clone(&clock),
            log,
            shutdown: shutdown.clone(),
            rpc_state: Arc::clone(&rpc_state),
            directory: directory.clone(),
        });
        let cookie_file = rpc_options.cookie_file.clone();
        // It answers before there is a chain: with what the start is busy with.
        let engine = RpcEngine::new(
            Arc::clone(&context),
            server::registry(directory, context.config.coin()),
            Arc::clone(&rpc_state),
        )
        .with_whitelist(rpc_options.whitelist.clone())
        .with_logged_ips(context.log.log_ips())
        .with_result_checks(check_results)
        .with_release(context.config.rpc_release()?);
        let methods = Arc::new(engine);
        let wallets = WalletHost::new(wallets, &context, ipc_server::hello(&context));
        // Nobody else sets them.
        let _ = context.wallets.set(Arc::clone(&wallets));
        if wallets.is_enabled() {
            // Their process starts while the chain loads.
            wallets.open().map_err(StartError::Wallet)?;
        }
        let rpc = with_server.then(|| server::start(rpc_options, &context, Arc::clone(&methods), &SystemEntropy));
        let rpc = rpc.transpose().map_err(|e| {
            error!("{e}");
            StartError::Server(e)
        })?;

        context.announce("Loading block index…");
        options::log_chain(rules.params());
        let clock = clock as Arc<dyn Clock>;
        let open = |load: &LoadOptions| {
            let disk = Arc::new(store::KeepingDisk::default());
            Engine::load(Arc::clone(&rules), load, engine_options.clone(), disk, Arc::clone(&clock), &SystemEntropy)
        };
        let mut load = load;
        let engine = match open(&load) {
            Err(e) if e.reindex_helps() && options::rebuilds_unasked(&context.config) => {
                error!("{e}. Rebuilding the block database.");
                load.reindex = true;
                open(&load)?
            }
            opened => opened?,
        };
        let reindex = load.reindex;
        stop_long_work(&engine, shutdown)?;
        let Begun { chain, validation, importing } = import::begin(engine, reindex, &context)?;
        // Nobody else sets it.
        let _ = context.library.set(Library::start(&context, reindex)?);
        let mut node = Self {
            context: Arc::clone(&context),
            chain,
            validation,
            rpc,
            ipc: None,
            notices: [None, None],
            ready_file: net_dir.join("ready.json"),
            pid_file,
            shutdown: shutdown.clone(),
            ephemeral,
            _locks: locks,
        };
        match node.finish(&methods, cookie_file, importing) {
            Ok(()) => Ok(node),
            Err(error) => {
                node.stop();
                Err(error)
            }
        }
    }

    /// What needs the chain: the wallets and the sockets of other processes. Then the start is done.
    fn finish(
        &mut self,
        methods: &Arc<RpcEngine<NodeContext>>,
        cookie_file: Option<PathBuf>,
        importing: bool,
    ) -> Result<(), StartError> {
        let context = Arc::clone(&self.context);
        let wallets = context.wallets.get().filter(|wallets| wallets.is_enabled());
        if let Some(wallets) = wallets {
            wallets.register(methods.registry()).map_err(StartError::Wallet)?;
            wallets.load().map_err(|absent| {
                if context.ui.has_shown(&absent.to_string()) { StartError::Told } else { StartError::Wallet(absent) }
            })?;
        }
        // Not before the wallets have read what they miss. An import does it when it is done.
        if !importing {
            import::prune(&self.chain, &context)?;
        }
        advice::give(&context, self.chain.reader().tip().map_or(0, |tip| tip.height));
        self.ipc = Some(ipc_server::start(&context, methods)?);
        self.notices = [notices::follow(&context)?, publish::start(&context)?];
        let network = peers::start(&context)?;
        // Nobody else sets it.
        let _ = context.net.set(network);
        context.rpc_state.finish_warmup();
        context.announce("Done loading");
        if let Some(wallets) = wallets {
            wallets.start();
        }
        context.commands.started();
        let ready = Ready {
            pid: std::process::id(),
            chain: context.config.chain().kind.name(),
            rpc: self.rpc.as_ref().map_or_else(Vec::new, |r| r.server.addresses().to_vec()),
            p2p: context.net.get().map_or_else(Vec::new, |net| net.bound().iter().map(|bind| bind.address).collect()),
            cookie: self.rpc.as_ref().and_then(|r| r.cookie.as_ref()).and(cookie_file),
            data_dir: context.config.net_dir().to_owned(),
        };
        ready.write(&self.ready_file)?;
        ready.tell(&context.config);
        if context.config.args().get_bool("stopafterblockimport", false) {
            import::stop_after(&self.chain, self.shutdown.clone());
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn context(&self) -> &Arc<NodeContext> {
        &self.context
    }

    /// Serves the program that has started this one, until one of them ends.
    pub(crate) fn serve_parent(&self, socket: LocalSocket) -> Result<(), StartError> {
        self.ipc.as_ref().map_or(Ok(()), |ipc| ipc.serve_parent(socket)).map_err(StartError::Ipc)
    }

    /// What a GUI in this process shows.
    pub(crate) fn shown(&self) -> Option<Arc<dyn interfaces::Node>> {
        self.ipc.as_ref().map(ipc_server::Server::node)
    }

    /// Waits for the request to stop, then takes everything down in the reverse order.
    pub(crate) fn wait_and_stop(self) {
        self.shutdown.wait();
        info!("Shutdown: In progress...");
        self.context.commands.stopping();
        self.stop();
        info!("Shutdown done");
    }

    pub(crate) fn stop(self) {
        let Self { context, chain, validation, rpc, ipc, notices, ready_file, pid_file, shutdown, ephemeral, _locks } =
            self;
        // Whoever asks whether to go on is told, also when a failure of the start is the reason.
        shutdown.request();
        // It may be gone already, with its directory.
        let _ = std::fs::remove_file(&ready_file);
        drop(notices);
        context.rpc_state.interrupt();
        context.tip_signal.close();
        // Writing the chain waits for the disk: it begins now, beside the rest. What little comes after it is written
        // at the end. A chain that is gone already has nothing to write, and a failure shows there again.
        let _ = chain.post(|engine| drop(engine.flush(FlushMode::Sync)));
        if let Some(RpcServer { server, cookie }) = rpc {
            server.stop(GRACE);
            drop(cookie);
        }
        if let Some(network) = context.net.get() {
            network.stop();
        }
        // The wallets read the chain to their last moment.
        if let Some(wallets) = context.wallets.get() {
            wallets.stop();
        }
        if let Some(ipc) = ipc {
            ipc.stop();
        }
        context.scheduler.close();
        std::thread::scope(|scope| {
            scope.spawn(|| import::save_estimates(&context));
            import::save_mempool(&context);
        });
        let indexes = context.library().interrupt();
        // Some client's object may hold on to the chain; that must not keep it from being written.
        chain.stop();
        drop((context, chain));
        if let Ok(mut engine) = validation.join() {
            if let Err(e) = engine.finish() {
                error!("Cannot write the chain state: {e}");
            }
        } else {
            error!("The validation thread panicked; what it had not written is lost");
        }
        // They note where they stand once the chain is written.
        drop(indexes);
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
        crate::startup::eprint_line(&format!("Warning: {}", text.trim_end()));
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
