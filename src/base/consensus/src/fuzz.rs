//! Entry points for fuzzing. Each takes any bytes and panics only if a promise of this crate is broken.

use std::num::NonZeroU32;

use bitcoin::block::Version;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{BlockHash, CompactTarget, TxMerkleNode};
use coin::ChainKind;
use primitives::{Codec, Header, Reader};

use crate::block::HeaderContext;
use crate::coins::rules_for;
use crate::deployment::{Deployment, Machine, MemoryCache, NoCache, Start, ThresholdState, state_after, state_since};
use crate::params::ChainParams;
use crate::pow::target_of;
use crate::uint256::U256;
use crate::view::{HeaderVec, HeaderView, next_height};

/// Builds a chain of headers that the bytes describe: a chain's rules, and for each header a step in time, a version and
/// whether its target is the required one. Accepted headers must keep what the rules promise. Nobody looks at their work,
/// which no fuzzer finds.
pub fn header_chain(data: &[u8]) {
    let Some(([coin, chain], steps)) = data.split_first_chunk() else { return };
    let coins = coin::all();
    let coin = coins[usize::from(*coin) % coins.len()];
    let kinds = ChainKind::ALL;
    let Some(chain) = coin.chain(kinds[usize::from(*chain) % kinds.len()]) else { return };
    let Ok(rules) = rules_for(ChainParams::new(coin, chain)) else { return };
    let pow = rules.params().pow();
    let genesis = &chain.genesis;
    let mut branch = HeaderVec::new(rules.params().genesis_hash(), genesis.version, genesis.time, genesis.bits);
    let context = HeaderContext { now: i64::from(u32::MAX), checkpoint: None };
    for [low, high, kind, other] in steps.as_chunks::<4>().0 {
        let last = branch.at(branch.height()).expect("a branch has a header at its own height");
        let step = u32::from(u16::from_le_bytes([*low, *high])) << (kind & 7);
        let time = if kind & 8 == 0 { last.time.saturating_add(step) } else { last.time.saturating_sub(step) };
        let version = if kind & 16 == 0 { 0x2000_0004 } else { i32::from(*other) };
        let mut raw = bitcoin::block::Header {
            version: Version::from_consensus(version),
            prev_blockhash: last.hash,
            merkle_root: TxMerkleNode::all_zeros(),
            time,
            bits: CompactTarget::from_consensus(0),
            nonce: u32::from(*other),
        };
        let required = rules.next_work_required(&branch, &Header::new(raw));
        let bits = if kind & 32 == 0 { required } else { required ^ u32::from(*other) };
        raw.bits = CompactTarget::from_consensus(bits);
        let header = Header::new(raw);
        if rules.check_header_context(&header, &branch, context).is_err() {
            continue;
        }
        assert_eq!(bits, required);
        assert!(target_of(bits, pow.limit).is_some() && rules.header_work(&header) > U256::ZERO);
        assert!(rules.permitted_transition(branch.height() + 1, last.bits, bits));
        branch.push(header.hash(), version, time, bits);
    }
    for deployment in rules.params().deployments() {
        let cache = MemoryCache::default();
        let state = state_after(deployment, Some(&branch), &cache);
        assert_eq!(state, state_after(deployment, Some(&branch), &NoCache));
        let since = state_since(deployment, Some(&branch), &cache);
        assert!(since <= next_height(Some(&branch)));
    }
}

/// Reads a header with its proof of merged mining and judges it, by the rules of every chain that has such proofs. What is
/// refused has a reason that can be said; what is accepted has work.
pub fn merged_proof(data: &[u8]) {
    for coin in coin::all() {
        let Ok(header) = Codec::for_coin(coin).read_header(&mut Reader::new(data)) else { continue };
        for chain in coin.chains.iter().filter(|_| header.aux().is_some()) {
            let Ok(rules) = rules_for(ChainParams::new(coin, chain)) else { continue };
            let genesis = &chain.genesis;
            let branch = HeaderVec::new(rules.params().genesis_hash(), genesis.version, genesis.time, genesis.bits);
            let context = HeaderContext { now: i64::from(u32::MAX), checkpoint: None };
            let alone = rules.check_header(&header);
            let placed = rules.check_header_context(&header, &branch, context);
            for reason in [&alone, &placed].into_iter().filter_map(|verdict| verdict.as_ref().err()) {
                assert!(!reason.to_string().is_empty() && !reason.full().is_empty());
            }
            let work = rules.header_work(&header);
            assert!(alone.is_err() || rules.merged_facts(&header).is_none() || work > U256::ZERO);
        }
    }
}

/// Runs a deployment that the bytes describe over a chain that they describe, with and without a cache.
pub fn version_bits(data: &[u8]) {
    let Some(([period, threshold, start, length, min, machine], blocks)) = data.split_first_chunk() else { return };
    let deployment = Deployment {
        name: "fuzz",
        bit: 1,
        start: Start::At(i64::from(*start)),
        timeout: i64::from(*start) + i64::from(*length),
        min_activation_height: i64::from(*min),
        period: NonZeroU32::new(u32::from(period & 15)).unwrap_or(NonZeroU32::MIN),
        threshold: u32::from(threshold & 15),
        machine: if machine & 1 == 0 { Machine::TimeoutFirst } else { Machine::ThresholdFirst },
    };
    let cache = MemoryCache::default();
    let mut branch: Option<HeaderVec> = None;
    let mut states = Vec::new();
    // The naive way takes the cube of the number of blocks.
    for (height, byte) in (0u32..).zip(blocks.iter().take(96)) {
        let preimage = [&height.to_le_bytes()[..], &[*byte]].concat();
        let hash = BlockHash::from_byte_array(sha256::Hash::hash(&preimage).to_byte_array());
        let version = if byte & 1 == 0 { 0x2000_0002 } else { 0x2000_0000 };
        match &mut branch {
            None => branch = Some(HeaderVec::new(hash, version, u32::from(*byte), 0)),
            Some(chain) => {
                let time = chain.at(chain.height()).map_or(0, |last| last.time) + u32::from(byte >> 5);
                chain.push(hash, version, time, 0);
            }
        }
        let view = branch.as_ref().map(|chain| -> &dyn HeaderView { chain });
        let state = state_after(&deployment, view, &cache);
        assert_eq!(state, state_after(&deployment, view, &NoCache));
        // The first block that was judged to be in this state, with no other state between.
        if states.last().is_none_or(|(last, _)| *last != state) {
            states.push((state, height + 1));
        }
        let since = if state == ThresholdState::Defined { 0 } else { states.last().map_or(0, |(_, since)| *since) };
        assert_eq!(state_since(&deployment, view, &cache), since);
    }
}

/// Decodes and encodes compact targets.
pub fn compact(data: &[u8]) {
    for bytes in data.as_chunks::<4>().0 {
        let decoded = U256::from_compact(u32::from_le_bytes(*bytes));
        let again = U256::from_compact(decoded.value.to_compact());
        assert!(again.value <= decoded.value && !again.negative && !again.overflow);
        assert_eq!(again.value.to_compact(), decoded.value.to_compact());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_break_a_promise(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            super::header_chain(&data);
            super::version_bits(&data);
            super::compact(&data);
            super::merged_proof(&data);
        }
    }
}
