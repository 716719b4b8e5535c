//! The client against a server on this machine that gives prepared answers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use rpc::Json;
use rpc::json::parse;
use support::{Installed, Ran, finish};

const FILE: &str = env!("CARGO_BIN_EXE_bulkhead-cli");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// A request as the server saw it.
#[derive(Debug)]
struct Seen {
    path: String,
    authorization: String,
    body: Json,
}

/// Answers one request for each status and body, and returns the requests. A connection may carry several.
struct Server {
    port: u16,
    thread: JoinHandle<Vec<Seen>>,
}

impl Server {
    fn start(host: &str, answers: &[(u16, &str)]) -> Option<Self> {
        let listener = TcpListener::bind((host, 0)).ok()?;
        let port = listener.local_addr().unwrap().port();
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut connection: Option<BufReader<TcpStream>> = None;
            for (status, body) in answers {
                let request = loop {
                    let open = connection.get_or_insert_with(|| BufReader::new(listener.accept().unwrap().0));
                    match read_request(open) {
                        Some(request) => break request,
                        None => connection = None,
                    }
                };
                seen.push(request);
                let head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n\r\n", body.len());
                connection.as_mut().unwrap().get_mut().write_all((head + &body).as_bytes()).unwrap();
            }
            seen
        });
        Some(Self { port, thread })
    }

    fn port_option(&self) -> String {
        format!("-rpcport={}", self.port)
    }

    fn seen(self) -> Vec<Seen> {
        self.thread.join().unwrap()
    }
}

fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            None => break,
            Some(("Content-Length", value)) => length = value.parse().ok()?,
            Some(("Authorization", value)) => value.clone_into(&mut authorization),
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Seen { path, authorization, body: parse(&body)? })
}

fn installed() -> Installed {
    Installed::new(FILE, SCRATCH, &["bitcoin-cli"])
}

/// One run against prepared answers.
fn ask(arguments: &[&str], answers: &[(u16, &str)]) -> (Ran, Vec<Seen>) {
    let server = Server::start("127.0.0.1", answers).unwrap();
    let port = server.port_option();
    let ran = installed().run("bitcoin-cli", &[&[port.as_str()], arguments].concat());
    (ran, server.seen())
}

const PASSWORD: [&str; 2] = ["-rpcuser=u", "-rpcpassword=p"];

#[test]
fn a_call_is_answered() {
    let (ran, seen) = ask(
        &[&PASSWORD[..], &["-rpcwallet=a b", "getblockhash", "5"]].concat(),
        &[(200, r#"{"jsonrpc":"2.0","result":"00ff","id":"1"}"#)],
    );
    assert_eq!(ran, Ran { stdout: "00ff\n".into(), stderr: String::new(), code: Some(0) });
    assert_eq!(seen[0].path, "/wallet/a%20b");
    assert_eq!(seen[0].authorization, "Basic dTpw");
    assert_eq!(seen[0].body.get("params").write(), "[5]");
}

#[test]
fn errors_have_exit_codes() {
    let error = r#"{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":"1"}"#;
    for status in [200, 400, 404, 500] {
        let (ran, _) = ask(&["getblockhash", "5"], &[(status, error)]);
        let stderr = "error code: -8\nerror message:\nBlock height out of range\n";
        assert_eq!(ran, Ran { stdout: String::new(), stderr: stderr.into(), code: Some(8) });
    }
    for (status, body, text) in [
        (503, "Work queue depth exceeded", "Server response: Work queue depth exceeded"),
        (403, "", "server returned HTTP error 403"),
        (200, "", "no response from server"),
        (200, "<html>", "couldn't parse reply from server"),
        (200, "{}", "expected reply to have result, error and id properties"),
    ] {
        let (ran, _) = ask(&["x"], &[(status, body)]);
        assert_eq!((ran.stderr, ran.code), (format!("error: {text}\n"), Some(1)));
    }
}

#[test]
fn passwords_that_are_refused_are_explained() {
    for (arguments, why) in [
        (&PASSWORD[..], "Incorrect rpcuser or rpcpassword were specified."),
        (&["-rpccookiefile=none"], "Failed to read cookie file and no rpcpassword was specified."),
        (
            &["-norpccookiefile", "-rpcpassword="],
            "Cookie file was disabled via -norpccookiefile and no rpcpassword was specified.",
        ),
    ] {
        let (ran, _) = ask(&[arguments, &["x"]].concat(), &[(401, "")]);
        let start = format!("error: Authorization failed: {why} Configuration file: (");
        assert!(ran.stderr.starts_with(&start) && ran.stderr.ends_with("bitcoin.conf)\n"), "{}", ran.stderr);
        assert_eq!(ran.code, Some(1));
    }
}

#[test]
fn the_cookie_is_read_from_the_chains_directory() {
    let installed = installed();
    let regtest = installed.home().join(".bitcoin/regtest");
    std::fs::create_dir_all(&regtest).unwrap();
    std::fs::write(regtest.join(".cookie"), "__cookie__:x").unwrap();
    let server = Server::start("127.0.0.1", &[(401, "")]).unwrap();
    let ran = installed.run("bitcoin-cli", &["-regtest", &server.port_option(), "x"]);
    assert!(ran.stderr.contains("Cookie file credentials were invalid and no rpcpassword"), "{}", ran.stderr);
    assert_eq!(server.seen()[0].authorization, "Basic X19jb29raWVfXzp4");
}

#[test]
fn standard_input_gives_password_and_words() {
    let server = Server::start("127.0.0.1", &[(200, r#"{"result":["a"]}"#)]).unwrap();
    let options = [&server.port_option(), "-rpcuser=u", "-stdinrpcpass", "-stdin", "echo", "0"];
    let ran = finish(installed().command("bitcoin-cli", &options).write_stdin("p\nfoo\nbar"));
    assert_eq!((ran.stdout.as_str(), ran.code), ("[\n  \"a\"\n]\n", Some(0)));
    let seen = server.seen();
    assert_eq!(seen[0].authorization, "Basic dTpw");
    assert_eq!(seen[0].body.get("params").write(), r#"["0","foo","bar"]"#);
}

#[test]
fn ports_are_chosen() {
    let result = &[(200, r#"{"result":1}"#)];
    for host in ["127.0.0.1", "::1"] {
        // Not every machine has addresses of version 6.
        let Some(server) = Server::start(host, result) else { continue };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let there = format!("-rpcconnect={host}:{}", server.port);
        assert_eq!(installed().run("bitcoin-cli", &[&there, "x"]).stdout, "1\n");
        server.seen();
        let server = Server::start("127.0.0.1", result).unwrap();
        let ran = installed().run("bitcoin-cli", &["-rpcconnect=127.0.0.1:9", &server.port_option(), "x"]);
        let warning =
            format!("Warning: Port specified in both -rpcconnect and -rpcport. Using -rpcport {}\n", server.port);
        assert_eq!(ran, Ran { stdout: "1\n".into(), stderr: warning, code: Some(0) });
        server.seen();
    }
}

#[test]
fn a_server_that_is_not_there() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let option = format!("-rpcport={port}");
    let text = format!(
        "Error while attempting to communicate with server 127.0.0.1:{port} (Could not connect to the server)\n\n\
         Make sure the bitcoind server is running and that you are connecting to the correct RPC port.\n\
         Use \"bitcoin-cli -help\" for more info.\n"
    );
    let ran = installed().run("bitcoin-cli", &[&option, "x"]);
    assert_eq!((ran.stderr, ran.code), (format!("error: {text}"), Some(1)));
    let ran = installed().run("bitcoin-cli", &[&option, "-rpcwait", "-rpcwaittimeout=1", "x"]);
    assert_eq!((ran.stderr, ran.code), (format!("error: timeout on transient error: {text}"), Some(1)));
}

#[test]
fn waiting_ends_with_the_warm_up() {
    let warm = r#"{"error":{"code":-28,"message":"Loading"},"id":"1"}"#;
    let answers = [(500, warm), (500, warm), (200, r#"{"result":5}"#)];
    let (ran, seen) = ask(&["-rpcwait", "getblockcount"], &answers);
    assert_eq!((ran.stdout.as_str(), ran.code, seen.len()), ("5\n", Some(0), 3));
    let (ran, _) = ask(&["getblockcount"], &[(500, warm)]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("error code: -28\nerror message:\nLoading\n", Some(28)));
}

#[test]
fn commands_of_several_calls() {
    let addresses = r#"{"result":{"all_networks":{"total":3}}}"#;
    assert_eq!(
        ask(&["-addrinfo"], &[(200, addresses)]).0.stdout,
        "{\n  \"addresses_known\": {\n    \"total\": 3\n  }\n}\n"
    );
    let (ran, seen) = ask(&["-generate", "2"], &[(200, r#"{"result":"addr"}"#), (200, r#"{"result":[]}"#)]);
    assert_eq!(ran.stdout, "{\n  \"address\": \"addr\",\n  \"blocks\": [\n  ]\n}\n");
    assert_eq!(seen[1].body.get("params").write(), r#"[2,"addr"]"#);
    let ran = installed().run("bitcoin-cli", &["-netinfo", "help"]);
    assert!(ran.stdout.starts_with("-netinfo (level [outonly]) | help\n"), "{}", ran.stdout);
    assert_eq!(ran.code, Some(0));
}
