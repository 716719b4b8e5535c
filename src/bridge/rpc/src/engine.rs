//! From the text of a request to the text of its answer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::{Level, debug, enabled, warn};

use crate::check;
use crate::error::{Code, RpcError};
use crate::help;
use crate::json::{self, Json};
use crate::method::Method;
use crate::named;
use crate::registry::{Entry, Registry};
use crate::release;
use crate::request::{Caller, Envelope, Request, Version};
use crate::state::RpcState;
use crate::whitelist::{Permission, Whitelist};

const HTTP_OK: u16 = 200;
const HTTP_NO_CONTENT: u16 = 204;
const HTTP_BAD_REQUEST: u16 = 400;
const HTTP_FORBIDDEN: u16 = 403;
const HTTP_NOT_FOUND: u16 = 404;
const HTTP_INTERNAL_SERVER_ERROR: u16 = 500;

/// A request that did not come over HTTP is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON received over IPC")]
pub struct NotJson;

/// Runs requests in a context.
pub struct Engine<C: ?Sized> {
    context: Arc<C>,
    registry: Arc<Registry<C>>,
    state: Arc<RpcState>,
    whitelist: Whitelist,
    check_results: bool,
    log_ips: bool,
    release: Option<u32>,
}

/// What a request is answered with. No body means that nothing is sent but the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The response, or the array of responses.
    pub body: Option<Json>,
}

impl<C: ?Sized + 'static> Engine<C> {
    /// An engine that lets everybody call everything. Answers are compared with their descriptions in debug builds.
    pub fn new(context: Arc<C>, registry: Arc<Registry<C>>, state: Arc<RpcState>) -> Self {
        let whitelist = Whitelist::default();
        let check_results = cfg!(debug_assertions);
        Self { context, registry, state, whitelist, check_results, log_ips: false, release: None }
    }

    /// Limits what users may call.
    #[must_use]
    pub fn with_whitelist(mut self, whitelist: Whitelist) -> Self {
        self.whitelist = whitelist;
        self
    }

    /// Whether answers are compared with their descriptions (`-rpcdoccheck`).
    #[must_use]
    pub fn with_result_checks(mut self, check: bool) -> Self {
        self.check_results = check;
        self
    }

    /// Whether the log names peers' addresses (`-logips`).
    #[must_use]
    pub fn with_logged_ips(mut self, log: bool) -> Self {
        self.log_ips = log;
        self
    }

    /// The release as which it answers (`-rpccompat`); none for this one.
    #[must_use]
    pub fn with_release(mut self, release: Option<u32>) -> Self {
        self.release = release;
        self
    }

    /// The methods.
    pub fn registry(&self) -> &Arc<Registry<C>> {
        &self.registry
    }

    /// The state.
    pub fn state(&self) -> &Arc<RpcState> {
        &self.state
    }

    /// Answers the body of an HTTP request.
    pub fn answer(&self, body: &[u8], caller: &Caller) -> Answer {
        match json::parse(body) {
            Some(request) => self.answer_json(request, caller),
            None => failed(Envelope::unknown(), RpcError::new(Code::PARSE_ERROR, "Parse error")),
        }
    }

    /// Whether this is one request for a [quick](Method::quick) method.
    pub fn is_quick(&self, request: &Json) -> bool {
        let entry = request.get("method").as_str().ok().and_then(|method| self.registry.find(method));
        entry.is_some_and(|entry| matches!(entry.as_ref(), Entry::Local(method) if method.quick))
    }

    /// Answers a text that did not come over HTTP: `null` where HTTP would send no body.
    pub fn answer_text(&self, text: &str, caller: &Caller) -> Result<String, NotJson> {
        let answer = self.answer_json(json::parse(text.as_bytes()).ok_or(NotJson)?, caller);
        Ok(answer.body.unwrap_or_default().write())
    }

    /// Answers one request or a batch.
    pub fn answer_json(&self, request: Json, caller: &Caller) -> Answer {
        let permission = self.whitelist.permission(&caller.user);
        match (permission, request) {
            (Permission::Nothing, _) => {
                warn!("RPC User {} not allowed to call any methods", caller.user);
                Answer { status: HTTP_FORBIDDEN, body: None }
            }
            (_, request @ Json::Obj(_)) => self.answer_one(request, caller, permission),
            (_, Json::Arr(requests)) => self.answer_batch(requests, caller, permission),
            _ => failed(Envelope::unknown(), RpcError::new(Code::PARSE_ERROR, "Top-level object parse error")),
        }
    }

    fn answer_one(&self, request: Json, caller: &Caller, permission: Permission<'_>) -> Answer {
        let request = match self.parse(request, caller) {
            Ok(request) => request,
            Err((envelope, error)) => return failed(envelope, error),
        };
        if !permission.allows(&request.method) {
            return forbidden(caller, &request.method);
        }
        let (envelope, silent) = (request.envelope(), request.is_notification());
        match self.execute(request) {
            _ if silent => Answer { status: HTTP_NO_CONTENT, body: None },
            Err(error) if envelope.version == Version::Legacy => failed(envelope, error),
            outcome => Answer { status: HTTP_OK, body: Some(envelope.reply(outcome)) },
        }
    }

    fn answer_batch(&self, requests: Vec<Json>, caller: &Caller, permission: Permission<'_>) -> Answer {
        if let Permission::Some(_) = permission {
            for request in &requests {
                match method_of(request) {
                    Ok(method) if permission.allows(method) => {}
                    Ok(method) => return forbidden(caller, method),
                    Err(error) => return failed(Envelope::unknown(), error),
                }
            }
        }
        // An empty batch names no dialect, so it is answered as the old one was: with an empty array.
        let was_empty = requests.is_empty();
        let mut replies = Vec::new();
        for request in requests {
            let (envelope, silent, outcome) = match self.parse(request, caller) {
                Ok(request) => (request.envelope(), request.is_notification(), self.execute(request)),
                Err((envelope, error)) => {
                    let silent = envelope.id.is_none() && envelope.version == Version::V2;
                    (envelope, silent, Err(error))
                }
            };
            if !silent {
                replies.push(envelope.reply(outcome));
            }
        }
        if replies.is_empty() && !was_empty {
            return Answer { status: HTTP_NO_CONTENT, body: None };
        }
        Answer { status: HTTP_OK, body: Some(Json::Arr(replies)) }
    }

    fn parse(&self, request: Json, caller: &Caller) -> Result<Request, (Envelope, RpcError)> {
        let request = Request::parse(request, caller)?;
        self.log(&request);
        Ok(request)
    }

    fn log(&self, request: &Request) {
        if !enabled!(target: "rpc", Level::DEBUG) {
            return;
        }
        let id = match &request.id {
            Some(Json::Str(id)) => sanitized(id),
            Some(Json::Num(id)) => id.as_str().to_owned(),
            _ => String::new(),
        };
        let (method, user) = (sanitized(&request.method), &request.caller.user);
        if self.log_ips {
            let peer = &request.caller.peer;
            debug!(target: "rpc", "ThreadRPCServer method={method} user={user} peeraddr={peer} id={id}");
        } else {
            debug!(target: "rpc", "ThreadRPCServer method={method} user={user} id={id}");
        }
    }

    /// Runs one request.
    pub fn execute(&self, request: Request) -> Result<Json, RpcError> {
        if let Some(status) = self.state.warmup_status() {
            return Err(RpcError::new(Code::IN_WARMUP, status));
        }
        let entry = self.registry.find(&request.method).ok_or_else(RpcError::method_not_found)?;
        let _running = self.state.begin(&request.method);
        let method = request.method.clone();
        // A bug in one method must not end the worker, let alone the daemon.
        catch_unwind(AssertUnwindSafe(|| match entry.as_ref() {
            Entry::Local(method) => self.execute_local(method, request),
            Entry::Forwarded(forward) => forward(&self.context, &request),
        }))
        .unwrap_or_else(|_| {
            let text = format!("RPC call \"{method}\" panicked");
            Err(RpcError::misc(self.registry.directory().identity().internal_bug(&text)))
        })
    }

    fn execute_local(&self, method: &Method<C>, mut request: Request) -> Result<Json, RpcError> {
        let doc = &method.doc;
        let identity = self.registry.directory().identity();
        if let Json::Obj(members) = request.params {
            request.params = Json::Arr(named::to_positional(members, &doc.arg_names())?);
        }
        if !check::arg_count_fits(doc, request.params.len()) {
            return Err(RpcError::misc(identity.words.fill(&help::page(doc, identity))));
        }
        check::check_args(doc, &request.params)?;
        let mut result = (method.handler)(&self.context, &request.described_by(Arc::clone(doc)))?;
        if self.check_results
            && let Err(mismatch) = check::check_result(doc, &result)
        {
            return Err(RpcError::misc(identity.internal_bug(&mismatch)));
        }
        if let Some(release) = self.release {
            release::leave_out_newer(doc, release, &mut result);
        }
        Ok(result)
    }
}

/// The answer of a request that failed where errors have HTTP statuses.
fn failed(envelope: Envelope, error: RpcError) -> Answer {
    let status = match error.code {
        Code::INVALID_REQUEST => HTTP_BAD_REQUEST,
        Code::METHOD_NOT_FOUND => HTTP_NOT_FOUND,
        _ => HTTP_INTERNAL_SERVER_ERROR,
    };
    Answer { status, body: Some(envelope.reply(Err(error))) }
}

fn forbidden(caller: &Caller, method: &str) -> Answer {
    warn!("RPC User {} not allowed to call method {method}", caller.user);
    Answer { status: HTTP_FORBIDDEN, body: None }
}

fn method_of(request: &Json) -> Result<&str, RpcError> {
    let Json::Obj(_) = request else { return Err(RpcError::invalid_request("Invalid Request object")) };
    request.get("method").as_str().map_err(|error| RpcError::new(Code::PARSE_ERROR, error.to_string()))
}

/// The characters of a text that cannot confuse a reader of the log.
fn sanitized(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || " .,;-_/:?@()".contains(*c)).collect()
}

impl<C: ?Sized> fmt::Debug for Engine<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Engine").field("registry", &self.registry).finish_non_exhaustive()
    }
}
