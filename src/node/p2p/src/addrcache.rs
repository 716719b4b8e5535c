//! Answers to questions for addresses, the same for everybody for about a day: asking often must not tell more than
//! asking once.

use std::collections::HashMap;
use std::time::Duration;

use crate::chance::Chance;
use crate::netaddr::PeerAddress;

/// For how long an answer is given, and by how much longer it may be.
const LIFETIME: Duration = Duration::from_hours(21);
const LIFETIME_SPREAD: Duration = Duration::from_hours(6);

/// An answer for each network and local address through which callers come.
#[derive(Debug, Default)]
pub struct AddrCache {
    answers: HashMap<u64, (Duration, Vec<PeerAddress>)>,
}

impl AddrCache {
    /// How many addresses an answer has at most, and what part of all, in percent.
    pub const LIMITS: (usize, usize) = (1000, 23);

    /// The answer for callers with that network key; a new one is made if the old one has lived long enough.
    pub fn answer(
        &mut self,
        network_key: u64,
        now: Duration,
        chance: &mut Chance,
        make: impl FnOnce() -> Vec<PeerAddress>,
    ) -> &[PeerAddress] {
        let entry = self.answers.entry(network_key).or_default();
        if entry.0 < now {
            *entry = (now + LIFETIME + chance.span(LIFETIME_SPREAD), make());
        }
        &entry.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netaddr::Service;

    #[test]
    fn the_answer_stays_for_a_day_and_differs_by_network() {
        let mut cache = AddrCache::default();
        let mut chance = Chance::new([1; 32]);
        let list = |time| move || vec![PeerAddress { time, services: 0, service: Service::NOWHERE }];
        let hour = Duration::from_hours(1);
        assert_eq!(cache.answer(1, hour, &mut chance, list(1))[0].time, 1);
        assert_eq!(cache.answer(1, 20 * hour, &mut chance, list(2))[0].time, 1);
        assert_eq!(cache.answer(2, 20 * hour, &mut chance, list(3))[0].time, 3);
        assert_eq!(cache.answer(1, 30 * hour, &mut chance, list(4))[0].time, 4);
    }
}
