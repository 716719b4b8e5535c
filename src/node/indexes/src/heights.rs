//! Records of blocks: of the active chain under their height, so that ranges lie together, and of blocks that left it under
//! their hash, so that whoever still asks for them gets an answer.

use bitcoin::{BlockHash, hashes::Hash};
use store::{Kv, KvBatch, StoreError};

use crate::index::RECORDS;

const BY_HEIGHT: u8 = b't';
const BY_HASH: u8 = b's';

/// The record of a block: the hash that it is of, then what the index says of it.
pub(crate) fn put(kv: &Kv, batch: &mut KvBatch, height: u32, hash: &BlockHash, value: &[u8]) {
    let mut record = Vec::with_capacity(32 + value.len());
    record.extend_from_slice(hash.as_byte_array());
    record.extend_from_slice(value);
    kv.put(batch, RECORDS, &height_key(height), &record);
}

/// Moves the record at a height aside, before another block takes the height.
pub(crate) fn retire(kv: &Kv, batch: &mut KvBatch, height: u32) -> Result<(), StoreError> {
    if let Some(record) = kv.get(RECORDS, &height_key(height))?
        && let Some((hash, value)) = record.split_first_chunk::<32>()
    {
        kv.put(batch, RECORDS, &hash_key(hash), value);
    }
    Ok(())
}

/// The record of a block, wherever it is.
pub(crate) fn get(kv: &Kv, height: u32, hash: &BlockHash) -> Result<Option<Vec<u8>>, StoreError> {
    if let Some(record) = kv.get(RECORDS, &height_key(height))?
        && let Some(value) = record.strip_prefix(hash.as_byte_array())
    {
        return Ok(Some(value.to_vec()));
    }
    kv.get(RECORDS, &hash_key(hash.as_byte_array()))
}

fn height_key(height: u32) -> [u8; 5] {
    let [a, b, c, d] = height.to_be_bytes();
    [BY_HEIGHT, a, b, c, d]
}

fn hash_key(hash: &[u8; 32]) -> [u8; 33] {
    let mut key = [BY_HASH; 33];
    key[1..].copy_from_slice(hash);
    key
}
