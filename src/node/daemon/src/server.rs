//! The JSON-RPC server of the node: its sockets, who may ask, and what answers.

use std::sync::Arc;

use ::rpc::{
    Directory, Engine, Registry, RpcOptions,
    auth::Authenticator,
    bind,
    cookie::Cookie,
    http::{JsonRpcHandler, Route, Routes, Server},
};
use platform::Entropy;

use crate::{NodeContext, rest};

/// A running server with the cookie that lets people in.
#[derive(Debug)]
pub(crate) struct RpcServer {
    pub(crate) server: Server,
    /// Removed from the disk when dropped.
    pub(crate) cookie: Option<Cookie>,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// Options about users and the cookie.
    #[error(transparent)]
    Auth(#[from] ::rpc::auth::AuthError),
    /// No address could be bound.
    #[error(transparent)]
    Bind(#[from] bind::BindError),
    /// The system refused a thread or a socket.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The methods, in a registry that lists them.
pub(crate) fn registry(directory: Directory, coin: &coin::Coin) -> Arc<Registry<NodeContext>> {
    let registry = Registry::new(directory);
    registry.add_all(crate::rpc::methods());
    registry.add_all(crate::rpc::methods_of(coin.consensus.header_format, coin.consensus.tx_format));
    Arc::new(registry)
}

/// Binds the sockets and starts to answer.
pub(crate) fn start(
    options: RpcOptions,
    context: &Arc<NodeContext>,
    engine: Arc<Engine<NodeContext>>,
    entropy: &dyn Entropy,
) -> Result<RpcServer, ServerError> {
    let (auth, cookie) = Authenticator::start(&options.auth, entropy)?;
    let auth = Arc::new(auth);
    let endpoints = bind::endpoints(&options.binds, options.allows_others, options.port)?;
    let listeners = bind::listen_on(&endpoints, context.config.coin().client_name)?;
    let mut routes = Routes::new();
    if context.config.args().get_bool("rest", false) {
        routes = rest::add(routes, context, &engine);
    }
    let handler = Arc::new(JsonRpcHandler(engine));
    let routes = routes
        .with(Route::exact("/", Arc::clone(&handler) as _).json_rpc(Arc::clone(&auth)))
        .with(Route::prefix("/wallet/", handler).json_rpc(auth));
    let server = Server::start(listeners, options.server, routes)?;
    Ok(RpcServer { server, cookie })
}
