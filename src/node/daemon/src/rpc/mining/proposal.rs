//! `getblocktemplate` with `mode=proposal`: a miner asks whether a block would do (BIP23).

use ::rpc::{Code, Json, RpcError};
use chainstate::Validity;
use consensus::Scope;

use super::{failed, submit::decode};
use crate::NodeContext;

pub(super) fn answer(node: &NodeContext, request: &Json) -> Result<Json, RpcError> {
    let Json::Str(text) = request.get("data") else {
        return Err(RpcError::new(Code::TYPE_ERROR, "Missing data String key for proposal"));
    };
    let block = decode(node, text)?;
    if let Some((_, known)) = node.reader().find(&block.hash()) {
        return Ok(Json::from(if known.is_valid(Validity::Scripts) {
            "duplicate"
        } else if known.failed() {
            "duplicate-invalid"
        } else {
            "duplicate-inconclusive"
        }));
    }
    let verdict = node.miner().check(block, Scope { pow: false, merkle_root: true }).map_err(|e| failed(&e))?;
    Ok(verdict.map_or_else(|unfit| Json::from(unfit.to_string()), |()| Json::Null))
}
