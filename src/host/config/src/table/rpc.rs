//! Options of the JSON-RPC server and of the sockets between processes.

use crate::spec::{Category, OptionSpec, hidden, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Rpc, name, hint, help)
}

pub(super) const SERVER: &[OptionSpec] = &[
    row("rest", "", "Accept public REST requests (default: 0)"),
    row(
        "rpcallowip",
        "=<ip>",
        "Allow JSON-RPC connections from this source: an address (1.2.3.4), a network (1.2.3.4/255.255.255.0 or \
         1.2.3.4/24), all of IPv4 (0.0.0.0/0) or all of IPv6 (::/0). RFC4193 addresses only if -cjdnsreachable=0. May be \
         given several times",
    ),
    row(
        "rpcauth",
        "=<userpw>",
        "Username and hashed password (HMAC-SHA-256) for JSON-RPC connections, as <USERNAME>:<SALT>$<HASH>. The client uses \
         rpcuser=<USERNAME> and rpcpassword=<PASSWORD>. May be given several times",
    )
    .sensitive(),
    row(
        "rpcbind",
        "=<addr>[:port]",
        "Listen for JSON-RPC connections on this address. Do not let the internet or another network that you do not trust \
         reach it! Counts only together with -rpcallowip. A port here counts more than -rpcport. Write IPv6 as [host]:port. \
         May be given several times (default: 127.0.0.1 and ::1 i.e., localhost)",
    )
    .network_only(),
    row(
        "rpccompat",
        "=<release>",
        "Answer in the shapes of an earlier release, for clients that know only those: 29, 30 or 31 (default: the current \
         one)",
    ),
    row(
        "rpccookiefile",
        "=<loc>",
        "Location of the cookie file. A relative path starts at the network's data directory. (default: data dir)",
    ),
    row(
        "rpccookieperms",
        "=<readable-by>",
        "Who may read the cookie file: [owner|group|all] (default: owner [via umask 0077])",
    ),
    row("rpcdoccheck", "", "Answer with an error when an RPC does not do what its documentation says (default: 0)").debug_only(),
    row("rpcpassword", "=<pw>", "Password for JSON-RPC connections").sensitive(),
    row(
        "rpcport",
        "=<port>",
        "Listen for JSON-RPC connections on <port> (default: {rpc_ports}; 0 lets the system choose)",
    )
    .network_only(),
    row("rpcservertimeout", "=<n>", "Seconds after which an idle HTTP request is given up (default: 30)").debug_only(),
    row("rpcthreads", "=<n>", "Number of threads that answer RPC calls (default: 16)"),
    row("rpcuser", "=<user>", "Username for JSON-RPC connections").sensitive(),
    row(
        "rpcwhitelist",
        "=<whitelist>",
        "Allow a user these RPCs only, as <USERNAME>:<rpc 1>,<rpc 2>,...,<rpc n>. Of several lists for one user, what is in \
         all of them counts. See -rpcwhitelistdefault for users without a list.",
    ),
    row(
        "rpcwhitelistdefault",
        "",
        "What users without a whitelist may do. Unless this is 0, they may call nothing as soon as there is any \
         -rpcwhitelist. If it is 1, they may call nothing even when there is none.",
    ),
    row("rpcworkqueue", "=<n>", "Most RPC calls that wait to be answered (default: 64)").debug_only(),
    row("server", "", "Accept command line and JSON-RPC commands"),
];

const fn ipc(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Ipc, name, hint, help)
}

const BIND: OptionSpec = ipc(
    "ipcbind",
    "=<address>",
    "Listen for other processes on this address: \"unix\" for <datadir>/node.sock, \"unix:<path>\" for another path, or \
     \"tcp:<host>:<port>\" with keys on both sides. May be given several times. Nothing by default. A relative path starts \
     at the network's data directory; missing directories are made. A local process that can open the socket has full RPC \
     access without a password, so choose a path that others cannot reach.",
);

const COMPAT: OptionSpec = ipc(
    "ipccompat",
    "=<release>",
    "Serve the mining interface of this release too, for clients that know only that one: 30 (default: none)",
);

/// The programs that are processes of their own. The monolithic twins know none of these.
pub(super) const MULTIPROCESS: &[OptionSpec] = &[
    BIND,
    COMPAT,
    ipc(
        "ipcconnect",
        "=<address>",
        "Attach to a running {coin}-node at this address rather than starting one: \"unix\", \"unix:<path>\" or \
         \"tcp:<host>:<port>\" as for -ipcbind, or \"auto\" for \"unix\" if something answers there. -noipcconnect never \
         attaches (default: none)",
    ),
    hidden("ipcfd"),
    ipc(
        "sandbox",
        "=<mode>",
        "Once it has started, the process of the wallets gives up for good, where the system can: starting programs, making \
         sockets (unless it has attached itself to a node), and the kernel's ways into itself and into other processes. 1 = \
         yes, unless -signer or -walletnotify names a program, which would be locked in too; 0 = no; log = only tell in the \
         system's log (default: 1)",
    ),
];

/// The client's way to the node.
pub(super) const CLIENT: &[OptionSpec] = &[ipc(
    "ipcconnect",
    "=<address>",
    "Send requests to {coin}-node through a socket between processes rather than by HTTP: \"unix\" for \
     <datadir>/node.sock, \"unix:<path>\" for another path, or \"auto\" for \"unix\" if something answers there and HTTP \
     otherwise. -noipcconnect never uses a socket. Default value: auto",
)];
