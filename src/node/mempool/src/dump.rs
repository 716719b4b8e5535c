//! `mempool.dat`: the pool over a restart, in the format of Bitcoin Core.
//!
//! A version; from version 2 on a key of eight bytes that obfuscates everything behind it; the transactions, each with
//! its time and what the operator pretends about its fee; such pretences about transactions that are not here; and our
//! own transactions that no peer has asked for.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    ops::AddAssign,
    path::Path,
    sync::Arc,
};

use bitcoin::{Txid, hashes::Hash};
use chainstate::Reader as Chain;
use platform::{Entropy, file::AtomicFile};
use primitives::{Codec, DecodeError, Reader, Tx, WitnessMode, put_bytes, put_compact_size};
use store::{StoreError, XorKey};

use crate::{AcceptOptions, Mempool, Pool};

const PLAIN: u64 = 1;
const OBFUSCATED: u64 = 2;
/// Transactions that are taken in between two turns of others.
const STEP: usize = 32;

/// Why a file cannot be read to its end. What was read before is kept.
#[derive(Debug, thiserror::Error)]
pub enum BadDump {
    /// A version that nobody knows.
    #[error("unknown mempool.dat version {0}")]
    Version(u64),
    /// The key has another length.
    #[error("Obfuscation key size should be exactly 8 bytes long")]
    Key,
    /// It breaks off, or its bytes make no sense.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The chain's coins cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A transaction of a dump.
#[derive(Clone, Debug)]
pub struct Dumped {
    /// The transaction.
    pub tx: Arc<Tx>,
    /// When it came.
    pub time: i64,
    /// What the operator pretends about its fee.
    pub delta: i64,
}

/// A pool as it is written.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// The transactions, in the order in which they are mined, so that parents come first.
    pub txs: Vec<Dumped>,
    /// Pretences about transactions that are not among them.
    pub deltas: BTreeMap<Txid, i64>,
    /// Our own transactions that no peer has asked for.
    pub unbroadcast: Vec<Txid>,
}

/// How a dump is taken in.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// Count the transactions as new.
    pub use_current_time: bool,
    /// Take over what the operator pretended.
    pub apply_deltas: bool,
    /// Take over what was not sent yet.
    pub apply_unbroadcast: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { use_current_time: false, apply_deltas: true, apply_unbroadcast: true }
    }
}

/// What became of a dump.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Taken in.
    pub succeeded: usize,
    /// Refused.
    pub failed: usize,
    /// Too old.
    pub expired: usize,
    /// Here already.
    pub already_there: usize,
    /// Waiting for a peer to ask.
    pub unbroadcast: usize,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.expired += other.expired;
        self.already_there += other.already_there;
        self.unbroadcast += other.unbroadcast;
    }
}

impl Dump {
    /// Copies what a dump needs; the transactions are shared.
    pub fn of(pool: &Pool) -> Self {
        let txs: Vec<Dumped> = pool
            .in_mining_order()
            .map(|(entry, _)| Dumped {
                tx: Arc::clone(&entry.tx),
                time: entry.time,
                delta: entry.modified_fee.saturating_sub(entry.fee),
            })
            .collect();
        let mut deltas = pool.deltas().clone();
        for tx in &txs {
            deltas.remove(&tx.tx.txid());
        }
        let mut unbroadcast: Vec<Txid> = pool.unbroadcast().filter_map(|id| Some(pool.get(id)?.tx.txid())).collect();
        unbroadcast.sort_unstable();
        Self { txs, deltas, unbroadcast }
    }

    /// Writes it, obfuscated unless there is no key. Tells how many bytes it took.
    pub fn write(&self, key: Option<XorKey>, out: &mut dyn Write) -> io::Result<u64> {
        let mut header = key.map_or(PLAIN, |_| OBFUSCATED).to_le_bytes().to_vec();
        if let Some(key) = key {
            put_bytes(&mut header, &key.bytes());
        }
        out.write_all(&header)?;
        let mut sink = Obfuscating { out, key: key.unwrap_or_default(), at: length(header.len()) };
        sink.put(&length(self.txs.len()).to_le_bytes())?;
        for Dumped { tx, time, delta } in &self.txs {
            let mut bytes = tx.to_bytes(WitnessMode::Include);
            bytes.extend(time.to_le_bytes());
            bytes.extend(delta.to_le_bytes());
            sink.put(&bytes)?;
        }
        let mut tail = Vec::new();
        put_compact_size(&mut tail, self.deltas.len());
        for (txid, delta) in &self.deltas {
            tail.extend(txid.as_byte_array());
            tail.extend(delta.to_le_bytes());
        }
        put_compact_size(&mut tail, self.unbroadcast.len());
        for txid in &self.unbroadcast {
            tail.extend(txid.as_byte_array());
        }
        sink.put(&tail)?;
        Ok(sink.at)
    }

    /// Writes it to a file that is replaced as a whole. Tells how many bytes it took.
    pub fn save(&self, path: &Path, v1: bool, entropy: &dyn Entropy) -> io::Result<u64> {
        let key = if v1 { None } else { Some(XorKey::new(platform::entropy::random_bytes(entropy)?)) };
        tracing::info!("Writing {} mempool transactions to file...", self.txs.len());
        tracing::info!("Writing {} unbroadcast transactions to file.", self.unbroadcast.len());
        let mut out = io::BufWriter::new(AtomicFile::create(path, ".new")?);
        let bytes = self.write(key, &mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.commit()?;
        Ok(bytes)
    }

    /// Reads it. A dump that breaks off gives what came before, and the error.
    pub fn read(mut bytes: Vec<u8>, codec: Codec) -> (Self, Result<(), BadDump>) {
        let mut dump = Self::default();
        let result = open(&mut bytes).and_then(|start| dump.fill(&bytes[start..], codec));
        (dump, result)
    }

    fn fill(&mut self, bytes: &[u8], codec: Codec) -> Result<(), BadDump> {
        let mut reader = Reader::new(bytes);
        let count = reader.u64()?;
        tracing::info!("Loading {count} mempool transactions from file...");
        for _ in 0..count {
            let tx = Arc::new(codec.read_tx(&mut reader, WitnessMode::Include)?);
            self.txs.push(Dumped { tx, time: reader.i64()?, delta: reader.i64()? });
        }
        for _ in 0..reader.compact_size()? {
            let txid = Txid::from_byte_array(reader.array()?);
            self.deltas.insert(txid, reader.i64()?);
        }
        for _ in 0..reader.compact_size()? {
            self.unbroadcast.push(Txid::from_byte_array(reader.array()?));
        }
        Ok(())
    }
}

/// Reads the version and takes the obfuscation away. Tells where the content starts.
fn open(bytes: &mut [u8]) -> Result<usize, BadDump> {
    let mut reader = Reader::new(bytes);
    let key = match reader.u64()? {
        PLAIN => XorKey::default(),
        OBFUSCATED => XorKey::new(reader.bytes()?.try_into().map_err(|_| BadDump::Key)?),
        version => return Err(BadDump::Version(version)),
    };
    let start = reader.position();
    key.apply(&mut bytes[start..], length(start));
    Ok(start)
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Obfuscates by the place in the file.
struct Obfuscating<'a> {
    out: &'a mut dyn Write,
    key: XorKey,
    at: u64,
}

impl Obfuscating<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut bytes = bytes.to_vec();
        self.key.apply(&mut bytes, self.at);
        self.at += length(bytes.len());
        self.out.write_all(&bytes)
    }
}

impl Mempool {
    /// Takes a part of a dump in. Runs on the validation thread, so long dumps come in several parts.
    pub fn import(&self, chain: &Chain, txs: &[Dumped], options: ImportOptions) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        for Dumped { tx, time, delta } in txs {
            let now = self.inner.now();
            let time = if options.use_current_time { now } else { *time };
            if *delta != 0 && options.apply_deltas {
                self.prioritise(tx.txid(), *delta);
            }
            if time <= now.saturating_sub(self.read().options().expiry) {
                imported.expired += 1;
                continue;
            }
            let options = AcceptOptions { time: Some(time), ..AcceptOptions::default() };
            match self.accept(chain, tx, options)? {
                Ok(_) => imported.succeeded += 1,
                Err(_) if self.read().id_of(&tx.txid()).is_some() => imported.already_there += 1,
                Err(_) => imported.failed += 1,
            }
        }
        Ok(imported)
    }

    /// Takes in what a dump says besides its transactions, once those are in. Tells how many wait for a peer to ask.
    pub fn import_rest(&self, dump: &Dump, options: ImportOptions) -> usize {
        if options.apply_deltas {
            for (txid, delta) in &dump.deltas {
                self.prioritise(*txid, *delta);
            }
        }
        if !options.apply_unbroadcast {
            return 0;
        }
        for txid in &dump.unbroadcast {
            self.add_unbroadcast(*txid);
        }
        dump.unbroadcast.len()
    }

    /// Takes a whole file in, on the validation thread. Stops early, without an error, when `interrupted` says so.
    pub fn load(
        &self,
        chain: &Chain,
        bytes: Vec<u8>,
        options: ImportOptions,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Imported, BadDump> {
        self.load_in_steps(chain.codec(), bytes, options, |txs| {
            if interrupted() { Ok(None) } else { self.import(chain, txs, options).map(Some) }
        })
    }

    /// Takes a whole file in, in parts, so that others get their turn in between. `step` has a part imported on the
    /// validation thread; with `None` it ends the work early.
    pub fn load_in_steps(
        &self,
        codec: Codec,
        bytes: Vec<u8>,
        options: ImportOptions,
        mut step: impl FnMut(&[Dumped]) -> Result<Option<Imported>, StoreError>,
    ) -> Result<Imported, BadDump> {
        let (dump, result) = Dump::read(bytes, codec);
        let mut imported = Imported::default();
        for part in dump.txs.chunks(STEP) {
            match step(part)? {
                Some(done) => imported += done,
                None => return Ok(imported),
            }
        }
        if let Err(error) = result {
            tracing::info!("Failed to deserialize mempool data on file: {error}. Continuing anyway.");
            return Err(error);
        }
        imported.unbroadcast = self.import_rest(&dump, options);
        let Imported { succeeded, failed, expired, already_there, unbroadcast } = imported;
        tracing::info!(
            "Imported mempool transactions from file: {succeeded} succeeded, {failed} failed, {expired} expired, {already_there} already there, {unbroadcast} waiting for initial broadcast"
        );
        Ok(imported)
    }
}
