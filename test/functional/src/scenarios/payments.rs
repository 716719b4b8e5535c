//! Money comes, goes and comes back: what wallets say that they have is what the chain says, through payments, a fee that is
//! raised, a block that is taken back, a passphrase, a restart, and a copy of the file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bitcoin::base58;
use coin::TxFormat;
use rpc::{Code, Json, Object};

use crate::mini::satoshis;
use crate::node::Node;
use crate::stage::{Stage, expect_equal};
use crate::wait::{DEADLINE, until};

const PAYER: &str = "/wallet/payer";
const PAYEE: &str = "/wallet/payee";
const PASSPHRASE: &str = "nine grey geese at Gudenaa";
const COIN: i64 = 100_000_000;
/// Everything is told to the log, but no secret.
const OPTIONS: [&str; 3] = ["-keypool=10", "-fallbackfee=0.001", "-debug"];

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &OPTIONS)?;
    node.create_wallet(&["payer".into()])?;
    node.create_wallet(&["payee".into()])?;
    let mine = address(&mut node, PAYER)?;
    node.mine(3, &mine)?;
    node.mine(stage.coin.consensus.coinbase_maturity, stage.address()?)?;
    let start = has(&mut node, PAYER, "trusted")?;
    ensure!(start > 3 * COIN, "the payer has {start}");

    let paid = pay(stage, &mut node)?;
    raise_the_fee(stage, &mut node, paid)?;
    let paid = paid + COIN;
    pay_in_steps(stage, &mut node, paid)?;
    let paid = paid + COIN / 4;
    let secret = lock(stage, &mut node, paid)?;
    let paid = paid + COIN / 8;

    // What left one and did not come to the other are fees, and they are small.
    let rest = has(&mut node, PAYER, "trusted")?;
    if keeps_its_worth(stage) {
        let fees = start - rest - paid;
        ensure!((1..COIN / 100).contains(&fees), "{fees} of {start} are gone besides what was paid");
    }
    start_again(stage, node, paid, &secret)
}

/// A payment is seen at once, counts with a block, and waits again when the block is taken back.
fn pay(stage: &Stage, node: &mut Node) -> Result<i64> {
    let amount = COIN * 3 / 2;
    let to = address(node, PAYEE)?;
    let sent = node.call_at(PAYER, "sendtoaddress", &[to.as_str().into(), Json::amount(amount)])?;
    expect(stage, node, "untrusted_pending", amount)?;
    let details = node.call_at(PAYER, "gettransaction", &[sent])?;
    ensure!(details.get("fee").write().starts_with("-0.0"), "the fee of {}", details.write());
    node.mine(1, stage.address()?)?;
    expect(stage, node, "trusted", amount)?;

    let tip = node.tip()?;
    node.call("invalidateblock", &[tip.as_str().into()])?;
    expect(stage, node, "untrusted_pending", amount)?;
    expect(stage, node, "trusted", 0)?;
    node.call("reconsiderblock", &[tip.as_str().into()])?;
    expect(stage, node, "trusted", amount)?;
    Ok(amount)
}

/// One transaction takes the place of another, and the money is paid once.
fn raise_the_fee(stage: &Stage, node: &mut Node, before: i64) -> Result<()> {
    let to = address(node, PAYEE)?;
    let first = node.call_at(PAYER, "sendtoaddress", &[to.as_str().into(), Json::amount(COIN)])?;
    let bumped = node.call_at(PAYER, "bumpfee", std::slice::from_ref(&first))?;
    ensure!(satoshis(bumped.get("fee"))? > satoshis(bumped.get("origfee"))?, "it costs less: {}", bumped.write());
    let pool = node.call("getrawmempool", &[])?;
    expect_equal("the pool", &pool, &Json::Arr(vec![bumped.get("txid").clone()]))?;
    node.mine(1, stage.address()?)?;
    let old = node.call_at(PAYER, "gettransaction", &[first])?;
    expect_equal("who replaced it", old.get("replaced_by_txid"), bumped.get("txid"))?;
    expect(stage, node, "trusted", before + COIN)
}

/// One makes a transaction, signs it and hands it in by hand.
fn pay_in_steps(stage: &Stage, node: &mut Node, before: i64) -> Result<()> {
    let to = Object::new().with(address(node, PAYEE)?, Json::amount(COIN / 4));
    let made = node.call_at(PAYER, "walletcreatefundedpsbt", &[Json::Arr(vec![]), Json::Arr(vec![to.into()])])?;
    // Whoever has no key cannot sign.
    let theirs = node.call_at(PAYEE, "walletprocesspsbt", &[made.get("psbt").clone()])?;
    ensure!(!theirs.get("complete").is_true(), "signed by whom?");
    let signed = node.call_at(PAYER, "walletprocesspsbt", &[made.get("psbt").clone()])?;
    let whole = node.call("finalizepsbt", &[signed.get("psbt").clone()])?;
    ensure!(whole.get("complete").is_true(), "it is not signed: {}", whole.write());
    node.call("sendrawtransaction", &[whole.get("hex").clone()])?;
    node.mine(1, stage.address()?)?;
    expect(stage, node, "trusted", before + COIN / 4)
}

/// With a passphrase, nobody pays without it, and it is written nowhere. Returns a private key that the wallet has.
fn lock(stage: &Stage, node: &mut Node, before: i64) -> Result<[u8; 32]> {
    let keys = node.call_at(PAYER, "listdescriptors", &[true.into()])?;
    let text = keys.get("descriptors").at(0).get("desc").as_str()?;
    let text = text.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| word.len() > 100);
    let text = text.context("no private key is shown")?;
    let key: [u8; 32] = base58::decode_check(text)?.get(46..78).context("a short key")?.try_into()?;
    ensure!(holds(&file(node), &key)?, "a file in the clear does not have the key");

    let to = address(node, PAYEE)?;
    let payment = [to.as_str().into(), Json::amount(COIN / 8)];
    node.logs(&[], &[PASSPHRASE, text], |node| {
        node.call_at(PAYER, "encryptwallet", &[PASSPHRASE.into()])?;
        refuses(node, "sendtoaddress", &payment, Code::WALLET_UNLOCK_NEEDED)?;
        refuses(node, "walletpassphrase", &["wrong".into(), 60.into()], Code::WALLET_PASSPHRASE_INCORRECT)?;
        node.call_at(PAYER, "walletpassphrase", &[PASSPHRASE.into(), 600.into()])?;
        node.call_at(PAYER, "sendtoaddress", &payment)?;
        node.call_at(PAYER, "walletlock", &[])?;
        refuses(node, "sendtoaddress", &payment, Code::WALLET_UNLOCK_NEEDED)
    })?;
    node.mine(1, stage.address()?)?;
    expect(stage, node, "trusted", before + COIN / 8)?;
    Ok(key)
}

/// All of it is there after a restart, and in a copy of the file; and no file has a key in the clear.
fn start_again(stage: &Stage, mut node: Node, paid: i64, key: &[u8; 32]) -> Result<()> {
    let copy = stage.data("copies")?.join("payer.dat").display().to_string();
    node.call_at(PAYER, "backupwallet", &[copy.as_str().into()])?;
    let before = balances(&mut node, PAYER)?;
    let file = file(&node);
    node.stop()?;
    for file in [Path::new(&copy), &file] {
        ensure!(!holds(file, key)?, "{} has a key in the clear", file.display());
    }

    let mut node = stage.start("a", &OPTIONS)?;
    for name in ["payer", "payee"] {
        node.call("loadwallet", &[name.into()])?;
    }
    expect(stage, &mut node, "trusted", paid)?;
    node.call("restorewallet", &["copy".into(), copy.as_str().into()])?;
    for wallet in [PAYER, "/wallet/copy"] {
        expect_equal(wallet, &balances(&mut node, wallet)?, &before)?;
        let info = node.call_at(wallet, "getwalletinfo", &[])?;
        expect_equal("an encrypted wallet is locked", &info.get("unlocked_until").as_int::<u64>()?, &0)?;
    }
    node.stop()
}

fn file(node: &Node) -> PathBuf {
    node.net().join("wallets/payer/wallet.dat")
}

fn holds(file: &Path, key: &[u8; 32]) -> Result<bool> {
    Ok(std::fs::read(file)?.windows(key.len()).any(|window| window == key))
}

fn refuses(node: &mut Node, method: &str, params: &[Json], code: Code) -> Result<()> {
    let error = node.call_at(PAYER, method, params).err().with_context(|| format!("{method} was not refused"))?;
    ensure!(error.to_string().contains(&format!("Code({})", code.0)), "{method}: expected {}, got {error}", code.0);
    Ok(())
}

fn address(node: &mut Node, wallet: &str) -> Result<String> {
    Ok(node.call_at(wallet, "getnewaddress", &[])?.as_str()?.to_owned())
}

fn balances(node: &mut Node, wallet: &str) -> Result<String> {
    Ok(node.call_at(wallet, "getbalances", &[])?.get("mine").write())
}

fn has(node: &mut Node, wallet: &str, kind: &str) -> Result<i64> {
    let all = node.call_at(wallet, "getbalances", &[])?;
    Ok(i64::try_from(satoshis(all.get("mine").get(kind))?)?)
}

/// Waits until the payee has this much.
fn expect(stage: &Stage, node: &mut Node, kind: &str, amount: i64) -> Result<()> {
    let least = if keeps_its_worth(stage) { amount } else { amount - amount / 1000 };
    until(&format!("{amount} {kind}"), DEADLINE, || {
        let found = has(node, PAYEE, kind)?;
        Ok((least..=amount).contains(&found).then_some(()))
    })
}

/// Whether a coin is worth tomorrow what it is worth today.
fn keeps_its_worth(stage: &Stage) -> bool {
    stage.coin.consensus.tx_format != TxFormat::FreicoinLockHeight
}
