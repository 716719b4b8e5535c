//! State, backend and news in one place, for a view.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::action::{Action, News};
use crate::backend::{Backend, Convert, Tell};
use crate::connection::Connection;
use crate::state::State;
use crate::status::StatusBar;

/// Called when there is news, from any thread.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a view draws, and where it says what the user does.
pub struct Desk {
    state: State,
    backend: Backend,
    inbox: Receiver<News>,
    wake: Arc<Mutex<Option<Wake>>>,
    /// What was logged last.
    logged: String,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("connection", &self.state.connection).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk without a node. `convert` is for the console.
    pub fn new(ticker: &str, convert: Convert) -> std::io::Result<Self> {
        let (sender, inbox): (Sender<News>, _) = channel();
        let wake: Arc<Mutex<Option<Wake>>> = Arc::default();
        let waker = Arc::clone(&wake);
        let tell: Tell = Arc::new(move |news| {
            // Nobody reads any more when the program ends.
            drop(sender.send(news));
            let wake = waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(wake) = wake {
                wake();
            }
        });
        let backend = Backend::start(tell, convert)?;
        Ok(Self { state: State::new(ticker), backend, inbox, wake, logged: String::new() })
    }

    /// Where the road to the node reports.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Has `wake` called when there is news.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(wake));
    }

    /// What is to be drawn.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the program may end.
    pub fn is_finished(&self) -> bool {
        self.state.connection == Connection::Stopped
    }

    /// The user did something.
    pub fn act(&mut self, action: Action) {
        let commands = self.state.act(action);
        for command in commands {
            self.backend.execute(command);
        }
        self.log();
    }

    fn hear(&mut self, news: News) {
        let commands = self.state.hear(news);
        for command in commands {
            self.backend.execute(command);
        }
        self.log();
    }

    /// Takes in what is new. Answers whether anything was.
    pub fn pump(&mut self) -> bool {
        let mut any = false;
        loop {
            match self.inbox.try_recv() {
                Ok(news) => self.hear(news),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return any,
            }
            any = true;
        }
    }

    /// Waits for news, but no longer than `limit`, and takes them in. Answers whether there were any.
    pub fn wait(&mut self, limit: Duration) -> bool {
        match self.inbox.recv_timeout(limit) {
            Ok(news) => {
                self.hear(news);
                self.pump();
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Logs what is shown, if it is something else than before.
    fn log(&mut self) {
        if !tracing::enabled!(target: "qt", tracing::Level::DEBUG) {
            return;
        }
        let shown = summary(&self.state);
        if shown != self.logged {
            tracing::debug!(target: "qt", "shows {shown}");
            self.logged = shown;
        }
    }
}

/// What is shown, in one line: for a log, and for who waits for it there.
pub(crate) fn summary(state: &State) -> String {
    let mut parts = Vec::new();
    match state.connection.banner() {
        Some(banner) => parts.push(format!("\"{banner}\"")),
        None => parts.extend(node_parts(&state.bar)),
    }
    if state.connection.is_connected()
        && let Some(name) = &state.wallets.chosen
    {
        parts.push(format!("wallet \"{name}\""));
        if let Some([trusted, pending, immature, _]) = state.overview.amounts() {
            parts.push(format!("balance {trusted}, pending {pending}, immature {immature}"));
        }
    }
    parts.join(", ")
}

fn node_parts(bar: &StatusBar) -> Vec<String> {
    let Some(status) = &bar.status else { return vec!["a node".to_owned()] };
    vec![
        format!("height {}", status.tip.height),
        format!("headers {}", status.header_height),
        format!("peers {} in {} out", status.connections_in, status.connections_out),
        format!("network {}", if status.network_active { "on" } else { "off" }),
    ]
}
