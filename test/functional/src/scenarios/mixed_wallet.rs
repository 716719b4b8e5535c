//! A wallet goes from one daemon to the other and back: what one wrote the other opens, knows and spends.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use rpc::Json;

use super::mixed_sync::{agree, meet};
use crate::node::Node;
use crate::stage::{Stage, Whose, expect_equal};

/// What a wallet says of itself, and has to say again elsewhere.
const QUESTIONS: [&str; 3] = ["getbalances", "listdescriptors", "getaddressesbylabel"];

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_judge()?;
    let options = ["-fallbackfee=0.0001", "-keypool=10"];
    let mut judge = stage.start_listening(Whose::Judge, "judge", &options)?;
    let mut ours = stage.start_listening(Whose::Ours, "ours", &options)?;
    meet(&mut ours, &judge, true)?;

    judge.create_wallet(&["w".into()])?;
    let address = judge.call("getnewaddress", &["savings".into()])?.as_str()?.to_owned();
    judge.mine(3, &address)?;
    judge.mine(100, stage.address()?)?;
    agree(&mut judge, &mut ours)?;

    let before = answers(&mut judge)?;
    carry(&mut judge, &mut ours)?;
    expect_equal("the wallet with us", &answers(&mut ours)?, &before)?;
    pay(&mut ours, stage.address()?)?;
    // A transaction need not have come to the other one's pool by now; a block brings it.
    ours.mine(1, stage.address()?)?;
    agree(&mut judge, &mut ours)?;

    let before = answers(&mut ours)?;
    carry(&mut ours, &mut judge)?;
    expect_equal("the wallet back again", &answers(&mut judge)?, &before)?;
    let sent = judge.call("listtransactions", &["*".into(), 1000.into()])?;
    let has = sent.as_arr()?.iter().any(|tx| tx.get("category").as_str() == Ok("send"));
    ensure!(has, "what we sent is not in the list: {}", sent.write());
    pay(&mut judge, stage.address()?)?;
    ours.stop()?;
    judge.stop()
}

fn pay(node: &mut Node, address: &str) -> Result<()> {
    let amount = rpc::json::parse(b"1.5").unwrap_or(Json::Null);
    node.call("sendtoaddress", &[address.into(), amount]).map(drop)
}

fn answers(node: &mut Node) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for question in QUESTIONS {
        let params: &[Json] = if question == "getaddressesbylabel" { &["savings".into()] } else { &[] };
        all.push(node.call(question, params)?.write());
    }
    Ok(all)
}

/// Closes the wallet here and opens a copy of its file there.
fn carry(from: &mut Node, to: &mut Node) -> Result<()> {
    from.call("unloadwallet", &["w".into()])?;
    let file = |node: &Node| node.net().join("wallets/w/wallet.dat");
    let (source, target) = (file(from), file(to));
    fs::create_dir_all(target.parent().unwrap_or(Path::new("")))?;
    fs::copy(&source, &target)?;
    to.call("loadwallet", &["w".into()]).map(drop)
}
