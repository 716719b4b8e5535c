//! Keeping the wallet process running.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use interfaces::{Answer, Call, Chain, WalletLoader};
use ipc::{Backoff, Change, Peer, Reconnecting};
use platform::{ChildProcess, Clock, SystemClock};
use tracing::{error, info, warn};

use super::child::Plan;
use super::desk::{Absent, Desk};

/// How long a wallet may take to write what it has and end, once nobody talks to it any more.
const END: Duration = Duration::from_secs(30);
/// How long a process whose socket closed may take to be gone.
const REAP: Duration = Duration::from_secs(2);

/// Makes the chain that a new wallet process is given; none if the node is gone.
pub(super) type MakeChain = Box<dyn Fn() -> Option<Arc<dyn Chain>> + Send>;

/// The wallet process, and who starts it again. Dropping it ends both.
#[derive(Debug)]
pub(super) struct Supervisor {
    link: Option<Reconnecting>,
    child: Arc<Mutex<Option<ChildProcess>>>,
}

impl Supervisor {
    /// Starts the process. What becomes of it is told at the desk.
    pub(super) fn start(plan: Plan, make_chain: MakeChain, desk: Arc<Desk>) -> Result<Self, ipc::Error> {
        let program = plan.program();
        Self::keep(move || plan.start().map(|(child, peer)| (Some(child), peer)), program, make_chain, desk)
    }

    /// The same for whatever `start` starts.
    pub(super) fn keep(
        mut start: impl FnMut() -> Result<(Option<ChildProcess>, Peer), ipc::Error> + Send + 'static,
        program: String,
        make_chain: MakeChain,
        desk: Arc<Desk>,
    ) -> Result<Self, ipc::Error> {
        let child: Arc<Mutex<Option<ChildProcess>>> = Arc::default();
        let ours = Arc::clone(&child);
        let connect = move || {
            let (process, peer) = start()?;
            // What is left of the one before is ended here.
            *lock(&ours) = process;
            Ok(peer)
        };
        let ours = Arc::clone(&child);
        let on_change = move |change| match change {
            Change::Here(peer) => {
                if let Some(chain) = make_chain() {
                    arrive(&desk, &peer, chain, &program);
                }
            }
            Change::Gone => {
                leave(&desk, lock(&ours).take(), &program);
            }
            Change::Failed(reason) => {
                if !desk.lock().stopping {
                    error!("Cannot start {program}: {reason}");
                }
                desk.change(|state| state.trouble = Some(Absent::Failed(reason.to_string())));
            }
        };
        let link = Reconnecting::start(connect, Backoff::default(), on_change)?;
        Ok(Self { link: Some(link), child })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new process is there: it gets its chain, opens what its predecessor had open, and is put on the desk.
fn arrive(desk: &Desk, peer: &Peer, chain: Arc<dyn Chain>, program: &str) {
    let ready = peer.init().make_wallet_loader(chain).map_err(Absent::from).and_then(|answer| match answer {
        Ok(Some(loader)) => Ok(loader),
        Ok(None) => Err(Absent::Failed(format!("{program} has no wallets to offer."))),
        Err(failure) => Err(Absent::Failed(failure.0)),
    });
    let ready = ready.and_then(|loader| resume(desk, &*loader).map(|()| loader).map_err(Absent::from));
    match ready {
        Ok(loader) => {
            let echo = peer.init().make_echo().ok().flatten();
            desk.change(|state| {
                state.echo = echo;
                state.trouble = None;
                state.loader = Some(loader);
            });
        }
        Err(absent) => {
            error!("The wallet process cannot be used: {absent}");
            desk.change(|state| state.trouble = Some(absent));
            peer.disconnect();
        }
    }
}

/// Brings a new process to where the one before was.
fn resume(desk: &Desk, loader: &dyn WalletLoader) -> Call<()> {
    let (loaded, started, open, mock_time) = {
        let state = desk.lock();
        (state.loaded, state.started, state.open.clone(), state.mock_time)
    };
    if let Some(time) = mock_time {
        loader.set_mock_time(time)?;
    }
    if loaded {
        complain("open the wallets again", loader.load()?);
        let back: BTreeSet<String> = loader.list_wallets()?.into_iter().collect();
        for name in open.difference(&back) {
            complain(&format!("open wallet \"{name}\" again"), loader.load_wallet(name)?);
        }
    }
    if started {
        loader.start()?;
    }
    Ok(())
}

fn complain<T>(what: &str, answer: Answer<T>) {
    if let Err(failure) = answer {
        error!("Cannot {what}: {failure}");
    }
}

fn leave(desk: &Desk, child: Option<ChildProcess>, program: &str) {
    let stopping = desk.change(|state| {
        state.echo = None;
        // One that could not be used has said why, which is more.
        if state.loader.take().is_some() || state.trouble.is_none() {
            state.trouble = Some(Absent::Gone);
        }
        state.stopping
    });
    if stopping {
        return;
    }
    let Some(mut child) = child else { return };
    let number = child.id();
    let how = match child.wait_timeout(REAP, &SystemClock::new()) {
        Ok(Some(status)) => format!("ended unexpectedly: {status}. It is started again."),
        _ => "hung up unexpectedly. It is ended and started again.".to_owned(),
    };
    error!("{program} (process {number}) {how}");
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let peer = self.link.as_ref().and_then(|link| link.peer().ok());
        drop(self.link.take());
        // The process sees this and ends. Somebody's screen may still hold a wallet, and with it the connection.
        if let Some(peer) = peer {
            peer.disconnect();
        }
        let Some(mut child) = lock(&self.child).take() else { return };
        let clock: &dyn Clock = &SystemClock::new();
        match child.wait_timeout(END, clock) {
            Ok(Some(status)) if status.success() => info!("The wallet process has ended"),
            Ok(Some(status)) => warn!("The wallet process ended with {status}"),
            _ => warn!("The wallet process does not end and is killed"),
        }
    }
}
