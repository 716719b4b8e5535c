//! Options that make no sense are refused in the words that scripts look for, before anything is written.

use std::fs;

use anyhow::Result;

use crate::stage::Stage;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.refuses("a", &["-bogus=1"], "Error parsing command line arguments: Invalid parameter -bogus")?;
    stage.refuses("a", &["-rpcport=99999999"], "Invalid port specified in -rpcport: '99999999'")?;
    stage.refuses("a", &["-chain=test"], "Can use at most one")?;
    stage.refuses("a", &["-datadir=/does/not/exist"], "Specified data directory \"/does/not/exist\" does not exist")?;
    stage.refuses("a", &["-conf=none.conf"], "could not be opened")?;
    stage.refuses("a", &["-prune=-1"], "Prune cannot be configured with a negative value.")?;
    stage.refuses("a", &["-prune=1", "-txindex"], "Prune mode is incompatible with -txindex.")?;
    stage.refuses(
        "a",
        &["-prune=10"],
        "Prune configured below the minimum of 550 MiB.  Please use a higher number.",
    )?;

    stage.refuses(
        "a",
        &["-prevoutfetchthreads=-1"],
        "-prevoutfetchthreads must be non-negative (got -1). Use 0 to disable parallel input fetching.",
    )?;

    fs::write(stage.data("a")?.join(stage.coin.conf_file), "nonsense\n")?;
    stage.refuses("a", &[], "Error reading configuration file: parse error on line 1: nonsense")?;

    // None of this keeps the directory from being used.
    fs::write(stage.data("a")?.join(stage.coin.conf_file), "")?;
    let mut node = stage.start("a", &["-prevoutfetchthreads=0", "-maxsigcachesize=0", "-checkblockindex"])?;
    node.mine(3, stage.address()?)?;
    node.stop()?;
    let node = stage.start("a", &["-forcecompactdb"])?;
    node.wait_for_log(0, "Finished database compaction of ")?;
    node.stop()?;
    stage.plays_out("a", &["-stopafterblockimport"])
}
