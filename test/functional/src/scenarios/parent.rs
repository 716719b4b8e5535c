//! A node as the child of another program, as a GUI starts it: they talk over a socket pair, and neither leaves the other
//! behind.

use anyhow::{Context as _, Result, anyhow, ensure};
use interfaces::{Failure, Hello, WalletCreate, WalletLoader};
use ipc::{Ipc, Options, Peer};

use crate::processes::{children, runs};
use crate::programs::Shape;
use crate::socket::{ask, hello};
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

/// No port is opened: the socket pair is all there is.
const ALONE: [&str; 3] = ["-server=0", "-printtoconsole=0", "-keypool=10"];

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("node that another program starts")?;
    ensure!(stage.shape == Shape::Multi, Skip("the daemon is nobody's child".to_owned()));
    let client = Ipc::new(Options::new(format!("{}-gui", stage.coin.id)));

    // It does what it is told, and stops when it is told so.
    let (mut node, socket) = stage.child("a", &ALONE)?;
    let peer = client.attach(socket, "node", Some(&hello(stage)?))?;
    let gui = peer.init().make_node()?.context("nothing for a GUI")?;
    coins(stage, &peer, &*gui.wallet_loader()?.context("no wallets for a GUI")?)?;
    expect_equal("the height", &gui.status()?.tip.height, &1)?;
    let wallet = children(node.id())?.pop().context("the node has no wallet process")?;
    ensure!(gui.list_rpc_commands()?.iter().any(|name| name == "createwallet"), "the wallet's methods are not listed");
    gui.start_shutdown()?;
    let status = until("the node's end", DEADLINE, || Ok(node.try_wait()?))?;
    ensure!(status.success(), "the node was stopped and ended with {status}");
    ensure!(!runs(wallet), "the wallet outlives its node");

    // Whoever started it is gone without a word: it stops as if it had been asked to.
    let (mut node, socket) = stage.child("a", &ALONE)?;
    let peer = client.attach(socket, "node", Some(&hello(stage)?))?;
    let wallet = children(node.id())?.pop().context("the node has no wallet process")?;
    peer.disconnect();
    let status = until("the node's end", DEADLINE, || Ok(node.try_wait()?))?;
    ensure!(status.success(), "the node lost its parent and ended with {status}");
    ensure!(!runs(wallet), "the wallet outlives its node");

    // One that is for another chain is told so, and what it was told has been written down.
    let (mut node, socket) = stage.child("a", &ALONE)?;
    let other = Hello { chain: "main".to_owned(), ..hello(stage)? };
    let error = client.attach(socket, "node", Some(&other)).err().context("a GUI of another chain was let in")?;
    ensure!(error.to_string().contains("is for chain main"), "the sentence: {error}");
    until("the node's end", DEADLINE, || Ok(node.try_wait()?))?;
    let mut node = stage.start("a", &[])?;
    expect_equal("the height", &node.height()?, &1)?;
    node.stop()
}

/// What a list of coins shows of a block's own coin: where values decay, what was received and what is left of it.
fn coins(stage: &Stage, peer: &Peer, wallets: &dyn WalletLoader) -> Result<()> {
    let fail = |failure: Failure| anyhow!(failure.0);
    wallets.create_wallet(&WalletCreate { name: "coins".to_owned(), ..WalletCreate::default() })?.map_err(fail)?;
    let wallet = wallets.get_wallet("coins")?.context("the wallet is not open")?;
    expect_equal("coins of a new wallet", &wallet.coins()?, &Vec::new())?;
    let address = wallet.new_address("bech32", "mined")?.map_err(fail)?;
    ask(peer, "/", "generatetoaddress", &format!("[1,\"{address}\"]"))?;
    let coin = until("the wallet's coin", DEADLINE, || Ok(wallet.coins()?.pop()))?;
    expect_equal("address and label", &(coin.address.as_str(), coin.label.as_str()), &(address.as_str(), "mined"))?;
    let decays = stage.coin.id == "freicoin";
    ensure!(coin.value_received > 0 && (coin.value_now < coin.value_received) == decays, "received and now: {coin:?}");
    ensure!(coin.safe && coin.depth == 1, "a block's own coin: {coin:?}");
    expect_equal("the sum", &coin.value_now, &wallet.balances()?.immature)
}
