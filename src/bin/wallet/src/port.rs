//! A port (`-server` on the command line) and a socket (`-ipcbind`) of the wallet's own: requests come here without passing
//! through the node.
//!
//! The node usually has the coin's port, so `-rpcport` or `-rpcbind` names another one. The options of the RPC server mean
//! what they mean to the node. Only the cookie has another file, `.wallet-cookie`, so that the node's stays; and the usual
//! socket is `wallet.sock`.
//!
//! Both are open as long as the process lives. While there is no node, requests are told so.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use config::Config;
use engine::loader::{Loader, Wallets};
use interfaces::{Answer, Call, Failure, Json, Rpc};
use ipc::{Address, Ipc, Options};
use platform::{Shutdown, SystemEntropy};
use rpc::auth::Authenticator;
use rpc::cookie::Cookie;
use rpc::http::{Handler, HttpReply, HttpRequest, JsonRpcHandler, Route, Routes, Server};
use rpc::{Arg, Caller, Directory, Engine, Method, Res, RpcOptions, Whitelist, bind, method};
use tracing::info;

use crate::wallets::{WalletInit, hello};

const UNAVAILABLE: u16 = 503;

const NOBODY: &str = "The node is gone; waiting for its return";

/// Where people ask, and who answers there now.
pub(crate) struct Port {
    desk: Arc<Desk>,
    whitelist: Whitelist,
    shutdown: Shutdown,
    _http: Option<Http>,
    /// The sockets, if there are any.
    _ipc: Ipc,
}

struct Http {
    // Dropped in this order: no answers, then no cookie.
    _server: Server,
    _cookie: Option<Cookie>,
}

/// Answers with the wallets of the node that is there.
#[derive(Default)]
struct Desk(Mutex<Option<Arc<Engine<Wallets>>>>);

impl Desk {
    fn change(&self, engine: Option<Arc<Engine<Wallets>>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = engine;
    }

    fn engine(&self) -> Option<Arc<Engine<Wallets>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Handler for Desk {
    fn handle(&self, request: &HttpRequest) -> HttpReply {
        match self.engine() {
            Some(engine) => JsonRpcHandler(engine).handle(request),
            None => HttpReply::new(UNAVAILABLE, format!("{NOBODY}\n")),
        }
    }
}

/// Who can reach the socket may call everything that the named user may.
impl Rpc for Desk {
    fn execute_rpc(&self, request: &Json, uri: &str, user: &str) -> Call<Answer<Json>> {
        let Some(engine) = self.engine() else { return Ok(Err(Failure::new(NOBODY))) };
        let caller = Caller { uri: uri.to_owned(), user: user.to_owned(), ..Caller::default() };
        let answer = engine.answer_text(request.as_str(), &caller);
        Ok(answer.map(Json::new).map_err(|error| Failure::new(error.to_string())))
    }
}

impl Port {
    /// Opens what is asked for. `shutdown` is what the method `stop` requests.
    pub(crate) fn open(config: &Config, shutdown: &Shutdown) -> anyhow::Result<Option<Port>> {
        // A file that the node reads too speaks of the node's port, and of its socket.
        let asked = |name| config.args().is_on_command_line(name);
        let has_port = asked("server") && config.args().get_bool("server", false);
        let sockets = if asked("ipcbind") { config.args().get_all("ipcbind") } else { Vec::new() };
        if !has_port && sockets.is_empty() {
            return Ok(None);
        }
        let desk = Arc::new(Desk::default());
        let ipc = Ipc::new(Options::new(config.executable()));
        let door = Arc::new(WalletInit { hello: hello(config), wallets: None, rpc: Some(Arc::clone(&desk) as _) });
        for text in sockets {
            let shown = Address::parse(&text)
                .and_then(|address| ipc.listen(&address, config.net_dir(), Arc::clone(&door) as _))
                .with_context(|| format!("Unable to bind to IPC address '{text}'"))?;
            info!("Listening for IPC requests on address {shown}");
        }
        let http = has_port.then(|| Http::open(config, Arc::clone(&desk) as _)).transpose()?;
        let (http, whitelist) = http.unzip();
        let whitelist = whitelist.unwrap_or_default();
        Ok(Some(Port { desk, whitelist, shutdown: shutdown.clone(), _http: http, _ipc: ipc }))
    }

    /// From now on these answer.
    pub(crate) fn serve(&self, loader: &Loader) {
        let client = loader.wallets().shared().config.coin().client_name;
        let more = |directory: &Directory| vec![stop(self.shutdown.clone(), client), help(directory.clone())];
        let engine = loader.serving(more, self.whitelist.clone());
        self.desk.change(Some(Arc::new(engine)));
    }

    /// From now on nobody does.
    pub(crate) fn pause(&self) {
        self.desk.change(None);
    }
}

impl Http {
    fn open(config: &Config, handler: Arc<dyn Handler>) -> anyhow::Result<(Http, Whitelist)> {
        let mut options = RpcOptions::read(config)?;
        if !config.args().is_on_command_line("rpccookiefile") {
            options.auth.cookie_file = Some(config.net_dir().join(".wallet-cookie"));
        }
        let (auth, cookie) = Authenticator::start(&options.auth, &SystemEntropy)?;
        let endpoints = bind::endpoints(&options.binds, options.allows_others, options.port)?;
        let listeners = bind::listen_on(&endpoints, config.coin().client_name)?;
        let auth = Arc::new(auth);
        let routes = Routes::new()
            .with(Route::exact("/", Arc::clone(&handler)).json_rpc(Arc::clone(&auth)))
            .with(Route::prefix("/wallet/", handler).json_rpc(auth));
        let server = Server::start(listeners, options.server, routes).context("no RPC server")?;
        Ok((Http { _server: server, _cookie: cookie }, options.whitelist))
    }
}

fn stop(shutdown: Shutdown, client: &'static str) -> Method<Wallets> {
    method("control", "stop", "Request a graceful shutdown of the wallet process.")
        .result(Res::str("", "A string that tells that the wallets are stopping"))
        .run(move |_: &Wallets, _| {
            shutdown.request();
            Ok(format!("{client} stopping").into())
        })
}

fn help(directory: Directory) -> Method<Wallets> {
    method("control", "help", "List all commands, or get help for a specified command.\n")
        .arg(Arg::str("command", "The command to get help on").hint("all commands"))
        .result(Res::str("", "The help text"))
        .run(move |_: &Wallets, request| Ok(directory.help(request.opt_str("command")?.unwrap_or_default()).into()))
}
