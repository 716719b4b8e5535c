//! The wallet process that a node has started.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use coin::Coin;
use config::Env;
use ipc::{Ipc, Options};
use logging::LogHandle;
use platform::{SignalEvent, Signals, sandbox::Sockets};

use crate::setup::{self, Surroundings};
use crate::wallets::{WalletInit, Wallets, hello};

/// Serves the node at the other end of the socket until that is closed: by the node when it stops, by the system when
/// the node dies.
pub(crate) fn serve(coin: &'static Coin, descriptor: i32, arguments: &[OsString]) -> anyhow::Result<()> {
    let socket = platform::descriptor::adopt_socket(&descriptor.to_string())?;
    let config = Arc::from(config::load_spawned(coin, arguments, &Env::from_process())?);
    let Surroundings { clock, log } = Surroundings::new(&config)?;
    outlive_signals(log)?;
    setup::confine(&config, Sockets::Present)?;
    let wallets = Arc::new(Wallets::new(Arc::clone(&config), clock));
    let init = WalletInit { hello: hello(&config), wallets: Some(Arc::clone(&wallets)), rpc: None };
    let ipc = Ipc::new(Options::new(config.executable()));
    let served = ipc.serve(socket, "node", Arc::new(init))?;
    while !served.wait(Duration::from_hours(1)) {}
    wallets.close();
    Ok(())
}

/// A key press or a service manager signals all processes at once. The node is the one that stops them in order, so this
/// one waits for it.
fn outlive_signals(log: LogHandle) -> anyhow::Result<()> {
    let signals = Signals::install().context("no signal handlers")?;
    let serve = move || {
        while let Ok(event) = signals.wait(None) {
            if event == Some(SignalEvent::ReopenLogs) {
                log.reopen();
            }
        }
    };
    platform::thread::spawn("signals", serve).map(drop).context("no thread for signals")
}
