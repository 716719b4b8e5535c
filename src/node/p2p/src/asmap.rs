//! Which autonomous system an address belongs to, by a map that the user gives.
//!
//! Two addresses of one operator are one risk, however far apart they are. The map is a program over the bits of an
//! address: it returns a number, goes one of two ways by the next bit, compares some bits, or says what is returned
//! when they differ. All numbers are written in few bits when they are small.

use std::net::IpAddr;
use std::sync::Arc;

use bitcoin::hashes::{Hash, sha256d};

use crate::netaddr::{NetAddr, Network};

/// How many bits each class of a number has beside the smallest one.
const KIND: [u8; 3] = [0, 0, 1];
const NUMBER: [u8; 10] = [15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
const MATCH: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const JUMP: [u8; 26] =
    [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
/// The bits of an address. IPv4 has those of its IPv6 form.
const INPUT: u32 = 128;

/// One step of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// That is the number.
    Return(u32),
    /// If the next bit is set, go on so many bits later.
    Jump(usize),
    /// So many bits must be these, or the default is the number.
    Match { count: u32, bits: u32 },
    /// The default from here on.
    Default(u32),
}

/// Reads the program.
struct Program<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Program<'_> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.at)
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1 == 1;
        self.at += 1;
        Some(bit)
    }

    /// A number: set bits for each class that it is beyond, an unset one unless that was the last class, and its place
    /// in the class, the highest bit first.
    fn number(&mut self, least: u32, classes: &[u8]) -> Option<u32> {
        let mut value = least;
        for (index, size) in classes.iter().enumerate() {
            let is_last = index + 1 == classes.len();
            if !is_last && self.bit()? {
                value = value.checked_add(1 << size)?;
                continue;
            }
            let mut place = 0_u32;
            for _ in 0..*size {
                place = place << 1 | u32::from(self.bit()?);
            }
            return value.checked_add(place);
        }
        None
    }

    fn step(&mut self) -> Option<Step> {
        Some(match self.number(0, &KIND)? {
            0 => Step::Return(self.number(1, &NUMBER)?),
            1 => Step::Jump(usize::try_from(self.number(17, &JUMP)?).ok()?),
            2 => {
                // The highest bit says how many there are behind it.
                let bits = self.number(2, &MATCH)?;
                Step::Match { count: bits.ilog2(), bits }
            }
            _ => Step::Default(self.number(1, &NUMBER)?),
        })
    }
}

/// A map that was found to be whole: whatever the address, the program ends with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsMap {
    bytes: Vec<u8>,
    version: [u8; 32],
}

impl AsMap {
    /// From the content of a file; `None` if it is no map, or not written in the shortest way.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        is_whole(&bytes).then(|| {
            let version = sha256d::Hash::hash(&bytes).to_byte_array();
            Self { bytes, version }
        })
    }

    /// The hash of the map.
    pub fn version(&self) -> [u8; 32] {
        self.version
    }

    /// The number of the autonomous system that an address of 128 bits belongs to; 0 for none.
    pub fn find(&self, address: [u8; 16]) -> u32 {
        let address = u128::from_be_bytes(address);
        let mut used = 0;
        let mut next = || {
            used += 1;
            u32::from(used <= INPUT && address >> (INPUT - used.min(INPUT)) & 1 == 1)
        };
        let (mut program, mut default) = (Program { bytes: &self.bytes, at: 0 }, 0);
        while let Some(step) = program.step() {
            match step {
                Step::Return(number) => return number,
                Step::Jump(by) => program.at += if next() == 1 { by } else { 0 },
                Step::Match { count, bits } => {
                    if (0..count).rev().any(|bit| next() != bits >> bit & 1) {
                        return default;
                    }
                }
                Step::Default(number) => default = number,
            }
        }
        // The check of the whole map leaves no such way.
        0
    }
}

/// Follows all ways through the program. Each must end with a number and use no more bits than an address has, every
/// step must be on some way, and none may be longer than it needs to be.
fn is_whole(bytes: &[u8]) -> bool {
    let mut program = Program { bytes, at: 0 };
    // Where jumps lead to, the nearest one last, and how many bits of the address are left there.
    let mut targets: Vec<(usize, u32)> = Vec::new();
    let mut left = INPUT;
    let mut before = Step::Jump(0);
    let mut partial = false;
    while program.left() > 0 {
        if targets.last().is_some_and(|(target, _)| program.at >= *target) {
            // A jump leads into the middle of a step.
            return false;
        }
        let Some(step) = program.step() else { return false };
        let nearest = targets.last().copied();
        match step {
            // Nothing has come of the default that was just set.
            Step::Return(_) | Step::Default(_) if matches!(before, Step::Default(_)) => return false,
            Step::Return(_) => match targets.pop() {
                None => {
                    // What fills the last byte is nothing.
                    return program.left() < 8 && std::iter::from_fn(|| program.bit()).all(|bit| !bit);
                }
                // Nothing leads to what comes next.
                Some((target, _)) if target != program.at => return false,
                Some((_, bits)) => {
                    left = bits;
                    before = Step::Jump(0);
                    continue;
                }
            },
            Step::Jump(by) => {
                if by > program.left() || left == 0 {
                    return false;
                }
                left -= 1;
                let target = program.at + by;
                if nearest.is_some_and(|(nearest, _)| target >= nearest) {
                    // Two jumps cross.
                    return false;
                }
                targets.push((target, left));
            }
            Step::Match { count, .. } => {
                if !matches!(before, Step::Match { .. }) {
                    partial = false;
                }
                if (count < 8 && partial) || left < count {
                    return false;
                }
                partial = count < 8;
                left -= count;
            }
            Step::Default(_) => {}
        }
        before = step;
    }
    false
}

/// What belongs together: addresses of one autonomous system if there is a map, of one part of the network if not.
#[derive(Debug, Clone, Default)]
pub struct Groups(Option<Arc<AsMap>>);

impl Groups {
    /// By a map.
    pub fn by_map(map: Arc<AsMap>) -> Self {
        Self(Some(map))
    }

    /// Whether there is a map.
    pub fn has_map(&self) -> bool {
        self.0.is_some()
    }

    /// The hash of the map; zeros without one.
    pub fn version(&self) -> [u8; 32] {
        self.0.as_ref().map_or([0; 32], |map| map.version())
    }

    /// The number of an address's autonomous system, if the map has it.
    pub fn number(&self, addr: &NetAddr) -> Option<u32> {
        let map = self.0.as_ref().filter(|_| addr.is_routable())?;
        let ip = match addr {
            NetAddr::Ip(ip) => match addr.linked_ipv4() {
                Some(four) => four.to_ipv6_mapped(),
                None => match ip {
                    IpAddr::V4(four) => four.to_ipv6_mapped(),
                    IpAddr::V6(six) => *six,
                },
            },
            _ => return None,
        };
        Some(map.find(ip.octets())).filter(|number| *number != 0)
    }

    /// The group of an address. Both versions of IP share those of the map.
    pub fn of(&self, addr: &NetAddr) -> Vec<u8> {
        match self.number(addr) {
            Some(number) => [&[Network::Ipv6.class()], &number.to_le_bytes()[..]].concat(),
            None => addr.group(),
        }
    }

    /// Says how well the map fits the addresses that are known.
    pub fn tell_health<'a>(&self, addresses: impl Iterator<Item = &'a NetAddr>) {
        let (mut all, mut unmapped, mut numbers) = (0, 0, std::collections::BTreeSet::new());
        for addr in addresses.filter(|addr| matches!(addr, NetAddr::Ip(_))) {
            all += 1;
            match self.number(addr) {
                Some(number) => {
                    numbers.insert(number);
                }
                None => unmapped += 1,
            }
        }
        tracing::info!(
            "ASMap Health Check: {all} clearnet peers are mapped to {} ASNs with {unmapped} peers being unmapped",
            numbers.len()
        );
    }
}

/// For the fuzz target: a file of any content, and an address at its end.
pub(crate) fn fuzz(bytes: &[u8]) {
    let Some((file, address)) = bytes.split_last_chunk::<16>() else { return };
    let Some(map) = AsMap::new(file.to_vec()) else { return };
    let highest = 1 + NUMBER.iter().map(|size| 1_u32 << size).sum::<u32>();
    assert!(map.find(*address) < highest);
    assert!(AsMap::new(file[..file.len() - 1].to_vec()).is_none(), "no part of a map is a map");
}

#[cfg(test)]
mod tests {
    use primitives::hex;
    use proptest::prelude::*;

    use super::*;

    /// The smallest map: all addresses are of one system.
    fn constant() -> Vec<u8> {
        // A step of return (one unset bit), the lowest class (another one), and number 1 (fifteen).
        vec![0, 0, 0]
    }

    /// The map that the reference's tests have.
    fn reference() -> Vec<u8> {
        let map = hex::decode(
            "fb03ec0fb03fc0fe00fb03ec0fb03fc0fe00fb03ec0fb0fffffeffedb0ffd486e6282900004000004000409901008001800400000500\
             06001cf039",
        );
        map.unwrap()
    }

    #[test]
    fn the_reference_map() {
        let map = AsMap::new(reference()).unwrap();
        // Hashes are shown backwards.
        let mut shown = map.version().to_vec();
        shown.reverse();
        assert_eq!(shown, hex::decode("bafc9da308f45179443bd1d22325400ac9104f741522d003e3fac86700f68895").unwrap());
        let groups = Groups::by_map(Arc::new(map));
        let number = |text: &str| groups.number(&text.parse().unwrap());
        // The numbers that the tests of the reference count with.
        let found: Vec<_> = (0..8).map(|n| number(&format!("101.{n}.0.0")).unwrap()).collect();
        assert_eq!(found, [1, 1, 2, 3, 4, 5, 6, 7]);
        for unmapped in ["10.1.1.1", "127.0.0.1", "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"] {
            assert_eq!(number(unmapped), None);
        }
        let (one, other): (NetAddr, NetAddr) = ("101.1.0.1".parse().unwrap(), "101.1.200.9".parse().unwrap());
        assert_eq!(groups.of(&one), groups.of(&other));
        assert_eq!(Groups::default().of(&one), one.group());
    }

    #[test]
    fn what_is_no_map() {
        assert_eq!(AsMap::new(constant()).unwrap().find([9; 16]), 1);
        for broken in [vec![], vec![0], vec![0, 0, 0, 0], vec![0, 0, 2], vec![0xff; 9], vec![1, 0, 0]] {
            assert!(AsMap::new(broken.clone()).is_none(), "{broken:?}");
        }
        let whole = reference();
        for cut in 0..whole.len() {
            assert!(AsMap::new(whole[..cut].to_vec()).is_none(), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn any_file(bytes: Vec<u8>) {
            fuzz(&bytes);
        }

        #[test]
        fn a_changed_map(at in 0..59_usize, by in 1..=255_u8, address: [u8; 16]) {
            let mut bytes = reference();
            bytes[at] ^= by;
            bytes.extend(address);
            fuzz(&bytes);
        }
    }
}
