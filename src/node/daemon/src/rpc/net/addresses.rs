//! What is known of other nodes' addresses.

use ::rpc::{Arg, Code, Json, Method, Object, Res, RpcError, method};
use net::NETWORKS as ALL;
use p2p::{Entry, Groups, NODE_NETWORK, NODE_WITNESS, NetAddr, PeerAddress, Service};

use super::{NETWORKS, ask};
use crate::{NodeContext, peers::options};

const EPOCH: &str = "UNIX epoch time";

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![node_addresses(), addrman_info(), add_peer_address(), raw_addrman(), export_map()]
}

fn node_addresses() -> Method<NodeContext> {
    let fields = [
        Res::time("time", format!("The {EPOCH} when the node was last seen")),
        Res::num("services", "The services offered by the node"),
        Res::str("address", "The address of the node"),
        Res::num("port", "The port number of the node"),
        Res::str("network", format!("The network ({NETWORKS}) the node connected through")),
    ];
    method(
        "network",
        "getnodeaddresses",
        "Return known addresses, after filtering for quality and recency.\n\
         These can potentially be used to find new peers in the network.\n\
         The total number of addresses known to the node may be higher.",
    )
    .arg(
        Arg::num("count", "The maximum number of addresses to return. Specify 0 to return all known addresses.")
            .default(1),
    )
    .arg(
        Arg::str("network", format!("Return only addresses of the specified network. Can be one of: {NETWORKS}."))
            .hint("all networks"),
    )
    .result(Res::arr("", "", [Res::obj("", "", fields)]))
    .example_cli("8")
    .example_cli("4 \"i2p\"")
    .example(::rpc::Example::Cli { method: "-named getnodeaddresses".into(), args: "network=onion count=12".into() })
    .example_rpc("8")
    .example_rpc("4, \"i2p\"")
    .run(|node: &NodeContext, request| {
        let count: i32 = request.int("count")?;
        let count = usize::try_from(count).map_err(|_| RpcError::invalid_parameter("Address count out of range"))?;
        let network = match request.opt_str("network")? {
            None => None,
            Some(name) => Some(
                options::network(name)
                    .ok_or_else(|| RpcError::invalid_parameter(format!("Network not recognized: {name}")))?,
            ),
        };
        let most = if count == 0 { usize::MAX } else { count };
        let list = ask(node, move |net| {
            let now = net.unix_time();
            net.addresses().get_addr(most, 100, network, now)
        })?;
        let show = |it: PeerAddress| {
            Object::new()
                .with("time", it.time)
                .with("services", it.services)
                .with("address", it.service.addr.to_string())
                .with("port", it.service.port)
                .with("network", it.service.addr.network().name())
        };
        Ok(list.into_iter().map(show).collect::<Json>())
    })
}

fn addrman_info() -> Method<NodeContext> {
    let fields = [
        Res::num(
            "new",
            "number of addresses in the new table, which represent potential peers the node has discovered but hasn't yet successfully connected to.",
        ),
        Res::num(
            "tried",
            "number of addresses in the tried table, which represent peers the node has successfully connected to in the past.",
        ),
        Res::num("total", "total number of addresses in both new/tried tables"),
    ];
    method(
        "network",
        "getaddrmaninfo",
        "Provides information about the node's address manager by returning the number of addresses in the `new` and `tried` tables and their sum for all networks.\n",
    )
    .result(Res::obj_dyn(
        "",
        "json object with network type as keys",
        [Res::obj("network", format!("the network ({NETWORKS}, all_networks)"), fields)],
    ))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        let counts = ask(node, |net| {
            let addresses = net.addresses();
            let of = |network| (addresses.len(network, Some(false)), addresses.len(network, Some(true)));
            let mut list: Vec<(&str, (usize, usize))> = ALL.iter().map(|it| (it.name(), of(Some(*it)))).collect();
            list.push(("all_networks", of(None)));
            list
        })?;
        let show = |all: Object, (name, (new, tried)): (&'static str, (usize, usize))| {
            all.with(name, Object::new().with("new", new).with("tried", tried).with("total", new + tried))
        };
        Ok(counts.into_iter().fold(Object::new(), show).into())
    })
}

fn add_peer_address() -> Method<NodeContext> {
    method(
        "hidden",
        "addpeeraddress",
        "Add the address of a potential peer to an address manager table. This RPC is for testing only.",
    )
    .arg(Arg::str("address", "The IP address of the peer"))
    .arg(Arg::num("port", "The port of the peer"))
    .arg(Arg::bool("tried", "If true, attempt to add the peer to the tried addresses table").default(false))
    .result(Res::obj(
        "",
        "",
        [
            Res::bool("success", "whether the peer address was successfully added to the address manager table"),
            Res::str("error", "error description, if the address could not be added").optional(),
        ],
    ))
    .example_cli("\"1.2.3.4\" 8333 true")
    .example_rpc("\"1.2.3.4\", 8333, true")
    .run(|node: &NodeContext, request| {
        let text = request.str("address")?;
        let port: u16 = request.int("port")?;
        let tried = request.bool("tried")?;
        let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
        let addr: NetAddr =
            bare.parse().map_err(|_| RpcError::new(Code::CLIENT_INVALID_IP_OR_SUBNET, "Invalid IP address"))?;
        let problem = ask(node, move |net| {
            let now = net.unix_time();
            let service = net::target::as_cjdns(Service { addr, port }, net.options().cjdns);
            let time = u32::try_from(now).unwrap_or(u32::MAX);
            let entry = PeerAddress { time, services: NODE_NETWORK | NODE_WITNESS, service };
            // It is as if the peer told us of itself.
            if net.addresses().add(&[entry], service.addr, 0, now) == 0 {
                return Some("failed-adding-to-new");
            }
            (tried && !net.addresses().good(&service, now)).then_some("failed-adding-to-tried")
        })?;
        let mut answer = Object::new();
        if let Some(problem) = problem {
            answer.push("error", problem);
        }
        Ok(answer.with("success", problem.is_none()).into())
    })
}

fn raw_addrman() -> Method<NodeContext> {
    let fields = [
        Res::str("address", "The address of the node"),
        Res::num(
            "mapped_as",
            "Mapped AS (Autonomous System) number at the end of the BGP route to the peer, used for diversifying peer selection (only displayed if the -asmap config option is set)",
        )
        .optional(),
        Res::num("port", "The port number of the node"),
        Res::str("network", format!("The network ({NETWORKS}) of the address")),
        Res::num("services", "The services offered by the node"),
        Res::time("time", format!("The {EPOCH} when the node was last seen")),
        Res::str("source", "The address that relayed the address to us"),
        Res::str("source_network", format!("The network ({NETWORKS}) of the source address")),
        Res::num(
            "source_mapped_as",
            "Mapped AS (Autonomous System) number at the end of the BGP route to the source, used for diversifying peer selection (only displayed if the -asmap config option is set)",
        )
        .optional(),
    ];
    let place = Res::obj("bucket/position", "the location in the address manager table (<bucket>/<position>)", fields);
    let table = Res::obj_dyn("table", "buckets with addresses in the address manager table ( new, tried )", [place]);
    method(
        "hidden",
        "getrawaddrman",
        "EXPERIMENTAL warning: this call may be changed in future releases.\n\
         \nReturns information on all address manager entries for the new and tried tables.\n",
    )
    .result(Res::obj_dyn("", "", [table]))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        let tables = ask(node, |net| {
            [false, true].map(|tried| {
                let places = net.addresses().table(tried);
                places.map(|(bucket, place, entry)| (format!("{bucket}/{place}"), entry.clone())).collect::<Vec<_>>()
            })
        })?;
        let groups = ask(node, |net| net.options().groups.clone())?;
        let show = |list: Vec<(String, Entry)>| {
            list.into_iter().fold(Object::new(), |all, (place, entry)| all.with(place, show_entry(&entry, &groups)))
        };
        let [new, tried] = tables.map(show);
        Ok(Object::new().with("new", new).with("tried", tried).into())
    })
}

fn show_entry(entry: &Entry, groups: &Groups) -> Object {
    let it = entry.address;
    let mut shown = Object::new().with("address", it.service.addr.to_string());
    if let Some(number) = groups.number(&it.service.addr) {
        shown.push("mapped_as", number);
    }
    let mut shown = shown
        .with("port", it.service.port)
        .with("services", it.services)
        .with("time", it.time)
        .with("network", it.service.addr.network().name())
        .with("source", entry.source.to_string())
        .with("source_network", entry.source.network().name());
    if let Some(number) = groups.number(&entry.source) {
        shown.push("source_mapped_as", number);
    }
    shown
}

fn export_map() -> Method<NodeContext> {
    let fields = [
        Res::str("path", "the absolute path that the ASMap data was written to"),
        Res::num("bytes_written", "the number of bytes written to the file"),
        Res::hex("file_hash", "the SHA256 hash of the exported ASMap data"),
    ];
    method(
        "network",
        "exportasmap",
        "Export the embedded ASMap data to a file. Any existing file at the path will be overwritten.\n",
    )
    .arg(Arg::str("path", "Path to the output file. If relative, will be prefixed by datadir."))
    .result(Res::obj("", "", fields))
    .example_cli("\"asmap.dat\"")
    .example_rpc("\"asmap.dat\"")
    // A map ages, so none is part of the program; the reference without one says the same.
    .run(|_: &NodeContext, _| Err(RpcError::misc("No embedded ASMap data available")))
}
