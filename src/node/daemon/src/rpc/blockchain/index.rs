//! What the indexes know of themselves and of blocks.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::Validity;
use indexes::{FilterIndex, IndexError};
use primitives::hex;

use crate::{
    NodeContext,
    library::{BASIC_FILTER, FILTERS},
    rpc::parse,
};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![index_info(), block_filter()]
}

/// A failure of an index that should not be.
pub(super) fn broken(error: &IndexError) -> RpcError {
    tracing::error!("{error}");
    RpcError::new(Code::INTERNAL_ERROR, error.to_string())
}

fn index_info() -> Method<NodeContext> {
    let fields = [
        Res::bool("synced", "Whether the index is synced or not"),
        Res::num("best_block_height", "The block height to which the index is synced"),
    ];
    method(
        "util",
        "getindexinfo",
        "Returns the status of one or all available indices currently running in the node.\n",
    )
    .arg(Arg::str("index_name", "Filter results for an index with a specific name.").optional())
    .result(Res::obj_dyn("", "", [Res::obj("name", "The name of the index", fields)]))
    .example_cli("")
    .example_rpc("")
    .example_cli("txindex")
    .example_rpc("txindex")
    .run(|node: &NodeContext, request| {
        let wanted = request.opt_str("index_name")?.filter(|name| !name.is_empty());
        let mut info = Object::new();
        for status in node.library().status() {
            if wanted.is_none_or(|wanted| wanted == status.name) {
                let height = status.best.map_or(0, |(_, height)| height);
                info.push(status.name, Object::new().with("synced", status.synced).with("best_block_height", height));
            }
        }
        Ok(info.into())
    })
}

/// The index of the filters that the argument names.
pub(super) fn filters<'a>(node: &'a NodeContext, request: &Request) -> Result<&'a FilterIndex, RpcError> {
    let name = request.str("filtertype")?;
    if name != BASIC_FILTER {
        return Err(RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Unknown filtertype"));
    }
    let index = node.library().filters.as_ref();
    index.ok_or_else(|| RpcError::misc(format!("Index is not enabled for filtertype {name}")))
}

fn block_filter() -> Method<NodeContext> {
    let fields =
        [Res::hex("filter", "the hex-encoded filter data"), Res::hex("header", "the hex-encoded filter header")];
    let hash = "00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09";
    method("blockchain", "getblockfilter", "Retrieve a BIP 157 content filter for a particular block.\n")
        .arg(Arg::hex("blockhash", "The hash of the block"))
        .arg(Arg::str("filtertype", "The type name of the filter").default(BASIC_FILTER))
        .result(Res::obj("", "", fields))
        .example_cli(format!("\"{hash}\" \"basic\""))
        .example_rpc(format!("\"{hash}\", \"basic\""))
        .run(answer_block_filter)
}

fn answer_block_filter(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let hash = parse::hash(request, "blockhash")?;
    let index = filters(node, request)?;
    let (_, block) =
        node.reader().find(&hash).ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block not found"))?;
    let ready = node.library().wait_for(FILTERS, node);
    let found = index.find(block.height, &hash).map_err(|e| broken(&e))?;
    let Some(record) = found else {
        let (code, why) = if !block.is_valid(Validity::Scripts) {
            (Code::INVALID_ADDRESS_OR_KEY, "Block was not connected to active chain.")
        } else if ready {
            (Code::INTERNAL_ERROR, "This error is unexpected and indicates index corruption.")
        } else {
            (Code::MISC, "Block filters are still in the process of being indexed.")
        };
        return Err(RpcError::new(code, format!("Filter not found. {why}")));
    };
    let mut header = record.header;
    header.reverse();
    Ok(Object::new().with("filter", hex::encode(&record.filter.bytes)).with("header", hex::encode(&header)).into())
}
