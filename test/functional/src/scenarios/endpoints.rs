//! Whoever starts a daemon is told when it is ready, and where: in a file, or on a descriptor of his.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsRawFd as _;

use anyhow::{Context as _, Result, ensure};
use rpc::Json;

use crate::stage::{Stage, Whose, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("file that says where it listens")?;
    // Two at once choose their ports by themselves and never meet.
    let (told, teller) = nix::unistd::pipe()?;
    let option = format!("-readyfd={}", teller.as_raw_fd());
    let mut first = stage.start_listening(Whose::Tested, "a", &[&option])?;
    drop(teller);
    let second = stage.start_listening(Whose::Tested, "b", &[])?;
    ensure!(first.port() != second.port() && first.p2p() != second.p2p(), "two daemons at one port");

    let file = first.net().join("ready.json");
    let text = fs::read_to_string(&file)?;
    let mut line = String::new();
    BufReader::new(File::from(told)).read_line(&mut line)?;
    expect_equal("what was told on the descriptor", &line, &text)?;
    let ready = rpc::json::parse(text.as_bytes()).context("the file is not JSON")?;
    expect_equal("the process", &ready.get("pid").as_int::<u32>()?, &first.id())?;
    expect_equal("the chain", &ready.get("chain"), &&Json::from("regtest"))?;
    expect_equal("the cookie", &ready.get("cookie").as_str()?, &first.cookie().display().to_string().as_str())?;
    expect_equal("the directory", &ready.get("datadir").as_str()?, &first.net().display().to_string().as_str())?;
    // What it names answers.
    first.mine(1, stage.address()?)?;
    first.stop()?;
    ensure!(!file.exists(), "the file is left behind");
    second.kill()?;
    // What a dead one left does not fool whoever starts the next.
    let mut third = stage.start_listening(Whose::Tested, "b", &[])?;
    expect_equal("the height", &third.height()?, &0)?;
    third.stop()
}
