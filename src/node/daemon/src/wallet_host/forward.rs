//! Passing requests on to the wallets.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ::rpc::{Code, Described, Foreign, Json, Object, Registry, Request, RpcError, json};
use interfaces::{BlockHash, RpcCommand, WalletLoader};

use super::WalletHost;
use super::desk::{Absent, Desk};
use crate::NodeContext;
use crate::chain_iface::convert::from_hash;

/// Methods behind which other wallets are open than before.
const OPENERS: [&str; 5] = ["createwallet", "loadwallet", "unloadwallet", "restorewallet", "migratewallet"];

/// A method of the wallets that the node asks and nobody else.
pub(super) const FOR_NODE: &str = "publicscripts";
/// Another, which tells everything about all methods of the wallets.
const DESCRIBE: &str = "describemethods";

/// What the wallets say about their methods. It is fetched when somebody reads it: to write it all down takes longer than
/// the rest of a start.
struct Texts {
    desk: Arc<Desk>,
    told: OnceLock<BTreeMap<String, Arc<Described>>>,
}

impl Texts {
    /// What is said about a method. Without wallets that answer, it is what was known from the start.
    fn of(&self, command: &RpcCommand) -> Arc<Described> {
        let told = json::parse(command.description.as_str().as_bytes()).as_ref().and_then(Described::from_json);
        if let Some(described) = told.filter(|described| described.name == command.name) {
            return Arc::new(described);
        }
        if let Some(described) = self.all().and_then(|all| all.get(&command.name)) {
            return Arc::clone(described);
        }
        let line = || format!("{} {}", command.name, command.args.join(" "));
        // Positions are known, and that none of them is JSON is the safe guess.
        let openrpc =
            Json::from(Object::new().with("name", command.name.as_str()).with("params", Json::Arr(Vec::new())));
        Arc::new(Described {
            help: self.page(&command.name).unwrap_or_else(line),
            name: command.name.clone(),
            category: command.category.clone(),
            openrpc: [openrpc.clone(), openrpc],
            arg_map: Json::Arr(Vec::new()),
        })
    }

    fn all(&self) -> Option<&BTreeMap<String, Arc<Described>>> {
        if let Some(told) = self.told.get() {
            return Some(told);
        }
        let answer = self.ask(DESCRIBE, Vec::new())?;
        let told = answer.as_arr().ok()?.iter().filter_map(Described::from_json);
        let told = told.map(|described| (described.name.clone(), Arc::new(described))).collect();
        Some(self.told.get_or_init(|| told))
    }

    /// The help page, of wallets that tell no more.
    fn page(&self, name: &str) -> Option<String> {
        self.ask("help", vec![name.into()])?.as_str().ok().map(str::to_owned)
    }

    fn ask(&self, method: &str, params: Vec<Json>) -> Option<Json> {
        let loader = self.desk.loader().ok()?;
        let request = Object::new().with("method", method).with("params", Json::Arr(params)).with("id", "help");
        ask(&*loader, &request.into(), "/", "", BlockHash::default()).ok()?.ok().map(Json::opened)
    }
}

/// Lists the wallets' methods among the node's. What the node has itself stays.
pub(super) fn register(
    loader: &dyn WalletLoader,
    desk: &Arc<Desk>,
    registry: &Registry<NodeContext>,
) -> Result<(), Absent> {
    let own = registry.directory().names();
    let texts = Arc::new(Texts { desk: Arc::clone(desk), told: OnceLock::new() });
    for command in loader.rpc_commands()? {
        if own.contains(&command.name) || [FOR_NODE, DESCRIBE].contains(&command.name.as_str()) {
            continue;
        }
        let (name, category, texts) = (command.name.clone(), command.category.clone(), Arc::clone(&texts));
        let method = Foreign { name, category, describe: Arc::new(move |_| texts.of(&command)) };
        registry
            .forward(method, Arc::new(|node: &NodeContext, request: &Request| node.wallets()?.pass_on(request, node)));
    }
    Ok(())
}

/// Has the wallets answer a request. The outer error is the road's. A long answer comes as its text ([`Json::Written`]).
fn ask(
    loader: &dyn WalletLoader,
    request: &Json,
    uri: &str,
    user: &str,
    tip: BlockHash,
) -> Result<Result<Json, RpcError>, Absent> {
    let answer = loader.execute_rpc(&interfaces::Json::new(request.write()), uri, user, tip)?;
    Ok(answer.map_err(|failure| RpcError::misc(failure.0)).and_then(|answer| {
        // What the wallet tells may be long, and is for whoever asked: it is not taken apart and written anew.
        let Some(mut reply) = json::members(answer.as_str()) else {
            return Err(RpcError::new(Code::INTERNAL_ERROR, "The wallet's answer is not JSON."));
        };
        match reply.remove("error").unwrap_or_default() {
            Json::Null => Ok(reply.remove("result").unwrap_or_default()),
            error => Err(RpcError::from_json(&error.opened())),
        }
    }))
}

impl WalletHost {
    /// Passes a request on, and its answer back.
    pub(crate) fn pass_on(&self, request: &Request, node: &NodeContext) -> Result<Json, RpcError> {
        let loader = self.desk.loader()?;
        let tip = node.reader().tip().map(|tip| from_hash(tip.hash)).unwrap_or_default();
        let answer = ask(&*loader, &request.to_json(), &request.caller.uri, &request.caller.user, tip)?;
        if answer.is_ok() && OPENERS.contains(&request.method.as_str()) {
            self.remember(&*loader);
        }
        answer
    }

    /// The same for a request that needs no wallet, only who may handle keys: started if need be.
    pub(super) fn pass_keys_on(&self, request: &Request) -> Result<Json, RpcError> {
        let loader = self.ready()?;
        // No wallet is meant, whatever the address of the request.
        ask(&*loader, &request.to_json(), "/", &request.caller.user, BlockHash::default())?.map(Json::opened)
    }
}
