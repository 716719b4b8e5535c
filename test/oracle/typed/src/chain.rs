//! Blocks, the pool, mining, peers and the node itself.

use anyhow::Result;
use serde_json::{Value, json};

use crate::shape;
use crate::tape::{NoFields, Tape, field, nothing, plain};
use crate::wallet::Coins;

/// An address that nobody listens at.
const NOBODY: &str = "1.2.3.4";
/// How many digits a header has.
const HEADER: usize = 160;

/// Asks everything about the chain that [`crate::wallet::fund`] has made.
pub fn all(tape: &mut Tape, coins: &Coins) -> Result<()> {
    blocks(tape, coins)?;
    chain_state(tape, coins)?;
    outputs(tape, coins)?;
    pool(tape, coins)?;
    mining(tape, coins)?;
    branches(tape)?;
    network(tape)?;
    control(tape)
}

fn blocks(tape: &mut Tape, coins: &Coins) -> Result<()> {
    let tip = tape.ask(shape!(GetBestBlockHash), "getbestblockhash", &json!([]))?;
    // The block with a transaction in it, not the last one.
    let block = &coins.block;
    tape.ask(shape!(GetBlockVerboseZero), "getblock", &json!([block, 0]))?;
    tape.ask(shape!(GetBlockVerboseOne), "getblock", &json!([block, 1]))?;
    tape.ask(shape!(GetBlockVerboseTwo), "getblock", &json!([block, 2]))?;
    tape.ask(shape!(GetBlockVerboseThree), "getblock", &json!([block, 3]))?;
    let genesis = tape.ask(shape!(GetBlockHash), "getblockhash", &json!([0]))?;
    tape.ask(shape!(GetBlockVerboseOne), "getblock", &json!([genesis, 1]))?;
    tape.ask(shape!(GetBlockHeader), "getblockheader", &json!([block, false]))?;
    tape.ask(shape!(GetBlockHeaderVerbose), "getblockheader", &json!([block]))?;
    tape.ask(shape!(GetBlockHeaderVerbose), "getblockheader", &json!([genesis]))?;
    tape.ask(shape!(GetBlockHeaderVerbose), "getblockheader", &json!([tip]))?;
    tape.ask(shape!(GetBlockStats), "getblockstats", &json!([block]))?;
    tape.ask(shape!(GetBlockFilter), "getblockfilter", &json!([block]))?;
    let count = tape.ask(shape!(raw GetBlockCount), "getblockcount", &json!([]))?;
    let proof = tape.ask_text("gettxoutproof", &json!([[coins.mined], block]))?;
    tape.ask(shape!(VerifyTxOutProof), "verifytxoutproof", &json!([proof]))?;
    tape.ask(shape!(WaitForBlock), "waitforblock", &json!([tip, 1]))?;
    tape.ask(shape!(WaitForBlockHeight), "waitforblockheight", &json!([count, 1]))?;
    tape.ask(shape!(WaitForNewBlock), "waitfornewblock", &json!([1]))?;
    tape.ask(shape!(raw VerifyChain), "verifychain", &json!([]))?;
    Ok(())
}

fn chain_state(tape: &mut Tape, coins: &Coins) -> Result<()> {
    tape.ask(shape!(GetBlockchainInfo), "getblockchaininfo", &json!([]))?;
    tape.ask(shape!(GetChainStates), "getchainstates", &json!([]))?;
    tape.ask(shape!(GetChainTips), "getchaintips", &json!([]))?;
    tape.ask(shape!(GetChainTxStats), "getchaintxstats", &json!([]))?;
    tape.ask(shape!(GetChainTxStats), "getchaintxstats", &json!([10, coins.block]))?;
    tape.ask(shape!(GetDeploymentInfo), "getdeploymentinfo", &json!([]))?;
    tape.ask(shape!(raw GetDifficulty), "getdifficulty", &json!([]))?;
    Ok(())
}

fn outputs(tape: &mut Tape, coins: &Coins) -> Result<()> {
    let descriptor = format!("addr({})", coins.address);
    tape.ask(shape!(GetDescriptorActivity), "getdescriptoractivity", &json!([[coins.block], [descriptor], true]))?;
    let file = tape.daemon().data().join("coins.dat");
    tape.ask(shape!(DumpTxOutSet), "dumptxoutset", &json!([file, "latest"]))?;
    tape.ask(shape!(GetTxOut), "gettxout", &json!([coins.mined, coins.mined_change]))?;
    tape.ask(plain::<()>(), "gettxout", &json!([coins.mined, 99]))?;
    // Without the index, and with it, which can tell more, of any block.
    tape.ask(shape!(GetTxOutSetInfo), "gettxoutsetinfo", &json!(["hash_serialized_3", null, false]))?;
    tape.ask(shape!(GetTxOutSetInfo), "gettxoutsetinfo", &json!(["muhash", 3]))?;
    let out = json!({ "txid": coins.spent_txid, "vout": coins.spent_vout });
    tape.ask(shape!(GetTxSpendingPrevout), "gettxspendingprevout", &json!([[out]]))?;
    tape.ask(shape!(ScanBlocksStart), "scanblocks", &json!(["start", [descriptor]]))?;
    tape.ask(shape!(raw ScanBlocksAbort), "scanblocks", &json!(["abort"]))?;
    tape.ask(shape!(ScanTxOutSetStart), "scantxoutset", &json!(["start", [descriptor]]))?;
    tape.ask(shape!(raw ScanTxOutSetAbort), "scantxoutset", &json!(["abort"]))?;
    for scan in ["scanblocks", "scantxoutset"] {
        tape.ask(nothing(), scan, &json!(["status"]))?;
    }
    Ok(())
}

fn pool(tape: &mut Tape, coins: &Coins) -> Result<()> {
    let (first, second) = (&coins.pooled, &coins.child);
    tape.ask(shape!(GetMempoolAncestors), "getmempoolancestors", &json!([second]))?;
    tape.ask(shape!(GetMempoolAncestorsVerbose), "getmempoolancestors", &json!([second, true]))?;
    tape.ask(shape!(GetMempoolDescendants), "getmempooldescendants", &json!([first]))?;
    tape.ask(shape!(GetMempoolDescendantsVerbose), "getmempooldescendants", &json!([first, true]))?;
    tape.ask(shape!(GetMempoolEntry), "getmempoolentry", &json!([first]))?;
    tape.ask(shape!(new GetMempoolCluster), "getmempoolcluster", &json!([first]))?;
    tape.ask(shape!(new GetMempoolFeerateDiagram), "getmempoolfeeratediagram", &json!([]))?;
    tape.ask(shape!(GetMempoolInfo), "getmempoolinfo", &json!([]))?;
    tape.ask(shape!(GetRawMempool), "getrawmempool", &json!([]))?;
    tape.ask(shape!(GetRawMempoolVerbose), "getrawmempool", &json!([true]))?;
    tape.ask(shape!(GetRawMempoolSequence), "getrawmempool", &json!([false, true]))?;
    let saved = tape.ask(shape!(raw SaveMempool), "savemempool", &json!([]))?;
    tape.ask(plain::<NoFields>(), "importmempool", &json!([field::<String>(&saved, "/filename")?]))?;
    Ok(())
}

/// Asks about transactions whose parents nobody has. There is one.
pub fn orphans(tape: &mut Tape) -> Result<()> {
    tape.ask(shape!(GetOrphanTxs), "getorphantxs", &json!([]))?;
    tape.ask(shape!(GetOrphanTxsVerboseOne), "getorphantxs", &json!([1]))?;
    tape.ask(shape!(GetOrphanTxsVerboseTwo), "getorphantxs", &json!([2]))?;
    Ok(())
}

fn mining(tape: &mut Tape, coins: &Coins) -> Result<()> {
    let address = &coins.address;
    tape.ask(plain::<bool>(), "prioritisetransaction", &json!([coins.child, null, 1000]))?;
    tape.ask(shape!(GetPrioritisedTransactions), "getprioritisedtransactions", &json!([]))?;
    tape.ask(shape!(GetBlockTemplate), "getblocktemplate", &json!([{ "rules": ["segwit"] }]))?;
    tape.ask(shape!(EstimateSmartFee), "estimatesmartfee", &json!([6]))?;
    tape.ask(shape!(EstimateRawFee), "estimaterawfee", &json!([6]))?;
    tape.ask(plain::<f64>(), "getnetworkhashps", &json!([]))?;
    tape.ask(shape!(GenerateToDescriptor), "generatetodescriptor", &json!([1, format!("addr({address})")]))?;
    tape.ask(shape!(GenerateToAddress), "generatetoaddress", &json!([1, address]))?;
    // Only after a block of its own making does it tell of the last one.
    tape.ask(shape!(GetMiningInfo), "getmininginfo", &json!([]))?;
    tape.ask(shape!(GenerateBlock), "generateblock", &json!([address, []]))?;
    Ok(())
}

/// Blocks that are taken back, and taken again.
fn branches(tape: &mut Tape) -> Result<()> {
    let tip = tape.quietly("getbestblockhash", &json!([]))?;
    tape.ask(nothing(), "invalidateblock", &json!([tip]))?;
    tape.ask(shape!(GetChainTips), "getchaintips", &json!([]))?;
    tape.ask(nothing(), "reconsiderblock", &json!([tip]))?;
    tape.ask(nothing(), "preciousblock", &json!([tip]))?;
    Ok(())
}

fn network(tape: &mut Tape) -> Result<()> {
    let subnet = format!("{NOBODY}/32");
    tape.ask(nothing(), "ping", &json!([]))?;
    tape.ask(shape!(raw GetPeerInfo), "getpeerinfo", &json!([]))?;
    tape.ask(shape!(raw GetConnectionCount), "getconnectioncount", &json!([]))?;
    tape.ask(shape!(raw GetNetTotals), "getnettotals", &json!([]))?;
    tape.ask(shape!(GetNetworkInfo), "getnetworkinfo", &json!([]))?;
    tape.ask(nothing(), "addnode", &json!([format!("{NOBODY}:1"), "add"]))?;
    tape.ask(shape!(raw GetAddedNodeInfo), "getaddednodeinfo", &json!([]))?;
    tape.ask(shape!(raw AddPeerAddress), "addpeeraddress", &json!([NOBODY, 8333]))?;
    tape.ask(shape!(raw GetAddrManInfo), "getaddrmaninfo", &json!([]))?;
    tape.ask(shape!(raw GetRawAddrMan), "getrawaddrman", &json!([]))?;
    tape.ask(shape!(raw GetNodeAddresses), "getnodeaddresses", &json!([0]))?;
    tape.ask(nothing(), "setban", &json!([subnet, "add", 1000]))?;
    tape.ask(shape!(raw ListBanned), "listbanned", &json!([]))?;
    tape.ask(nothing(), "clearbanned", &json!([]))?;
    tape.ask(shape!(raw SetNetworkActive), "setnetworkactive", &json!([false]))?;
    tape.quietly("setnetworkactive", &json!([true]))?;
    Ok(())
}

fn control(tape: &mut Tape) -> Result<()> {
    tape.ask(plain::<String>(), "help", &json!([]))?;
    tape.ask(plain::<u64>(), "uptime", &json!([]))?;
    tape.ask(shape!(raw GetMemoryInfoStats), "getmemoryinfo", &json!([]))?;
    tape.ask(shape!(raw GetRpcInfo), "getrpcinfo", &json!([]))?;
    tape.ask(shape!(raw Logging), "logging", &json!([]))?;
    tape.ask(shape!(raw GetIndexInfo), "getindexinfo", &json!([]))?;
    tape.ask_each(shape!(raw GetZmqNotifications), "getzmqnotifications", &json!([]))?;
    tape.ask(nothing(), "syncwithvalidationinterfacequeue", &json!([]))?;
    tape.ask(nothing(), "setmocktime", &json!([4_000_000_000_u32]))?;
    tape.ask(nothing(), "mockscheduler", &json!([1]))?;
    tape.ask(nothing(), "setmocktime", &json!([0]))?;
    for echo in ["echo", "echojson"] {
        tape.ask(plain::<(u8, String)>(), echo, &json!([1, "two"]))?;
    }
    tape.ask(plain::<String>(), "echoipc", &json!(["one"]))?;
    Ok(())
}

/// A block that comes by hand, its header first. The first peer is asked for it in vain.
pub fn by_hand(tape: &mut Tape, block: &str) -> Result<()> {
    let peers = tape.ask(shape!(raw GetPeerInfo), "getpeerinfo", &json!([]))?;
    tape.ask(nothing(), "submitheader", &json!([&block[..HEADER]]))?;
    let tips = tape.ask(shape!(GetChainTips), "getchaintips", &json!([]))?;
    let fetch = json!([field::<String>(&tips, "/0/hash")?, field::<u64>(&peers, "/0/id")?]);
    tape.ask(plain::<NoFields>(), "getblockfrompeer", &fetch)?;
    tape.ask(nothing(), "submitblock", &json!([block]))?;
    tape.ask(plain::<String>(), "submitblock", &json!([block]))?;
    Ok(())
}

/// What only a node answers that forgets blocks and sends its own transactions unseen. `other` is a peer of it, `unsent`
/// is a transaction that it has not.
pub fn pruned(tape: &mut Tape, other: &str, unsent: &Value) -> Result<()> {
    tape.ask(shape!(raw PruneBlockchain), "pruneblockchain", &json!([2]))?;
    tape.ask(shape!(GetBlockchainInfo), "getblockchaininfo", &json!([]))?;
    let peers = tape.ask(shape!(raw GetPeerInfo), "getpeerinfo", &json!([]))?;
    tape.ask(shape!(raw AddConnection), "addconnection", &json!([other, "outbound-full-relay", true]))?;
    let txid = tape.ask(shape!(SendRawTransaction), "sendrawtransaction", &json!([unsent]))?;
    tape.ask(shape!(new GetPrivateBroadcastInfo), "getprivatebroadcastinfo", &json!([]))?;
    tape.ask(shape!(new AbortPrivateBroadcast), "abortprivatebroadcast", &json!([txid]))?;
    tape.ask(nothing(), "disconnectnode", &json!(["", field::<u64>(&peers, "/0/id")?]))?;
    Ok(())
}
