//! Every row of every table: unique, documented, filled in.

use std::collections::BTreeSet;

use super::*;
use crate::about;
use crate::names::executable;

fn tables() -> impl Iterator<Item = (Role, Table)> {
    coin::all().iter().flat_map(|coin| Role::ALL.map(|role| (role, table(coin, role))))
}

#[test]
fn names_are_unique_and_plain() {
    for (role, table) in tables() {
        let mut seen = BTreeSet::new();
        for row in table.rows() {
            assert!(seen.insert(row.written()), "{} twice in {role:?}", row.name);
            assert!(!row.name.starts_with("no"), "{} would be read as a negation", row.name);
            assert!(!row.name.contains(['=', '.', ' ']), "{}", row.name);
            assert!(row.hint.is_empty() || row.hint.starts_with('='), "{}", row.name);
            assert_eq!(row.help.is_empty(), row.category == Category::Hidden, "{}", row.name);
            for option in row.command_options {
                assert_eq!(table.option(option).map(|row| row.category), Some(Category::CommandOptions), "{option}");
            }
        }
    }
}

#[test]
fn help_lists_every_option() {
    for (role, table) in tables().filter(|(role, _)| *role != Role::Wrapper) {
        let exe = executable(table.coin(), role);
        let (short, long) = (about::help(&table, role, &exe, false), about::help(&table, role, &exe, true));
        for row in table.rows() {
            let line = format!("{}{}\n", row.written(), row.hint);
            let listed = |help: &str| help.lines().any(|text| text.trim_start() == line.trim_end());
            assert_eq!(listed(&long), row.category != Category::Hidden, "{line} of {exe}");
            // The tools have no -help-debug and hide nothing.
            let in_short = !row.debug_only || !role.is_server();
            assert_eq!(listed(&short), row.category != Category::Hidden && in_short, "{line} of {exe}");
        }
        for text in [&short, &long] {
            assert!(!text.contains('{') && !text.contains('}'), "a template was not filled in for {exe}");
        }
        // Nothing is wider than a terminal, except single long words such as hashes.
        for line in long.lines().filter(|line| line.len() > 79) {
            assert!(line.trim_start().split(' ').count() == 1, "{line}");
        }
    }
}

#[test]
fn the_monolithic_twins_refuse_what_needs_processes() {
    let coin = coin::by_id("bitcoin").unwrap();
    for name in ["ipcbind", "ipcconnect", "ipcfd", "ipccompat"] {
        assert!(table(coin, Role::Daemon).option(name).is_none());
        assert!(table(coin, Role::Qt).option(name).is_none());
        assert!(table(coin, Role::Node).option(name).is_some());
        assert!(table(coin, Role::Gui).option(name).is_some());
    }
}

#[test]
fn chains_that_a_coin_lacks_are_no_options() {
    for coin in coin::all() {
        let has = coin.chain(coin::ChainKind::Testnet4).is_some();
        assert_eq!(table(coin, Role::Daemon).option("testnet4").is_some(), has, "{}", coin.id);
        assert_eq!(about::help(&table(coin, Role::Cli), Role::Cli, "x", true).contains("testnet4"), has, "{}", coin.id);
    }
}

/// The names of all options that Bitcoin Core 31.99 accepts, by program, from its own source.
const CORE_SERVER: &str = "? acceptnonstdtxn acceptstalefeeestimates addnode addresstype alertnotify allowignoredconf asmap \
    assumevalid avoidpartialspends bantime bind blockfilterindex blockmaxweight blockmintxfee blocknotify \
    blockreconstructionextratxn blockreservedweight blocksdir blocksonly blocksxor blockversion bytespersigop \
    capturemessages chain changetype checkaddrman checkblockindex checkblocks checklevel checkmempool checkpoints \
    choosedatadir cjdnsreachable coinstatsindex conf connect consolidatefeerate daemon daemonwait datacarrier \
    datacarriersize datadir dbbatchsize dbcache dbcrashratio debug debugexclude debuglogfile deprecatedrpc disablewallet \
    discardfee discover dns dnsseed dustrelayfee externalip fallbackfee fastprune fixedseeds forcecompactdb forcednsseed h \
    help help-debug i2pacceptincoming i2psam inboundrelaypercent includeconf incrementalrelayfee keypool lang \
    limitancestorcount limitancestorsize limitclustercount limitclustersize limitdescendantcount limitdescendantsize listen \
    listenonion loadblock logips loglevel loglevelalways logratelimit logsourcelocations logthreadnames logtimemicros \
    logtimestamps maxapsfee maxconnections maxmempool maxreceivebuffer maxsendbuffer maxsigcachesize maxtipage maxtxfee \
    maxuploadtarget mempoolexpiry min minimumchainwork minrelaytxfee mintxfee mocktime natpmp networkactive onion onlynet \
    par peerblockfilters peerbloomfilters peertimeout permitbaremultisig persistmempool persistmempoolv1 pid port \
    prevoutfetchthreads printpriority printtoconsole privatebroadcast proxy proxyrandomize prune regtest reindex \
    reindex-chainstate resetguisettings rest rpcallowip rpcauth rpcbind rpccookiefile rpccookieperms rpcdoccheck \
    rpcpassword rpcport rpcservertimeout rpcthreads rpcuser rpcwhitelist rpcwhitelistdefault rpcworkqueue seednode server \
    settings shrinkdebugfile shutdownnotify signer signet signetchallenge signetseednode spendzeroconfchange splash \
    startupnotify stopafterblockimport stopatheight test testactivationheight testnet testnet4 timeout torcontrol \
    torpassword txconfirmtarget txindex txospenderindex txreconciliation txsendrate uacomment uiplatform unsafesqlitesync \
    v2transport vbparams version wallet walletbroadcast walletcrosschain walletdir walletnotify walletrbf \
    walletrejectlongchains whitebind whitelist whitelistforcerelay whitelistrelay zmqpubhashblock zmqpubhashblockhwm \
    zmqpubhashtx zmqpubhashtxhwm zmqpubrawblock zmqpubrawblockhwm zmqpubrawtx zmqpubrawtxhwm zmqpubsequence \
    zmqpubsequencehwm";

const CORE_CLI: &str = "? addrinfo chain color conf datadir generate getinfo h help ipcconnect named netinfo regtest rpcclienttimeout \
    rpcconnect rpccookiefile rpcid rpcpassword rpcport rpcuser rpcwait rpcwaittimeout rpcwallet signet signetchallenge \
    signetseednode stdin stdinrpcpass stdinwalletpassphrase testactivationheight testnet testnet4 vbparams version";

const CORE_WALLET: &str = "? chain datadir debug dumpfile h help printtoconsole regtest signet signetchallenge \
    signetseednode testactivationheight testnet testnet4 vbparams version wallet";

#[test]
fn the_daemon_has_bitcoin_cores_options_and_ours() {
    let coin = coin::by_id("bitcoin").unwrap();
    let names =
        |role| table(coin, role).rows().filter(|row| !row.is_command()).map(|row| row.name).collect::<BTreeSet<_>>();
    let extra = |role, core: &str| {
        let core: BTreeSet<&str> = core.split_whitespace().collect();
        let ours = names(role);
        assert_eq!(core.difference(&ours).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing in {role:?}");
        ours.difference(&core).copied().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(extra(Role::Daemon, CORE_SERVER), "ephemeral logjson readyfd rpccompat");
    assert_eq!(
        extra(Role::Node, CORE_SERVER),
        "ephemeral ipcbind ipccompat ipcconnect ipcfd logjson readyfd rpccompat sandbox"
    );
    assert_eq!(extra(Role::Cli, CORE_CLI), "");
    assert_eq!(extra(Role::Wallet, CORE_WALLET), "ipcbind ipccompat ipcconnect ipcfd sandbox");
}

#[test]
fn the_rules_are_bitcoin_cores() {
    let server = table(coin::by_id("bitcoin").unwrap(), Role::Node);
    let with = |rule: fn(&OptionSpec) -> bool| {
        let mut names: Vec<&str> = server.rows().filter(|row| rule(row)).map(|row| row.name).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(with(|row| row.network_only), "addnode bind connect port rpcbind rpcport wallet walletdir");
    assert_eq!(with(|row| row.sensitive), "rpcauth rpcpassword rpcuser torpassword");
    assert_eq!(with(|row| row.no_negation), "datadir loglevel signetchallenge signetseednode");
    assert_eq!(with(|row| row.no_elision), "loglevel proxy");
}

#[test]
fn help_snapshots() {
    for (coin, roles) in [("bitcoin", &Role::ALL[..6]), ("freicoin", &[Role::Daemon, Role::Cli][..])] {
        let coin = coin::by_id(coin).unwrap();
        for role in roles {
            let exe = executable(coin, *role);
            insta::assert_snapshot!(format!("help-{exe}"), about::help(&table(coin, *role), *role, &exe, true));
        }
        insta::assert_snapshot!(
            format!("version-{}", coin.id),
            about::version(coin, Role::Daemon, &executable(coin, Role::Daemon))
        );
    }
}
