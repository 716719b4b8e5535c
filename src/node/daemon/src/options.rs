//! From options by name to typed options for each part, with the daemon's words for what does not fit.

use std::{num::NonZeroU32, sync::Arc};

use chainstate::{EngineOptions, LoadOptions};
use config::Config;
use consensus::{ActivationOverride, ChainParams, OwnStart, Rules, SignalOverride, U256};
use logging::{LogHandle, Settings};
use primitives::hex;
use tracing::info;

use crate::{mishap, startup::StartError};

/// Memory for coins unless `-dbcache` says otherwise, in MiB: on a small machine, and on any other.
const SMALL_DBCACHE: i64 = 450;
const LARGE_DBCACHE: i64 = 1024;
/// A machine with this much memory is not small.
const LARGE_MACHINE: u64 = 4 << 30;
/// The least that works, in MiB.
const MIN_DBCACHE: i64 = 4;
/// Threads that check scripts besides the one that connects blocks.
const MAX_SCRIPT_THREADS: i64 = 15;
/// The smallest target of automatic pruning, in MiB: the blocks that must be kept take about as much.
const MIN_PRUNE_TARGET: i64 = 550;
const MIB: i64 = 1 << 20;
/// Batches of this size keep the memory of a flush small.
const DEFAULT_BATCH: i64 = 8 << 20;
const DEFAULT_MAX_TIP_AGE: i64 = 24 * 60 * 60;

/// An option whose value cannot be used. Its text is what the daemon prints behind `Error: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadOption(pub String);

impl BadOption {
    fn new(text: impl std::fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// The parameters of the chain, with what the command line changes of them.
pub fn chain_params(config: &Config) -> Result<ChainParams, BadOption> {
    let args = config.args();
    let chain = config.chain();
    let mut params = ChainParams::new(config.coin(), chain);
    let regtest = chain.kind == coin::ChainKind::Regtest;
    for value in args.get_all("testactivationheight").iter().filter(|_| regtest) {
        params = params.with_activation(value.parse::<ActivationOverride>().map_err(BadOption::new)?);
    }
    for value in args.get_all("vbparams").iter().filter(|_| regtest) {
        let change = value.parse::<SignalOverride>().map_err(BadOption::new)?;
        params = params.with_signal(&change).map_err(BadOption::new)?;
    }
    for (name, rule) in OwnStart::OPTIONS.iter().filter(|_| regtest) {
        if let Some(value) = args.get_all(name).last() {
            let height = value.split(':').next().and_then(|height| height.parse().ok());
            let height = height.ok_or_else(|| BadOption(format!("Invalid height in -{name}={value}")))?;
            params = params.with_start(*rule, height);
        }
    }
    if args.get_bool("bitcoinmode", false) {
        if !regtest {
            let text = "Bitcoin unit test compatibility mode only allowed on regtest.";
            return Err(BadOption(text.to_owned()));
        }
        params = params.with_timeless_values();
    }
    if args.get_all("test").iter().any(|t| t == "bip94") {
        params = params.with_bip94();
    }
    let challenges = args.get_all("signetchallenge");
    if chain.kind == coin::ChainKind::Signet
        && let Some(challenge) = challenges.last()
    {
        if challenges.len() > 1 {
            return Err(BadOption::new("-signetchallenge cannot be multiple values."));
        }
        let bytes = hex::decode(challenge)
            .ok_or_else(|| BadOption(format!("-signetchallenge must be hex, not '{challenge}'.")))?;
        params = params.with_signet_challenge(bytes);
    }
    if args.is_set("minimumchainwork") {
        let text = args.get_str("minimumchainwork", "");
        let work = U256::from_hex(text.strip_prefix("0x").unwrap_or(&text)).ok_or_else(|| {
            BadOption(format!("Invalid minimum work specified ({text}), must be up to 64 hex digits"))
        })?;
        params = params.with_minimum_chain_work(work);
    }
    if args.is_set("assumevalid") {
        let text = args.get_str("assumevalid", "");
        let zero = text.trim_start_matches("0x").bytes().all(|b| b == b'0');
        let block = if zero {
            None
        } else {
            let bad = || {
                BadOption(format!(
                    "Invalid assumevalid block hash specified ({text}), must be up to 64 hex digits (or 0 to disable)"
                ))
            };
            let padded = format!("{:0>64}", text.trim_start_matches("0x"));
            Some(padded.parse().map_err(|_| bad())?)
        };
        params = params.with_assume_valid(block);
    }
    Ok(params)
}

/// Says what is taken for granted of the chain.
pub(crate) fn log_chain(params: &ChainParams) {
    if params.chain().kind == coin::ChainKind::Signet {
        let magic = hex::encode(&params.magic());
        tracing::info!("Signet derived magic (message start): {magic}");
    }
    if let Some(block) = params.assume_valid() {
        tracing::info!("Assuming ancestors of block {block} have valid signatures.");
    } else {
        tracing::info!("Validating signatures for all blocks.");
    }
    tracing::info!("Setting nMinimumChainWork={}", crate::render::hex256(params.minimum_chain_work()));
}

/// Whether a database that is damaged is built again without asking (a test option).
pub(crate) fn rebuilds_unasked(config: &Config) -> bool {
    config.args().get_all("test").iter().any(|name| name == "reindex_after_failure_noninteractive_yes")
}

/// The rules of the chain, with the option that says that some need not be verified.
pub(crate) fn rules(config: &Config) -> Result<Arc<dyn Rules>, StartError> {
    let params = chain_params(config)?;
    let rules = consensus::rules_for(params.clone())?;
    let Some(unverified) = rules.unverified() else { return Ok(rules) };
    if !config.args().get_bool(unverified.option, false) {
        info!("Blocks from height {} on need -{}=1", unverified.from_height, unverified.option);
        return Ok(rules);
    }
    Ok(consensus::rules_for(params.with_unverified())?)
}

/// What is not verified of a chain, because its rules trust checkpoints or because the operator wants it so: one sentence
/// each, for whoever starts the node.
pub(crate) fn taken_on_trust(rules: &dyn Rules) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(height) = rules.trusted_below() {
        let checkpoints: Vec<_> = rules.params().checkpoints().collect();
        let (top, hash) = checkpoints.last().map_or((0, rules.params().genesis_hash()), |point| *point);
        told.push(format!(
            "Blocks below height {height} are trusted to {} checkpoints, the last of which is {hash} at height {top}: their \
             scripts are not run, and what their coinbases pay is not looked at",
            checkpoints.len(),
        ));
    }
    if let Some(unverified) = rules.unverified().filter(|_| rules.frontier().is_none()) {
        let each = unverified.rules.iter();
        told.extend(each.map(|rule| format!("Not verified on this chain (-{}): {rule}", unverified.option)));
    }
    told
}

/// Bytes for coins and databases together.
pub(crate) fn dbcache(config: &Config) -> usize {
    let large = platform::machine::total_memory().is_some_and(|bytes| bytes >= LARGE_MACHINE);
    let usual = if large { LARGE_DBCACHE } else { SMALL_DBCACHE };
    let mib = config.args().get_i64("dbcache", usual).max(MIN_DBCACHE);
    usize::try_from(mib.saturating_mul(MIB)).unwrap_or(usize::MAX)
}

/// How the chain state is opened, and how its engine behaves.
pub fn chain_options(config: &Config) -> Result<(LoadOptions, EngineOptions), BadOption> {
    let args = config.args();
    let dbcache = dbcache(config);
    // Two databases, and the rest for coins in memory. Of many coins, filters and indexes alone are megabytes.
    let index_cache_bytes = (dbcache / 8).min(8 << 20);
    let coins_cache_bytes = (dbcache / 8).min(32 << 20);
    let prune_target = match args.get_i64("prune", 0) {
        n if n < 0 => return Err(BadOption::new("Prune cannot be configured with a negative value.")),
        0 => None,
        1 => Some(u64::MAX),
        n if n < MIN_PRUNE_TARGET && !args.get_bool("fastprune", false) => {
            return Err(BadOption(format!(
                "Prune configured below the minimum of {MIN_PRUNE_TARGET} MiB.  Please use a higher number."
            )));
        }
        n => Some(u64::try_from(n.saturating_mul(MIB)).unwrap_or(u64::MAX)),
    };
    if prune_target.is_some() && args.get_bool("reindex-chainstate", false) {
        return Err(BadOption::new("Prune mode is incompatible with -reindex-chainstate. Use full -reindex instead."));
    }
    let cores = i64::try_from(platform::machine::cores()).unwrap_or(1);
    let script_threads = match args.get_i64("par", 0) {
        n if n <= 0 => (n + cores).clamp(1, MAX_SCRIPT_THREADS + 1),
        n => n.min(MAX_SCRIPT_THREADS + 1),
    };
    let script_cache = args.get_int::<i64>("maxsigcachesize").map(|mib| mib.max(0).saturating_mul(MIB));
    let fetchers = args.get_i64("prevoutfetchthreads", 1);
    if fetchers < 0 {
        return Err(BadOption(format!(
            "-prevoutfetchthreads must be non-negative (got {fetchers}). Use 0 to disable parallel input fetching."
        )));
    }
    let net_dir = config.net_dir();
    let stop = args.get_i64("stopatheight", 0);
    let load = LoadOptions {
        blocks_dir: config.blocks_dir().map_err(BadOption::new)?,
        index_dir: net_dir.join("blocks").join("index"),
        chainstate_dir: net_dir.join("chainstate"),
        xor: args.get_bool("blocksxor", true),
        fast_prune: args.get_bool("fastprune", false),
        reindex: args.get_bool("reindex", false),
        reindex_chainstate: args.get_bool("reindex-chainstate", false),
        compact: args.get_bool("forcecompactdb", false),
        script_threads: usize::try_from(script_threads).unwrap_or(1),
        script_cache_bytes: script_cache
            .map_or(script::DEFAULT_VALIDATION_CACHE_BYTES, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        index_cache_bytes,
        coins_cache_bytes,
    };
    let engine = EngineOptions {
        cache_bytes: dbcache - index_cache_bytes - coins_cache_bytes,
        batch_bytes: usize::try_from(args.get_i64("dbbatchsize", DEFAULT_BATCH)).unwrap_or(0),
        mishap: mishap::wanted(config),
        inspect_every: inspection(args.get("checkblockindex").as_deref()),
        prefetch: fetchers > 0,
        prune_target,
        prune_after_height: prune_after_height(config),
        stop_at_height: u32::try_from(stop).ok().filter(|h| *h > 0),
        max_tip_age: args.get_i64("maxtipage", DEFAULT_MAX_TIP_AGE),
        leave_download_at_first_block: false,
    };
    Ok((load, engine))
}

/// How often to inspect the block tree. Without a number it is always.
fn inspection(value: Option<&str>) -> Option<NonZeroU32> {
    value.and_then(|value| if value.is_empty() { NonZeroU32::new(1) } else { value.trim().parse().ok() })
}

/// The height that a chain must have passed before its files are pruned.
pub(crate) fn prune_after_height(config: &Config) -> u32 {
    /// Tests make their chains shorter.
    const FAST: u32 = 100;
    if config.args().get_bool("fastprune", false) { FAST } else { config.chain().prune_after_height }
}

/// Opens the log as the options say.
pub fn start_log(config: &Config, log: &LogHandle, background: bool) -> Result<(), BadOption> {
    log.apply_options(config).map_err(BadOption::new)?;
    log.start(Settings::of_node(config, !background)).map_err(BadOption::new)
}

/// Options that name a host and a port, whether they take a unix socket instead, and whether `=…` may stand behind.
const ENDPOINTS: [(&str, bool, bool); 12] = [
    ("i2psam", false, false),
    ("onion", true, false),
    ("proxy", true, true),
    ("bind", false, true),
    ("rpcbind", false, false),
    ("torcontrol", false, false),
    ("whitebind", false, false),
    ("zmqpubhashblock", true, false),
    ("zmqpubhashtx", true, false),
    ("zmqpubrawblock", true, false),
    ("zmqpubrawtx", true, false),
    ("zmqpubsequence", true, false),
];

/// Refuses ports that are none, wherever one is given. Port 0, which takes a free one, is ours and allowed for `-port`,
/// `-rpcport` and the addresses where peers are waited for.
pub fn check_ports(config: &Config) -> Result<(), BadOption> {
    let args = config.args();
    let bad = |name: &str, value: &str| Err(BadOption(format!("Invalid port specified in -{name}: '{value}'")));
    for name in ["port", "rpcport"] {
        let given = args.get(name).filter(|_| !args.is_negated(name));
        if let Some(value) = given.filter(|value| value.parse::<u16>().is_err() || value.starts_with('+')) {
            return bad(name, &value);
        }
    }
    for (name, unix, suffixed) in ENDPOINTS {
        for value in args.get_all(name) {
            let bare = if suffixed { value.rsplit_once('=').map_or(value.as_str(), |(bare, _)| bare) } else { &value };
            let listens = ["bind", "whitebind"].contains(&name);
            let split = if listens { ::rpc::bind::split_listen } else { ::rpc::bind::split_host_port };
            if split(bare).is_none() && !(unix && platform::socket::HAS_LOCAL_SOCKETS && value.starts_with("unix:")) {
                return bad(name, &value);
            }
        }
    }
    Ok(())
}

/// The options of the memory pool.
pub fn mempool_options(config: &Config) -> Result<mempool::Options, BadOption> {
    let args = config.args();
    let default = mempool::Options::default();
    let max_money = i64::try_from(config.coin().consensus.max_money).unwrap_or(i64::MAX);
    let rate = |name: &str, default: mempool::FeeRate| match args.get(name) {
        None => Ok(default),
        Some(text) => ::rpc::parse_fixed_point(&text, 8)
            .filter(|rate| (0..=max_money).contains(rate))
            .map(mempool::FeeRate::per_kvb)
            .ok_or_else(|| BadOption(format!("Invalid amount for -{name}=<amount>: '{text}'"))),
    };
    let number = |name: &str, default: i64| args.get_i64(name, default);
    let standard = !args.get_bool("acceptnonstdtxn", false);
    if !standard && config.chain().kind == coin::ChainKind::Main {
        return Err(BadOption::new("acceptnonstdtxn is not currently supported for main chain"));
    }
    let incremental_relay_fee = rate("incrementalrelayfee", default.incremental_relay_fee)?;
    let mut min_relay_fee = rate("minrelaytxfee", default.min_relay_fee)?;
    if !args.is_set("minrelaytxfee") && incremental_relay_fee.cmp_rate(&min_relay_fee).is_gt() {
        // Whoever sets only one of them means both.
        min_relay_fee = incremental_relay_fee;
    }
    // Without transactions of others there is little to keep.
    let megabytes = number("maxmempool", if args.get_bool("blocksonly", false) { 5 } else { 300 });
    let carrier = usize::try_from(number("datacarriersize", 100_000).max(0)).unwrap_or(usize::MAX);
    Ok(mempool::Options {
        max_bytes: usize::try_from(megabytes.saturating_mul(1_000_000).max(0)).unwrap_or(usize::MAX),
        expiry: number("mempoolexpiry", 336).saturating_mul(3600),
        incremental_relay_fee,
        min_relay_fee,
        dust_relay_fee: rate("dustrelayfee", default.dust_relay_fee)?,
        max_datacarrier: args.get_bool("datacarrier", true).then_some(carrier),
        permit_bare_multisig: args.get_bool("permitbaremultisig", true),
        require_standard: standard,
        persist_v1: args.get_bool("persistmempoolv1", false),
        bytes_per_sigop: u64::try_from(number("bytespersigop", 20)).unwrap_or(0),
        limits: mempool::Limits {
            cluster_count: usize::try_from(number("limitclustercount", 64).max(0)).unwrap_or(usize::MAX),
            cluster_vsize: number("limitclustersize", 101).saturating_mul(1000),
            ancestor_count: u64::try_from(number("limitancestorcount", 25)).unwrap_or(0),
            descendant_count: u64::try_from(number("limitdescendantcount", 25)).unwrap_or(0),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use config::{Env, Outcome, Role};

    use super::*;

    fn read(options: &[&str]) -> Result<(LoadOptions, EngineOptions), BadOption> {
        let dir = tempfile::tempdir().unwrap();
        let argv: Vec<OsString> = ["bitcoind", "-regtest"].iter().chain(options).map(OsString::from).collect();
        let coin = coin::by_id("bitcoin").unwrap();
        let outcome = config::load(Role::Daemon, coin, &argv, &Env::rooted_at(dir.path())).unwrap();
        let Outcome::Run(config) = outcome else { panic!("no configuration") };
        chain_options(&config)
    }

    #[test]
    fn the_engine_gets_what_was_asked_for() {
        let (load, engine) = read(&[]).unwrap();
        assert_eq!((load.script_cache_bytes, load.compact), (32 << 20, false));
        assert_eq!((engine.batch_bytes, engine.prefetch, engine.inspect_every), (8 << 20, true, None));
        assert!(engine.mishap.is_none());
        let (load, engine) = read(&[
            "-maxsigcachesize=3",
            "-forcecompactdb",
            "-dbbatchsize=1000",
            "-prevoutfetchthreads=0",
            "-checkblockindex=7",
            "-dbcrashratio=8",
        ])
        .unwrap();
        assert_eq!((load.script_cache_bytes, load.compact), (3 << 20, true));
        assert_eq!((engine.batch_bytes, engine.prefetch, engine.inspect_every), (1000, false, NonZeroU32::new(7)));
        assert!(engine.mishap.is_some());
        let every = |option: &str| read(&[option]).unwrap().1.inspect_every;
        assert_eq!((every("-checkblockindex"), every("-checkblockindex=0")), (NonZeroU32::new(1), None));
        assert_eq!(read(&["-maxsigcachesize=-1"]).unwrap().0.script_cache_bytes, 0);
        assert!(read(&["-prevoutfetchthreads=-1"]).is_err());
    }
}
