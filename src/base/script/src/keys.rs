//! Remembering points. A key on the wire is half of a point, and to find the other half takes a tenth of what a signature
//! costs. Keys come again: one that pays often, all inputs that sweep an address, the keys of a shared wallet.
//!
//! Each key has one place, which it shares with others and loses to them. Somebody who chooses keys that share a place
//! gains nothing but that they are computed as ever. Nobody waits: a place that somebody else looks at counts as empty.

use std::fmt;
use std::sync::Mutex;

use libsecp::PublicKey;

/// A key in 33 bytes.
type Compressed = [u8; 33];
type Place = Mutex<Option<(Compressed, PublicKey)>>;

/// Points by the keys that name them.
pub(crate) struct KeyCache {
    places: Box<[Place]>,
}

impl KeyCache {
    /// A cache that takes at most this many bytes.
    pub(crate) fn with_bytes(bytes: usize) -> Self {
        let places = (0..bytes / size_of::<Place>()).map(|_| Mutex::new(None));
        Self { places: places.collect() }
    }

    /// The point of a key; `None` if it is none.
    pub(crate) fn parse(&self, key: &Compressed) -> Option<PublicKey> {
        let parse = || PublicKey::from_byte_array_compressed(*key).ok();
        let Some(mut place) = self.place(key).and_then(|place| place.try_lock().ok()) else { return parse() };
        if let Some((_, point)) = place.as_ref().filter(|(known, _)| known == key) {
            return Some(*point);
        }
        let point = parse()?;
        *place = Some((*key, point));
        Some(point)
    }

    fn place(&self, key: &Compressed) -> Option<&Place> {
        // A hash would cost more than it spreads: the bytes of a key are as good as random.
        let (.., last) = key.split_last_chunk::<8>()?;
        let index = u64::from_le_bytes(*last).checked_rem(u64::try_from(self.places.len()).ok()?)?;
        self.places.get(usize::try_from(index).ok()?)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("places", &self.places.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use libsecp::SecretKey;

    use super::*;

    fn key(n: u8) -> Compressed {
        PublicKey::from_secret_key(&SecretKey::from_secret_bytes([n; 32]).unwrap()).serialize()
    }

    #[test]
    fn it_finds_what_parsing_finds() {
        // None, one place for all, and enough.
        for bytes in [0, size_of::<Place>(), 1 << 20] {
            let cache = KeyCache::with_bytes(bytes);
            for _ in 0..3 {
                for n in 1..20 {
                    let mut key = key(n);
                    assert_eq!(cache.parse(&key), PublicKey::from_slice(&key).ok(), "{bytes} {n}");
                    // The other point of the same X, something that is no key, and no point.
                    key[0] ^= 1;
                    assert_eq!(cache.parse(&key), PublicKey::from_slice(&key).ok(), "{bytes} {n}");
                    key[0] = 4;
                    assert_eq!(cache.parse(&key), None);
                    assert_eq!(cache.parse(&[2; 33]), PublicKey::from_slice(&[2; 33]).ok());
                    assert_eq!(cache.parse(&[0xff; 33]), None);
                }
            }
        }
    }

    #[test]
    fn a_place_that_is_looked_at_is_not_waited_for() {
        let cache = KeyCache::with_bytes(size_of::<Place>());
        let (one, other) = (key(1), key(2));
        cache.parse(&one).unwrap();
        let held = cache.places[0].lock().unwrap();
        assert_eq!(cache.parse(&other), PublicKey::from_slice(&other).ok());
        assert_eq!(held.as_ref().unwrap().0, one);
    }
}
