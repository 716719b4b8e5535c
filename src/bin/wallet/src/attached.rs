//! The wallet process that somebody started, and that goes to a running node.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use config::Config;
use interfaces::{Call, WalletLoader};
use ipc::{Backoff, Change, Connect, Error, Ipc, Options, Peer, Reconnecting};
use platform::{Shutdown, Signals, sandbox::Sockets};
use tracing::{error, info};

use crate::port::Port;
use crate::setup::{self, Surroundings};
use crate::wallets::{Wallets, hello};

/// Attaches to the node that `-ipcconnect` names, and to its successors when it goes away, until a signal ends it.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let Surroundings { clock, log } = Surroundings::new(&config)?;
    let shutdown = Shutdown::new();
    Signals::install()?.forward(shutdown.clone(), move || log.reopen())?;
    setup::confine(&config, Sockets::Any)?;
    let port = Port::open(&config, &shutdown)?.map(Arc::new);
    let ipc = Ipc::new(Options::new(config.executable()));
    let (to, hello) = (Connect::parse(&config.args().get_str("ipcconnect", "unix"))?, hello(&config));
    let net_dir = config.net_dir().to_owned();
    let nobody = || Error::Start(std::io::ErrorKind::ConnectionRefused.into());
    let connect = move || ipc.connect(&to, &net_dir, "node", Some(&hello))?.ok_or_else(nobody);
    // The first node has to be there; only its successors are waited for.
    let first = connect().with_context(|| format!("Could not connect to {}", place(&config)))?;
    let attached = Arc::new(Mutex::new(None::<Wallets>));
    let make = {
        let (config, clock) = (Arc::clone(&config), Arc::clone(&clock));
        move || Wallets::new(Arc::clone(&config), Arc::clone(&clock))
    };
    let mut first = Some(first);
    let (current, door) = (Arc::clone(&attached), port.clone());
    let on_change = move |change| match change {
        Change::Here(peer) => {
            let wallets = make();
            match attach(&wallets, &peer, door.as_deref()) {
                Ok(()) => *current.lock().unwrap_or_else(PoisonError::into_inner) = Some(wallets),
                Err(problem) => {
                    error!("Cannot use the node: {problem}");
                    wallets.close();
                    peer.disconnect();
                }
            }
        }
        Change::Gone => {
            info!("The node is gone; waiting for its return");
            if let Some(port) = &door {
                port.pause();
            }
            close(&current);
        }
        Change::Failed(_) => {}
    };
    let link = Reconnecting::start(move || first.take().map_or_else(&connect, Ok), Backoff::default(), on_change)?;
    shutdown.wait();
    if let Some(port) = &port {
        port.pause();
    }
    close(&attached);
    drop(link);
    Ok(())
}

fn place(config: &Config) -> String {
    format!("the node at -ipcconnect={}", config.args().get_str("ipcconnect", "unix"))
}

fn close(wallets: &Mutex<Option<Wallets>>) {
    let wallets = wallets.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(wallets) = wallets {
        wallets.close();
    }
}

/// Opens the wallets on this node's chain and offers them to it, and to whoever asks at the port.
fn attach(wallets: &Wallets, peer: &Peer, port: Option<&Port>) -> anyhow::Result<()> {
    let chain = peer.init().make_chain()?.context("the node offers no chain")?;
    let loader = wallets.make(chain).map_err(|failure| anyhow::anyhow!(failure.0))?;
    loader.load()?.map_err(|failure| anyhow::anyhow!(failure.0))?;
    offer(peer, Arc::clone(&loader) as _)?;
    loader.start()?;
    if let Some(port) = port {
        port.serve(&loader);
    }
    info!("Attached to the node");
    Ok(())
}

fn offer(peer: &Peer, loader: Arc<dyn WalletLoader>) -> Call<()> {
    if let Err(failure) = peer.init().attach_wallets(loader)? {
        // It follows the chain all the same.
        error!("The node does not pass requests on: {failure}");
    }
    Ok(())
}
