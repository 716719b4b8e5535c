//! Wallets without keys.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::{FakeHandler, FakeRpc, lock};
use interfaces::{
    Answer, BlockHash, Call, Failure, Handler, Json, RpcCommand, Secret, Txid, Wallet, WalletBalances, WalletCoin,
    WalletCreate, WalletDirEntry, WalletLoader, WalletNotifications, WalletOpened,
};

/// The fake.
#[derive(Debug, Default)]
pub struct FakeWalletLoader {
    wallets: Mutex<BTreeMap<String, Arc<FakeWallet>>>,
    /// Wallets on disk that are not open.
    closed: Mutex<BTreeMap<String, Arc<FakeWallet>>>,
    /// Stopping waits until the other end of this is gone.
    held: Mutex<Option<Receiver<()>>>,
}

impl FakeWalletLoader {
    /// From now on `stop` does not answer before what is returned is dropped.
    pub fn hold(&self) -> Sender<()> {
        let (release, held) = channel();
        *lock(&self.held) = Some(held);
        release
    }

    fn opened(name: &str) -> WalletOpened {
        WalletOpened { name: name.to_owned(), warnings: Vec::new() }
    }
}

impl WalletLoader for FakeWalletLoader {
    fn rpc_commands(&self) -> Call<Vec<RpcCommand>> {
        Ok(vec![RpcCommand {
            category: "wallet".into(),
            name: "getnewaddress".into(),
            args: vec!["label".into(), "address_type".into()],
            description: Json::default(),
        }])
    }

    fn execute_rpc(&self, request: &Json, uri: &str, _user: &str, _tip: BlockHash) -> Call<Answer<Json>> {
        Ok(FakeRpc::execute(request, uri))
    }

    fn load(&self) -> Call<Answer<()>> {
        Ok(Ok(()))
    }

    fn start(&self) -> Call<()> {
        Ok(())
    }

    fn stop(&self) -> Call<()> {
        let held = lock(&self.held).take();
        if let Some(held) = held {
            // Nothing is ever sent.
            let _ = held.recv();
        }
        let mut open = std::mem::take(&mut *lock(&self.wallets));
        lock(&self.closed).append(&mut open);
        Ok(())
    }

    fn create_wallet(&self, options: &WalletCreate) -> Call<Answer<WalletOpened>> {
        let mut wallets = lock(&self.wallets);
        if wallets.contains_key(&options.name) {
            return Ok(Err(Failure::new("Wallet file verification failed. Database already exists.")));
        }
        let wallet = FakeWallet::new(&options.name);
        if !options.passphrase.expose().is_empty() {
            *lock(&wallet.passphrase) = Some(options.passphrase.clone());
        }
        wallets.insert(options.name.clone(), Arc::new(wallet));
        Ok(Ok(Self::opened(&options.name)))
    }

    fn load_wallet(&self, name: &str) -> Call<Answer<WalletOpened>> {
        let Some(wallet) = lock(&self.closed).remove(name) else {
            return Ok(Err(Failure(format!(
                "Wallet file verification failed. Failed to load database path '{name}'. Path does not exist."
            ))));
        };
        lock(&self.wallets).insert(name.to_owned(), wallet);
        Ok(Ok(Self::opened(name)))
    }

    fn restore_wallet(&self, name: &str, _backup_file: &str) -> Call<Answer<WalletOpened>> {
        self.create_wallet(&WalletCreate { name: name.to_owned(), ..WalletCreate::default() })
    }

    fn list_wallets(&self) -> Call<Vec<String>> {
        Ok(lock(&self.wallets).keys().cloned().collect())
    }

    fn list_wallet_dir(&self) -> Call<Vec<WalletDirEntry>> {
        let (open, closed) = (lock(&self.wallets), lock(&self.closed));
        let entry = |path: &String| WalletDirEntry { path: path.clone(), format: "sqlite".into() };
        Ok(open.keys().chain(closed.keys()).map(entry).collect())
    }

    fn get_wallet(&self, name: &str) -> Call<Option<Arc<dyn Wallet>>> {
        let Some(wallet) = lock(&self.wallets).get(name).cloned() else { return Ok(None) };
        Ok(Some(wallet))
    }

    fn set_mock_time(&self, _time: i64) -> Call<()> {
        Ok(())
    }

    fn mock_scheduler(&self, _seconds: i64) -> Call<()> {
        Ok(())
    }
}

/// One fake wallet.
#[derive(Default)]
pub struct FakeWallet {
    name: String,
    passphrase: Mutex<Option<Secret>>,
    unlocked: Mutex<bool>,
    addresses: Mutex<u64>,
    watcher: Arc<Mutex<Option<Arc<dyn WalletNotifications>>>>,
}

impl fmt::Debug for FakeWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeWallet").field("name", &self.name).finish_non_exhaustive()
    }
}

impl FakeWallet {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn tell(&self, tell: impl Fn(&dyn WalletNotifications) -> Call<()>) {
        let watcher = lock(&self.watcher).clone();
        if let Some(watcher) = watcher {
            tell(&*watcher).ok();
        }
    }
}

impl Wallet for FakeWallet {
    fn name(&self) -> Call<String> {
        Ok(self.name.clone())
    }

    fn encrypt(&self, passphrase: &Secret) -> Call<Answer<()>> {
        let mut current = lock(&self.passphrase);
        if current.is_some() {
            return Ok(Err(Failure::new("Error: running with an encrypted wallet, but encryptwallet was called.")));
        }
        *current = Some(passphrase.clone());
        drop(current);
        self.tell(|watcher| watcher.status_changed());
        Ok(Ok(()))
    }

    fn is_crypted(&self) -> Call<bool> {
        Ok(lock(&self.passphrase).is_some())
    }

    fn lock(&self) -> Call<Answer<()>> {
        *lock(&self.unlocked) = false;
        Ok(Ok(()))
    }

    fn is_locked(&self) -> Call<bool> {
        Ok(lock(&self.passphrase).is_some() && !*lock(&self.unlocked))
    }

    fn unlock(&self, passphrase: &Secret) -> Call<Answer<()>> {
        if lock(&self.passphrase).as_ref() != Some(passphrase) {
            return Ok(Err(Failure::new("Error: The wallet passphrase entered was incorrect.")));
        }
        *lock(&self.unlocked) = true;
        self.tell(|watcher| watcher.status_changed());
        Ok(Ok(()))
    }

    fn change_passphrase(&self, old: &Secret, new: &Secret) -> Call<Answer<()>> {
        let mut passphrase = lock(&self.passphrase);
        if passphrase.as_ref() != Some(old) {
            return Ok(Err(Failure::new("Error: The wallet passphrase entered was incorrect.")));
        }
        *passphrase = Some(new.clone());
        Ok(Ok(()))
    }

    fn balances(&self) -> Call<WalletBalances> {
        Ok(WalletBalances { trusted: 3, untrusted_pending: 2, immature: 1 })
    }

    fn coins(&self) -> Call<Vec<WalletCoin>> {
        let coin = WalletCoin { value_received: 3, value_now: 2, depth: 1, safe: true, ..WalletCoin::default() };
        Ok(vec![coin])
    }

    fn new_address(&self, address_type: &str, label: &str) -> Call<Answer<String>> {
        let mut addresses = lock(&self.addresses);
        *addresses += 1;
        let address = format!("{address_type}-{}", *addresses);
        drop(addresses);
        self.tell(|watcher| watcher.address_book_changed(&address, label, "receive", "new"));
        Ok(Ok(address))
    }

    fn execute_rpc(&self, request: &Json, _user: &str) -> Call<Answer<Json>> {
        Ok(FakeRpc::execute(request, &format!("/wallet/{}", self.name)))
    }

    fn backup(&self, file: &str) -> Call<Answer<()>> {
        Ok(if file.is_empty() { Err(Failure::new("Error: Wallet backup failed!")) } else { Ok(()) })
    }

    fn abort_rescan(&self) -> Call<()> {
        self.tell(|watcher| watcher.transaction_changed(Txid::default(), "updated"));
        Ok(())
    }

    fn handle_notifications(&self, notifications: Arc<dyn WalletNotifications>) -> Call<Arc<dyn Handler>> {
        *lock(&self.watcher) = Some(notifications);
        let watcher = self.watcher.clone();
        Ok(Arc::new(FakeHandler::new(move || {
            let gone = lock(&watcher).take();
            drop(gone);
        })))
    }
}
