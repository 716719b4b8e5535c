//! Options about peers: who to connect to, where to listen, through which proxy.

use crate::spec::{Category, OptionSpec, option};

const fn row(name: &'static str, hint: &'static str, help: &'static str) -> OptionSpec {
    option(Category::Connection, name, hint, help)
}

pub(super) const SERVER: &[OptionSpec] = &[
    row(
        "addnode",
        "=<ip>",
        "Connect to this node and try to keep the connection (see the addnode RPC). May be given several times; at most 8 \
         such connections are open at a time, not counted by -maxconnections.",
    )
    .network_only(),
    row(
        "asmap",
        "=<file>",
        "Sort peers into groups by this map from addresses to autonomous systems. A relative path starts at the network's \
         data directory.",
    ),
    row("bantime", "=<n>", "How long a ban set by hand lasts by default, in seconds (default: 86400)"),
    row(
        "bind",
        "=<addr>[:<port>][=onion]",
        "Always listen on this address (default: 0.0.0.0). Write IPv6 as [host]:port. With =onion, connections to this \
         address and port count as coming from Tor (default: {onion_ports}). Port 0 lets the system choose.",
    )
    .network_only(),
    row(
        "cjdnsreachable",
        "",
        "This host is set up for CJDNS: connections to fc00::/8 lead to the CJDNS network (default: 0)",
    ),
    row(
        "connect",
        "=<ip>",
        "Connect to this node only; -noconnect makes no automatic connections. The rules for the peer are those of \
         -addnode. May be given several times.",
    )
    .network_only(),
    row("discover", "", "Find out own addresses (default: 1 when listening and no -externalip or -proxy)"),
    row("dns", "", "Look up names given to -addnode, -seednode and -connect (default: 1)"),
    row(
        "dnsseed",
        "",
        "Ask DNS seeds for peers when few addresses are known (default: 1 unless -connect used or -maxconnections=0)",
    ),
    row("externalip", "=<ip>", "Specify your own public address"),
    row("fixedseeds", "", "Use the built-in list of peers when DNS seeds give none (default: 1)"),
    row("forcednsseed", "", "Always ask DNS seeds for peers (default: 0)"),
    row("i2pacceptincoming", "", "Accept connections from I2P (default: 1). Counts with -i2psam only: the SAM proxy listens, not the node."),
    row("i2psam", "=<ip:port>", "I2P SAM proxy through which to reach and to accept I2P peers"),
    row(
        "inboundrelaypercent",
        "=<n>",
        "At most this share of incoming connections may relay transactions, which bounds memory (0 to 100, default: 50).",
    ),
    row("listen", "", "Accept connections from outside (default: 1 if no -proxy, -connect or -maxconnections=0)"),
    row("listenonion", "", "Create a Tor onion service by itself (default: 1)"),
    row(
        "maxconnections",
        "=<n>",
        "Keep at most <n> automatic connections to peers (default: 200), 11 of them outgoing. See -inboundrelaypercent \
         for the limits of incoming peers that relay transactions. Not counted are connections made by hand with -addnode \
         or the addnode RPC, which have their own limit of 8, and short-lived ones of private broadcast, limited to 64.",
    ),
    row("maxreceivebuffer", "=<n>", "Receive buffer of one connection, <n>*1000 bytes (default: 5000)"),
    row("maxsendbuffer", "=<n>", "Send buffer of one connection, <n>*1000 bytes (default: 1000)"),
    row(
        "maxuploadtarget",
        "=<n>",
        "Try to send less than this in 24 hours. Peers with the 'download' permission and blocks of the last week do not \
         count. 0 = no limit (default: 0M). Units: [k|K|m|M|g|G|t|T] (default: M), lower case by 1000, upper case by 1024",
    ),
    row("natpmp", "", "Map the listening port with PCP or NAT-PMP (default: 1)"),
    row("networkactive", "", "Talk to peers at all (default: 1). The setnetworkactive RPC changes it"),
    row(
        "onion",
        "=<ip:port|path>",
        "Reach Tor onion services through this SOCKS5 proxy, or not at all with -noonion (default: -proxy). May be a local \
         path behind 'unix:'.",
    ),
    row(
        "onlynet",
        "=<net>",
        "Make automatic outgoing connections on this network only (ipv4, ipv6, onion, i2p, cjdns). Incoming connections \
         and those made by hand are not affected. May be given several times.",
    ),
    row("peerblockfilters", "", "Serve compact block filters to peers, by BIP 157 (default: 0)"),
    row("peerbloomfilters", "", "Support filtering of blocks and transactions with bloom filters (default: 0)"),
    row(
        "peertimeout",
        "=<n>",
        "Seconds that a new connection has before it may be dropped for being idle (minimum: 1, default: 60)",
    )
    .debug_only(),
    row(
        "port",
        "=<port>",
        "Listen for peers on <port> (default: {p2p_ports}; 0 lets the system choose). Not for I2P. Unless set otherwise, \
         the port for Tor is the next one.",
    )
    .network_only(),
    row(
        "proxy",
        "=<ip>[:<port>]|unix:<path>[=<network>]",
        "Connect through this SOCKS5 proxy, or through none with -noproxy. May be a local path behind 'unix:' if the \
         proxy can do that. With =network at its end it counts for that network only: ipv4, ipv6, tor or cjdns. \
         (default: disabled)",
    )
    .no_elision(),
    row(
        "proxyrandomize",
        "",
        "Use new random credentials for each connection through the proxy, so that Tor keeps streams apart (default: 1)",
    ),
    row(
        "seednode",
        "=<ip>",
        "Ask this node for peers and disconnect. May be given several times. At start-up they are tried before DNS seeds.",
    ),
    row(
        "timeout",
        "=<n>",
        "Give up connecting to a peer after this many milliseconds (minimum: 1, default: 5000)",
    ),
    row(
        "torcontrol",
        "=<ip>:<port>",
        "Tor's control address, used for -listenonion (default: 127.0.0.1:9051). Without a port, 9051 is used.",
    ),
    row("torpassword", "=<pass>", "Password for Tor's control port (default: empty)").sensitive(),
    row("txreconciliation", "", "Reconcile transactions with peers by BIP 330 (default: 0)").debug_only(),
    row("v2transport", "", "Support the encrypted v2 transport (default: 1)"),
    row(
        "whitebind",
        "=<[permissions@]addr>",
        "Listen on this address and give its peers permissions. Write IPv6 as [host]:port. Permissions: bloomfilter (may \
         ask for BIP37 filtered blocks and transactions), noban (no ban for misbehaviour; implies download), forcerelay \
         (relay what is already in the mempool; implies relay), relay (relay even with -blocksonly, announce without \
         limit), mempool (may ask for the mempool by BIP35), download (may ask for headers during initial download, no \
         disconnect after -maxuploadtarget), addr (address requests bypass the cache and get fresh random records). \
         Separate several by commas (default: download,noban,mempool,relay). May be given several times.",
    ),
    row(
        "whitelist",
        "=<[permissions@]IP address or network>",
        "Give permissions to peers with this address (1.2.3.4) or in this network (1.2.3.0/24). Permissions as for \
         -whitebind, and \"in\" and \"out\" for incoming connections and those made by hand (default: incoming only). May \
         be given several times.",
    ),
];

pub(super) const ZMQ: &[OptionSpec] = &[
    option(Category::Zmq, "zmqpubhashblock", "=<address>", "Publish hashes of blocks at <address>"),
    option(
        Category::Zmq,
        "zmqpubhashblockhwm",
        "=<n>",
        "Most messages that wait for a slow subscriber of block hashes (default: 1000)",
    ),
    option(Category::Zmq, "zmqpubhashtx", "=<address>", "Publish hashes of transactions at <address>"),
    option(
        Category::Zmq,
        "zmqpubhashtxhwm",
        "=<n>",
        "Most messages that wait for a slow subscriber of transaction hashes (default: 1000)",
    ),
    option(Category::Zmq, "zmqpubrawblock", "=<address>", "Publish blocks at <address>"),
    option(
        Category::Zmq,
        "zmqpubrawblockhwm",
        "=<n>",
        "Most messages that wait for a slow subscriber of blocks (default: 1000)",
    ),
    option(Category::Zmq, "zmqpubrawtx", "=<address>", "Publish transactions at <address>"),
    option(
        Category::Zmq,
        "zmqpubrawtxhwm",
        "=<n>",
        "Most messages that wait for a slow subscriber of transactions (default: 1000)",
    ),
    option(
        Category::Zmq,
        "zmqpubsequence",
        "=<address>",
        "Publish the sequence of block and mempool events at <address>",
    ),
    option(
        Category::Zmq,
        "zmqpubsequencehwm",
        "=<n>",
        "Most messages that wait for a slow subscriber of the sequence (default: 1000)",
    ),
];
