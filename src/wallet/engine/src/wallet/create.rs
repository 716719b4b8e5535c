//! Making a wallet.

use std::path::Path;
use std::sync::Arc;

use interfaces::Secret;
use signer::KeyRing;
use walletdb::{OpenOptions, Record, WalletFile, WalletFlags};

use super::{Core, Draft, NO_BIRTH, Wallet, WalletError};
use crate::book::Book;
use crate::convert;
use crate::device::{Offered, Signer};
use crate::keys::{Extent, Keys, new_root};
use crate::ledger::Ledger;
use crate::shared::Shared;
use crate::spend::Settings;

/// What a new wallet is to be.
#[derive(Debug, Clone, Default)]
pub struct NewWallet {
    /// Its name.
    pub name: String,
    /// Its passphrase; empty for none.
    pub passphrase: Secret,
    /// Its flags. That it is made of descriptors is added.
    pub flags: WalletFlags,
}

impl Wallet {
    /// Makes a wallet at a path. It does not know the chain yet.
    pub(crate) fn create(
        new: &NewWallet,
        path: &Path,
        shared: &Arc<Shared>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, WalletError> {
        let settings = read_settings(shared, warnings)?;
        let unsafe_sync = shared.config.args().get_bool("unsafesqlitesync", false);
        // People are asked before there is a file: they may have to look for their device first.
        let has_device = new.flags.contains(WalletFlags::EXTERNAL_SIGNER);
        let offered = if has_device { Some(Signer::find(shared)?.descriptors()?) } else { None };
        let mut core = Core::empty(shared);
        let born_encrypted = !new.passphrase.expose().is_empty();
        let mut draft = Draft::default();
        draft.records.push(Record::Version(Shared::client_version()));
        let flags = new.flags.with(WalletFlags::DESCRIPTORS).with(WalletFlags::LAST_HARDENED_XPUB_CACHED);
        core.set_flags(flags, &mut draft);
        // Keys are made while the disk is waited for.
        let file = std::thread::scope(|scope| {
            let options = OpenOptions::NEW.unsafe_sync(unsafe_sync);
            let file = scope.spawn(move || WalletFile::open_with(path, shared.format, options));
            let keys = match offered {
                Some(offered) => core.set_up_device(offered, shared.now(), &mut draft),
                None if born_encrypted => Ok(()),
                None => core.set_up_keys(shared, &mut draft),
            };
            let file = file.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let file = file.map_err(WalletError::OpenNew)?;
            keys.map(|()| file)
        })?;
        if let Some(tip) = shared.chain.tip()? {
            core.ledger.set_tip(convert::from_hash(&tip.hash), tip.height);
            let found = shared.chain.find_block(tip.hash, false)?;
            draft.best_block = found.map(|found| convert::from_locator(&found.locator));
        }
        // One step, for which the disk is waited for once: either there is a wallet or there is none.
        draft.write(&file, &core.ledger)?;
        let wallet = Self::assemble(&new.name, shared, settings, file, core);
        if born_encrypted {
            wallet.encrypt(new.passphrase.expose())?;
        }
        Ok(wallet)
    }
}

/// The options on spending. Warnings are added to those that the user is told.
pub(super) fn read_settings(shared: &Shared, warnings: &mut Vec<String>) -> Result<Settings, WalletError> {
    let relay_min_fee = shared.chain.relay_min_fee()?;
    let ticker = shared.config.coin().ticker;
    let (settings, mut own) = Settings::read(shared.config.args(), relay_min_fee, ticker)?;
    warnings.append(&mut own);
    Ok(settings)
}

impl Core {
    /// Of a wallet that knows nothing.
    pub(super) fn empty(shared: &Shared) -> Self {
        Self {
            ledger: Ledger::new(Arc::clone(&shared.rules), shared.codec),
            keys: Keys::new(shared.notation, shared.keypool()),
            book: Book::new(*shared.addresses()),
            flags: WalletFlags::default(),
            birth: NO_BIRTH,
            relock_at: 0,
            relock_due: None,
            block_came: 0,
            unresolved: Vec::new(),
            addresses: *shared.addresses(),
        }
    }

    /// Makes a root key and the descriptors of a new wallet, unless it is to have none.
    pub(super) fn set_up_keys(&mut self, shared: &Shared, draft: &mut Draft) -> Result<(), WalletError> {
        if self.flags.contains(WalletFlags::BLANK) || self.is_watch_only() {
            return Ok(());
        }
        let root = new_root(&*shared.entropy).map_err(|error| WalletError::Entropy(error.to_string()))?;
        let (chain, now) = (shared.config.chain().kind, shared.now());
        self.keys.set_up(&root, &self.keys.all_kinds(), chain, now, &mut draft.records)?;
        self.older(now);
        self.set_flags(self.flags.without(WalletFlags::BLANK), draft);
        Ok(())
    }

    /// Takes the descriptors of a device.
    fn set_up_device(&mut self, offered: Vec<Offered>, now: i64, draft: &mut Draft) -> Result<(), WalletError> {
        let none = KeyRing::new(*self.keys.notation());
        let created = u64::try_from(now).unwrap_or(0);
        for Offered { descriptor, internal } in offered {
            let Some(kind) = descriptor.address_type() else { continue };
            let extent = Extent { created, start: 0, end: i32::from(!descriptor.is_range()), next: 0 };
            let id = self.keys.import(descriptor, extent, &none, &mut draft.records)?;
            self.keys.activate(id, kind, internal, &mut draft.records);
        }
        self.older(now);
        self.set_flags(self.flags.without(WalletFlags::BLANK), draft);
        Ok(())
    }
}
