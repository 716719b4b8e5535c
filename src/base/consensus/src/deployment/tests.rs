//! The state machine against the tables of the specification and against a model that recomputes everything.

use std::str::FromStr;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use proptest::prelude::*;

use super::*;
use crate::params::ChainParams;
use crate::view::{Below, HeaderVec, HeaderView};
use ThresholdState::{Active, Defined, Failed, LockedIn, Started};

const TOP: i32 = 0x2000_0000;

fn unique_hash(height: u32, salt: u32) -> BlockHash {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&height.to_le_bytes());
    bytes[4..8].copy_from_slice(&salt.to_le_bytes());
    BlockHash::from_byte_array(bytes)
}

/// A chain that may still be empty.
#[derive(Default)]
struct Branch(Option<HeaderVec>);

impl Branch {
    /// Mines until there are `count` blocks.
    fn mine(&mut self, count: u32, time: u32, version: i32) {
        loop {
            let height = self.0.as_ref().map_or(0, |chain| chain.height() + 1);
            if height >= count {
                return;
            }
            match &mut self.0 {
                None => self.0 = Some(HeaderVec::new(unique_hash(0, 0), version, time, 0)),
                Some(chain) => chain.push(unique_hash(height, time), version, time, 0),
            }
        }
    }

    fn view(&self) -> Option<&dyn HeaderView> {
        self.0.as_ref().map(|chain| -> &dyn HeaderView { chain })
    }
}

/// One block every ten minutes after 2014-11-14 00:55:36.
fn time_at(height: i64) -> i64 {
    1_415_926_536 + 600 * height
}

fn normal() -> Deployment {
    Deployment {
        name: "normal",
        bit: 8,
        start: Start::At(time_at(10_000)),
        timeout: time_at(20_000),
        min_activation_height: 0,
        period: NonZeroU32::new(1000).unwrap(),
        threshold: 900,
        machine: Machine::ThresholdFirst,
    }
}

#[test]
fn the_courses_of_the_specification() {
    // Blocks, minutes-of-ten of the time (and seconds less), version bits; then the state and since when, both also for
    // a deployment that may not be active below 15000.
    type Row = (u32, i64, i64, i32, ThresholdState, u32, ThresholdState, u32);
    fn same(blocks: u32, time: i64, version: i32, state: ThresholdState, since: u32) -> Row {
        (blocks, time, 0, version, state, since, state, since)
    }
    let courses: &[&[Row]] = &[
        // The timeout passes together with the start.
        &[
            same(1, 1, 0x100, Defined, 0),
            same(11, 11, 0x100, Defined, 0),
            same(989, 989, 0x100, Defined, 0),
            same(999, 20_000, 0x100, Defined, 0),
            same(1000, 20_000, 0, Started, 1000),
            same(1999, 30_001, 0, Started, 1000),
            same(2000, 30_002, 0x100, Failed, 2000),
            same(2001, 30_003, 0x100, Failed, 2000),
            same(2999, 30_004, 0x100, Failed, 2000),
            same(3000, 30_005, 0x100, Failed, 2000),
            same(4000, 30_006, 0x100, Failed, 2000),
        ],
        // One signal too few.
        &[
            same(1, 1, 0, Defined, 0),
            (1000, 10_000, 1, 0x100, Defined, 0, Defined, 0),
            same(2000, 10_000, 0x100, Started, 2000),
            same(2051, 10_010, 0, Started, 2000),
            same(2950, 10_020, 0x100, Started, 2000),
            same(3000, 20_000, 0, Failed, 3000),
            same(4000, 20_010, 0x100, Failed, 3000),
        ],
        // Enough signals in the period in which the timeout passes.
        &[
            same(1, 1, 0, Defined, 0),
            (1000, 10_000, 1, 0x101, Defined, 0, Defined, 0),
            same(2000, 10_000, 0x101, Started, 2000),
            same(2999, 30_000, 0x100, Started, 2000),
            same(3000, 30_000, 0x100, LockedIn, 3000),
            same(3999, 30_001, 0, LockedIn, 3000),
            (4000, 30_002, 0, 0, Active, 4000, LockedIn, 3000),
            (14_333, 30_003, 0, 0, Active, 4000, LockedIn, 3000),
            (24_000, 40_000, 0, 0, Active, 4000, Active, 15_000),
        ],
        // Just enough signals.
        &[
            same(1, 1, 0, Defined, 0),
            (1000, 10_000, 1, 0x101, Defined, 0, Defined, 0),
            same(2000, 10_000, 0x101, Started, 2000),
            same(2050, 10_010, 0x200, Started, 2000),
            same(2950, 10_020, 0x100, Started, 2000),
            same(2999, 19_999, 0x200, Started, 2000),
            same(3000, 29_999, 0x200, LockedIn, 3000),
            same(3999, 30_001, 0, LockedIn, 3000),
            (4000, 30_002, 0, 0, Active, 4000, LockedIn, 3000),
            (14_333, 30_003, 0, 0, Active, 4000, LockedIn, 3000),
            (15_000, 40_000, 0, 0, Active, 4000, Active, 15_000),
            (24_000, 40_000, 0, 0, Active, 4000, Active, 15_000),
        ],
        // Several periods in each state.
        &[
            same(999, 999, 0, Defined, 0),
            same(1000, 1000, 0, Defined, 0),
            same(2000, 2000, 0, Defined, 0),
            same(3000, 10_000, 0, Started, 3000),
            same(4000, 10_000, 0, Started, 3000),
            same(5000, 10_000, 0, Started, 3000),
            same(5999, 20_000, 0, Started, 3000),
            same(6000, 20_000, 0, Failed, 6000),
            same(7000, 20_000, 0x100, Failed, 6000),
            same(24_000, 20_000, 0x100, Failed, 6000),
        ],
    ];
    let normal = normal();
    let delayed = Deployment { name: "delayed", min_activation_height: 15_000, ..normal };
    let always = Deployment { name: "always", start: Start::Always, ..normal };
    let never = Deployment { name: "never", start: Start::Never, ..normal };
    for course in courses {
        let mut branch = Branch::default();
        let cache = MemoryCache::default();
        assert_eq!(state_after(&normal, None, &cache), Defined);
        for (blocks, time, early, version, state, since, delayed_state, delayed_since) in *course {
            branch.mine(*blocks, u32::try_from(time_at(*time) - early).unwrap(), TOP | version);
            let caches: [&dyn VersionBitsCache; 2] = [&cache, &NoCache];
            for cache in caches {
                let of = |deployment| {
                    let view = branch.view();
                    (state_after(deployment, view, cache), state_since(deployment, view, cache))
                };
                assert_eq!(of(&normal), (*state, *since), "{blocks}");
                assert_eq!(of(&delayed), (*delayed_state, *delayed_since), "{blocks}, delayed");
                assert_eq!((of(&always), of(&never)), ((Active, 0), (Failed, 0)), "{blocks}");
            }
        }
        cache.clear();
        assert_eq!(cache.get(CacheSlot::Deployment("normal"), unique_hash(0, 0)), None);
    }
}

#[test]
fn the_first_machine_lets_the_timeout_win() {
    let old = Deployment { name: "old", machine: Machine::TimeoutFirst, ..normal() };
    let mut branch = Branch::default();
    let cache = MemoryCache::default();
    // Before it starts.
    branch.mine(1000, u32::try_from(time_at(20_000)).unwrap(), TOP | 0x100);
    assert_eq!(state_after(&old, branch.view(), &cache), Failed);
    assert_eq!(state_after(&normal(), branch.view(), &cache), Started);
    // And after enough signals.
    let mut branch = Branch::default();
    let cache = MemoryCache::default();
    branch.mine(1000, u32::try_from(time_at(10_000)).unwrap(), TOP | 0x100);
    branch.mine(2000, u32::try_from(time_at(20_000)).unwrap(), TOP | 0x100);
    assert_eq!(state_after(&old, branch.view(), &cache), Failed);
    assert_eq!(state_after(&normal(), branch.view(), &cache), LockedIn);
}

#[test]
fn c1pzo_never_gets_taproot() {
    let coin = coin::by_id("c1pzo").unwrap();
    let params = ChainParams::new(coin, coin.chain(coin::ChainKind::Main).unwrap());
    let taproot = params.deployment("taproot").unwrap();
    let mut branch = Branch::default();
    branch.mine(2016, 1_613_518_997, TOP | 4);
    assert_eq!(state_after(taproot, branch.view(), &NoCache), Failed);
    branch.mine(3 * 2016, 1_613_520_000, TOP | 4);
    assert_eq!(state_after(taproot, branch.view(), &NoCache), Failed);
}

#[test]
fn arcadia_gets_taproot_if_its_miners_wanted_it() {
    let coin = coin::by_id("arcadia").unwrap();
    let params = ChainParams::new(coin, coin.chain(coin::ChainKind::Main).unwrap());
    let taproot = params.deployment("taproot").unwrap();
    let cache = MemoryCache::default();
    let mut branch = Branch::default();
    branch.mine(60, 1_662_873_532, 4);
    assert_eq!(state_after(taproot, branch.view(), &cache), Started);
    assert_eq!(block_version(params.deployments(), branch.view(), &cache), TOP | 4);
    branch.mine(63, 1_662_880_000, TOP);
    branch.mine(120, 1_662_880_000, TOP | 4);
    assert_eq!(state_after(taproot, branch.view(), &cache), LockedIn);
    branch.mine(180, 1_710_000_000, TOP);
    assert_eq!(state_after(taproot, branch.view(), &cache), Active);
    assert_eq!(block_version(params.deployments(), branch.view(), &cache), TOP);
    // Fifty-six of sixty are not enough, and after 2023 it is too late.
    let mut branch = Branch::default();
    branch.mine(64, 1_662_873_532, TOP);
    branch.mine(120, 1_662_880_000, TOP | 4);
    assert_eq!(state_after(taproot, branch.view(), &NoCache), Started);
    branch.mine(180, 1_704_067_199, TOP | 4);
    assert_eq!(state_after(taproot, branch.view(), &NoCache), Failed);
}

fn regtest() -> ChainParams {
    let coin = coin::by_id("bitcoin").unwrap();
    ChainParams::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap())
}

#[test]
fn testdummy_on_regtest() {
    let params = regtest();
    let dummy = params.deployment("testdummy").unwrap();
    assert_eq!((dummy.bit, dummy.period.get(), dummy.threshold), (28, 144, 108));
    let cache = MemoryCache::default();
    let version = |branch: &Branch| block_version(params.deployments(), branch.view(), &cache);
    let mut branch = Branch::default();
    branch.mine(143, 1, 4);
    assert_eq!(version(&branch), TOP);
    branch.mine(144, 1, 4);
    assert_eq!(version(&branch), TOP | 1 << 28);
    branch.mine(180, 1, 4);
    branch.mine(200, 1, TOP | 1 << 28);

    let info = Bip9Info::at(dummy, branch.view().unwrap(), &cache);
    assert_eq!((info.current, info.next, info.since, info.active_since), (Started, Started, 144, None));
    let stats = Bip9Stats { period: 144, threshold: 108, elapsed: 56, count: 20, possible: true };
    assert_eq!(info.stats, Some(stats));
    assert_eq!(info.signalling, [vec![false; 36], vec![true; 20]].concat());
    branch.mine(201, 1, 4);
    assert!(!Bip9Info::at(dummy, branch.view().unwrap(), &cache).stats.unwrap().possible);

    branch.mine(288, 1, 4);
    branch.mine(432, 1, TOP | 1 << 28);
    let info = Bip9Info::at(dummy, branch.view().unwrap(), &cache);
    assert_eq!((info.current, info.next, info.signalling.len()), (Started, LockedIn, 144));
    assert_eq!(GbtStatus::after(params.deployments(), branch.view().unwrap(), &cache).locked_in["testdummy"].bit, 28);
    branch.mine(575, 1, 4);
    let info = Bip9Info::at(dummy, branch.view().unwrap(), &cache);
    assert_eq!((info.current, info.next, info.active_since), (LockedIn, LockedIn, None));
    assert_eq!(info.stats.unwrap(), Bip9Stats { period: 144, threshold: 0, elapsed: 143, count: 0, possible: false });
    branch.mine(576, 1, 4);
    let info = Bip9Info::at(dummy, branch.view().unwrap(), &cache);
    assert_eq!((info.current, info.next, info.active_since), (LockedIn, Active, Some(576)));
    branch.mine(577, 1, 4);
    let info = Bip9Info::at(dummy, branch.view().unwrap(), &cache);
    assert_eq!((info.current, info.since, info.active_since, info.stats), (Active, 576, Some(576), None));
    assert!(info.signalling.is_empty());
    assert_eq!(
        GbtStatus::after(params.deployments(), branch.view().unwrap(), &cache).active["testdummy"].mask,
        1 << 28
    );
    assert_eq!(version(&branch), TOP);
}

#[test]
fn unknown_bits_are_noticed() {
    let params = regtest();
    let cache = MemoryCache::default();
    let mut branch = Branch::default();
    branch.mine(144, 1, TOP);
    // On a test chain the period is the retarget's, 144 blocks, and 108 of them are enough.
    branch.mine(180, 1, TOP);
    branch.mine(288, 1, TOP | 1 << 3 | 1 << 28 | 1 << 7);
    assert_eq!(unknown_activations(&params, branch.view().unwrap(), &cache), [(3, false)]);
    branch.mine(432, 1, TOP);
    assert_eq!(unknown_activations(&params, branch.view().unwrap(), &cache), [(3, true)]);
}

#[test]
fn options_and_their_errors() {
    let ok = |text: &str| ActivationOverride::from_str(text).unwrap();
    assert_eq!(ok("segwit@7"), ActivationOverride { deployment: Buried::Segwit, height: 7 });
    assert_eq!(ok("cltv@2147483646").height, 2_147_483_646);
    let text = |option: &str| ActivationOverride::from_str(option).unwrap_err().to_string();
    assert_eq!(text("nope"), "Invalid format (nope) for -testactivationheight=name@height.");
    for bad in ["segwit@", "segwit@-1", "segwit@+1", "segwit@2147483647", "segwit@1x", "bip65@ 1", "x@x"] {
        assert_eq!(text(bad), format!("Invalid height value ({bad}) for -testactivationheight=name@height."));
    }
    assert_eq!(text("bip65@1"), "Invalid name (bip65@1) for -testactivationheight=name@height.");
    let params = regtest().with_activation(ok("dersig@102"));
    assert!(!params.is_active(Buried::Dersig, 101) && params.is_active(Buried::Dersig, 102));
    assert!(params.is_active(Buried::Cltv, 1) && !params.is_active(Buried::Cltv, 0));

    let text = |option: &str| SignalOverride::from_str(option).unwrap_err().to_string();
    let format = "Version bits parameters malformed, expecting deployment:start:end[:min_activation_height]";
    assert_eq!((text("a:1").as_str(), text("a:1:2:3:4").as_str()), (format, format));
    assert_eq!(text("a:x:2"), "Invalid nStartTime (x)");
    assert_eq!(text("a:1:"), "Invalid nTimeout ()");
    assert_eq!(text("a:1:2:z"), "Invalid min_activation_height (z)");
    let unknown = SignalOverride::from_str("a:1:2").unwrap();
    assert_eq!(regtest().with_signal(&unknown).unwrap_err().to_string(), "Invalid deployment (a)");
    let always = SignalOverride::from_str("testdummy:-1:9999:5").unwrap();
    let params = regtest().with_signal(&always).unwrap();
    let dummy = params.deployment("testdummy").unwrap();
    assert_eq!((dummy.start, dummy.timeout, dummy.min_activation_height), (Start::Always, 9999, 5));
    assert!(dummy.is_enabled());
    assert_eq!([-2, -1, 0, 5].map(|number| Start::from_number(number).to_number()), [-2, -1, 0, 5]);
    assert_eq!(Buried::ALL.map(Buried::name), ["bip34", "bip66", "bip65", "csv", "segwit"]);
}

/// The machine of the text of BIP9, without any cleverness: every period from the first.
fn naive(deployment: &Deployment, chain: &HeaderVec) -> ThresholdState {
    let Start::At(start) = deployment.start else { panic!("not a deployment with a start") };
    let period = deployment.period.get();
    let mut state = Defined;
    for end in (0..=chain.height()).filter(|height| (height + 1) % period == 0) {
        let time = chain.median_time_past(end).unwrap();
        let blocks = (end + 1 - period..=end).map(|height| chain.at(height).unwrap().version);
        let count = blocks.filter(|version| version >> 29 == 1 && version & 0x100 != 0).count();
        let enough = count >= usize::try_from(deployment.threshold).unwrap();
        let late = time >= deployment.timeout;
        let old = deployment.machine == Machine::TimeoutFirst;
        state = match state {
            Defined if late && old && time >= start => Failed,
            Defined if time >= start => Started,
            Started if late && old => Failed,
            Started if enough => LockedIn,
            Started if late => Failed,
            LockedIn if i64::from(end) + 1 >= deployment.min_activation_height => Active,
            other => other,
        };
    }
    state
}

proptest! {
    #[test]
    fn every_block_is_in_the_state_of_the_model(
        period in 1u32..8, threshold in 0u32..9, start in 0i64..60, length in 0i64..60, min in 0i64..60, old: bool,
        blocks in proptest::collection::vec((0u32..4, prop::sample::select(vec![TOP, TOP | 0x100, 0x100, 4])), 1..80),
    ) {
        let deployment = Deployment {
            start: Start::At(start),
            timeout: start + length,
            min_activation_height: min,
            period: NonZeroU32::new(period).unwrap(),
            threshold,
            machine: if old { Machine::TimeoutFirst } else { Machine::ThresholdFirst },
            ..normal()
        };
        let mut branch = Branch::default();
        let (shared, mut time, mut since, mut last) = (MemoryCache::default(), 0, 0, Defined);
        for (height, (gap, version)) in (1u32..).zip(&blocks) {
            time += gap;
            branch.mine(height, time, *version);
            let state = naive(&deployment, branch.0.as_ref().unwrap());
            if state != last {
                (since, last) = (height, state);
            }
            prop_assert_eq!(state_after(&deployment, branch.view(), &shared), state);
            prop_assert_eq!(state_since(&deployment, branch.view(), &shared), since);
        }
        // Asked from the end, without the cache filled block by block.
        let (chain, fresh) = (branch.0.unwrap(), MemoryCache::default());
        prop_assert_eq!(state_after(&deployment, Some(&chain), &fresh), last);
        prop_assert_eq!(state_after(&deployment, Some(&chain), &NoCache), last);
        let half = Below::new(&chain, chain.height() / 2);
        prop_assert_eq!(
            state_after(&deployment, Some(&half), &fresh),
            state_after(&deployment, Some(&half), &NoCache)
        );
    }
}
