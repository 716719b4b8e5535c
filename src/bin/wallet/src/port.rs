//! A port of the wallet's own (`-server` on its command line): requests come here without passing through the node.
//!
//! The node usually has the coin's port, so `-rpcport` or `-rpcbind` names another one. The options of the RPC server mean
//! what they mean to the node. Only the cookie has another file, `.wallet-cookie`, so that the node's stays.
//!
//! The port is open as long as the process lives. While there is no node, requests are told so.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use config::Config;
use engine::loader::{Loader, Wallets};
use platform::{Shutdown, SystemEntropy};
use rpc::auth::Authenticator;
use rpc::cookie::Cookie;
use rpc::http::{Handler, HttpReply, HttpRequest, JsonRpcHandler, Route, Routes, Server};
use rpc::{Arg, Directory, Method, Res, RpcOptions, Whitelist, bind, method};

const UNAVAILABLE: u16 = 503;

/// The port, and who answers there now.
pub(crate) struct Port {
    desk: Arc<Desk>,
    whitelist: Whitelist,
    shutdown: Shutdown,
    // Dropped in this order: no answers, then no cookie.
    _server: Server,
    _cookie: Option<Cookie>,
}

/// Answers with the wallets of the node that is there.
#[derive(Default)]
struct Desk(Mutex<Option<Arc<dyn Handler>>>);

impl Desk {
    fn change(&self, handler: Option<Arc<dyn Handler>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = handler;
    }
}

impl Handler for Desk {
    fn handle(&self, request: &HttpRequest) -> HttpReply {
        let handler = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match handler {
            Some(handler) => handler.handle(request),
            None => HttpReply::new(UNAVAILABLE, "The node is gone; waiting for its return\n"),
        }
    }
}

impl Port {
    /// Opens it if it is asked for. `shutdown` is what the method `stop` requests.
    pub(crate) fn open(config: &Config, shutdown: &Shutdown) -> anyhow::Result<Option<Port>> {
        let args = config.args();
        // A file that the node reads too speaks of the node's port.
        if !args.is_on_command_line("server") || !args.get_bool("server", false) {
            return Ok(None);
        }
        let mut options = RpcOptions::read(config)?;
        if !args.is_on_command_line("rpccookiefile") {
            options.auth.cookie_file = Some(config.net_dir().join(".wallet-cookie"));
        }
        let (auth, cookie) = Authenticator::start(&options.auth, &SystemEntropy)?;
        let endpoints = bind::endpoints(&options.binds, options.allows_others, options.port)?;
        let listeners = bind::listen_on(&endpoints, config.coin().client_name)?;
        let (desk, auth) = (Arc::new(Desk::default()), Arc::new(auth));
        let handler = Arc::clone(&desk) as Arc<dyn Handler>;
        let routes = Routes::new()
            .with(Route::exact("/", Arc::clone(&handler)).json_rpc(Arc::clone(&auth)))
            .with(Route::prefix("/wallet/", handler).json_rpc(auth));
        let server = Server::start(listeners, options.server, routes).context("no RPC server")?;
        let shutdown = shutdown.clone();
        Ok(Some(Port { desk, whitelist: options.whitelist, shutdown, _server: server, _cookie: cookie }))
    }

    /// From now on these answer.
    pub(crate) fn serve(&self, loader: &Loader) {
        let client = loader.wallets().shared().config.coin().client_name;
        let more = |directory: &Directory| vec![stop(self.shutdown.clone(), client), help(directory.clone())];
        let engine = loader.serving(more, self.whitelist.clone());
        self.desk.change(Some(Arc::new(JsonRpcHandler(Arc::new(engine)))));
    }

    /// From now on nobody does.
    pub(crate) fn pause(&self) {
        self.desk.change(None);
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
