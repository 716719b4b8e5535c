//! Options of the wallet, and the commands of the offline wallet tool.

use crate::spec::{Category, OptionSpec, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Wallet, name, hint, help)
}

const fn test(name: &'static str, help: &'static str) -> OptionSpec {
    option(Category::WalletDebugTest, name, "", help).debug_only()
}

pub(super) const SERVER: &[OptionSpec] = &[
    row(
        "addresstype",
        "",
        "Type of new addresses (\"legacy\", \"p2sh-segwit\", \"bech32\", \"bech32m\", default: \"bech32\")",
    ),
    row(
        "avoidpartialspends",
        "",
        "Spend all coins of an address together or none of them. Addresses are then mostly emptied at once and change is \
         joined in clean addresses, which is better for privacy; fees may be higher, because coins are chosen less freely \
         and more inputs may be used. Always on for wallets with \"avoid_reuse\", otherwise default: 0.",
    ),
    row(
        "changetype",
        "",
        "Type of change addresses (\"legacy\", \"p2sh-segwit\", \"bech32\", \"bech32m\"). By default \"legacy\" with \
         -addresstype=legacy, else the wallet chooses.",
    ),
    row(
        "consolidatefeerate",
        "=<amt>",
        "Up to this fee rate (in {unit}/kvB) a transaction may use more inputs than it needs, so that the wallet holds \
         fewer coins (default: 0.0001).",
    ),
    row("disablewallet", "", "Load no wallet and offer no wallet RPCs"),
    row(
        "discardfee",
        "=<amt>",
        "Fee rate (in {unit}/kvB) up to which small change is given to the fee (default: 0.0001). Change that is dust at \
         this rate is dropped; the dust relay fee is the least rate, and the estimate for the longest target the highest",
    ),
    row(
        "fallbackfee",
        "=<amt>",
        "Fee rate (in {unit}/kvB) to use when there is no estimate. 0 switches it off. (default: 0.00)",
    ),
    row(
        "keypool",
        "=<n>",
        "Number of keys prepared in advance (default: 1000). Warning: with fewer, funds may be lost when an old backup is \
         restored in whose pool no address had been used.",
    ),
    row(
        "maxapsfee",
        "=<n>",
        "Spend at most this much more in fees (in {unit}) for avoiding partial spends (default: 0.00)",
    ),
    option(
        Category::DebugTest,
        "maxtxfee",
        "=<amt>",
        "Most fees (in {unit}) that one wallet transaction may pay; too low a limit may stop large transactions \
         (default: 0.10)",
    ),
    row("mintxfee", "=<amt>", "Fee rates (in {unit}/kvB) below this count as no fee for new transactions (default: 0.00001)"),
    row("signer", "=<cmd>", "Program that signs for wallets with an external signer"),
    row("spendzeroconfchange", "", "Spend change that is not yet confirmed (default: 1)"),
    row("txconfirmtarget", "=<n>", "Pay fees so that a transaction begins to confirm within <n> blocks on average (default: 6)"),
    row(
        "wallet",
        "=<path>",
        "Load this wallet at start-up. May be given several times. <path> is a directory with wallet data and log files, \
         relative to <walletdir> unless absolute. Only existing wallets are loaded, none is created. Names of data files \
         directly in <walletdir> are accepted too, for old set-ups.",
    )
    .network_only(),
    row("walletbroadcast", "", "Let the wallet broadcast its transactions (default: 1)"),
    row(
        "walletdir",
        "=<dir>",
        "Specify the directory of wallets (default: <datadir>/wallets if it exists, otherwise <datadir>)",
    )
    .network_only(),
    row(
        "walletnotify",
        "=<cmd>",
        "Run this command when a wallet transaction changes. In cmd, %s is replaced by its id, %w by the wallet's name, %b \
         by the hash of its block ('unconfirmed' if in none) and %h by the block's height (-1 if in none). Do not quote %w: \
         it is quoted already.",
    ),
    row("walletrbf", "", "(DEPRECATED) Send transactions that signal full replace-by-fee (default: 1)"),
    test("unsafesqlitesync", "Do not wait until SQLite's data is on disk. Unsafe: data may be lost or damaged. For faster tests only (default: false)"),
    test("walletcrosschain", "Allow wallet files of one chain on another (default: 0)"),
    test("walletrejectlongchains", "Create no transactions that would break the mempool's chain limits (default: 1)"),
];

/// Options and commands of the tool. They are those of Bitcoin Core's `bitcoin-wallet`.
pub(super) const TOOL: &[OptionSpec] = &[
    option(Category::Options, "wallet", "=<wallet-name>", "Specify wallet name").network_only(),
    option(
        Category::CommandOptions,
        "dumpfile",
        "=<file name>",
        "With 'dump', the file to write the records to. With 'createfromdump', the file whose records make the new wallet.",
    )
    .no_negation(),
    option(Category::DebugTest, "debug", "=<category>", "Output debugging information (default: 0)."),
    option(
        Category::DebugTest,
        "printtoconsole",
        "",
        "Send trace/debug info to console (default: 1 when -debug is true, 0 otherwise).",
    ),
    option(Category::Commands, "create", "", "Create a new descriptor wallet file"),
    option(Category::Commands, "createfromdump", "", "Create a new wallet file from dumped records")
        .with_options(&["dumpfile"]),
    option(Category::Commands, "dump", "", "Print out all of the wallet's records").with_options(&["dumpfile"]),
    option(Category::Commands, "info", "", "Show information about the wallet"),
];
