//! Methods that need only a configuration, asked the way a client asks them.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::rpc::client::{Client, Credentials};
use ::rpc::{Answer, Caller, Directory, Engine, Json, Method, Registry, RpcState};
use config::{Config, Env, Outcome, Role};
use logging::LogHandle;
use platform::{Clock, ManualClock, MockableClock, Shutdown, SystemClock};
use tempfile::TempDir;

use crate::node::Node;
use crate::node_iface::GuiNode;
use crate::{NodeContext, WalletSource};

/// A whole node with a directory of its own. One in a process: it takes over the log and the signals.
pub(crate) struct RunningNode {
    node: Option<Node>,
    shutdown: Shutdown,
    client: Mutex<Client>,
    _dir: TempDir,
}

impl RunningNode {
    /// Of bitcoin on regtest, with these options besides.
    pub(crate) fn start(options: &[&str], wallets: WalletSource) -> Self {
        let dir = TempDir::new().unwrap();
        let coin = coin::by_id("bitcoin").unwrap();
        let base = ["bitcoin-node", "-regtest", "-rpcport=0", "-listen=0", "-server", "-printtoconsole=0"];
        let argv: Vec<OsString> = base.iter().chain(options).map(Into::into).collect();
        let Outcome::Run(config) = config::load(Role::Node, coin, &argv, &Env::rooted_at(dir.path())).unwrap() else {
            panic!("no configuration");
        };
        let net_dir = config.net_dir().to_owned();
        let clock = Arc::new(MockableClock::new(SystemClock::new()));
        let log = LogHandle::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let shutdown = Shutdown::new();
        let node = Node::start(*config, clock, log, &shutdown, wallets).unwrap();
        let ready = ::rpc::json::parse(&std::fs::read(net_dir.join("ready.json")).unwrap()).unwrap();
        let port = ready.get("rpc").at(0).as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        let cookie = Credentials::find("", "", Some(Path::new(ready.get("cookie").as_str().unwrap())));
        let client = Client::new("127.0.0.1", port, cookie, Some(Duration::from_mins(1)));
        Self { node: Some(node), shutdown, client: Mutex::new(client), _dir: dir }
    }

    pub(crate) fn context(&self) -> &Arc<NodeContext> {
        self.node.as_ref().unwrap().context()
    }

    /// What a GUI holds.
    pub(crate) fn gui(&self) -> GuiNode {
        let context = self.context();
        let registry = crate::server::registry(context.directory.clone(), context.config.coin());
        let engine = Engine::new(Arc::clone(context), registry, Arc::clone(&context.rpc_state));
        GuiNode::new(Arc::clone(context), Arc::new(engine))
    }

    /// The result, or the error's code and message. `params` is JSON.
    pub(crate) fn ask_at(&self, uri: &str, method: &str, params: &str) -> Result<Json, (i32, String)> {
        let params = ::rpc::json::parse(params.as_bytes()).unwrap();
        let answer = self.client.lock().unwrap().call(uri, method, params).unwrap();
        answer.map_err(|error| (error.code.0, error.message.into_owned()))
    }

    pub(crate) fn ask(&self, method: &str, params: &str) -> Result<Json, (i32, String)> {
        self.ask_at("/", method, params)
    }

    /// Mines blocks whose coins anyone can spend.
    pub(crate) fn mine(&self, count: i32) {
        let script = lab::anyone().to_hex_string();
        self.ask("generatetodescriptor", &format!(r#"[{count}, "raw({script})"]"#)).unwrap();
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.shutdown.request();
        if let Some(node) = self.node.take() {
            node.wait_and_stop();
        }
    }
}

/// Answers requests for some methods.
pub(crate) struct Asker {
    engine: Engine<Config>,
    _dir: TempDir,
}

impl Asker {
    /// Of a coin on its regtest chain.
    pub(crate) fn new(coin: &str, methods: Vec<Method<Config>>) -> Self {
        Self::with_options(coin, &[], methods)
    }

    /// The same with options.
    pub(crate) fn with_options(coin: &str, options: &[&str], methods: Vec<Method<Config>>) -> Self {
        let dir = TempDir::new().unwrap();
        let coin = coin::by_id(coin).unwrap();
        let argv: Vec<OsString> = [coin.id, "-regtest"].iter().chain(options).map(Into::into).collect();
        let Outcome::Run(config) = config::load(Role::Node, coin, &argv, &Env::rooted_at(dir.path())).unwrap() else {
            panic!("no configuration");
        };
        let state = Arc::new(RpcState::new(Arc::new(ManualClock::new(0))));
        state.finish_warmup();
        let registry = Registry::new(Directory::new(::rpc::Identity::of(config.coin())));
        registry.add_all(methods);
        let release = config.rpc_release().unwrap();
        let engine = Engine::new(Arc::from(config), Arc::new(registry), state);
        let engine = engine.with_result_checks(true).with_release(release);
        Self { engine, _dir: dir }
    }

    /// The result, or the error's code and message. `params` is JSON.
    pub(crate) fn ask(&self, method: &str, params: &str) -> Result<Json, (i32, String)> {
        let request = format!(r#"{{"method":"{method}","params":{params},"id":1}}"#);
        let Answer { body, .. } = self.engine.answer(request.as_bytes(), &Caller::default());
        let reply = body.unwrap();
        match reply.get("error") {
            Json::Null => Ok(reply.get("result").clone()),
            error => Err((error.get("code").as_int().unwrap(), error.get("message").as_str().unwrap().to_owned())),
        }
    }

    /// The result as text that is easy to compare.
    pub(crate) fn shown(&self, method: &str, params: &str) -> String {
        match self.ask(method, params) {
            Ok(result) => result.write_indented(2),
            Err((code, message)) => format!("error {code}: {message}"),
        }
    }
}
