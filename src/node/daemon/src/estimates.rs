//! Where fee estimates are kept over a restart: read at start unless they are old, written every hour and at the end.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use mempool::{FeeEstimator, Health, Mempool};
use tracing::{debug, info, warn};

/// How often they are written.
pub(crate) const FLUSH_PERIOD: Duration = Duration::from_hours(1);
/// Older files say nothing about what to pay today.
const MAX_AGE_HOURS: u64 = 60;
const DIRECTORY: &str = "fees";

/// The two files.
#[derive(Clone, Debug)]
pub(crate) struct EstimateFiles {
    blocks: PathBuf,
    pool: PathBuf,
}

impl EstimateFiles {
    /// Those of this data directory. A file from before there were two moves to its new place.
    pub(crate) fn of(net_dir: &Path) -> Self {
        let directory = net_dir.join(DIRECTORY);
        let files = Self {
            blocks: directory.join("block_policy_estimates.dat"),
            pool: directory.join("mempool_policy_estimator.dat"),
        };
        files.take_over(&net_dir.join("fee_estimates.dat"));
        files
    }

    fn take_over(&self, old: &Path) {
        if !old.exists() {
            return;
        }
        let (from, to) = (old.display(), self.blocks.display());
        if self.blocks.exists() {
            match std::fs::remove_file(old) {
                Ok(()) => info!("Removed legacy fee estimates file {from}."),
                Err(e) => warn!("Failed to remove legacy fee estimates file {from}: {e}. Continuing anyway."),
            }
            return;
        }
        match make_parent(&self.blocks).and_then(|()| std::fs::rename(old, &self.blocks)) {
            Ok(()) => info!("Migrated fee estimates from {from} to {to}."),
            Err(e) => {
                warn!("Failed to migrate fee estimates from {from} to {to}: {e}. Continuing with fresh estimates.");
            }
        }
    }

    /// Reads what there is. `now` is the machine's time.
    pub(crate) fn load(
        &self,
        pool: &Mempool,
        tip: Option<(u64, bitcoin::BlockHash)>,
        stale_too: bool,
        now: SystemTime,
    ) {
        if let Some(estimator) = self.read_blocks(stale_too, now) {
            pool.experience().estimator = estimator;
        }
        let (path, name) = (self.pool.display(), mempool::Estimator::Pool.name());
        let Ok(bytes) = std::fs::read(&self.pool) else {
            debug!(target: "estimatefee", "{name}: {path} does not exist. Continuing anyway");
            return;
        };
        let Some(tip) = tip else { return };
        match Health::read(&bytes, tip) {
            Ok(health) => {
                pool.experience().health = health;
                debug!(target: "estimatefee", "{name}: mined-block stats successfully read from {path}.");
            }
            Err(e) => warn!("{name}: {e}"),
        }
    }

    fn read_blocks(&self, stale_too: bool, now: SystemTime) -> Option<FeeEstimator> {
        let path = self.blocks.display();
        let Ok(bytes) = std::fs::read(&self.blocks) else {
            info!("{path} is not found. Continue anyway.");
            return None;
        };
        let written = std::fs::metadata(&self.blocks).and_then(|m| m.modified()).ok()?;
        let age = now.duration_since(written).unwrap_or_default().as_secs() / 3600;
        if age > MAX_AGE_HOURS && !stale_too {
            warn!(
                "Fee estimation file {path} too old (age={age} > {MAX_AGE_HOURS} hours) and will not be used to avoid serving stale estimates."
            );
            return None;
        }
        let read = FeeEstimator::from_bytes(&bytes);
        read.inspect_err(|e| warn!("Failed to read fee estimates from {path}: {e}. Continue anyway.")).ok()
    }

    /// Writes what has been learned.
    pub(crate) fn flush(&self, pool: &Mempool) {
        let (blocks, health) = {
            let experience = pool.experience();
            (experience.estimator.to_bytes(), experience.health.to_bytes())
        };
        match write(&self.blocks, &blocks) {
            Ok(()) => debug!(target: "estimatefee", "Flushed fee estimates to {}.", self.blocks.display()),
            Err(e) => warn!("Failed to write fee estimates to {}: {e}. Continue anyway.", self.blocks.display()),
        }
        let name = mempool::Estimator::Pool.name();
        match write(&self.pool, &health) {
            Ok(()) => {
                debug!(target: "estimatefee", "{name}: mined-block stats flushed to {}.", self.pool.display());
            }
            Err(e) => warn!("{name}: unable to open {} for writing: {e}. Continuing anyway", self.pool.display()),
        }
    }

    /// Writes for the last time: what still waits has not been confirmed.
    pub(crate) fn close(&self, pool: &Mempool) {
        pool.experience().estimator.give_up_waiting();
        self.flush(pool);
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| platform::file::create_private_directory(parent).map(drop))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_parent(path)?;
    platform::file::replace(path, bytes)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn an_old_file_moves_once() {
        let dir = TempDir::new().unwrap();
        let old = dir.path().join("fee_estimates.dat");
        std::fs::write(&old, b"first").unwrap();
        let files = EstimateFiles::of(dir.path());
        assert_eq!(std::fs::read(&files.blocks).unwrap(), b"first");
        std::fs::write(&old, b"second").unwrap();
        EstimateFiles::of(dir.path());
        assert!(!old.exists(), "what is there counts more");
        assert_eq!(std::fs::read(&files.blocks).unwrap(), b"first");
    }

    #[test]
    fn stale_estimates_are_only_read_when_asked_for() {
        let dir = TempDir::new().unwrap();
        let files = EstimateFiles::of(dir.path());
        assert!(files.read_blocks(true, SystemTime::UNIX_EPOCH).is_none());
        write(&files.blocks, &FeeEstimator::default().to_bytes()).unwrap();
        let now = std::fs::metadata(&files.blocks).and_then(|written| written.modified()).unwrap();
        assert!(files.read_blocks(false, now + Duration::from_hours(60)).is_some());
        assert!(files.read_blocks(false, now + Duration::from_hours(62)).is_none());
        assert!(files.read_blocks(true, now + Duration::from_hours(62)).is_some());
        write(&files.blocks, b"damaged").unwrap();
        assert!(files.read_blocks(true, now).is_none());
    }
}
