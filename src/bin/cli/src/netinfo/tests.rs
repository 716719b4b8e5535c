//! Dashboards, column by column.

use rpc::json::parse;

use super::*;
use crate::testing::Fake;

const NOW: i64 = 1_700_000_000;

const PEERS: &str = r#"{"id":0,"result":[
    {"id":3,"addr":"10.0.0.1:8333","network":"ipv4","services":"0","servicesnames":["NETWORK","WITNESS","P2P_V2"],
     "relaytxes":false,"lastsend":1699999990,"lastrecv":1699999995,"last_transaction":0,"last_block":1699999880,
     "conntime":1699996400,"minping":0.0125,"pingtime":0.5,"version":70016,"subver":"/Satoshi:31.99.0/",
     "inbound":false,"bip152_hb_to":true,"bip152_hb_from":false,"addr_relay_enabled":true,"addr_processed":1000000,
     "addr_rate_limited":7,"connection_type":"outbound-full-relay","transport_protocol_type":"v2","mapped_as":64500},
    {"id":12,"addr":"[::1]:5","network":"ipv6","servicesnames":[],"relaytxes":true,"lastsend":0,"lastrecv":0,
     "last_transaction":1699999940,"last_block":0,"conntime":0,"version":0,"subver":"","inbound":true,
     "bip152_hb_to":false,"bip152_hb_from":true,"connection_type":"inbound"},
    {"id":4,"addr":"x.onion:1","network":"onion","servicesnames":["NETWORK_LIMITED"],"relaytxes":true,
     "lastsend":0,"lastrecv":0,"last_transaction":0,"last_block":0,"conntime":1699999999,"minping":0.001,
     "version":70015,"subver":"","inbound":false,"bip152_hb_to":false,"bip152_hb_from":false,
     "connection_type":"manual","transport_protocol_type":"detecting"},
    {"id":5,"addr":"y","network":"not_publicly_routable","servicesnames":[],"relaytxes":true,"lastsend":0,
     "lastrecv":0,"last_transaction":0,"last_block":0,"conntime":0,"version":1,"subver":"","inbound":true,
     "bip152_hb_to":false,"bip152_hb_from":false,"connection_type":"inbound"},
    {"network":"carrier pigeon","connection_type":"inbound"}]}"#;
const NETWORK: &str = r#"{"id":1,"result":{"version":319900,"protocolversion":70016,"subversion":"/Satoshi:31.99.0/",
    "localservicesnames":["NETWORK","COMPACT_FILTERS","NETWORK_LIMITED"],
    "networks":[{"name":"ipv4","reachable":true},{"name":"ipv6","reachable":true},{"name":"onion","reachable":false}],
    "localaddresses":[{"address":"1.2.3.4","port":8333,"score":1},{"address":"abcdefgh.onion","port":1,"score":40}]}}"#;
const QUIET: &str = r#"{"id":1,"result":{"version":1,"protocolversion":7,"subversion":"/x/",
    "localservicesnames":[],"networks":[],"localaddresses":[]}}"#;

fn client(coin: &str, kind: ChainKind) -> Client {
    let coin = coin::by_id(coin).unwrap();
    Client { coin, chain: coin.chain(kind).unwrap(), now: NOW }
}

fn view(words: &[&str]) -> Result<Option<View>, String> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    View::read(&words, "bitcoin-cli").map_err(|error| error.to_string())
}

fn show(words: &[&str], peers: &str, network: &str, client: &Client) -> Result<Answer, CliError> {
    let view = view(words).unwrap().unwrap();
    let batch = format!("[{network},{peers}]");
    Fake::answering([batch.as_str()]).session(|session| run(session, None, view, client))
}

fn text(words: &[&str], peers: &str, network: &str, client: &Client) -> String {
    match show(words, peers, network, client) {
        Ok(Answer::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_alone() {
    let shown = text(&[], PEERS, NETWORK, &client("bitcoin", ChainKind::Regtest));
    let expected = "\
Bitcoin Core client v31.99.0 regtest - server 70016/Satoshi:31.99.0/

         ipv4    ipv6     npr   total   block  manual
in          0       1       1       2
out         1       0       0       2       0       1
total       1       1       1       4

Local services: network, compact filters, network limited

Local addresses
1.2.3.4            port   8333    score      1
abcdefgh.onion     port      1    score     40";
    assert_eq!(shown, expected);
}

#[test]
fn a_list_with_all_columns() {
    let shown = text(&["4"], PEERS, NETWORK, &client("bitcoin", ChainKind::Test));
    let mut lines = shown.lines();
    assert_eq!(
        lines.next(),
        Some("Bitcoin Core client v31.99.0 testnet - server 70016/Satoshi:31.99.0/ - services ncl")
    );
    let list: Vec<&str> = lines.skip(1).take(6).collect();
    // Made with C's printf.
    let expected = [
        "<->   type   net   serv  v  mping   ping send recv  txn  blk  hb   addrp addrl  age  asmap id address       version",
        " in         ipv6         1                            1        *       .                   12 [::1]:5       ",
        " in          npr         1                                             .                    5 y             1",
        "out manual onion      l         1                                      .          0         4 x.onion:1     70015",
        "out   full  ipv4    nw2  2     13    500   10    5    *    2  .  1000000     7   60  64500  3 10.0.0.1:8333 \
         70016/Satoshi:31.99.0/",
        "                               ms     ms  sec  sec  min  min                  min",
    ];
    assert_eq!(list, expected);
    assert!(!shown.contains("Local services"));
}

#[test]
fn fewer_columns_and_rows() {
    let main = client("bitcoin", ChainKind::Main);
    let shown = text(&["1", "o"], PEERS, NETWORK, &main);
    assert!(shown.starts_with("Bitcoin Core client v31.99.0 - server"), "{shown}");
    assert!(!shown.contains("address ") && !shown.contains("version") && !shown.contains("10.0.0.1"), "{shown}");
    assert!(!shown.contains("\n in "), "{shown}");
    assert!(text(&["2"], PEERS, NETWORK, &main).contains("10.0.0.1:8333"));
    assert!(text(&["3"], PEERS, NETWORK, &main).contains("70016/Satoshi:31.99.0/\n"));
    let empty = r#"{"id":0,"result":[]}"#;
    assert_eq!(
        text(&["1"], empty, QUIET, &client("freicoin", ChainKind::Main)),
        format!(
            "{} client v31.99.0 - server 7/x/ - services \n\n        total   block\nin          0\nout         0       0\n\
             total       0\n\nLocal addresses: n/a\n",
            coin::by_id("freicoin").unwrap().client_name
        )
    );
}

#[test]
fn levels_are_read() {
    assert_eq!(view(&[]), Ok(Some(View::default())));
    assert_eq!(view(&["help"]), Ok(None));
    assert_eq!(view(&["255"]), Ok(Some(View { level: 4, outbound_only: false })));
    assert_eq!(view(&["1", "outonly", "x"]), Ok(Some(View { level: 1, outbound_only: true })));
    for level in ["256", "-1", "+1", "x", ""] {
        let expected =
            format!("invalid -netinfo level argument: {level}\nFor more information, run: bitcoin-cli -netinfo help");
        assert_eq!(view(&[level]), Err(expected));
    }
    assert_eq!(
        view(&["1", "x"]).unwrap_err(),
        "invalid -netinfo outonly argument: x\nFor more information, run: bitcoin-cli -netinfo help"
    );
    assert_eq!(
        view(&["0", "o"]).unwrap_err(),
        "invalid -netinfo outonly argument: o\nThe outonly argument is only valid for a level greater than 0 (the first \
         argument). For more information, run: bitcoin-cli -netinfo help"
    );
}

#[test]
fn servers_that_cannot_do_it() {
    let main = client("syscoin", ChainKind::Main);
    let old = r#"{"id":0,"result":[{"id":1,"inbound":true}]}"#;
    assert_eq!(
        show(&[], old, NETWORK, &main).unwrap_err().to_string(),
        "-netinfo requires syscoind server to be running v0.21.0 and up"
    );
    let failed = r#"{"id":0,"error":{"code":-28,"message":"Loading"}}"#;
    let Ok(Answer::Failed(error)) = show(&[], failed, NETWORK, &main) else { panic!("no error") };
    assert_eq!(error, parse(br#"{"code":-28,"message":"Loading"}"#).unwrap());
    let odd = r#"{"id":0,"result":[{"network":"ipv4","connection_type":"inbound","inbound":5}]}"#;
    assert!(matches!(show(&[], odd, NETWORK, &main), Err(CliError::Json(_))));
}

#[test]
fn the_page_names_the_program() {
    let page = help("widecoin-cli");
    assert!(page.starts_with("-netinfo (level [outonly]) | help\n"), "{page}");
    assert!(page.ends_with("> widecoin-cli -netinfo help\n") && !page.contains('{'), "{page}");
}
