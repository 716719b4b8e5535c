//! The calls whose answers are compared.

use anyhow::Result;
use rpc::{Json, arr, obj};

use super::Facts;
use crate::node::Node;

/// The public key of the private key whose number is one.
const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

type Call = (&'static str, Json);

/// All of them. `node` makes what others are given.
pub(super) fn all(facts: &Facts, node: &mut Node) -> Result<Vec<Call>> {
    let mut calls = chain(facts);
    calls.extend(pool(facts));
    calls.extend(transactions(facts, node)?);
    calls.extend(scripts(facts));
    calls.extend(process());
    calls.extend(errors(facts));
    Ok(calls)
}

fn chain(facts: &Facts) -> Vec<Call> {
    let block = || Json::from(&facts.block);
    let address = || arr![format!("addr({})", facts.address)];
    let (coinbase, mined) = (facts.coinbase.to_string(), facts.mined.to_string());
    vec![
        ("getblockchaininfo", arr![]),
        ("getbestblockhash", arr![]),
        ("getblockcount", arr![]),
        ("getblock", arr![block(), 0]),
        ("getblock", arr![block()]),
        ("getblock", arr![block(), 2]),
        ("getblock", arr![block(), 3]),
        ("getblockheader", arr![block()]),
        ("getblockheader", arr![block(), false]),
        ("getblockstats", arr![block()]),
        ("getblockstats", arr![106, arr!["avgfee", "txs"]]),
        ("getblockfilter", arr![block()]),
        ("getchaintips", arr![]),
        ("getchaintxstats", arr![]),
        ("getchaintxstats", arr![10, block()]),
        ("getchainstates", arr![]),
        ("getdeploymentinfo", arr![]),
        ("getdifficulty", arr![]),
        ("gettxoutsetinfo", arr![]),
        ("gettxoutsetinfo", arr!["muhash"]),
        ("gettxoutsetinfo", arr!["muhash", 50]),
        ("gettxoutsetinfo", arr!["none", 50]),
        ("gettxout", arr![coinbase, 0]),
        ("gettxout", arr![mined.as_str(), 0]),
        ("gettxout", arr![mined.as_str(), 0, false]),
        ("gettxoutproof", arr![arr![mined], block()]),
        ("getdescriptoractivity", arr![arr![block()], address()]),
        ("scantxoutset", arr!["start", address()]),
        ("scantxoutset", arr!["status"]),
        ("scanblocks", arr!["start", address()]),
        ("waitfornewblock", arr![1]),
        ("waitforblock", arr![block(), 1]),
        ("waitforblockheight", arr![1, 1]),
        ("verifychain", arr![]),
    ]
}

fn pool(facts: &Facts) -> Vec<Call> {
    let (parent, child) = (facts.parent.to_string(), facts.child.to_string());
    let (parent, child) = (parent.as_str(), child.as_str());
    let spent = || arr![obj! { "txid" => facts.mined.to_string(), "vout" => 0 }];
    vec![
        ("getmempoolinfo", arr![]),
        ("getrawmempool", arr![]),
        ("getrawmempool", arr![true]),
        ("getrawmempool", arr![false, true]),
        ("getmempoolentry", arr![parent]),
        ("getmempoolancestors", arr![child]),
        ("getmempoolancestors", arr![child, true]),
        ("getmempooldescendants", arr![parent]),
        ("getmempooldescendants", arr![parent, true]),
        ("getmempoolcluster", arr![parent]),
        ("getmempoolfeeratediagram", arr![]),
        ("gettxspendingprevout", arr![spent()]),
        ("gettxspendingprevout", arr![spent(), obj! { "return_spending_tx" => true }]),
        ("gettxout", arr![child, 0]),
        ("getorphantxs", arr![]),
        ("getprivatebroadcastinfo", arr![]),
        ("getprioritisedtransactions", arr![]),
        ("estimatesmartfee", arr![6]),
        ("estimaterawfee", arr![6]),
        ("getmininginfo", arr![]),
        ("getnetworkhashps", arr![]),
        ("getblocktemplate", arr![obj! { "rules" => arr!["segwit"] }]),
        ("savemempool", arr![]),
    ]
}

fn transactions(facts: &Facts, node: &mut Node) -> Result<Vec<Call>> {
    let (mined, parent, child) = (facts.mined.to_string(), facts.parent.to_string(), facts.child.to_string());
    let spend =
        |txid: String| arr![arr![obj! { "txid" => txid, "vout" => 0 }], arr![obj! { facts.address.clone() => 49 }]];
    let hex = node.call("getrawtransaction", &[child.as_str().into()])?;
    let psbt = node.call("createpsbt", spend(mined.clone()).as_arr()?)?;
    let other = node.call("createpsbt", spend(facts.coinbase.to_string()).as_arr()?)?;
    Ok(vec![
        ("getrawtransaction", arr![mined.as_str(), 1]),
        ("getrawtransaction", arr![mined.as_str(), 2]),
        ("getrawtransaction", arr![mined.as_str(), 2, &facts.block]),
        ("getrawtransaction", arr![parent.as_str(), 1]),
        ("getrawtransaction", arr![parent.as_str(), 2]),
        ("decoderawtransaction", arr![hex.clone()]),
        ("testmempoolaccept", arr![arr![hex.clone()]]),
        ("combinerawtransaction", arr![arr![hex.clone(), hex.clone()]]),
        ("converttopsbt", arr![hex.clone(), true]),
        ("createrawtransaction", spend(mined.clone())),
        ("createpsbt", spend(mined)),
        ("decodepsbt", arr![psbt.clone()]),
        ("analyzepsbt", arr![psbt.clone()]),
        ("utxoupdatepsbt", arr![psbt.clone()]),
        ("finalizepsbt", arr![psbt.clone()]),
        ("combinepsbt", arr![arr![psbt.clone(), psbt.clone()]]),
        ("combinepsbt", arr![arr![psbt, other]]),
    ])
}

fn scripts(facts: &Facts) -> Vec<Call> {
    vec![
        ("decodescript", arr![format!("21{KEY}ac")]),
        ("decodescript", arr![format!("5121{KEY}51ae")]),
        ("decodescript", arr![format!("0014{}", "00".repeat(20))]),
        ("decodescript", arr!["6a0200ff"]),
        ("decodescript", arr!["51"]),
        ("createmultisig", arr![1, arr![KEY], "bech32"]),
        ("createmultisig", arr![1, arr![KEY]]),
        ("getdescriptorinfo", arr![format!("wpkh({KEY})")]),
        ("getdescriptorinfo", arr![format!("tr({KEY},{{pk({KEY}),multi_a(1,{KEY})}})")]),
        ("validateaddress", arr![&facts.address]),
        ("validateaddress", arr!["nobody"]),
        ("verifymessage", arr!["mneYUmWYsuk7kySiURxCi3AGxrAqZxLgPZ", "", "x"]),
    ]
}

fn process() -> Vec<Call> {
    let asked = [
        "getnetworkinfo",
        "getnettotals",
        "getpeerinfo",
        "getconnectioncount",
        "getaddednodeinfo",
        "listbanned",
        "getnodeaddresses",
        "getaddrmaninfo",
        "getrawaddrman",
        "getindexinfo",
        "getmemoryinfo",
        "getrpcinfo",
        "logging",
        "getzmqnotifications",
        "listwallets",
        "listwalletdir",
    ];
    asked.into_iter().map(|method| (method, arr![])).collect()
}

/// What cannot be answered.
fn errors(facts: &Facts) -> Vec<Call> {
    vec![
        ("getblockhash", arr![999]),
        ("getblock", arr!["00"]),
        ("getblock", arr![NOBODY]),
        ("getblockfrompeer", arr![&facts.block, 0]),
        ("getblockstats", arr![&facts.block, arr!["x"]]),
        ("gettxoutsetinfo", arr!["x"]),
        ("pruneblockchain", arr![1]),
        ("preciousblock", arr![NOBODY]),
        ("invalidateblock", arr![NOBODY]),
        ("scantxoutset", arr!["x"]),
        ("waitforblock", arr!["x"]),
        ("verifychain", arr![9]),
        ("getmempoolentry", arr![NOBODY]),
        ("prioritisetransaction", arr![NOBODY, 1, 1]),
        ("getrawtransaction", arr![NOBODY]),
        ("sendrawtransaction", arr!["00"]),
        ("submitblock", arr!["00"]),
        ("submitheader", arr!["00"]),
        ("getblocktemplate", arr![]),
        ("getnetworkhashps", arr![0]),
        ("estimatesmartfee", arr![0]),
        ("createrawtransaction", arr![arr![], arr![obj! { "x" => 1 }]]),
        ("signrawtransactionwithkey", arr!["00", arr![]]),
        ("signmessagewithprivkey", arr!["x", "y"]),
        ("createmultisig", arr![2, arr![KEY]]),
        ("getdescriptorinfo", arr!["wpkh(x)"]),
        ("deriveaddresses", arr![format!("wpkh({KEY})")]),
        ("setban", arr!["x", "add"]),
        ("disconnectnode", arr!["x"]),
        ("addnode", arr!["1.2.3.4", "remove"]),
        ("logging", arr![arr!["nothing"]]),
        ("getbalance", arr![]),
        ("generate", arr![]),
        ("nothing", arr![]),
        ("getblockcount", arr![1]),
        ("getblockhash", arr!["x"]),
    ]
}
