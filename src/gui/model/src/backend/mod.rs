//! Who executes commands: the node's and the wallets' interfaces behind worker threads.

mod ears;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interfaces::Node;

use crate::action::{Command, News};
use crate::console::ConsoleLine;
use crate::outcome::{RpcFailure, Trouble};
use session::Session;

/// Takes news to whoever shows them. It must not block.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;
/// Makes JSON text of the words of a console's line, by the rules of the command line client.
pub type Convert = fn(&ConsoleLine) -> Result<String, String>;
/// Ends the node, if it is ours to end, and returns when it has ended.
type Stop = Box<dyn FnOnce() + Send>;

/// The three that work beside one another: an answer that takes long delays nobody else's.
#[derive(Debug, Clone, Copy)]
enum Lane {
    Reading,
    Doing,
    Console,
}

enum Job {
    /// Subscribe to a node, the how-many-eth.
    Greet(Arc<dyn Node>, u64),
    Do(Command),
    /// Let go of this when everything before is done.
    Pass(Sender<()>),
}

/// How long what is being asked may take when the user leaves.
const PATIENCE: Duration = Duration::from_secs(2);

/// The node that is there, counted, so that what comes late from one before is not taken for this one's.
#[derive(Default)]
struct Current {
    session: Option<Arc<Session>>,
    count: u64,
}

struct Shared {
    tell: Tell,
    convert: Convert,
    current: Mutex<Current>,
    stop: Mutex<Option<Stop>>,
}

/// Executes commands and tells what comes of them.
#[derive(Clone)]
pub struct Backend {
    shared: Arc<Shared>,
    lanes: [Sender<Job>; 3],
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    /// Starts the threads. They end when the last copy of this is dropped.
    pub fn start(tell: Tell, convert: Convert) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { tell, convert, current: Mutex::default(), stop: Mutex::default() });
        let lane = |name: &str| {
            let (sender, jobs) = channel();
            let shared = Arc::clone(&shared);
            platform::thread::spawn(name, move || shared.work(&jobs)).map(|_| sender)
        };
        let lanes = [lane("gui-read")?, lane("gui-do")?, lane("gui-console")?];
        Ok(Self { shared, lanes })
    }

    /// What ends the node when the user leaves. Without it there is nothing to end.
    pub fn stop_with(&self, stop: impl FnOnce() + Send + 'static) {
        *lock(&self.shared.stop) = Some(Box::new(stop));
    }

    /// Tells what the road to the node has to say.
    pub fn tell(&self, news: News) {
        (self.shared.tell)(news);
    }

    /// A node is there.
    pub fn connected(&self, node: Arc<dyn Node>) {
        let count = {
            let mut current = lock(&self.shared.current);
            current.count += 1;
            current.count
        };
        self.send(Lane::Reading, Job::Greet(node, count));
    }

    /// It is gone.
    pub fn lost(&self, sentence: &str) {
        let gone = {
            let mut current = lock(&self.shared.current);
            current.count += 1;
            // Told while nobody else can tell that another one is here.
            self.tell(News::Gone(sentence.to_owned()));
            current.session.take()
        };
        // Its objects end outside the lock: they may call.
        drop(gone);
    }

    /// Executes a command. Each is answered, also when nobody is there.
    pub fn execute(&self, command: Command) {
        let lane = match command {
            Command::Stop => return self.stop(),
            Command::Execute { .. } => Lane::Console,
            Command::ReadStatus
            | Command::ReadWallets
            | Command::ReadHoldings(_)
            | Command::ReadHistory(_)
            | Command::ReadAddresses(_) => Lane::Reading,
            _ => Lane::Doing,
        };
        self.send(lane, Job::Do(command));
    }

    fn send(&self, lane: Lane, job: Job) {
        let lane = match lane {
            Lane::Reading => &self.lanes[0],
            Lane::Doing => &self.lanes[1],
            Lane::Console => &self.lanes[2],
        };
        // A thread ends with the last sender, so there is one.
        drop(lane.send(job));
    }

    fn stop(&self) {
        let (stop, tell) = (lock(&self.shared.stop).take(), Arc::clone(&self.shared.tell));
        let session = {
            let mut current = lock(&self.shared.current);
            current.count += 1;
            current.session.take()
        };
        // A node whose wallets somebody holds on to, or asks something, waits for that when it stops.
        let (pass, passed) = channel();
        self.send(Lane::Reading, Job::Pass(pass.clone()));
        self.send(Lane::Doing, Job::Pass(pass));
        let end = move || {
            drop(session);
            // Nothing is ever sent: the wait ends when both have let go.
            let _ = passed.recv_timeout(PATIENCE);
            if let Some(stop) = stop {
                stop();
            }
            tell(News::Stopped);
        };
        if let Err(error) = platform::thread::spawn("gui-stop", end) {
            tracing::error!("No thread to stop the node: {error}");
            self.tell(News::Stopped);
        }
    }
}

impl Shared {
    fn work(&self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                Job::Greet(node, count) => self.greet(node, count),
                Job::Do(command) => self.answer(command),
                Job::Pass(pass) => drop(pass),
            }
        }
    }

    fn greet(&self, node: Arc<dyn Node>, count: u64) {
        let session = Arc::new(Session::new(node, Arc::clone(&self.tell)));
        session.subscribe();
        let mut current = lock(&self.current);
        if current.count == count {
            let before = current.session.replace(session);
            (self.tell)(News::Here);
            drop(current);
            drop(before);
        }
    }

    fn answer(&self, command: Command) {
        let session = lock(&self.current).session.clone();
        let news = match session {
            // It is let go of before the answer is told: who hears that may end it.
            Some(session) => session.answer(command, self.convert),
            None => nobody(command),
        };
        if let Some(news) = news {
            (self.tell)(news);
        }
    }
}

/// What is answered when there is no node.
fn nobody(command: Command) -> Option<News> {
    let gone = || Trouble::Gone;
    Some(match command {
        Command::ReadStatus => News::Status(Err(gone())),
        Command::ReadWallets => News::Wallets(Err(gone())),
        Command::ReadHoldings(name) => News::Holdings(name, Err(gone())),
        Command::ReadHistory(name) => News::History(name, Err(gone())),
        Command::ReadAddresses(name) => News::Addresses(name, Err(gone())),
        Command::CreateWallet(_) | Command::OpenWallet(_) => News::Opened(Err(gone())),
        Command::Lock(_) => News::Locked(Err(gone())),
        Command::NewAddress { wallet, .. } => News::NewAddress(wallet, Err(gone())),
        Command::Pay { wallet, .. } => News::Paid(wallet, Err(RpcFailure::said("There is no node. Nothing was sent."))),
        Command::Execute { .. } => News::Printed(Err(RpcFailure::said("There is no node."))),
        Command::SetNetworkActive(_) | Command::Stop => return None,
    })
}
