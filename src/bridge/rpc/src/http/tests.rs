//! The server over real sockets on free ports.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use platform::SystemEntropy;

use super::*;
use crate::auth::Authenticator;
use crate::client::{Client, Credentials};
use crate::{Cancel, Json, arr, base64, bind};

const LONG: Duration = Duration::from_secs(20);

/// A handler that waits to be let go, and tells what it does.
struct Gate {
    entered: Sender<Cancel>,
    open: Mutex<Receiver<()>>,
}

impl Handler for Gate {
    fn handle(&self, request: &HttpRequest) -> HttpReply {
        self.entered.send(request.caller.cancel.clone()).unwrap();
        let (done, waiting) = mpsc::channel();
        request.caller.cancel.on_cancel(move || done.send(()).unwrap_or_default());
        let open = self.open.lock().unwrap();
        loop {
            if open.recv_timeout(Duration::from_millis(2)).is_ok() {
                return HttpReply::new(200, "through the gate");
            }
            if waiting.try_recv().is_ok() {
                return HttpReply::new(200, "cancelled");
            }
        }
    }
}

struct Fixture {
    server: Option<Server>,
    entered: Receiver<Cancel>,
    open: Sender<()>,
    bulk_calls: Arc<AtomicUsize>,
}

const BULK: usize = 1 << 20;

impl Fixture {
    fn new(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut auth = Authenticator::default();
        auth.add_password("u", "p", &SystemEntropy).unwrap();
        let auth = Arc::new(auth);
        let engine: Arc<dyn Handler> = Arc::new(JsonRpcHandler(Arc::new(crate::tests::engine())));
        let (entered_sender, entered) = mpsc::channel();
        let (open, open_receiver) = mpsc::channel();
        let gate = Arc::new(Gate { entered: entered_sender, open: Mutex::new(open_receiver) });
        let bulk_calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&bulk_calls);
        let bulk = Arc::new(move |_: &HttpRequest| {
            counter.fetch_add(1, Ordering::SeqCst);
            HttpReply::new(200, vec![b'x'; BULK])
        });
        let echo = Arc::new(|request: &HttpRequest| {
            let text = format!("{:?} {} {} {:?}", request.method, request.path, request.body.len(), request.query("q"));
            HttpReply::new(200, text).with_content_type("text/plain")
        });
        let routes = Routes::new()
            .with(Route::exact("/", Arc::clone(&engine)).json_rpc(Arc::clone(&auth)))
            .with(Route::prefix("/wallet/", engine).json_rpc(auth))
            .with(Route::prefix("/echo/", echo))
            .with(Route::prefix("/gate", gate))
            .with(Route::prefix("/bulk", bulk))
            .with(Route::prefix("/panic", Arc::new(|_: &HttpRequest| -> HttpReply { panic!("as asked") })));
        let mut config = ServerConfig::local();
        change(&mut config);
        let listeners = bind::listen_on(&[("127.0.0.1".to_owned(), 0)], "Test").unwrap();
        let server = Some(Server::start(listeners, config, routes).unwrap());
        Self { server, entered, open, bulk_calls }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn port(&self) -> u16 {
        self.server().addresses()[0].port()
    }

    fn connect(&self) -> Wire {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Wire(BufReader::new(stream))
    }

    fn client(&self, password: &str) -> Client {
        Client::new("127.0.0.1", self.port(), Credentials::find("u", password, None), Some(LONG))
    }

    fn entered(&self) -> Cancel {
        self.entered.recv_timeout(LONG).unwrap()
    }
}

/// One side of a connection, byte by byte.
struct Wire(BufReader<TcpStream>);

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Wire {
    fn send(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(text.as_ref()).unwrap();
        self
    }

    fn post(&mut self, body: &str) -> &mut Self {
        let auth = base64::encode(b"u:p");
        let length = body.len();
        self.send(format!("POST / HTTP/1.1\r\nAuthorization: Basic {auth}\r\nContent-Length: {length}\r\n\r\n{body}"))
    }

    fn reply(&mut self) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "the connection ended in {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let lower = head.to_ascii_lowercase();
        let length =
            lower.split("content-length: ").nth(1).map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Reply { status, head, body }
    }

    /// Whether the server ends the connection, now or within its time-out.
    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        }
    }
}

#[test]
fn connections_are_kept_unless_told_otherwise() {
    let fixture = Fixture::new(|_| ());
    let mut wire = fixture.connect();
    for _ in 0..3 {
        let reply = wire.post(r#"{"method":"getblockcount"}"#).reply();
        assert_eq!((reply.status, reply.text()), (200, "{\"result\":100,\"error\":null}\n"));
        assert!(reply.head.contains("Content-Type: application/json\r\n"), "{}", reply.head);
        assert!(reply.head.contains("Date: "), "{}", reply.head);
    }
    let reply = wire.send("GET /echo/a HTTP/1.1\r\nConnection: close\r\n\r\n").reply();
    assert_eq!((reply.status, reply.text()), (200, "Get a 0 None"));
    assert!(wire.is_closed());
    let mut old = fixture.connect();
    let reply = old.send("GET /echo/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").reply();
    assert!(
        reply.head.starts_with("HTTP/1.0 200 OK\r\n") && reply.head.to_lowercase().contains("connection: keep-alive")
    );
    assert_eq!(old.send("GET /echo/ HTTP/1.0\r\n\r\n").reply().status, 200);
    assert!(old.is_closed());
}

#[test]
fn targets_methods_and_bodies() {
    let fixture = Fixture::new(|_| ());
    let mut wire = fixture.connect();
    for (request, status, body) in [
        ("GET /echo/x?q=%41 HTTP/1.1\r\n\r\n", 200, "Get x?q=%41 0 Some(\"A\")"),
        ("PUT /echo/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 200, "Put  3 None"),
        (
            "POST /echo/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nA: b\r\n\r\n",
            200,
            "Post  3 None",
        ),
        ("GET / HTTP/1.1\r\n\r\n", 405, "JSONRPC server handles only POST requests"),
        ("DELETE / HTTP/1.1\r\n\r\n", 405, ""),
        ("PATCH /nowhere HTTP/1.1\r\n\r\n", 405, ""),
        ("OPTIONS / HTTP/1.1\r\n\r\n", 405, ""),
        ("TRACE / HTTP/1.1\r\n\r\n", 405, ""),
        ("GET /nowhere HTTP/1.1\r\n\r\n", 404, ""),
        ("GET /../etc/passwd HTTP/1.1\r\n\r\n", 404, ""),
        ("GET /%2e%2e/etc/passwd HTTP/1.1\r\n\r\n", 404, ""),
        ("POST /?x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404, ""),
    ] {
        let reply = wire.send(request).reply();
        assert_eq!((reply.status, reply.text()), (status, body), "{request}");
        if status != 200 && body.is_empty() {
            assert!(reply.head.contains("Cache-Control: no-store\r\n"), "{}", reply.head);
        }
    }
    let reply = wire.send("HEAD /nowhere HTTP/1.1\r\n\r\n").reply();
    assert_eq!(reply.status, 404);
    assert_eq!(fixture.connect().send("CONNECT / HTTP/1.1\r\n\r\n").reply().status, 405);
    // Chunks win over a length, and the connection that had both is not trusted any further.
    let mut both = fixture.connect();
    both.send("POST /echo/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
    assert_eq!(both.reply().text(), "Post  2 None");
    assert!(both.is_closed());
}

#[test]
fn malformed_requests_are_400() {
    let fixture = Fixture::new(|_| ());
    let long_uri = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(8192));
    let very_long_uri = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    let long_header = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(8192));
    let endless_header = format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(20_000));
    let many_headers = format!("GET /x HTTP/1.1\r\n{}\r\n", "header_0000: foo\r\n".repeat(8192 / 18 + 1));
    let short_headers = format!("GET /x HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(600));
    for request in [
        "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 999\r\n\r\n{}",
        "POST / HTTP/1.1\r\nContent-Length: -2\r\n\r\n",
        "GET /safe\0/../etc HTTP/1.1\r\n\r\n",
        "GET / \r\n\r\n",
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/INVALID\r\nHost: localhost\r\n\r\n",
        "GET / NOTHTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization : x\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization: Basic \n x\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /echo/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        &long_uri,
        &very_long_uri,
        &long_header,
        &endless_header,
        &many_headers,
        &short_headers,
    ] {
        let mut wire = fixture.connect();
        let reply = wire.send(request).reply();
        assert_eq!(reply.status, 400, "{request:.60}");
        assert!(wire.is_closed(), "{request:.60}");
    }
    for request in [
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(7192)),
        format!("GET /x HTTP/1.1\r\n{}\r\n", "header_0000: foo\r\n".repeat(7192 / 18)),
    ] {
        assert_eq!(fixture.connect().send(request).reply().status, 404);
    }
}

#[test]
fn bodies_have_a_limit() {
    let fixture = Fixture::new(|_| ());
    let limit = 32 * 1024 * 1024;
    let mut wire = fixture.connect();
    let reply = wire.send(format!("POST /echo/ HTTP/1.1\r\nContent-Length: {}\r\n\r\n", limit + 1)).reply();
    assert!(reply.head.starts_with("HTTP/1.1 413 Content too large\r\n"), "{}", reply.head);
    assert!(wire.is_closed());

    let mut wire = fixture.connect();
    wire.send(format!("POST /echo/ HTTP/1.1\r\nContent-Length: {limit}\r\n\r\n"));
    let chunk = vec![b'0'; limit / 32];
    for _ in 0..32 {
        wire.send(&chunk);
    }
    assert_eq!(wire.reply().text(), format!("Post  {limit} None"));

    let mut wire = fixture.connect();
    wire.send("POST /echo/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut writer = wire.0.get_ref().try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        // The server stops reading; whether this ends well or in an error is the client's luck.
        for _ in 0..40 {
            if write!(writer, "{:x}\r\n", chunk.len()).and_then(|()| writer.write_all(&chunk)).is_err() {
                break;
            }
            if writer.write_all(b"\r\n").is_err() {
                break;
            }
        }
    });
    assert!(wire.reply().head.starts_with("HTTP/1.1 413 Content too large\r\n"));
    drop(wire.0.get_ref().shutdown(Shutdown::Both));
    sender.join().unwrap();
}

#[test]
fn strangers_are_turned_away() {
    let fixture = Fixture::new(|config| config.threads = 1);
    let mut wire = fixture.connect();
    let reply = wire.send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}").reply();
    assert_eq!((reply.status, reply.text()), (401, ""));
    assert!(reply.head.to_lowercase().contains("www-authenticate: basic realm=\"jsonrpc\"\r\n"), "{}", reply.head);
    for header in ["Bearer x", "Digest username=\"u\"", "Basic !!!notbase64!!!", "Basic bm9jb2xvbg==", "Basic "] {
        let mut wire = fixture.connect();
        let reply = wire.send(format!("POST / HTTP/1.1\r\nAuthorization: {header}\r\n\r\n")).reply();
        assert_eq!(reply.status, 401, "{header}");
    }
    // Guessing is slow, but it holds up nobody: there is one thread, and it is free.
    let mut guess = fixture.connect();
    guess.send("POST / HTTP/1.1\r\nAuthorization: Basic dTp4\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(fixture.client("p").call("/", "getblockcount", arr![]).unwrap(), Ok(Json::from(100)));
    assert_eq!(guess.reply().status, 401);
    let error = fixture.client("wrong").call("/", "getblockcount", arr![]).unwrap_err().to_string();
    assert_eq!(error, "Authorization failed: Incorrect rpcuser or rpcpassword were specified.");
    // A body that is refused is read, not kept, and the connection goes on.
    let body = "x".repeat(1 << 20);
    let reply = wire.send(format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())).reply();
    assert_eq!(reply.status, 401);
    assert_eq!(wire.post(r#"{"method":"getblockcount"}"#).reply().status, 200);
}

#[test]
fn only_allowed_addresses_connect() {
    let fixture = Fixture::new(|config| config.allow = crate::allow::AllowList::nobody());
    let mut wire = fixture.connect();
    assert!(wire.is_closed());
    assert_eq!(fixture.server().connections(), 0);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let fixture = Fixture::new(|_| ());
    let mut wire = fixture.connect();
    wire.send("GET /gate HTTP/1.1\r\n\r\nGET /echo/second HTTP/1.1\r\n\r\n");
    fixture.entered();
    assert_eq!(fixture.connect().send("GET /echo/other HTTP/1.1\r\n\r\n").reply().status, 200);
    fixture.open.send(()).unwrap();
    assert_eq!(wire.reply().text(), "through the gate");
    assert_eq!(wire.reply().text(), "Get second 0 None");

    wire.send(format!("GET /gate HTTP/1.1\r\n\r\nGET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000)));
    fixture.entered();
    fixture.open.send(()).unwrap();
    assert_eq!((wire.reply().status, wire.reply().status), (200, 400));
    assert!(wire.is_closed());
}

#[test]
fn silence_ends_a_connection_but_waiting_does_not() {
    let fixture = Fixture::new(|config| config.timeout = Duration::from_millis(100));
    let mut incomplete = fixture.connect();
    incomplete.send("GET /test1 HTTP/1.1\r\nHost: somehost\r\n");
    assert!(incomplete.is_closed());
    let mut body = fixture.connect();
    body.send("POST /echo/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    assert!(body.is_closed());
    let mut waiting = fixture.connect();
    waiting.send("GET /gate HTTP/1.1\r\n\r\n");
    fixture.entered();
    let mut silent = fixture.connect();
    assert!(silent.is_closed());
    fixture.open.send(()).unwrap();
    assert_eq!(waiting.reply().text(), "through the gate");
    assert!(waiting.is_closed());
}

#[test]
fn a_full_queue_refuses() {
    let fixture = Fixture::new(|config| (config.threads, config.queue_depth) = (1, 1));
    let mut running = fixture.connect();
    running.send("GET /gate HTTP/1.1\r\n\r\n");
    fixture.entered();
    // One more waits in the queue; of the two that come now, one finds no room.
    let (mut first, mut second) = (fixture.connect(), fixture.connect());
    let request = "GET /gate HTTP/1.1\r\n\r\n";
    for wire in [&mut first, &mut second] {
        wire.send(request).0.get_ref().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    }
    let (refused, other) = loop {
        if first.0.fill_buf().is_ok() {
            break (&mut first, &mut second);
        }
        if second.0.fill_buf().is_ok() {
            break (&mut second, &mut first);
        }
    };
    let reply = refused.reply();
    assert_eq!((reply.status, reply.text()), (503, "Work queue depth exceeded"));
    fixture.open.send(()).unwrap();
    fixture.open.send(()).unwrap();
    assert_eq!(running.reply().status, 200);
    other.0.get_ref().set_read_timeout(Some(LONG)).unwrap();
    assert_eq!(other.reply().status, 200);
}

#[test]
fn a_burst_is_not_an_overload() {
    let fixture = Fixture::new(|config| (config.threads, config.queue_depth) = (1, 1));
    let wires: Vec<Wire> = (0..50)
        .map(|_| {
            let mut wire = fixture.connect();
            wire.post(r#"{"method":"echojson"}"#);
            wire
        })
        .collect();
    for mut wire in wires {
        assert_eq!(wire.reply().status, 200);
    }
}

#[test]
fn what_is_quick_needs_no_worker() {
    let fixture = Fixture::new(|config| (config.threads, config.queue_depth) = (1, 1));
    let mut running = fixture.connect();
    running.send("GET /gate HTTP/1.1\r\n\r\n");
    fixture.entered();
    // The only worker is busy.
    let mut quick = fixture.connect();
    assert_eq!(quick.post(r#"{"method":"getblockcount"}"#).reply().status, 200);
    assert_eq!(quick.post(r#"{"method":"getblockcount","params":[1]}"#).reply().status, 500);
    fixture.open.send(()).unwrap();
    assert_eq!(running.reply().status, 200);
}

#[test]
fn a_client_that_goes_cancels_its_request() {
    let fixture = Fixture::new(|_| ());
    let mut wire = fixture.connect();
    wire.send("GET /gate HTTP/1.1\r\n\r\n");
    let cancel = fixture.entered();
    assert!(!cancel.is_cancelled());
    let (told, hears) = mpsc::channel();
    cancel.on_cancel(move || told.send(()).unwrap());
    drop(wire);
    hears.recv_timeout(LONG).unwrap();
    assert!(cancel.is_cancelled());
}

#[test]
fn a_handler_that_panics_answers_500() {
    let fixture = Fixture::new(|config| config.threads = 1);
    for _ in 0..2 {
        let mut wire = fixture.connect();
        let reply = wire.send("GET /panic HTTP/1.1\r\n\r\n").reply();
        assert_eq!((reply.status, reply.text()), (500, "unknown error"));
        assert!(wire.is_closed());
    }
    assert_eq!(fixture.connect().send("GET /echo/ HTTP/1.1\r\n\r\n").reply().status, 200);
}

#[test]
fn slow_readers_hold_one_answer_each_and_lose_none() {
    const CONNECTIONS: usize = 200;
    const REQUESTS: usize = 5;
    let fixture = Fixture::new(|config| config.queue_depth = CONNECTIONS * 2);
    let mut wires: Vec<Wire> = (0..CONNECTIONS).map(|_| fixture.connect()).collect();
    for wire in &mut wires {
        wire.send("GET /bulk HTTP/1.1\r\n\r\n".repeat(REQUESTS));
    }
    // Nobody reads. What the sockets take is the system's; the server makes no second answer before the first has
    // left, so while everybody waits there are at most as many answers as connections, and what the system took.
    let mut others = fixture.connect();
    let mut quiet = 0;
    let mut calls = 0;
    while quiet < 20 {
        assert_eq!(others.send("GET /echo/ HTTP/1.1\r\n\r\n").reply().status, 200);
        let now = fixture.bulk_calls.load(Ordering::SeqCst);
        quiet = if now == calls && now >= CONNECTIONS { quiet + 1 } else { 0 };
        calls = now;
    }
    assert!(calls < CONNECTIONS * REQUESTS, "{calls} answers were made for readers that do not read");
    for wire in &mut wires {
        for _ in 0..REQUESTS {
            let reply = wire.reply();
            assert!(reply.status == 200 && reply.body.len() == BULK);
        }
    }
    assert_eq!(fixture.bulk_calls.load(Ordering::SeqCst), CONNECTIONS * REQUESTS);
}

#[test]
fn stopping_waits_for_answers_and_for_nothing_else() {
    let mut fixture = Fixture::new(|_| ());
    let (mut idle, mut incomplete, mut running) = (fixture.connect(), fixture.connect(), fixture.connect());
    assert_eq!(idle.send("GET /echo/ HTTP/1.1\r\n\r\n").reply().status, 200);
    incomplete.send("GET /echo/ HT");
    running.send("GET /gate HTTP/1.1\r\n\r\n");
    fixture.entered();
    let server = fixture.server.take().unwrap();
    server.interrupt();
    // The request that runs was told to end; its answer arrives, then everything is closed.
    assert_eq!(running.reply().text(), "cancelled");
    let reply = idle.send("GET /echo/ HTTP/1.1\r\n\r\n").reply();
    assert_eq!((reply.status, reply.text()), (503, ""));
    server.stop(LONG);
    assert!(idle.is_closed() && incomplete.is_closed() && running.is_closed());
}

#[test]
fn stopping_gives_up_on_readers_that_do_not_read() {
    let mut fixture = Fixture::new(|_| ());
    let mut wire = fixture.connect();
    wire.send("GET /bulk HTTP/1.1\r\n\r\n".repeat(40));
    while fixture.bulk_calls.load(Ordering::SeqCst) < 1 {
        std::thread::yield_now();
    }
    fixture.server.take().unwrap().stop(Duration::from_millis(50));
}

#[test]
fn the_client_and_the_server_agree() {
    let fixture = Fixture::new(|_| ());
    let mut client = fixture.client("p");
    for height in 0..20 {
        let hash = client.call("/wallet/some%20name", "getblockhash", arr![height]).unwrap();
        assert_eq!(hash, Ok(Json::from(format!("{height:064x}"))));
    }
    let error = client.call("/", "getblockhash", arr![-1]).unwrap().unwrap_err();
    assert_eq!(error.message, "Block height out of range");
    assert_eq!(fixture.server().connections(), 1);
    let mut once = fixture.client("p").without_keep_alive();
    assert!(once.call("/", "nosuchmethod", arr![]).unwrap().is_err());
    assert!(once.call("/", "getblockcount", arr![]).unwrap().is_ok());
}
