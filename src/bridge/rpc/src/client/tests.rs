//! The client against texts that servers send, and against a server of one answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::{arr, obj};

fn read(text: &str) -> Result<(u16, String, bool), String> {
    let response = read_response(&mut text.as_bytes()).map_err(|error| error.to_string())?;
    Ok((response.status, String::from_utf8(response.body).unwrap(), response.keep_alive))
}

#[test]
fn responses() {
    for (text, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi, more", Ok((200, "hi", true))),
        ("HTTP/1.1 200\r\ncontent-length:2\r\nConnection: Close\r\n\r\nhi", Ok((200, "hi", false))),
        ("HTTP/1.0 500 Oops\nContent-Length: 0\n\n", Ok((500, "", false))),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", Ok((200, "until the end", false))),
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok((204, "", true))),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2;x=y\r\nhi\r\n3\r\n, a\r\n0\r\nA: b\r\n\r\n",
            Ok((200, "hi, a", true)),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", Err("Read error: unexpected end of file")),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Err("HTTP error: Invalid Content-Length")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", Err("HTTP error: Body too large")),
        ("HTTP/1.1 abc\r\n\r\n", Err("HTTP error: Invalid status code")),
        ("SMTP ready\r\n\r\n", Err("HTTP error: Invalid status line")),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Err("HTTP error: Header missing colon (:)")),
        ("HTTP/1.1 200 OK\r\n", Err("HTTP error: Incomplete header")),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Err("HTTP error: Invalid chunk size")),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            Err("HTTP error: Improperly terminated chunk"),
        ),
    ] {
        let expected = expected.map(|(status, body, keep)| (status, body.to_owned(), keep)).map_err(str::to_owned);
        assert_eq!(read(text), expected, "{text}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(100_000));
    assert_eq!(read(&endless), Err("HTTP error: Header too long".to_owned()));
}

/// Answers the first connection with `text`, and returns what was asked and the port.
fn one_answer(text: &'static str) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 1024];
        while !asked.ends_with(b"\n") || !asked.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut buffer).unwrap() {
                0 => break,
                count => asked.extend_from_slice(&buffer[..count]),
            }
        }
        stream.write_all(text.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (port, thread)
}

fn call(text: &'static str) -> Result<Result<Json, RpcError>, String> {
    let (port, thread) = one_answer(text);
    let credentials = Credentials::find("u", "p", None);
    let mut client = Client::new("127.0.0.1", port, credentials, Some(Duration::from_secs(10))).without_keep_alive();
    let outcome = client.call("/wallet/w", "getthing", arr![1]).map_err(|error| error.to_string());
    let asked = thread.join().unwrap();
    assert!(asked.starts_with("POST /wallet/w HTTP/1.1\r\nHost: 127.0.0.1\r\n"), "{asked}");
    assert!(asked.contains("Authorization: Basic dTpw\r\n"), "{asked}");
    assert!(
        asked.ends_with("\r\n\r\n{\"method\":\"getthing\",\"params\":[1],\"id\":\"1\",\"jsonrpc\":\"2.0\"}\n"),
        "{asked}"
    );
    outcome
}

#[test]
fn calls() {
    assert_eq!(call("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"result\":7}"), Ok(Ok(Json::from(7))));
    let error = call("HTTP/1.1 500 x\r\n\r\n{\"result\":null,\"error\":{\"code\":-8,\"message\":\"no\"},\"id\":1}");
    assert_eq!(error, Ok(Err(RpcError::invalid_parameter("no"))));
    for (text, expected) in [
        (
            "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n",
            "Authorization failed: Incorrect rpcuser or rpcpassword were specified.",
        ),
        (
            "HTTP/1.1 503 x\r\nContent-Length: 25\r\n\r\nWork queue depth exceeded",
            "Server response: Work queue depth exceeded",
        ),
        ("HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", "server returned HTTP error 403"),
        ("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", "no response from server"),
        ("HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nhi", "couldn't parse reply from server"),
        ("HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", "expected reply to have result, error and id properties"),
        ("", "EOF"),
    ] {
        assert_eq!(call(text), Err(expected.to_owned()));
    }
}

#[test]
fn nobody_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut client = Client::new("127.0.0.1", port, Credentials::CookieDisabled, None);
    let error = client.call("/", "x", Json::Arr(vec![])).unwrap_err();
    assert_eq!(error.to_string(), "Could not connect to the server");
    let error = Connection::open("no such host", 1, None).unwrap_err();
    assert_eq!(error.to_string(), "Could not resolve host: no such host");
}

#[test]
fn credentials() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(".cookie");
    assert_eq!(Credentials::find("u", "", Some(&file)), Credentials::CookieUnreadable);
    std::fs::write(&file, "__cookie__:secret\nmore").unwrap();
    let cookie = Credentials::find("u", "", Some(&file));
    assert_eq!(cookie, Credentials::Cookie("__cookie__:secret".to_owned()));
    assert_eq!(cookie.header(), format!("Basic {}", base64::encode(b"__cookie__:secret")));
    assert_eq!(Credentials::find("", "", None), Credentials::CookieDisabled);
    assert!(Credentials::find("u", "p", Some(&file)).refusal().starts_with("Incorrect rpcuser"));
}

#[test]
fn batches_come_back_in_order() {
    let reply = |id: i32| obj! { "result" => id * 10, "id" => id };
    let ordered = batch_in_order(arr![reply(1), reply(0)]).unwrap();
    assert_eq!(ordered, [reply(0), reply(1)]);
    assert_eq!(batch_in_order(arr![reply(2), reply(0)]), None);
    assert_eq!(batch_in_order(Json::Null), None);
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
        let mut text = if head { b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec() } else { Vec::new() };
        text.extend(bytes);
        let _ = read_response(&mut text.as_slice());
    }
}
