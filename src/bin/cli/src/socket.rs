//! Requests over the node's socket. Nobody needs a password there: the socket's permissions say who may call.

use std::fmt::Write as _;
use std::sync::Arc;

use config::{Config, Role};
use interfaces::{Hello, Rpc};
use ipc::{Connect, Ipc, Options, Peer};
use rpc::Json;
use rpc::json::parse;

use crate::error::CliError;

/// The way to the socket.
#[derive(Debug)]
pub(crate) struct Socket<'a> {
    config: &'a Config,
    to: Connect,
    node: Option<Node>,
}

/// A node that answered.
struct Node {
    rpc: Arc<dyn Rpc>,
    /// Dropping these would hang up.
    _connection: (Ipc, Peer),
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

impl<'a> Socket<'a> {
    /// The socket that `-ipcconnect` names; none says that this way is closed.
    pub(crate) fn new(config: &'a Config, ipcconnect: Option<&str>) -> Result<Self, CliError> {
        let to = ipcconnect.map_or(Ok(Connect::Off), Connect::parse).map_err(CliError::Ipc)?;
        Ok(Self { config, to, node: None })
    }

    /// Sends a request and returns the answer; nothing if nobody is there and nobody has to be.
    pub(crate) fn post(&mut self, endpoint: &str, request: &Json) -> Result<Option<Json>, CliError> {
        let node = match self.node.take() {
            Some(node) => node,
            None => match self.connect()? {
                Some(node) => node,
                None => return Ok(None),
            },
        };
        let user = self.config.args().get_str("rpcuser", "");
        let answer = node.rpc.execute_rpc(&interfaces::Json::new(request.write()), endpoint, &user)?;
        let answer = answer.map_err(|failure| CliError::IpcRefused(failure.0))?;
        self.node = Some(node);
        let reply = parse(answer.as_str().as_bytes()).ok_or(CliError::Client(rpc::client::ClientError::NotJson))?;
        Ok(Some(reply))
    }

    fn connect(&self) -> Result<Option<Node>, CliError> {
        let config = self.config;
        let ipc = Ipc::new(Options::new(config.executable()));
        let peer = match ipc.connect(&self.to, config.net_dir(), "node", Some(&self.hello())) {
            Ok(Some(peer)) => peer,
            Ok(None) => return Ok(None),
            Err(error @ (ipc::Error::Connect(..) | ipc::Error::PathTooLong(..))) => {
                return Err(CliError::NoSocket {
                    reason: error.to_string(),
                    coin: config.coin().id,
                    chain: config.chain().kind.name(),
                });
            }
            Err(error) => return Err(CliError::Ipc(error)),
        };
        let Some(rpc) = peer.init().make_rpc()? else {
            return Err(CliError::IpcRefused("the process at the other end answers no RPC".to_owned()));
        };
        Ok(Some(Node { rpc, _connection: (ipc, peer) }))
    }

    /// Who we are: a node of another coin or chain refuses us.
    fn hello(&self) -> Hello {
        let (coin, chain) = (self.config.coin(), self.config.chain());
        Hello {
            coin: coin.id.to_owned(),
            chain: chain.kind.name().to_owned(),
            genesis: reversed_hex(&chain.genesis.hash),
            version: config::about::VERSION.trim_start_matches('v').to_owned(),
            role: Role::Cli.suffix().trim_start_matches('-').to_owned(),
            capabilities: Vec::new(),
        }
    }
}

/// A hash as people read it.
fn reversed_hex(hash: &[u8]) -> String {
    hash.iter().rev().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
