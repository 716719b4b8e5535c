//! The node as a thread of this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use config::Config;
use daemon::WalletSource;
use desktop::Road;
use model::{Backend, News};
use platform::Shutdown;

/// The thread, while there is one.
pub(crate) struct Inside {
    shutdown: Shutdown,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Inside {
    /// Starts it. What happens is told to `backend`.
    pub(crate) fn start(config: Config, backend: Backend) -> std::io::Result<Self> {
        let shutdown = Shutdown::new();
        let asked = shutdown.clone();
        let life = move || {
            let wallets = WalletSource::Local(Box::new(engine::process::wallets));
            let run = || daemon::run_shown(config, wallets, &asked, |node| backend.connected(node));
            // A window over a node that is no more would wait for ever.
            let ended = catch_unwind(AssertUnwindSafe(run));
            match ended.unwrap_or_else(|_| Err("The node has failed; standard error says where.".to_owned())) {
                Ok(()) => {
                    // By a signal, by RPC, or by the user: in each case its window has nothing left to show.
                    backend.lost("The node was stopped.");
                    backend.tell(News::Quit);
                }
                Err(why) => backend.tell(News::Refused(why)),
            }
        };
        let thread = Mutex::new(Some(platform::thread::spawn("node", life)?));
        Ok(Self { shutdown, thread })
    }
}

impl Road for Inside {
    fn close(&self) {
        self.shutdown.request();
        // Held to the end: who comes second waits as long as the first.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // It catches its own panics.
            drop(thread.join());
        }
    }
}
