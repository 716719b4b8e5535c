//! Wallets: the coins that the rest of the story is about, and every answer that a wallet gives.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::shape;
use crate::tape::{Tape, field, nothing};

/// The wallet that has the coins.
const MAIN: &str = "default";
const PASSPHRASE: &str = "sesame";
const OTHER_PASSPHRASE: &str = "poppy";
const MESSAGE: &str = "a message";
/// So that enough coinbases are ripe.
const BLOCKS: u32 = 110;
/// A public descriptor that nobody has the key of.
const WATCHED: &str = "wpkh(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)";

/// What there is to ask about.
#[derive(Debug)]
pub struct Coins {
    /// An address of the wallet.
    pub address: String,
    /// The block with a payment in it.
    pub block: String,
    /// That payment.
    pub mined: String,
    /// Which of its outputs is unspent.
    pub mined_change: u32,
    /// A payment in the pool.
    pub pooled: String,
    /// The transaction that it spends an output of.
    pub spent_txid: String,
    /// Which output.
    pub spent_vout: u32,
    /// What spends the payment.
    pub child: String,
}

/// Makes the chain and the pool.
pub fn fund(tape: &mut Tape) -> Result<Coins> {
    tape.ask(shape!(raw CreateWallet), "createwallet", &json!([MAIN]))?;
    tape.at(Some(MAIN));
    let address: String = field(&tape.ask(shape!(GetNewAddress), "getnewaddress", &json!(["label"]))?, "")?;
    tape.quietly("generatetoaddress", &json!([BLOCKS, address]))?;
    let mined: String = field(&tape.ask(shape!(SendToAddress), "sendtoaddress", &json!([address, 1]))?, "")?;
    let block: String = field(&tape.quietly("generatetoaddress", &json!([1, address]))?, "/0")?;
    let many = json!(["", { &address: 2 }]);
    let pooled: String = field(&tape.ask(shape!(SendMany), "sendmany", &many)?, "")?;
    let many = json!(["", { &address: 2 }, null, null, null, null, null, null, null, true]);
    tape.ask(shape!(SendManyVerbose), "sendmany", &many)?;
    let spends = tape.quietly("getrawtransaction", &json!([pooled, 1]))?;
    let (spent_txid, spent_vout) = (field(&spends, "/vin/0/txid")?, field(&spends, "/vin/0/vout")?);
    let child = child(tape, &spends, &address)?;
    tape.quietly("syncwithvalidationinterfacequeue", &json!([]))?;
    // One of the two was spent by what came after it, or none.
    let mut mined_change = 0;
    while tape.quietly("gettxout", &json!([mined, mined_change]))?.is_null() {
        mined_change += 1;
        ensure!(mined_change < 2, "all of the payment in the block is spent");
    }
    Ok(Coins { address, block, mined, mined_change, pooled, spent_txid, spent_vout, child })
}

/// Spends the payment that a transaction in the pool makes.
fn child(tape: &mut Tape, parent: &Value, address: &str) -> Result<String> {
    let outputs = parent["vout"].as_array().context("no outputs")?;
    let place = outputs.iter().position(|output| output["value"].as_f64() == Some(2.0));
    let place = place.context("the payment pays what it should")?;
    let raw = json!([[{ "txid": parent["txid"], "vout": place }], [{ address: 1.9999 }]]);
    let raw = tape.ask(shape!(CreateRawTransaction), "createrawtransaction", &raw)?;
    let signed = tape.ask(shape!(SignRawTransactionWithWallet), "signrawtransactionwithwallet", &json!([raw]))?;
    tape.ask(shape!(TestMempoolAccept), "testmempoolaccept", &json!([[signed["hex"]]]))?;
    field(&tape.ask(shape!(SendRawTransaction), "sendrawtransaction", &json!([signed["hex"]]))?, "")
}

/// A payment of coins in blocks that nobody has been told of.
pub fn unsent(tape: &mut Tape, coins: &Coins) -> Result<Value> {
    let options = json!({ "add_to_wallet": false, "minconf": 1 });
    let pay = json!([[{ &coins.address: 0.1 }], null, null, null, options]);
    Ok(tape.ask(shape!(Send), "send", &pay)?["hex"].clone())
}

/// Asks everything.
pub fn all(tape: &mut Tape, coins: &Coins) -> Result<()> {
    tape.at(Some(MAIN));
    balances(tape)?;
    addresses(tape)?;
    history(tape)?;
    spending(tape)?;
    keys(tape)?;
    watched(tape, coins)?;
    encrypted(tape)?;
    files(tape)
}

fn balances(tape: &mut Tape) -> Result<()> {
    tape.ask(shape!(GetWalletInfo), "getwalletinfo", &json!([]))?;
    tape.ask(shape!(GetBalance), "getbalance", &json!([]))?;
    tape.ask(shape!(GetBalances), "getbalances", &json!([]))?;
    let coins = tape.ask(shape!(ListUnspent), "listunspent", &json!([]))?;
    let coin = json!([{ "txid": coins[0]["txid"], "vout": coins[0]["vout"] }]);
    tape.ask(shape!(raw LockUnspent), "lockunspent", &json!([false, coin]))?;
    tape.ask(shape!(ListLockUnspent), "listlockunspent", &json!([]))?;
    tape.quietly("lockunspent", &json!([true, coin]))?;
    Ok(())
}

fn addresses(tape: &mut Tape) -> Result<()> {
    let address = tape.quietly("getnewaddress", &json!(["other"]))?;
    tape.ask(nothing(), "setlabel", &json!([address, "third"]))?;
    tape.ask(shape!(GetRawChangeAddress), "getrawchangeaddress", &json!([]))?;
    tape.ask(shape!(GetAddressInfo), "getaddressinfo", &json!([address]))?;
    for kind in ["legacy", "p2sh-segwit", "bech32m"] {
        let other = tape.quietly("getnewaddress", &json!(["", kind]))?;
        tape.ask(shape!(GetAddressInfo), "getaddressinfo", &json!([other]))?;
    }
    tape.ask(shape!(GetAddressesByLabel), "getaddressesbylabel", &json!(["label"]))?;
    tape.ask(shape!(raw ListLabels), "listlabels", &json!([]))?;
    tape.ask(shape!(GetReceivedByAddress), "getreceivedbyaddress", &json!([address]))?;
    tape.ask(shape!(GetReceivedByLabel), "getreceivedbylabel", &json!(["label"]))?;
    tape.ask(shape!(ListReceivedByAddress), "listreceivedbyaddress", &json!([]))?;
    tape.ask(shape!(ListReceivedByLabel), "listreceivedbylabel", &json!([]))?;
    tape.ask(shape!(ListAddressGroupings), "listaddressgroupings", &json!([]))?;
    let legacy = tape.quietly("getnewaddress", &json!(["", "legacy"]))?;
    tape.ask(shape!(SignMessage), "signmessage", &json!([legacy, MESSAGE]))?;
    Ok(())
}

fn history(tape: &mut Tape) -> Result<()> {
    let rows = tape.ask(shape!(ListTransactions), "listtransactions", &json!(["*", 200]))?;
    tape.ask(shape!(ListSinceBlock), "listsinceblock", &json!([]))?;
    // One of each category.
    for category in ["send", "receive", "generate", "immature"] {
        let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["category"] == category));
        let txid = &row.with_context(|| format!("no {category}"))?["txid"];
        tape.ask(shape!(GetTransaction), "gettransaction", &json!([txid]))?;
        tape.ask(shape!(GetTransaction), "gettransaction", &json!([txid, null, true]))?;
    }
    tape.ask(shape!(raw RescanBlockchain), "rescanblockchain", &json!([0, 5]))?;
    tape.ask(shape!(raw AbortRescan), "abortrescan", &json!([]))?;
    Ok(())
}

fn spending(tape: &mut Tape) -> Result<()> {
    let address: String = field(&tape.quietly("getnewaddress", &json!([]))?, "")?;
    let pay = json!([{ address: 0.5 }]);
    let sent = tape.ask(shape!(Send), "send", &json!([pay]))?;
    tape.ask(shape!(BumpFee), "bumpfee", &json!([sent["txid"]]))?;
    tape.ask(shape!(GetTransaction), "gettransaction", &json!([sent["txid"]]))?;
    tape.ask(nothing(), "abandontransaction", &json!([sent["txid"]]))?;
    let sent = tape.quietly("send", &json!([pay]))?;
    tape.ask(shape!(PsbtBumpFee), "psbtbumpfee", &json!([sent["txid"]]))?;
    let raw = tape.quietly("createrawtransaction", &json!([[], pay]))?;
    let funded = tape.ask(shape!(FundRawTransaction), "fundrawtransaction", &json!([raw]))?;
    tape.ask(shape!(SimulateRawTransaction), "simulaterawtransaction", &json!([[funded["hex"]]]))?;
    let drawn = tape.ask(shape!(WalletCreateFundedPsbt), "walletcreatefundedpsbt", &json!([[], pay]))?;
    tape.ask(shape!(DecodePsbt), "decodepsbt", &json!([drawn["psbt"]]))?;
    tape.ask(shape!(AnalyzePsbt), "analyzepsbt", &json!([drawn["psbt"]]))?;
    let sign = json!([drawn["psbt"], true, "ALL", true, false]);
    let signed = tape.ask(shape!(WalletProcessPsbt), "walletprocesspsbt", &sign)?;
    tape.ask(shape!(DecodePsbt), "decodepsbt", &json!([signed["psbt"]]))?;
    tape.ask(shape!(AnalyzePsbt), "analyzepsbt", &json!([signed["psbt"]]))?;
    let done = tape.ask(shape!(FinalizePsbt), "finalizepsbt", &json!([signed["psbt"]]))?;
    ensure!(done["complete"] == true, "the wallet cannot sign: {done}");
    Ok(())
}

fn keys(tape: &mut Tape) -> Result<()> {
    tape.ask(shape!(raw ListDescriptors), "listdescriptors", &json!([]))?;
    let rows = tape.ask(shape!(raw ListDescriptors), "listdescriptors", &json!([true]))?;
    tape.ask(shape!(GetHdKeys), "gethdkeys", &json!([]))?;
    tape.ask(shape!(GetHdKeys), "gethdkeys", &json!([{ "private": true }]))?;
    tape.ask(nothing(), "keypoolrefill", &json!([]))?;
    // A wallet that has lost one of its kinds of address can have it back.
    let mut texts = rows["descriptors"].as_array().into_iter().flatten().filter_map(|row| row["desc"].as_str());
    let text = texts.find(|text| text.starts_with("wpkh(")).context("no descriptor of witness version 0")?;
    tape.quietly("createwallet", &json!(["bare", false, true]))?;
    tape.at(Some("bare"));
    let import = json!([{ "desc": text, "timestamp": "now", "active": true }]);
    tape.ask(shape!(raw ImportDescriptors), "importdescriptors", &json!([import]))?;
    tape.ask(shape!(raw CreateWalletDescriptor), "createwalletdescriptor", &json!(["bech32m"]))?;
    tape.ask(shape!(raw SetWalletFlag), "setwalletflag", &json!(["avoid_reuse"]))?;
    tape.at(Some(MAIN));
    Ok(())
}

/// A wallet without private keys, that is told of a payment and made to forget it.
fn watched(tape: &mut Tape, coins: &Coins) -> Result<()> {
    tape.quietly("createwallet", &json!(["watching", true, true]))?;
    tape.at(Some("watching"));
    for text in [WATCHED.to_owned(), format!("addr({})", coins.address)] {
        let described = tape.quietly("getdescriptorinfo", &json!([text]))?;
        let import = json!([{ "desc": described["descriptor"], "timestamp": "now" }]);
        tape.ask(shape!(raw ImportDescriptors), "importdescriptors", &json!([import]))?;
    }
    // One that cannot be.
    let import = json!([{ "desc": "nothing", "timestamp": "now" }]);
    tape.ask(shape!(raw ImportDescriptors), "importdescriptors", &json!([import]))?;
    tape.ask(shape!(GetWalletInfo), "getwalletinfo", &json!([]))?;
    let tx = tape.quietly("getrawtransaction", &json!([coins.mined]))?;
    let proof = tape.quietly("gettxoutproof", &json!([[coins.mined], coins.block]))?;
    tape.quietly("importprunedfunds", &json!([tx, proof]))?;
    tape.ask(nothing(), "removeprunedfunds", &json!([coins.mined]))?;
    tape.ask(nothing(), "importprunedfunds", &json!([tx, proof]))?;
    tape.ask(shape!(ListTransactions), "listtransactions", &json!(["*", 200]))?;
    tape.at(Some(MAIN));
    Ok(())
}

fn encrypted(tape: &mut Tape) -> Result<()> {
    tape.ask(shape!(raw EncryptWallet), "encryptwallet", &json!([PASSPHRASE]))?;
    tape.ask(nothing(), "walletpassphrasechange", &json!([PASSPHRASE, OTHER_PASSPHRASE]))?;
    tape.ask(nothing(), "walletpassphrase", &json!([OTHER_PASSPHRASE, 1000]))?;
    tape.ask(shape!(GetWalletInfo), "getwalletinfo", &json!([]))?;
    let address = tape.quietly("getnewaddress", &json!([]))?;
    tape.ask(shape!(SendAll), "sendall", &json!([[address]]))?;
    tape.ask(nothing(), "walletlock", &json!([]))?;
    Ok(())
}

fn files(tape: &mut Tape) -> Result<()> {
    let copy = tape.daemon().data().join("copy.dat");
    tape.ask(nothing(), "backupwallet", &json!([copy]))?;
    tape.ask(shape!(raw ListWallets), "listwallets", &json!([]))?;
    tape.at(None);
    tape.ask(shape!(raw UnloadWallet), "unloadwallet", &json!([MAIN]))?;
    tape.ask(shape!(raw LoadWallet), "loadwallet", &json!([MAIN]))?;
    tape.ask(shape!(raw RestoreWallet), "restorewallet", &json!(["restored", copy]))?;
    tape.ask(shape!(raw ListWalletDir), "listwalletdir", &json!([]))?;
    Ok(())
}
