//! Facts about the tables: that they are complete, that they agree with themselves, and which of them collide.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;

/// Every chain with the coin that it belongs to.
fn chains() -> impl Iterator<Item = (&'static Coin, &'static Chain)> {
    all().iter().flat_map(|coin| coin.chains.iter().map(move |chain| (*coin, chain)))
}

/// The chains of a coin by kind, as `bitcoin/main`.
fn label((coin, chain): (&Coin, &Chain)) -> String {
    format!("{}/{}", coin.id, chain.kind)
}

/// Which chains share a value.
fn sharing<K: Ord>(key: impl Fn(&Chain) -> K) -> BTreeMap<K, Vec<String>> {
    let mut map: BTreeMap<K, Vec<String>> = BTreeMap::new();
    for (coin, chain) in chains() {
        map.entry(key(chain)).or_default().push(label((coin, chain)));
    }
    map
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As people see it: most significant byte first.
fn display(hash: &[u8; 32]) -> String {
    hex(&hash.iter().rev().copied().collect::<Vec<u8>>())
}

#[test]
fn the_six_coins_and_their_twenty_five_chains() {
    let ids: Vec<_> = all().iter().map(|coin| coin.id).collect();
    assert_eq!(ids, ["arcadia", "bitcoin", "c1pzo", "freicoin", "syscoin", "widecoin"]);
    assert_eq!(chains().count(), 25);
    for coin in all() {
        assert_eq!(by_id(coin.id), Some(*coin));
        assert_eq!(coin.chain(ChainKind::Testnet4).is_some(), coin.id == "bitcoin");
        assert_eq!(coin.main().kind, ChainKind::Main);
        assert_eq!(coin.main().datadir_subdir, "");
        assert_eq!(coin.chains.last().map(|chain| chain.kind), Some(ChainKind::Regtest));
    }
    for wrong in ["", "Bitcoin", "bitcoind", "bitcoin-node", "btc"] {
        assert_eq!(by_id(wrong), None, "{wrong}");
    }
}

#[test]
fn chain_names_are_the_daemons() {
    let names: Vec<_> = ChainKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names, ["main", "test", "testnet4", "signet", "regtest"]);
    for kind in ChainKind::ALL {
        assert_eq!(ChainKind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(ChainKind::from_name("testnet"), None);
}

#[test]
fn activation_says_when_and_whether() {
    assert!(!Activation::At(10).is_active_at(9));
    assert!(Activation::At(10).is_active_at(10));
    assert!(!Activation::Never.is_active_at(u32::MAX));
    assert!(!Activation::Absent.is_active_at(u32::MAX));
    let freicoin = by_id("freicoin").unwrap();
    assert_eq!(freicoin.main().bip65_height, Activation::Absent);
    assert_eq!(freicoin.chain(ChainKind::Test).unwrap().bip34_height, Activation::Never);
}

#[test]
fn a_chain_cannot_be_told_by_its_magic() {
    let shared: Vec<_> = sharing(|chain| chain.magic).into_iter().filter(|(_, who)| who.len() > 1).collect();
    let signets: Vec<_> = all().iter().map(|coin| format!("{}/signet", coin.id)).collect();
    let regtests = ["bitcoin/regtest", "syscoin/regtest", "widecoin/regtest"].map(str::to_owned).to_vec();
    assert_eq!(shared, [([0x0a, 0x03, 0xcf, 0x40], signets), ([0xfa, 0xbf, 0xb5, 0xda], regtests)]);
}

#[test]
fn a_chain_cannot_be_told_by_its_port() {
    let p2p = sharing(|chain| chain.p2p_port);
    assert_eq!(p2p[&18444], ["arcadia/regtest", "bitcoin/regtest", "syscoin/regtest", "widecoin/regtest"]);
    assert_eq!(p2p[&38333], ["bitcoin/signet", "syscoin/signet"]);
    let rpc = sharing(|chain| chain.rpc_port);
    assert_eq!(rpc[&18443], ["arcadia/regtest", "bitcoin/regtest", "widecoin/regtest"]);
    let onion = sharing(|chain| chain.onion_port);
    assert_eq!(onion[&18445], ["arcadia/regtest", "bitcoin/regtest", "widecoin/regtest"]);
    // Ports of different uses meet as well.
    assert_eq!(onion[&18444], ["c1pzo/regtest"]);
    assert_eq!(onion[&38333], ["c1pzo/signet"]);
}

#[test]
fn a_chain_cannot_be_told_by_its_genesis() {
    let shared: Vec<_> = sharing(|chain| chain.genesis.hash).into_values().filter(|who| who.len() > 1).collect();
    assert!(
        shared.contains(&["c1pzo/main", "c1pzo/test", "c1pzo/signet", "c1pzo/regtest"].map(str::to_owned).to_vec())
    );
    assert!(shared.contains(&["bitcoin/signet", "syscoin/signet"].map(str::to_owned).to_vec()));
    assert_eq!(shared.len(), 2);
}

#[test]
fn a_coin_cannot_be_told_by_its_addresses() {
    let prefixes = sharing(|chain| (chain.base58_pubkey, chain.base58_script, chain.base58_secret));
    assert_eq!(prefixes[&(0, 5, 128)], ["bitcoin/main", "c1pzo/main", "freicoin/main"]);
    let hrps = sharing(|chain| chain.bech32_hrp);
    assert_eq!(hrps["bc"], ["bitcoin/main", "c1pzo/main"]);
    assert!(hrps["tb"].len() > 2 && hrps["bcrt"].len() > 2);
    let magic: Vec<_> =
        all().iter().filter(|coin| coin.message_magic == "Bitcoin Signed Message:\n").map(|coin| coin.id).collect();
    assert_eq!(magic, ["bitcoin", "freicoin"]);
}

#[test]
fn within_a_coin_chains_do_not_share_directories_or_ports() {
    for coin in all() {
        for one in coin.chains {
            for other in coin.chains.iter().filter(|other| other.kind != one.kind) {
                assert_ne!(one.datadir_subdir, other.datadir_subdir, "{}", coin.id);
                assert_ne!(one.p2p_port, other.p2p_port, "{}", coin.id);
                assert_ne!(one.rpc_port, other.rpc_port, "{}", coin.id);
            }
        }
    }
}

#[test]
fn only_c1pzo_had_to_be_recovered() {
    for (coin, chain) in chains() {
        let recovered = chain.genesis.recovered();
        assert_eq!(recovered.is_some(), coin.id == "c1pzo", "{}", label((coin, chain)));
        let Some(source) = recovered else { continue };
        let mut reversed = source.asserted_merkle_root;
        reversed.reverse();
        assert_eq!(reversed, chain.genesis.merkle_root);
        assert_ne!(source.literal_hash, chain.genesis.hash);
        assert_ne!(source.literal_merkle_root, chain.genesis.merkle_root);
        assert_eq!(source.nonce == chain.genesis.nonce, chain.kind != ChainKind::Regtest);
    }
}

#[test]
fn deployments_are_complete() {
    for (coin, chain) in chains() {
        let tag = label((coin, chain));
        let names: Vec<_> = chain.deployments.iter().map(|deployment| deployment.name).collect();
        assert_eq!(names[0], "testdummy", "{tag}");
        assert_eq!(names.contains(&"finaltx") && names.contains(&"auxpow"), coin.id == "freicoin", "{tag}");
        if chain.taproot == Taproot::Bip9 {
            assert!(names.contains(&"taproot"), "{tag}");
        }
        for deployment in chain.deployments {
            assert!(deployment.bit < 29 && deployment.threshold <= deployment.window, "{tag}");
        }
    }
    let arcadia = by_id("arcadia").unwrap().main();
    let taproot = arcadia.deployment("taproot").unwrap();
    assert_eq!((taproot.bit, taproot.start_time, taproot.timeout), (2, Start::At(1_640_995_200), Some(1_704_067_199)));
    let dummy = arcadia.deployment("testdummy").unwrap();
    assert_eq!((dummy.start_time, dummy.timeout), (Start::NeverActive, None));
}

#[test]
fn freicoins_filter_sums_to_one() {
    for chain in by_id("freicoin").unwrap().chains {
        let extra = chain.freicoin().unwrap();
        assert_eq!(extra.filter_coefficients.len(), 144);
        assert_eq!(extra.filter_coefficients.iter().sum::<i64>(), 1 << 31);
    }
    assert!(chains().all(|(coin, chain)| chain.freicoin().is_some() == (coin.id == "freicoin")));
}

#[test]
fn all_signets_have_bitcoins_challenge() {
    let challenge = by_id("bitcoin").unwrap().chain(ChainKind::Signet).unwrap().signet_challenge;
    for (_, chain) in chains() {
        assert_eq!(chain.signet_challenge, challenge.filter(|_| chain.kind == ChainKind::Signet));
    }
}

/// One line of the table that shows all coins side by side.
type Row<T> = (&'static str, fn(&T) -> String);

const NAMES: &[Row<Coin>] = &[
    ("name", |c| c.name.to_owned()),
    ("client", |c| c.client_name.to_owned()),
    ("ticker", |c| c.ticker.to_owned()),
    ("minor unit", |c| c.minor_unit.to_owned()),
    ("units", |c| c.units.iter().map(|u| format!("{}={}", u.symbol, u.sat)).collect::<Vec<_>>().join(" ")),
    ("version read", |c| c.version.to_owned()),
    ("datadir unix", |c| c.datadir_unix.to_owned()),
    ("datadir macos", |c| c.datadir_macos.to_owned()),
    ("datadir windows", |c| c.datadir_windows.to_owned()),
    ("legacy windows", |c| c.windows_legacy_datadir.unwrap_or("-").to_owned()),
    ("conf / pid", |c| format!("{} / {}", c.conf_file, c.pid_file)),
    ("user agent", |c| c.user_agent_name.to_owned()),
    ("protocol", |c| c.protocol_version.to_string()),
    ("message magic", |c| format!("{:?}", c.message_magic)),
    ("v0 checksum", |c| format!("{:?}", c.bech32_v0_encoding)),
    ("binaries", |c| c.binaries.join(" ")),
    ("test env", |c| format!("{} ({})", c.test_env_daemon, c.test_env_vars.join(" "))),
    ("hash / pow", |c| format!("{:?} / {:?}", c.consensus.block_hash, c.consensus.pow_hash)),
    ("header / tx", |c| format!("{:?} / {:?}", c.consensus.header_format, c.consensus.tx_format)),
    ("max money", |c| c.consensus.max_money.to_string()),
    ("maturity", |c| c.consensus.coinbase_maturity.to_string()),
    ("weight / size", |c| format!("{} / {}", c.consensus.max_block_weight, c.consensus.max_block_serialized_size)),
    ("sigops", |c| c.consensus.max_block_sigops_cost.to_string()),
    ("message", |c| c.consensus.max_protocol_message_length.to_string()),
    ("subsidy", |c| {
        c.consensus.subsidy.vectors().iter().map(|v| format!("{}:{}", v.height, v.amount)).collect::<Vec<_>>().join(" ")
    }),
];

const CHAINS: &[Row<Chain>] = &[
    ("subdir", |c| c.datadir_subdir.to_owned()),
    ("magic", |c| hex(&c.magic)),
    ("ports", |c| format!("{} {} {}", c.p2p_port, c.rpc_port, c.onion_port)),
    ("base58", |c| format!("{} {} {}", c.base58_pubkey, c.base58_script, c.base58_secret)),
    ("xpub xprv", |c| format!("{} {}", hex(&c.ext_public), hex(&c.ext_secret))),
    ("hrp", |c| c.bech32_hrp.to_owned()),
    ("p2pkh", |c| c.addr_zero_p2pkh.to_owned()),
    ("p2sh", |c| c.addr_zero_p2sh.to_owned()),
    ("p2wpkh", |c| c.addr_zero_wit20.to_owned()),
    ("dns seeds", |c| format!("{} {}", c.dns_seeds.len(), c.dns_seeds.first().unwrap_or(&"-"))),
    ("halving", |c| c.halving_interval.to_string()),
    ("pow limit", |c| format!("{:08x} {}", c.pow_limit_bits, &display(&c.pow_limit)[..16])),
    ("retarget", |c| format!("{:?} {}/{}", c.difficulty_algo, c.pow_target_timespan, c.pow_target_spacing)),
    ("min/no/94", |c| format!("{} {} {}", c.allow_min_difficulty, c.no_retargeting, c.enforce_bip94)),
    ("bip34", |c| format!("{:?} {}", c.bip34_height, &display(&c.bip34_hash)[..24])),
    ("bip65", |c| format!("{:?}", c.bip65_height)),
    ("bip66", |c| format!("{:?}", c.bip66_height)),
    ("csv", |c| format!("{:?}", c.csv_height)),
    ("segwit", |c| format!("{:?}", c.segwit_height)),
    ("taproot", |c| format!("{:?}", c.taproot)),
    ("bip9", |c| format!("{}/{} warn {}", c.bip9_threshold, c.bip9_window, c.min_bip9_warning_height)),
    ("deployments", |c| c.deployments.iter().map(|d| format!("{}@{}", d.name, d.bit)).collect::<Vec<_>>().join(" ")),
    ("min work", |c| display(&c.minimum_chain_work)[32..].to_owned()),
    ("assume valid", |c| display(&c.assume_valid)[..32].to_owned()),
    ("exceptions", |c| format!("{:?}", c.script_flag_exceptions.iter().map(|e| e.flags).collect::<Vec<_>>())),
    ("checkpoints", |c| c.checkpoints.len().to_string()),
    ("prune / GB", |c| format!("{} / {} {}", c.prune_after_height, c.assumed_blockchain_gb, c.assumed_chain_state_gb)),
    ("tx data", |c| format!("{} {} {:?}", c.tx_data.time, c.tx_data.tx_count, c.tx_data.tx_rate)),
    ("headers sync", |c| format!("{}/{}", c.headers_sync.commitment_period, c.headers_sync.redownload_buffer_size)),
    ("snapshots", |c| format!("{:?}", c.assumeutxo.iter().map(|s| s.height).collect::<Vec<_>>())),
    ("genesis", |c| display(&c.genesis.hash)),
    ("merkle root", |c| display(&c.genesis.merkle_root)),
    ("genesis header", |c| format!("{} {:08x} {}", c.genesis.time, c.genesis.bits, c.genesis.nonce)),
    ("reward", |c| c.genesis.reward.to_string()),
    ("text", |c| c.genesis.timestamp_text.to_owned()),
];

/// Appends rows with a column for each value.
fn side_by_side<T>(out: &mut String, rows: &[Row<T>], columns: &[(&str, &T)]) {
    for (name, cell) in rows {
        let _ = writeln!(out, "{name}");
        for (id, value) in columns {
            let _ = writeln!(out, "  {id:<9} {}", cell(value));
        }
    }
}

#[test]
fn all_six_side_by_side() {
    let mut text = String::new();
    let coins: Vec<_> = all().iter().map(|coin| (coin.id, *coin)).collect();
    side_by_side(&mut text, NAMES, &coins);
    for kind in ChainKind::ALL {
        let _ = writeln!(text, "\n[{kind}]");
        let columns: Vec<_> = all().iter().filter_map(|coin| Some((coin.id, coin.chain(kind)?))).collect();
        side_by_side(&mut text, CHAINS, &columns);
    }
    insta::assert_snapshot!(text);
}
