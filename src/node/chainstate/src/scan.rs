//! The blocks in a file, read and decoded on a thread of their own while those before them are taken in.
//!
//! A file is searched for records. What is between them, or does not decode, is passed over: block files of long-lived
//! nodes have such spots. A file may be larger than the memory, so a part of it is there at a time.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::mpsc::SyncSender;

use primitives::{Block, Codec, HEADER_SIZE, Reader};
use store::{RECORD_HEADER, XorKey};

/// So much is read at a time, if a record does not need more.
const CHUNK: usize = 1 << 20;
/// No block of any chain is larger.
const MOST_BYTES: usize = 32 << 20;
/// Blocks that wait to be taken at most.
pub(crate) const AHEAD: usize = 16;

/// A block and where it begins.
pub(crate) type Found = (u64, Block);

/// A file of blocks and how it is read.
pub(crate) struct Scan {
    pub(crate) file: File,
    pub(crate) key: XorKey,
    pub(crate) magic: [u8; 4],
    pub(crate) codec: Codec,
}

impl Scan {
    /// Hands over the blocks of the file in their order, until all are found or nobody takes them any longer.
    pub(crate) fn run(self, found: &SyncSender<Found>) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        let mut window = Window { file: self.file, key: self.key, bytes: Vec::new(), start: 0 };
        let head = RECORD_HEADER as usize;
        let mut at = 0;
        loop {
            let bytes = window.from(at, head)?;
            let Some(skip) = find(bytes, self.magic) else {
                if bytes.len() < head {
                    return Ok(());
                }
                // The magic may begin with the last bytes of what is there.
                at += (bytes.len() - (self.magic.len() - 1)) as u64;
                continue;
            };
            let record = at + skip as u64;
            at = record + 1;
            let Some(size) = window.from(record, head)?.get(head - 4..head) else { return Ok(()) };
            let size = u32::from_le_bytes(size.try_into().expect("four bytes")) as usize;
            let block_at = record + head as u64;
            if !(HEADER_SIZE..=MOST_BYTES).contains(&size) || block_at + size as u64 > len {
                continue;
            }
            let Some(bytes) = window.from(record, head + size)?.get(head..head + size) else { continue };
            if self.codec.read_header(&mut Reader::new(bytes)).is_err() {
                continue;
            }
            // A record that reads as a block is passed as a whole.
            match self.codec.decode_block(bytes) {
                Ok(block) => {
                    at = block_at + size as u64;
                    if found.send((block_at, block)).is_err() {
                        return Ok(());
                    }
                }
                Err(e) => {
                    at = block_at;
                    tracing::debug!(target: "reindex", "LoadExternalBlockFile: unexpected data at file offset {block_at:#x} - {e}. continuing");
                }
            }
        }
    }
}

/// The part of a file that is in memory. It only moves forward.
struct Window {
    file: File,
    key: XorKey,
    bytes: Vec<u8>,
    /// Where in the file they begin.
    start: u64,
}

impl Window {
    /// What is there from `offset` on: so many bytes, or more, or all that the file still has.
    fn from(&mut self, offset: u64, least: usize) -> io::Result<&[u8]> {
        let skip = usize::try_from(offset - self.start).unwrap_or(usize::MAX).min(self.bytes.len());
        if self.bytes.len() - skip >= least {
            return Ok(&self.bytes[skip..]);
        }
        self.bytes.drain(..skip);
        self.start = offset;
        let before = self.bytes.len();
        let more = least.max(CHUNK) - before;
        (&mut self.file).take(more as u64).read_to_end(&mut self.bytes)?;
        self.key.apply(&mut self.bytes[before..], self.start + before as u64);
        Ok(&self.bytes)
    }
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

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};
    use std::sync::mpsc::sync_channel;

    use primitives::{WitnessMode, genesis_block};

    use super::*;

    const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

    fn record(size: u32, content: &[u8]) -> Vec<u8> {
        [&MAGIC[..], &size.to_le_bytes(), content].concat()
    }

    /// Where blocks are found in a file, read with each of two keys.
    fn found_in(content: &[u8], codec: Codec) -> Vec<u64> {
        let [plain, mixed] = [XorKey::default(), XorKey::new([1, 2, 3, 4, 5, 6, 7, 8])].map(|key| {
            let mut content = content.to_vec();
            key.apply(&mut content, 0);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&content).unwrap();
            file.rewind().unwrap();
            let (sender, found) = sync_channel(1000);
            Scan { file, key, magic: MAGIC, codec }.run(&sender).unwrap();
            drop(sender);
            found.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        });
        assert_eq!(plain, mixed);
        plain
    }

    #[test]
    fn blocks_are_found_between_whatever_else_is_there() {
        let coin = coin::by_id("bitcoin").unwrap();
        let codec = Codec::for_coin(coin);
        let block = genesis_block(coin.chain(coin::ChainKind::Regtest).unwrap()).to_bytes(WitnessMode::Include);
        let size = u32::try_from(block.len()).unwrap();
        let whole = record(size, &block);
        assert_eq!(found_in(&[], codec), []);
        assert_eq!(found_in(&whole, codec), [8]);
        assert_eq!(found_in(&whole[..whole.len() - 1], codec), [], "cut off");
        assert_eq!(found_in(&whole.repeat(3), codec), [0, 1, 2].map(|n| 8 + n * whole.len() as u64));
        // A record that says it is longer than anything, or than the file; one that hides another in its body.
        let lies = [record(u32::MAX, &[]), record(size + 1, &[]), record(90, &block[..90])].concat();
        assert_eq!(found_in(&[&lies[..], &whole].concat(), codec), [lies.len() as u64 + 8]);
        // Across the end of what is read at a time, at every place of the record's head and a few of its body.
        for before in (CHUNK - 20..CHUNK + 20).chain([CHUNK - whole.len(), 3 * CHUNK - 100]) {
            let mut content = vec![0; before];
            content.extend_from_slice(&whole);
            content.extend_from_slice(&MAGIC[..3]);
            content.extend_from_slice(&whole);
            let second = before + whole.len() + 3;
            assert_eq!(found_in(&content, codec), [before as u64 + 8, second as u64 + 8], "{before}");
        }
    }

    #[test]
    fn nobody_is_waited_for() {
        let coin = coin::by_id("bitcoin").unwrap();
        let block = genesis_block(coin.chain(coin::ChainKind::Regtest).unwrap()).to_bytes(WitnessMode::Include);
        let whole = record(u32::try_from(block.len()).unwrap(), &block);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&whole.repeat(10)).unwrap();
        file.rewind().unwrap();
        let (sender, found) = sync_channel(1);
        let scan = Scan { file, key: XorKey::default(), magic: MAGIC, codec: Codec::for_coin(coin) };
        let thread = std::thread::spawn(move || scan.run(&sender));
        assert_eq!(found.recv().unwrap().0, 8);
        drop(found);
        thread.join().unwrap().unwrap();
    }
}
