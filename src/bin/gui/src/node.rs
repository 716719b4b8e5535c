//! The node as a child process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::{Config, Role, names};
use interfaces::{Hello, Node};
use ipc::{Error, Ipc, Peer};
use platform::{ChildOptions, ChildProcess, SystemClock, child};

/// How long a process whose socket closed may take to be gone before it is ended.
const REAP: Duration = Duration::from_secs(30);

/// How to start it.
#[derive(Debug)]
pub(crate) struct Plan {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Plan {
    /// For the GUI of this configuration, which was called with these arguments.
    pub(crate) fn new(config: &Config, own: &[OsString]) -> std::io::Result<Self> {
        let program = child::sibling(&names::executable(config.coin(), Role::Node))?;
        Ok(Self { program, arguments: crate::arguments::for_node(config, own) })
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

#[derive(Default)]
struct State {
    process: Option<ChildProcess>,
    node: Option<Arc<dyn Node>>,
    /// The user leaves: nothing is started any more.
    stopping: bool,
}

/// The process, while there is one.
pub(crate) struct Child {
    plan: Plan,
    state: Mutex<State>,
}

impl Child {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, and waits until it is ready. If it ends before, the error says so.
    pub(crate) fn start(&self, ipc: &Ipc, hello: &Hello) -> Result<Peer, Error> {
        let name = self.plan.name();
        let failed = |text: String| Error::Start(std::io::Error::other(text));
        // It ends when it sees our end of the socket close, and is not killed with us: it has things to write.
        let options = ChildOptions { arguments: self.plan.arguments.clone(), die_with_parent: false };
        let (socket, number) = {
            let mut state = self.lock();
            if state.stopping {
                return Err(failed(format!("{name} is not started any more")));
            }
            let (process, socket) = child::spawn(&self.plan.program, &options)
                .map_err(|error| failed(format!("cannot start {}: {error}", self.plan.program.display())))?;
            let number = process.id();
            state.process = Some(process);
            (socket, number)
        };
        ipc.attach(socket, &format!("{name} {number}"), Some(hello)).map_err(|error| match error {
            Error::Mismatch(_) => error,
            other => {
                let how = self.reap().map_or_else(|| other.to_string(), |(text, _)| text);
                failed(format!("{how} before it was ready; its own words are on standard error and in debug.log"))
            }
        })
    }

    /// It is ready, and this is how it is reached.
    pub(crate) fn is_ready(&self, node: &Arc<dyn Node>) {
        self.lock().node = Some(Arc::clone(node));
    }

    /// How a process ended whose socket has closed, and whether it did so in order.
    pub(crate) fn reap(&self) -> Option<(String, bool)> {
        let mut process = {
            let mut state = self.lock();
            state.node = None;
            state.process.take()?
        };
        let name = format!("{} (process {})", self.plan.name(), process.id());
        Some(match process.wait_timeout(REAP, &SystemClock::new()) {
            Ok(Some(status)) => (format!("{name} ended with {status}"), status.success()),
            _ => (format!("{name} hung up and did not end, so it was ended"), false),
        })
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        let node = {
            let mut state = self.lock();
            state.stopping = true;
            state.node.take()
        };
        let asked = node.is_some_and(|node| node.start_shutdown().is_ok());
        if !asked && let Some(process) = &mut self.lock().process {
            // It is still starting, or cannot be reached. One that has ended needs no signal.
            drop(process.terminate());
        }
    }

    /// Waits until it has written what it has, and has ended.
    pub(crate) fn wait(&self) {
        let process = self.lock().process.take();
        let Some(mut process) = process else { return };
        match process.wait() {
            Ok(status) if status.success() => tracing::info!("{} has ended", self.plan.name()),
            Ok(status) => tracing::warn!("{} ended with {status}", self.plan.name()),
            Err(error) => tracing::error!("The end of {} cannot be waited for: {error}", self.plan.name()),
        }
    }
}
