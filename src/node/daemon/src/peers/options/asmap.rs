//! The map of autonomous systems that the user gives.

use std::path::PathBuf;
use std::sync::Arc;

use config::Config;
use p2p::{AsMap, Groups};
use primitives::hex;

use super::bad;
use crate::options::BadOption;

/// Where the map is; `None` without one.
fn path(config: &Config) -> Result<Option<PathBuf>, BadOption> {
    let args = config.args();
    if !args.is_set("asmap") || args.is_negated("asmap") {
        return Ok(None);
    }
    if args.get_bool("asmap", false) {
        // A map ages, so none is part of the program.
        return Err(bad("Embedded asmap data not available"));
    }
    // A relative path starts at the directory of the chain.
    Ok(Some(config.net_dir().join(args.get_str("asmap", ""))))
}

/// Whether there is a map where it should be.
pub(super) fn check(config: &Config) -> Result<(), BadOption> {
    match path(config)? {
        Some(file) if !file.exists() => Err(bad(format!("Could not find asmap file \"{}\"", file.display()))),
        _ => Ok(()),
    }
}

/// Reads the map.
pub(crate) fn groups(config: &Config) -> Result<Groups, BadOption> {
    let Some(file) = path(config)? else {
        tracing::info!("Using /16 prefix for IP bucketing");
        return Ok(Groups::default());
    };
    let shown = file.display();
    let unusable = || bad(format!("Could not parse asmap file \"{shown}\""));
    let bytes = std::fs::read(&file).map_err(|_| {
        tracing::warn!("Failed to open asmap file from disk");
        unusable()
    })?;
    tracing::info!("Opened asmap file \"{shown}\" ({} bytes) from disk", bytes.len());
    let map = AsMap::new(bytes).ok_or_else(|| {
        tracing::warn!("Sanity check of asmap file \"{shown}\" failed");
        unusable()
    })?;
    // Hashes are shown backwards.
    let mut version = map.version();
    version.reverse();
    let version = hex::encode(&version);
    tracing::info!("Using asmap version {version} for IP bucketing");
    Ok(Groups::by_map(Arc::new(map)))
}
