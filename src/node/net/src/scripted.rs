//! A network on which one service answers line by line, for tests of those who talk to it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::sockets::{Connected, Endpoint, Later, Listener, Sockets};

/// What is said on one connection: how each line of the client starts, and the answer to it. Then the connection stays
/// open until the client ends it.
pub(crate) type Script = Vec<(&'static str, String)>;

/// Each connection plays the next script; when there is none, nobody answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scripted {
    scripts: Arc<Mutex<VecDeque<Script>>>,
    /// Every line that clients have sent.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self { scripts: Arc::new(Mutex::new(scripts.into_iter().collect())), heard: Arc::default() }
    }

    pub(crate) fn is_played(&self) -> bool {
        self.scripts.lock().unwrap().is_empty()
    }
}

impl Sockets for Scripted {
    fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connect(&self, _: Endpoint) -> Later<'static, io::Result<Connected>> {
        let (script, heard) = (self.scripts.lock().unwrap().pop_front(), Arc::clone(&self.heard));
        Box::pin(async move {
            let script = script.ok_or(io::ErrorKind::ConnectionRefused)?;
            let (near, far) = tokio::io::duplex(1 << 20);
            tokio::task::spawn_local(async move {
                let mut far = BufReader::new(far);
                for (expected, answer) in script {
                    let mut line = String::new();
                    if expected.is_empty() || far.read_line(&mut line).await.is_ok_and(|count| count > 0) {
                        assert!(line.starts_with(expected), "{line:?} instead of {expected:?}");
                        heard.lock().unwrap().push(line);
                        far.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
                // Whatever comes now has no answer; the end of it is the end.
                let mut rest = String::new();
                while far.read_line(&mut rest).await.is_ok_and(|count| count > 0) {
                    heard.lock().unwrap().push(std::mem::take(&mut rest));
                }
            });
            Ok(Connected { stream: Box::new(near), local: None, remote: None })
        })
    }

    fn resolve(&self, _: String) -> Later<'static, Vec<IpAddr>> {
        Box::pin(async { Vec::new() })
    }
}

/// Runs what needs tasks of its thread.
pub(crate) fn on_local<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// As those want it who hold it together with others.
pub(crate) fn sockets(scripted: &Scripted) -> Rc<dyn Sockets> {
    Rc::new(scripted.clone())
}
