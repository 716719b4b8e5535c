//! General options of the node: files, indexes, pruning, notifications, running in the background.

use crate::spec::{Category, OptionSpec, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Options, name, hint, help)
}

pub(super) const HELP: OptionSpec = row("help", "", "Print this help message and exit (also -h or -?)");
pub(super) const VERSION: OptionSpec = row("version", "", "Print version and exit");
pub(super) const DATADIR: OptionSpec = row("datadir", "=<dir>", "Specify data directory").no_negation();
pub(super) const CONF: OptionSpec = row(
    "conf",
    "=<file>",
    "Specify the read-only configuration file. A relative path starts at the data directory. Counts on the command line \
     only, not in a configuration file (default: {conf})",
);

pub(super) const SERVER: &[OptionSpec] = &[
    HELP,
    VERSION,
    DATADIR,
    CONF,
    row(
        "alertnotify",
        "=<cmd>",
        "Run this command when the node raises an alert (%s in cmd is replaced by the message)",
    ),
    row(
        "allowignoredconf",
        "",
        "Only warn, rather than stop, when the data directory holds a {conf} file that is not the one in use.",
    ),
    row(
        "assumevalid",
        "=<hex>",
        "If this block is in the chain, take it and its ancestors as valid and skip the verification of their scripts \
         where that is possible (0 to verify everything, default: {assumevalid})",
    ),
    row(
        "blockfilterindex",
        "=<type>",
        "Maintain an index of compact block filters (default: 0, values: basic). Without <type>, or with <type> = 1, all \
         known types are indexed.",
    ),
    row("blocknotify", "=<cmd>", "Run this command when the best block changes (%s in cmd is replaced by its hash)"),
    row(
        "blockreconstructionextratxn",
        "=<n>",
        "Number of additional transactions to keep in memory for rebuilding compact blocks (default: 100)",
    ),
    row(
        "blocksdir",
        "=<dir>",
        "Specify the directory that holds the blocks subdirectory with its *.dat files (default: <datadir>)",
    ),
    row(
        "blocksonly",
        "",
        "Refuse transactions from peers, and neither broadcast nor rebroadcast any automatically, except for peers with \
         the 'forcerelay' permission. Transactions that come by RPC are not affected. (default: 0)",
    ),
    row(
        "blocksxor",
        "",
        "Whether the *.dat files of the blocks directory are obfuscated with an XOR key. A new directory gets a random key; \
         an existing directory without one, and -blocksxor=0, get a key of zeros. (default: 1)",
    ),
    row("coinstatsindex", "", "Maintain the index of coin statistics that the gettxoutsetinfo RPC uses (default: 0)"),
    row("daemon", "", "Run in the background as a daemon and accept commands (default: 0)"),
    row(
        "daemonwait",
        "",
        "Wait until start-up has finished before going to the background. Implies -daemon (default: 0)",
    ),
    row("dbbatchsize", "", "Largest database write batch in bytes (default: 8388608)").debug_only(),
    row(
        "dbcache",
        "=<n>",
        "Size of the database cache in MiB (minimum 4, default: 1024, or 450 on machines with less than 4096 MiB of \
         memory). Make sure that you have enough memory. What the mempool does not use is lent to this cache (see \
         -maxmempool).",
    ),
    row(
        "debuglogfile",
        "=<file>",
        "Specify the debug log file (default: debug.log). A relative path starts at the network's data directory. \
         -nodebuglogfile writes no file.",
    ),
    row(
        "ephemeral",
        "",
        "Keep everything in a new temporary directory that is removed when the program, or the program that started it, \
         ends. Counts on the command line only; not together with -datadir (default: 0)",
    ),
    row(
        "includeconf",
        "=<file>",
        "Read this configuration file too. A relative path starts at the data directory. Counts in a configuration file \
         only, not on the command line",
    ),
    row("loadblock", "=<file>", "Import blocks from a file at start-up. Obfuscated files are not supported."),
    row("maxmempool", "=<n>", "Keep the mempool of transactions below <n> megabytes (default: 300)"),
    row("mempoolexpiry", "=<n>", "Drop transactions that stay in the mempool longer than <n> hours (default: 336)"),
    row(
        "minimumchainwork",
        "=<hex>",
        "The least work that a valid chain is assumed to have, in hex (default: {minimumchainwork})",
    )
    .debug_only(),
    row(
        "par",
        "=<n>",
        "Number of threads that verify scripts (0 = automatic, up to 15, <0 = leave that many cores free, default: 0)",
    ),
    row("persistmempool", "", "Save the mempool at shutdown and load it at start-up (default: 1)"),
    row(
        "persistmempoolv1",
        "",
        "Write mempool.dat in the old format (version 1) rather than the current one (version 2), at shutdown and by the \
         savemempool RPC. This option is temporary and will go. (default: 0)",
    ),
    row(
        "pid",
        "=<file>",
        "Specify the pid file. A relative path starts at the network's data directory. (default: {pid})",
    ),
    row(
        "prevoutfetchthreads",
        "=<n>",
        "Whether the outputs that a block spends are read from the database in one go before it is checked: 0 = no, any \
         number of threads = yes, all in one (default: 8). Negative values are refused.",
    ),
    row(
        "prune",
        "=<n>",
        "Save space by deleting old blocks. The pruneblockchain RPC may then delete blocks, and, given a size in MiB, the \
         node does so by itself to stay below it. Does not go with -txindex. Warning: going back means downloading the \
         whole chain again. Load wallets and indexes at start-up and keep them active while pruning, so that they follow \
         before old blocks go; those that fall behind may need a reindex. (default: 0 = keep all blocks, 1 = prune by RPC \
         only, >=550 = prune by itself to stay below this size in MiB)",
    ),
    row(
        "readyfd",
        "=<n>",
        "Write one line of JSON to this open file descriptor when start-up has finished: process id, ports, cookie file \
         and sockets. The same line is in ready.json in the network's data directory.",
    ),
    row(
        "reindex",
        "",
        "Wipe the chain state and the block index and rebuild them from the blk*.dat files. Other indexes that are \
         enabled are rebuilt too. The chain state of a loaded assumeutxo snapshot is wiped as well; the snapshot can be \
         loaded again by RPC.",
    ),
    row(
        "reindex-chainstate",
        "",
        "Wipe the chain state and rebuild it from the blk*.dat files. The chain state of a loaded assumeutxo snapshot is \
         wiped as well; the snapshot can be loaded again by RPC.",
    ),
    row(
        "settings",
        "=<file>",
        "Specify the file of dynamic settings, or none with -nosettings. The program writes it at run time; use {conf} \
         for settings of your own. A relative path starts at the network's data directory. (default: settings.json)",
    ),
    row(
        "shutdownnotify",
        "=<cmd>",
        "Run this command just before shutdown begins. Shutdown may be urgent: do not delay it for long, and let the \
         command go to the background if it need not talk to the server.",
    ),
    row("startupnotify", "=<cmd>", "Run this command when start-up has finished."),
    row("txindex", "", "Maintain an index of all transactions, used by the getrawtransaction RPC (default: 0)"),
    row(
        "txospenderindex",
        "",
        "Maintain an index of what spent each output, used by the gettxspendingprevout RPC (default: 0)",
    ),
];
