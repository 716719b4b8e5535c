//! Which chain, shared by every program; then relay policy and block creation.

use coin::ChainKind;

use crate::spec::{Category, OptionSpec, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Chain, name, hint, help)
}

const fn relay(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::NodeRelay, name, hint, help)
}

const fn mining(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::BlockCreation, name, hint, help)
}

pub(super) const CHAIN: &[OptionSpec] = &[
    row("chain", "=<chain>", "Use the chain <chain> (default: main). Allowed values: {chains}"),
    row(
        "regtest",
        "",
        "Use the regression test chain, on which blocks are solved at once. Meant for tests and for developing \
         applications. Same as -chain=regtest.",
    )
    .debug_only()
    .for_chain(ChainKind::Regtest),
    row(
        "signet",
        "",
        "Use the signet chain. Same as -chain=signet. Which network that is follows from -signetchallenge",
    )
    .for_chain(ChainKind::Signet),
    row(
        "signetchallenge",
        "",
        "Blocks must satisfy this script (signet only; defaults to the challenge of the public signet test network)",
    )
    .no_negation()
    .for_chain(ChainKind::Signet),
    row(
        "signetseednode",
        "",
        "Seed node of the signet network, as hostname[:port], e.g. sig.net:1234 (may be given several times; defaults to \
         the seed nodes of the public signet test network)",
    )
    .no_negation()
    .for_chain(ChainKind::Signet),
    row("testnet", "", "Use the {testnet} chain. Same as -chain=test.{testnet_note}").for_chain(ChainKind::Test),
    row("testnet4", "", "Use the testnet4 chain. Same as -chain=testnet4.").for_chain(ChainKind::Testnet4),
    row(
        "vbparams",
        "=deployment:start:end[:min_activation_height]",
        "Use these start and end times and this least activation height for a version bits deployment (test-only)",
    )
    .debug_only(),
    option(
        Category::DebugTest,
        "testactivationheight",
        "=name@height.",
        "Activate 'name' (segwit, bip34, dersig, cltv, csv) at this height. (test-only)",
    )
    .debug_only(),
];

pub(super) const RELAY: &[OptionSpec] = &[
    relay("acceptnonstdtxn", "", "Relay and mine \"non-standard\" transactions (test networks only; default: 0)")
        .debug_only(),
    relay("bytespersigop", "", "Bytes that a signature operation counts as, for relay and mining (default: 20)"),
    relay("datacarrier", "", "Relay and mine transactions that carry data (default: 1)"),
    relay(
        "datacarriersize",
        "",
        "Relay and mine transactions whose data-carrying output scripts have at most this size together (default: 100000)",
    ),
    relay(
        "dustrelayfee",
        "=<amt>",
        "Fee rate (in {unit}/kvB) that defines dust: an output that costs more to spend at this rate than it holds. \
         (default: 0.00003)",
    )
    .debug_only(),
    relay(
        "incrementalrelayfee",
        "=<amt>",
        "Fee rate (in {unit}/kvB) that pays for relay, used by the mempool's limits and by replacement. \
         (default: 0.000001)",
    )
    .debug_only(),
    relay(
        "minrelaytxfee",
        "=<amt>",
        "Fee rates (in {unit}/kvB) below this count as no fee for relay, mining and new transactions (default: 0.000001)",
    ),
    relay("permitbaremultisig", "", "Relay transactions with bare multisig outputs (default: 1)"),
    relay(
        "privatebroadcast",
        "",
        "Send transactions of the sendrawtransaction RPC over short-lived connections through Tor or I2P, without putting \
         them in the mempool first. Transactions of the wallet are not affected (default: 0)",
    ),
    relay("txsendrate", "=<n>", "Most transactions a second sent to incoming peers in the long run (default: 14 tx/s)")
        .debug_only(),
    relay(
        "whitelistforcerelay",
        "",
        "Give 'forcerelay' to whitelisted peers with default permissions: their transactions are relayed even when already \
         in the mempool. (default: 0)",
    ),
    relay(
        "whitelistrelay",
        "",
        "Give 'relay' to whitelisted peers with default permissions: their transactions are accepted even when not \
         relaying (default: 1)",
    ),
    mining("blockmaxweight", "=<n>", "Most weight of a new block, by BIP141 (default: {block_weight})").debug_only(),
    mining(
        "blockmintxfee",
        "=<amt>",
        "Least fee rate (in {unit}/kvB) of transactions in a new block. (default: 0.00000001)",
    ),
    mining(
        "blockreservedweight",
        "=<n>",
        "Weight left free for the block header and the largest coinbase transaction that mining software may add. Counts \
         for mining by RPC, not by IPC. (default: 8000).",
    ),
    mining("blockversion", "=<n>", "Set the version of new blocks, to test forks").debug_only(),
];
