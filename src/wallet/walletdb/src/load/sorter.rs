//! Sorting records as they come, and deciding how bad the damaged ones are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{Txid, Wtxid};
use primitives::{Codec, Reader, Tx, WitnessMode};
use tracing::{info, warn};

use super::{Contents, LoadAs, LoadedDescriptor, LoadedTx};
use crate::{
    DescriptorId, DescriptorRecord, ExtendedKeyBytes, Key, KeySecret, Record, RecordError, TxRecord, WalletFlags,
};

/// How bad it is; the worst decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Fine,
    NeedRescan,
    NonCritical,
    UnknownDescriptor,
    UnexpectedLegacyEntry,
    LegacyWallet,
    Corrupt,
}

/// Records of one descriptor, as they come.
#[derive(Default)]
struct Parts {
    descriptor: Option<DescriptorRecord>,
    cache: Vec<(u32, Option<u32>, ExtendedKeyBytes)>,
    last_hardened: Vec<(u32, ExtendedKeyBytes)>,
    keys: Vec<(Vec<u8>, KeySecret)>,
    crypted_keys: Vec<(Vec<u8>, Vec<u8>)>,
    damaged: bool,
}

/// What has come so far.
pub(super) struct Sorter<'a> {
    codec: &'a Codec,
    by: LoadAs<'a>,
    contents: Contents,
    descriptors: BTreeMap<DescriptorId, Parts>,
    txs: Vec<(Txid, TxRecord)>,
    /// Sets of witnesses, not yet read: nearly all are those of the transaction's own record.
    variants: Vec<(Txid, Vec<u8>)>,
    /// Of flags, keys and descriptors. If a descriptor is not known here, that is all that is said: what refers to it
    /// would only look damaged.
    early: Severity,
    /// Of everything else.
    late: Severity,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(codec: &'a Codec, by: LoadAs<'a>, version: Option<i32>, flags: Option<WalletFlags>) -> Self {
        Self {
            codec,
            by,
            contents: Contents { version, flags, ..Contents::default() },
            descriptors: BTreeMap::new(),
            txs: Vec::new(),
            variants: Vec::new(),
            early: Severity::Fine,
            late: Severity::Fine,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        if self.early == Severity::UnknownDescriptor { self.early } else { self.early.max(self.late) }
    }

    fn blame(&mut self, severity: Severity, text: &str) {
        warn!("[{}] {text}", self.by.log_name());
        self.late = self.late.max(severity);
    }

    fn blame_early(&mut self, severity: Severity, text: &str) {
        warn!("[{}] {text}", self.by.log_name());
        self.early = self.early.max(severity);
    }

    pub(super) fn take(&mut self, key: &Key, value: &[u8]) {
        if let Key::TxVariant { txid, .. } = *key {
            self.variants.push((txid, value.to_vec()));
            return;
        }
        match Record::decode_value(self.codec, key.clone(), value) {
            Ok(record) => self.file_away(record),
            Err(error) => self.damage(key, &error),
        }
    }

    fn damage(&mut self, key: &Key, error: &RecordError) {
        match key {
            // These were read before.
            Key::Version | Key::Flags | Key::BestBlock | Key::BestBlockNoMerkle | Key::MinVersion => {}
            Key::OrderPosNext => self.blame(Severity::NonCritical, &error.to_string()),
            Key::Descriptor(id) => {
                let text = self.by.unrecognized_descriptor(self.contents.version, &error.to_string());
                self.descriptors.entry(*id).or_default().damaged = true;
                self.blame_early(Severity::UnknownDescriptor, &text);
            }
            Key::DescriptorKey { .. }
            | Key::DescriptorCryptedKey { .. }
            | Key::DescriptorCache { .. }
            | Key::DescriptorLastHardened { .. } => self.blame_early(Severity::Corrupt, &error.to_string()),
            Key::Tx(_) => self.blame(Severity::Corrupt, &format!("Error: Corrupt tx record found: {error}")),
            _ => self.blame(Severity::Corrupt, &error.to_string()),
        }
    }

    fn file_away(&mut self, record: Record) {
        let contents = &mut self.contents;
        match record {
            Record::Version(_)
            | Record::MinVersion(_)
            | Record::Flags(_)
            | Record::BestBlock(_)
            | Record::BestBlockNoMerkle(_)
            | Record::TxVariant { .. } => {}
            Record::OrderPosNext(number) => contents.order_pos_next = Some(number),
            Record::Name { address, label } => contents.names.push((address, label)),
            Record::Purpose { address, purpose } => contents.purposes.push((address, purpose)),
            Record::DestData { address, name, value } => contents.dest_data.push((address, name, value)),
            Record::Tx { txid, record } => self.txs.push((txid, *record)),
            Record::LockedUtxo(outpoint) => contents.locked.push(outpoint),
            Record::MasterKey { number, key } => contents.master_keys.push((number, key)),
            Record::Active { internal, output_type, id } => contents.active.push((internal, output_type, id)),
            Record::Descriptor { id, descriptor } => {
                self.descriptors.entry(id).or_default().descriptor = Some(descriptor);
            }
            Record::DescriptorKey { id, public_key, secret } => {
                self.descriptors.entry(id).or_default().keys.push((public_key, secret));
            }
            Record::DescriptorCryptedKey { id, public_key, ciphertext } => {
                self.descriptors.entry(id).or_default().crypted_keys.push((public_key, ciphertext));
            }
            Record::DescriptorCache { id, key_index, position, xpub } => {
                self.descriptors.entry(id).or_default().cache.push((key_index, position, xpub));
            }
            Record::DescriptorLastHardened { id, key_index, xpub } => {
                self.descriptors.entry(id).or_default().last_hardened.push((key_index, xpub));
            }
            Record::Legacy { .. } => self.find_legacy(),
            Record::Unknown { .. } => contents.unknown_records += 1,
        }
    }

    fn find_legacy(&mut self) {
        if self.contents.flags.is_none() {
            self.early = self.early.max(Severity::LegacyWallet);
        } else if self.early < Severity::UnexpectedLegacyEntry {
            let text = format!(
                "Error: Unexpected legacy entry found in descriptor wallet {}. The wallet might have been tampered with \
                 or created with malicious intent.",
                self.by.wallet_name
            );
            self.blame_early(Severity::UnexpectedLegacyEntry, &text);
        }
    }

    pub(super) fn finish(&mut self) -> Contents {
        self.finish_descriptors();
        self.finish_txs();
        let mut contents = std::mem::take(&mut self.contents);
        contents.active.sort_unstable();
        contents.master_keys.sort_unstable_by_key(|(number, _)| number.to_le_bytes());
        contents.names.sort_unstable();
        contents.purposes.sort_unstable();
        contents.dest_data.sort_unstable();
        contents.locked.sort_unstable();
        contents
    }

    fn finish_descriptors(&mut self) {
        let (mut plain, mut crypted) = (0, 0);
        for (id, mut parts) in std::mem::take(&mut self.descriptors) {
            // Keys and caches of a descriptor that is not there are of no use and do no harm.
            let Some(descriptor) = parts.descriptor.filter(|_| !parts.damaged) else { continue };
            plain += parts.keys.len();
            crypted += parts.crypted_keys.len();
            parts.cache.sort_unstable();
            parts.last_hardened.sort_unstable();
            parts.keys.sort_by(|(a, _), (b, _)| a.cmp(b));
            parts.crypted_keys.sort_unstable();
            let Parts { cache, last_hardened, keys, crypted_keys, .. } = parts;
            self.contents.descriptors.push(LoadedDescriptor {
                id,
                descriptor,
                cache,
                last_hardened,
                keys,
                crypted_keys,
            });
        }
        if self.early == Severity::Fine {
            info!(
                "[{}] Descriptors: {}, Descriptor Keys: {plain} plaintext, {crypted} encrypted, {} total.",
                self.by.log_name(),
                self.contents.descriptors.len(),
                plain + crypted
            );
        }
    }

    fn finish_txs(&mut self) {
        let mut txs = std::mem::take(&mut self.txs);
        let mut variants = std::mem::take(&mut self.variants);
        txs.sort_unstable_by_key(|(txid, _)| txid.to_byte_array());
        variants.sort_by_key(|(txid, _)| txid.to_byte_array());
        self.contents.txs.reserve(txs.len());
        let mut rest = variants.as_slice();
        for (txid, record) in txs {
            // Sets of witnesses whose transaction is not there say nothing.
            rest = &rest[rest.partition_point(|(other, _)| other.to_byte_array() < txid.to_byte_array())..];
            let (own, others) = rest.split_at(rest.iter().take_while(|(other, _)| *other == txid).count());
            rest = others;
            match variants_of(self.codec, txid, &record, own) {
                Ok(variants) => self.contents.txs.push(LoadedTx { record, variants }),
                Err(reason) => {
                    self.blame(Severity::Corrupt, &format!("Error: Corrupt tx record found: {reason}"));
                    continue;
                }
            }
            if self.contents.txs.last().is_some_and(|tx| tx.record.tx.txid() != txid) {
                self.late = self.late.max(Severity::NeedRescan);
            }
        }
    }
}

/// The sets of witnesses that were seen of a transaction, without the one that counts.
fn variants_of(codec: &Codec, txid: Txid, record: &TxRecord, own: &[(Txid, Vec<u8>)]) -> Result<Vec<Arc<Tx>>, String> {
    let counting = record.tx.to_bytes(WitnessMode::Include);
    let mut variants: BTreeMap<Wtxid, Arc<Tx>> = BTreeMap::new();
    for (_, bytes) in own {
        let tx = if *bytes == counting {
            Arc::clone(&record.tx)
        } else {
            let read = codec.read_tx(&mut Reader::new(bytes), WitnessMode::Include);
            Arc::new(read.map_err(|error| RecordError::from(error).to_string())?)
        };
        if tx.txid() != txid {
            return Err("Corrupted witness variant, tx hash differs".to_owned());
        }
        if record.tx.txid() != txid {
            return Err("variant txid does not match wallet txid".to_owned());
        }
        if variants.insert(tx.wtxid(), tx).is_some() {
            return Err("Duplicate witness variant".to_owned());
        }
    }
    variants.remove(&record.tx.wtxid());
    Ok(variants.into_values().collect())
}
