//! A client of Bulkhead's own at a daemon's socket.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use bitcoin::hashes::Hash as _;
use interfaces::{Hello, Json as Request};
use ipc::{Address, Connect, Ipc, Options, Peer};
use rpc::Json;

use crate::stage::Stage;

/// What a GUI of the stage's chain says of itself.
pub(crate) fn hello(stage: &Stage) -> Result<Hello> {
    let chain = stage.regtest()?;
    Ok(Hello {
        coin: stage.coin.id.to_owned(),
        chain: chain.kind.name().to_owned(),
        genesis: bitcoin::BlockHash::from_byte_array(chain.genesis.hash).to_string(),
        role: "gui".to_owned(),
        ..Hello::default()
    })
}

/// Goes to the process that listens at `socket`.
pub(crate) fn connect(stage: &Stage, socket: &Path) -> Result<Peer> {
    let client = Ipc::new(Options::new(format!("{}-gui", stage.coin.id)));
    let to = Connect::To(Address::Unix(Some(socket.to_owned())));
    // The path is complete.
    let peer = client.connect(&to, Path::new("/"), "node", Some(&hello(stage)?))?;
    peer.context("nobody is there")
}

/// Sends a request to `uri`. The outer error is the road's; the inner one is what was answered in place of a result.
pub(crate) fn try_ask(peer: &Peer, uri: &str, method: &str, params: &str) -> Result<Result<Json>> {
    let rpc = peer.init().make_rpc()?.context("no JSON-RPC")?;
    let request = format!(r#"{{"method":"{method}","params":{params},"id":1}}"#);
    let answer = match rpc.execute_rpc(&Request::new(request), uri, "")? {
        Ok(answer) => answer,
        Err(failure) => return Ok(Err(anyhow!(failure.0))),
    };
    let answer = rpc::json::parse(answer.as_str().as_bytes()).context("the answer is no JSON")?;
    Ok(match answer.get("error") {
        Json::Null => Ok(answer.get("result").clone()),
        error => Err(anyhow!("{method} answered {}", error.write())),
    })
}

/// The result of a request to `uri`.
pub(crate) fn ask(peer: &Peer, uri: &str, method: &str, params: &str) -> Result<Json> {
    try_ask(peer, uri, method, params)?
}
