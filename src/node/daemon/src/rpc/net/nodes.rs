//! Connecting and disconnecting by hand.

use std::sync::mpsc::channel;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use p2p::{ConnectionKind, NODE_P2P_V2};
use primitives::hex;

use super::{ask, disabled};
use crate::{NodeContext, rpc::parse};

/// How long the name of a message may be.
const NAME_LEN: usize = 12;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![
        add_node(),
        disconnect_node(),
        added_node_info(),
        set_network_active(),
        add_connection(),
        send_message(),
        block_from_peer(),
    ]
}

fn usage(node: &NodeContext, request: &Request) -> RpcError {
    RpcError::misc(node.directory.help(&request.method))
}

fn add_node() -> Method<NodeContext> {
    method(
        "network",
        "addnode",
        "Attempts to add or remove a node from the addnode list.\n\
         Or try a connection to a node once.\n\
         Nodes added using addnode (or -connect) are protected from DoS disconnection and are not required to be\n\
         full nodes/support SegWit as other outbound peers are (though such peers will not be synced from).\n\
         Addnode connections are limited to 8 at a time and are counted separately from the -maxconnections limit.\n",
    )
    .arg(Arg::str("node", "The IP address/hostname optionally followed by :port of the peer to connect to"))
    .arg(Arg::str(
        "command",
        "'add' to add a node to the list, 'remove' to remove a node from the list, 'onetry' to try a connection to the node once",
    ))
    .arg(
        Arg::bool(
            "v2transport",
            "Attempt to connect using BIP324 v2 transport protocol (ignored for 'remove' command)",
        )
        .hint("set by -v2transport"),
    )
    .result(Res::none("", ""))
    .example_cli("\"192.168.0.6:8333\" \"onetry\" true")
    .example_rpc("\"192.168.0.6:8333\", \"onetry\" true")
    .run(answer_add)
}

fn answer_add(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let command = request.str("command")?.to_owned();
    if !matches!(command.as_str(), "onetry" | "add" | "remove") {
        return Err(usage(node, request));
    }
    let name = request.str("node")?.to_owned();
    if name.trim().is_empty() {
        return Err(RpcError::invalid_parameter("Error: Node address cannot be empty"));
    }
    let ours = ask(node, |net| net.options().services & NODE_P2P_V2 != 0)?;
    let v2 = request.opt_bool("v2transport")?.unwrap_or(ours);
    if v2 && !ours {
        return Err(RpcError::invalid_parameter("Error: v2transport requested but not enabled (see -v2transport)"));
    }
    match command.as_str() {
        "onetry" => {
            let (done, end) = channel();
            ask(node, move |net| net.connect(&name, ConnectionKind::Manual, v2, done))?;
            // Comes back when the call has come to its end, whichever.
            let _ = end.recv();
        }
        "add" => {
            if !ask(node, move |net| net.add_node(&name, v2))? {
                return Err(RpcError::new(Code::CLIENT_NODE_ALREADY_ADDED, "Error: Node already added"));
            }
        }
        _ => {
            if !ask(node, move |net| net.remove_node(&name))? {
                let text = "Error: Node could not be removed. It has not been added previously.";
                return Err(RpcError::new(Code::CLIENT_NODE_NOT_ADDED, text));
            }
        }
    }
    Ok(Json::Null)
}

fn add_connection() -> Method<NodeContext> {
    method(
        "hidden",
        "addconnection",
        "Open an outbound connection to a specified node. This RPC is for testing only.\n",
    )
    .arg(Arg::str("address", "The IP address and port to attempt connecting to."))
    .arg(Arg::str(
        "connection_type",
        "Type of connection to open (\"outbound-full-relay\", \"block-relay-only\", \"addr-fetch\" or \"feeler\").",
    ))
    .arg(Arg::bool("v2transport", "Attempt to connect using BIP324 v2 transport protocol"))
    .result(Res::obj(
        "",
        "",
        [
            Res::str("address", "Address of newly added connection."),
            Res::str("connection_type", "Type of connection opened."),
        ],
    ))
    .example_cli("\"192.168.0.6:8333\" \"outbound-full-relay\" true")
    .example_rpc("\"192.168.0.6:8333\" \"outbound-full-relay\" true")
    .run(|node: &NodeContext, request| {
        if node.config.chain().kind != coin::ChainKind::Regtest {
            return Err(RpcError::misc("addconnection is for regression testing (-regtest mode) only."));
        }
        let address = request.str("address")?.to_owned();
        let name = request.str("connection_type")?.trim().to_owned();
        let kinds = [
            ConnectionKind::OutboundFullRelay,
            ConnectionKind::BlockRelayOnly,
            ConnectionKind::AddrFetch,
            ConnectionKind::Feeler,
        ];
        let Some(kind) = kinds.into_iter().find(|kind| kind.name() == name) else {
            return Err(RpcError::invalid_parameter(node.directory.help(&request.method)));
        };
        let v2 = request.bool("v2transport")?;
        if v2 && !ask(node, |net| net.options().services & NODE_P2P_V2 != 0)? {
            return Err(RpcError::invalid_parameter(
                "Error: Adding v2transport connections requires -v2transport init flag to be set.",
            ));
        }
        let (done, end) = channel();
        let target = address.clone();
        if !ask(node, move |net| net.add_connection(&target, kind, v2, done))? {
            let text = "Error: Already at capacity for specified connection type.";
            return Err(RpcError::new(Code::CLIENT_NODE_CAPACITY_REACHED, text));
        }
        let _ = end.recv();
        Ok(Object::new().with("address", address).with("connection_type", name).into())
    })
}

fn disconnect_node() -> Method<NodeContext> {
    method(
        "network",
        "disconnectnode",
        "Immediately disconnects from the specified peer node.\n\
         \nStrictly one out of 'address' and 'nodeid' can be provided to identify the node.\n\
         \nTo disconnect by nodeid, either set 'address' to the empty string, or call using the named 'nodeid' argument only.\n",
    )
    .arg(Arg::str("address", "The IP address/port of the node").hint("fallback to nodeid"))
    .arg(Arg::num("nodeid", "The node ID (see getpeerinfo for node IDs)").hint("fallback to address"))
    .result(Res::none("", ""))
    .example_cli("\"192.168.0.6:8333\"")
    .example_cli("\"\" 1")
    .example_rpc("\"192.168.0.6:8333\"")
    .example_rpc("\"\", 1")
    .run(|node: &NodeContext, request| {
        let address = request.opt_str("address")?.map(str::to_owned);
        let id = request.opt_int::<i64>("nodeid")?;
        let found = match (address, id) {
            (Some(address), None) => ask(node, move |net| net.disconnect_name(&address))?,
            (address, Some(id)) if address.as_deref().is_none_or(str::is_empty) => match u64::try_from(id) {
                Ok(id) => ask(node, move |net| net.disconnect_id(id))?,
                Err(_) => false,
            },
            _ => {
                let text = "Only one of address and nodeid should be provided.";
                return Err(RpcError::new(Code::INVALID_PARAMS, text));
            }
        };
        if !found {
            return Err(RpcError::new(Code::CLIENT_NODE_NOT_CONNECTED, "Node not found in connected nodes"));
        }
        Ok(Json::Null)
    })
}

fn added_node_info() -> Method<NodeContext> {
    let address = [
        Res::str("address", "The bitcoin server IP and port we're connected to"),
        Res::str("connected", "connection, inbound or outbound"),
    ];
    let fields = [
        Res::str("addednode", "The node IP address or name (as provided to addnode)"),
        Res::bool("connected", "If connected"),
        Res::arr("addresses", "Only when connected = true", [Res::obj("", "", address)]),
    ];
    method(
        "network",
        "getaddednodeinfo",
        "Returns information about the given added node, or all added nodes\n(note that onetry addnodes are not listed here)\n",
    )
    .arg(
        Arg::str(
            "node",
            "If provided, return information about this specific node, otherwise all nodes are returned.",
        )
        .hint("all nodes"),
    )
    .result(Res::arr("", "", [Res::obj("", "", fields)]))
    .example_cli("\"192.168.0.201\"")
    .example_rpc("\"192.168.0.201\"")
    .run(|node: &NodeContext, request| {
        let mut list = ask(node, |net| net.added_nodes())?;
        if let Some(name) = request.opt_str("node")? {
            list.retain(|it| it.name == name);
            if list.is_empty() {
                return Err(RpcError::new(Code::CLIENT_NODE_NOT_ADDED, "Error: Node has not been added."));
            }
        }
        let show = |it: net::AddedNode| {
            let connected = it.connected.map(|(address, inbound)| {
                Object::new()
                    .with("address", address.to_string())
                    .with("connected", if inbound { "inbound" } else { "outbound" })
            });
            Object::new()
                .with("addednode", it.name)
                .with("connected", connected.is_some())
                .with("addresses", connected.into_iter().collect::<Json>())
        };
        Ok(list.into_iter().map(show).collect::<Json>())
    })
}

fn set_network_active() -> Method<NodeContext> {
    method("network", "setnetworkactive", "Disable/enable all p2p network activity.\n")
        .arg(Arg::bool("state", "true to enable networking, false to disable"))
        .result(Res::bool("", "The value that was passed in"))
        .run(|node: &NodeContext, request| {
            let now = node.set_network_active(request.bool("state")?).map_err(disabled)?;
            Ok(now.into())
        })
}

fn send_message() -> Method<NodeContext> {
    method(
        "hidden",
        "sendmsgtopeer",
        "Send a p2p message to a peer specified by id.\n\
         The message type and body must be provided, the message header will be generated.\n\
         This RPC is for testing only.",
    )
    .arg(Arg::num("peer_id", "The peer to send the message to."))
    .arg(Arg::str("msg_type", format!("The message type (maximum length {NAME_LEN})")))
    .arg(Arg::hex("msg", "The serialized message body to send, in hex, without a message header"))
    .result(Res::obj("", "", []))
    .example_cli("0 \"addr\" \"ffffff\"")
    .example_rpc("0 \"addr\" \"ffffff\"")
    .run(|node: &NodeContext, request| {
        let id: i64 = request.int("peer_id")?;
        let name = request.str("msg_type")?.to_owned();
        if name.len() > NAME_LEN {
            let text = format!("Error: msg_type too long, max length is {NAME_LEN}");
            return Err(RpcError::invalid_parameter(text));
        }
        let payload = hex::decode(request.str("msg")?)
            .ok_or_else(|| RpcError::invalid_parameter("Error parsing input for msg"))?;
        let sent = match u64::try_from(id) {
            Ok(id) => ask(node, move |net| net.send_message(id, &name, payload))?,
            Err(_) => false,
        };
        if !sent {
            return Err(RpcError::misc("Error: Could not send message to peer"));
        }
        Ok(Object::new().into())
    })
}

fn block_from_peer() -> Method<NodeContext> {
    method(
        "blockchain",
        "getblockfrompeer",
        "Attempt to fetch block from a given peer.\n\
         \n\
         We must have the header for this block, e.g. using submitheader.\n\
         The block will not have any undo data which can limit the usage of the block data in a context where the undo data is needed.\n\
         Subsequent calls for the same block may cause the response from the previous peer to be ignored.\n\
         Peers generally ignore requests for a stale block that they never fully verified, or one that is more than a month old.\n\
         When a peer does not respond with a block, we will disconnect.\n\
         Note: The block could be re-pruned as soon as it is received.\n\
         \n\
         Returns an empty JSON object if the request was successfully scheduled.",
    )
    .arg(Arg::hex("blockhash", "The block hash to try to fetch").skip_type_check())
    .arg(Arg::num("peer_id", "The peer to fetch it from (see getpeerinfo for peer IDs)"))
    .result(Res::obj("", "", []))
    .example_cli("\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\" 0")
    .example_rpc("\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\" 0")
    .run(|node: &NodeContext, request| {
        let hash = parse::hash(request, "blockhash")?;
        let id: i64 = request.int("peer_id")?;
        let Some((_, stored)) = node.reader().find(&hash) else {
            return Err(RpcError::misc("Block header missing"));
        };
        // Blocks beyond the tip would confuse pruning: which file they belong to depends on when they come.
        let tip = node.reader().tip().map_or(0, |tip| tip.height);
        if node.config.args().get_i64("prune", 0) != 0 && stored.height > tip {
            return Err(RpcError::misc(
                "In prune mode, only blocks that the node has already synced previously can be fetched from a peer",
            ));
        }
        if stored.has_data() {
            return Err(RpcError::misc("Block already downloaded"));
        }
        let Ok(id) = u64::try_from(id) else { return Err(RpcError::misc("Peer does not exist")) };
        ask(node, move |net| net.fetch_block(id, hash))?.map_err(|error| RpcError::misc(error.to_string()))?;
        Ok(Object::new().into())
    })
}
