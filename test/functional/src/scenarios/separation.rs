//! Keys and peers live in different processes: the wallet's has no network and no chain, the node's has no wallet file.

use anyhow::{Context as _, Result, ensure};
use rpc::Json;

use crate::processes::{children, descriptors, has_tcp, is_confined, runs};
use crate::programs::Shape;
use crate::stage::{Skip, Stage, Whose, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("wallet in a process of its own")?;
    ensure!(stage.shape == Shape::Multi, Skip("the wallet is in the node's process".to_owned()));
    let mut node = stage.start_listening(Whose::Tested, "a", &["-keypool=10"])?;
    node.create_wallet(&["w".into()])?;
    let address = node.call("getnewaddress", &[])?.as_str()?.to_owned();
    node.mine(3, &address)?;

    let wallet = children(node.id())?.pop().context("the node has no wallet process")?;
    let (of_node, of_wallet) = (descriptors(node.id())?, descriptors(wallet)?);
    let wallets = node.net().join("wallets").display().to_string();
    ensure!(!of_node.iter().any(|path| path.starts_with(&wallets)), "the node has a wallet file open: {of_node:?}");
    ensure!(of_wallet.iter().any(|path| path.starts_with(&wallets)), "the wallet has no file open: {of_wallet:?}");
    for room in ["blocks", "chainstate", "indexes"] {
        let room = node.net().join(room).display().to_string();
        ensure!(!of_wallet.iter().any(|path| path.starts_with(&room)), "the wallet has {room} open");
    }
    ensure!(has_tcp(node.id())?, "the node listens to nobody");
    ensure!(!has_tcp(wallet)?, "the wallet has a TCP socket");
    ensure!(is_confined(wallet)?, "the wallet is not in a sandbox");

    // Options that say where a wallet is do not make the node open it.
    node.call("unloadwallet", &["w".into()])?;
    ensure!(!descriptors(wallet)?.iter().any(|path| path.starts_with(&wallets)), "an unloaded wallet is open");
    node.call("loadwallet", &["w".into()])?;
    expect_equal("transactions", &node.call("getwalletinfo", &[])?.get("txcount").as_int::<u64>()?, &3)?;
    expect_equal("the chain's height", &node.height()?, &3)?;
    node.stop()?;
    ensure!(!runs(wallet), "the wallet outlives its node");

    for option in ["-sandbox=0", "-walletnotify=true"] {
        let node = stage.start("a", &[option])?;
        let wallet = children(node.id())?.pop().context("the node has no wallet process")?;
        ensure!(!is_confined(wallet)?, "the wallet is in a sandbox in spite of {option}");
        node.stop()?;
    }
    stage.refuses("a", &["-sandbox=often"], "Unknown mode in -sandbox=often: it is 1, 0 or log")?;

    // A node that is told to have none starts none.
    let mut node = stage.start("a", &["-disablewallet"])?;
    expect_equal("processes of a node without a wallet", &children(node.id())?.len(), &0)?;
    expect_equal("the height", &node.call("getblockcount", &[])?, &Json::from(3_u64))?;
    node.stop()
}
