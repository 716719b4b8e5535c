//! Options that only some coins have.

use coin::TxFormat;

use crate::spec::{Category, OptionSpec, option};

const FORMAT: TxFormat = TxFormat::Syscoin;

/// A row for the height at which a rule starts on regtest.
const fn start(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::DebugTest, name, hint, help).debug_only().for_format(FORMAT)
}

/// The options of nodes.
pub(super) const SERVER: &[OptionSpec] = &[
    option(
        Category::DebugTest,
        "bitcoinmode",
        "",
        "Let values keep their worth, so that tests written for other coins can be run (regtest-only, default: 0)",
    )
    .debug_only()
    .for_format(TxFormat::FreicoinLockHeight),
    option(
        Category::Options,
        "syscoinbase",
        "",
        "Follow this chain without verifying what the NEVM, masternodes and their quorums decide on it. What is not verified \
         is told at start, in the log and in the warnings of getblockchaininfo. Without this option the node stops before \
         the first block that needs it (default: 0)",
    )
    .for_format(FORMAT),
    start("bridgev2startheight", "=<n>", "Start the rules of the second bridge at this height (regtest-only)"),
    start("btccstartheight", "=<n>", "Let blocks from this height on name blocks of Bitcoin (regtest-only)"),
    start("clreceiptstartheight", "=<n>", "Start the strict form of asset lists at this height (regtest-only)"),
    start("dip3params", "=<n:m>", "Start masternodes and assets at height n; m is not used (regtest-only)"),
    start("nevmstartheight", "=<n>", "Start the NEVM's block times at this height (regtest-only)"),
];
