//! The block index on disk: `blocks/index/`. One record a header, the statistics of each block file, and a few flags.

use std::path::Path;

use bitcoin::{BlockHash, hashes::Hash};

use crate::{
    FileInfo, KvOptions, StoreError,
    kv::{Access, Family, Kv, KvBatch},
};

const BLOCKS: &str = "blocks";
const META: &str = "meta";
const FAMILIES: [Family; 3] =
    [Family("default", Access::Scan), Family(BLOCKS, Access::Scan), Family(META, Access::Scan)];

const VERSION: u32 = 1;
const KEY_VERSION: &[u8] = b"version";
const KEY_REINDEX: &[u8] = b"reindexing";
const PREFIX_FILE: &[u8] = b"file/";
const PREFIX_FLAG: &[u8] = b"flag/";

/// What is stored of one block header. What the numbers mean is the chain state's business.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexRecord {
    /// The 80 bytes that are hashed.
    pub header: [u8; 80],
    /// Blocks below it.
    pub height: u32,
    /// How far it is validated and what is stored of it, as bits.
    pub status: u32,
    /// Transactions in the block, 0 while unknown.
    pub tx_count: u32,
    /// Block file.
    pub file: u32,
    /// Offset of the block in its file.
    pub block_offset: u32,
    /// Offset of its undo data in the undo file of the same number.
    pub undo_offset: u32,
    /// What later headers ask of the proof of merged mining behind it: a compact target and a time. It takes room only
    /// where there is one.
    pub merged: Option<(u32, i64)>,
}

impl IndexRecord {
    const ENCODED: usize = 80 + 6 * 4;
    const MERGED: usize = 4 + 8;

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; Self::ENCODED];
        out[..80].copy_from_slice(&self.header);
        let fields = [self.height, self.status, self.tx_count, self.file, self.block_offset, self.undo_offset];
        for (slot, field) in out[80..].chunks_exact_mut(4).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        if let Some((bits, time)) = self.merged {
            out.reserve_exact(Self::MERGED);
            out.extend(bits.to_le_bytes());
            out.extend(time.to_le_bytes());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (bytes, more) = bytes.split_first_chunk::<{ Self::ENCODED }>()?;
        let merged = match more.split_first_chunk::<4>() {
            Some((bits, time)) => Some((u32::from_le_bytes(*bits), i64::from_le_bytes(time.try_into().ok()?))),
            None if more.is_empty() => None,
            None => return None,
        };
        let (header, rest) = bytes.split_first_chunk::<80>()?;
        let mut fields = rest.chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().expect("a chunk of 4")));
        let mut next = || fields.next().expect("six fields in 24 bytes");
        Some(Self {
            header: *header,
            height: next(),
            status: next(),
            tx_count: next(),
            file: next(),
            block_offset: next(),
            undo_offset: next(),
            merged,
        })
    }
}

/// The index database.
#[derive(Clone, Debug)]
pub struct IndexDb {
    kv: Kv,
}

impl IndexDb {
    /// Makes the next start fast, at the end of a program.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.kv.settle()
    }

    /// Opens `path`, creating it where there is none.
    pub fn open(path: &Path, options: KvOptions) -> Result<Self, StoreError> {
        let birth = vec![(META, KEY_VERSION.to_vec(), VERSION.to_le_bytes().to_vec())];
        let kv = Kv::open(path, &FAMILIES, options, birth)?;
        match kv.get(META, KEY_VERSION)? {
            None => {
                let mut batch = KvBatch::default();
                kv.put(&mut batch, META, KEY_VERSION, &VERSION.to_le_bytes());
                // Whatever is written next stands behind this in the log: both survive, or neither.
                kv.write(batch, false)?;
            }
            Some(bytes) => {
                let found = bytes.try_into().map(u32::from_le_bytes);
                let found = found.map_err(|_| StoreError::Corrupt { what: "Block index version" })?;
                if found > VERSION {
                    return Err(StoreError::Newer { found });
                }
            }
        }
        Ok(Self { kv })
    }

    /// Every record, in no useful order.
    pub fn records(&self) -> impl Iterator<Item = Result<(BlockHash, IndexRecord), StoreError>> + '_ {
        self.kv.cursor(BLOCKS, &[]).map(|entry| {
            let (key, value) = entry?;
            let hash = BlockHash::from_slice(&key).map_err(|_| StoreError::Corrupt { what: "Block index" })?;
            Ok((hash, IndexRecord::decode(&value).ok_or(StoreError::Corrupt { what: "Block index" })?))
        })
    }

    /// The statistics of the block files, by number.
    pub fn files(&self) -> Result<Vec<FileInfo>, StoreError> {
        let mut files = Vec::new();
        for entry in self.kv.cursor(META, PREFIX_FILE) {
            let (key, value) = entry?;
            let Some(number) = key.strip_prefix(PREFIX_FILE) else { break };
            let corrupt = || StoreError::Corrupt { what: "Block file info" };
            let number = u32::from_be_bytes(number.try_into().map_err(|_| corrupt())?) as usize;
            if files.len() <= number {
                files.resize(number + 1, FileInfo::default());
            }
            files[number] = FileInfo::decode(&value).ok_or_else(corrupt)?;
        }
        Ok(files)
    }

    /// Stores changed records and file statistics together.
    pub fn write<'a>(
        &self,
        records: impl IntoIterator<Item = (&'a BlockHash, &'a IndexRecord)>,
        files: &[(u32, FileInfo)],
        sync: bool,
    ) -> Result<(), StoreError> {
        let mut batch = KvBatch::default();
        for (hash, record) in records {
            self.kv.put(&mut batch, BLOCKS, hash.as_byte_array(), &record.encode());
        }
        for (number, info) in files {
            let key = [PREFIX_FILE, &number.to_be_bytes()].concat();
            self.kv.put(&mut batch, META, &key, &info.encode());
        }
        if batch.is_empty() { Ok(()) } else { self.kv.write(batch, sync) }
    }

    /// Whether a `-reindex` was under way when the program last stopped.
    pub fn reindexing(&self) -> Result<bool, StoreError> {
        Ok(self.kv.get(META, KEY_REINDEX)?.is_some())
    }

    /// Notes the begin or the end of a `-reindex`.
    pub fn set_reindexing(&self, on: bool) -> Result<(), StoreError> {
        let mut batch = KvBatch::default();
        if on {
            self.kv.put(&mut batch, META, KEY_REINDEX, b"1");
        } else {
            self.kv.delete(&mut batch, META, KEY_REINDEX);
        }
        self.kv.write(batch, true)
    }

    /// A named switch that outlives the process, as "prunedblockfiles".
    pub fn flag(&self, name: &str) -> Result<bool, StoreError> {
        let value = self.kv.get(META, &[PREFIX_FLAG, name.as_bytes()].concat())?;
        Ok(value.as_deref() == Some(b"1"))
    }

    /// Sets a named switch.
    pub fn set_flag(&self, name: &str, on: bool) -> Result<(), StoreError> {
        let mut batch = KvBatch::default();
        let value: &[u8] = if on { b"1" } else { b"0" };
        self.kv.put(&mut batch, META, &[PREFIX_FLAG, name.as_bytes()].concat(), value);
        self.kv.write(batch, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_files_and_flags_survive_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let options = KvOptions { cache_bytes: 2 << 20, wipe: false, compact: false };
        let record = IndexRecord {
            header: [5; 80],
            height: 7,
            status: 0x9d,
            tx_count: 3,
            file: 2,
            block_offset: 8,
            undo_offset: 4_000_000_000,
            merged: None,
        };
        let merged = IndexRecord { merged: Some((0x1c00_ffff, -5)), ..record.clone() };
        assert_eq!((record.encode().len(), merged.encode().len()), (104, 116));
        assert_eq!(IndexRecord::decode(&merged.encode()), Some(merged.clone()));
        assert_eq!(IndexRecord::decode(&merged.encode()[..115]), None);
        assert_eq!(IndexRecord::decode(&merged.encode()[..107]), None);
        let hash = BlockHash::from_byte_array([9; 32]);
        let info =
            FileInfo { blocks: 1, size: 2, undo_size: 3, height_first: 4, height_last: 5, time_first: 6, time_last: 7 };
        {
            let db = IndexDb::open(dir.path(), options).unwrap();
            db.write([(&hash, &record)], &[(0, FileInfo::default()), (256, info)], true).unwrap();
            db.set_reindexing(true).unwrap();
            db.set_flag("prunedblockfiles", true).unwrap();
        }
        let db = IndexDb::open(dir.path(), options).unwrap();
        assert_eq!(db.records().map(Result::unwrap).collect::<Vec<_>>(), [(hash, record)]);
        let files = db.files().unwrap();
        assert_eq!((files.len(), files[0], files[256]), (257, FileInfo::default(), info));
        assert!(db.reindexing().unwrap() && db.flag("prunedblockfiles").unwrap());
        db.set_reindexing(false).unwrap();
        db.set_flag("prunedblockfiles", false).unwrap();
        assert!(!db.reindexing().unwrap() && !db.flag("prunedblockfiles").unwrap());
    }
}
