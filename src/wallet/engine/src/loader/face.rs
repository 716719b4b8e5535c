//! The wallets as the node sees them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ::rpc::{
    Caller, Described, Directory, Engine, Identity, Method, Outline, Registry, Res, RpcState, Whitelist, method,
};
use interfaces::{
    Answer, BlockHash, Call, Failure, Handler, IpcError, Json, RpcCommand, Secret, WalletBalances, WalletCoin,
    WalletCreate, WalletDirEntry, WalletLoader, WalletNotifications, WalletOpened,
};
use platform::Clock;
use signer::AddressType;
use walletdb::WalletFlags;

use super::{Opened, Wallets, timers};
use crate::book::{BookEntry, Purpose};
use crate::convert;
use crate::ledger::{Available, BalanceQuery, CoinFilter};
use crate::wallet::{Core, NewWallet, Wallet, WalletError};

/// The wallets of a process, with their RPC methods and timers.
pub struct Loader {
    wallets: Arc<Wallets>,
    engine: Arc<Engine<Wallets>>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("wallets", &self.wallets).finish_non_exhaustive()
    }
}

impl Loader {
    /// Of a set.
    pub fn new(wallets: Arc<Wallets>) -> Self {
        let engine = engine(&wallets, |directory| vec![describe(directory.clone())]);
        Self { wallets, engine: Arc::new(engine) }
    }

    /// The set.
    pub fn wallets(&self) -> &Arc<Wallets> {
        &self.wallets
    }

    /// What answers at a port of the wallet's own: its methods, some of the process's, and who may call what.
    pub fn serving(
        &self,
        more: impl FnOnce(&Directory) -> Vec<Method<Wallets>>,
        whitelist: Whitelist,
    ) -> Engine<Wallets> {
        engine(&self.wallets, more).with_whitelist(whitelist)
    }

    fn run(engine: &Engine<Wallets>, request: &Json, uri: &str, user: &str, tip: BlockHash) -> Answer<Json> {
        let tip = Some(tip.0);
        let caller = Caller { uri: uri.to_owned(), user: user.to_owned(), tip, ..Caller::default() };
        let answer = engine.answer_text(request.as_str(), &caller);
        answer.map(Json::new).map_err(|error| Failure::new(error.to_string()))
    }
}

/// For the node, which lists the methods of wallets among its own.
fn describe(directory: Directory) -> Method<Wallets> {
    method("hidden", "describemethods", "Tells everything about all methods.\n")
        .result(Res::any("", "For each its name, category, help page and all else that can be asked about it"))
        .run(move |_: &Wallets, _| Ok(directory.describe_all().iter().map(Described::to_json).collect()))
}

fn engine(wallets: &Arc<Wallets>, more: impl FnOnce(&Directory) -> Vec<Method<Wallets>>) -> Engine<Wallets> {
    let config = &wallets.shared().config;
    let registry = Registry::new(Directory::new(Identity::of(config.coin())));
    registry.add_all(crate::rpc::methods());
    registry.add_all(more(registry.directory()));
    let state = RpcState::new(Arc::clone(&wallets.shared().clock) as Arc<dyn Clock>);
    state.finish_warmup();
    let checks = config.args().get_bool("rpcdoccheck", cfg!(debug_assertions));
    // The node does not start with a release that nobody knows, and tells its wallets the same.
    let release = config.rpc_release().ok().flatten();
    let engine = Engine::new(Arc::clone(wallets), Arc::new(registry), Arc::new(state));
    engine.with_result_checks(checks).with_release(release)
}

/// An answer of the inner level, or the road's error.
fn level<T>(result: Result<T, WalletError>) -> Call<Answer<T>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(WalletError::Road(error)) => Err(error),
        Err(other) => Ok(Err(Failure::new(other.to_string()))),
    }
}

fn opened(result: Result<Opened, WalletError>) -> Call<Answer<WalletOpened>> {
    level(result.map(|opened| WalletOpened { name: opened.wallet.name().to_owned(), warnings: opened.warnings }))
}

impl WalletLoader for Loader {
    fn rpc_commands(&self) -> Call<Vec<RpcCommand>> {
        let command = |outline: Outline| RpcCommand {
            category: outline.category,
            name: outline.name,
            args: outline.args,
            // The node asks for it when somebody reads it.
            description: Json::default(),
        };
        Ok(self.engine.registry().directory().outlines().into_iter().map(command).collect())
    }

    fn execute_rpc(&self, request: &Json, uri: &str, user: &str, tip: BlockHash) -> Call<Answer<Json>> {
        Ok(Self::run(&self.engine, request, uri, user, tip))
    }

    fn load(&self) -> Call<Answer<()>> {
        match self.wallets.load_configured() {
            Ok(answer) => Ok(answer),
            Err(error) => level(Err(error)),
        }
    }

    fn start(&self) -> Call<()> {
        for wallet in self.wallets.list() {
            match wallet.settle() {
                Err(WalletError::Road(error)) => return Err(error),
                Err(error) => tracing::error!("{} {error}", wallet.display_name()),
                Ok(()) => {}
            }
        }
        timers::start(&self.wallets).map_err(|error| IpcError::Remote(error.to_string()))
    }

    fn stop(&self) -> Call<()> {
        self.wallets.bell().end();
        self.wallets.unload_all();
        Ok(())
    }

    fn create_wallet(&self, options: &WalletCreate) -> Call<Answer<WalletOpened>> {
        let WalletCreate { name, passphrase, flags, load_on_startup } = options.clone();
        opened(self.wallets.create(&NewWallet { name, passphrase, flags: WalletFlags(flags) }, load_on_startup))
    }

    fn load_wallet(&self, name: &str) -> Call<Answer<WalletOpened>> {
        opened(self.wallets.load(name, None))
    }

    fn restore_wallet(&self, name: &str, backup_file: &str) -> Call<Answer<WalletOpened>> {
        opened(self.wallets.restore(name, backup_file.as_ref(), None))
    }

    fn list_wallets(&self) -> Call<Vec<String>> {
        Ok(self.wallets.list().iter().map(|wallet| wallet.name().to_owned()).collect())
    }

    fn list_wallet_dir(&self) -> Call<Vec<WalletDirEntry>> {
        let shared = self.wallets.shared();
        let found = walletdb::list_wallets(shared.wallet_dir(), &shared.format);
        Ok(found.into_iter().map(|at| WalletDirEntry { path: at.name, format: at.kind.name().to_owned() }).collect())
    }

    fn get_wallet(&self, name: &str) -> Call<Option<Arc<dyn interfaces::Wallet>>> {
        let engine = Arc::clone(&self.engine);
        Ok(self.wallets.find(name).map(|wallet| {
            let face = Face { name: name.to_owned(), wallet: Arc::downgrade(&wallet), engine };
            Arc::new(face) as Arc<dyn interfaces::Wallet>
        }))
    }

    fn set_mock_time(&self, time: i64) -> Call<()> {
        self.wallets.shared().clock.set_mock_time(time);
        self.wallets.bell().ring();
        Ok(())
    }

    fn mock_scheduler(&self, seconds: i64) -> Call<()> {
        self.wallets.tick(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        Ok(())
    }
}

/// One wallet as others see it. It does not keep the wallet open.
struct Face {
    name: String,
    wallet: Weak<Wallet>,
    engine: Arc<Engine<Wallets>>,
}

impl Face {
    fn get(&self) -> Call<Arc<Wallet>> {
        let gone = || IpcError::Remote("Requested wallet does not exist or is not loaded".to_owned());
        self.wallet.upgrade().filter(|wallet| !wallet.is_closed()).ok_or_else(gone)
    }
}

impl interfaces::Wallet for Face {
    fn name(&self) -> Call<String> {
        Ok(self.name.clone())
    }

    fn encrypt(&self, passphrase: &Secret) -> Call<Answer<()>> {
        let wallet = self.get()?;
        if wallet.is_encrypted() || passphrase.expose().is_empty() {
            return Ok(Err(Failure::new("Error: Failed to encrypt the wallet.")));
        }
        level(wallet.encrypt(passphrase.expose()))
    }

    fn is_crypted(&self) -> Call<bool> {
        Ok(self.get()?.is_encrypted())
    }

    fn lock(&self) -> Call<Answer<()>> {
        level(self.get()?.lock_keys())
    }

    fn is_locked(&self) -> Call<bool> {
        Ok(self.get()?.is_locked())
    }

    fn unlock(&self, passphrase: &Secret) -> Call<Answer<()>> {
        level(self.get()?.unlock(passphrase.expose(), None))
    }

    fn change_passphrase(&self, old: &Secret, new: &Secret) -> Call<Answer<()>> {
        level(self.get()?.change_passphrase(old.expose(), new.expose()))
    }

    fn balances(&self) -> Call<WalletBalances> {
        let wallet = self.get()?;
        let query = BalanceQuery {
            min_depth: 0,
            trust_change: wallet.settings().spend_zero_conf_change,
            include_nonmempool: false,
            is_used: None,
        };
        let balance = wallet.read(|core| core.ledger.balance(&core.keys, query));
        let (trusted, untrusted_pending) = (balance.trusted, balance.untrusted_pending);
        Ok(WalletBalances { trusted, untrusted_pending, immature: balance.immature })
    }

    fn coins(&self) -> Call<Vec<WalletCoin>> {
        let wallet = self.get()?;
        let filter = CoinFilter {
            only_safe: false,
            min_amount: 0,
            include_immature: true,
            skip_locked: false,
            trust_change: wallet.settings().spend_zero_conf_change,
            with_assets: true,
            ..CoinFilter::default()
        };
        let show = |core: &Core, coin: Available| {
            let destination = core.destination(&coin.script);
            WalletCoin {
                outpoint: convert::to_outpoint(&coin.outpoint),
                address: core.address(&coin.script).unwrap_or_default(),
                label: core.book.find(&destination).map(BookEntry::label_text).unwrap_or_default(),
                value_received: coin.received(),
                value_now: coin.value,
                depth: coin.depth,
                safe: coin.safe,
                script: coin.script.into_bytes().into(),
            }
        };
        let all = |core: &Core| core.ledger.available(&core.keys, &filter).into_iter().map(|c| show(core, c)).collect();
        Ok(wallet.read(all))
    }

    fn new_address(&self, address_type: &str, label: &str) -> Call<Answer<String>> {
        let wallet = self.get()?;
        let name = if address_type.is_empty() { wallet.settings().address_type.name() } else { address_type };
        let Some(kind) = AddressType::from_name(name) else {
            return Ok(Err(Failure::new(format!("Unknown address type '{address_type}'"))));
        };
        level(wallet.new_address(kind, label))
    }

    fn execute_rpc(&self, request: &Json, user: &str) -> Call<Answer<Json>> {
        let uri = format!("/wallet/{}", crate::rpc::url_encode(&self.name));
        Ok(Loader::run(&self.engine, request, &uri, user, BlockHash::default()))
    }

    fn backup(&self, file: &str) -> Call<Answer<()>> {
        let done = self.get()?.backup(file.as_ref());
        Ok(done.map_err(|error| {
            tracing::warn!("{error}");
            Failure::new("Error: Wallet backup failed!")
        }))
    }

    fn abort_rescan(&self) -> Call<()> {
        self.get()?.scanning().abort();
        Ok(())
    }

    fn handle_notifications(&self, notifications: Arc<dyn WalletNotifications>) -> Call<Arc<dyn Handler>> {
        let number = self.get()?.watch(notifications).map_err(|error| IpcError::Remote(error.to_string()))?;
        Ok(Arc::new(Subscription { wallet: self.wallet.clone(), number }))
    }
}

/// Ends a subscription when dropped.
struct Subscription {
    wallet: Weak<Wallet>,
    number: u64,
}

impl Handler for Subscription {
    fn disconnect(&self) -> Call<()> {
        if let Some(wallet) = self.wallet.upgrade() {
            wallet.unwatch(self.number);
        }
        Ok(())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(wallet) = self.wallet.upgrade() {
            wallet.unwatch(self.number);
        }
    }
}

impl Wallet {
    /// Gives out an address with a label.
    pub fn new_address(&self, kind: AddressType, label: &str) -> Result<String, WalletError> {
        self.change(|core, draft| {
            let script = core.keys.give(kind, false, &mut draft.records)?;
            let destination = core.destination(&script);
            core.set_label(destination, label, Some(Purpose::Receive), draft);
            Ok(core.address(&script).unwrap_or_default())
        })
    }
}
