//! What is kept over a restart: `peers.dat`, `anchors.dat`, `banlist.json`.

use std::io::ErrorKind;
use std::path::Path;

use bitcoin::hashes::{Hash, sha256d};
use p2p::{AddrFileError, AddrMan, BanList, Chance, Groups, NetAddr, PeerAddress, Service};
use primitives::{Reader, put_compact_u64};

/// Known addresses.
pub(crate) const PEERS: &str = "peers.dat";
/// The peers that are called first.
pub(crate) const ANCHORS: &str = "anchors.dat";
/// Who is banned.
pub(crate) const BANS: &str = "banlist.json";
/// The key of our address in I2P.
pub(crate) const I2P_KEY: &str = "i2p_private_key";
/// The key of our onion service.
pub(crate) const ONION_KEY: &str = "onion_v3_private_key";
/// In front of each address on disk: a version, and that the address is in the format of BIP155.
const DISK_VERSION: u32 = 220_000 + (1 << 29);
/// Nobody has more anchors.
const MAX_ANCHORS: u64 = 1000;

/// A file of addresses that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "Invalid or corrupt {PEERS} ({reason}). If you believe this is a bug, please report it to {contact}. As a workaround, \
     you can move the file (\"{file}\") out of the way (rename, move, or delete) to have a new one created on the next start."
)]
pub struct BadPeersFile {
    reason: String,
    contact: String,
    file: String,
}

/// Reads known addresses. A file of a later version is moved away; one that is broken is for the user to look at.
pub(crate) fn load_peers(
    directory: &Path,
    magic: [u8; 4],
    contact: &str,
    key: Option<[u8; 32]>,
    groups: &Groups,
    mut chance: Chance,
) -> Result<AddrMan, BadPeersFile> {
    let file = directory.join(PEERS);
    let shown = file.display().to_string();
    let fresh = |chance| {
        let empty = match key {
            Some(key) => AddrMan::with_key(key, chance),
            None => AddrMan::new(chance),
        };
        empty.grouped_by(groups.clone())
    };
    let bad = |reason: String| BadPeersFile { reason, contact: contact.to_owned(), file: shown.clone() };
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            tracing::info!("Creating peers.dat because the file was not found (\"{shown}\")");
            return Ok(save_new(&file, fresh(chance), magic));
        }
        Err(error) => return Err(bad(platform::system_error_text(&error))),
    };
    match AddrMan::from_file(&bytes, magic, chance.fork(), groups.clone()) {
        Ok(addresses) => {
            tracing::info!("Loaded {} addresses from peers.dat", addresses.len(None, None));
            Ok(addresses)
        }
        Err(AddrFileError::Version { .. }) => {
            let backup = directory.join("peers.dat.bak");
            if let Err(error) = std::fs::rename(&file, &backup) {
                return Err(bad(format!(
                    "Failed to rename invalid peers.dat file. Please move or delete it and try again. ({error})"
                )));
            }
            tracing::info!(
                "Creating new peers.dat because the file version was not compatible (\"{shown}\"). Original backed up to peers.dat.bak"
            );
            Ok(save_new(&file, fresh(chance), magic))
        }
        Err(error) => Err(bad(error.to_string())),
    }
}

fn save_new(file: &Path, addresses: AddrMan, magic: [u8; 4]) -> AddrMan {
    // There is nothing in it that could be lost, so nobody waits for the disk.
    if let Err(error) = std::fs::write(file, addresses.to_file(magic)) {
        tracing::error!("Cannot write peers.dat: {error}");
    }
    addresses
}

/// Reads who is banned. A file that cannot be read is like none.
pub(crate) fn load_bans(directory: &Path, now: i64) -> BanList {
    let file = directory.join(BANS);
    let mut list = match std::fs::read_to_string(&file).map(|text| BanList::from_file(&text)) {
        Ok(Ok(list)) => list,
        Ok(Err(error)) => {
            tracing::warn!("Cannot parse banlist {}: {error}", file.display());
            recreate(&file)
        }
        Err(_) => recreate(&file),
    };
    let count = list.sweep(now).count();
    tracing::debug!(target: "net", "Loaded {count} banned node addresses/subnets");
    list
}

fn recreate(file: &Path) -> BanList {
    tracing::info!("Recreating the banlist database");
    let list = BanList::default();
    if let Err(error) = std::fs::write(file, list.to_file()) {
        tracing::error!("Cannot write banlist.json: {error}");
    }
    list
}

/// The content of the file of anchors.
pub(crate) fn write_anchors(list: &[(Service, u64)], magic: [u8; 4], now: i64) -> Vec<u8> {
    let mut out = magic.to_vec();
    put_compact_u64(&mut out, u64::try_from(list.len()).unwrap_or(0));
    for (service, services) in list {
        out.extend(DISK_VERSION.to_le_bytes());
        let time = u32::try_from(now).unwrap_or(u32::MAX);
        PeerAddress { time, services: *services, service: *service }.encode_v2(&mut out);
    }
    let hash = sha256d::Hash::hash(&out).to_byte_array();
    out.extend(hash);
    out
}

/// From the content of the file of anchors; nothing if it is not whole.
pub(crate) fn read_anchors(bytes: &[u8], magic: [u8; 4]) -> Option<Vec<Service>> {
    let (content, hash) = bytes.split_last_chunk::<32>()?;
    if sha256d::Hash::hash(content).to_byte_array() != *hash {
        return None;
    }
    let mut reader = Reader::new(content);
    if reader.array::<4>().ok()? != magic {
        return None;
    }
    let count = reader.compact_u64().ok().filter(|count| *count <= MAX_ANCHORS)?;
    let mut list = Vec::new();
    for _ in 0..count {
        reader.u32().ok()?;
        list.push(PeerAddress::decode_v2(&mut reader).ok()?.service);
    }
    list.retain(|service| service.addr != NetAddr::NOWHERE);
    Some(list)
}

/// Reads the anchors and removes the file, so that a crash does not call the same peers over and over.
pub(crate) fn take_anchors(directory: &Path, magic: [u8; 4]) -> Vec<Service> {
    let file = directory.join(ANCHORS);
    let list = std::fs::read(&file).ok().and_then(|bytes| read_anchors(&bytes, magic)).unwrap_or_default();
    // It may not be there.
    let _ = std::fs::remove_file(&file);
    tracing::info!("Loaded {} addresses from \"anchors.dat\"", list.len());
    tracing::info!("{} block-relay-only anchors will be tried for connections.", list.len());
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: [u8; 4] = [1, 2, 3, 4];

    #[test]
    fn anchors_come_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let anchors: Vec<Service> =
            ["1.2.3.4:5", "[2001:4860::1]:6"].map(|text| crate::target::service(text, 0).unwrap()).to_vec();
        let list: Vec<_> = anchors.iter().map(|service| (*service, 9)).collect();
        std::fs::write(dir.path().join(ANCHORS), write_anchors(&list, MAGIC, 1000)).unwrap();
        assert_eq!(take_anchors(dir.path(), MAGIC), anchors);
        assert_eq!(take_anchors(dir.path(), MAGIC), []);
    }

    #[test]
    fn broken_anchors_are_none() {
        let whole = write_anchors(&[(crate::target::service("1.2.3.4:5", 0).unwrap(), 0)], MAGIC, 0);
        assert!(read_anchors(&whole, MAGIC).is_some());
        assert_eq!(read_anchors(&whole, [0; 4]), None);
        for cut in 0..whole.len() {
            assert_eq!(read_anchors(&whole[..cut], MAGIC), None, "{cut}");
        }
    }

    #[test]
    fn a_broken_file_of_addresses_is_for_the_user_to_look_at() {
        let dir = tempfile::tempdir().unwrap();
        let load = || load_peers(dir.path(), MAGIC, "<us>", None, &Groups::default(), Chance::new([1; 32]));
        assert!(load().unwrap().is_empty());
        assert!(dir.path().join(PEERS).exists(), "it is made at once");
        load().unwrap();
        std::fs::write(dir.path().join(PEERS), b"nonsense").unwrap();
        let error = load().unwrap_err().to_string();
        assert!(error.starts_with("Invalid or corrupt peers.dat (") && error.contains("report it to <us>."), "{error}");
    }
}
