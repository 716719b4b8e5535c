//! Passing requests on to the wallets.

use std::sync::Arc;

use ::rpc::{Code, Described, Json, Object, Registry, Request, RpcError, json};
use interfaces::{RpcCommand, WalletLoader};

use super::WalletHost;
use super::desk::Absent;
use crate::NodeContext;

/// Methods behind which other wallets are open than before.
const OPENERS: [&str; 5] = ["createwallet", "loadwallet", "unloadwallet", "restorewallet", "migratewallet"];

/// Lists the wallets' methods among the node's. What the node has itself stays.
/// A method of the wallets that the node asks and nobody else.
pub(super) const FOR_NODE: &str = "publicscripts";

pub(super) fn register(loader: &dyn WalletLoader, registry: &Registry<NodeContext>) -> Result<(), Absent> {
    let own = registry.directory().names();
    for command in loader.rpc_commands()? {
        if own.contains(&command.name) || command.name == FOR_NODE {
            continue;
        }
        let described = describe(loader, command)?;
        registry.forward(described, Arc::new(|node: &NodeContext, request: &Request| node.wallets()?.pass_on(request)));
    }
    Ok(())
}

fn describe(loader: &dyn WalletLoader, command: RpcCommand) -> Result<Described, Absent> {
    let told = json::parse(command.description.as_str().as_bytes()).as_ref().and_then(Described::from_json);
    if let Some(described) = told.filter(|described| described.name == command.name) {
        return Ok(described);
    }
    let page = Object::new().with("method", "help").with("params", Json::Arr(vec![command.name.as_str().into()]));
    let page = ask(loader, &page.with("id", "help").into(), "/", "")?;
    let help = page.ok().and_then(|page| page.as_str().ok().map(str::to_owned));
    // Positions are known, and that none of them is JSON is the safe guess.
    let openrpc = Json::from(Object::new().with("name", command.name.as_str()).with("params", Json::Arr(Vec::new())));
    Ok(Described {
        help: help.unwrap_or_else(|| format!("{} {}", command.name, command.args.join(" "))),
        name: command.name,
        category: command.category,
        openrpc: [openrpc.clone(), openrpc],
        arg_map: Json::Arr(Vec::new()),
    })
}

/// Has the wallets answer a request. The outer error is the road's.
fn ask(loader: &dyn WalletLoader, request: &Json, uri: &str, user: &str) -> Result<Result<Json, RpcError>, Absent> {
    let answer = loader.execute_rpc(&interfaces::Json::new(request.write()), uri, user)?;
    Ok(answer.map_err(|failure| RpcError::misc(failure.0)).and_then(|answer| {
        let reply = json::parse(answer.as_str().as_bytes());
        let Some(Json::Obj(mut reply)) = reply else {
            return Err(RpcError::new(Code::INTERNAL_ERROR, "The wallet's answer is not JSON."));
        };
        match reply.get("error") {
            // It may be large: it is taken out, not copied.
            None | Some(Json::Null) => Ok(reply.remove("result").unwrap_or_default()),
            Some(error) => Err(RpcError::from_json(error)),
        }
    }))
}

impl WalletHost {
    /// Passes a request on, and its answer back.
    pub(crate) fn pass_on(&self, request: &Request) -> Result<Json, RpcError> {
        let loader = self.desk.loader()?;
        let answer = ask(&*loader, &request.to_json(), &request.caller.uri, &request.caller.user)?;
        if answer.is_ok() && OPENERS.contains(&request.method.as_str()) {
            self.remember(&*loader);
        }
        answer
    }

    /// The same for a request that needs no wallet, only who may handle keys: started if need be.
    pub(super) fn pass_keys_on(&self, request: &Request) -> Result<Json, RpcError> {
        let loader = self.ready()?;
        // No wallet is meant, whatever the address of the request.
        ask(&*loader, &request.to_json(), "/", &request.caller.user)?
    }
}
