//! The wallets of this process, as the node gets them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use config::Config;
use consensus::ChainParams;
use engine::loader::Loader;
use interfaces::{Answer, BulkheadInit, Call, Chain, Echo, Failure, Hello, Init, Mining, Node, Rpc, WalletLoader};
use platform::MockableClock;

/// Who this process is.
pub(crate) fn hello(config: &Config) -> Hello {
    Hello {
        coin: config.coin().id.to_owned(),
        chain: config.chain().kind.name().to_owned(),
        genesis: ChainParams::new(config.coin(), config.chain()).genesis_hash().to_string(),
        version: config::about::VERSION.to_owned(),
        role: "wallet".to_owned(),
        capabilities: Vec::new(),
    }
}

/// The wallets, once a node has given its chain.
pub(crate) struct Wallets {
    config: Arc<Config>,
    clock: Arc<MockableClock>,
    loader: Mutex<Option<Arc<Loader>>>,
}

impl Wallets {
    pub(crate) fn new(config: Arc<Config>, clock: Arc<MockableClock>) -> Self {
        Self { config, clock, loader: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Loader>>> {
        self.loader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes them. There is one set in a process.
    pub(crate) fn make(&self, chain: Arc<dyn Chain>) -> Answer<Arc<Loader>> {
        let mut loader = self.lock();
        if loader.is_some() {
            return Err(has_a_node());
        }
        let made = engine::process::loader(Arc::clone(&self.config), Arc::clone(&self.clock), chain)?;
        *loader = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Closes them. When this returns, all is on disk.
    pub(crate) fn close(&self) {
        let loader = self.lock().take();
        if let Some(loader) = loader
            && let Err(error) = loader.stop()
        {
            tracing::error!("The wallets could not be closed: {error}");
        }
    }
}

fn has_a_node() -> Failure {
    Failure::new("This wallet process has a node already.")
}

/// What is found at a socket of this process.
pub(crate) struct WalletInit {
    pub(crate) hello: Hello,
    /// For the node that has started it: wallets that have no chain yet.
    pub(crate) wallets: Option<Arc<Wallets>>,
    /// For people, where there is a node already.
    pub(crate) rpc: Option<Arc<dyn Rpc>>,
}

impl Init for WalletInit {
    fn make_echo(&self) -> Call<Option<Arc<dyn Echo>>> {
        Ok(Some(Arc::new(|text: &str| text.to_owned())))
    }

    fn make_mining(&self) -> Call<Option<Arc<dyn Mining>>> {
        Ok(None)
    }

    fn make_rpc(&self) -> Call<Option<Arc<dyn Rpc>>> {
        Ok(self.rpc.clone())
    }
}

impl BulkheadInit for WalletInit {
    fn handshake(&self, hello: &Hello) -> Call<Answer<Hello>> {
        Ok(self.hello.check(hello).map(|()| self.hello.clone()))
    }

    fn make_chain(&self) -> Call<Option<Arc<dyn Chain>>> {
        Ok(None)
    }

    fn make_node(&self) -> Call<Option<Arc<dyn Node>>> {
        Ok(None)
    }

    fn make_wallet_loader(&self, chain: Arc<dyn Chain>) -> Call<Answer<Option<Arc<dyn WalletLoader>>>> {
        let made = self.wallets.as_ref().map_or_else(|| Err(has_a_node()), |wallets| wallets.make(chain));
        Ok(made.map(|loader| Some(loader as Arc<dyn WalletLoader>)))
    }

    fn attach_wallets(&self, _: Arc<dyn WalletLoader>) -> Call<Answer<()>> {
        Ok(Err(Failure::new("This is a wallet process, and no node.")))
    }
}
