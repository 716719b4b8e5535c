//! Addresses of peers, kept so that an attacker who floods us with his own cannot push all others out.
//!
//! What we hear of goes into the table of new addresses, what has answered into that of tried ones. Which bucket and
//! which place of it an address may take follows from a secret key, its group and the group of whoever told it, so that
//! one source can reach only few places. The key, the buckets and the file are those of the reference.

mod check;
mod file;

use std::collections::{BTreeMap, HashMap};

use bitcoin::hashes::{Hash, HashEngine, sha256d};

pub use file::AddrFileError;

use crate::asmap::Groups;
use crate::chance::Chance;
use crate::netaddr::{NetAddr, Network, PeerAddress, Service};

const NEW_BUCKETS: usize = 1024;
const TRIED_BUCKETS: usize = 256;
const BUCKET_SIZE: usize = 64;
/// In how many buckets of the new table an address may be.
const MAX_REFERENCES: usize = 8;
/// How many tried addresses may wait to be pushed out by others.
const MAX_COLLISIONS: usize = 10;
const DAY: i64 = 86_400;

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The address, what it offers, and when it was last heard of.
    pub address: PeerAddress,
    /// Who told it first.
    pub source: NetAddr,
    /// When a connection last succeeded; 0 for never.
    pub last_success: i64,
    /// When a connection was last tried; 0 for never.
    pub last_try: i64,
    /// How many tries have failed since.
    pub attempts: i32,
    /// Whether it is in the table of tried addresses.
    pub tried: bool,
    last_counted: i64,
    references: usize,
}

impl Entry {
    fn new(address: PeerAddress, source: NetAddr) -> Self {
        Self {
            address,
            source,
            last_success: 0,
            last_try: 0,
            attempts: 0,
            tried: false,
            last_counted: 0,
            references: 0,
        }
    }

    /// Whether it is worth nothing: too old, never reached, or long gone.
    fn is_terrible(&self, now: i64) -> bool {
        let time = i64::from(self.address.time);
        if now - self.last_try <= 60 {
            return false;
        }
        time > now + 600
            || now - time > 30 * DAY
            || (self.last_success == 0 && self.attempts >= 3)
            || (now - self.last_success > 7 * DAY && self.attempts >= 10)
    }

    /// How likely it is to be chosen, compared with others.
    fn chance(&self, now: i64) -> f64 {
        let fresh = if now - self.last_try < 600 { 0.01 } else { 1.0 };
        fresh * 0.66_f64.powi(self.attempts.clamp(0, 8))
    }
}

/// The tables.
#[derive(Debug)]
pub struct AddrMan {
    key: [u8; 32],
    groups: Groups,
    check_every: u64,
    chance: Chance,
    entries: BTreeMap<u64, Entry>,
    ids: HashMap<Service, u64>,
    next: u64,
    new: Vec<Option<u64>>,
    tried: Vec<Option<u64>>,
    last_good: i64,
    collisions: Vec<u64>,
}

impl AddrMan {
    /// Without addresses, and with a key that somebody chose.
    pub fn with_key(key: [u8; 32], chance: Chance) -> Self {
        Self { key, ..Self::new(chance) }
    }

    /// Without addresses, and with a new key.
    pub fn new(mut chance: Chance) -> Self {
        Self {
            key: chance.bytes(),
            groups: Groups::default(),
            check_every: 0,
            chance,
            entries: BTreeMap::new(),
            ids: HashMap::new(),
            next: 0,
            new: vec![None; NEW_BUCKETS * BUCKET_SIZE],
            tried: vec![None; TRIED_BUCKETS * BUCKET_SIZE],
            last_good: 1,
            collisions: Vec::new(),
        }
    }

    /// The same, with other groups. It must be empty.
    #[must_use]
    pub fn grouped_by(self, groups: Groups) -> Self {
        Self { groups, ..self }
    }

    /// Which addresses belong together.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// How many addresses there are in a network, and in one of the tables; in all if it is not said.
    pub fn len(&self, network: Option<Network>, tried: Option<bool>) -> usize {
        let fits = |entry: &&Entry| {
            network.is_none_or(|network| entry.address.service.addr.network() == network)
                && tried.is_none_or(|tried| entry.tried == tried)
        };
        self.entries.values().filter(fits).count()
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All addresses.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// What is in one of the tables: bucket, place in it, address.
    pub fn table(&self, tried: bool) -> impl Iterator<Item = (usize, usize, &Entry)> {
        let places = if tried { &self.tried } else { &self.new };
        let held = places.iter().enumerate().filter_map(|(slot, id)| Some((slot, self.entries.get(id.as_ref()?)?)));
        held.map(|(slot, entry)| (slot / BUCKET_SIZE, slot % BUCKET_SIZE, entry))
    }

    /// Takes addresses that somebody told, and makes them `penalty` seconds older. Tells how many were new.
    pub fn add(&mut self, list: &[PeerAddress], source: NetAddr, penalty: u32, now: i64) -> usize {
        let added = list.iter().filter(|address| self.add_one(address, source, penalty, now)).count();
        if added > 0 {
            let (tried, new) = (self.len(None, Some(true)), self.len(None, Some(false)));
            tracing::debug!(
                target: "addrman",
                "Added {added} addresses (of {}) from {source}: {tried} tried, {new} new", list.len()
            );
        }
        self.check_sometimes();
        added
    }

    fn add_one(&mut self, address: &PeerAddress, source: NetAddr, penalty: u32, now: i64) -> bool {
        if !address.service.addr.is_routable() {
            return false;
        }
        // Who tells his own address is believed.
        let penalty = if address.service.addr == source { 0 } else { penalty };
        let told = address.time.saturating_sub(penalty);
        let known = self.ids.get(&address.service).copied();
        let (id, fresh) = if let Some(id) = known {
            if !self.refresh(id, address, told, now) {
                return false;
            }
            (id, false)
        } else {
            let entry = Entry::new(PeerAddress { time: told, ..*address }, source);
            (self.insert(entry), true)
        };
        let slot = self.new_slot(&address.service, &source);
        let entered = self.new[slot] != Some(id) && self.enter_new(id, slot, now);
        if self.entries.get(&id).is_some_and(|entry| entry.references == 0 && !entry.tried) {
            self.delete(id);
        }
        entered && fresh
    }

    /// Notes what is heard of a known address. Tells whether it may have one more place in the new table.
    fn refresh(&mut self, id: u64, address: &PeerAddress, told: u32, now: i64) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let online = now - i64::from(address.time) < DAY;
        let interval = if online { 3600 } else { DAY };
        if i64::from(entry.address.time) < i64::from(told) - interval {
            entry.address.time = told;
        }
        entry.address.services |= address.services;
        let news = address.time > entry.address.time || told > entry.address.time;
        if !news || entry.tried || entry.references == MAX_REFERENCES {
            return false;
        }
        // Each further place is half as likely as the one before.
        let factor = 1_u64 << entry.references;
        self.chance.below(factor) == 0
    }

    fn insert(&mut self, entry: Entry) -> u64 {
        let id = self.next;
        self.next += 1;
        self.ids.insert(entry.address.service, id);
        self.entries.insert(id, entry);
        id
    }

    fn delete(&mut self, id: u64) {
        if let Some(entry) = self.entries.remove(&id) {
            self.ids.remove(&entry.address.service);
        }
    }

    /// Puts an address into a place of the new table, if that is free or what is there is worth less.
    fn enter_new(&mut self, id: u64, slot: usize, now: i64) -> bool {
        if let Some(old) = self.new[slot] {
            let terrible = self.entries.get(&old).is_none_or(|entry| entry.is_terrible(now));
            let spare = self.entries.get(&old).is_some_and(|entry| entry.references > 1)
                && self.entries.get(&id).is_some_and(|entry| entry.references == 0);
            if !terrible && !spare {
                return false;
            }
            self.clear_new(slot);
        }
        self.new[slot] = Some(id);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.references += 1;
            let (bucket, place) = (slot / BUCKET_SIZE, slot % BUCKET_SIZE);
            tracing::debug!(target: "addrman", "Added {} to new[{bucket}][{place}]", entry.address.service);
        }
        true
    }

    fn clear_new(&mut self, slot: usize) {
        let Some(id) = self.new[slot].take() else { return };
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.references -= 1;
        if entry.references == 0 && !entry.tried {
            self.delete(id);
        }
    }

    /// A connection has succeeded: the address moves to the tried table. If another has its place, that one is tested
    /// first, and `false` is the answer.
    pub fn good(&mut self, service: &Service, now: i64) -> bool {
        self.last_good = now;
        let Some(id) = self.ids.get(service).copied() else { return false };
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        entry.last_success = now;
        entry.last_try = now;
        entry.attempts = 0;
        if entry.tried || entry.references == 0 {
            return false;
        }
        let slot = self.tried_slot(service);
        if self.tried[slot].is_some() {
            if self.collisions.len() < MAX_COLLISIONS && !self.collisions.contains(&id) {
                self.collisions.push(id);
            }
            let count = self.collisions.len();
            let other = self.tried[slot].and_then(|old| self.entries.get(&old)).map(|old| old.address.service);
            tracing::debug!(
                target: "addrman",
                "Collision with {} while attempting to move {service} to tried table. Collisions={count}",
                other.unwrap_or(Service::NOWHERE)
            );
            return false;
        }
        self.make_tried(id, slot, now);
        let (bucket, place) = (slot / BUCKET_SIZE, slot % BUCKET_SIZE);
        tracing::debug!(target: "addrman", "Moved {service} to tried[{bucket}][{place}]");
        self.check_sometimes();
        true
    }

    fn make_tried(&mut self, id: u64, slot: usize, now: i64) {
        for place in &mut self.new {
            if *place == Some(id) {
                *place = None;
            }
        }
        if let Some(old) = self.tried[slot].take() {
            // What is pushed out becomes new again.
            let Some(entry) = self.entries.get_mut(&old) else { return };
            entry.tried = false;
            let (service, source) = (entry.address.service, entry.source);
            let back = self.new_slot(&service, &source);
            self.clear_new(back);
            self.enter_new(old, back, now);
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.references = 0;
            entry.tried = true;
            self.tried[slot] = Some(id);
        }
    }

    /// A connection is tried.
    pub fn attempt(&mut self, service: &Service, count_failure: bool, now: i64) {
        let last_good = self.last_good;
        let Some(entry) = self.ids.get(service).and_then(|id| self.entries.get_mut(id)) else { return };
        entry.last_try = now;
        // While nothing succeeds it may be our own connection that fails.
        if count_failure && entry.last_counted < last_good {
            entry.last_counted = now;
            entry.attempts = entry.attempts.saturating_add(1);
        }
    }

    /// A connection that was good has ended.
    pub fn connected(&mut self, service: &Service, now: i64) {
        if let Some(entry) = self.ids.get(service).and_then(|id| self.entries.get_mut(id))
            && now - i64::from(entry.address.time) > 20 * 60
        {
            entry.address.time = u32::try_from(now).unwrap_or(u32::MAX);
        }
    }

    /// What a peer itself says that it offers.
    pub fn set_services(&mut self, service: &Service, services: u64) {
        if let Some(entry) = self.ids.get(service).and_then(|id| self.entries.get_mut(id)) {
            entry.address.services = services;
        }
    }

    /// An address to connect to, from either table with the same likelihood.
    pub fn select(&mut self, new_only: bool, networks: &[Network], now: i64) -> Option<Entry> {
        self.check_sometimes();
        let fits = |entry: &Entry| networks.is_empty() || networks.contains(&entry.address.service.addr.network());
        let any = |tried: bool| self.entries.values().any(|entry| entry.tried == tried && fits(entry));
        let (has_new, has_tried) = (any(false), !new_only && any(true));
        let from_tried = match (has_new, has_tried) {
            (false, false) => return None,
            (true, true) => self.chance.below(2) == 0,
            (_, tried) => tried,
        };
        let table = if from_tried { &self.tried } else { &self.new };
        let mut factor = 1.0;
        loop {
            let bucket = self.chance.index(table.len() / BUCKET_SIZE) * BUCKET_SIZE;
            let start = self.chance.index(BUCKET_SIZE);
            let mut places = (0..BUCKET_SIZE).map(|step| table[bucket + (start + step) % BUCKET_SIZE]);
            let found = places.find_map(|id| id.and_then(|id| self.entries.get(&id)).filter(|entry| fits(entry)));
            let Some(entry) = found else { continue };
            let bits = u32::try_from(self.chance.u64() >> 34).unwrap_or(0);
            if f64::from(bits) < factor * entry.chance(now) * f64::from(1_u32 << 30) {
                return Some(entry.clone());
            }
            // Nobody is passed over for ever.
            factor *= 1.2;
        }
    }

    /// Addresses to tell a peer: a random part of those that are worth something.
    pub fn get_addr(&mut self, most: usize, percent: usize, network: Option<Network>, now: i64) -> Vec<PeerAddress> {
        self.check_sometimes();
        let count = (self.entries.len() * percent).div_ceil(100).min(most);
        let mut ids: Vec<_> = self.entries.keys().copied().collect();
        self.chance.shuffle(&mut ids);
        let fits = |entry: &&Entry| {
            network.is_none_or(|network| entry.address.service.addr.network() == network) && !entry.is_terrible(now)
        };
        let picked = ids.iter().filter_map(|id| self.entries.get(id)).filter(fits);
        picked.take(count).map(|entry| entry.address).collect()
    }

    /// A tried address that stands in the way of a good one, to be tested.
    pub fn select_collision(&mut self) -> Option<Entry> {
        self.collisions.retain(|id| self.entries.get(id).is_some_and(|entry| !entry.tried));
        if self.collisions.is_empty() {
            return None;
        }
        let id = self.collisions[self.chance.index(self.collisions.len())];
        let service = self.entries.get(&id)?.address.service;
        let old = self.tried[self.tried_slot(&service)]?;
        self.entries.get(&old).cloned()
    }

    /// Settles which of two good addresses keeps the place, by what the tests have shown.
    pub fn resolve_collisions(&mut self, now: i64) {
        for id in std::mem::take(&mut self.collisions) {
            let Some(entry) = self.entries.get(&id).filter(|entry| !entry.tried && entry.references > 0) else {
                continue;
            };
            let since = now - entry.last_success;
            let slot = self.tried_slot(&entry.address.service);
            let Some(old) = self.tried[slot].and_then(|old| self.entries.get(&old)) else {
                self.make_tried(id, slot, now);
                continue;
            };
            if now - old.last_success < 4 * 3600 {
                // It answered lately, so it stays.
                continue;
            }
            let tested = now - old.last_try < 4 * 3600 && now - old.last_try > 60;
            if tested || since > 40 * 60 {
                self.make_tried(id, slot, now);
            } else {
                self.collisions.push(id);
            }
        }
        self.check_sometimes();
    }

    /// The place of an address in the new table, if that source tells it.
    fn new_slot(&self, service: &Service, source: &NetAddr) -> usize {
        let source = prefixed(&self.groups.of(source));
        let spread = self.hash(&[&prefixed(&self.groups.of(&service.addr)), &source]) % 64;
        let bucket = narrow(self.hash(&[&source, &spread.to_le_bytes()]), NEW_BUCKETS);
        bucket * BUCKET_SIZE + self.position(b'N', bucket, service)
    }

    fn tried_slot(&self, service: &Service) -> usize {
        let spread = self.hash(&[&prefixed(&service.key())]) % 8;
        let group = prefixed(&self.groups.of(&service.addr));
        let bucket = narrow(self.hash(&[&group, &spread.to_le_bytes()]), TRIED_BUCKETS);
        bucket * BUCKET_SIZE + self.position(b'K', bucket, service)
    }

    fn position(&self, table: u8, bucket: usize, service: &Service) -> usize {
        let bucket = u32::try_from(bucket).expect("there are at most 1024 buckets");
        narrow(self.hash(&[&[table], &bucket.to_le_bytes(), &prefixed(&service.key())]), BUCKET_SIZE)
    }

    fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut engine = sha256d::Hash::engine();
        engine.input(&self.key);
        for part in parts {
            engine.input(part);
        }
        let digest = sha256d::Hash::from_engine(engine).to_byte_array();
        u64::from_le_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}

/// Bytes behind their count.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    primitives::put_bytes(&mut out, bytes);
    out
}

fn narrow(hash: u64, count: usize) -> usize {
    let count = u64::try_from(count).expect("tables are small");
    usize::try_from(hash % count).expect("below the size of a table")
}

#[cfg(test)]
mod tests;
