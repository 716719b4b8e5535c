//! Blocks are mined, told in every form, and the coins add up to what the coin's schedule pays.

use anyhow::{Result, ensure};
use rpc::{Code, Json};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &[])?;
    let hashes = node.mine(12, stage.address()?)?;
    expect_equal("the height", &node.height()?, &12)?;
    expect_equal("the tip", &Some(&node.tip()?), &hashes.last())?;

    let mut paid = 0;
    for (hash, height) in hashes.iter().zip(1_u64..) {
        expect_equal("the hash", &node.call("getblockhash", &[height.into()])?.as_str()?, &hash.as_str())?;
        let block = node.call("getblock", &[hash.into(), 2_u64.into()])?;
        expect_equal("the height of a block", &block.get("height").as_int::<u64>()?, &height)?;
        expect_equal("transactions", &block.get("tx").as_arr()?.len(), &1)?;
        paid += satoshis(block.get("tx").at(0).get("vout"))?;
        let header = node.call("getblockheader", &[hash.into()])?;
        expect_equal("the Merkle root", header.get("merkleroot"), block.get("tx").at(0).get("txid"))?;
    }
    let coins = node.call("gettxoutsetinfo", &[])?;
    let total = rpc::amount_from_value(coins.get("total_amount"), 8, i64::MAX).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    ensure!(total > 0, "nothing was paid");
    expect_equal("all coins", &total, &paid)?;

    node.refuses("getblockhash", &[13_u64.into()], Code::INVALID_PARAMETER, "Block height out of range")?;
    let unknown = "0".repeat(64);
    node.refuses("getblock", &[unknown.into()], Code::INVALID_ADDRESS_OR_KEY, "Block not found")?;
    node.refuses(
        "generatetoaddress",
        &[1_u64.into(), "nobody".into()],
        Code::INVALID_ADDRESS_OR_KEY,
        "Invalid address",
    )?;
    node.stop()
}

fn satoshis(outputs: &Json) -> Result<i64> {
    let amount = |output: &Json| rpc::amount_from_value(output.get("value"), 8, i64::MAX);
    let amounts: Result<Vec<i64>, _> = outputs.as_arr()?.iter().map(amount).collect();
    Ok(amounts.map_err(|error| anyhow::anyhow!("{error:?}"))?.into_iter().sum())
}
