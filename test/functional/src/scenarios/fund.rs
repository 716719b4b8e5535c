//! Blocks and coins without a wallet, for people who test against a regtest daemon.

use anyhow::{Result, ensure};
use rpc::{Code, Json};

use crate::node::Node;
use crate::stage::{Skip, Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("method fundaddress")?;
    let mut node = stage.start("a", &["-disablewallet"])?;
    ensure!(!node.mines_the_past(), Skip("blocks of this chain are easy only after a gap in time".to_owned()));
    // Without a number it is still the method that was replaced.
    node.refuses("generate", &[], Code::METHOD_NOT_FOUND, "has been replaced")?;
    let hashes = node.call("generate", &[3.into()])?;
    expect_equal("blocks", &hashes.as_arr()?.len(), &3)?;
    expect_equal("the tip", hashes.at(2), &node.tip()?.into())?;
    let ended = stage.cli(&node, &["generate", "2"])?;
    ensure!(ended.status.success(), "generate on the command line: {}", ended.stderr);
    expect_equal("the height", &node.height()?, &5)?;

    let first = fund(stage, &mut node, "1.5")?;
    let height = node.height()?;
    let second = fund(stage, &mut node, "0.00000001")?;
    ensure!(first != second, "both calls made {}", first.write());
    expect_equal("only its own block was mined", &node.height()?, &(height + 1))?;

    // The coins are found again, and nobody is told of payments that wait.
    node.stop()?;
    let mut node = stage.start("a", &["-disablewallet"])?;
    fund(stage, &mut node, "2")?;
    expect_equal("only its own block was mined", &node.height()?, &(height + 2))?;
    expect_equal("the pool", &node.call("getrawmempool", &[])?.as_arr()?.len(), &0)?;
    // More than one block pays.
    let reward = node.call("getblockstats", &[height.into(), ["subsidy"].into_iter().collect()])?;
    let reward: i64 = reward.get("subsidy").as_int()?;
    fund(stage, &mut node, Json::amount(3 * reward).write().as_str())?;

    let address = Json::from(stage.address()?);
    node.refuses("fundaddress", &["nobody".into(), 1.into()], Code::INVALID_ADDRESS_OR_KEY, "Invalid address")?;
    node.refuses("fundaddress", &[address.clone(), 0.into()], Code::TYPE_ERROR, "Invalid amount")?;
    if stage.coin.id == "bitcoin" {
        // All that this chain can ever make is less.
        let much = Json::from(15_000);
        node.refuses("fundaddress", &[address, much], Code::WALLET_INSUFFICIENT_FUNDS, "Insufficient funds")?;
    }
    node.stop()
}

/// Pays an address, and sees that the coin is there.
fn fund(stage: &Stage, node: &mut Node, amount: &str) -> Result<Json> {
    let paid = node.call("fundaddress", &[stage.address()?.into(), amount.into()])?;
    expect_equal("its block", paid.get("blockhash"), &node.tip()?.into())?;
    let coin = node.call("gettxout", &[paid.get("txid").clone(), paid.get("vout").clone(), false.into()])?;
    let value = |json: &Json| rpc::amount_from_value(json, 8, i64::MAX).map_err(|e| anyhow::anyhow!("{e:?}"));
    expect_equal("its value", &value(coin.get("value"))?, &value(&amount.into())?)?;
    expect_equal("its confirmations", &coin.get("confirmations").as_int::<u64>()?, &1)?;
    let script = node.call("validateaddress", &[stage.address()?.into()])?;
    expect_equal("its script", coin.get("scriptPubKey").get("hex"), script.get("scriptPubKey"))?;
    Ok(paid)
}
