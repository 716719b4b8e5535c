//! What methods of JSON-RPC answer, for those without a password.

use ::rpc::{Caller, Json, Request, RpcError};

use super::{Answer, Keep, Refused, Rest, Target, block_hash, json};

impl Rest {
    fn call(&self, method: &str, params: Vec<Json>) -> Result<Json, Refused> {
        let request = Request::new(method, params, Caller::default());
        self.engine.execute(request).map_err(|error: RpcError| Refused::broken(&error.message))
    }
}

pub(super) fn chain_info(rest: &Rest, target: &Target<'_>) -> Answer {
    target.only_json()?;
    Ok(json(Keep::Never, rest.call("getblockchaininfo", Vec::new())?))
}

pub(super) fn deployment_info(rest: &Rest, target: &Target<'_>) -> Answer {
    target.only_json()?;
    if target.param.is_empty() {
        return Ok(json(Keep::Never, rest.call("getdeploymentinfo", Vec::new())?));
    }
    let hash = block_hash(target.param)?;
    if rest.node.reader().find(&hash).is_none() {
        return Err(Refused::bad("Block not found"));
    }
    Ok(json(Keep::Always, rest.call("getdeploymentinfo", vec![target.param.into()])?))
}

pub(super) fn mempool(rest: &Rest, target: &Target<'_>) -> Answer {
    if !matches!(target.param, "contents" | "info") {
        return Err(Refused::bad("Invalid URI format. Expected /rest/mempool/<info|contents>.json"));
    }
    target.only_json()?;
    if target.param == "info" {
        return Ok(json(Keep::Never, rest.call("getmempoolinfo", Vec::new())?));
    }
    let switch = |name: &str, default: bool| match target.request.query(name).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(Refused::bad(format!("The \"{name}\" query parameter must be either \"true\" or \"false\"."))),
    };
    let (verbose, sequence) = (switch("verbose", true)?, switch("mempool_sequence", false)?);
    if verbose && sequence {
        return Err(Refused::bad(
            "Verbose results cannot contain mempool sequence values. (hint: set \"verbose=false\")",
        ));
    }
    Ok(json(Keep::Never, rest.call("getrawmempool", vec![verbose.into(), sequence.into()])?))
}
