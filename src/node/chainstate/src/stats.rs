//! Totals and hashes of the UTXO set (`gettxoutsetinfo`).

use bitcoin::{
    OutPoint,
    hashes::{Hash, HashEngine, sha256d},
};
use primitives::{Codec, TxOutEntry};
use store::{CoinsDb, StoreError};

use crate::{Engine, FlushMode, MuHash, Reader, shared::read};

/// Which digest of the set is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashKind {
    /// One hash over all coins in order.
    Serialized,
    /// The hash that can be kept up to date.
    MuHash,
    /// None, which is fastest.
    None,
}

/// What there is of coins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoinStats {
    /// The block that they are the result of.
    pub block: bitcoin::BlockHash,
    /// Its height.
    pub height: u32,
    /// Transactions with at least one unspent output.
    pub transactions: u64,
    /// Unspent outputs.
    pub outputs: u64,
    /// A size that does not depend on the database: what an older format took.
    pub bogo_size: u64,
    /// The sum of all values; `None` if it does not fit.
    pub total: Option<u64>,
    /// The digest, if one was asked for.
    pub digest: Option<[u8; 32]>,
    /// Bytes on disk.
    pub disk_size: u64,
}

/// The bytes of a coin that digests are made of.
pub fn digest_bytes(out: &OutPoint, coin: &TxOutEntry, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend_from_slice(out.txid.as_byte_array());
    bytes.extend_from_slice(&out.vout.to_le_bytes());
    bytes.extend_from_slice(&(coin.height << 1 | u32::from(coin.coinbase)).to_le_bytes());
    primitives::encode_output(&coin.out, bytes);
}

/// Bytes that an entry counts for: outpoint, height, value, length and script.
pub fn bogo_size(coin: &TxOutEntry) -> u64 {
    32 + 4 + 4 + 8 + 2 + coin.out.script_pubkey.len() as u64
}

/// Calls that read every coin at one instant: the engine writes what it has, then the reader may take its cursor.
impl Engine {
    /// Writes the coins to disk, so that a cursor made now sees all of them. Answers the block they are the result of.
    pub fn flush_for_cursor(&mut self) -> Result<Option<(bitcoin::BlockHash, u32)>, crate::Fatal> {
        self.flush(FlushMode::Sync)?;
        let Some(tip) = self.active_tip else { return Ok(None) };
        let tree = read(&self.shared.tree);
        Ok(Some((tree[tip].hash, tree[tip].height)))
    }
}

impl Reader {
    /// Visits every coin on disk in order, as of the moment of the call. `ready` is called once that moment is fixed;
    /// `visit` says whether to go on.
    pub fn for_each_coin(
        &self,
        ready: impl FnOnce(),
        visit: impl FnMut(OutPoint, TxOutEntry) -> bool,
    ) -> Result<(), StoreError> {
        each_coin(&self.shared.coins_db(), self.shared.codec, ready, visit)
    }

    /// Counts and hashes the coins on disk, which are the result of `block` at `height`.
    pub fn coin_stats(
        &self,
        at: (bitcoin::BlockHash, u32),
        kind: HashKind,
        ready: impl FnOnce(),
        go_on: impl FnMut() -> bool,
    ) -> Result<Option<CoinStats>, StoreError> {
        stats_of(&self.shared.coins_db(), self.shared.codec, at, kind, ready, go_on)
    }
}

fn each_coin(
    db: &CoinsDb,
    codec: Codec,
    ready: impl FnOnce(),
    mut visit: impl FnMut(OutPoint, TxOutEntry) -> bool,
) -> Result<(), StoreError> {
    let cursor = db.cursor();
    ready();
    for entry in cursor {
        let (out, bytes) = entry?;
        let coin = codec.decode_coin(&bytes).map_err(|_| StoreError::Corrupt { what: "Coin" })?;
        if !visit(out, coin) {
            break;
        }
    }
    Ok(())
}

/// Counts and hashes the coins of a database, which are the result of `block` at `height`.
pub(crate) fn stats_of(
    db: &CoinsDb,
    codec: Codec,
    (block, height): (bitcoin::BlockHash, u32),
    kind: HashKind,
    ready: impl FnOnce(),
    mut go_on: impl FnMut() -> bool,
) -> Result<Option<CoinStats>, StoreError> {
    let mut stats = CoinStats {
        block,
        height,
        transactions: 0,
        outputs: 0,
        bogo_size: 0,
        total: Some(0),
        digest: None,
        disk_size: db.disk_size(),
    };
    let mut engine = sha256d::Hash::engine();
    let mut set = MuHash::default();
    let mut bytes = Vec::new();
    let mut last = None;
    let mut complete = true;
    each_coin(db, codec, ready, |out, coin| {
        stats.transactions += u64::from(last.replace(out.txid) != Some(out.txid));
        stats.outputs += 1;
        stats.bogo_size += bogo_size(&coin);
        stats.total = stats.total.and_then(|t| t.checked_add(coin.out.value.to_sat()));
        if kind != HashKind::None {
            digest_bytes(&out, &coin, &mut bytes);
        }
        match kind {
            HashKind::Serialized => engine.input(&bytes),
            HashKind::MuHash => set.insert(&bytes),
            HashKind::None => {}
        }
        complete = !stats.outputs.is_multiple_of(8192) || go_on();
        complete
    })?;
    stats.digest = match kind {
        HashKind::Serialized => Some(sha256d::Hash::from_engine(engine).to_byte_array()),
        HashKind::MuHash => Some(set.digest()),
        HashKind::None => None,
    };
    Ok(complete.then_some(stats))
}
