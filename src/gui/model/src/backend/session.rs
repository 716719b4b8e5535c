//! One node, and the wallets that it offers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use interfaces::{Answer, Call, Failure, Handler, IpcError, Json, Node, Secret, Wallet, WalletLoader, WalletOpened};

use super::ears::{NodeEar, WalletEar};
use super::{Convert, Tell, lock};
use crate::action::{Command, News};
use crate::console::ConsoleLine;
use crate::outcome::{Reply, RpcFailure, Trouble, flat};
use crate::overview::{Holdings, LockState};
use crate::request;
use crate::send::Payment;
use crate::wallets::WalletsFound;

/// An open wallet, and the subscription to its notifications.
struct Opened {
    wallet: Arc<dyn Wallet>,
    /// It ends when this is dropped.
    _handler: Option<Arc<dyn Handler>>,
}

/// A node.
pub(super) struct Session {
    node: Arc<dyn Node>,
    tell: Tell,
    handler: Mutex<Option<Arc<dyn Handler>>>,
    wallets: Mutex<BTreeMap<String, Arc<Opened>>>,
}

impl Session {
    pub(super) fn new(node: Arc<dyn Node>, tell: Tell) -> Self {
        Self { node, tell, handler: Mutex::default(), wallets: Mutex::default() }
    }

    /// Has the node tell what happens, if it does not do so yet.
    pub(super) fn subscribe(&self) {
        if lock(&self.handler).is_none() {
            let handler = self.node.handle_notifications(Arc::new(NodeEar(Arc::clone(&self.tell))));
            // One that is not ready for it is asked again with the next question.
            *lock(&self.handler) = handler.ok();
        }
    }

    pub(super) fn answer(&self, command: Command, convert: Convert) -> Option<News> {
        Some(match command {
            Command::ReadStatus => {
                self.subscribe();
                News::Status(self.node.status().map_err(Trouble::from))
            }
            Command::ReadWallets => News::Wallets(self.list().map_err(Trouble::from)),
            Command::ReadHoldings(name) => {
                let holdings = self.with(&name, |wallet| Ok(Ok(holdings(wallet)?)));
                News::Holdings(name, holdings)
            }
            Command::ReadHistory(name) => {
                let rows = self.ask(&name, &request::list_transactions(), request::read_transactions);
                News::History(name, rows)
            }
            Command::ReadAddresses(name) => {
                let list = self.ask(&name, &request::list_addresses(), request::read_addresses);
                News::Addresses(name, list)
            }
            Command::SetNetworkActive(active) => {
                return self.node.set_network_active(active).err().and_then(|error| match error.into() {
                    Trouble::Gone => None,
                    Trouble::Said(text) => Some(News::Message { text, error: true }),
                });
            }
            Command::CreateWallet(create) => News::Opened(self.open(|loader| loader.create_wallet(&create))),
            Command::OpenWallet(name) => News::Opened(self.open(|loader| loader.load_wallet(&name))),
            Command::Lock(name) => News::Locked(self.with(&name, |wallet| wallet.lock())),
            Command::NewAddress { wallet: name, kind, label } => {
                let address = self.with(&name, |wallet| wallet.new_address(&kind, &label));
                News::NewAddress(name, address)
            }
            Command::Pay { wallet: name, payment, passphrase } => {
                let paid = self.pay(&name, &payment, passphrase.as_ref());
                News::Paid(name, paid)
            }
            Command::Execute { wallet, line } => News::Printed(self.execute(wallet.as_deref(), &line, convert)),
            Command::Stop => return None,
        })
    }

    fn loader(&self) -> Call<Option<Arc<dyn WalletLoader>>> {
        self.node.wallet_loader()
    }

    fn list(&self) -> Call<WalletsFound> {
        let Some(loader) = self.loader()? else { return Ok(WalletsFound::default()) };
        let open = loader.list_wallets()?;
        let on_disk = loader.list_wallet_dir()?.into_iter().map(|entry| entry.path);
        let closed = on_disk.filter(|path| !open.contains(path)).collect();
        let gone: Vec<_> = lock(&self.wallets).extract_if(.., |name, _| !open.contains(name)).collect();
        drop(gone);
        Ok(WalletsFound { open, closed, enabled: true })
    }

    fn open(&self, open: impl FnOnce(&dyn WalletLoader) -> Call<Answer<WalletOpened>>) -> Reply<WalletOpened> {
        let loader = self.loader()?.ok_or_else(|| Trouble::Said("This node has no wallets.".to_owned()))?;
        flat(open(&*loader))
    }

    /// An open wallet, subscribed to.
    fn wallet(&self, name: &str) -> Call<Answer<Arc<Opened>>> {
        if let Some(opened) = lock(&self.wallets).get(name) {
            return Ok(Ok(Arc::clone(opened)));
        }
        let loader = self.loader()?;
        let wallet = loader.map(|loader| loader.get_wallet(name)).transpose()?.flatten();
        let Some(wallet) = wallet else { return Ok(Err(Failure::new(format!("The wallet \"{name}\" is not open.")))) };
        let ear = WalletEar { name: name.to_owned(), tell: Arc::clone(&self.tell) };
        let handler = wallet.handle_notifications(Arc::new(ear)).ok();
        let opened = Arc::new(Opened { wallet, _handler: handler });
        let before = lock(&self.wallets).insert(name.to_owned(), Arc::clone(&opened));
        drop(before);
        Ok(Ok(opened))
    }

    /// Asks a wallet. One that does not answer is looked up anew the next time: its process may have been another one.
    fn with<T>(&self, name: &str, ask: impl FnOnce(&dyn Wallet) -> Call<Answer<T>>) -> Reply<T> {
        let opened = flat(self.wallet(name))?;
        let answer = ask(&*opened.wallet);
        if answer.is_err() {
            let broken = lock(&self.wallets).remove(name);
            drop(broken);
        }
        match answer {
            // The node is there, or else nobody would ask it next.
            Err(IpcError::Disconnected | IpcError::Interrupted) if self.node.status().is_ok() => {
                Err(Trouble::Said("The wallet process is gone; it is being started again.".to_owned()))
            }
            other => flat(other),
        }
    }

    fn ask<T>(&self, name: &str, request: &Json, read: fn(Call<Answer<Json>>) -> Reply<T>) -> Reply<T> {
        let answer = self.with(name, |wallet| wallet.execute_rpc(request, ""))?;
        read(Ok(Ok(answer)))
    }

    /// Pays. A wallet that is unlocked for this is locked again, whatever came of it.
    fn pay(&self, name: &str, payment: &Payment, passphrase: Option<&Secret>) -> Result<String, RpcFailure> {
        if let Some(passphrase) = passphrase {
            let unlocked = self.with(name, |wallet| wallet.unlock(passphrase));
            unlocked.map_err(|trouble| match trouble {
                Trouble::Said(message) => RpcFailure { code: crate::send::WRONG_PASSPHRASE, message },
                Trouble::Gone => trouble.into(),
            })?;
        }
        let paid = self.with(name, |wallet| wallet.execute_rpc(&request::pay(payment), ""));
        if passphrase.is_some()
            && let Err(Trouble::Said(text)) = self.with(name, |wallet| wallet.lock())
        {
            (self.tell)(News::Message { text: format!("The wallet could not be locked again: {text}"), error: true });
        }
        request::read_txid(Ok(Ok(paid?)))
    }

    fn execute(&self, wallet: Option<&str>, line: &ConsoleLine, convert: Convert) -> Result<String, RpcFailure> {
        let params = Secret::new(convert(line).map_err(RpcFailure::said)?);
        let request = request::request(&line.method, params.expose());
        let uri = wallet.map_or_else(|| "/".to_owned(), request::wallet_uri);
        request::result(self.node.execute_rpc(&request, &uri)).map(|result| request::printed(&result))
    }
}

fn holdings(wallet: &dyn Wallet) -> Call<Holdings> {
    let lock = match (wallet.is_crypted()?, wallet.is_locked()?) {
        (false, _) => LockState::Unencrypted,
        (true, true) => LockState::Locked,
        (true, false) => LockState::Unlocked,
    };
    Ok(Holdings { balances: wallet.balances()?, lock })
}
