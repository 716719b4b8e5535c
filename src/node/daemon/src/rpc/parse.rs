//! Arguments that many methods take, with the daemon's words for those that do not fit.

use std::str::FromStr;

use ::rpc::{Code, Request, RpcError};
use bitcoin::hashes::Hash;
use chainstate::{Node, NodeId};

use crate::NodeContext;

/// A 256-bit hash in hex, as it is displayed.
pub(crate) fn hash<T: Hash<Bytes = [u8; 32]> + FromStr>(request: &Request, name: &str) -> Result<T, RpcError> {
    parse_hash(request.str(name)?, name)
}

pub(crate) fn parse_hash<T: Hash<Bytes = [u8; 32]> + FromStr>(text: &str, name: &str) -> Result<T, RpcError> {
    const DIGITS: usize = 64;
    if text.len() != DIGITS {
        let len = text.len();
        return Err(RpcError::invalid_parameter(format!(
            "{name} must be of length {DIGITS} (not {len}, for '{text}')"
        )));
    }
    text.parse().map_err(|_| RpcError::invalid_parameter(format!("{name} must be hexadecimal string (not '{text}')")))
}

/// The block that the argument names by its hash.
pub(crate) fn block(context: &NodeContext, request: &Request, name: &str) -> Result<(NodeId, Node), RpcError> {
    let hash = hash(request, name)?;
    context.reader().find(&hash).ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block not found"))
}

/// The node has not even connected its genesis block.
pub(crate) fn no_tip() -> RpcError {
    RpcError::new(Code::IN_WARMUP, "Loading block index…")
}
