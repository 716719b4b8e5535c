//! Whether the tables agree with one another, for whoever looks for a fault.

use std::collections::HashMap;

use super::{AddrMan, BUCKET_SIZE, MAX_REFERENCES};

impl AddrMan {
    /// Lets it look at itself in one of so many operations; 0 for never.
    pub fn check_every(&mut self, operations: u32) {
        self.check_every = operations.into();
    }

    pub(super) fn check_sometimes(&mut self) {
        if self.check_every == 0 || self.chance.below(self.check_every) > 0 {
            return;
        }
        let (new, tried) = (self.len(None, Some(false)), self.len(None, Some(true)));
        tracing::debug!(target: "addrman", "CheckAddrman: new {new}, tried {tried}, total {} started", new + tried);
        if let Some(fault) = self.fault() {
            tracing::error!("ADDRMAN CONSISTENCY CHECK FAILED!!! err={fault}");
        }
        tracing::debug!(target: "addrman", "CheckAddrman: completed");
    }

    /// What is wrong, by the numbers of the reference.
    pub(super) fn fault(&self) -> Option<i32> {
        for (id, entry) in &self.entries {
            let fault = match (entry.tried, entry.references) {
                (true, _) if entry.last_success == 0 => Some(-1),
                (true, 1..) => Some(-2),
                (false, 0) => Some(-4),
                (false, count) if count > MAX_REFERENCES => Some(-3),
                _ if self.ids.get(&entry.address.service) != Some(id) => Some(-5),
                _ if entry.last_try < 0 => Some(-6),
                _ if entry.last_success < 0 => Some(-8),
                _ => None,
            };
            if fault.is_some() {
                return fault;
            }
        }
        if self.ids.len() != self.entries.len() {
            return Some(-7);
        }
        self.fault_of_places().or_else(|| (self.key == [0; 32]).then_some(-16))
    }

    fn fault_of_places(&self) -> Option<i32> {
        let mut places: HashMap<u64, usize> = HashMap::new();
        for (slot, id) in self.tried.iter().enumerate().filter_map(|(slot, id)| Some((slot, (*id)?))) {
            let Some(entry) = self.entries.get(&id).filter(|entry| entry.tried) else { return Some(-11) };
            *places.entry(id).or_default() += 1;
            let right = self.tried_slot(&entry.address.service);
            if right / BUCKET_SIZE != slot / BUCKET_SIZE {
                return Some(-17);
            }
            if right != slot {
                return Some(-18);
            }
        }
        if self.entries.iter().any(|(id, entry)| entry.tried && places.get(id) != Some(&1)) {
            return Some(-13);
        }
        places.clear();
        for (slot, id) in self.new.iter().enumerate().filter_map(|(slot, id)| Some((slot, (*id)?))) {
            let Some(entry) = self.entries.get(&id).filter(|entry| !entry.tried) else { return Some(-12) };
            *places.entry(id).or_default() += 1;
            let bucket = slot / BUCKET_SIZE;
            if self.position(b'N', bucket, &entry.address.service) != slot % BUCKET_SIZE {
                return Some(-19);
            }
        }
        let right = |id: &u64, count: usize| places.get(id) == Some(&count);
        let lost = self.entries.iter().any(|(id, entry)| !entry.tried && !right(id, entry.references));
        lost.then_some(-15)
    }
}
