//! The directories of a snapshot: what a start finds, tidies up, and makes of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bitcoin::{BlockHash, hashes::Hash};
use consensus::ChainParams;
use primitives::Codec;
use store::{CoinsDb, CoinsTip, KvOptions, StoreError, XorKey};

use super::{known, populate::show};
use crate::{HashKind, LoadError, stats::stats_of};

/// The file that makes a directory of coins a snapshot's: the hash of its block.
const BASE_FILE: &str = "base_blockhash";

/// The path of `coins` with something behind its name.
fn beside(coins: &Path, suffix: &str) -> PathBuf {
    let mut path = coins.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

/// Where the coins of a snapshot are, beside those of the chain.
pub(super) fn snapshot_path(coins: &Path) -> PathBuf {
    beside(coins, "_snapshot")
}

/// Makes a directory of coins that of a snapshot. From then on every start takes it for the chain's.
pub(super) fn write_base(folder: &Path, base: &BlockHash) -> io::Result<()> {
    let mut file = fs::File::create(folder.join(BASE_FILE))?;
    io::Write::write_all(&mut file, base.as_byte_array())?;
    file.sync_all()?;
    platform::disk::sync_directory(folder)?;
    folder.parent().map_or(Ok(()), platform::disk::sync_directory)
}

/// Puts the coins of a snapshot aside that turned out to be wrong. The next start does without them.
pub(super) fn set_aside(coins: &Path) -> io::Result<()> {
    let (from, to) = (snapshot_path(coins), beside(coins, "_snapshot_INVALID"));
    tracing::info!("[snapshot] renaming snapshot datadir {} to {}", from.display(), to.display());
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::rename(from, to)
}

fn read_base(folder: &Path) -> Result<Option<BlockHash>, StoreError> {
    let path = folder.join(BASE_FILE);
    match fs::read(&path) {
        Ok(bytes) => match bytes.split_first_chunk::<32>() {
            Some((hash, rest)) => {
                if !rest.is_empty() {
                    tracing::warn!("[snapshot] unexpected trailing data in {}", path.display());
                }
                Ok(Some(BlockHash::from_byte_array(*hash)))
            }
            None => Ok(None),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(
                "[snapshot] snapshot chainstate dir is malformed! no base blockhash file exists at path {}. \
                 Try deleting {} and calling loadtxoutset again?",
                folder.display(),
                path.display()
            );
            Ok(None)
        }
        Err(source) => Err(StoreError::Io { action: "read", path, source }),
    }
}

/// Looks at what an earlier run has left, before any database is open: answers the block of the snapshot that is in use,
/// if there is one that is not proven yet. One that is proven becomes the chain's coins; with `wipe` it goes.
pub(crate) fn settle(
    params: &ChainParams,
    coins: &Path,
    wipe: bool,
    options: KvOptions,
) -> Result<Option<BlockHash>, LoadError> {
    let (snapshot, old) = (snapshot_path(coins), beside(coins, "_todelete"));
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { action, path, source }
    };
    if old.exists() {
        // The exchange of an earlier start was interrupted, before or after its second half.
        if !coins.exists() && snapshot.exists() {
            fs::rename(&snapshot, coins).map_err(io("rename", &snapshot))?;
        }
        remove_old(&old);
    }
    if !snapshot.exists() {
        return Ok(None);
    }
    if wipe {
        tracing::info!("[snapshot] deleting snapshot chainstate due to reindexing");
        fs::remove_dir_all(&snapshot).map_err(io("remove", &snapshot))?;
        return Ok(None);
    }
    let Some(base) = read_base(&snapshot)? else { return Ok(None) };
    tracing::info!("[snapshot] detected active snapshot chainstate ({}) - loading", snapshot.display());
    let known = known(params, &base).ok_or(LoadError::UnknownSnapshot(base))?;
    let found = {
        let db = CoinsDb::open(coins, KvOptions { wipe: false, ..options }, XorKey::default())?;
        if db.tip()? != CoinsTip::At(base) {
            return Ok(Some(base));
        }
        tracing::info!(
            "[snapshot] computing UTXO stats for background chainstate to validate snapshot - this could take a few minutes"
        );
        let at = (base, known.height);
        let stats = stats_of(&db, Codec::for_coin(params.coin()), at, HashKind::Serialized, || {}, || true)?;
        stats.and_then(|stats| stats.digest)
    };
    if found != Some(known.hash_serialized) {
        let (found, expected) = (show(found.unwrap_or_default()), show(known.hash_serialized));
        tracing::error!("[snapshot] hash mismatch: actual={found}, expected={expected}");
        set_aside(coins).map_err(io("rename", &snapshot))?;
        return Err(LoadError::InvalidSnapshot);
    }
    tracing::info!("[snapshot] cleaning up unneeded background chainstate, then reinitializing");
    tracing::info!("[snapshot] deleting background chainstate directory (now unnecessary) ({})", coins.display());
    fs::rename(coins, &old).map_err(io("rename", coins))?;
    tracing::info!(
        "[snapshot] moving snapshot chainstate ({}) to default chainstate directory ({})",
        snapshot.display(),
        coins.display()
    );
    fs::rename(&snapshot, coins).map_err(io("rename", &snapshot))?;
    remove_old(&old);
    tracing::info!("[snapshot] deleted background chainstate directory ({})", coins.display());
    Ok(None)
}

/// What is left of it is in nobody's way.
fn remove_old(old: &Path) {
    if let Err(e) = fs::remove_dir_all(old) {
        tracing::warn!(
            "Deletion of {} failed. Please remove it manually, as the directory is now unnecessary. ({e})",
            old.display()
        );
    }
}
