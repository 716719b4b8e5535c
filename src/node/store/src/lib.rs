//! The node's memory on disk, with no opinion of its own.
//!
//! Three things are kept, each by one type:
//! 1. [`BlockFiles`]: blocks and undo data, appended to `blk?????.dat` and `rev?????.dat` in Bitcoin Core's format;
//! 2. [`IndexDb`]: a record for each header and the statistics of each file, in RocksDB under `blocks/index/`;
//! 3. [`CoinsDb`]: the UTXO set and the block that it is the result of, in RocksDB under `chainstate/`.
//!
//! The order of writes is what makes a crash harmless: block and undo bytes are made durable first, then the index that
//! points to them, then the coins that were computed from them. A reader at any instant finds pointers to whole data, and
//! coins of a block that the index knows. [`Kv`] is the one place that speaks RocksDB; [`Disk`] is the one through which
//! block files touch the file system, so tests can make every write fail.
//!
//! Assumed: the caller holds the directory's lock, writes from one thread, and has validated what it stores.

mod blockfiles;
mod coinsdb;
mod disk;
mod error;
mod fileinfo;
mod flat;
mod indexdb;
mod kv;
#[cfg(test)]
mod tests;
mod xor;

pub use blockfiles::{BlockFiles, BlockFilesOptions, RECORD_HEADER, block_file_numbers};
pub use coinsdb::{CoinsBatch, CoinsDb, CoinsTip};
pub use disk::{Disk, KeepingDisk, RealDisk};
pub use error::StoreError;
pub use fileinfo::FileInfo;
pub use flat::FlatPos;
pub use indexdb::{IndexDb, IndexRecord};
pub use kv::{Access, Birth, Family, KeyValue, Kv, KvBatch, KvOptions};
pub use xor::{XorKey, blocks_key};
