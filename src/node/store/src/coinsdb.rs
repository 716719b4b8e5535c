//! The UTXO set on disk: `chainstate/`.
//!
//! Key: transaction id and output number; value: the coin as Core encodes it, obfuscated. Beside the coins stands one
//! fact, the block that they are the result of. A flush too large for one batch replaces that fact by a pair, the block
//! that is being reached and the one that was left, until its last batch is in: a start that finds the pair knows which
//! blocks to apply again.

use std::path::Path;

use bitcoin::{BlockHash, OutPoint, Txid, hashes::Hash};

use crate::{
    KvOptions, StoreError, XorKey,
    kv::{Access, Family, Kv, KvBatch, warm},
};

const COINS: &str = "coins";
const META: &str = "meta";
const FAMILIES: [Family; 3] =
    [Family("default", Access::Scan), Family(COINS, Access::Point), Family(META, Access::Scan)];

const VERSION: u32 = 1;
const KEY_VERSION: &[u8] = b"version";
const KEY_OBFUSCATION: &[u8] = b"obfuscate_key";
const KEY_BEST: &[u8] = b"best_block";
const KEY_HEADS: &[u8] = b"head_blocks";
const KEY_FINAL_TX: &[u8] = b"final_tx";

/// The state that the coins on disk are in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoinsTip {
    /// No block was applied yet.
    Empty,
    /// The coins are the result of this block.
    At(BlockHash),
    /// A flush was interrupted between these two.
    Between {
        /// Where the flush was going.
        new: BlockHash,
        /// Where it came from; `None` for the very first.
        old: Option<BlockHash>,
    },
}

/// The coins database.
#[derive(Clone, Debug)]
pub struct CoinsDb {
    kv: Kv,
    key: XorKey,
}

/// One step of a flush.
#[derive(Debug, Default)]
pub struct CoinsBatch {
    batch: KvBatch,
}

/// The database key of an output.
fn coin_key(out: &OutPoint) -> CoinKey {
    let mut key = CoinKey { bytes: [0; 37], len: 32 };
    key.bytes[..32].copy_from_slice(out.txid.as_byte_array());
    // Big-endian without leading zeros behind a length: short, and outputs of one transaction stay in order.
    let vout = out.vout.to_be_bytes();
    let skip = vout.iter().take_while(|b| **b == 0).count();
    key.bytes[32] = u8::try_from(4 - skip).expect("at most 4");
    key.bytes[33..37 - skip].copy_from_slice(&vout[skip..]);
    key.len = 37 - skip;
    key
}

#[derive(Clone, Copy)]
struct CoinKey {
    bytes: [u8; 37],
    len: usize,
}

impl AsRef<[u8]> for CoinKey {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn parse_key(key: &[u8]) -> Option<OutPoint> {
    let (txid, vout) = key.split_at_checked(32)?;
    let (len, vout) = vout.split_first()?;
    if vout.len() != usize::from(*len) || vout.len() > 4 {
        return None;
    }
    let vout = vout.iter().fold(0u32, |n, b| n << 8 | u32::from(*b));
    Some(OutPoint { txid: Hash::from_slice(txid).ok()?, vout })
}

impl CoinsDb {
    /// Makes the next start fast, at the end of a program.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.kv.settle()
    }

    /// Opens `path`; `fresh_key` obfuscates a new database (all zero: none).
    pub fn open(path: &Path, options: KvOptions, fresh_key: XorKey) -> Result<Self, StoreError> {
        let birth = vec![
            (META, KEY_VERSION.to_vec(), VERSION.to_le_bytes().to_vec()),
            (META, KEY_OBFUSCATION.to_vec(), fresh_key.bytes().to_vec()),
        ];
        if !options.wipe {
            warm(path);
        }
        let kv = Kv::open(path, &FAMILIES, options, birth)?;
        let key = match (kv.get(META, KEY_VERSION)?, kv.get(META, KEY_OBFUSCATION)?) {
            (None, None) => {
                let mut batch = KvBatch::default();
                kv.put(&mut batch, META, KEY_VERSION, &VERSION.to_le_bytes());
                kv.put(&mut batch, META, KEY_OBFUSCATION, &fresh_key.bytes());
                // Whatever is written next stands behind this in the log: both survive, or neither.
                kv.write(batch, false)?;
                fresh_key
            }
            (Some(version), Some(key)) => {
                let version = version.try_into().map(u32::from_le_bytes).ok();
                let version = version.ok_or(StoreError::Corrupt { what: "Coins database version" })?;
                if version > VERSION {
                    return Err(StoreError::Newer { found: version });
                }
                XorKey::new(key.try_into().map_err(|_| StoreError::Corrupt { what: "Coins database key" })?)
            }
            _ => return Err(StoreError::Corrupt { what: "Coins database" }),
        };
        Ok(Self { kv, key })
    }

    /// The encoded coin at `out`, if it is unspent.
    pub fn get(&self, out: &OutPoint) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.kv.get(COINS, coin_key(out).as_ref())?.map(|v| self.clear(v)))
    }

    /// The encoded coins at `outs`, in their order.
    pub fn get_many(&self, outs: &[OutPoint]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<CoinKey> = outs.iter().map(coin_key).collect();
        let found = self.kv.get_many(COINS, &keys)?;
        Ok(found.into_iter().map(|v| v.map(|v| self.clear(v))).collect())
    }

    fn clear(&self, mut value: Vec<u8>) -> Vec<u8> {
        self.key.apply(&mut value, 0);
        value
    }

    /// Every coin in key order, as of this moment.
    pub fn cursor(&self) -> impl Iterator<Item = Result<(OutPoint, Vec<u8>), StoreError>> + '_ {
        self.cursor_from(None)
    }

    /// Every coin from the first output of `txid` on.
    pub fn cursor_from(
        &self,
        txid: Option<&Txid>,
    ) -> impl Iterator<Item = Result<(OutPoint, Vec<u8>), StoreError>> + '_ {
        let from: &[u8] = txid.map_or(&[], |t| t.as_byte_array());
        self.kv.cursor(COINS, from).map(|entry| {
            let (key, value) = entry?;
            let out = parse_key(&key).ok_or(StoreError::Corrupt { what: "Coin key" })?;
            Ok((out, self.clear(value.into_vec())))
        })
    }

    /// What the coins on disk are the result of.
    pub fn tip(&self) -> Result<CoinsTip, StoreError> {
        let hash = |bytes: &[u8]| BlockHash::from_slice(bytes).map_err(|_| StoreError::Corrupt { what: "Coins tip" });
        if let Some(heads) = self.kv.get(META, KEY_HEADS)? {
            let (new, old) = heads.split_at_checked(32).ok_or(StoreError::Corrupt { what: "Coins tip" })?;
            let old = if old.is_empty() { None } else { Some(hash(old)?) };
            return Ok(CoinsTip::Between { new: hash(new)?, old });
        }
        match self.kv.get(META, KEY_BEST)? {
            Some(best) => Ok(CoinsTip::At(hash(&best)?)),
            None => Ok(CoinsTip::Empty),
        }
    }

    /// The last transaction that the next block has to continue, with the number of its outputs, on chains that have such a
    /// rule. During a flush it is already that of the block which is being reached.
    pub fn final_tx(&self) -> Result<Option<(Txid, u32)>, StoreError> {
        let Some(bytes) = self.kv.get(META, KEY_FINAL_TX)? else { return Ok(None) };
        let (txid, outputs) = bytes.split_at_checked(32).ok_or(StoreError::Corrupt { what: "Final transaction" })?;
        let txid = Txid::from_slice(txid).map_err(|_| StoreError::Corrupt { what: "Final transaction" })?;
        let outputs = outputs.try_into().map_err(|_| StoreError::Corrupt { what: "Final transaction" })?;
        Ok(Some((txid, u32::from_le_bytes(outputs))))
    }

    /// Replaces it in a batch.
    pub fn put_final_tx(&self, batch: &mut CoinsBatch, final_tx: Option<(Txid, u32)>) {
        match final_tx {
            Some((txid, outputs)) => {
                let mut bytes = txid.to_byte_array().to_vec();
                bytes.extend(outputs.to_le_bytes());
                self.kv.put(&mut batch.batch, META, KEY_FINAL_TX, &bytes);
            }
            None => self.kv.delete(&mut batch.batch, META, KEY_FINAL_TX),
        }
    }

    /// Adds or replaces a coin in a batch.
    pub fn put(&self, batch: &mut CoinsBatch, out: &OutPoint, coin: &[u8]) {
        let mut value = coin.to_vec();
        self.key.apply(&mut value, 0);
        self.kv.put(&mut batch.batch, COINS, coin_key(out).as_ref(), &value);
    }

    /// Removes a coin in a batch.
    pub fn delete(&self, batch: &mut CoinsBatch, out: &OutPoint) {
        self.kv.delete(&mut batch.batch, COINS, coin_key(out).as_ref());
    }

    /// Marks the batch as the first of a flush that goes to `new`.
    pub fn begin(&self, batch: &mut CoinsBatch, new: &BlockHash) -> Result<(), StoreError> {
        // A flush may follow one that was interrupted: the coins then still lie behind its old tip.
        let old = match self.tip()? {
            CoinsTip::Empty => None,
            CoinsTip::At(hash) => Some(hash),
            CoinsTip::Between { old, .. } => old,
        };
        let mut heads = new.to_byte_array().to_vec();
        heads.extend(old.iter().flat_map(|h| h.to_byte_array()));
        self.kv.delete(&mut batch.batch, META, KEY_BEST);
        self.kv.put(&mut batch.batch, META, KEY_HEADS, &heads);
        Ok(())
    }

    /// Marks the batch as the last of a flush: the coins are now the result of `new`.
    pub fn finish(&self, batch: &mut CoinsBatch, new: &BlockHash) {
        self.kv.delete(&mut batch.batch, META, KEY_HEADS);
        self.kv.put(&mut batch.batch, META, KEY_BEST, new.as_byte_array());
    }

    /// Applies a batch; with `sync` it is durable when this returns.
    pub fn write(&self, batch: CoinsBatch, sync: bool) -> Result<(), StoreError> {
        self.kv.write(batch.batch, sync)
    }

    /// Bytes that the coins take on disk.
    pub fn disk_size(&self) -> u64 {
        self.kv.approximate_size(COINS)
    }
}

impl CoinsBatch {
    /// Bytes that the batch holds.
    pub fn bytes(&self) -> usize {
        self.batch.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> CoinsDb {
        let options = KvOptions { cache_bytes: 4 << 20, wipe: false, compact: false };
        CoinsDb::open(dir, options, XorKey::new([7, 0, 1, 2, 3, 4, 5, 6])).unwrap()
    }

    fn out(n: u8, vout: u32) -> OutPoint {
        OutPoint { txid: Hash::from_byte_array([n; 32]), vout }
    }

    #[test]
    fn coins_come_back_in_order_of_their_outputs() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path());
        let mut batch = CoinsBatch::default();
        let outs = [0, 1, 255, 256, 65_536, u32::MAX].map(|v| out(1, v));
        for o in outs.iter().rev() {
            db.put(&mut batch, o, &o.vout.to_le_bytes());
        }
        db.write(batch, false).unwrap();
        let all: Vec<_> = db.cursor().map(Result::unwrap).collect();
        assert_eq!(all, outs.map(|o| (o, o.vout.to_le_bytes().to_vec())));
        let asked = [outs[3], out(2, 0), outs[0]];
        let got = db.get_many(&asked).unwrap();
        assert_eq!(got, [Some(256u32.to_le_bytes().to_vec()), None, Some(vec![0; 4])]);
        assert!(db.cursor_from(Some(&out(2, 0).txid)).next().is_none());
    }

    #[test]
    fn values_are_obfuscated_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path());
        let mut batch = CoinsBatch::default();
        db.put(&mut batch, &out(3, 1), &[0; 9]);
        db.write(batch, true).unwrap();
        let raw = db.kv.get(COINS, coin_key(&out(3, 1)).as_ref()).unwrap().unwrap();
        assert_eq!(raw, [7, 0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn an_interrupted_flush_is_remembered_across_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (BlockHash::from_byte_array([1; 32]), BlockHash::from_byte_array([2; 32]));
        {
            let db = open(dir.path());
            assert_eq!(db.tip().unwrap(), CoinsTip::Empty);
            let mut batch = CoinsBatch::default();
            db.begin(&mut batch, &a).unwrap();
            db.write(batch, true).unwrap();
            assert_eq!(db.tip().unwrap(), CoinsTip::Between { new: a, old: None });
            let mut batch = CoinsBatch::default();
            db.finish(&mut batch, &a);
            db.write(batch, true).unwrap();
            let mut batch = CoinsBatch::default();
            db.begin(&mut batch, &b).unwrap();
            db.write(batch, true).unwrap();
        }
        assert_eq!(open(dir.path()).tip().unwrap(), CoinsTip::Between { new: b, old: Some(a) });
    }

    #[test]
    fn the_last_transaction_is_kept_beside_the_coins() {
        let dir = tempfile::tempdir().unwrap();
        let last = (Txid::from_byte_array([9; 32]), 3);
        {
            let db = open(dir.path());
            assert_eq!(db.final_tx().unwrap(), None);
            let mut batch = CoinsBatch::default();
            db.put_final_tx(&mut batch, Some(last));
            db.write(batch, true).unwrap();
        }
        let db = open(dir.path());
        assert_eq!(db.final_tx().unwrap(), Some(last));
        let mut batch = CoinsBatch::default();
        db.put_final_tx(&mut batch, None);
        db.write(batch, true).unwrap();
        assert_eq!(db.final_tx().unwrap(), None);
    }

    #[test]
    fn foreign_and_newer_databases_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("CURRENT"), b"MANIFEST-000001\n").unwrap();
        let options = KvOptions { cache_bytes: 4 << 20, wipe: false, compact: false };
        let refused = CoinsDb::open(dir.path(), options, XorKey::default()).unwrap_err();
        assert!(refused.to_string().contains("Please restart with -reindex-chainstate"), "{refused}");
        let wiped = CoinsDb::open(dir.path(), KvOptions { wipe: true, ..options }, XorKey::default()).unwrap();
        let mut batch = KvBatch::default();
        wiped.kv.put(&mut batch, META, KEY_VERSION, &(VERSION + 1).to_le_bytes());
        wiped.kv.write(batch, true).unwrap();
        drop(wiped);
        let newer = CoinsDb::open(dir.path(), options, XorKey::default()).unwrap_err();
        assert!(matches!(newer, StoreError::Newer { found } if found == VERSION + 1), "{newer}");
    }
}
