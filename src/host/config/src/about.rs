//! What the programs say about themselves: the first line, the licence, how they are used.

use coin::Coin;

use crate::help::{self, fill};
use crate::names::Role;
use crate::table::Table;
use crate::text::wrap;

/// The version, as the programs print it.
pub const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

const DAEMON: &str = "\
The {client} daemon ({exe}) runs without windows. It connects to the {name} network, verifies blocks and transactions and \
passes them on, and passes on addresses of peers.

It is what other {name} programs build on: its RPC, REST and ZMQ services answer questions about transactions, blocks and \
addresses.

A wallet is part of it, and may be left out with -disablewallet.

It runs on its own or as a part of a server.

Usage: {exe} [options]

";

const GUI: &str = "\
{exe} is the graphical interface of {client}.

With it comes the node, as {coin}d runs it, and windows for wallets, the history of transactions and the state of the \
network.

It is for those who would rather not use a command line.

A payment request may be given as [URI], in the form of BIP21.

Usage: {exe} [options] [URI]

";

const CLI: &str = "\
{exe} sends commands to a {client} RPC server.

With it you can ask about the network, manage wallets, make and broadcast transactions, and control the server.

The command \"help\" lists all commands, \"help <command>\" explains one.
With -named, parameters are written as key=value, so that those not needed can be left out.

Usage: {exe} [options] <command> [params]
or:    {exe} [options] -named <command> [name=value]...
or:    {exe} [options] help
or:    {exe} [options] help <command>


";

const WALLET: &str = "\
{exe} makes {client} wallet files and shows what is in them, without a network.

It acts on the wallets of the main chain in the data directory, unless -datadir, -wallet and the chain options say \
otherwise.

With -ipcconnect or -ipcbind it is the wallet of a running node, and takes the options of {coin}-node.

Usage: {exe} [options] <command>


";

const LICENCE: &str = "\
Copyright (C) 2026 The Bulkhead developers

This is Bulkhead. It goes by the names and options of {client}, and is not made by the developers of {client}.

This is experimental software.
Distributed under the MIT software license, see the accompanying file LICENSE or <https://opensource.org/license/MIT>
";

/// The first line of `-version` and `-help`.
pub fn version_line(coin: &Coin, role: Role, executable: &str) -> String {
    let client = coin.client_name;
    match role {
        // The last word tells scripts which of the two twins is running.
        Role::Node | Role::Daemon => format!("{client} daemon version {VERSION} {executable}\n"),
        Role::Cli => format!("{client} RPC client version {VERSION}\n"),
        Role::Wallet => format!("{client} {executable} utility version {VERSION}\n"),
        Role::Gui | Role::Qt | Role::Wrapper => format!("{client} version {VERSION}\n"),
    }
}

/// The licence, as `-version` shows it.
pub fn licence(coin: &Coin) -> String {
    wrap(&fill(LICENCE, coin, Role::Daemon), 79, 0)
}

/// All of `-version`.
pub fn version(coin: &Coin, role: Role, executable: &str) -> String {
    version_line(coin, role, executable) + &licence(coin)
}

/// All of `-help`.
pub fn help(table: &Table, role: Role, executable: &str, show_debug: bool) -> String {
    let usage = match role {
        Role::Node | Role::Daemon => DAEMON,
        Role::Gui | Role::Qt => GUI,
        Role::Cli => CLI,
        Role::Wallet => WALLET,
        Role::Wrapper => "",
    };
    let coin = table.coin();
    let mut text = version_line(coin, role, executable);
    text.push('\n');
    text.push_str(&wrap(&fill(usage, coin, role), 79, 0));
    // The tools have no -help-debug, so they show everything at once.
    let show_debug = show_debug || table.option("help-debug").is_none();
    text.push_str(&help::options(table, role, show_debug));
    text
}
