//! What the node offers over its sockets (`-ipcbind`) and to the program that has started it (`-ipcfd`): to Core's clients the interfaces that they know, to our own
//! processes a handshake first.

use std::{sync::Arc, time::Duration};

use ::rpc::{Caller, Engine};
use config::Config;
use interfaces::{
    Answer, BulkheadInit, Call, Chain, Echo, Failure, Hello, Init, Json, Mining, Mining30, Node, Rpc, WalletLoader,
    old_mining_refused,
};
use ipc::{Address, Ipc, Options};
use platform::{sandbox::Mode, socket::LocalSocket};
use tracing::{info, warn};

use crate::{
    NodeContext,
    chain_iface::NodeChain,
    mining::{Miner, MiningObject, MiningObject30, wants_release30},
    node_iface::GuiNode,
    options::BadOption,
};

/// How long a stop waits for calls that were interrupted.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether `-ipcbind` can be obeyed, as far as that is known before anything is touched.
pub(crate) fn check(config: &Config) -> Result<(), BadOption> {
    for text in config.args().get_all("ipcbind") {
        let path = Address::parse(&text).and_then(|address| address.socket_path(config.net_dir(), "node"));
        path.map_err(|error| BadOption(format!("Unable to bind to IPC address '{text}'. {error}")))?;
    }
    // It is for the wallets' process, which should not be the first to say so.
    Mode::parse(&config.args().get_str("sandbox", "1")).map_err(|error| BadOption(error.to_string()))?;
    Ok(())
}

/// What the node serves to whoever is at the other end of a socket.
pub(crate) struct Server {
    ipc: Ipc,
    init: Arc<NodeInit>,
}

/// Listens where `-ipcbind` says.
pub(crate) fn start(context: &Arc<NodeContext>, engine: &Arc<Engine<NodeContext>>) -> Result<Server, ipc::Error> {
    let config = &context.config;
    let init = Arc::new(NodeInit {
        hello: hello(context),
        rpc: Arc::new(NodeRpc(Arc::clone(engine))),
        miner: Arc::clone(context.miner()),
        // What else it says was refused at the start.
        release30: wants_release30(config).unwrap_or(false),
        node: Arc::clone(context),
        engine: Arc::clone(engine),
    });
    let server = Server { ipc: Ipc::new(Options::new(config.executable())), init };
    for text in config.args().get_all("ipcbind") {
        let address = Address::parse(&text)?;
        let shown = server.ipc.listen(&address, config.net_dir(), server.init())?;
        info!("Listening for IPC requests on address {shown}");
    }
    Ok(server)
}

impl Server {
    fn init(&self) -> Arc<dyn BulkheadInit> {
        Arc::clone(&self.init) as Arc<dyn BulkheadInit>
    }

    /// The node as a GUI sees it.
    pub(crate) fn node(&self) -> Arc<dyn Node> {
        self.init.gui_node()
    }

    /// Serves the program that has started this one, and asks for a stop when that hangs up: a GUI that dies leaves no
    /// node behind.
    pub(crate) fn serve_parent(&self, socket: LocalSocket) -> Result<(), ipc::Error> {
        let served = self.ipc.serve(socket, "parent", self.init())?;
        let shutdown = self.init.node.shutdown.clone();
        let wait = move || {
            while !served.wait(Duration::from_hours(1)) {}
            shutdown.request();
        };
        platform::thread::spawn("ipc-parent", wait).map(drop).map_err(ipc::Error::Start)
    }

    /// Hangs up on everybody.
    pub(crate) fn stop(&self) {
        if !self.ipc.shutdown(PATIENCE) {
            warn!("An IPC call did not end in time");
        }
    }
}

/// Who this node is to our own processes.
pub(crate) fn hello(context: &NodeContext) -> Hello {
    let config = &context.config;
    Hello {
        coin: config.coin().id.to_owned(),
        chain: config.chain().kind.name().to_owned(),
        genesis: context.rules.params().genesis_hash().to_string(),
        version: config::about::VERSION.to_owned(),
        role: "node".to_owned(),
        capabilities: Vec::new(),
    }
}

/// What a connection starts with.
struct NodeInit {
    hello: Hello,
    rpc: Arc<NodeRpc>,
    miner: Arc<Miner>,
    /// Whether clients of release 30 are served.
    release30: bool,
    node: Arc<NodeContext>,
    engine: Arc<Engine<NodeContext>>,
}

impl NodeInit {
    fn gui_node(&self) -> Arc<dyn Node> {
        Arc::new(GuiNode::new(Arc::clone(&self.node), Arc::clone(&self.engine)))
    }
}

impl Init for NodeInit {
    fn make_echo(&self) -> Call<Option<Arc<dyn Echo>>> {
        Ok(Some(Arc::new(|text: &str| text.to_owned())))
    }

    fn make_mining(&self) -> Call<Option<Arc<dyn Mining>>> {
        Ok(Some(Arc::new(MiningObject::new(Arc::clone(&self.miner)))))
    }

    fn make_mining_old2(&self) -> Call<Answer<Option<Arc<dyn Mining30>>>> {
        if !self.release30 {
            return Ok(old_mining_refused());
        }
        Ok(Ok(Some(Arc::new(MiningObject30(MiningObject::new(Arc::clone(&self.miner)))))))
    }

    fn make_rpc(&self) -> Call<Option<Arc<dyn Rpc>>> {
        Ok(Some(Arc::clone(&self.rpc) as Arc<dyn Rpc>))
    }
}

impl BulkheadInit for NodeInit {
    fn handshake(&self, hello: &Hello) -> Call<Answer<Hello>> {
        Ok(self.hello.check(hello).map(|()| self.hello.clone()))
    }

    fn make_chain(&self) -> Call<Option<Arc<dyn Chain>>> {
        Ok(Some(Arc::new(NodeChain::new(Arc::clone(&self.node)))))
    }

    fn make_node(&self) -> Call<Option<Arc<dyn Node>>> {
        Ok(Some(self.gui_node()))
    }

    fn make_wallet_loader(&self, _: Arc<dyn Chain>) -> Call<Answer<Option<Arc<dyn WalletLoader>>>> {
        Ok(Ok(None))
    }

    fn attach_wallets(&self, wallets: Arc<dyn WalletLoader>) -> Call<Answer<()>> {
        Ok(match self.node.wallets.get() {
            Some(host) => host.attach(&wallets, self.engine.registry()),
            None => Err(Failure::new("This node is starting.")),
        })
    }
}

/// JSON-RPC without HTTP: who can reach the socket may call everything that the named user may.
struct NodeRpc(Arc<Engine<NodeContext>>);

impl Rpc for NodeRpc {
    fn execute_rpc(&self, request: &Json, uri: &str, user: &str) -> Call<Answer<Json>> {
        let caller = Caller { uri: uri.to_owned(), user: user.to_owned(), ..Caller::default() };
        let answer = self.0.answer_text(request.as_str(), &caller);
        Ok(answer.map(Json::new).map_err(|error| Failure::new(error.to_string())))
    }
}
