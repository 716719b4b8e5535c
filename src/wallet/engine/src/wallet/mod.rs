//! One open wallet: a file, what was read from it, and the ways to change both together.
//!
//! [`Wallet::change`] is the only way to change anything: it takes the lock, lets the caller work on the [`Core`], writes
//! the [`Draft`] in one step, lets go, and only then tells those who watch. [`Wallet::read`] looks.
//!
//! The lock is never held while the node is asked to wait for its own notifications, nor while a transaction is sent,
//! because the answer may depend on a notification that needs the lock.

mod attach;
mod core;
mod create;
mod crypt;
mod error;
mod load;
mod scan;
mod send;
mod sync;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use interfaces::{Handler, WalletNotifications};
use platform::Audience;
use signer::{Provider, Sessions};
use walletdb::{WalletFile, WalletFlags};

use crate::ledger::Event;
use crate::shared::Shared;
use crate::spend::Settings;

pub use self::core::{Core, Draft, NO_BIRTH};
pub(crate) use attach::TIMESTAMP_WINDOW;
pub use create::NewWallet;
pub use crypt::passphrase_text;
pub use error::{WalletError, road};
pub(crate) use scan::ScanRange;
pub use scan::{ScanOutcome, ScanReservation, Scanning};

/// One open wallet.
pub struct Wallet {
    name: String,
    shared: Arc<Shared>,
    settings: Settings,
    file: WalletFile,
    core: Mutex<Core>,
    scanning: Scanning,
    /// Held while the wallet catches up, so that notifications wait.
    gate: Mutex<()>,
    /// Held while a passphrase is tried.
    unlocking: Mutex<()>,
    subscription: Mutex<Option<Arc<dyn Handler>>>,
    watchers: Audience<dyn WalletNotifications>,
    broadcasts: AtomicBool,
    closed: AtomicBool,
    next_resend: AtomicI64,
    /// Secrets of signatures that were begun with others.
    sessions: Arc<Sessions>,
    /// Dropped last, when the file is closed.
    released: Release,
}

/// Tells when a wallet is gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Released(Arc<(Mutex<bool>, Condvar)>);

impl Released {
    /// Waits until it is.
    pub(crate) fn wait(&self) {
        let (gone, bell) = &*self.0;
        let mut gone = lock(gone);
        while !*gone {
            gone = bell.wait(gone).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct Release(Released);

impl Drop for Release {
    fn drop(&mut self) {
        let (gone, bell) = &*self.0.0;
        *lock(gone) = true;
        bell.notify_all();
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A lock whose holder panicked still guards whole data: changes are single insertions, and the file is the truth.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wallet {
    fn assemble(name: &str, shared: &Arc<Shared>, settings: Settings, file: WalletFile, core: Core) -> Self {
        let broadcasts = shared.config.args().get_bool("walletbroadcast", true);
        Self {
            name: name.to_owned(),
            shared: Arc::clone(shared),
            settings,
            file,
            core: Mutex::new(core),
            scanning: Scanning::default(),
            gate: Mutex::new(()),
            unlocking: Mutex::new(()),
            subscription: Mutex::new(None),
            watchers: Audience::new("walletnotify"),
            broadcasts: AtomicBool::new(broadcasts),
            closed: AtomicBool::new(false),
            next_resend: AtomicI64::new(send::next_resend(shared)),
            sessions: Arc::new(Sessions::new(Arc::clone(&shared.entropy))),
            released: Release(Released::default()),
        }
    }

    /// Tells when it is gone.
    pub(crate) fn released(&self) -> Released {
        self.released.0.clone()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name for people: the wallet without a name has one too.
    pub fn display_name(&self) -> String {
        if self.name.is_empty() { "[default wallet]".to_owned() } else { format!("[{}]", self.name) }
    }

    /// What all wallets have in common.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What the user configured about spending.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The file.
    pub fn file(&self) -> &WalletFile {
        &self.file
    }

    /// Lets signatures be begun and finished that are made with others.
    pub(crate) fn sign_with_others(&self, provider: &mut Provider) {
        provider.sessions = Some(Arc::clone(&self.sessions));
    }

    /// Whether and how far it is rescanning.
    pub fn scanning(&self) -> &Scanning {
        &self.scanning
    }

    /// Looks at what it knows.
    pub fn read<T>(&self, look: impl FnOnce(&Core) -> T) -> T {
        look(&lock(&self.core))
    }

    /// Changes what it knows. The change is in the file when this returns, also where `work` fails half-way: memory and file
    /// must not differ.
    pub fn change<T, E: From<WalletError>>(
        &self,
        work: impl FnOnce(&mut Core, &mut Draft) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut draft = Draft::default();
        let done = {
            let mut core = lock(&self.core);
            let done = work(&mut core, &mut draft);
            draft.write(&self.file, &core.ledger).map_err(WalletError::from)?;
            done
        };
        self.tell(&draft);
        done
    }

    /// Whether it has a flag.
    pub fn has_flag(&self, flag: WalletFlags) -> bool {
        self.read(|core| core.flags.contains(flag))
    }

    fn log(&self, text: &str) {
        tracing::info!("{} {text}", self.display_name());
    }

    // Who watches.

    /// Tells `watcher` everything from now on. Returns the number to end it with.
    pub fn watch(&self, watcher: Arc<dyn WalletNotifications>) -> std::io::Result<u64> {
        self.watchers.add(watcher)
    }

    /// Ends a subscription.
    pub fn unwatch(&self, number: u64) {
        self.watchers.remove(number);
    }

    fn each_watcher(&self, tell: impl Fn(&dyn WalletNotifications) -> interfaces::Call<()> + Send + Sync + 'static) {
        self.watchers.tell(move |watcher| tell(watcher).is_ok());
    }

    fn tell(&self, draft: &Draft) {
        for (txid, event) in &draft.changes.events {
            let (id, word) = (crate::convert::to_txid(txid), event_word(*event));
            self.each_watcher(move |watcher| watcher.transaction_changed(id, word));
        }
        for (destination, is_new) in &draft.book {
            let address = self.shared.addresses().encode(destination).unwrap_or_default();
            let (label, purpose) = self.read(|core| {
                let entry = core.book.find(destination);
                let purpose = entry.and_then(|entry| entry.purpose).map_or("receive", |purpose| purpose.name());
                (entry.map(super::book::BookEntry::label_text).unwrap_or_default(), purpose)
            });
            let word = if *is_new { "new" } else { "updated" };
            self.each_watcher(move |watcher| watcher.address_book_changed(&address, &label, purpose, word));
        }
        if draft.status {
            self.each_watcher(|watcher| watcher.status_changed());
        }
        for txid in &draft.changes.notify {
            self.run_notify_command(txid);
        }
    }
}

fn event_word(event: Event) -> &'static str {
    match event {
        Event::New => "new",
        Event::Updated => "updated",
        Event::Deleted => "deleted",
    }
}
