//! The text of `-help`: groups in a fixed order, options by name, 79 columns.

use std::fmt::Write as _;

use coin::{Chain, ChainKind, Coin};

use crate::names::Role;
use crate::spec::{Category, OptionSpec};
use crate::table::Table;
use crate::text::wrap;

const WIDTH: usize = 79;

const GROUPS: [Category; 14] = [
    Category::Options,
    Category::Connection,
    Category::Wallet,
    Category::WalletDebugTest,
    Category::Zmq,
    Category::DebugTest,
    Category::Chain,
    Category::NodeRelay,
    Category::BlockCreation,
    Category::Rpc,
    Category::Gui,
    Category::Commands,
    Category::CliCommands,
    Category::Ipc,
];

/// The categories of debug logging in alphabetical order, as help lists them.
pub const LOG_CATEGORIES: &[&str] = &[
    "addrman",
    "bench",
    "blockstorage",
    "cmpctblock",
    "coindb",
    "estimatefee",
    "http",
    "i2p",
    "ipc",
    "kernel",
    "leveldb",
    "mempool",
    "mempoolrej",
    "net",
    "privatebroadcast",
    "proxy",
    "prune",
    "qt",
    "rand",
    "reindex",
    "rpc",
    "scan",
    "selectcoins",
    "tor",
    "txpackages",
    "txreconciliation",
    "validation",
    "walletdb",
    "zmq",
];

/// The options of a program; those for debugging only when asked for.
pub fn options(table: &Table, role: Role, show_debug: bool) -> String {
    let mut out = String::new();
    let coin = table.coin();
    let shown = |row: &&OptionSpec| show_debug || !row.debug_only;
    for category in GROUPS {
        let mut rows: Vec<_> = table.group(category).collect();
        // A title stands as soon as the group has options, even if all of them are for debugging.
        let Some(title) = category.title().filter(|_| !rows.is_empty()) else { continue };
        if category == Category::WalletDebugTest && !show_debug {
            continue;
        }
        rows.sort_by_key(|row| row.name);
        out.push_str(title);
        out.push_str("\n\n");
        for row in rows.into_iter().filter(shown) {
            entry(coin, role, row, 2, &mut out);
            for name in row.command_options {
                if let Some(suboption) = table.option(name).filter(|row| shown(row)) {
                    entry(coin, role, suboption, 7, &mut out);
                }
            }
        }
    }
    out
}

/// One option: its name, and its help five columns further in.
fn entry(coin: &Coin, role: Role, row: &OptionSpec, indent: usize, out: &mut String) {
    let inner = indent + 5;
    let help = wrap(&fill(row.help, coin, role), WIDTH - inner, inner);
    let _ = write!(out, "{:indent$}{}{}\n{:inner$}{help}\n\n", "", row.written(), row.hint, "");
}

/// Fills in a coin's names and numbers.
pub(crate) fn fill(template: &str, coin: &Coin, role: Role) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        out.push_str(&rest[..open]);
        out.push_str(&word(&rest[open + 1..open + length], coin, role));
        rest = &rest[open + length + 1..];
    }
    out.push_str(rest);
    out
}

fn word(name: &str, coin: &Coin, role: Role) -> String {
    match name {
        "coin" => coin.id.to_owned(),
        "name" => coin.name.to_owned(),
        "client" => coin.client_name.to_owned(),
        "exe" => crate::names::executable(coin, role),
        "unit" => coin.ticker.to_owned(),
        "conf" => coin.conf_file.to_owned(),
        "pid" => coin.pid_file.to_owned(),
        "chains" => coin.chains.iter().map(|chain| chain.kind.name()).collect::<Vec<_>>().join(", "),
        "testnet" => coin.chain(ChainKind::Test).map(label).unwrap_or_default(),
        // Bitcoin has a successor for this chain, the others have not.
        "testnet_note" if coin.chain(ChainKind::Testnet4).is_some() => {
            " Support for testnet3 is deprecated and will be removed in an upcoming release. Consider moving to testnet4 \
             now by using -testnet4."
                .to_owned()
        }
        "testnet_note" => String::new(),
        "block_weight" => coin.consensus.max_block_weight.to_string(),
        "rpc_port" => coin.main().rpc_port.to_string(),
        "p2p_ports" => by_chain(coin, true, |chain| chain.p2p_port.to_string()),
        "rpc_ports" => by_chain(coin, true, |chain| chain.rpc_port.to_string()),
        "onion_ports" => by_chain(coin, true, |chain| format!("127.0.0.1:{}=onion", chain.onion_port)),
        "assumevalid" => by_chain(coin, false, |chain| hex(&chain.assume_valid)),
        "minimumchainwork" => by_chain(coin, false, |chain| hex(&chain.minimum_chain_work)),
        "categories" => LOG_CATEGORIES.join(", "),
        unknown => format!("{{{unknown}}}"),
    }
}

fn label(chain: &Chain) -> String {
    chain.datadir_subdir.to_owned()
}

/// A value of the main chain, then those of the others behind their names.
fn by_chain(coin: &Coin, regtest: bool, value: impl Fn(&Chain) -> String) -> String {
    let shown = coin.chains.iter().filter(|chain| regtest || chain.kind != ChainKind::Regtest);
    let values = shown.map(|chain| match chain.kind {
        ChainKind::Main => value(chain),
        _ => format!("{}: {}", label(chain), value(chain)),
    });
    values.collect::<Vec<_>>().join(", ")
}

/// A number or hash as people read it: most significant byte first.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes.iter().rev() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
