//! A disk that dies in the middle of something: whatever was being written, the next start ends at the same coins.
//!
//! The block files go through a disk that counts its operations and dies at one of them: that one fails, a write after its
//! first half, and so does everything after it. Then the process is gone, with what it had in memory, and a new one starts
//! on what is left.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bitcoin::OutPoint;
use primitives::Block;
use store::{Disk, RealDisk};

use super::lab::{Lab, split};
use crate::{Arrival, Fatal, FlushMode};

/// Dies when the count has come down to zero.
#[derive(Debug)]
pub(super) struct MortalDisk(AtomicI64);

impl MortalDisk {
    pub(super) fn dying_at(operation: i64) -> Self {
        Self(AtomicI64::new(operation))
    }

    fn is_dead(&self) -> bool {
        self.0.load(Ordering::Relaxed) <= 0
    }

    fn live(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) > 0 { Ok(()) } else { Err(io::Error::other("the disk is dead")) }
    }
}

impl Disk for MortalDisk {
    fn read_exact_at(&self, path: &Path, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if self.is_dead() {
            return Err(io::Error::other("the disk is dead"));
        }
        RealDisk.read_exact_at(path, offset, buf)
    }

    fn write_all_at(&self, path: &Path, offset: u64, data: &[u8]) -> io::Result<()> {
        let was_dead = self.is_dead();
        self.live().or_else(|e| {
            if !was_dead {
                RealDisk.write_all_at(path, offset, &data[..data.len() / 2])?;
            }
            Err(e)
        })?;
        RealDisk.write_all_at(path, offset, data)
    }

    fn allocate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.live()?;
        RealDisk.allocate(path, len)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.live()?;
        RealDisk.truncate(path, len)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.live()?;
        RealDisk.sync_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.live()?;
        RealDisk.sync_dir(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.live()?;
        RealDisk.remove(path)
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        RealDisk.len(path)
    }

    fn available(&self, dir: &Path) -> io::Result<u64> {
        RealDisk.available(dir)
    }
}

/// Blocks with spends, and a branch that loses to a longer one.
fn story() -> Vec<Arc<Block>> {
    let mut lab = Lab::new();
    let mut blocks = lab.mine(101);
    let from = |block: &Block| OutPoint { txid: block.txs[0].txid(), vout: 0 };
    let first = split(from(&blocks[0]), 5_000_000_000);
    let base = lab.tip();
    let losing = lab.block(base, vec![first.clone()], 1, 0);
    lab.submit(&losing).0.unwrap();
    blocks.push(losing);
    let mut parent = base;
    for salt in 2..6 {
        let spends = if salt == 3 { vec![first.clone()] } else { Vec::new() };
        let block = lab.block(parent, spends, salt, 0);
        lab.submit(&block).0.unwrap();
        parent = block.hash();
        blocks.push(block);
    }
    blocks
}

/// Hands in every block, with flushes in between, until the disk dies or all is done.
fn play(lab: &mut Lab, blocks: &[Arc<Block>]) -> Result<(), Fatal> {
    for (n, block) in blocks.iter().enumerate() {
        // What is there already, or lost its way, changes nothing.
        let _ = lab.engine().accept_block(block, Arrival::SUBMITTED)?;
        lab.engine().activate()?;
        if n % 23 == 7 {
            lab.engine().flush(if n % 2 == 0 { FlushMode::Sync } else { FlushMode::Empty })?;
        }
    }
    lab.engine().flush(FlushMode::Sync)
}

/// Dies again and again, each time at another operation, and ends where a run that was left alone ends.
fn survives(seed: i64, deaths: i64) {
    let blocks = story();
    let mut calm = Lab::new();
    play(&mut calm, &blocks).unwrap();
    let (tip, coins) = (calm.tip(), calm.coins());
    for death in 0..deaths {
        // A step that shares no factor with the number of operations visits all of them.
        let operation = 1 + (seed + death * 37) % 320;
        let mut lab = Lab::new();
        lab.stop();
        lab.disk = Arc::new(MortalDisk::dying_at(operation));
        let died = match lab.open(false, false) {
            Ok(()) => play(&mut lab, &blocks).is_err(),
            Err(_) => true,
        };
        lab.disk = Arc::new(RealDisk);
        lab.abandon();
        lab.open(false, false).unwrap_or_else(|e| panic!("no start after operation {operation} ({died}): {e}"));
        play(&mut lab, &blocks).unwrap();
        assert_eq!((lab.tip(), &lab.coins()), (tip, &coins), "after operation {operation}");
        lab.restart();
        assert_eq!((lab.tip(), &lab.coins()), (tip, &coins), "after operation {operation} and a restart");
    }
}

#[test]
fn a_disk_that_dies_loses_nothing() {
    survives(5, 8);
}

#[test]
#[ignore = "slow: 200 deaths"]
fn a_disk_that_dies_two_hundred_times_loses_nothing() {
    survives(11, 200);
}
