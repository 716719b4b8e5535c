//! A directory is taken over: from nothing but its block files the same chain and the same coins are built again.

use std::fs;

use anyhow::Result;

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &[])?;
    node.mine(20, stage.address()?)?;
    let (tip, coins) = (node.tip()?, node.call("gettxoutsetinfo", &[])?);
    let blocks = node.net().join("blocks");
    let newcomer = stage.data("b")?.join(stage.regtest()?.datadir_subdir).join("blocks");
    node.stop()?;

    // Block files and their key are all that the newcomer gets; it gets no index and no coins.
    fs::create_dir_all(&newcomer)?;
    for entry in fs::read_dir(&blocks)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("blk") || name == "xor.dat" {
            fs::copy(&path, newcomer.join(name))?;
        }
    }
    for (name, option) in [("b", "-reindex"), ("b", "-reindex-chainstate"), ("a", "-reindex")] {
        let mut node = stage.start(name, &[option])?;
        let reached = node.call("waitforblockheight", &[20_u64.into(), 30_000_u64.into()])?;
        expect_equal("the height", &reached.get("height").as_int::<u64>()?, &20)?;
        expect_equal("the tip", &node.tip()?, &tip)?;
        for field in ["txouts", "hash_serialized_3", "total_amount"] {
            expect_equal(field, node.call("gettxoutsetinfo", &[])?.get(field), coins.get(field))?;
        }
        node.stop()?;
    }
    // Whoever has come to the height at which it shall end needs nobody to stop it: neither a rebuild, which the node does
    // while it answers, nor the few blocks that are left after it, which it connects before.
    stage.plays_out("b", &["-reindex-chainstate", "-stopatheight=10"])?;
    stage.plays_out("b", &["-stopatheight=20"])?;
    let mut node = stage.start("b", &[])?;
    expect_equal("the tip", &node.tip()?, &tip)?;
    node.stop()
}
