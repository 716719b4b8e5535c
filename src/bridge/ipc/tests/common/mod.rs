//! What the tests share: two ends of a connection, and patience.
#![allow(dead_code, reason = "each test uses its part")]

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interfaces::{BulkheadInit, Hello};
use ipc::{Address, Connect, Ipc, Options, Peer};

/// Long enough for any machine, and never waited for when things go well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Both ends of a connection.
pub(crate) struct Pair {
    pub(crate) peer: Peer,
    pub(crate) client: Ipc,
    pub(crate) server: Ipc,
    pub(crate) dir: Option<tempfile::TempDir>,
}

pub(crate) fn hello(role: &str) -> Hello {
    Hello {
        coin: "bitcoin".into(),
        chain: "regtest".into(),
        genesis: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206".into(),
        version: "31.99.0".into(),
        role: role.into(),
        capabilities: vec!["scan".into()],
    }
}

pub(crate) fn options(exe: &str) -> Options {
    let mut options = Options::new(exe);
    options.limits.cancel_grace = Duration::from_millis(50);
    options
}

pub(crate) fn socket_pair(init: Arc<impl BulkheadInit + 'static>) -> Pair {
    let (client, server) = (Ipc::new(options("bitcoin-gui")), Ipc::new(options("bitcoin-node")));
    let (ours, theirs) = UnixStream::pair().unwrap();
    server.serve(theirs, "parent", init).unwrap();
    let peer = client.attach(ours, "child", Some(&hello("gui"))).unwrap();
    Pair { peer, client, server, dir: None }
}

pub(crate) fn unix_socket(init: Arc<impl BulkheadInit + 'static>) -> Pair {
    let dir = tempfile::tempdir().unwrap();
    let (client, server) = (Ipc::new(options("bitcoin-gui")), Ipc::new(options("bitcoin-node")));
    server.listen(&Address::Unix(None), dir.path(), init).unwrap();
    let peer = client.connect(&Connect::Auto, dir.path(), "node", Some(&hello("gui"))).unwrap().unwrap();
    Pair { peer, client, server, dir: Some(dir) }
}

/// Waits until something holds.
#[allow(clippy::disallowed_methods, reason = "patience is measured by the wall")]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Threads of this process.
pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<std::sync::Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(text))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
}

/// Everything that this process logs from now on. Once for each test process.
pub(crate) fn capture_log() -> Log {
    use tracing_subscriber::layer::SubscriberExt;
    let log = Log::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log.clone())).unwrap();
    log
}
