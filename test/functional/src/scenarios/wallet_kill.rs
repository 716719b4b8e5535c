//! The wallet process is killed at any moment, a hundred times, while it pays, gives addresses out, imports, encrypts and
//! makes copies: whatever it has answered is true for ever, and nothing is spent twice.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use rpc::client::{Client, Credentials};
use rpc::{Json, Object};

use crate::dice::Dice;
use crate::node::Node;
use crate::processes::{self, children};
use crate::programs::Shape;
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

const KILLS: u32 = 100;
/// Before this one the wallet is told to encrypt itself, until it has.
const ENCRYPT_FROM: u32 = 50;
const PASSPHRASE: &str = "no horse here";
const PLACE: &str = "/wallet/w";
/// A key that everybody knows.
const KEY: &str =
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK";

/// What the wallet has answered.
#[derive(Default)]
struct Facts {
    labels: Vec<(String, String)>,
    payments: Vec<String>,
    descriptors: Vec<String>,
    backup: Option<String>,
    encrypted: bool,
}

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("wallet in a process of its own")?;
    ensure!(stage.shape == Shape::Multi, Skip("the wallet is in the node's process".to_owned()));
    ensure!(stage.coin.id == "bitcoin", Skip("one coin is enough for what no coin changes".to_owned()));
    let mut node = stage.start("a", &["-keypool=5", "-fallbackfee=0.001"])?;
    let (no, at_start) = (Json::Bool(false), Json::Bool(true));
    node.create_wallet(&["w".into(), no.clone(), no.clone(), "".into(), no, Json::Null, at_start])?;
    let address = node.call_at(PLACE, "getnewaddress", &[])?.as_str()?.to_owned();
    node.mine(110, &address)?;
    let mut dice = Dice::new(stage.seed);
    let mut facts = Facts::default();
    for turn in 0..KILLS {
        if facts.encrypted {
            node.call_at(PLACE, "walletpassphrase", &[PASSPHRASE.into(), 1000.into()])?;
        }
        let (method, params) = request(stage, &mut node, &facts, turn, dice.draw(8))?;
        let wallet = children(node.id())?.pop().context("the node has no wallet process")?;
        let cookie = rpc::cookie::read_cookie(&node.cookie())?;
        let mut client: Client = node.client_with(Credentials::Cookie(cookie));
        let given = params.clone();
        let asked = thread::spawn(move || client.call(PLACE, method, Json::Arr(given)));
        // Any moment will do: from before the request arrives until after it is answered. To encrypt takes longer, and
        // much longer on a busy machine, so each turn that was too short for it makes the next one longer.
        let patience = if method == "encryptwallet" { turn - ENCRYPT_FROM + 1 } else { 1 };
        thread::sleep(Duration::from_micros(dice.draw(60_000 * u64::from(patience))));
        processes::signal(wallet, Signal::SIGKILL)?;
        let answer = asked.join().ok().context("who asks panicked")?;
        until("the wallet's return", DEADLINE, || {
            let is_new = children(node.id())?.pop().is_some_and(|now| now != wallet);
            let answers = is_new && node.try_call("listwallets", &[])?.is_ok_and(|open| open.len() == 1);
            Ok(answers.then_some(()))
        })?;
        if let Ok(Ok(answer)) = answer {
            facts.note(method, &params, &answer)?;
        }
        if method == "encryptwallet" {
            // Either all of it or nothing, and it says which.
            let info = node.call_at(PLACE, "getwalletinfo", &[])?;
            let encrypted = !info.get("unlocked_until").is_null();
            ensure!(encrypted || !facts.encrypted, "it was encrypted, and is not");
            facts.encrypted = encrypted;
        }
        if turn % 10 == 9 {
            facts.check(&mut node)?;
            node.mine(1, stage.address()?)?;
        }
    }
    ensure!(facts.encrypted, "it was never encrypted");
    facts.check(&mut node)?;
    nothing_spent_twice(&mut node)?;

    // Reading the chain again, for which it has to be unlocked, finds nothing that was not known.
    node.mine(1, stage.address()?)?;
    node.call_at(PLACE, "walletpassphrase", &[PASSPHRASE.into(), 1000.into()])?;
    let before = node.call_at(PLACE, "getbalances", &[])?.get("mine").write();
    node.call_at(PLACE, "rescanblockchain", &[])?;
    expect_equal("balances", &node.call_at(PLACE, "getbalances", &[])?.get("mine").write(), &before)?;
    if let Some(backup) = &facts.backup {
        node.call("restorewallet", &["copy".into(), backup.as_str().into()])?;
        let known = node.call_at("/wallet/copy", "getaddressinfo", &[address.into()])?;
        ensure!(known.get("ismine").is_true(), "the copy does not have the wallet's keys");
    }
    node.stop()
}

/// What to ask while the wallet is killed.
fn request(stage: &Stage, node: &mut Node, facts: &Facts, turn: u32, choice: u64) -> Result<(&'static str, Vec<Json>)> {
    if turn >= ENCRYPT_FROM && !facts.encrypted {
        return Ok(("encryptwallet", vec![PASSPHRASE.into()]));
    }
    Ok(match choice {
        0 | 1 => ("getnewaddress", vec![format!("label {turn}").into()]),
        2 => {
            let text = format!("wpkh({KEY}/{turn}/*)");
            let info = node.call("getdescriptorinfo", &[text.as_str().into()])?;
            let text = format!("{text}#{}", info.get("checksum").as_str()?);
            let import = Object::new().with("desc", text).with("timestamp", "now").with("range", 2);
            ("importdescriptors", vec![Json::Arr(vec![import.into()])])
        }
        3 => {
            let file = stage.data("copies")?.join(format!("{turn}.dat"));
            ("backupwallet", vec![file.display().to_string().into()])
        }
        _ => ("sendtoaddress", vec![stage.address()?.into(), Json::amount(1_000_000 + i64::from(turn))]),
    })
}

impl Facts {
    fn note(&mut self, method: &str, params: &[Json], answer: &Json) -> Result<()> {
        match method {
            "getnewaddress" => self.labels.push((answer.as_str()?.to_owned(), params[0].as_str()?.to_owned())),
            "sendtoaddress" => self.payments.push(answer.as_str()?.to_owned()),
            "backupwallet" => self.backup = Some(params[0].as_str()?.to_owned()),
            "importdescriptors" => {
                let text = params[0].at(0).get("desc").as_str()?.to_owned();
                ensure!(answer.at(0).get("success").is_true(), "an import failed: {}", answer.write());
                self.descriptors.push(text);
            }
            "encryptwallet" => self.encrypted = true,
            other => anyhow::bail!("who asked for {other}?"),
        }
        Ok(())
    }

    fn check(&self, node: &mut Node) -> Result<()> {
        for (address, label) in &self.labels {
            let known = node.call_at(PLACE, "getaddressinfo", &[address.as_str().into()])?;
            ensure!(known.get("ismine").is_true(), "the key of {address} is lost");
            ensure!(known.get("labels").at(0).as_str() == Ok(label), "the label {label} is lost: {}", known.write());
        }
        for txid in &self.payments {
            let known = node.call_at(PLACE, "gettransaction", &[txid.as_str().into()])?;
            let confirmed = known.get("confirmations").as_int::<i64>()? > 0;
            let in_pool = node.try_call("getmempoolentry", &[txid.as_str().into()])?.is_ok();
            ensure!(confirmed || in_pool, "the node does not have {txid}: {}", known.write());
        }
        let listed = node.call_at(PLACE, "listdescriptors", &[])?;
        let listed: Vec<&str> =
            listed.get("descriptors").as_arr()?.iter().filter_map(|row| row.get("desc").as_str().ok()).collect();
        for text in &self.descriptors {
            let text = text.split('#').next().unwrap_or_default();
            let public = node.call("getdescriptorinfo", &[text.into()])?;
            let public = public.get("descriptor").as_str()?.to_owned();
            ensure!(listed.contains(&public.as_str()), "the descriptor {public} is lost");
        }
        Ok(())
    }
}

/// No payment conflicts with another, whether it was answered or not.
fn nothing_spent_twice(node: &mut Node) -> Result<()> {
    let all = node.call_at(PLACE, "listtransactions", &["*".into(), 100_000.into()])?;
    let sent = all.as_arr()?.iter().filter(|row| row.get("category").as_str() == Ok("send"));
    let mut count = 0;
    for row in sent {
        ensure!(row.get("walletconflicts").is_empty(), "spent twice: {}", row.write());
        count += 1;
    }
    ensure!(count > 0, "nothing was sent");
    Ok(())
}
