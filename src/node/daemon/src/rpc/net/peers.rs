//! Who is connected: `getpeerinfo`, `getconnectioncount`, `getnettotals`, `ping`.

use std::time::Duration;

use ::rpc::{Json, Method, Object, Request, Res, RpcError, method};
use net::PeerInfo;
use p2p::ConnectionKind;
use primitives::hex;

use super::{NETWORKS, ask, service_names};
use crate::NodeContext;

const EPOCH: &str = "UNIX epoch time";

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![connection_count(), ping(), peer_info(), net_totals()]
}

fn connection_count() -> Method<NodeContext> {
    method("network", "getconnectioncount", "Returns the number of connections to other nodes.\n")
        .result(Res::num("", "The connection count"))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let (inbound, outbound) = ask(node, |net| net.counts())?;
            Ok((inbound + outbound).into())
        })
}

fn ping() -> Method<NodeContext> {
    method(
        "network",
        "ping",
        "Requests that a ping be sent to all other nodes, to measure ping time.\n\
         Results are provided in getpeerinfo.\n\
         Ping command is handled in queue with all other commands, so it measures processing backlog, not just network ping.\n",
    )
    .result(Res::none("", ""))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        ask(node, |net| net.ping())?;
        Ok(Json::Null)
    })
}

fn peer_fields() -> Vec<Res> {
    let time = |key: &'static str, what: &str| Res::time(key, format!("The {EPOCH} {what}"));
    vec![
        Res::num("id", "Peer index"),
        Res::str("addr", "(host:port) The IP address/hostname optionally followed by :port of the peer"),
        Res::str("addrbind", "(ip:port) Bind address of the connection to the peer").optional(),
        Res::str("addrlocal", "(ip:port) Local address as reported by the peer").optional(),
        Res::str("network", format!("Network ({NETWORKS}, not_publicly_routable)")),
        Res::num(
            "mapped_as",
            "Mapped AS (Autonomous System) number at the end of the BGP route to the peer, used for diversifying\npeer selection (only displayed if the -asmap config option is set)",
        )
        .optional(),
        Res::hex("services", "The services offered"),
        Res::arr(
            "servicesnames",
            "the services offered, in human-readable form",
            [Res::str("SERVICE_NAME", "the service name if it is recognised")],
        ),
        Res::bool("relaytxes", "Whether we relay transactions to this peer"),
        Res::num("last_inv_sequence", "Mempool sequence number of this peer's last INV").since(31),
        Res::num("inv_to_send", "How many txs we have queued to announce to this peer").since(31),
        time("lastsend", "of the last send"),
        time("lastrecv", "of the last receive"),
        time("last_transaction", "of the last valid transaction received from this peer"),
        time("last_block", "of the last block received from this peer"),
        Res::num("bytessent", "The total bytes sent"),
        Res::num("bytesrecv", "The total bytes received"),
        time("conntime", "of the connection"),
        Res::num("timeoffset", "The time offset in seconds"),
        Res::num("pingtime", "The last ping time in seconds, if any").optional(),
        Res::num("minping", "The minimum observed ping time in seconds, if any").optional(),
        Res::num("pingwait", "The duration in seconds of an outstanding ping (if non-zero)").optional(),
        Res::num("version", "The peer version, such as 70001"),
        Res::str("subver", "The string version"),
        Res::bool("inbound", "Inbound (true) or Outbound (false)"),
        Res::bool("bip152_hb_to", "Whether we selected peer as (compact blocks) high-bandwidth peer"),
        Res::bool("bip152_hb_from", "Whether peer selected us as (compact blocks) high-bandwidth peer"),
        Res::num("startingheight", "(DEPRECATED, returned only with -rpccompat=30 or below) The starting height (block) of the peer")
            .optional(),
        Res::num(
            "presynced_headers",
            "The current height of header pre-synchronization with this peer, or -1 if no low-work sync is in progress",
        ),
        Res::num("synced_headers", "The last header we have in common with this peer"),
        Res::num("synced_blocks", "The last block we have in common with this peer"),
        Res::arr("inflight", "", [Res::num("n", "The heights of blocks we're currently asking from this peer")]),
        Res::bool("addr_relay_enabled", "Whether we participate in address relay with this peer"),
        Res::num(
            "addr_processed",
            "The total number of addresses processed, excluding those dropped due to rate limiting",
        ),
        Res::num("addr_rate_limited", "The total number of addresses dropped due to rate limiting"),
        Res::arr(
            "permissions",
            "Any special permissions that have been granted to this peer",
            [Res::str(
                "permission_type",
                "bloomfilter (allow requesting BIP37 filtered blocks and transactions),\n\
                 noban (do not ban for misbehavior; implies download),\n\
                 forcerelay (relay transactions that are already in the mempool; implies relay),\n\
                 relay (relay even in -blocksonly mode, and unlimited transaction announcements),\n\
                 mempool (allow requesting BIP35 mempool contents),\n\
                 download (allow getheaders during IBD, no disconnect after maxuploadtarget limit),\n\
                 addr (responses to GETADDR avoid hitting the cache and contain random records with the most up-to-date info).\n",
            )],
        ),
        Res::num("minfeefilter", "The minimum fee rate for transactions this peer accepts"),
        Res::obj_dyn(
            "bytessent_per_msg",
            "",
            [Res::num(
                "msg",
                "The total bytes sent aggregated by message type\n\
                 When a message type is not listed in this json object, the bytes sent are 0.\n\
                 Only known message types can appear as keys in the object.",
            )],
        ),
        Res::obj_dyn(
            "bytesrecv_per_msg",
            "",
            [Res::num(
                "msg",
                "The total bytes received aggregated by message type\n\
                 When a message type is not listed in this json object, the bytes received are 0.\n\
                 Only known message types can appear as keys in the object and all bytes received\n\
                 of unknown message types are listed under '*other*'.",
            )],
        ),
        Res::str(
            "connection_type",
            "Type of connection: \n\
             outbound-full-relay (default automatic connections),\n\
             block-relay-only (does not relay transactions or addresses),\n\
             inbound (initiated by the peer),\n\
             manual (added via addnode RPC or -addnode/-connect configuration options),\n\
             addr-fetch (short-lived automatic connection for soliciting addresses),\n\
             feeler (short-lived automatic connection for testing addresses),\n\
             private-broadcast (short-lived automatic connection for broadcasting privacy-sensitive transactions).\n\
             Please note this output is unlikely to be stable in upcoming releases as we iterate to\n\
             best capture connection behaviors.",
        ),
        Res::str(
            "transport_protocol_type",
            "Type of transport protocol: \n\
             detecting (peer could be v1 or v2),\n\
             v1 (plaintext transport protocol),\n\
             v2 (BIP324 encrypted transport protocol).\n",
        ),
        Res::str(
            "session_id",
            "The session ID for this connection, or \"\" if there is none (\"v2\" transport protocol only).\n",
        ),
    ]
}

fn peer_info() -> Method<NodeContext> {
    method("network", "getpeerinfo", "Returns data about each connected network peer as a json array of objects.")
        .result(Res::arr("", "", [Res::obj("", "", peer_fields())]))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let peers = ask(node, |net| net.peers())?;
            let old = node.config.answers_deprecated("startingheight");
            Ok(peers.iter().map(|peer| show(peer, old)).collect::<Json>())
        })
}

fn show(peer: &PeerInfo, old: bool) -> Object {
    let stats = &peer.stats;
    let mut it = Object::new().with("id", stats.id).with("addr", peer.name.as_str());
    if let Some(local) = peer.local {
        it.push("addrbind", local.to_string());
    }
    if let Some(seen) = stats.seen_as.filter(|_| stats.kind != ConnectionKind::Feeler) {
        it.push("addrlocal", seen.to_string());
    }
    let last = |time: Option<Duration>| time.map_or(0, |time| time.as_secs());
    it.push("network", peer.network.map_or("not_publicly_routable", p2p::Network::name));
    if let Some(number) = peer.mapped_as {
        it.push("mapped_as", number);
    }
    it.push("services", format!("{:016x}", stats.services));
    it.push("servicesnames", service_names(stats.services).into_iter().map(Json::from).collect::<Json>());
    it.push("relaytxes", stats.relays_txs);
    it.push("last_inv_sequence", stats.last_inv_sequence);
    it.push("inv_to_send", stats.to_announce);
    it.push("lastsend", peer.last.0.as_secs());
    it.push("lastrecv", peer.last.1.as_secs());
    it.push("last_transaction", last(stats.last.1));
    it.push("last_block", last(stats.last.0));
    it.push("bytessent", peer.bytes.0);
    it.push("bytesrecv", peer.bytes.1);
    it.push("conntime", stats.connected.as_secs());
    it.push("timeoffset", stats.time_offset);
    let (latest, least, open) = stats.ping;
    for (key, time) in [("pingtime", latest), ("minping", least), ("pingwait", open)] {
        if let Some(time) = time.filter(|time| key == "minping" || !time.is_zero()) {
            it.push(key, Json::real(time.as_secs_f64()));
        }
    }
    it.push("version", stats.version);
    it.push("subver", p2p::sanitize(stats.user_agent.as_bytes()));
    it.push("inbound", stats.kind == ConnectionKind::Inbound);
    it.push("bip152_hb_to", stats.high_bandwidth_to);
    it.push("bip152_hb_from", stats.high_bandwidth_from);
    if old {
        it.push("startingheight", stats.start_height);
    }
    it.push("presynced_headers", stats.presynced_headers);
    it.push("synced_headers", stats.synced_headers);
    it.push("synced_blocks", stats.synced_blocks);
    it.push("inflight", stats.in_flight.iter().map(|height| Json::from(*height)).collect::<Json>());
    it.push("addr_relay_enabled", stats.addr_relay);
    it.push("addr_processed", stats.addr_processed);
    it.push("addr_rate_limited", stats.addr_rate_limited);
    it.push("permissions", peer.permissions.iter().map(|name| Json::from(*name)).collect::<Json>());
    it.push("minfeefilter", Json::amount(stats.minimum_feerate));
    let by_name = |list: &[(String, u64)]| {
        Json::Obj(list.iter().fold(Object::new(), |all, (name, bytes)| all.with(name.clone(), *bytes)))
    };
    it.push("bytessent_per_msg", by_name(&peer.sent_by_name));
    it.push("bytesrecv_per_msg", by_name(&peer.received_by_name));
    it.push("connection_type", stats.kind.name());
    it.push("transport_protocol_type", peer.transport.name());
    it.push("session_id", peer.session.map_or_else(String::new, |id| hex::encode(&id)));
    it
}

fn net_totals() -> Method<NodeContext> {
    let upload = [
        Res::num("timeframe", "Length of the measuring timeframe in seconds"),
        Res::num("target", "Target in bytes"),
        Res::bool("target_reached", "True if target is reached"),
        Res::bool("serve_historical_blocks", "True if serving historical blocks"),
        Res::num("bytes_left_in_cycle", "Bytes left in current time cycle"),
        Res::num("time_left_in_cycle", "Seconds left in current time cycle"),
    ];
    let fields = [
        Res::num("totalbytesrecv", "Total bytes received"),
        Res::num("totalbytessent", "Total bytes sent"),
        Res::time("timemillis", format!("Current system {EPOCH} in milliseconds")),
        Res::obj("uploadtarget", "", upload),
    ];
    method(
        "network",
        "getnettotals",
        "Returns information about network traffic, including bytes in, bytes out,\nand current system time.",
    )
    .result(Res::obj("", "", fields))
    .example_cli("")
    .example_rpc("")
    .run(answer_totals)
}

fn answer_totals(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let totals = ask(node, |net| net.totals())?;
    let upload = Object::new()
        .with("timeframe", totals.timeframe.as_secs())
        .with("target", totals.target)
        .with("target_reached", totals.reached)
        .with("serve_historical_blocks", totals.serves_historical)
        .with("bytes_left_in_cycle", totals.bytes_left)
        .with("time_left_in_cycle", totals.time_left.as_secs());
    Ok(Object::new()
        .with("totalbytesrecv", totals.received)
        .with("totalbytessent", totals.sent)
        .with("timemillis", platform::Clock::system_micros(&*node.clock) / 1000)
        .with("uploadtarget", upload)
        .into())
}
