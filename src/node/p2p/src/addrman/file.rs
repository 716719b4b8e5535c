//! `peers.dat` in the reference's format 4: what a node remembers of others between two runs.

use bitcoin::hashes::{Hash, sha256d};
use primitives::{DecodeError, Reader};

use super::{AddrMan, BUCKET_SIZE, Entry, MAX_REFERENCES, NEW_BUCKETS, TRIED_BUCKETS};
use crate::asmap::Groups;
use crate::chance::Chance;
use crate::error::MessageError;
use crate::netaddr::{NetAddr, PeerAddress};

/// The format that is written, and the oldest one whose readers can read it.
const FORMAT: u8 = 4;
const INCOMPATIBILITY_BASE: u8 = 32;
/// In front of each address on disk: a version, and that the address is in the format of BIP155.
const DISK_VERSION: u32 = 220_000 + (1 << 29);
/// Marks the number of buckets, so that the oldest readers give up.
const BUCKETS_MARK: u32 = 1 << 30;

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddrFileError {
    /// The bytes are not what the format says.
    #[error(transparent)]
    Content(MessageError),
    /// There are fewer bytes than the format says.
    #[error("AutoFile::read: end of file: iostream error")]
    EndOfFile,
    /// The file belongs to another network.
    #[error("Invalid network magic number")]
    Magic,
    /// The last bytes are not the hash of the others.
    #[error("Checksum mismatch, data corrupted")]
    Checksum,
    /// A later version wrote it.
    #[error(
        "Unsupported format of addrman database: {format}. It is compatible with formats >={lowest}, but the maximum \
         supported by this version of Bulkhead is 4."
    )]
    Version {
        /// The file's format.
        format: u8,
        /// The oldest format whose readers can read it.
        lowest: u8,
    },
    /// An earlier version wrote it, or nobody.
    #[error(
        "Corrupted addrman database: The compat value ({0}) is lower than the expected minimum value 32.: iostream error"
    )]
    Compat(u8),
    /// There are more addresses than places.
    #[error("Corrupt AddrMan serialization: {name}={count}, should be in [0, {most}]: iostream error")]
    Count {
        /// Which table.
        name: &'static str,
        /// How many addresses it should have.
        count: i32,
        /// How many places it has.
        most: usize,
    },
    /// The secret is missing.
    #[error("Corrupt data. Consistency check failed with code -16: iostream error")]
    NoKey,
}

impl From<MessageError> for AddrFileError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Decode(DecodeError::EndOfData) => Self::EndOfFile,
            other => Self::Content(other),
        }
    }
}

impl From<DecodeError> for AddrFileError {
    fn from(error: DecodeError) -> Self {
        MessageError::from(error).into()
    }
}

impl AddrMan {
    /// The content of the file.
    pub fn to_file(&self, magic: [u8; 4]) -> Vec<u8> {
        let mut out = magic.to_vec();
        out.extend([FORMAT, INCOMPATIBILITY_BASE + FORMAT]);
        out.extend(self.key);
        let is_new = |entry: &&Entry| entry.references > 0;
        let counts = [self.entries().filter(is_new).count(), self.entries().filter(|entry| entry.tried).count()];
        for count in counts {
            out.extend(small(count).to_le_bytes());
        }
        out.extend((small(NEW_BUCKETS) ^ BUCKETS_MARK).to_le_bytes());
        let mut places = std::collections::HashMap::new();
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.references > 0) {
            places.insert(*id, small(places.len()));
            put_entry(&mut out, entry);
        }
        for entry in self.entries().filter(|entry| entry.tried) {
            put_entry(&mut out, entry);
        }
        for bucket in self.new.chunks_exact(BUCKET_SIZE) {
            let held: Vec<_> = bucket.iter().flatten().filter_map(|id| places.get(id)).collect();
            out.extend(small(held.len()).to_le_bytes());
            for place in held {
                out.extend(place.to_le_bytes());
            }
        }
        out.extend(self.groups.version());
        let hash = sha256d::Hash::hash(&out).to_byte_array();
        out.extend(hash);
        out
    }

    /// From the content of a file.
    pub fn from_file(bytes: &[u8], magic: [u8; 4], chance: Chance, groups: Groups) -> Result<Self, AddrFileError> {
        let mut reader = Reader::new(bytes);
        if reader.array::<4>()? != magic {
            return Err(AddrFileError::Magic);
        }
        let format = reader.u8()?;
        let compat = reader.u8()?;
        let Some(lowest) = compat.checked_sub(INCOMPATIBILITY_BASE) else { return Err(AddrFileError::Compat(compat)) };
        // The very first format had no fixed buckets; nobody has had such a file for many years.
        if lowest > FORMAT || format < 1 {
            return Err(AddrFileError::Version { format, lowest });
        }
        let mut it = Self::new(chance).grouped_by(groups);
        it.key = reader.array()?;
        let new = read_count(&mut reader, "nNew", NEW_BUCKETS * BUCKET_SIZE)?;
        let tried = read_count(&mut reader, "nTried", TRIED_BUCKETS * BUCKET_SIZE)?;
        let buckets = reader.u32()? ^ BUCKETS_MARK;
        let mut ids = Vec::with_capacity(reader.room_for(new, 60));
        for _ in 0..new {
            let entry = read_entry(&mut reader, format)?;
            // A file that has an address twice was not written by us.
            let fit = entry.address.service.addr.is_valid() && !it.ids.contains_key(&entry.address.service);
            ids.push(fit.then(|| it.insert(entry)));
        }
        for _ in 0..tried {
            let entry = read_entry(&mut reader, format)?;
            let service = entry.address.service;
            let slot = it.tried_slot(&service);
            if service.addr.is_valid() && it.tried[slot].is_none() && !it.ids.contains_key(&service) {
                let id = it.insert(Entry { tried: true, ..entry });
                it.tried[slot] = Some(id);
            }
        }
        it.read_buckets(&mut reader, buckets, format, &ids)?;
        let content = &bytes[..bytes.len() - reader.remaining()];
        if sha256d::Hash::hash(content).to_byte_array() != reader.array::<32>()? {
            return Err(AddrFileError::Checksum);
        }
        if it.key == [0; 32] {
            return Err(AddrFileError::NoKey);
        }
        let lost: Vec<_> =
            it.entries.iter().filter(|(_, it)| it.references == 0 && !it.tried).map(|(id, _)| *id).collect();
        for id in lost {
            it.delete(id);
        }
        Ok(it)
    }

    /// Puts the new addresses where they were. If the buckets are others, or others have the places, they get one by
    /// their source.
    fn read_buckets(
        &mut self,
        reader: &mut Reader<'_>,
        buckets: u32,
        format: u8,
        ids: &[Option<u64>],
    ) -> Result<(), DecodeError> {
        let mut places = Vec::new();
        for bucket in 0..buckets {
            let count = reader.u32()?;
            for _ in 0..count {
                let index = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
                if let Some(Some(id)) = ids.get(index) {
                    places.push((usize::try_from(bucket).unwrap_or(usize::MAX), *id));
                }
            }
        }
        // Later formats say by which map of autonomous systems the buckets were chosen.
        let map = if format >= 2 { reader.array::<32>()? } else { [0; 32] };
        let same = buckets == small(NEW_BUCKETS) && map == self.groups.version();
        if !same {
            tracing::debug!(target: "addrman", "Bucketing method was updated, re-bucketing addrman entries from disk");
        }
        for (bucket, id) in places {
            let Some(entry) = self.entries.get(&id).filter(|entry| entry.references < MAX_REFERENCES) else { continue };
            let (service, source) = (entry.address.service, entry.source);
            let mut slot = self.new_slot(&service, &source);
            if same {
                let old = bucket * BUCKET_SIZE + self.position(b'N', bucket, &service);
                slot = if self.new[old].is_none() { old } else { slot };
            }
            if self.new[slot].is_none() {
                self.new[slot] = Some(id);
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.references += 1;
                }
            }
        }
        Ok(())
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).expect("tables have at most 65536 places")
}

fn read_count(reader: &mut Reader<'_>, name: &'static str, most: usize) -> Result<usize, AddrFileError> {
    let count = reader.i32()?;
    let fits = usize::try_from(count).ok().filter(|count| *count <= most);
    fits.ok_or(AddrFileError::Count { name, count, most })
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend(DISK_VERSION.to_le_bytes());
    entry.address.encode_v2(out);
    entry.source.encode_v2(out);
    out.extend(entry.last_success.to_le_bytes());
    out.extend(entry.attempts.to_le_bytes());
}

fn read_entry(reader: &mut Reader<'_>, format: u8) -> Result<Entry, AddrFileError> {
    reader.u32()?;
    // Formats before 3 know IP addresses only.
    let (address, source) = if format < 3 {
        (PeerAddress::decode_v1(reader)?, NetAddr::from_v1(reader.array()?))
    } else {
        let address = PeerAddress::decode_v2(reader)?;
        (address, NetAddr::decode_v2(reader)?.unwrap_or(NetAddr::NOWHERE))
    };
    let mut entry = Entry::new(address, source);
    entry.last_success = reader.i64()?;
    entry.attempts = reader.i32()?;
    Ok(entry)
}
