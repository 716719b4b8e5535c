//! `-txospenderindex`: from an output to the transaction that spent it.
//!
//! The key is a salted hash of the output and the place of the spender; there is no value. Whoever asks reads what lies at
//! each place under the hash and takes the transaction that does spend the output.

use std::path::Path;

use bitcoin::{
    OutPoint,
    hashes::{Hash, HashEngine, siphash24},
};
use chainstate::Reader;
use platform::Entropy;
use store::{Access, Kv, KvBatch, KvOptions};

use crate::{
    FoundTx, Index, IndexError, IndexedBlock,
    index::{RECORDS, STATE, families},
    place::Place,
};

/// Where the salt is kept.
const SALT: &[u8] = b"siphash_key";

/// Finds spenders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SpenderIndex {
    kv: Kv,
    salt: (u64, u64),
}

impl SpenderIndex {
    /// Opens the index in `dir`.
    pub fn open(dir: &Path, options: KvOptions, entropy: &dyn Entropy) -> Result<Self, IndexError> {
        let kv = Kv::open(dir, &families(Access::Scan), options, Vec::new())?;
        let salt = kv.get(STATE, SALT)?.map_or_else(|| new_salt(&kv, entropy), Ok)?;
        let salt: [u8; 16] =
            salt.try_into().map_err(|_| IndexError::Corrupt { index: "txospenderindex".to_owned() })?;
        let (first, second) = salt.split_at(8);
        let number = |half: &[u8]| u64::from_le_bytes(half.try_into().expect("half of sixteen bytes"));
        Ok(Self { kv, salt: (number(first), number(second)) })
    }

    /// The transaction of a block that spends `out`.
    pub fn find(&self, chain: &Reader, out: &OutPoint) -> Result<Option<FoundTx>, IndexError> {
        let prefix = self.prefix(out);
        for entry in self.kv.cursor(RECORDS, &prefix) {
            let (key, _) = entry?;
            let Some(place) = key.strip_prefix(prefix.as_slice()) else { break };
            let place = Place::decode(place).ok_or_else(|| IndexError::Corrupt { index: self.name().to_owned() })?;
            let found = place.read(chain)?;
            if found.tx.inputs().iter().any(|input| input.previous_output == *out) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn prefix(&self, out: &OutPoint) -> [u8; 8] {
        let mut engine = siphash24::HashEngine::with_keys(self.salt.0, self.salt.1);
        engine.input(out.txid.as_byte_array());
        engine.input(&out.vout.to_le_bytes());
        siphash24::Hash::from_engine(engine).to_byte_array()
    }

    /// Calls `change` with every key of a block.
    fn keys(&self, block: &IndexedBlock, mut change: impl FnMut(&[u8])) -> Result<(), IndexError> {
        let places = Place::of(&block.node, &block.block)?;
        let mut key = Vec::with_capacity(24);
        for (tx, place) in block.block.txs.iter().zip(places).skip(1) {
            for input in tx.inputs() {
                key.clear();
                key.extend_from_slice(&self.prefix(&input.previous_output));
                place.encode(&mut key);
                change(&key);
            }
        }
        Ok(())
    }
}

/// Draws a salt and keeps it.
fn new_salt(kv: &Kv, entropy: &dyn Entropy) -> Result<Vec<u8>, IndexError> {
    let mut salt = vec![0; 16];
    entropy.fill(&mut salt)?;
    let mut batch = KvBatch::default();
    kv.put(&mut batch, STATE, SALT, &salt);
    kv.write(batch, true)?;
    Ok(salt)
}

impl Index for SpenderIndex {
    fn name(&self) -> &'static str {
        "txospenderindex"
    }

    fn thread(&self) -> &'static str {
        "txospenderidx"
    }

    fn kv(&self) -> &Kv {
        &self.kv
    }

    fn append(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        self.keys(block, |key| self.kv.put(batch, RECORDS, key, &[]))
    }

    fn remove(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        self.keys(block, |key| self.kv.delete(batch, RECORDS, key))
    }
}
