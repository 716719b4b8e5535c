//! `getnetworkinfo`: what this node is on the network.

use ::rpc::{Json, Method, Object, Request, Res, RpcError, method};
use net::NetworkInfo;
use p2p::ConnectionKind;

use super::{ask, service_names};
use crate::{
    NodeContext,
    peers::{self, options},
};

/// The version as a number: two digits each for major, minor and build.
const CLIENT_VERSION: u32 = 319_900;
/// How many clocks of others must be known before they are believed.
const MIN_OFFSETS: usize = 5;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![network_info()]
}

fn network_info() -> Method<NodeContext> {
    let bucket = [
        Res::num("backlog", "number of queued txs to announce"),
        Res::num("count_tok", "tokens available to be consumed per-transaction"),
        Res::num("size_tok", "tokens available to be consumed per-byte"),
    ];
    let networks = [
        Res::str("name", "network (ipv4, ipv6, onion, i2p, cjdns)"),
        Res::bool("limited", "is the network limited using -onlynet?"),
        Res::bool("reachable", "is the network reachable?"),
        Res::str("proxy", "(\"host:port\") the proxy that is used for this network, or empty if none"),
        Res::bool("proxy_randomize_credentials", "Whether randomized credentials are used"),
    ];
    let local =
        [Res::str("address", "network address"), Res::num("port", "network port"), Res::num("score", "relative score")];
    let fields = [
        Res::num("version", "the server version"),
        Res::str("subversion", "the server subversion string"),
        Res::num("protocolversion", "the protocol version"),
        Res::hex("localservices", "the services we offer to the network"),
        Res::arr(
            "localservicesnames",
            "the services we offer to the network, in human-readable form",
            [Res::str("SERVICE_NAME", "the service name")],
        ),
        Res::bool("localrelay", "true if transaction relay is requested from peers"),
        Res::num("timeoffset", "the time offset"),
        Res::num(
            "tx_send_rate",
            "configured target for maximum number of transactions per second to send to inbound peers",
        )
        .since(32),
        Res::obj_dyn("inv_buckets", "", [Res::obj("inbound/outbound", "connection direction", bucket)]).since(32),
        Res::num("connections", "the total number of connections"),
        Res::num("connections_in", "the number of inbound connections"),
        Res::num("connections_out", "the number of outbound connections"),
        Res::bool("networkactive", "whether p2p networking is enabled"),
        Res::arr("networks", "information per network", [Res::obj("", "", networks)]),
        Res::amount("relayfee", "minimum relay fee rate for transactions in BTC/kvB"),
        Res::amount("incrementalfee", "minimum fee rate increment for mempool limiting or replacement in BTC/kvB"),
        Res::arr("localaddresses", "list of local addresses", [Res::obj("", "", local)]),
        Res::arr(
            "warnings",
            "any network and blockchain warnings (run with `-deprecatedrpc=warnings` to return the latest warning as a single string)",
            [Res::str("", "warning")],
        ),
    ];
    method("network", "getnetworkinfo", "Returns an object containing various state info regarding P2P networking.\n")
        .result(Res::obj("", "", fields))
        .example_cli("")
        .example_rpc("")
        .run(answer)
}

fn answer(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let (relay, incremental) = {
        let pool = node.mempool().read();
        (pool.options().min_relay_fee.fee_per_kvb(), pool.options().incremental_relay_fee.fee_per_kvb())
    };
    let (services, counts, active, networks, local, waiting, mut offsets) = ask(node, |net| {
        let peers = net.peers();
        let counts = |kind| !matches!(kind, ConnectionKind::Inbound | ConnectionKind::PrivateBroadcast);
        let chosen = peers.iter().filter(|peer| counts(peer.stats.kind) && peer.stats.version != 0);
        let offsets: Vec<i64> = chosen.map(|peer| peer.stats.time_offset).collect();
        (
            net.options().services,
            net.counts(),
            net.is_active(),
            net.networks(),
            net.local_addresses(),
            net.waiting_txs(),
            offsets,
        )
    })?;
    let services = peers::offered(services, node.reader());
    offsets.sort_unstable();
    // Fewer than five say nothing.
    let offset = if offsets.len() < MIN_OFFSETS { 0 } else { offsets[offsets.len() / 2] };
    let bucket = |waiting: p2p::Waiting| {
        Object::new().with("backlog", waiting.txs).with("count_tok", waiting.count).with("size_tok", waiting.bytes)
    };
    let networks: Json = networks.into_iter().map(show_network).collect();
    let local: Json = local
        .into_iter()
        .map(|it| Object::new().with("address", it.addr.to_string()).with("port", it.port).with("score", it.score))
        .collect();
    let agent = options::user_agent(&node.config).map_err(|e| RpcError::misc(e.to_string()))?;
    Ok(Object::new()
        .with("version", CLIENT_VERSION)
        .with("subversion", agent)
        .with("protocolversion", p2p::PROTOCOL_VERSION)
        .with("localservices", format!("{services:016x}"))
        .with("localservicesnames", service_names(services).into_iter().map(Json::from).collect::<Json>())
        .with("localrelay", !node.config.args().get_bool("blocksonly", false))
        .with("timeoffset", offset)
        .with("tx_send_rate", options::tx_send_rate(&node.config))
        .with("inv_buckets", Object::new().with("inbound", bucket(waiting.0)).with("outbound", bucket(waiting.1)))
        .with("networkactive", active)
        .with("connections", counts.0 + counts.1)
        .with("connections_in", counts.0)
        .with("connections_out", counts.1)
        .with("networks", networks)
        .with("relayfee", Json::amount(relay))
        .with("incrementalfee", Json::amount(incremental))
        .with("localaddresses", local)
        .with("warnings", node.warnings_json())
        .into())
}

fn show_network(it: NetworkInfo) -> Object {
    let (proxy, randomize) = it.proxy.unwrap_or_default();
    Object::new()
        .with("name", it.network.name())
        .with("limited", !it.reachable)
        .with("reachable", it.reachable)
        .with("proxy", proxy)
        .with("proxy_randomize_credentials", randomize)
}
