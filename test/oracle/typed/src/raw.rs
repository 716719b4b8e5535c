//! Transactions, PSBTs, scripts and descriptors: what needs no wallet.

use anyhow::Result;
use serde_json::{Value, json};

use crate::shape;
use crate::tape::{Tape, field};
use crate::wallet::Coins;

/// The private key whose number is one, on any test chain, and its public key.
const KEY: &str = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA";
const PUBLIC: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const OTHER: &str = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
const MESSAGE: &str = "a message";
/// An extended public key that everybody knows.
pub const TPUB: &str =
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B";

/// Asks everything.
pub fn all(tape: &mut Tape, coins: &Coins) -> Result<()> {
    transactions(tape, coins)?;
    psbts(tape, coins)?;
    scripts(tape)
}

fn transactions(tape: &mut Tape, coins: &Coins) -> Result<()> {
    let hex = tape.ask(shape!(GetRawTransaction), "getrawtransaction", &json!([coins.mined]))?;
    tape.ask(shape!(GetRawTransactionVerbose), "getrawtransaction", &json!([coins.mined, 1]))?;
    let with_outputs = json!([coins.mined, 2, coins.block]);
    tape.ask(shape!(raw GetRawTransactionVerboseWithPrevout), "getrawtransaction", &with_outputs)?;
    // One that is in no block has no block to tell of.
    tape.ask(shape!(GetRawTransactionVerbose), "getrawtransaction", &json!([coins.pooled, 1]))?;
    tape.ask(shape!(DecodeRawTransaction), "decoderawtransaction", &json!([hex]))?;
    Ok(())
}

fn psbts(tape: &mut Tape, coins: &Coins) -> Result<()> {
    let from = |txid: &str, vout: u32| json!([{ "txid": txid, "vout": vout }]);
    let to = |amount: f64| json!([{ &coins.address: amount }]);
    let mined = from(&coins.mined, coins.mined_change);
    let first = tape.ask(shape!(CreatePsbt), "createpsbt", &json!([mined, to(0.1)]))?;
    let second = tape.quietly("createpsbt", &json!([from(&coins.spent_txid, coins.spent_vout), to(0.2)]))?;
    tape.ask(shape!(DecodePsbt), "decodepsbt", &json!([first]))?;
    tape.ask(shape!(AnalyzePsbt), "analyzepsbt", &json!([first]))?;
    tape.ask(shape!(CombinePsbt), "combinepsbt", &json!([[first, first]]))?;
    tape.ask(shape!(JoinPsbts), "joinpsbts", &json!([[first, second]]))?;
    let updated = tape.ask(shape!(UtxoUpdatePsbt), "utxoupdatepsbt", &json!([first]))?;
    tape.ask(shape!(AnalyzePsbt), "analyzepsbt", &json!([updated]))?;
    tape.ask(shape!(FinalizePsbt), "finalizepsbt", &json!([updated]))?;
    let key = format!("wpkh({KEY})");
    tape.ask(shape!(DescriptorProcessPsbt), "descriptorprocesspsbt", &json!([updated, [key]]))?;
    let raw = tape.ask(shape!(CreateRawTransaction), "createrawtransaction", &json!([mined, to(0.1)]))?;
    tape.ask(shape!(ConvertToPsbt), "converttopsbt", &json!([raw]))?;
    tape.ask(shape!(CombineRawTransaction), "combinerawtransaction", &json!([[raw, raw]]))?;
    tape.ask(shape!(SignRawTransactionWithKey), "signrawtransactionwithkey", &json!([raw, [KEY]]))?;
    Ok(())
}

fn scripts(tape: &mut Tape) -> Result<()> {
    for kind in ["legacy", "p2sh-segwit", "bech32"] {
        let made = tape.ask(shape!(CreateMultisig), "createmultisig", &json!([1, [PUBLIC, OTHER], kind]))?;
        tape.ask(shape!(DecodeScript), "decodescript", &json!([field::<String>(&made, "/redeemScript")?]))?;
        tape.ask(shape!(ValidateAddress), "validateaddress", &json!([field::<String>(&made, "/address")?]))?;
    }
    tape.ask(shape!(DecodeScript), "decodescript", &json!([format!("21{PUBLIC}ac")]))?;
    tape.ask(shape!(DecodeScript), "decodescript", &json!([""]))?;
    let described =
        tape.ask(shape!(raw GetDescriptorInfo), "getdescriptorinfo", &json!([format!("wpkh({TPUB}/0/*)")]))?;
    let one: String = field(&described, "/descriptor")?;
    tape.ask(shape!(DeriveAddresses), "deriveaddresses", &json!([one, [0, 2]]))?;
    let both = format!("wpkh({TPUB}/<0;1>/*)");
    let described = tape.ask(shape!(raw GetDescriptorInfo), "getdescriptorinfo", &json!([both]))?;
    let both = format!("{both}#{}", field::<String>(&described, "/checksum")?);
    tape.ask(shape!(DeriveAddressesMultipath), "deriveaddresses", &json!([both, [0, 2]]))?;

    let signature = tape.ask(shape!(SignMessageWithPrivKey), "signmessagewithprivkey", &json!([KEY, MESSAGE]))?;
    let described = tape.quietly("getdescriptorinfo", &json!([format!("pkh({PUBLIC})")]))?;
    let derived = tape.quietly("deriveaddresses", &json!([field::<String>(&described, "/descriptor")?]))?;
    let address: String = field(&derived, "/0")?;
    tape.ask(shape!(raw VerifyMessage), "verifymessage", &json!([address, signature, MESSAGE]))?;
    tape.ask(shape!(ValidateAddress), "validateaddress", &json!([address]))?;
    tape.ask(shape!(ValidateAddress), "validateaddress", &json!(["nothing"]))?;
    Ok(())
}

/// A parent and a child that are offered together.
pub fn packages(tape: &mut Tape) -> Result<()> {
    let package = pair(tape)?;
    tape.ask(shape!(TestMempoolAccept), "testmempoolaccept", &json!([package]))?;
    tape.ask(shape!(SubmitPackage), "submitpackage", &json!([package]))?;
    Ok(())
}

/// A parent and a child that nobody has been told of.
pub fn pair(tape: &mut Tape) -> Result<[Value; 2]> {
    let coins = tape.quietly("listunspent", &json!([]))?;
    let address: String = field(&tape.quietly("getnewaddress", &json!([]))?, "")?;
    let value: f64 = field(&coins, "/0/amount")?;
    let [first, second] = [0.0001, 0.0002].map(|fees| format!("{:.8}", value - fees));
    let from = json!({ "txid": coins[0]["txid"], "vout": coins[0]["vout"] });
    let (parent, out) = pay(tape, &from, &json!([]), &address, &first)?;
    let from = json!({ "txid": out["txid"], "vout": out["vout"] });
    let (child, _) = pay(tape, &from, &json!([out]), &address, &second)?;
    Ok([parent, child])
}

/// Pays all of one output to an address; returns the transaction, and its output as those who sign want to know it.
fn pay(tape: &mut Tape, from: &Value, known: &Value, address: &str, amount: &str) -> Result<(Value, Value)> {
    let raw = tape.quietly("createrawtransaction", &json!([[from], [{ address: amount }]]))?;
    let sign = json!([raw, known]);
    let signed = tape.ask(shape!(SignRawTransactionWithWallet), "signrawtransactionwithwallet", &sign)?;
    let tx = tape.quietly("decoderawtransaction", &json!([signed["hex"]]))?;
    let script = &tx["vout"][0]["scriptPubKey"]["hex"];
    let out = json!({ "txid": tx["txid"], "vout": 0, "scriptPubKey": script, "amount": amount });
    Ok((signed["hex"].clone(), out))
}
