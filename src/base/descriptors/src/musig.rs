//! Keys that several people have together (BIP327), and the keys that come from one of those (BIP328).
//!
//! Who takes part does not show in the key, nor does the order in which they are named: keys are sorted first.

use bitcoin::PublicKey;
use libsecp::musig::KeyAggCache;

use crate::ExtendedKey;

/// The chain code of every key that several people have: the SHA256 of `MuSig2MuSig2MuSig2`.
const CHAIN_CODE: [u8; 32] = [
    0x86, 0x80, 0x87, 0xca, 0x02, 0xa6, 0xf9, 0x74, 0xc4, 0x59, 0x89, 0x24, 0xc3, 0x6b, 0x57, 0x76, 0x2d, 0x32, 0xcb,
    0x45, 0x71, 0x71, 0x67, 0xe3, 0x00, 0x62, 0x2c, 0x71, 0x67, 0xe3, 0x89, 0x65,
];

/// The order in which keys are put together.
pub fn sort(keys: &mut [PublicKey]) {
    keys.sort_by_key(|key| key.inner.serialize());
}

/// What signing for the key of these people starts from. They are taken in the order given. Nothing if there are none.
pub fn session_of(keys: &[PublicKey]) -> Option<KeyAggCache> {
    let read = |key: &PublicKey| libsecp::PublicKey::from_byte_array_compressed(key.inner.serialize()).ok();
    let keys = keys.iter().map(read).collect::<Option<Vec<_>>>()?;
    let pointers: Vec<&libsecp::PublicKey> = keys.iter().collect();
    (!pointers.is_empty()).then(|| KeyAggCache::new(&pointers))
}

/// The key that these people have together. Nothing if there are none.
pub fn aggregate(keys: &[PublicKey]) -> Option<PublicKey> {
    PublicKey::from_slice(&session_of(keys)?.agg_pk_full().serialize()).ok()
}

/// The root of the keys that come from a key that several people have.
pub fn root(aggregate: &PublicKey) -> Option<ExtendedKey> {
    // Depth, parent and number are those of a root.
    let bytes = [&[0; 9], &CHAIN_CODE[..], &aggregate.inner.serialize()].concat();
    ExtendedKey::from_bytes(&bytes.try_into().ok()?)
}
