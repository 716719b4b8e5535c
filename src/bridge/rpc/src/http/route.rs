//! Which handler answers which target.

use std::fmt;
use std::sync::Arc;

use crate::auth::Authenticator;
use crate::engine::{Answer, Engine};
use crate::http::message::{HttpReply, HttpRequest};
use crate::json;

/// A longer request is for nothing quick.
const MAX_QUICK_BODY: usize = 256;

/// What is left to do for a request.
pub type Rest = Box<dyn FnOnce() -> HttpReply + Send>;

/// What came of a request on the server's own thread.
pub enum Begun {
    /// Its answer: to wake another thread would have cost more.
    Done(HttpReply),
    /// Work for a thread of the pool.
    Later(Rest),
}

impl fmt::Debug for Begun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(reply) => formatter.debug_tuple("Done").field(reply).finish(),
            Self::Later(_) => formatter.debug_tuple("Later").finish_non_exhaustive(),
        }
    }
}

/// Answers requests on a thread of the pool.
pub trait Handler: Send + Sync + 'static {
    /// Answers one.
    fn handle(&self, request: &HttpRequest) -> HttpReply;

    /// Begins with one on the server's own thread, which must not take long.
    fn begin(self: Arc<Self>, request: HttpRequest) -> Begun {
        Begun::Later(Box::new(move || self.handle(&request)))
    }
}

impl<F: Fn(&HttpRequest) -> HttpReply + Send + Sync + 'static> Handler for F {
    fn handle(&self, request: &HttpRequest) -> HttpReply {
        self(request)
    }
}

/// A target, or all that start with it, and what happens there.
#[derive(Clone)]
pub struct Route {
    prefix: String,
    exact: bool,
    handler: Arc<dyn Handler>,
    /// Who may ask; none is everybody. Where it is asked for, only `POST` is understood.
    auth: Option<Arc<Authenticator>>,
}

impl Route {
    /// Lets `handler` answer the target `path` alone.
    pub fn exact(path: impl Into<String>, handler: Arc<dyn Handler>) -> Self {
        Self { prefix: path.into(), exact: true, handler, auth: None }
    }

    /// Lets `handler` answer all targets that start with `prefix`.
    pub fn prefix(prefix: impl Into<String>, handler: Arc<dyn Handler>) -> Self {
        Self { prefix: prefix.into(), exact: false, handler, auth: None }
    }

    /// Lets only `POST` requests of known users through.
    #[must_use]
    pub fn json_rpc(mut self, auth: Arc<Authenticator>) -> Self {
        self.auth = Some(auth);
        self
    }

    pub(super) fn handler(&self) -> &Arc<dyn Handler> {
        &self.handler
    }

    pub(super) fn auth(&self) -> Option<&Arc<Authenticator>> {
        self.auth.as_ref()
    }

    fn rest<'a>(&self, target: &'a str) -> Option<&'a str> {
        target.strip_prefix(&self.prefix).filter(|rest| rest.is_empty() || !self.exact)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Route")
            .field("prefix", &self.prefix)
            .field("exact", &self.exact)
            .finish_non_exhaustive()
    }
}

/// All routes. The first that matches answers.
#[derive(Debug, Clone, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one after the others.
    #[must_use]
    pub fn with(mut self, route: Route) -> Self {
        self.0.push(route);
        self
    }

    /// The route of a target, and what follows its prefix.
    pub(super) fn find<'a>(&self, target: &'a str) -> Option<(&Route, &'a str)> {
        self.0.iter().find_map(|route| Some((route, route.rest(target)?)))
    }
}

/// Answers JSON-RPC.
#[derive(Debug)]
pub struct JsonRpcHandler<C: ?Sized>(pub Arc<Engine<C>>);

impl<C: ?Sized + Send + Sync + 'static> Handler for JsonRpcHandler<C> {
    fn handle(&self, request: &HttpRequest) -> HttpReply {
        reply(self.0.answer(&request.body, &request.caller))
    }

    fn begin(self: Arc<Self>, request: HttpRequest) -> Begun {
        let short = Some(&request.body).filter(|body| body.len() <= MAX_QUICK_BODY);
        let Some(value) = short.and_then(|body| json::parse(body)) else {
            return Begun::Later(Box::new(move || self.handle(&request)));
        };
        if self.0.is_quick(&value) {
            return Begun::Done(reply(self.0.answer_json(value, &request.caller)));
        }
        Begun::Later(Box::new(move || reply(self.0.answer_json(value, &request.caller))))
    }
}

fn reply(answer: Answer) -> HttpReply {
    match answer.body {
        None => HttpReply::new(answer.status, ""),
        Some(body) => {
            let mut text = String::with_capacity(1024);
            body.write_to(&mut text);
            text.push('\n');
            HttpReply::new(answer.status, text).with_content_type("application/json")
        }
    }
}
