//! Starting and stopping, and the way in for everybody else.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use p2p::{ChainAccess, Chance, PeerManager, Service, TxAccess};
use platform::Clock;

use crate::driver::{ChainNews, Control, Driver, Input, Later, Parts};
use crate::files::{self, BadPeersFile};
use crate::io::{self, Hidden};
use crate::options::{Bind, Options};
use crate::shun::{Policy, Shun};
use crate::sockets::{Listener, Sockets};
use crate::tor;
use crate::waker::Waker;

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The file of addresses is broken.
    #[error(transparent)]
    Peers(#[from] BadPeersFile),
    /// Somebody else listens there.
    #[error("Unable to bind to {address} on this computer. {client} is probably already running.")]
    AlreadyRunning {
        /// Where.
        address: Service,
        /// Who is probably running.
        client: String,
    },
    /// The system does not let us listen there.
    #[error("Unable to bind to {address} on this computer (bind returned error {error})")]
    Bind {
        /// Where.
        address: Service,
        /// What it said.
        error: String,
    },
    /// Nothing could be bound.
    #[error("Failed to listen on any port. Use -listen=0 if you want this.")]
    NoListener,
    /// The system refuses a thread.
    #[error("Failed to start the network: {0}")]
    Io(#[from] std::io::Error),
}

/// The network thread has ended: the node is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Shutting down")]
pub struct Stopped;

/// A way to the network thread, for any other thread.
#[derive(Debug, Clone)]
pub struct NetHandle {
    inputs: Sender<Input>,
    later: Arc<Later>,
}

impl NetHandle {
    /// Runs `work` on the network thread and waits for its answer.
    pub fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Control) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (answer, result) = channel();
        let task = Box::new(move |control: &mut dyn Control| {
            // Whoever asked may have given up; the work is done all the same.
            let _ = answer.send(work(control));
        });
        self.inputs.send(Input::Call(task)).map_err(|_| Stopped)?;
        result.recv().map_err(|_| Stopped)
    }

    /// Tells what has happened to the chain.
    pub fn tell(&self, news: ChainNews) {
        // If it has stopped, nobody is left to hear.
        let _ = self.inputs.send(Input::News(news, None));
    }

    /// Tells what has happened to the chain; `heard` is called when that was heard, which may take a moment where there
    /// are no peers.
    pub fn tell_then(&self, news: ChainNews, heard: impl FnOnce() + Send + 'static) {
        if let Some((news, heard)) = self.later.keep(news, Box::new(heard)) {
            // If it has stopped, nobody is left to hear.
            let _ = self.inputs.send(Input::News(news, Some(heard)));
        }
    }
}

/// The running network.
#[derive(Debug)]
pub struct Network {
    handle: NetHandle,
    bound: Vec<Bind>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Addresses to listen at, with their listeners.
type Bound = (Vec<Bind>, Vec<Box<dyn Listener>>);

fn bind(options: &Options, sockets: &dyn Sockets) -> Result<Bound, NetError> {
    let (mut bound, mut listeners) = (Vec::new(), Vec::new());
    for bind in &options.binds {
        match sockets.listen(bind.address) {
            Ok(listener) => {
                tracing::info!("Bound to {}", listener.address());
                bound.push(Bind { address: listener.address(), ..*bind });
                listeners.push(listener);
            }
            Err(error) => {
                let address = Service::from(bind.address);
                let error = if error.kind() == std::io::ErrorKind::AddrInUse {
                    NetError::AlreadyRunning { address, client: options.client_name.clone() }
                } else {
                    NetError::Bind { address, error: platform::system_error_text(&error) }
                };
                tracing::error!("{error}");
                if !bind.optional {
                    return Err(error);
                }
            }
        }
    }
    if bound.iter().all(|bind| bind.onion) && options.binds.iter().any(|bind| !bind.onion) {
        return Err(NetError::NoListener);
    }
    Ok((bound, listeners))
}

/// What leads into I2P and Tor. An onion service leads to where those are listened for who come from Tor, or to wherever
/// anybody is.
fn hidden(options: &Options, bound: &[Bind], chance: &mut Chance) -> Hidden {
    let i2p = options.i2p.clone().map(|router| {
        let key_file = router.accepts.then(|| options.directory.join(files::I2P_KEY));
        (router.endpoint, options.connect_timeout, key_file, chance.fork())
    });
    let target = bound.iter().find(|bind| bind.onion).or_else(|| bound.iter().find(|bind| !bind.whitebind));
    let tor = options.tor.clone().zip(target).map(|(settings, target)| tor::Control {
        settings,
        target: target.address,
        port: options.default_port,
        timeout: options.connect_timeout,
        key_file: options.directory.join(files::ONION_KEY),
        chance: chance.fork(),
    });
    Hidden { i2p, tor }
}

/// Opens the sockets and starts both threads.
pub fn start<C, T>(
    make: impl FnOnce(&NetHandle, Chance) -> PeerManager<C, T>,
    options: Options,
    sockets: Box<dyn Sockets>,
    clock: Arc<dyn Clock>,
    seed: [u8; 32],
) -> Result<Network, NetError>
where
    C: ChainAccess + Send + 'static,
    T: TxAccess + Send + 'static,
{
    let mut chance = Chance::new(seed);
    let (inputs, queue): (Sender<Input>, Receiver<Input>) = channel();
    let later = Arc::<Later>::default();
    let handle = NetHandle { inputs: inputs.clone(), later: Arc::clone(&later) };
    let waker = Waker::new(inputs, Arc::clone(&clock));
    let directory = &options.directory;
    let (contact, key, groups) = (&options.contact, options.addr_key, &options.groups);
    let mut addrman = files::load_peers(directory, options.magic, contact, key, groups, chance.fork())?;
    addrman.check_every(options.check_addresses);
    let now = i64::try_from(waker.now().as_secs()).unwrap_or(i64::MAX);
    let shun = Shun::new(files::load_bans(directory, now), options.reachable.clone(), Arc::clone(&clock));
    // With -connect nobody else is called, so the anchors are kept for another time.
    let anchors = if options.connect.is_none() { files::take_anchors(directory, options.magic) } else { Vec::new() };
    let (bound, listeners) = bind(&options, &*sockets)?;
    let (commands, obeyed) = tokio::sync::mpsc::unbounded_channel();
    let mut peers = make(&handle, chance.fork());
    let policy = Policy { shun: shun.clone() };
    peers.set_addr_policy(Box::new(policy));
    let hidden = hidden(&options, &bound, &mut chance);
    let io_thread = io::start(sockets, listeners, obeyed, hidden, waker.clone())?;
    let parts = Parts {
        peers,
        options,
        clock,
        chance,
        waker,
        io: commands,
        addrman,
        shun,
        anchors,
        bound: bound.clone(),
        later,
    };
    let driver =
        platform::thread::spawn("msghand", move || logging::run_traced("msghand", || Driver::new(parts).run(&queue)))?;
    Ok(Network { handle, bound, threads: Mutex::new(vec![driver, io_thread]) })
}

impl Network {
    /// The way in.
    pub fn handle(&self) -> &NetHandle {
        &self.handle
    }

    /// Where it listens.
    pub fn bound(&self) -> &[Bind] {
        &self.bound
    }

    /// Writes everything down, closes every connection and waits for both threads.
    pub fn stop(&self) {
        // If it has stopped by itself, there is nothing to wait for either.
        let _ = self.handle.inputs.send(Input::Stop);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("A network thread panicked");
            }
        }
    }
}
