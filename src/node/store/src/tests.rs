//! Block files against a plain model, against their own format, and against a disk that fails.

#[cfg(unix)]
mod lost_page;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use proptest::prelude::*;

use super::*;

const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];
const PARENT: [u8; 32] = [3; 32];

fn options(dir: &Path, fast_prune: bool) -> BlockFilesOptions {
    BlockFilesOptions { dir: dir.to_owned(), magic: MAGIC, key: XorKey::new([0xa5, 1, 2, 3, 4, 5, 6, 7]), fast_prune }
}

fn open(dir: &Path, fast_prune: bool) -> BlockFiles {
    BlockFiles::new(Arc::new(RealDisk), &options(dir, fast_prune), Vec::new())
}

#[test]
fn records_have_the_daemons_layout() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path(), false);
    let pos = files.write_block(b"a block", 0, 100).unwrap();
    assert_eq!(pos, FlatPos { file: 0, offset: 8 });
    let undo = files.write_undo(0, 0, &PARENT, b"undo").unwrap();
    assert_eq!(undo, FlatPos { file: 0, offset: 8 });
    let clear = |name: &str| {
        let mut bytes = std::fs::read(dir.path().join(name)).unwrap();
        files.key().apply(&mut bytes, 0);
        bytes
    };
    let blk = clear("blk00000.dat");
    assert_eq!(blk.len(), 16 << 20, "a whole chunk is allocated");
    assert_eq!(blk[..15], [&MAGIC[..], &7u32.to_le_bytes(), b"a block"].concat());
    let rev = clear("rev00000.dat");
    assert_eq!(rev.len(), 1 << 20);
    assert_eq!(rev[..12], [&MAGIC[..], &4u32.to_le_bytes(), b"undo"].concat());
    assert_eq!(
        files.infos()[0],
        FileInfo {
            blocks: 1,
            size: 15,
            undo_size: 44,
            height_first: 0,
            height_last: 0,
            time_first: 100,
            time_last: 100
        }
    );
}

#[test]
fn damage_is_named_not_returned() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path(), false);
    let pos = files.write_block(&[1; 50], 0, 0).unwrap();
    let undo = files.write_undo(0, 0, &PARENT, &[2; 50]).unwrap();
    assert!(matches!(files.read_undo(undo, &[4; 32]), Err(StoreError::UndoChecksum(_))));
    assert!(matches!(files.read_block(FlatPos { file: 0, offset: 3 }), Err(StoreError::NullPosition(_))));
    let shifted = FlatPos { offset: pos.offset + 1, ..pos };
    assert!(matches!(files.read_block(shifted), Err(StoreError::Magic { .. })));
    assert!(matches!(files.read_block(FlatPos { file: 9, offset: 8 }), Err(StoreError::Io { .. })));
    assert_eq!(files.read_block_part(pos, 40, 10).unwrap(), [1; 10]);
    assert!(matches!(files.read_block_part(pos, 41, 10), Err(StoreError::PartRange)));
    assert!(matches!(files.read_block_part(pos, u32::MAX, 2), Err(StoreError::PartRange)));
    assert!(matches!(files.read_block_part(pos, 0, 0), Err(StoreError::PartRange)));
}

#[test]
fn blocks_far_above_the_others_have_files_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path(), true);
    files.write_block(&[0; 100], 1, 0).unwrap();
    files.keep_apart(500);
    let write = |files: &BlockFiles, height| files.write_block(&vec![1; 30_000], height, 0).unwrap().file;
    let order = [(500, 1), (2, 0), (501, 1), (3, 0), (4, 2), (502, 3), (5, 2)];
    for (height, file) in order {
        assert_eq!(write(&files, height), file, "height {height}");
    }
    for (file, height) in [(0, 3), (2, 5), (3, 502)] {
        let undo = files.write_undo(file, height, &PARENT, b"undo").unwrap();
        assert_eq!((undo.file, files.read_undo(undo, &PARENT).unwrap()), (file, b"undo".to_vec()));
    }
    // After a start each kind goes on in its own file.
    let again = BlockFiles::new(Arc::new(RealDisk), &options(dir.path(), true), files.infos());
    again.keep_apart(500);
    assert_eq!((write(&again, 6), write(&again, 503)), (4, 3));
}

#[test]
fn full_files_are_cut_and_left() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path(), true);
    let mut places = Vec::new();
    for height in 0..10u32 {
        let pos = files.write_block(&vec![u8::try_from(height).unwrap(); 20_000], height, height).unwrap();
        files.write_undo(pos.file, height, &PARENT, &[7; 10]).unwrap();
        places.push(pos);
    }
    assert_eq!(places.iter().map(|p| p.file).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
    let len = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
    assert_eq!(len("blk00001.dat"), 3 * 20_008, "a finished file has no slack");
    assert_eq!(len("rev00001.dat"), 3 * 50);
    assert_eq!(block_file_numbers(dir.path()).unwrap(), [0, 1, 2, 3]);
    files.forget(1);
    files.unlink(&[1]).unwrap();
    assert_eq!(block_file_numbers(dir.path()).unwrap(), [0, 2, 3]);
    assert!(!files.exists(1) && files.exists(2));
    assert_eq!(files.infos()[1], FileInfo::default());
    assert!(files.read_block(places[4]).is_err());
    assert_eq!(files.read_block(places[9]).unwrap(), vec![9; 20_000]);
}

/// A disk that refuses every operation that changes it once its credit is used up.
#[derive(Debug)]
struct Failing {
    credit: AtomicI64,
}

impl Failing {
    fn pay(&self) -> io::Result<()> {
        if self.credit.fetch_sub(1, Ordering::Relaxed) > 0 { Ok(()) } else { Err(io::Error::other("injected")) }
    }
}

impl Disk for Failing {
    fn read_exact_at(&self, path: &Path, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        RealDisk.read_exact_at(path, offset, buf)
    }
    fn write_all_at(&self, path: &Path, offset: u64, data: &[u8]) -> io::Result<()> {
        self.pay().and_then(|()| RealDisk.write_all_at(path, offset, data))
    }
    fn allocate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.pay().and_then(|()| RealDisk.allocate(path, len))
    }
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.pay().and_then(|()| RealDisk.truncate(path, len))
    }
    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.pay().and_then(|()| RealDisk.sync_file(path))
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.pay().and_then(|()| RealDisk.sync_dir(dir))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pay().and_then(|()| RealDisk.remove(path))
    }
    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        RealDisk.len(path)
    }
    fn available(&self, dir: &Path) -> io::Result<u64> {
        RealDisk.available(dir)
    }
}

#[test]
fn a_failed_write_loses_nothing_and_can_be_repeated() {
    for credit in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(Failing { credit: AtomicI64::new(credit) });
        let files = BlockFiles::new(Arc::clone(&disk) as Arc<dyn Disk>, &options(dir.path(), true), Vec::new());
        let mut stored = Vec::new();
        for height in 0..8u32 {
            let body = vec![u8::try_from(height).unwrap(); 15_000];
            let Ok(pos) = files.write_block(&body, height, 0) else { break };
            stored.push((pos, body));
        }
        disk.credit.store(i64::MAX, Ordering::Relaxed);
        let again = files.write_block(b"again", 99, 0).unwrap();
        assert_eq!(files.read_block(again).unwrap(), b"again");
        for (pos, body) in stored {
            assert_eq!(files.read_block(pos).unwrap(), body, "after {credit} operations");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_was_written_is_read_across_starts(
        blocks in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..30_000), any::<bool>()), 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut files = open(dir.path(), true);
        let mut model = Vec::new();
        for (height, (body, restart)) in blocks.into_iter().enumerate() {
            let height = u32::try_from(height).unwrap();
            let pos = files.write_block(&body, height, 1000 - height).unwrap();
            let undo = files.write_undo(pos.file, height, &PARENT, &body[..body.len() / 2]).unwrap();
            model.push((pos, undo, body));
            if restart {
                files.flush().unwrap();
                let infos = files.infos();
                files = BlockFiles::new(Arc::new(RealDisk), &options(dir.path(), true), infos);
            }
        }
        for (pos, undo, body) in &model {
            prop_assert_eq!(&files.read_block(*pos).unwrap(), body);
            prop_assert_eq!(files.read_undo(*undo, &PARENT).unwrap(), &body[..body.len() / 2]);
        }
        let bytes: u64 = model.iter().map(|(_, _, b)| b.len() as u64 + 8 + b.len() as u64 / 2 + 40).sum();
        prop_assert_eq!(files.disk_usage(), bytes);
    }
}
