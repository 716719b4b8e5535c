//! Waiting for the chain to get somewhere.

use std::time::Duration;

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::Tip;

use crate::{NodeContext, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![for_new_block(), for_block(), for_height()]
}

fn shape() -> Res {
    Res::obj("", "", [Res::hex("hash", "The blockhash"), Res::num("height", "Block height")])
}

fn timeout() -> Arg {
    Arg::num("timeout", "Time in milliseconds to wait for a response. 0 indicates no timeout.").default(0)
}

/// Waits until the tip is as `reached` wants it, and answers the tip as it is then.
fn wait(node: &NodeContext, request: &Request, reached: impl Fn(&Tip) -> bool) -> Result<Json, RpcError> {
    let limit: i64 = request.int("timeout")?;
    if limit < 0 {
        return Err(RpcError::misc("Negative timeout"));
    }
    let limit = u64::try_from(limit).ok().filter(|l| *l > 0).map(Duration::from_millis);
    node.wait_until(&request.caller, limit, || node.reader().tip().filter(&reached));
    node.rpc_state.interruption_point()?;
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
    Ok(Object::new().with("hash", tip.hash.to_string()).with("height", tip.height).into())
}

fn for_new_block() -> Method<NodeContext> {
    method(
        "blockchain",
        "waitfornewblock",
        "Waits for any new block and returns useful info about it.\n\
         \nReturns the current block on timeout or exit.\n\
         \nMake sure to use no RPC timeout (bitcoin-cli -rpcclienttimeout=0)\n",
    )
    .arg(timeout())
    .arg(Arg::hex("current_tip", "Method waits for the chain tip to differ from this.").optional())
    .result(shape())
    .example_cli("1000")
    .example_rpc("1000")
    .run(|node: &NodeContext, request| {
        let current = match request.opt_str("current_tip")? {
            Some(text) => parse::parse_hash(text, "current_tip")?,
            None => node.reader().tip().ok_or_else(parse::no_tip)?.hash,
        };
        wait(node, request, |tip| tip.hash != current)
    })
}

fn for_block() -> Method<NodeContext> {
    method(
        "blockchain",
        "waitforblock",
        "Waits for a specific new block and returns useful info about it.\n\
         \nReturns the current block on timeout or exit.\n\
         \nMake sure to use no RPC timeout (bitcoin-cli -rpcclienttimeout=0)\n",
    )
    .arg(Arg::hex("blockhash", "Block hash to wait for."))
    .arg(timeout())
    .result(shape())
    .example_cli("\"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862\" 1000")
    .example_rpc("\"0000000000079f8ef3d2c688c244eb7a4570b24c9ed7b4a8c619eb02596f8862\", 1000")
    .run(|node: &NodeContext, request| {
        let hash = parse::hash(request, "blockhash")?;
        wait(node, request, |tip| tip.hash == hash)
    })
}

fn for_height() -> Method<NodeContext> {
    method(
        "blockchain",
        "waitforblockheight",
        "Waits for (at least) block height and returns the height and hash\nof the current tip.\n\
         \nReturns the current block on timeout or exit.\n\
         \nMake sure to use no RPC timeout (bitcoin-cli -rpcclienttimeout=0)\n",
    )
    .arg(Arg::num("height", "Block height to wait for."))
    .arg(timeout())
    .result(shape())
    .example_cli("100 1000")
    .example_rpc("100, 1000")
    .run(|node: &NodeContext, request| {
        let height: i64 = request.int("height")?;
        wait(node, request, |tip| i64::from(tip.height) >= height)
    })
}
