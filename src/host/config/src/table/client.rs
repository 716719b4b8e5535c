//! Options of the RPC client and of the graphical interface.

use crate::spec::{Category, OptionSpec, hidden, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Options, name, hint, help)
}

const fn command(name: &'static str, help: &'static str) -> OptionSpec {
    option(Category::CliCommands, name, "", help)
}

pub(super) const CLI: &[OptionSpec] = &[
    row("conf", "=<file>", "Specify the configuration file. A relative path starts at the data directory. (default: {conf})"),
    command("addrinfo", "Show the number of addresses that the node knows, per network and in total."),
    command(
        "generate",
        "Make blocks: getnewaddress, then generatetoaddress. Two optional numbers may follow, the number of blocks \
         (default: 1) and the most tries (default: 1000000), as for generatetoaddress. Example: {coin}-cli -generate 4 1000",
    ),
    command(
        "getinfo",
        "Show general information about the node. The answer is put together from several requests, so parts of it may \
         come from different moments (the balance may be that of another block than the height).",
    ),
    command(
        "netinfo",
        "Show the node's connections to peers. A number from 0 to 4 may follow for different lists of peers (default: 0), \
         and behind one that is not 0 \"outonly\" (or \"o\") for outgoing peers only. \"help\" (or \"h\") explains it in \
         detail.",
    ),
    row(
        "color",
        "=<when>",
        "Colour the output (default: auto). Values: always, auto (when standard output is a terminal), never. Counts for \
         -getinfo only.",
    )
    .no_negation(),
    row("named", "", "Pass parameters by name rather than by position (default: false)"),
    row("rpcclienttimeout", "=<n>", "Seconds after which an HTTP request is given up, 0 for never. Not for IPC connections (see -ipcconnect). (default: 900)"),
    row("rpcconnect", "=<ip>", "Send commands to node running on <ip> (default: 127.0.0.1)"),
    row(
        "rpccookiefile",
        "=<loc>",
        "Location of the cookie file. A relative path starts at the network's data directory. (default: data dir)",
    ),
    row("rpcid", "=<id>", "Set the id of the JSON-RPC request (default: 1)").no_negation().no_elision(),
    row("rpcpassword", "=<pw>", "Password for JSON-RPC connections").sensitive(),
    row("rpcport", "=<port>", "Connect to JSON-RPC on <port> (default: {rpc_ports})").network_only(),
    row("rpcuser", "=<user>", "Username for JSON-RPC connections").sensitive(),
    row("rpcwait", "", "Wait for RPC server to start"),
    row("rpcwaittimeout", "=<n>", "Seconds to wait for the RPC server to start, 0 for ever. (default: 0)").no_negation(),
    row(
        "rpcwallet",
        "=<walletname>",
        "Use this wallet, named exactly as with the -wallet option of {coin}d. Requests then go to an address of its own, \
         e.g. http://127.0.0.1:{rpc_port}/wallet/<walletname>",
    ),
    row(
        "stdin",
        "",
        "Read more arguments from standard input, one per line until EOF/Ctrl-D; best for passphrases and other secrets. \
         With -stdinrpcpass, the first line is the RPC password.",
    ),
    row(
        "stdinrpcpass",
        "",
        "Read the RPC password from standard input, one line. With -stdin, it is the first line. With \
         -stdinwalletpassphrase, it is the first line and the passphrase the second.",
    ),
    row(
        "stdinwalletpassphrase",
        "",
        "Read the wallet passphrase from standard input, one line. With -stdin, it is the first line.",
    ),
];

const fn window(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Gui, name, hint, help)
}

pub(super) const GUI: &[OptionSpec] = &[
    window("choosedatadir", "", "Choose data directory on startup (default: 0)"),
    window("lang", "=<lang>", "Set language, for example \"de_DE\" (default: system locale)"),
    window("min", "", "Start minimized"),
    window(
        "platform",
        "=<name>",
        "What the GUI is drawn on: \"offscreen\" draws it on nothing, for tests and for machines without a display (default: \
         the desktop)",
    )
    .debug_only(),
    window("resetguisettings", "", "Reset all settings changed in the GUI"),
    window("splash", "", "Show splash screen on startup (default: 1)"),
    window("uiplatform", "", "Look of the user interface (one of windows, macosx, other; default: the system's)")
        .debug_only(),
];

/// The same options for programs without windows: accepted, because a configuration file may be shared.
pub(super) const GUI_HIDDEN: &[OptionSpec] = &[
    hidden("choosedatadir"),
    hidden("lang"),
    hidden("min"),
    hidden("resetguisettings"),
    hidden("splash"),
    hidden("uiplatform"),
];
