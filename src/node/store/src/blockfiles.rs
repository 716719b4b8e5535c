//! The append-only archive: blocks in `blk?????.dat`, undo data beside them in `rev?????.dat`.
//!
//! A record is the chain's magic, a length, and the bytes; an undo record ends with a checksum over the hash of the
//! block's parent and the undo bytes. A position names the first byte behind the length. Everything is XORed with the
//! directory's key. The layout is Bitcoin Core's, so a directory written by either program can be read by the other.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bitcoin::hashes::{Hash, HashEngine, sha256d};

use crate::{Disk, FileInfo, FlatPos, StoreError, XorKey, flat::FlatFiles, xor};

/// Magic and length in front of each record.
pub const RECORD_HEADER: u32 = 8;
/// What an undo record takes beyond its bytes.
const UNDO_OVERHEAD: u32 = RECORD_HEADER + 32;
/// No record is longer: the largest thing that the wire format can express.
const MAX_RECORD: u32 = 32 * 1024 * 1024;
const MAX_FILE: u32 = 128 * 1024 * 1024;
/// `-fastprune` makes small files, so that tests reach pruning soon.
const FASTPRUNE_FILE: u32 = 64 * 1024;
const BLOCK_CHUNK: u32 = 16 * 1024 * 1024;
const UNDO_CHUNK: u32 = 1024 * 1024;

/// How a block directory is used.
#[derive(Debug, Clone)]
pub struct BlockFilesOptions {
    /// The directory, `<datadir>/<chain>/blocks` or what `-blocksdir` says.
    pub dir: PathBuf,
    /// The chain's magic.
    pub magic: [u8; 4],
    /// The directory's key, from [`blocks_key`](crate::blocks_key).
    pub key: XorKey,
    /// `-fastprune`.
    pub fast_prune: bool,
}

/// A file that blocks are appended to.
#[derive(Debug, Default, Clone, Copy)]
struct Filling {
    file: u32,
    /// The highest block in that file whose undo data are written.
    undo_height: u32,
}

/// What changes with each block, behind one lock; reads never take it.
#[derive(Debug, Default)]
struct Cursor {
    infos: Vec<FileInfo>,
    /// Blocks from this height on are kept apart from those below, which come later: else one file would hold blocks of
    /// very different heights, and could not be pruned.
    apart: Option<u32>,
    /// The files being filled: that of the blocks below that height, and that of the others.
    filling: [Option<Filling>; 2],
    dirty: BTreeSet<u32>,
}

impl Cursor {
    /// Which of the files being filled is for blocks of a height.
    fn lane(&self, height: u32) -> usize {
        usize::from(self.apart.is_some_and(|apart| height >= apart))
    }

    /// The file for blocks of a height; a new one if none is being filled.
    fn filled(&mut self, height: u32) -> &mut Filling {
        let (lane, next) = (self.lane(height), self.infos.len());
        self.filling[lane].get_or_insert_with(|| Filling { file: file_number(next), undo_height: 0 })
    }

    /// Goes on with the files whose last blocks were on either side.
    fn resume(&mut self) {
        self.filling = [None, None];
        for (number, info) in self.infos.iter().enumerate().filter(|(_, info)| info.size > 0) {
            let lane = self.lane(info.height_last);
            self.filling[lane] = Some(Filling { file: file_number(number), undo_height: 0 });
        }
    }
}

/// The block and undo files of one chain.
#[derive(Debug)]
pub struct BlockFiles {
    disk: Arc<dyn Disk>,
    blocks: FlatFiles,
    undo: FlatFiles,
    magic: [u8; 4],
    key: XorKey,
    fast_prune: bool,
    cursor: Mutex<Cursor>,
}

impl BlockFiles {
    /// The files of a directory with what the database remembers of its files.
    pub fn new(disk: Arc<dyn Disk>, options: &BlockFilesOptions, infos: Vec<FileInfo>) -> Self {
        let last = Filling { file: file_number(infos.len().saturating_sub(1)), undo_height: 0 };
        let cursor = Cursor { infos, filling: [Some(last), None], ..Cursor::default() };
        Self {
            disk,
            blocks: FlatFiles::new(&options.dir, "blk", if options.fast_prune { 0x4000 } else { BLOCK_CHUNK }),
            undo: FlatFiles::new(&options.dir, "rev", UNDO_CHUNK),
            magic: options.magic,
            key: options.key,
            fast_prune: options.fast_prune,
            cursor: Mutex::new(cursor),
        }
    }

    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        // The cursor holds plain numbers that are changed after the write that they describe.
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps blocks from `height` on in files of their own, because those below it come later.
    pub fn keep_apart(&self, height: u32) {
        let mut cursor = self.cursor();
        cursor.apart = Some(height);
        cursor.resume();
    }

    /// The path of a block file.
    pub fn block_path(&self, file: u32) -> PathBuf {
        self.blocks.path(file)
    }

    /// Appends a block and says where it went.
    pub fn write_block(&self, block: &[u8], height: u32, time: u32) -> Result<FlatPos, StoreError> {
        let len = record_len(block)?;
        let mut cursor = self.cursor();
        let start = self.claim(&mut cursor, len + RECORD_HEADER, height)?;
        self.append(&self.blocks, start, block, None)?;
        let info = &mut cursor.infos[index(start.file)];
        info.add(height, time);
        info.size = start.offset + len + RECORD_HEADER;
        cursor.dirty.insert(start.file);
        Ok(FlatPos { file: start.file, offset: start.offset + RECORD_HEADER })
    }

    /// Takes note of a block that is in a file already (`-reindex`).
    pub fn note_block(&self, pos: FlatPos, len: u32, height: u32, time: u32) {
        let mut cursor = self.cursor();
        grow(&mut cursor.infos, pos.file);
        let info = &mut cursor.infos[index(pos.file)];
        info.size = info.size.max(pos.offset + len);
        info.add(height, time);
        let filling = cursor.filled(height);
        filling.file = filling.file.max(pos.file);
        cursor.dirty.insert(pos.file);
    }

    /// Finds room for `add` bytes, leaving a full file for the next one.
    fn claim(&self, cursor: &mut Cursor, add: u32, height: u32) -> Result<FlatPos, StoreError> {
        let limit = if self.fast_prune { FASTPRUNE_FILE.max(add + 1) } else { MAX_FILE };
        let Filling { mut file, undo_height } = *cursor.filled(height);
        grow(&mut cursor.infos, file);
        let full = cursor.infos[index(file)];
        if full.size + add >= limit {
            let left = file;
            file = file_number(cursor.infos.len());
            grow(&mut cursor.infos, file);
            *cursor.filled(height) = Filling { file, undo_height: 0 };
            tracing::debug!(target: "blockstorage", "Leaving block file {left}: {full:?} (onto {file}) (height {height})");
            // When undo data lag behind, the file is finished by the write of its last undo record.
            let undo_done = full.height_last == undo_height;
            if let Err(e) = self.flush_file(left, full, true, undo_done) {
                tracing::warn!(
                    "Failed to flush previous block file {left:05} (finalize=1, finalize_undo={}) before opening new block file {:05}: {e}",
                    u8::from(undo_done),
                    file
                );
            }
        }
        let pos = FlatPos { file, offset: cursor.infos[index(file)].size };
        self.blocks.allocate(&*self.disk, pos, add)?;
        Ok(pos)
    }

    fn append(&self, files: &FlatFiles, start: FlatPos, body: &[u8], tail: Option<[u8; 32]>) -> Result<(), StoreError> {
        let len = record_len(body)?;
        let mut record = Vec::with_capacity(body.len() + UNDO_OVERHEAD as usize);
        record.extend_from_slice(&self.magic);
        record.extend_from_slice(&len.to_le_bytes());
        record.extend_from_slice(body);
        record.extend_from_slice(tail.as_ref().map_or(&[], |t| &t[..]));
        self.key.apply(&mut record, u64::from(start.offset));
        let path = files.path(start.file);
        self.disk.write_all_at(&path, u64::from(start.offset), &record).map_err(StoreError::io("write", path))
    }

    /// Reads the bytes of the block at `pos`.
    pub fn read_block(&self, pos: FlatPos) -> Result<Vec<u8>, StoreError> {
        let len = self.record_at(&self.blocks, pos)?;
        self.read_at(&self.blocks, pos, len)
    }

    /// Reads `size` bytes from `offset` within the block at `pos`.
    pub fn read_block_part(&self, pos: FlatPos, offset: u32, size: u32) -> Result<Vec<u8>, StoreError> {
        let len = self.record_at(&self.blocks, pos)?;
        if size == 0 || offset.checked_add(size).is_none_or(|end| end > len) {
            return Err(StoreError::PartRange);
        }
        self.read_at(&self.blocks, FlatPos { file: pos.file, offset: pos.offset + offset }, size)
    }

    /// Writes the undo bytes of the block at `height` into the undo file beside its block file.
    pub fn write_undo(&self, file: u32, height: u32, parent: &[u8; 32], undo: &[u8]) -> Result<FlatPos, StoreError> {
        let len = record_len(undo)?;
        let mut cursor = self.cursor();
        grow(&mut cursor.infos, file);
        let start = FlatPos { file, offset: cursor.infos[index(file)].undo_size };
        self.undo.allocate(&*self.disk, start, len + UNDO_OVERHEAD)?;
        self.append(&self.undo, start, undo, Some(undo_checksum(parent, undo)))?;
        let info = &mut cursor.infos[index(file)];
        info.undo_size = start.offset + len + UNDO_OVERHEAD;
        let info = *info;
        cursor.dirty.insert(file);
        if let Some(filling) = cursor.filling.iter_mut().flatten().find(|filling| filling.file == file) {
            filling.undo_height = filling.undo_height.max(height);
        } else if height == info.height_last
            && let Err(e) = self.undo.flush(&*self.disk, FlatPos { file, offset: info.undo_size }, true)
        {
            tracing::warn!("Failed to flush undo file {file:05}: {e}");
        }
        Ok(FlatPos { file, offset: start.offset + RECORD_HEADER })
    }

    /// Reads the undo bytes at `pos` and proves that they belong to a child of `parent`.
    pub fn read_undo(&self, pos: FlatPos, parent: &[u8; 32]) -> Result<Vec<u8>, StoreError> {
        let len = self.record_at(&self.undo, pos)?;
        let mut bytes = self.read_at(&self.undo, pos, len + 32)?;
        let stored = bytes.split_off(len as usize);
        if stored != undo_checksum(parent, &bytes) {
            return Err(StoreError::UndoChecksum(pos));
        }
        Ok(bytes)
    }

    /// The length of the record at `pos`, from the header in front of it.
    fn record_at(&self, files: &FlatFiles, pos: FlatPos) -> Result<u32, StoreError> {
        let Some(offset) = pos.offset.checked_sub(RECORD_HEADER) else { return Err(StoreError::NullPosition(pos)) };
        let head = self.read_at(files, FlatPos { file: pos.file, offset }, RECORD_HEADER)?;
        let (magic, len) = head.split_at(4);
        if magic != self.magic {
            return Err(StoreError::Magic { pos, found: xor::hex(magic), expected: xor::hex(&self.magic) });
        }
        let size = u32::from_le_bytes(len.try_into().expect("four bytes are left"));
        if size > MAX_RECORD {
            return Err(StoreError::TooLarge { pos, size, max: MAX_RECORD });
        }
        Ok(size)
    }

    fn read_at(&self, files: &FlatFiles, pos: FlatPos, len: u32) -> Result<Vec<u8>, StoreError> {
        let mut buf = vec![0; len as usize];
        let path = files.path(pos.file);
        self.disk.read_exact_at(&path, u64::from(pos.offset), &mut buf).map_err(StoreError::io("read", path))?;
        self.key.apply(&mut buf, u64::from(pos.offset));
        Ok(buf)
    }

    /// Makes everything written so far durable, before the index that points to it is.
    pub fn flush(&self) -> Result<(), StoreError> {
        let cursor = self.cursor();
        for &file in &cursor.dirty {
            self.flush_file(file, cursor.infos[index(file)], false, false)?;
        }
        Ok(())
    }

    fn flush_file(&self, file: u32, info: FileInfo, finalize: bool, finalize_undo: bool) -> Result<(), StoreError> {
        self.blocks.flush(&*self.disk, FlatPos { file, offset: info.size }, finalize)?;
        if info.size > 0 && info.undo_size == 0 {
            // Every block file has one beside it, even if nothing in it can be undone.
            self.undo.touch(&*self.disk, file)?;
        }
        self.undo.flush(&*self.disk, FlatPos { file, offset: info.undo_size }, finalize_undo)
    }

    /// What must be stored with the index: the changed files' statistics. The marks are cleared.
    pub fn take_dirty(&self) -> Vec<(u32, FileInfo)> {
        let mut cursor = self.cursor();
        let dirty = std::mem::take(&mut cursor.dirty);
        dirty.into_iter().map(|file| (file, cursor.infos[index(file)])).collect()
    }

    /// The statistics of every file.
    pub fn infos(&self) -> Vec<FileInfo> {
        self.cursor().infos.clone()
    }

    /// Bytes used by all block and undo files.
    pub fn disk_usage(&self) -> u64 {
        self.cursor().infos.iter().map(FileInfo::disk_size).sum()
    }

    /// Forgets a pruned file's contents; `unlink` removes it once the index no longer names it.
    pub fn forget(&self, file: u32) {
        let mut cursor = self.cursor();
        if let Some(info) = cursor.infos.get_mut(index(file)) {
            *info = FileInfo::default();
            cursor.dirty.insert(file);
        }
    }

    /// Removes the block and undo files of these numbers.
    pub fn unlink(&self, files: &[u32]) -> Result<(), StoreError> {
        for &file in files {
            for path in [self.blocks.path(file), self.undo.path(file)] {
                self.disk.remove(&path).map_err(StoreError::io("remove", path))?;
            }
            tracing::debug!(target: "blockstorage", "Prune: deleted blk/rev ({file:05})");
        }
        Ok(())
    }

    /// Whether the block file of this number exists.
    pub fn exists(&self, file: u32) -> bool {
        self.disk.len(&self.blocks.path(file)).ok().flatten().is_some()
    }

    /// The key in use, for those who read the files in bulk (`-reindex`, REST).
    pub fn key(&self) -> XorKey {
        self.key
    }

    /// The chain's magic in front of each record.
    pub fn magic(&self) -> [u8; 4] {
        self.magic
    }
}

fn undo_checksum(parent: &[u8; 32], undo: &[u8]) -> [u8; 32] {
    let mut engine = sha256d::Hash::engine();
    engine.input(parent);
    engine.input(undo);
    sha256d::Hash::from_engine(engine).to_byte_array()
}

fn record_len(body: &[u8]) -> Result<u32, StoreError> {
    u32::try_from(body.len()).ok().filter(|len| *len <= MAX_RECORD).ok_or(StoreError::TooLarge {
        pos: FlatPos::default(),
        size: u32::MAX,
        max: MAX_RECORD,
    })
}

fn grow(infos: &mut Vec<FileInfo>, file: u32) {
    if infos.len() <= index(file) {
        infos.resize(index(file) + 1, FileInfo::default());
    }
}

fn file_number(index: usize) -> u32 {
    u32::try_from(index).expect("file numbers are 32 bits wide")
}

fn index(file: u32) -> usize {
    file as usize
}

/// The block files in a directory, by number, as `-reindex` finds them.
pub fn block_file_numbers(dir: &Path) -> Result<Vec<u32>, StoreError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(StoreError::io("list", dir))? {
        let name = entry.map_err(StoreError::io("list", dir))?.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix("blk")?.strip_suffix(".dat")?.parse::<u32>().ok());
        files.extend(number);
    }
    files.sort_unstable();
    Ok(files)
}
