//! Logging, debugging and test options.

use crate::spec::{Category, OptionSpec, hidden, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::DebugTest, name, hint, help)
}

pub(super) const SERVER: &[OptionSpec] = &[
    row("help-debug", "", "Print help message with debugging options and exit"),
    row(
        "acceptstalefeeestimates",
        "",
        "Read fee estimates even when they are stale (regtest only; default: 0). Estimates are stale when they are 60 \
         hours old",
    )
    .debug_only(),
    row("capturemessages", "", "Write all messages to and from peers to disk").debug_only(),
    row("checkaddrman", "=<n>", "Check the address manager every <n> operations. 0 switches it off. (default: 0)").debug_only(),
    row(
        "checkblockindex",
        "",
        "Check that what is known of the blocks fits together at every <n>th move of the tip. 0 switches it off. (default: 0)",
    )
    .debug_only(),
    row("checkblocks", "=<n>", "How many blocks to check at start-up (default: 6, 0 = all)").debug_only(),
    row(
        "checklevel",
        "=<n>",
        "How thorough the check of -checkblocks is: 0 reads the blocks, 1 verifies them, 2 verifies undo data, 3 \
         disconnects the last blocks, 4 connects them again; each level includes those before it (0-4, default: 3)",
    )
    .debug_only(),
    row("checkmempool", "=<n>", "Check the mempool every <n> transactions. 0 switches it off. (default: 0, regtest: 1)").debug_only(),
    row(
        "debug",
        "=<category>",
        "Output debug and trace logging (default: -nodebug, supplying <category> is optional). Without <category>, or if it \
         is 1 or \"all\", everything is logged. If it is 0 or \"none\", other categories are ignored. Other values for \
         <category> are: {categories}. May be given several times.",
    ),
    row(
        "debugexclude",
        "=<category>",
        "Log no debug and trace messages of a category, for example together with -debug=1. May be given several times. \
         Counts more than \"-debug\"",
    ),
    row("deprecatedrpc", "=<method>", "Allow a deprecated RPC method").debug_only(),
    row("fastprune", "", "Use smaller block files and a lower least prune height, for tests").debug_only(),
    row(
        "limitancestorcount",
        "=<n>",
        "Deprecated: accept no transaction with <n> or more unconfirmed ancestors (default: 25). Replaced by limits on \
         clusters (see -limitclustercount); the wallet alone still uses it when choosing coins",
    )
    .debug_only(),
    row(
        "limitclustercount",
        "=<n>",
        "Accept no transaction that is connected, directly or not, to <n> or more other unconfirmed transactions \
         (default: 64, maximum: 64)",
    )
    .debug_only(),
    row(
        "limitclustersize",
        "=<n>",
        "Accept no transaction whose virtual size, together with all unconfirmed transactions connected to it, is more \
         than <n> kilobytes (default: 101)",
    )
    .debug_only(),
    row(
        "limitdescendantcount",
        "=<n>",
        "Deprecated: accept no transaction that gives an ancestor <n> or more unconfirmed descendants (default: 25). \
         Replaced by limits on clusters (see -limitclustercount); the wallet alone still uses it when choosing coins",
    )
    .debug_only(),
    row("logips", "", "Include IP addresses in log output (default: 0)"),
    row(
        "logjson",
        "=<file>",
        "Write the log to this file too, one JSON object a line. A relative path starts at the network's data directory. \
         (default: none)",
    ),
    row("loglevelalways", "", "Always prepend a category and level (default: 0)"),
    row(
        "loglevel",
        "=<level>|<category>:<level>",
        "Set the least level that is logged for categories enabled with -debug or the logging RPC, for all or for one of \
         them. Levels are info, debug, trace (default=debug); error, warning and info are always logged. \
         <category>:<level> counts more than <level> and may be given several times. <category> can be: {categories}.",
    )
    .debug_only()
    .no_negation()
    .no_elision(),
    row("logratelimit", "", "Limit the rate of messages that are always logged, so that no attack fills the disk (default: 1)"),
    row(
        "logsourcelocations",
        "",
        "Prepend debug output with its place in the source code (source file, line number and function name) (default: 0)",
    ),
    row("logthreadnames", "", "Prepend debug output with name of the originating thread (default: 0)"),
    row("logtimemicros", "", "Add microsecond precision to debug timestamps (default: 0)").debug_only(),
    row("logtimestamps", "", "Prepend debug output with timestamp (default: 1)"),
    row("maxsigcachesize", "=<n>", "Most memory for the caches of signatures and scripts together, in MiB (default: 32)").debug_only(),
    row(
        "maxtipage",
        "=<n>",
        "Age of the best block in seconds beyond which the node is in initial block download (default: 86400)",
    )
    .debug_only(),
    row("mocktime", "=<n>", "Use this UNIX epoch time rather than the real one (default: 0)").debug_only(),
    row("printpriority", "", "Log fee rates in {unit}/kvB when making blocks (default: 0)").debug_only(),
    row("printtoconsole", "", "Send trace/debug info to console (default: 1 when no -daemon. -nodebuglogfile writes no log file)"),
    row("shrinkdebugfile", "", "Shorten a long debug log file at start-up (default: 1 when no -debug)"),
    row("stopafterblockimport", "", "Stop after importing blocks from disk (default: 0)").debug_only(),
    row(
        "stopatheight",
        "",
        "Stop when the main chain has reached this height (default: 0). Blocks above it may still be processed at shutdown.",
    )
    .debug_only(),
    row(
        "test",
        "=<option>",
        "Switch on an option for tests: addrman (use a deterministic address manager), \
         reindex_after_failure_noninteractive_yes (answer 'yes' when asked to reindex after a failure), bip94 (enforce the \
         rules of BIP94).",
    )
    .debug_only(),
    row("uacomment", "=<cmt>", "Append this comment to the user agent string"),
    // Switched on by tests; and options that are gone, kept so that using them gets a better answer than "no such
    // option".
    hidden("checkpoints"),
    hidden("dbcrashratio"),
    hidden("forcecompactdb"),
    hidden("limitancestorsize"),
    hidden("limitdescendantsize"),
];
