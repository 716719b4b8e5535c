//! Wallets, as the node and the GUI see them. Keys stay where they are.

use std::sync::Arc;

use crate::{Amount, Answer, BlockHash, Call, Handler, Json, OutPoint, RpcCommand, Script, Secret, Txid};

/// All wallets of a wallet process.
pub trait WalletLoader: Send + Sync {
    /// The RPC methods that wallets implement, for the node to list and forward.
    fn rpc_commands(&self) -> Call<Vec<RpcCommand>>;

    /// Runs a wallet RPC. `uri` names the wallet; `user` is who asked. The answer is the JSON-RPC response object.
    /// `tip` is where the chain stands (all zeros if nobody knows): a wallet that has got there need not ask whether it
    /// has heard everything.
    fn execute_rpc(&self, request: &Json, uri: &str, user: &str, tip: BlockHash) -> Call<Answer<Json>>;

    /// Checks the settings and opens the wallets that they name.
    fn load(&self) -> Call<Answer<()>>;

    /// Starts background work: rebroadcast, flushing.
    fn start(&self) -> Call<()>;

    /// Stops background work and closes every wallet. Returns when all is on disk.
    fn stop(&self) -> Call<()>;

    /// Creates a wallet.
    fn create_wallet(&self, options: &WalletCreate) -> Call<Answer<WalletOpened>>;

    /// Opens a wallet.
    fn load_wallet(&self, name: &str) -> Call<Answer<WalletOpened>>;

    /// Makes a wallet from a backup file.
    fn restore_wallet(&self, name: &str, backup_file: &str) -> Call<Answer<WalletOpened>>;

    /// The names of the open wallets.
    fn list_wallets(&self) -> Call<Vec<String>>;

    /// The wallets on disk.
    fn list_wallet_dir(&self) -> Call<Vec<WalletDirEntry>>;

    /// An open wallet.
    fn get_wallet(&self, name: &str) -> Call<Option<Arc<dyn Wallet>>>;

    /// Sets the clock of a regression test; 0 is the real one.
    fn set_mock_time(&self, time: i64) -> Call<()>;

    /// Does what timers would do within so many seconds, for tests (`mockscheduler`).
    fn mock_scheduler(&self, seconds: i64) -> Call<()>;
}

/// One open wallet.
pub trait Wallet: Send + Sync {
    /// Its name.
    fn name(&self) -> Call<String>;

    /// Encrypts it.
    fn encrypt(&self, passphrase: &Secret) -> Call<Answer<()>>;

    /// Whether it is encrypted.
    fn is_crypted(&self) -> Call<bool>;

    /// Forgets the keys.
    fn lock(&self) -> Call<Answer<()>>;

    /// Whether the keys are forgotten.
    fn is_locked(&self) -> Call<bool>;

    /// Remembers the keys.
    fn unlock(&self, passphrase: &Secret) -> Call<Answer<()>>;

    /// Changes the passphrase.
    fn change_passphrase(&self, old: &Secret, new: &Secret) -> Call<Answer<()>>;

    /// What it holds.
    fn balances(&self) -> Call<WalletBalances>;

    /// Every output that it could spend, now or once it is mature, unlocked or confirmed.
    fn coins(&self) -> Call<Vec<WalletCoin>>;

    /// A fresh address of a type (`legacy`, `p2sh-segwit`, `bech32`, `bech32m`; empty is the default).
    fn new_address(&self, address_type: &str, label: &str) -> Call<Answer<String>>;

    /// Runs an RPC on this wallet.
    fn execute_rpc(&self, request: &Json, user: &str) -> Call<Answer<Json>>;

    /// Copies it to a file.
    fn backup(&self, file: &str) -> Call<Answer<()>>;

    /// Stops a rescan.
    fn abort_rescan(&self) -> Call<()>;

    /// Calls `notifications` until the handler is dropped or disconnected.
    fn handle_notifications(&self, notifications: Arc<dyn WalletNotifications>) -> Call<Arc<dyn Handler>>;
}

/// Is told what happens to a wallet.
pub trait WalletNotifications: Send + Sync {
    /// A transaction came, changed or went: `change` is `new`, `updated` or `deleted`.
    fn transaction_changed(&self, txid: Txid, change: &str) -> Call<()>;

    /// An entry of the address book changed.
    fn address_book_changed(&self, address: &str, label: &str, purpose: &str, change: &str) -> Call<()>;

    /// Locked, unlocked or encrypted.
    fn status_changed(&self) -> Call<()>;

    /// Progress in percent; 100 ends it.
    fn show_progress(&self, title: &str, progress: i32) -> Call<()>;

    /// The wallet is being closed.
    fn unload(&self) -> Call<()>;
}

/// How to create a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalletCreate {
    /// Its name.
    pub name: String,
    /// The passphrase; empty for none.
    pub passphrase: Secret,
    /// The bits of `WALLET_FLAG_*`.
    pub flags: u64,
    /// Whether to open it at the next start as well; absent leaves the settings alone.
    pub load_on_startup: Option<bool>,
}

/// A wallet that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalletOpened {
    /// Its name.
    pub name: String,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A wallet on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalletDirEntry {
    /// Its path below the wallet directory.
    pub path: String,
    /// `sqlite` or `bdb`.
    pub format: String,
}

/// What a wallet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalletBalances {
    /// Confirmed, or from ourselves.
    pub trusted: Amount,
    /// Unconfirmed from others.
    pub untrusted_pending: Amount,
    /// Mined and not spendable yet.
    pub immature: Amount,
}

/// An unspent output of a wallet, as a list of coins shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalletCoin {
    /// Which output.
    pub outpoint: OutPoint,
    /// Its script.
    pub script: Script,
    /// The address of that; empty if it has none.
    pub address: String,
    /// What the address book calls it.
    pub label: String,
    /// What it was worth when it was received.
    pub value_received: Amount,
    /// What it is worth in the next block. On chains whose values do not decay it is the same.
    pub value_now: Amount,
    /// Blocks since, its own among them; 0 if it is unconfirmed.
    pub depth: i32,
    /// Whether it is confirmed or from ourselves.
    pub safe: bool,
}
