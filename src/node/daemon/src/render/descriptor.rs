//! The descriptor that an output script has by itself, when nothing is known of the keys behind it.

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Script, XOnlyPublicKey};
use primitives::{Addresses, Destination};
use script::{Solution, solve};

use super::hex;

/// Characters of descriptors, in the order that the checksum counts them in.
const INPUT: &str = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
/// Characters of checksums.
const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: [u64; 5] = [0xf5_dee5_1989, 0xa9_fdca_3312, 0x1b_ab10_e32d, 0x37_06b1_677a, 0x64_4d62_6ffd];

/// The descriptor of a script, with its checksum.
pub fn infer(script: &Script, addresses: &Addresses) -> String {
    infer_with(script, &[], addresses)
}

/// The descriptor of a script, with its checksum, when the scripts behind its hashes are among `known`.
pub fn infer_with(script: &Script, known: &[&Script], addresses: &Addresses) -> String {
    let body = describe(script, Within::Nothing, known).unwrap_or_else(|| {
        let address = match addresses.destination(script) {
            Destination::None(_) => None,
            destination => addresses.encode(&destination),
        };
        address.map_or_else(|| format!("raw({})", hex(script.as_bytes())), |address| format!("addr({address})"))
    });
    let sum = checksum(&body);
    format!("{body}#{sum}")
}

/// Which hash a script is behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    ScriptHash,
    WitnessScriptHash,
}

/// A descriptor that says more than an address does.
fn describe(script: &Script, within: Within, known: &[&Script]) -> Option<String> {
    match solve(script) {
        Solution::Pubkey(key) if is_usable(key, within) => Some(format!("pk({})", hex(key))),
        Solution::Multisig { required, keys } if keys.iter().all(|key| is_usable(key, within)) => {
            let keys: Vec<String> = keys.iter().map(|k| hex(k)).collect();
            Some(format!("multi({required},{})", keys.join(",")))
        }
        Solution::ScriptHash(hash) if within == Within::Nothing => {
            let inner = known.iter().find(|s| hash160::Hash::hash(s.as_bytes()).as_byte_array() == hash)?;
            Some(format!("sh({})", describe(inner, Within::ScriptHash, known)?))
        }
        Solution::WitnessV0ScriptHash(hash) if within != Within::WitnessScriptHash => {
            let inner = known.iter().find(|s| sha256::Hash::hash(s.as_bytes()).as_byte_array() == hash)?;
            Some(format!("wsh({})", describe(inner, Within::WitnessScriptHash, known)?))
        }
        Solution::WitnessV1Taproot(key) if within == Within::Nothing && XOnlyPublicKey::from_slice(key).is_ok() => {
            Some(format!("rawtr({})", hex(key)))
        }
        _ => None,
    }
}

/// Hybrid keys have no descriptor, and segwit has no uncompressed ones.
fn is_usable(key: &[u8], within: Within) -> bool {
    match key.first() {
        Some(2 | 3) => true,
        Some(4) => within != Within::WitnessScriptHash,
        _ => false,
    }
}

fn step(state: u64, value: u64) -> u64 {
    let top = state >> 35;
    let shifted = (state & 0x7_ffff_ffff) << 5 ^ value;
    GENERATORS
        .iter()
        .enumerate()
        .fold(shifted, |s, (bit, generator)| if top >> bit & 1 == 1 { s ^ generator } else { s })
}

/// Eight characters that tell most mistakes in a descriptor.
fn checksum(body: &str) -> String {
    let (mut state, mut group, mut count) = (1u64, 0u64, 0);
    for position in body.chars().filter_map(|c| INPUT.find(c)) {
        let position = position as u64;
        state = step(state, position & 31);
        group = group * 3 + (position >> 5);
        count += 1;
        if count == 3 {
            state = step(state, group);
            (group, count) = (0, 0);
        }
    }
    if count > 0 {
        state = step(state, group);
    }
    state = (0..8).fold(state, |s, _| step(s, 0)) ^ 1;
    (0..8).map(|n| char::from(OUTPUT[(state >> (5 * (7 - n)) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_the_specification() {
        // From BIP380.
        assert_eq!(checksum("raw(deadbeef)"), "89f8spxm");
        assert_eq!(checksum("pkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)"), "8fhd9pwu");
    }
}
