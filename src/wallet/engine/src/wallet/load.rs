//! Opening a wallet: from the records of the file to what it knows.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use bitcoin::{BlockHash, Txid};
use descriptors::{Cache, Cached, ExtendedKey};
use interfaces::{BlockRef, Chain};
use walletdb::{
    Contents, Key, LoadAs, LoadError, LoadedDescriptor, LoadedTx, OpenOptions, Record, StoredState, WalletFile,
    WalletFlags,
};

use super::create::read_settings;
use super::{Core, Draft, Wallet, WalletError};
use crate::convert;
use crate::keys::{Extent, Keys, Manager, type_of_number};
use crate::ledger::{State, WalletTx};
use crate::shared::Shared;

impl Wallet {
    /// Opens the wallet at a path. It has not caught up with the chain yet. Says also whether it must look at the whole
    /// chain again.
    pub(crate) fn open(
        name: &str,
        path: &Path,
        shared: &Arc<Shared>,
        warnings: &mut Vec<String>,
    ) -> Result<(Self, bool), WalletError> {
        let settings = read_settings(shared, warnings)?;
        let unsafe_sync = shared.config.args().get_bool("unsafesqlitesync", false);
        let options = OpenOptions::EXISTING.unsafe_sync(unsafe_sync).unchecked();
        let file = WalletFile::open_with(path, shared.format, options)?;
        let by = LoadAs { wallet_name: name, client_version: Shared::client_version() };
        let mut core = Core::empty(shared);
        let mut draft = Draft::default();
        let loaded = file.load(by);
        // Nobody needs the file while its records are understood: meanwhile it is checked.
        let (checked, understood) = thread::scope(|scope| {
            let checked = scope.spawn(|| file.check());
            let understood = loaded.map_err(WalletError::from).and_then(|loaded| {
                let mut contents = loaded?;
                let loading = Loading { file: &file, by, version: contents.version, chain: &*shared.chain };
                loading.fill(&mut core, &mut contents, &mut draft)?;
                Ok(contents)
            });
            (checked.join().unwrap_or_else(|panic| resume_unwind(panic)), understood)
        });
        // A file that is damaged explains whatever else is wrong.
        checked?;
        let mut contents = understood?;
        let rescan = contents.needs_rescan();
        warnings.extend(contents.warning.take().map(|warning| warning.to_string()));
        if contents.version != Some(Shared::client_version()) {
            draft.records.push(Record::Version(Shared::client_version()));
        }
        if core.is_watch_only() && core.keys.active_ids().iter().any(|id| core.keys.vault().has_keys(id)) {
            let file = file.path().display();
            warnings.push(format!("Warning: Private keys detected in wallet {{{file}}} with disabled private keys"));
        }
        core.upgrade_caches(&mut draft);
        if core.is_watch_only() && core.keys.vault().is_needless() {
            tracing::info!(
                "[{name}] Detected extraneous encryption keys in this wallet without private keys. Removing extraneous \
                 encryption keys."
            );
            draft.erase.extend(core.keys.vault_mut().forget_masters());
        }
        core.keys.top_up(0, &mut draft.records);
        draft.write(&file, &core.ledger)?;
        Ok((Self::assemble(name, shared, settings, file, core), rescan))
    }
}

/// Transactions of the file on their way into the ledger.
#[derive(Default)]
struct ReadTxs {
    txs: Vec<WalletTx>,
    /// New places, if some have none.
    order: Vec<i64>,
    /// Those whose block is not in the chain.
    unresolved: Vec<(Txid, StoredState)>,
    tip: Option<BlockRef>,
}

struct Loading<'a> {
    file: &'a WalletFile,
    by: LoadAs<'a>,
    version: Option<i32>,
    chain: &'a dyn Chain,
}

impl Loading<'_> {
    fn path(&self) -> String {
        self.file.path().display().to_string()
    }

    fn fill(&self, core: &mut Core, contents: &mut Contents, draft: &mut Draft) -> Result<(), WalletError> {
        core.flags = contents.flags.unwrap_or_default();
        for (number, master) in std::mem::take(&mut contents.master_keys) {
            core.keys.vault_mut().restore_master(number, master);
        }
        let (descriptors, txs) = (std::mem::take(&mut contents.descriptors), std::mem::take(&mut contents.txs));
        // Deriving all scripts takes a while, and nobody needs them to read transactions.
        let (managers, txs) = thread::scope(|scope| {
            let keys = &core.keys;
            let managers =
                scope.spawn(|| descriptors.iter().map(|loaded| self.manager(keys, loaded)).collect::<Vec<_>>());
            let txs = self.read_txs(txs);
            (managers.join().unwrap_or_else(|panic| resume_unwind(panic)), txs)
        });
        for (descriptor, manager) in descriptors.into_iter().zip(managers) {
            self.descriptor(core, descriptor, manager?)?;
        }
        if core.keys.vault().is_mixed() {
            tracing::warn!("[{}] Wallet contains both unencrypted and encrypted keys", self.by.wallet_name);
            return Err(LoadError::Corrupt { file: self.path() }.into());
        }
        for (internal, number, id) in &contents.active {
            if let Some(kind) = type_of_number(*number).filter(|_| core.keys.manager(id).is_some()) {
                core.keys.restore_active(*id, kind, *internal);
            }
        }
        for (address, label) in std::mem::take(&mut contents.names) {
            core.book.restore_label(&address, label);
        }
        for (address, purpose) in &contents.purposes {
            core.book.restore_purpose(address, purpose);
        }
        for (address, name, value) in std::mem::take(&mut contents.dest_data) {
            core.book.restore_data(&address, &name, value);
        }
        Self::restore_txs(core, txs?, contents.order_pos_next, draft);
        for outpoint in &contents.locked {
            core.ledger.lock_coin(*outpoint, true);
        }
        Ok(())
    }

    /// The descriptor with all its scripts, without its private keys.
    fn manager(&self, known: &Keys, loaded: &LoadedDescriptor) -> Result<Manager, WalletError> {
        let record = &loaded.descriptor;
        let Some(descriptor) = known.read_descriptor(&record.text.to_lossy()) else {
            let details = "the descriptor cannot be read";
            tracing::warn!("{}", self.by.unrecognized_descriptor(self.version, details));
            return Err(LoadError::UnknownDescriptor { file: self.path() }.into());
        };
        if descriptor.id() != loaded.id {
            tracing::warn!("The descriptor ID calculated by the wallet differs from the one in DB");
            return Err(LoadError::Corrupt { file: self.path() }.into());
        }
        let damaged = || WalletError::from(LoadError::Corrupt { file: self.path() });
        let mut cache = Cache::default();
        for (expression, position, xpub) in &loaded.cache {
            let (expression, key) = (*expression, ExtendedKey::from_bytes(xpub).ok_or_else(damaged)?);
            cache.insert(match *position {
                None => Cached::Parent { expression, key },
                Some(index) => Cached::Derived { expression, index, key },
            });
        }
        for (expression, xpub) in &loaded.last_hardened {
            let (expression, key) = (*expression, ExtendedKey::from_bytes(xpub).ok_or_else(damaged)?);
            cache.insert(Cached::LastHardened { expression, key });
        }
        let extent = Extent {
            created: record.creation_time,
            start: record.range_start,
            end: record.range_end,
            next: record.next_index,
        };
        Ok(Manager::restore(loaded.id, descriptor, extent, cache)?)
    }

    fn descriptor(&self, core: &mut Core, loaded: LoadedDescriptor, manager: Manager) -> Result<(), WalletError> {
        let LoadedDescriptor { id, descriptor, keys, crypted_keys, .. } = loaded;
        let mut sound = true;
        for (public_key, secret) in &keys {
            sound &= core.keys.vault_mut().restore_plain(id, public_key, secret);
        }
        for (public_key, sealed) in crypted_keys {
            sound &= core.keys.vault_mut().restore_sealed(id, &public_key, sealed);
        }
        if !sound {
            return Err(LoadError::Corrupt { file: self.path() }.into());
        }
        core.older(i64::try_from(descriptor.creation_time).unwrap_or(i64::MAX));
        core.keys.insert(manager);
        Ok(())
    }

    /// Transactions, oldest first, and where in the chain they are.
    fn read_txs(&self, loaded: Vec<LoadedTx>) -> Result<ReadTxs, WalletError> {
        // A wallet of a hundred thousand transactions has far fewer blocks, so each is asked for once.
        let mut heights: HashMap<BlockHash, Option<i32>> = HashMap::new();
        let mut read = ReadTxs { txs: Vec::with_capacity(loaded.len()), ..ReadTxs::default() };
        let mut unordered = false;
        for LoadedTx { record, variants } in loaded {
            unordered |= record.order_pos.is_none();
            let block = match record.state {
                StoredState::Confirmed { block, .. } | StoredState::Conflicted { block } => Some(block),
                _ => None,
            };
            let height = match block {
                None => None,
                Some(block) => self.height(block, &mut heights)?,
            };
            if block.is_some() && height.is_none() {
                read.unresolved.push((record.tx.txid(), record.state));
            }
            let state = State::from_stored(record.state, height);
            read.txs.push(WalletTx::from_record(record, state).with_variants(variants));
        }
        read.tip = self.chain.tip()?;
        read.txs.sort_by_key(|tx| tx.details().order);
        if unordered {
            read.order = order_by_time(&read.txs);
        }
        Ok(read)
    }

    fn restore_txs(core: &mut Core, read: ReadTxs, next: Option<i64>, draft: &mut Draft) {
        let ReadTxs { txs, order, unresolved, tip } = read;
        core.unresolved.extend(unresolved);
        if let Some(tip) = tip {
            core.ledger.set_tip(convert::from_hash(&tip.hash), tip.height);
        }
        for (position, tx) in txs.into_iter().enumerate() {
            core.older(i64::from(tx.time()));
            let txid = tx.txid();
            core.ledger.restore(tx, &core.keys);
            if let Some(order) = order.get(position) {
                core.ledger.edit(&txid, &mut draft.changes, |details| details.order = *order);
            }
        }
        if let Some(next) = next.filter(|next| *next > core.ledger.next_order()) {
            core.ledger.set_next_order(next);
        }
    }

    fn height(
        &self,
        block: BlockHash,
        known: &mut HashMap<BlockHash, Option<i32>>,
    ) -> Result<Option<i32>, WalletError> {
        if let Some(height) = known.get(&block) {
            return Ok(*height);
        }
        let found = self.chain.find_block(convert::to_hash(&block), false)?;
        let height = found.filter(|found| found.in_active_chain).map(|found| found.block.height);
        known.insert(block, height);
        Ok(height)
    }
}

/// Places for transactions of which some have none, as very old wallets do: all by the time they came.
fn order_by_time(txs: &[WalletTx]) -> Vec<i64> {
    let mut by_time: Vec<usize> = (0..txs.len()).collect();
    by_time.sort_by_key(|position| txs[*position].details().time_received);
    let mut order = vec![0; txs.len()];
    for (place, position) in (0_i64..).zip(by_time) {
        order[position] = place;
    }
    order
}

impl Core {
    /// Derives once more what older versions did not keep, if the keys are at hand.
    pub(super) fn upgrade_caches(&mut self, draft: &mut Draft) {
        let done = WalletFlags::LAST_HARDENED_XPUB_CACHED;
        if self.flags.contains(done) || self.keys.vault().is_locked() || !self.flags.contains(WalletFlags::DESCRIPTORS)
        {
            return;
        }
        self.keys.upgrade_caches(&mut draft.records);
        self.set_flags(self.flags.with(done), draft);
    }

    /// Erases the record that made a descriptor active.
    pub fn deactivate(
        &mut self,
        id: &walletdb::DescriptorId,
        kind: signer::AddressType,
        internal: bool,
        draft: &mut Draft,
    ) {
        if self.keys.deactivate(id, kind, internal) {
            draft.erase.push(Key::Active { internal, output_type: crate::keys::type_number(kind) });
        }
    }
}
