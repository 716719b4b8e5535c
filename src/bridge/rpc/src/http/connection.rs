//! One connection, from its first request to its end.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use linger::Linger;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::auth::{Admitted, Denied};
use crate::cancel::Cancel;
use crate::http::guard::{Activity, Guard};
use crate::http::message::{HttpMethod, HttpReply, HttpRequest};
use crate::http::pool::{Pool, Rejected};
use crate::http::route::{Begun, Rest, Routes};
use crate::request::Caller;

/// The request line, and the header lines together, may be this long.
const MAX_HEAD: usize = 8192;
/// More header lines than this are too many even if they are short.
const MAX_HEADER_LINES: usize = 512;
const MAX_BODY: usize = 32 * 1024 * 1024;
/// How long a request waits for room in the queue.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a wrong password takes.
const DENIED_DELAY: Duration = Duration::from_millis(250);
const REALM: &str = "Basic realm=\"jsonrpc\"";
const DEFAULT_CONTENT_TYPE: &str = "text/html; charset=ISO-8859-1";

/// How far the server's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Requests are answered.
    Serving,
    /// New ones are refused, those that run should come to an end.
    Refusing,
    /// Connections end as soon as they have nothing to do.
    Closing,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) routes: Routes,
    pub(super) pool: Arc<Pool>,
    /// Zero for none.
    pub(super) idle: Duration,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) linger: Linger,
}

/// Who is at the other end.
struct Client {
    peer: String,
    id: u64,
    admitted: RefCell<Admitted>,
    activity: Rc<Activity>,
}

/// Serves a connection until either side ends it.
pub(super) async fn serve(shared: Rc<Shared>, socket: TcpStream, peer: SocketAddr, id: u64) {
    let activity = Rc::new(Activity::new());
    let client = Client { peer: peer.to_string(), id, admitted: RefCell::default(), activity: Rc::clone(&activity) };
    let (service_shared, client) = (Rc::clone(&shared), Rc::new(client));
    let service = service_fn(move |request| {
        let (shared, client) = (Rc::clone(&service_shared), Rc::clone(&client));
        async move {
            let reply = answer(&shared, &client, request).await;
            client.activity.answered();
            Ok::<_, Infallible>(to_response(reply))
        }
    });
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).max_headers(MAX_HEADER_LINES).max_header_size(2 * MAX_HEAD);
    let connection = builder.serve_connection(Guard::new(socket, Rc::clone(&activity)), service);
    let mut connection = std::pin::pin!(connection);
    let mut phase = shared.phase.clone();
    loop {
        if *phase.borrow() >= Phase::Refusing {
            activity.cancel_running();
        }
        if *phase.borrow() == Phase::Closing {
            connection.as_mut().graceful_shutdown();
            // A request that has not come in whole will not be waited for.
            if !activity.is_busy() {
                break;
            }
        }
        // The watch is set to when the time-out could be reached, and set again if it was not.
        let quiet = if activity.is_running() { Duration::ZERO } else { activity.moved().elapsed() };
        let watch = async {
            if shared.idle.is_zero() {
                std::future::pending::<()>().await;
            } else {
                sleep(shared.idle.saturating_sub(quiet)).await;
            }
        };
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    debug!(target: "http", "Error reading HTTP request from client {peer} (id={id}): {error}");
                }
                break;
            }
            changed = phase.changed() => if changed.is_err() { break },
            () = watch => {
                if !activity.is_running() && activity.moved().elapsed() >= shared.idle {
                    debug!(target: "http", "HTTP client idle timeout {peer} (id={id})");
                    break;
                }
            }
        }
    }
    debug!(target: "http", "Disconnecting HTTP client {peer} (id={id})");
}

fn to_response(reply: HttpReply) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = status;
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Content too large"));
    }
    let headers = response.headers_mut();
    if status != StatusCode::NO_CONTENT {
        let content_type = reply.content_type.unwrap_or(DEFAULT_CONTENT_TYPE);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in reply.headers {
        // A value that no header can hold is left out: the answer matters more than the line.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    if reply.close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the head is one that Bitcoin Core reads. hyper has checked the rest.
fn head_fits(request: &Request<Incoming>, target: &str) -> bool {
    let line = request.method().as_str().len() + target.len() + " ".len() * 2 + "HTTP/1.1".len();
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line <= MAX_HEAD && lines.sum::<usize>() + "\r\n".len() <= MAX_HEAD
}

async fn answer(shared: &Shared, client: &Client, request: Request<Incoming>) -> HttpReply {
    let Client { peer, id, .. } = client;
    let target = request.uri().path_and_query().filter(|_| request.uri().authority().is_none());
    let target = target.map_or_else(|| request.uri().to_string(), |target| target.as_str().to_owned());
    if !head_fits(&request, &target) {
        debug!(target: "http", "Error reading HTTP request from client {peer} (id={id}): HTTP headers exceed size limit");
        return HttpReply::refused(400, "").closing();
    }
    let method = HttpMethod::from_hyper(request.method());
    let route = shared.routes.find(&target);
    let user = match (route.and_then(|(route, _)| route.auth()), method) {
        (Some(auth), Some(HttpMethod::Post)) => {
            let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
            client.admitted.borrow_mut().check(auth, header)
        }
        _ => Ok(String::new()),
    };
    // The body of a request that will be refused is read, so that the client sees why, but not kept.
    let keep = method.is_some() && route.is_some() && user.is_ok();
    let body = match read_body(request.into_body(), keep).await {
        Ok(body) => body,
        Err(refusal) => {
            debug!(target: "http", "HTTP request body from client {peer} (id={id}) refused: status {}", refusal.status);
            return refusal;
        }
    };
    debug!(target: "http", "Received a {} request for {target} from {peer} (id={id})", method_name(method));
    if *shared.phase.borrow() >= Phase::Refusing {
        debug!(target: "http", "Rejecting request while shutting down");
        return HttpReply::refused(503, "");
    }
    let Some(method) = method else {
        debug!(target: "http", "HTTP request from {peer} rejected: Unknown HTTP request method");
        return HttpReply::refused(405, "");
    };
    let Some((route, path)) = route else { return HttpReply::refused(404, "") };
    if route.auth().is_some() && method != HttpMethod::Post {
        return HttpReply::new(405, "JSONRPC server handles only POST requests");
    }
    let user = match user {
        Ok(user) => user,
        Err(denied) => return deny(denied, peer).await,
    };
    let running = client.activity.begin();
    shared.linger.stay();
    let path = path.to_owned();
    let caller = Caller { uri: target.clone(), user, peer: peer.clone(), tip: None, cancel: running.cancel.clone() };
    let reply = match Arc::clone(route.handler()).begin(HttpRequest { method, path, body, caller }) {
        Begun::Done(reply) => reply,
        Begun::Later(rest) => run(&shared.pool, rest, &running.cancel, &target).await,
    };
    running.finish();
    shared.linger.stay();
    reply
}

fn method_name(method: Option<HttpMethod>) -> &'static str {
    match method {
        Some(HttpMethod::Get) => "GET",
        Some(HttpMethod::Post) => "POST",
        Some(HttpMethod::Head) => "HEAD",
        Some(HttpMethod::Put) => "PUT",
        None => "unknown",
    }
}

/// Waits here, where it costs no thread, so that passwords cannot be guessed fast.
async fn deny(denied: Denied, peer: &str) -> HttpReply {
    if denied == Denied::Wrong {
        warn!("ThreadRPCServer incorrect password attempt from {peer}");
        sleep(DENIED_DELAY).await;
    }
    HttpReply::new(401, "").with_header("WWW-Authenticate", REALM)
}

async fn read_body(mut body: Incoming, keep: bool) -> Result<Bytes, HttpReply> {
    let too_large = || HttpReply::refused(413, "").closing();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY {
        return Err(too_large());
    }
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(HttpReply::refused(400, "").closing()) };
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > MAX_BODY {
            return Err(too_large());
        }
        if !keep {
            continue;
        }
        // The usual body comes in one piece and need not be copied.
        if kept.is_empty() && !data.is_empty() && data.len() == announced {
            return Ok(data);
        }
        kept.extend_from_slice(&data);
    }
    Ok(kept.freeze())
}

/// Runs the request on the pool. While the queue is full it waits a moment: a burst is not an overload.
async fn run(pool: &Pool, rest: Rest, cancel: &Cancel, target: &str) -> HttpReply {
    let (sender, receiver) = oneshot::channel();
    let cancel = cancel.clone();
    let job = Box::new(move || {
        // Nobody waits for the answer of a request whose client went while it was in the queue.
        if !cancel.is_cancelled() {
            drop(sender.send(rest()));
        }
    });
    let submitted = timeout(PATIENCE, async {
        let mut outcome = pool.submit(job);
        while let Err(Rejected::Full(job)) = outcome {
            pool.room().await;
            outcome = pool.submit(job);
        }
        outcome
    });
    match submitted.await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => {
            warn!("HTTP request rejected during server shutdown: '{target}'");
            return HttpReply::refused(503, "Request rejected during server shutdown");
        }
        Err(_) => {
            warn!(
                "Request rejected because http work queue depth exceeded, it can be increased with the -rpcworkqueue= \
                 setting"
            );
            return HttpReply::refused(503, "Work queue depth exceeded");
        }
    }
    receiver.await.unwrap_or_else(|_| {
        warn!("Unexpected error while processing request for '{target}'. Error msg: 'the handler panicked'");
        HttpReply::refused(500, "unknown error").closing()
    })
}
