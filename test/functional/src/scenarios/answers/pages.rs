//! Pages of help, ours and the judge's.

use std::collections::BTreeSet;

use anyhow::Result;
use rpc::arr;

use crate::node::Node;

/// Methods that only we have.
const OURS: [&str; 1] = ["fundaddress"];

/// Pages that say the same in fewer or better words, or with other examples.
const OWN_WORDS: [&str; 23] = [
    "bumpfee",
    "deriveaddresses",
    "descriptorprocesspsbt",
    "echoipc",
    "generatetoaddress",
    "getdescriptoractivity",
    "getdescriptorinfo",
    "getopenrpcinfo",
    "getprivatebroadcastinfo",
    "gettransaction",
    "gettxspendingprevout",
    "logging",
    "psbtbumpfee",
    "rpc.discover",
    "send",
    "sendmany",
    "sendrawtransaction",
    "signmessagewithprivkey",
    "signrawtransactionwithkey",
    "stop",
    "testmempoolaccept",
    "verifychain",
    "verifymessage",
];
/// Pages that show fields which the judge's leave out, since they are another method's or an older release's.
const MORE_FIELDS: [&str; 12] = [
    "decodepsbt",
    "getblock",
    "getmempoolancestors",
    "getmempooldescendants",
    "getmempoolentry",
    "getmempoolinfo",
    "getpeerinfo",
    "getrawmempool",
    "getrawtransaction",
    "gettxout",
    "getwalletinfo",
    "walletcreatefundedpsbt",
];
/// Pages of what ours does not do: chain states made of snapshots, and a library's account of its memory.
const FEWER_FIELDS: [&str; 3] = ["getblockchaininfo", "getchainstates", "getmemoryinfo"];

pub(super) fn differences(ours: &mut Node, judge: &mut Node) -> Result<Vec<String>> {
    let (here, there) = (names(ours)?, names(judge)?);
    let only = |side: &str, one: &BTreeSet<String>, other: &BTreeSet<String>, known: &[&str]| -> Vec<String> {
        let stray = one.difference(other).filter(|name| !known.contains(&name.as_str()));
        stray.map(|name| format!("{name}: only {side} has it")).collect()
    };
    let mut wrong = only("ours", &here, &there, &OURS);
    wrong.extend(only("the judge", &there, &here, &[]));
    for name in here.intersection(&there) {
        let page = |node: &mut Node| -> Result<String> {
            Ok(node.call("help", &[name.as_str().into()])?.as_str()?.to_owned())
        };
        let (ours, judge) = (page(ours)?, page(judge)?);
        // How it is called is the same on every page.
        let known = [&OWN_WORDS[..], &MORE_FIELDS, &FEWER_FIELDS].concat().contains(&name.as_str());
        if known && ours.lines().next() == judge.lines().next() {
            continue;
        }
        let mut lines = ours.lines().zip(judge.lines());
        if let Some((line, other)) = lines.find(|(line, other)| line != other) {
            wrong.push(format!("{name}: `{line}`, not `{other}`"));
        } else if ours != judge {
            wrong.push(format!("{name}: one page is longer"));
        }
    }
    Ok(wrong)
}

/// Every method, hidden ones too.
fn names(node: &mut Node) -> Result<BTreeSet<String>> {
    let document = node.call("getopenrpcinfo", arr![true].as_arr()?)?;
    let names = document.get("methods").as_arr()?.iter().map(|method| Ok(method.get("name").as_str()?.to_owned()));
    names.collect::<Result<_, rpc::JsonError>>().map_err(Into::into)
}
