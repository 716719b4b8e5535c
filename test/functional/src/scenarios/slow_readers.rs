//! Ten thousand requests on two hundred connections, whose owners send all of theirs before they read a single answer, and
//! then read slowly: every answer comes, in its order, whoever else asks is served, and the daemon does not keep what nobody
//! reads.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt};
use rpc::client::Credentials;

use crate::node::Node;
use crate::processes;
use crate::stage::{Skip, Stage};

const CONNECTIONS: usize = 200;
const REQUESTS: usize = 50;
/// What a reader lets the system keep for it.
const KEPT: usize = 64 << 10;
/// What another client's answer may take meanwhile.
const ANSWER: Duration = Duration::from_secs(5);
/// What the process may grow by: an answer or two for each connection, and what belongs to a connection. All answers
/// together are ten times as much.
const GROWTH: u64 = 48 << 20;
/// A page of help that is long.
const PARAMS: &str = r#"["decodepsbt"]"#;

pub(super) fn play(stage: &Stage) -> Result<()> {
    ensure!(stage.coin.id == "bitcoin", Skip("one coin is enough for what no coin changes".to_owned()));
    let mut node = stage.start("a", &["-rpcworkqueue=1000", "-rpcservertimeout=300"])?;
    let authorization = Credentials::Cookie(rpc::cookie::read_cookie(&node.cookie())?).header();
    let mut readers = Vec::new();
    for _ in 0..CONNECTIONS {
        readers.push(Reader::open(&node)?);
    }
    // The first answer says how all the others look.
    let sample = ask(&mut readers[0], &authorization, &["sample".to_owned()])?;
    ensure!(sample.len() > 10_000, "the answer is too short to be in anybody's way: {} bytes", sample.len());
    let all = u64::try_from(sample.len() * CONNECTIONS * REQUESTS)?;
    ensure!(all > 2 * GROWTH, "all answers together are only {all} bytes");

    let before = processes::memory(node.id())?;
    for (name, reader) in readers.iter_mut().enumerate() {
        let ids: Vec<String> = (0..REQUESTS).map(|place| format!("{name}-{place}")).collect();
        reader.send(&authorization, &ids)?;
    }
    served_at_once(&mut node)?;
    let mut most = processes::memory(node.id())?;
    for place in 0..REQUESTS {
        for (name, reader) in readers.iter_mut().enumerate() {
            let answer = reader.answer().with_context(|| format!("answer {place} of reader {name}"))?;
            let expected = sample.replace("\"sample\"", &format!("\"{name}-{place}\""));
            ensure!(answer == expected, "answer {place} of reader {name} is another one's");
        }
        if place % 10 == 0 {
            served_at_once(&mut node)?;
            most = most.max(processes::memory(node.id())?);
        }
    }
    let grown = most.saturating_sub(before);
    // What a foreign daemon keeps is its own business.
    ensure!(stage.is_foreign() || grown < GROWTH, "the process has grown by {} MiB", grown >> 20);
    node.stop()
}

fn served_at_once(node: &mut Node) -> Result<()> {
    let asked = Instant::now();
    node.height()?;
    ensure!(asked.elapsed() < ANSWER, "somebody else's answer took {:?}", asked.elapsed());
    Ok(())
}

fn ask(reader: &mut Reader, authorization: &str, ids: &[String]) -> Result<String> {
    reader.send(authorization, ids)?;
    reader.answer()
}

/// A connection of somebody who is in no hurry.
struct Reader(BufReader<TcpStream>);

impl Reader {
    fn open(node: &Node) -> Result<Reader> {
        let stream = TcpStream::connect(("127.0.0.1", node.port()))?;
        setsockopt(&stream, sockopt::RcvBuf, &KEPT)?;
        stream.set_read_timeout(Some(crate::wait::DEADLINE))?;
        Ok(Reader(BufReader::with_capacity(4096, stream)))
    }

    fn send(&mut self, authorization: &str, ids: &[String]) -> Result<()> {
        let mut requests = String::new();
        for id in ids {
            let body = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"help","params":{PARAMS}}}"#);
            let length = body.len();
            requests.extend([
                "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ",
                authorization,
                &format!("\r\nContent-Length: {length}\r\n\r\n{body}"),
            ]);
        }
        Ok(self.0.get_mut().write_all(requests.as_bytes())?)
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 200"), "the status is {line:?}");
        let mut length = None;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.context("no length")?];
        self.0.read_exact(&mut body)?;
        Ok(String::from_utf8(body)?)
    }
}
