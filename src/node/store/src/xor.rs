//! The obfuscation of block files and coins: a repeating eight-byte key, so that scanners do not take them for malware.

use std::{fs, path::Path};

use crate::StoreError;

/// An eight-byte XOR key; all zero means none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct XorKey([u8; 8]);

impl XorKey {
    /// A key of these bytes.
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes as stored.
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }

    /// XORs `data`, whose first byte stands at `offset` of the file, in place. It is its own inverse.
    pub fn apply(self, data: &mut [u8], offset: u64) {
        let key = u64::from_le_bytes(self.0);
        if key == 0 {
            return;
        }
        let shift = u32::try_from(offset % 8).expect("below 8") * 8;
        let key = key.rotate_right(shift).to_le_bytes();
        let word = u64::from_le_bytes(key);
        let mut chunks = data.chunks_exact_mut(8);
        for chunk in &mut chunks {
            let mixed = u64::from_le_bytes((&*chunk).try_into().expect("a chunk of 8")) ^ word;
            chunk.copy_from_slice(&mixed.to_le_bytes());
        }
        for (byte, k) in chunks.into_remainder().iter_mut().zip(key) {
            *byte ^= k;
        }
    }
}

/// Reads `xor.dat`, or makes it: a random key in a directory that is used for the first time, else no obfuscation.
///
/// `fresh` is the random key to use on the first run; the caller brings the randomness. To be called before anything
/// else is made in the directory, since whatever is there shows that the run is not the first.
pub fn blocks_key(dir: &Path, enabled: bool, fresh: XorKey) -> Result<XorKey, StoreError> {
    let path = dir.join("xor.dat");
    let stored = match fs::read(&path) {
        Ok(bytes) => XorKey(bytes.try_into().map_err(|_| StoreError::Corrupt { what: "xor.dat" })?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let key = if enabled && unused(dir)? { fresh } else { XorKey::default() };
            // A half-written key would garble every block, so it appears whole or not at all.
            platform::file::replace(&path, &key.0).map_err(StoreError::io("write", &path))?;
            key
        }
        Err(e) => return Err(StoreError::io("read", path)(e)),
    };
    if !enabled && stored != XorKey::default() {
        return Err(StoreError::XorKey { key: hex(&stored.0), path });
    }
    tracing::info!("Using obfuscation key for blocksdir *.dat files ({}): '{}'", dir.display(), hex(&stored.0));
    Ok(stored)
}

/// Whether the directory holds nothing but hidden files, such as the lock.
fn unused(dir: &Path) -> Result<bool, StoreError> {
    for entry in fs::read_dir(dir).map_err(StoreError::io("list", dir))? {
        let entry = entry.map_err(StoreError::io("list", dir))?;
        let plain = entry.file_type().map_err(StoreError::io("stat", entry.path()))?.is_file();
        if !plain || !entry.file_name().as_encoded_bytes().starts_with(b".") {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bitcoin::hex::DisplayHex::to_lower_hex_string(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_split_of_a_file_is_obfuscated_alike(key: [u8; 8], data: Vec<u8>, at in 0usize..64) {
            let at = at.min(data.len());
            let mut whole = data.clone();
            XorKey(key).apply(&mut whole, 0);
            let naive: Vec<u8> = data.iter().enumerate().map(|(i, b)| b ^ key[i % 8]).collect();
            prop_assert_eq!(&whole, &naive);
            let (mut a, mut b) = (data[..at].to_vec(), data[at..].to_vec());
            XorKey(key).apply(&mut a, 0);
            XorKey(key).apply(&mut b, at as u64);
            a.extend(b);
            prop_assert_eq!(a, whole);
        }
    }

    #[test]
    fn first_run_takes_the_fresh_key_and_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = XorKey([1, 2, 3, 4, 5, 6, 7, 8]);
        fs::write(dir.path().join(".lock"), b"").unwrap();
        assert_eq!(blocks_key(dir.path(), true, fresh).unwrap(), fresh);
        assert_eq!(blocks_key(dir.path(), true, XorKey([9; 8])).unwrap(), fresh);
        let refused = blocks_key(dir.path(), false, fresh).unwrap_err().to_string();
        assert!(refused.contains("can not be disabled") && refused.contains("0102030405060708"), "{refused}");
    }

    #[test]
    fn a_directory_in_use_gets_no_key() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("blk00000.dat"), b"x").unwrap();
        assert_eq!(blocks_key(dir.path(), true, XorKey([1; 8])).unwrap(), XorKey::default());
        assert_eq!(fs::read(dir.path().join("xor.dat")).unwrap(), [0; 8]);
    }
}
