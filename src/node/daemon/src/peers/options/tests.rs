//! Tests of the options of the network.

use std::ffi::OsString;

use config::{Env, Outcome, Role};

use super::*;

fn read(options: &[&str]) -> Result<Options, String> {
    read_on("-regtest", options)
}

fn read_on(chain: &str, options: &[&str]) -> Result<Options, String> {
    let dir = tempfile::tempdir().unwrap();
    let coin = coin::by_id("bitcoin").unwrap();
    let argv: Vec<OsString> = ["bitcoind", chain].iter().chain(options).map(OsString::from).collect();
    let outcome = config::load(Role::Daemon, coin, &argv, &Env::rooted_at(dir.path())).unwrap();
    let Outcome::Run(config) = outcome else { panic!("no configuration") };
    interact(&config);
    net_options(&config).map_err(|e| e.to_string())
}

#[test]
fn a_plain_node_listens_everywhere() {
    let options = read(&[]).unwrap();
    let shown: Vec<String> = options.binds.iter().map(|bind| bind.address.to_string()).collect();
    assert_eq!(shown, ["[::]:18444", "0.0.0.0:18444", "127.0.0.1:18445"]);
    assert!(options.binds[2].onion && options.connect.is_none());
    assert!(!options.reachable.contains(&Network::Onion) && options.reachable.contains(&Network::Ipv6));
}

#[test]
fn options_change_one_another() {
    assert_eq!(read(&["-connect=1.2.3.4"]).unwrap().binds, []);
    assert_eq!(read(&["-connect=1.2.3.4", "-bind=127.0.0.1"]).unwrap().binds.len(), 1);
    assert_eq!(read(&["-connect=0"]).unwrap().connect, Some(vec![]));
    assert_eq!(read(&["-noconnect"]).unwrap().connect, Some(vec![]));
    assert_eq!(read(&["-proxy=127.0.0.1:9"]).unwrap().binds, []);
    assert!(read(&["-proxy=127.0.0.1:9"]).unwrap().reachable.contains(&Network::Onion));
    assert!(!read(&["-blocksonly"]).unwrap().implicit.relay);
    assert!(read(&["-whitelistforcerelay", "-nowhitelistrelay"]).unwrap().implicit.force_relay);
}

#[test]
fn what_does_not_fit_is_refused_in_the_daemons_words() {
    for (option, text) in [
        ("-onlynet=abc", "Unknown network specified in -onlynet: 'abc'"),
        ("-bind=x", "Cannot resolve -bind address: 'x'"),
        ("-bind=127.0.0.1=tor", "Cannot resolve -bind address: '127.0.0.1=tor'"),
        ("-proxy=:", "Invalid -proxy address or hostname: ':'"),
        ("-proxy=127.0.0.1:1=", "Invalid -proxy address or hostname, ends with '=': '127.0.0.1:1='"),
        ("-proxy=127.0.0.1:1=abc", "Unrecognized network in -proxy='127.0.0.1:1=abc': 'abc'"),
        ("-onion=host", "Invalid -onion address or hostname: 'host'"),
        ("-maxuploadtarget=5z", "Unable to parse -maxuploadtarget: '5z'"),
        ("-peertimeout=0", "peertimeout must be a positive integer."),
        ("-maxconnections=-1", "-maxconnections must be greater or equal than zero"),
        ("-whitelist=oopsie@127.0.0.1", "Invalid P2P permission: 'oopsie'"),
    ] {
        assert_eq!(read(&[option]).unwrap_err(), text);
    }
    let twice = read(&["-bind=127.0.0.1:5", "-whitebind=127.0.0.1:5"]).unwrap_err();
    assert!(twice.starts_with("Duplicate binding configuration for address 127.0.0.1:5."), "{twice}");
    let both = read(&["-nolisten", "-bind=127.0.0.1"]).unwrap_err();
    assert_eq!(both, "Cannot set -bind or -whitebind together with -listen=0");
}

#[test]
fn hidden_networks() {
    let plain = read(&[]).unwrap();
    assert!(plain.i2p.is_none() && !plain.reachable.contains(&Network::I2p));
    assert_eq!(plain.tor.unwrap().center, "127.0.0.1:9051");
    let both = read(&["-i2psam=127.0.0.1", "-onion=127.0.0.1", "-i2pacceptincoming=0", "-nolistenonion"]).unwrap();
    assert_eq!(both.i2p.unwrap().endpoint.to_string(), "127.0.0.1:7656");
    assert!(both.tor.is_none() && both.reachable.contains(&Network::I2p));
    assert!(!read(&["-onion=127.0.0.1"]).unwrap().tor.unwrap().finds_proxy);
    assert!(!read(&["-onlynet=ipv4"]).unwrap().tor.unwrap().may_reach);
    assert!(read(&["-onlynet=i2p", "-i2psam=127.0.0.1"]).unwrap().reachable.contains(&Network::I2p));
    assert_eq!(read(&["-i2psam=unix:x"]).unwrap_err(), "Invalid -i2psam address or hostname: 'unix:x'");
    assert!(read(&["-onlynet=i2p"]).unwrap_err().ends_with("but -i2psam is not provided"));
}

#[test]
fn private_broadcast_needs_a_hidden_network() {
    let start = "Private broadcast of own transactions requested (-privatebroadcast), but ";
    let refused = |options: &[&str]| read(options).unwrap_err().strip_prefix(start).unwrap().to_owned();
    let none = "none of Tor or I2P networks is reachable";
    assert_eq!(refused(&["-privatebroadcast", "-nolistenonion"]), none);
    assert_eq!(refused(&["-privatebroadcast", "-onlynet=ipv4"]), none);
    assert!(
        refused(&["-privatebroadcast", "-connect=0", "-onion=127.0.0.1"]).starts_with("-connect is also configured.")
    );
    // Tor may tell later where it is.
    assert!(read(&["-privatebroadcast"]).unwrap().private_broadcast);
    assert!(read(&["-privatebroadcast", "-nolistenonion", "-i2psam=127.0.0.1"]).unwrap().private_broadcast);
    assert!(!read(&["-nolistenonion"]).unwrap().private_broadcast);
}

#[test]
fn amounts_of_bytes() {
    assert_eq!(read(&["-maxuploadtarget=5"]).unwrap().max_upload, 5 << 20);
    assert_eq!(read(&["-maxuploadtarget=5k"]).unwrap().max_upload, 5000);
    assert_eq!(read(&["-maxuploadtarget=2G"]).unwrap().max_upload, 2 << 30);
}

#[test]
fn a_signet_of_ones_own_has_its_own_seeds() {
    let seeds = |options: &[&str]| read_on("-signet", options).unwrap().dns_seeds;
    let public: Vec<&str> = coin::by_id("bitcoin").unwrap().chain(coin::ChainKind::Signet).unwrap().dns_seeds.to_vec();
    assert!(!public.is_empty());
    assert_eq!(seeds(&[]), public);
    assert_eq!(seeds(&["-signetchallenge=51"]), Vec::<String>::new());
    assert_eq!(seeds(&["-signetchallenge=51", "-signetseednode=a:1", "-signetseednode=b"]), ["a:1", "b"]);
    assert_eq!(seeds(&["-signetseednode=a:1", "-dnsseed=0"]), Vec::<String>::new());
    assert_eq!(read(&["-dnsseed=1"]).unwrap().dns_seeds, ["dummySeed.invalid."]);
}
