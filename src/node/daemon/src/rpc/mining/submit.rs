//! Taking blocks and headers from those who made them.

use std::sync::Arc;

use ::rpc::{Arg, Code, Json, Method, Res, RpcError, method};
use primitives::{Block, Reader, Tx, WitnessMode, hex};

use super::failed;
use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![submit_block(), submit_header()]
}

fn submit_block() -> Method<NodeContext> {
    method(
        "mining",
        "submitblock",
        "Attempts to submit new block to network.\nSee https://en.bitcoin.it/wiki/BIP_0022 for full specification.\n",
    )
    .arg(Arg::hex("hexdata", "the hex-encoded block data to submit"))
    .arg(
        Arg::str("dummy", "dummy value, for compatibility with BIP22. This value is ignored.")
            .hint("ignored")
            .placeholder(),
    )
    .result(Res::none("", "").when("If the block was accepted"))
    .result(Res::str("", "According to BIP22").when("Otherwise"))
    .example_cli("\"mydata\"")
    .example_rpc("\"mydata\"")
    .run(|node: &NodeContext, request| {
        let block = decode(node, request.str("hexdata")?)?;
        let done = node.miner().submit(with_witness_reserve(node, block)).map_err(|e| failed(&e))?;
        Ok(if done.is_good() { Json::Null } else { done.reason.into() })
    })
}

/// A block in hex.
pub(super) fn decode(node: &NodeContext, text: &str) -> Result<Block, RpcError> {
    let bytes = hex::decode(text);
    // What is behind the block is not looked at.
    let read = |bytes: &[u8]| node.reader().codec().read_block(&mut Reader::new(bytes), WitnessMode::Include).ok();
    let block = bytes.as_deref().and_then(read);
    block.ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "Block decode failed"))
}

/// Miners may leave out the coinbase's witness: it is always the same.
fn with_witness_reserve(node: &NodeContext, mut block: Block) -> Block {
    let height = node.reader().find(&block.header.prev()).map(|(_, parent)| parent.height + 1);
    let active = height.is_some_and(|h| node.rules.params().is_active(consensus::Buried::Segwit, h));
    if let Some(item) = node.rules.usual_coinbase_witness(&block)
        && let Some(coinbase) = block.txs.first()
        && active
        && !coinbase.has_witness()
        && coinbase.is_coinbase()
    {
        let mut inner = coinbase.inner().clone();
        inner.input[0].witness = bitcoin::Witness::from_slice(&[item]);
        block.txs[0] = Arc::new(Tx::new(inner, coinbase.lock_height()));
    }
    block
}

fn submit_header() -> Method<NodeContext> {
    method(
        "mining",
        "submitheader",
        "Decode the given hexdata as a header and submit it as a candidate chain tip if valid.\nThrows when the header is invalid.\n",
    )
    .arg(Arg::hex("hexdata", "the hex-encoded block header data"))
    .result(Res::none("", "None"))
    .example_cli("\"aabbcc\"")
    .example_rpc("\"aabbcc\"")
    .run(|node: &NodeContext, request| {
        let bytes = hex::decode(request.str("hexdata")?);
        // What follows the header, such as the rest of the block, is not looked at.
        let header = bytes.and_then(|b| node.reader().codec().read_header(&mut Reader::new(&b)).ok());
        let header =
            header.ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "Block header decode failed"))?;
        if node.reader().find(&header.prev()).is_none() {
            let prev = header.prev();
            return Err(RpcError::new(Code::VERIFY_ERROR, format!("Must submit previous header ({prev}) first")));
        }
        let taken = node.validate(move |engine| Ok(engine.accept_header(&header, true)))?;
        taken.map_err(|reason| RpcError::new(Code::VERIFY_ERROR, reason.to_string()))?;
        Ok(Json::Null)
    })
}
