//! Reading blocks from files instead of from peers: `-reindex` from our own block files, `-loadblock` from any.
//!
//! A file is searched for records. What is between them, or does not decode, is passed over: block files of long-lived
//! nodes have such spots. A block whose parent is not known yet waits until that turns up.

use std::{collections::HashMap, path::Path, sync::Arc};

use bitcoin::BlockHash;
use primitives::{Block, HEADER_SIZE};
use store::{FlatPos, RECORD_HEADER, StoreError, block_file_numbers};

use crate::{Arrival, Engine, Fatal, LoadError, shared::read};

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Blocks that were new and are stored now.
    pub blocks: u64,
    /// It ended early because the program is stopping.
    pub interrupted: bool,
}

/// Blocks whose parent was not known when they were met, by that parent.
type Waiting = HashMap<BlockHash, Vec<FlatPos>>;

impl Engine {
    /// Whether the index is being built from the block files, now or since an earlier run that was stopped.
    pub fn reindexing(&self) -> Result<bool, Fatal> {
        Ok(self.index_db.reindexing()?)
    }

    /// Builds the index from the block files.
    pub fn reindex(&mut self) -> Result<Imported, LoadError> {
        let dir = self.shared.files.block_path(0).parent().map(Path::to_owned).unwrap_or_default();
        if self.options.prune_target.is_some() && !self.index_db.reindexing()? {
            remove_unusable(&dir)?;
        }
        self.index_db.set_reindexing(true)?;
        // A gap ends the sequence: what is behind it was left by somebody else.
        let numbers = block_file_numbers(&dir)?;
        let files: Vec<u32> = (0u32..).zip(numbers).take_while(|(n, found)| n == found).map(|(n, _)| n).collect();
        let mut done = Imported::default();
        let mut waiting = Waiting::new();
        for file in &files {
            tracing::info!(
                "Reindexing block file blk{file:05}.dat ({}% complete)...",
                usize::try_from(*file).unwrap_or(0) * 100 / files.len()
            );
            let path = self.shared.files.block_path(*file);
            self.import(&path, Some(*file), &mut waiting, &mut done)?;
            if done.interrupted {
                tracing::info!("Interrupt requested. Exit reindexing.");
                return Ok(done);
            }
        }
        self.index_db.set_reindexing(false)?;
        tracing::info!("Reindexing finished");
        Ok(done)
    }

    /// Takes the blocks of a file into our own files (`-loadblock`).
    pub fn load_blocks(&mut self, path: &Path) -> Result<Imported, LoadError> {
        tracing::info!("Importing blocks file {}...", path.display());
        let mut done = Imported::default();
        self.import(path, None, &mut Waiting::new(), &mut done)?;
        Ok(done)
    }

    /// Reads one file. `own` is its number if it is one of ours; then the blocks stay where they are.
    fn import(
        &mut self,
        path: &Path,
        own: Option<u32>,
        waiting: &mut Waiting,
        done: &mut Imported,
    ) -> Result<(), LoadError> {
        let before = done.blocks;
        let mut bytes =
            std::fs::read(path).map_err(|source| StoreError::Io { action: "read", path: path.to_owned(), source })?;
        if own.is_some() {
            self.shared.files.key().apply(&mut bytes, 0);
        }
        let magic = self.shared.files.magic();
        let header_len = RECORD_HEADER as usize;
        let mut at = 0;
        while let Some(found) = find(&bytes[at..], magic) {
            if self.interrupted() {
                done.interrupted = true;
                return Ok(());
            }
            let start = at + found + header_len;
            at += found + 1;
            let Some(size) = bytes.get(start - 4..start) else { break };
            let size = u32::from_le_bytes(size.try_into().expect("four bytes")) as usize;
            let Some(record) = bytes.get(start..start.saturating_add(size)).filter(|r| r.len() >= HEADER_SIZE) else {
                continue;
            };
            let Ok(header) = self.shared.codec.read_header(&mut primitives::Reader::new(record)) else { continue };
            let pos = own.and_then(|file| Some(FlatPos { file, offset: u32::try_from(start).ok()? }));
            at = start + size; // a record that reads as a header is passed as a whole
            let hash = header.hash();
            let (known, parent_known) = {
                let tree = read(&self.shared.tree);
                let known = tree.find(&hash).is_some_and(|id| tree[id].has_data());
                (known, hash == self.shared.params.genesis_hash() || tree.find(&header.prev()).is_some())
            };
            if known {
                continue;
            }
            if !parent_known {
                tracing::debug!(target: "reindex", "LoadExternalBlockFile: Out of order block {hash}, parent {} not known", header.prev());
                if let Some(pos) = pos {
                    waiting.entry(header.prev()).or_default().push(pos);
                }
                continue;
            }
            match self.shared.codec.decode_block(record) {
                Ok(block) => self.import_block(Arc::new(block), pos, waiting, done)?,
                Err(e) => {
                    at = start;
                    tracing::debug!(target: "reindex", "LoadExternalBlockFile: unexpected data at file offset {start:#x} - {e}. continuing");
                }
            }
        }
        tracing::info!("Loaded {} blocks from external file", done.blocks - before);
        Ok(())
    }

    /// Takes a block and those that waited for it.
    fn import_block(
        &mut self,
        block: Arc<Block>,
        pos: Option<FlatPos>,
        waiting: &mut Waiting,
        done: &mut Imported,
    ) -> Result<(), LoadError> {
        let mut queue = vec![(block, pos)];
        while let Some((block, pos)) = queue.pop() {
            let hash = block.header.hash();
            if hash == self.shared.params.genesis_hash() {
                self.take_genesis(&block, pos)?;
            } else {
                let arrival = Arrival { stored_at: pos, ..Arrival::SUBMITTED };
                if self.accept_block(&block, arrival)?.is_err() {
                    continue;
                }
            }
            done.blocks += 1;
            for child in waiting.remove(&hash).unwrap_or_default() {
                if let Ok(block) = self.shared.read_block(child) {
                    tracing::debug!(target: "reindex", "LoadExternalBlockFile: Processing out of order child {} of {hash}", block.header.hash());
                    queue.push((Arc::new(block), Some(child)));
                }
            }
        }
        Ok(())
    }
}

/// A pruned node cannot use what is behind a gap, nor any undo data: it fetches the blocks again.
fn remove_unusable(dir: &Path) -> Result<(), StoreError> {
    tracing::info!("Removing unusable blk?????.dat and rev?????.dat files for -reindex with -prune");
    let io = |action, path: &Path, source| StoreError::Io { action, path: path.to_owned(), source };
    let numbers = block_file_numbers(dir)?;
    let usable = (0u32..).zip(&numbers).take_while(|(n, found)| n == *found).count();
    for number in &numbers[usable..] {
        let path = dir.join(format!("blk{number:05}.dat"));
        std::fs::remove_file(&path).map_err(|e| io("remove", &path, e))?;
    }
    for entry in std::fs::read_dir(dir).map_err(|e| io("read", dir, e))? {
        let path = entry.map_err(|e| io("read", dir, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_prefix("rev").and_then(|name| name.strip_suffix(".dat"));
        if digits.is_some_and(|digits| digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit())) {
            std::fs::remove_file(&path).map_err(|e| io("remove", &path, e))?;
        }
    }
    Ok(())
}

/// Where the magic begins next.
fn find(bytes: &[u8], magic: [u8; 4]) -> Option<usize> {
    let mut from = 0;
    loop {
        let hit = from + bytes.get(from..)?.iter().position(|b| *b == magic[0])?;
        if bytes[hit..].starts_with(&magic) {
            return Some(hit);
        }
        from = hit + 1;
    }
}
