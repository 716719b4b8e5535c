//! The road to the node: a child that is started, or a node that runs already; found again when it was gone.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use config::Config;
use desktop::Road;
use interfaces::{BlockHash, Hello};
use ipc::{Backoff, Change, Connect, Error, Ipc, Options, Peer, Reconnecting};
use model::{Backend, News};
use tracing::{error, info};

use crate::node::{Child, Plan};

/// What there is to do at an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Whoever answers, else a child.
    Auto,
    Attach,
    Child,
}

/// What connecting needs.
struct Guide {
    ipc: Ipc,
    to: Connect,
    hello: Hello,
    net_dir: PathBuf,
    option: String,
    way: Mutex<Way>,
    child: Child,
    backend: Backend,
    /// There has been a node.
    ever: AtomicBool,
    /// Nothing is tried any more: it was refused, or the user leaves.
    over: AtomicBool,
}

/// The road. It is used until it is closed.
pub(crate) struct NodeRoad {
    guide: Arc<Guide>,
    link: Mutex<Option<Reconnecting>>,
}

impl NodeRoad {
    /// Starts, as `-ipcconnect` says. What happens is told to `backend`.
    pub(crate) fn open(config: &Config, own: &[OsString], backend: Backend) -> anyhow::Result<Self> {
        let option = config.args().get_str("ipcconnect", "");
        let to = Connect::parse(&option)?;
        let way = match to {
            Connect::Off => Way::Child,
            Connect::Auto => Way::Auto,
            Connect::To(_) => Way::Attach,
        };
        if way == Way::Attach && config.args().is_on_command_line("ipcbind") {
            anyhow::bail!(
                "-ipcbind is for a node that the GUI starts, and -ipcconnect={option} asks for one that runs already. Leave \
                 one of them out."
            );
        }
        let guide = Arc::new(Guide {
            ipc: Ipc::new(Options::new(config.executable())),
            to,
            hello: hello(config),
            net_dir: config.net_dir().to_owned(),
            option,
            way: Mutex::new(way),
            child: Child::new(Plan::new(config, own).context("this program's own directory is not known")?),
            backend,
            ever: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let (connecting, told) = (Arc::clone(&guide), Arc::clone(&guide));
        let link =
            Reconnecting::start(move || connecting.connect(), Backoff::default(), move |change| told.changed(change))?;
        Ok(Self { guide, link: Mutex::new(Some(link)) })
    }
}

impl Road for NodeRoad {
    /// Ends a child and waits for its end; a node that was attached to stays.
    fn close(&self) {
        // Held to the end: who comes second waits as long as the first.
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        self.guide.over.store(true, Ordering::SeqCst);
        self.guide.child.ask_to_stop();
        // Its thread is where a child is started: after it there is none that would be overlooked.
        if let Some(link) = link.take()
            && let Ok(peer) = link.peer()
            && self.guide.way() != Way::Child
        {
            peer.disconnect();
        }
        self.guide.child.wait();
    }
}

impl Guide {
    fn way(&self) -> Way {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn connect(&self) -> Result<Peer, Error> {
        let nobody = || Error::Start(ErrorKind::ConnectionRefused.into());
        if self.is_over() {
            return Err(nobody());
        }
        if self.way() != Way::Child {
            match self.ipc.connect(&self.to, &self.net_dir, "node", Some(&self.hello))? {
                Some(peer) => {
                    self.decide(Way::Attach);
                    return Ok(peer);
                }
                None if self.way() == Way::Attach => return Err(nobody()),
                None => self.decide(Way::Child),
            }
        }
        self.child.start(&self.ipc, &self.hello)
    }

    /// What was found first counts from then on: who attached to a node does not start another one in its place.
    fn decide(&self, way: Way) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }

    fn changed(&self, change: Change) {
        if self.is_over() {
            return;
        }
        match change {
            Change::Here(peer) => self.arrived(&peer),
            Change::Gone => self.left(),
            Change::Failed(reason) => self.failed(&reason),
        }
    }

    fn arrived(&self, peer: &Peer) {
        match peer.init().make_node() {
            Ok(Some(node)) => {
                self.ever.store(true, Ordering::SeqCst);
                if self.way() == Way::Child {
                    self.child.is_ready(&node);
                }
                info!("The GUI is connected to the node");
                self.backend.connected(node);
            }
            Ok(None) => self.refuse("The process at the other end of the IPC connection has no node to show."),
            // It is gone again, which is told next.
            Err(error) => error!("The node cannot be used: {error}"),
        }
    }

    fn left(&self) {
        let sentence = match self.child.reap() {
            // Somebody else has stopped it in order: it is not wanted any more, and neither is its window.
            Some((_, true)) => {
                info!("The node was stopped; the GUI ends with it");
                self.backend.lost("The node was stopped.");
                return self.backend.tell(News::Quit);
            }
            Some((how, false)) => format!("{how}. It is being started again."),
            None => "The node is gone; waiting for its return.".to_owned(),
        };
        error!("{sentence}");
        self.backend.lost(&sentence);
    }

    fn failed(&self, reason: &Error) {
        let text = match reason {
            // The sentence is about the other side, and complete.
            Error::Mismatch(sentence) => return self.refuse(sentence),
            Error::Start(error) if self.way() == Way::Child => format!("The node cannot be used: {error}."),
            other => format!("Could not connect to the node at -ipcconnect={}: {other}", self.option),
        };
        if self.ever.load(Ordering::SeqCst) {
            info!("{text}");
        } else {
            // The first node has to be there; only its successors are waited for.
            self.refuse(&text);
        }
    }

    fn refuse(&self, sentence: &str) {
        error!("{sentence}");
        self.over.store(true, Ordering::SeqCst);
        self.backend.tell(News::Refused(sentence.to_owned()));
    }
}

/// Who this process is.
fn hello(config: &Config) -> Hello {
    Hello {
        coin: config.coin().id.to_owned(),
        chain: config.chain().kind.name().to_owned(),
        genesis: BlockHash::from_bytes(config.chain().genesis.hash).to_string(),
        version: config::about::VERSION.to_owned(),
        role: "gui".to_owned(),
        capabilities: Vec::new(),
    }
}
