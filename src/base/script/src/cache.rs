//! Remembering what has been found valid: signatures, and whole transactions.
//!
//! Both caches are sets of 32-byte hashes, each salted with a secret of the process, so that nobody outside can aim at
//! a slot. A set has a fixed size and never locks. Its entries are four atomic words in a bucket of eight; a reader
//! that races with writers may miss an entry, which costs one verification, but sees all four words of a hash only if
//! somebody stored that hash.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use bitcoin::Wtxid;
use bitcoin::hashes::Hash;
use zerocopy::FromZeros as _;

use crate::flags::Flags;
use crate::hashing::{Digest, Engine, finish};
use crate::keys::KeyCache;
use crate::signers::Habits;

/// What `-maxsigcachesize` stands at: half for signatures, half for transactions.
pub const DEFAULT_VALIDATION_CACHE_BYTES: usize = 32 << 20;

/// One byte in so many of what signatures may take is for the points of keys.
const KEYS_SHARE: usize = 16;

const WAYS: usize = 8;
const WORDS: usize = 4;

/// Eight entries, word by word. The first words lie together, so a miss reads one cache line.
type Bucket = [[AtomicU64; WAYS]; WORDS];

const BUCKET_BYTES: usize = WAYS * WORDS * 8;

/// A set of hashes of bounded size that forgets when full.
pub struct HashSet {
    buckets: Box<[Bucket]>,
}

impl HashSet {
    /// A set that takes at most this many bytes, but one bucket at least.
    pub fn with_bytes(bytes: usize) -> Self {
        let count = (bytes / BUCKET_BYTES).max(1);
        // Zeros that the system gives, page by page as they are needed: a start does not wait for all of them.
        let buckets = <[Bucket]>::new_box_zeroed_with_elems(count);
        Self { buckets: buckets.expect("there is memory for a cache of megabytes") }
    }

    /// How many hashes there is room for.
    pub fn capacity(&self) -> usize {
        self.buckets.len() * WAYS
    }

    /// How many bytes the set takes.
    pub fn bytes(&self) -> usize {
        self.buckets.len() * BUCKET_BYTES
    }

    /// Whether the hash is there. `forget` gives its place up if it is.
    pub fn contains(&self, hash: &Digest, forget: bool) -> bool {
        let words = words_of(hash);
        let bucket = self.bucket(&words);
        let Some(way) = find(bucket, &words) else {
            return false;
        };
        if forget {
            // Only if it is still the same entry: another thread may have put its own there.
            let _ = bucket[0][way].compare_exchange(words[0], 0, Ordering::AcqRel, Ordering::Relaxed);
        }
        true
    }

    /// Puts a hash in, in place of another one if its bucket is full.
    pub fn insert(&self, hash: &Digest) {
        let words = words_of(hash);
        let bucket = self.bucket(&words);
        if find(bucket, &words).is_some() {
            return;
        }
        let free = bucket[0].iter().position(|word| word.load(Ordering::Relaxed) == 0);
        // The hash is salted, so its bits choose the victim as well as a die would.
        let way = free.unwrap_or_else(|| usize::from(words[3].to_le_bytes()[0] & 7));
        // The first word goes away first and comes back last: between the two the entry matches nothing.
        bucket[0][way].store(0, Ordering::Release);
        for (column, word) in bucket.iter().zip(words).skip(1) {
            column[way].store(word, Ordering::Release);
        }
        bucket[0][way].store(words[0], Ordering::Release);
    }

    fn bucket(&self, words: &[u64; WORDS]) -> &Bucket {
        // Multiply and shift: the word is spread evenly over the buckets without a division.
        let count = u128::try_from(self.buckets.len()).unwrap_or(0);
        let index = (u128::from(words[1]) * count) >> 64;
        &self.buckets[usize::try_from(index).unwrap_or(0)]
    }
}

impl fmt::Debug for HashSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashSet").field("capacity", &self.capacity()).finish()
    }
}

fn words_of(hash: &Digest) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    // Zero marks a free place.
    words[0] = words[0].max(1);
    words
}

fn find(bucket: &Bucket, words: &[u64; WORDS]) -> Option<usize> {
    (0..WAYS).find(|way| bucket.iter().zip(words).all(|(column, word)| column[*way].load(Ordering::Acquire) == *word))
}

/// Signatures that verified: SHA-256 of a salted block, the signature hash, the key and the signature. And what
/// makes it quicker to verify one that is not among them: points of keys, and who usually signs.
#[derive(Debug)]
pub struct SignatureCache {
    ecdsa: Engine,
    schnorr: Engine,
    set: HashSet,
    keys: KeyCache,
    habits: Habits,
}

impl SignatureCache {
    /// A cache of at most this size. The salt must be a secret of this process.
    pub fn new(bytes: usize, salt: &[u8; 32]) -> Self {
        let of_keys = bytes / KEYS_SHARE;
        let (set, keys) = (HashSet::with_bytes(bytes - of_keys), KeyCache::with_bytes(of_keys));
        Self { ecdsa: salted(salt, b'E'), schnorr: salted(salt, b'S'), set, keys, habits: Habits::new() }
    }

    /// The points of keys that were met.
    pub(crate) const fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// Who usually signs.
    pub(crate) const fn habits(&self) -> &Habits {
        &self.habits
    }

    /// The set behind the cache.
    pub const fn set(&self) -> &HashSet {
        &self.set
    }

    pub(crate) fn ecdsa_entry(&self, hash: &Digest, der: &[u8], key: &[u8]) -> Digest {
        entry(&self.ecdsa, hash, key, der)
    }

    pub(crate) fn schnorr_entry(&self, hash: &Digest, signature: &[u8; 64], key: &[u8; 32]) -> Digest {
        entry(&self.schnorr, hash, key, signature)
    }

    pub(crate) fn contains(&self, entry: &Digest, forget: bool) -> bool {
        self.set.contains(entry, forget)
    }

    pub(crate) fn insert(&self, entry: &Digest) {
        self.set.insert(entry);
    }
}

/// One whole block of salt, so that it is hashed once for good.
fn salted(salt: &[u8; 32], kind: u8) -> Engine {
    let mut padding = [0; 32];
    padding[0] = kind;
    let mut engine = Engine::default();
    engine.input(salt);
    engine.input(&padding);
    engine
}

fn entry(salted: &Engine, hash: &Digest, key: &[u8], signature: &[u8]) -> Digest {
    let mut engine = salted.clone();
    for part in [hash, key, signature] {
        engine.input(part);
    }
    finish(engine)
}

/// Transactions all of whose inputs verified under certain flags, by witness hash.
///
/// What they spend need not be part of the key: the transaction commits to it through its outpoints.
#[derive(Debug)]
pub struct ExecutionCache {
    salted: Engine,
    set: HashSet,
}

impl ExecutionCache {
    /// A cache of at most this size. The salt must be a secret of this process.
    pub fn new(bytes: usize, salt: &[u8; 32]) -> Self {
        let mut salted = Engine::default();
        salted.input(salt);
        salted.input(salt);
        Self { salted, set: HashSet::with_bytes(bytes) }
    }

    /// The set behind the cache.
    pub const fn set(&self) -> &HashSet {
        &self.set
    }

    /// Whether the transaction is known to verify under exactly these flags. `forget` gives the entry up.
    pub fn contains(&self, wtxid: Wtxid, flags: Flags, forget: bool) -> bool {
        self.set.contains(&self.entry(wtxid, flags), forget)
    }

    /// Remembers that the transaction verifies under these flags.
    pub fn insert(&self, wtxid: Wtxid, flags: Flags) {
        self.set.insert(&self.entry(wtxid, flags));
    }

    fn entry(&self, wtxid: Wtxid, flags: Flags) -> Digest {
        let mut engine = self.salted.clone();
        engine.input(wtxid.as_byte_array());
        engine.input(&flags.bits().to_le_bytes());
        finish(engine)
    }
}
