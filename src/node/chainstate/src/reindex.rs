//! Reading blocks from files instead of from peers: `-reindex` from our own block files, `-loadblock` from any.
//!
//! A file is searched for blocks (see [`crate::scan`]). One whose parent is not known yet waits until that turns up.

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    sync::{Arc, mpsc::sync_channel},
};

use bitcoin::BlockHash;
use primitives::Block;
use store::{FlatPos, StoreError, XorKey, block_file_numbers};

use crate::{
    Arrival, Engine, Fatal, LoadError,
    scan::{self, Scan},
    shared::read,
};

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
        let io = |source| StoreError::Io { action: "read", path: path.to_owned(), source };
        let files = &self.shared.files;
        let scan = Scan {
            file: File::open(path).map_err(io)?,
            key: own.map_or_else(XorKey::default, |_| files.key()),
            magic: files.magic(),
            codec: self.shared.codec,
        };
        let (sender, found) = sync_channel(scan::AHEAD);
        let reader = platform::thread::spawn("blkscan", move || scan.run(&sender)).map_err(io)?;
        while let Ok((offset, block)) = found.recv() {
            if self.interrupted() {
                done.interrupted = true;
                break;
            }
            let pos = own.and_then(|file| Some(FlatPos { file, offset: u32::try_from(offset).ok()? }));
            self.import_found(block, pos, waiting, done)?;
        }
        drop(found); // if there is more, nobody takes it
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(io)?;
        if !done.interrupted {
            tracing::info!("Loaded {} blocks from external file", done.blocks - before);
        }
        Ok(())
    }

    /// Takes a block that was found, unless it is known, or has to wait for its parent.
    fn import_found(
        &mut self,
        block: Block,
        pos: Option<FlatPos>,
        waiting: &mut Waiting,
        done: &mut Imported,
    ) -> Result<(), LoadError> {
        let (hash, prev) = (block.header.hash(), block.header.prev());
        let (known, parent_known) = {
            let tree = read(&self.shared.tree);
            let known = tree.find(&hash).is_some_and(|id| tree[id].has_data());
            (known, hash == self.shared.params.genesis_hash() || tree.find(&prev).is_some())
        };
        if known {
            return Ok(());
        }
        if parent_known {
            return self.import_block(Arc::new(block), pos, waiting, done);
        }
        tracing::debug!(target: "reindex", "LoadExternalBlockFile: Out of order block {hash}, parent {prev} not known");
        if let Some(pos) = pos {
            waiting.entry(prev).or_default().push(pos);
        }
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
