//! Ours and the real daemon on one chain and with one pool at one time: what either answers is what the other answers, in
//! values, in the order of keys, and in errors; and their pages of help read the same.

mod calls;
mod compare;
mod pages;

use anyhow::{Result, ensure};
use bitcoin::Txid;
use rpc::Json;

use crate::mini::{MiniWallet, first, send, spend};
use crate::node::Node;
use crate::stage::{Skip, Stage, Whose};
use crate::wait::{DEADLINE, until};
use compare::differences;

/// When all of it happens.
const NOW: u64 = 1_700_000_000;
const OPTIONS: [&str; 4] = ["-txindex", "-blockfilterindex", "-coinstatsindex", "-fallbackfee=0.0001"];
const FEE: u64 = 10_000;

/// What the calls are about.
struct Facts {
    address: String,
    /// The last block.
    block: String,
    /// The first coinbase that was spent, and a transaction of the last block.
    coinbase: Txid,
    mined: Txid,
    /// In the pool, the second spends the first, which spends `mined`.
    parent: Txid,
    child: Txid,
}

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_judge()?;
    ensure!(stage.coin.id == "bitcoin", Skip("the judge of another coin answers as an older release".to_owned()));
    let mut ours = stage.start_listening(Whose::Ours, "ours", &OPTIONS)?;
    let mut judge = stage.start_listening(Whose::Judge, "judge", &OPTIONS)?;
    let facts = prepare(stage, &mut ours, &mut judge)?;
    let mut wrong = Vec::new();
    for (method, params) in calls::all(&facts, &mut judge)? {
        let answer = |node: &mut Node| -> Result<Json> {
            let answer = node.try_call(method, params.as_arr()?)?;
            Ok(answer.unwrap_or_else(|error| rpc::obj! { "error" => error.to_json() }))
        };
        let (here, there) = (answer(&mut ours)?, answer(&mut judge)?);
        for difference in differences(method, &here, &there) {
            let params: String = params.write().chars().take(80).collect();
            wrong.push(format!("{method} {params} {difference}"));
        }
    }
    ensure!(wrong.is_empty(), "{} differences:\n  {}", wrong.len(), wrong.join("\n  "));
    ours.stop()?;
    judge.stop()
}

/// The pages of help, and which methods there are.
pub(super) fn pages(stage: &Stage) -> Result<()> {
    stage.needs_judge()?;
    ensure!(stage.coin.id == "bitcoin", Skip("the judge of another coin has the pages of an older release".to_owned()));
    let mut ours = stage.start_listening(Whose::Ours, "ours", &[])?;
    let mut judge = stage.start_listening(Whose::Judge, "judge", &[])?;
    let wrong = pages::differences(&mut ours, &mut judge)?;
    ensure!(wrong.is_empty(), "{} pages of help differ:\n  {}", wrong.len(), wrong.join("\n  "));
    ours.stop()?;
    judge.stop()
}

/// Makes a chain and a pool, and gives both to the other as well.
fn prepare(stage: &Stage, ours: &mut Node, judge: &mut Node) -> Result<Facts> {
    ours.set_mock_time(NOW)?;
    judge.set_mock_time(NOW)?;
    let mut wallet = MiniWallet::new(stage)?;
    wallet.fill(ours, 5)?;
    let lowest = ours.call("getblockhash", &[1.into()])?;
    let coinbase = ours.call("getblock", &[lowest])?;
    let coinbase = coinbase.get("tx").at(0).as_str()?.parse()?;
    for height in 1..=ours.height()? {
        let hash = ours.call("getblockhash", &[height.into()])?;
        give(ours, judge, &hash)?;
    }
    let mined = wallet.pay(judge, FEE)?;
    let parent = spend(&[first(mined.compute_txid())], &[mined.output[0].value.to_sat() - FEE]);
    let child = spend(&[first(parent.compute_txid())], &[parent.output[0].value.to_sat() - FEE]);
    send(ours, &mined)?;
    let mined = send(judge, &mined)?;
    // The last block is the judge's, so that each has made one.
    let block = judge.mine(1, wallet.address())?.remove(0);
    give(judge, ours, &block.as_str().into())?;
    let mut both = |tx| -> Result<Txid> {
        send(ours, tx)?;
        send(judge, tx)
    };
    let (parent, child) = (both(&parent)?, both(&child)?);
    for node in [ours, judge] {
        node.call("syncwithvalidationinterfacequeue", &[])?;
        until("the indexes to be at the tip", DEADLINE, || {
            let indexes = node.call("getindexinfo", &[])?;
            Ok(indexes.as_obj()?.iter().all(|(_, index)| index.get("synced").is_true()).then_some(()))
        })?;
    }
    Ok(Facts { address: wallet.address().to_owned(), block, coinbase, mined, parent, child })
}

fn give(from: &mut Node, to: &mut Node, hash: &Json) -> Result<()> {
    let block = from.call("getblock", &[hash.clone(), 0.into()])?;
    let answer = to.call("submitblock", &[block])?;
    ensure!(answer.is_null(), "submitblock answered {}", answer.write());
    Ok(())
}
