//! Single blocks and headers.

use ::rpc::{Arg, Code, Json, Method, Request, Res, RpcError, method};
use chainstate::Node;
use descriptors::Notation;
use primitives::{Block, Header, WitnessMode, hex};

use crate::{NodeContext, render, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![block_hash(), block_header(), block()]
}

fn block_hash() -> Method<NodeContext> {
    method("blockchain", "getblockhash", "Returns hash of block in best-block-chain at height provided.\n")
        .arg(Arg::num("height", "The height index"))
        .result(Res::hex("", "The block hash"))
        .example_cli("1000")
        .example_rpc("1000")
        .run(|node: &NodeContext, request| {
            let height: i64 = request.int("height")?;
            let id = u32::try_from(height).ok().and_then(|h| node.reader().at_height(h));
            let id = id.ok_or_else(|| RpcError::invalid_parameter("Block height out of range"))?;
            Ok(node.reader().node(id).hash.to_string().into())
        })
        .quick()
}

fn block_header() -> Method<NodeContext> {
    method(
        "blockchain",
        "getblockheader",
        "If verbose is false, returns a string that is serialized, hex-encoded data for blockheader 'hash'.\n\
         If verbose is true, returns an Object with information about blockheader <hash>.\n",
    )
    .arg(Arg::hex("blockhash", "The block hash"))
    .arg(Arg::bool("verbose", "true for a json object, false for the hex-encoded data").default(true))
    .result(Res::obj("", "", render::header_fields()).when("for verbose = true"))
    .result(Res::hex("", "A string that is serialized, hex-encoded data for block 'hash'").when("for verbose=false"))
    .example_cli("\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\"")
    .example_rpc("\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\"")
    .run(|node: &NodeContext, request| {
        let (id, block) = parse::block(node, request, "blockhash")?;
        if !request.bool("verbose")? {
            return Ok(hex::encode(&header_bytes(node, &block)).into());
        }
        let tip = node.reader().tip().ok_or_else(parse::no_tip)?.id;
        let limit = node.rules.params().pow().limit;
        Ok(node.reader().tree(|tree| render::header(tree, id, tip, limit)).into())
    })
}

/// A header as it is sent: with the proof of merged mining behind it, which stands in the block's file.
pub(crate) fn header_bytes(node: &NodeContext, found: &Node) -> Vec<u8> {
    let mut bytes = Vec::new();
    let bare = || Header::new(found.header);
    let stored = if node.reader().codec().is_bare(&found.header) { None } else { node.reader().block(found) };
    let header = stored.and_then(Result::ok).map_or_else(bare, |block| block.header);
    if header.aux().is_none() {
        return header.bytes().to_vec();
    }
    header.encode(&mut bytes, WitnessMode::Include);
    bytes
}

fn block() -> Method<NodeContext> {
    let tx = |node_ticker: &'static str, prevout| {
        Res::arr("tx", "", [Res::obj("", "", render::tx_fields(node_ticker, prevout, true, true))])
    };
    let ids = Res::arr("tx", "The transaction ids", [Res::hex("", "The transaction id")]);
    method(
        "blockchain",
        "getblock",
        "If verbosity is 0, returns a string that is serialized, hex-encoded data for block 'hash'.\n\
         If verbosity is 1, returns an Object with information about block <hash>.\n\
         If verbosity is 2, returns an Object with information about block <hash> and information about each transaction.\n\
         If verbosity is 3, returns an Object with information about block <hash> and information about each transaction, including prevout information for inputs (only for unpruned blocks in the current best chain).\n",
    )
    .arg(Arg::hex("blockhash", "The block hash"))
    .arg(
        Arg::num(
            "verbosity|verbose",
            "0 for hex-encoded data, 1 for a JSON object, 2 for JSON object with transaction data, and 3 for JSON object with transaction data including prevout information for inputs",
        )
        .default(1)
        .skip_type_check(),
    )
    .result(Res::hex("", "A string that is serialized, hex-encoded data for block 'hash'").when("for verbosity = 0"))
    .result(Res::obj("", "", render::block_fields(ids)).when("for verbosity = 1"))
    .result(Res::obj("", "", render::block_fields(tx("{ticker}", false))).when("for verbosity = 2"))
    .result(Res::obj("", "", render::block_fields(tx("{ticker}", true))).when("for verbosity = 3"))
    .example_cli("\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\"")
    .example_rpc("\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\"")
    .run(answer_block)
}

fn answer_block(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let (id, stored) = parse::block(node, request, "blockhash")?;
    let verbosity = request.verbosity("verbosity", 1, true)?;
    if verbosity <= 0 {
        let bytes = node.reader().block_bytes(&stored).ok_or_else(|| unavailable(node, &stored))?.map_err(|e| {
            tracing::error!("{e}");
            unreadable()
        })?;
        return Ok(hex::encode(&bytes).into());
    }
    let block = stored_block(node, &stored)?;
    let undo = if verbosity > 1 { node.reader().undo(&stored) } else { None };
    let undo = undo.transpose().map_err(|e| {
        tracing::error!("{e}");
        RpcError::new(
            Code::INTERNAL_ERROR,
            "Undo data expected but can't be read. This could be due to disk corruption or a conflict with a pruning event.",
        )
    })?;
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?.id;
    let limit = node.rules.params().pow().limit;
    let header = node.reader().tree(|tree| render::header(tree, id, tip, limit));
    let notation = Notation::new(node.config.coin(), node.config.chain());
    Ok(render::block(header, &block, undo.as_ref(), verbosity, &notation).into())
}

/// The block, if its data are there.
pub(in crate::rpc) fn stored_block(node: &NodeContext, found: &Node) -> Result<Block, RpcError> {
    let block = node.reader().block(found).ok_or_else(|| unavailable(node, found))?;
    block.map_err(|e| {
        tracing::error!("{e}");
        unreadable()
    })
}

fn unreadable() -> RpcError {
    RpcError::misc("Block not found on disk. This could be due to disk corruption or a conflict with a pruning event.")
}

/// Why a block's data are not there.
fn unavailable(node: &NodeContext, block: &Node) -> RpcError {
    if node.reader().have_pruned() && block.tx_count > 0 {
        RpcError::misc("Block not available (pruned data)")
    } else {
        RpcError::misc("Block not available (not fully downloaded)")
    }
}
