//! The network: who is connected, who may be, and what is known of others.

mod addresses;
mod bans;
mod info;
mod nodes;
mod orphans;
mod peers;
pub(super) mod private;

use ::rpc::{Code, Method, RpcError};
use net::{Control, Stopped};

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    [
        info::methods(),
        peers::methods(),
        nodes::methods(),
        bans::methods(),
        addresses::methods(),
        orphans::methods(),
        private::methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The names of networks, as help texts list them.
const NETWORKS: &str = "ipv4, ipv6, onion, i2p, cjdns";

/// Asks the network thread.
fn ask<R: Send + 'static>(
    node: &NodeContext,
    work: impl FnOnce(&mut dyn Control) -> R + Send + 'static,
) -> Result<R, RpcError> {
    node.net().map_err(disabled)?.call(work).map_err(disabled)
}

/// There is no network to ask.
fn disabled(_: Stopped) -> RpcError {
    RpcError::new(Code::CLIENT_P2P_DISABLED, "Error: Peer-to-peer functionality missing or disabled")
}

/// The names of services; those without one are shown by their bit.
fn service_names(services: u64) -> Vec<String> {
    let name = |bit: u32| match bit {
        0 => "NETWORK".to_owned(),
        2 => "BLOOM".to_owned(),
        3 => "WITNESS".to_owned(),
        6 => "COMPACT_FILTERS".to_owned(),
        10 => "NETWORK_LIMITED".to_owned(),
        11 => "P2P_V2".to_owned(),
        _ => format!("UNKNOWN[2^{bit}]"),
    };
    (0..u64::BITS).filter(|bit| services >> bit & 1 == 1).map(name).collect()
}
