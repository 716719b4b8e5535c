//! Our client at the daemon's socket: it echoes, answers JSON-RPC, makes templates, waits for blocks, and survives whoever
//! comes, goes and stays. Bitcoin Core's `bitcoin-node` is served as well.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};
use interfaces::{BlockCreateOptions, BlockWaitOptions, Json, Mining, Wait};
use ipc::{Address, Connect, Ipc, Options, Peer};

use crate::node::Node;
use crate::processes::{descriptors, threads};
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};
use crate::wire::{Call, INIT, MINING, Wire, in_context};

/// Clients that come and go.
const VISITS: usize = 200;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_option("-ipcbind")?;
    let socket = stage.data("a")?.join("n.sock");
    let bind = format!("-ipcbind=unix:{}", socket.display());
    let mut node = stage.start("a", &[&bind, "-debug=ipc"])?;
    node.mine(20, stage.address()?)?;
    let client = Ipc::new(Options::new("functional"));
    let peer = connect(&client, &socket)?;

    let echo = peer.init().make_echo()?.context("no echo")?;
    for text in ["hallo", "", &"long ".repeat(100_000)] {
        ensure!(echo.echo(text)? == text, "echo changes what it is told");
    }
    let rpc = peer.init().make_rpc()?.context("no JSON-RPC")?;
    let ask =
        |text: &str| anyhow::Ok(rpc.execute_rpc(&Json::new(text), "/", "")?.map_err(|failure| anyhow!(failure.0)));
    let height = ask(r#"{"method":"getblockcount","params":[],"id":7}"#)??;
    ensure!(height.as_str().contains("\"result\":20"), "getblockcount: {}", height.as_str());
    // Not every release of Core says so with an exception; all of them go on.
    match ask("nonsense")? {
        Ok(answer) => ensure!(stage.is_foreign() && answer.as_str().contains("error"), "nonsense was answered"),
        Err(error) => ensure!(error.to_string().contains("invalid JSON received over IPC"), "{error}"),
    }

    let mining = peer.init().make_mining()?.context("no mining")?;
    mine(stage, &mut node, &*mining)?;
    let tip = mining.get_tip()?.context("no tip")?;
    one_behind_the_other(&socket, tip.hash.as_bytes())?;
    come_and_go(&mut node, &client, &socket, stage.is_foreign())?;

    // Those who stay, and wait for ever, do not delay the end.
    let stays = connect(&client, &socket)?;
    let waiting = stays.init().make_mining()?.context("no mining")?;
    let tip = waiting.get_tip()?.context("no tip")?;
    let waiter = thread::spawn(move || waiting.wait_tip_changed(tip.hash, Wait::Forever));
    let before = Instant::now();
    node.stop()?;
    ensure!(before.elapsed().as_secs() < 10, "a client delays the end");
    // What it is told is the daemon's business; that it is told is what counts.
    drop(waiter.join());
    ensure!(peer.wait_disconnected(DEADLINE), "the connection outlives the daemon");
    ensure!(stage.is_foreign() || !socket.exists(), "the socket is left behind");
    Ok(())
}

fn connect(client: &Ipc, socket: &Path) -> Result<Peer> {
    let to = Connect::To(Address::Unix(Some(PathBuf::from(socket))));
    client.connect(&to, Path::new("/"), "node", None)?.context("nobody is there")
}

/// A template is solved, and the next one comes when the chain has moved.
fn mine(stage: &Stage, node: &mut Node, mining: &dyn Mining) -> Result<()> {
    ensure!(mining.is_test_chain()?, "regtest is a test chain");
    let tip = mining.get_tip()?.context("no tip")?;
    expect_equal("the height", &tip.height, &20)?;
    let template =
        mining.create_new_block(&BlockCreateOptions::default(), false)?.map_err(|failure| anyhow!(failure.0))?;
    let template = template.context("no template")?;
    ensure!(template.get_block()?.as_bytes().starts_with(template.get_block_header()?.as_bytes()), "another header");

    let address = stage.address()?.to_owned();
    let found = thread::scope(|scope| -> Result<_> {
        let waiting = scope.spawn(|| mining.wait_tip_changed(tip.hash, Wait::Forever));
        let next = scope.spawn(|| template.wait_next(&BlockWaitOptions::default()));
        node.mine(1, &address)?;
        let tip = waiting.join().map_err(|_| anyhow!("a client panicked"))??;
        let next = next.join().map_err(|_| anyhow!("a client panicked"))??.map_err(|failure| anyhow!(failure.0))?;
        ensure!(next.is_some(), "no template after the block");
        Ok(tip)
    })?;
    expect_equal("the new height", &found.context("the wait ended without a tip")?.height, &21)
}

/// Calls on one thread are answered in their order, however quick the second one is.
fn one_behind_the_other(socket: &Path, tip: &[u8; 32]) -> Result<()> {
    const MAKE_MINING: (u64, u16) = (INIT, 3);
    const GET_TIP: (u64, u16) = (MINING, 2);
    const WAIT_TIP_CHANGED: (u64, u16) = (MINING, 3);
    let (mut wire, init, thread) = Wire::open(socket)?;
    let mining = wire.ask_cap(&in_context(init, MAKE_MINING, thread))?;
    let wait = Call::new(mining, WAIT_TIP_CHANGED, &[thread], |builder, at| {
        let params = builder.object(at, 1, 2);
        // Milliseconds; a default is written as zero, so other values are turned around by it.
        builder.set(params, 100_f64.to_bits() ^ f64::MAX.to_bits());
        builder.context(params + 1);
        builder.bytes(params + 2, tip, false);
    });
    for _ in 0..5 {
        let (first, second) = (wire.queue(&wait), wire.queue(&in_context(mining, GET_TIP, thread)));
        wire.flush()?;
        let answered = [wire.answer()?.question, wire.answer()?.question];
        expect_equal("the order of answers", &answered, &[first, second])?;
    }
    Ok(())
}

/// Clients are gone at any moment: before they have said a word, in the middle of a call, with objects that they hold.
/// Nothing is left of them.
fn come_and_go(node: &mut Node, client: &Ipc, socket: &Path, foreign: bool) -> Result<()> {
    let count = |node: &Node| anyhow::Ok((threads(node.id())?, descriptors(node.id())?.len()));
    // One visit first: what is made once stays.
    visit(client, socket, 2)?;
    let mut before = count(node)?;
    until("the first visitor's end", DEADLINE, || {
        let now = count(node)?;
        let quiet = now == before;
        before = now;
        Ok(quiet.then_some(()))
    })?;
    for how in 0..VISITS {
        visit(client, socket, how)?;
    }
    if !foreign {
        until("the end of all that was made for visitors", DEADLINE, || {
            let now = count(node)?;
            Ok((now.0 <= before.0 && now.1 <= before.1).then_some(()))
        })?;
    }
    expect_equal("the height", &node.height()?, &21)
}

fn visit(client: &Ipc, socket: &Path, how: usize) -> Result<()> {
    if how.is_multiple_of(4) {
        // Not a word.
        drop(std::os::unix::net::UnixStream::connect(socket)?);
        return Ok(());
    }
    let peer = connect(client, socket)?;
    let mining = peer.init().make_mining()?.context("no mining")?;
    let tip = mining.get_tip()?.context("no tip")?;
    let waiter = thread::spawn(move || mining.wait_tip_changed(tip.hash, Wait::Forever));
    match how % 4 {
        1 => peer.disconnect(),
        2 => {
            peer.init().make_echo()?.context("no echo")?.echo("on my way")?;
            peer.disconnect();
        }
        _ => {
            let mining = peer.init().make_mining()?.context("no mining")?;
            let made = mining.create_new_block(&BlockCreateOptions::default(), false)?;
            peer.disconnect();
            drop(made);
        }
    }
    ensure!(waiter.join().map_err(|_| anyhow!("a client panicked"))?.is_err(), "who answered?");
    Ok(())
}

/// Options that cannot be obeyed are refused with a sentence before anything is touched.
pub(super) fn addresses(stage: &Stage) -> Result<()> {
    stage.needs_ours("sockets that explain themselves")?;
    stage.needs_option("-ipcbind")?;
    stage.refuses("a", &["-ipcbind=tcp:127.0.0.1:9000"], "IPC over TCP needs authenticated encryption")?;
    stage.refuses("a", &["-ipcbind=nonsense"], "Unrecognized address 'nonsense'")?;
    let long = format!("-ipcbind=unix:/{}", "x".repeat(120));
    stage.refuses("a", &[&long], "exceeded maximum socket path length")?;

    // A socket that is answered is not taken over; one that is left of a dead daemon is.
    let socket = stage.data("s")?.join("n.sock");
    let bind = format!("-ipcbind=unix:{}", socket.display());
    let first = stage.start("a", &[&bind])?;
    stage.refuses("b", &[&bind], "Another process is already listening there")?;
    first.kill()?;
    ensure!(socket.exists(), "a dead daemon cannot have removed its socket");
    let second = stage.start("b", &[&bind])?;
    let client = Ipc::new(Options::new("functional"));
    let echo = connect(&client, &socket)?.init().make_echo()?.context("no echo")?;
    expect_equal("the echo", &echo.echo("here")?.as_str(), &"here")?;
    drop((echo, client));
    second.stop()?;
    ensure!(!socket.exists(), "the socket is left behind");
    // Without a path it is where `-ipcconnect=unix` looks.
    let node = stage.start("c", &["-ipcbind=unix"])?;
    ensure!(node.net().join("node.sock").exists(), "there is no node.sock");
    node.stop()
}

/// What a scenario needs of the daemon's options.
impl Stage {
    /// Leaves the scenario unless the daemon has this option.
    fn needs_option(&self, name: &str) -> Result<()> {
        let help = self.run(&["-help"])?.stdout;
        let has = help.lines().any(|line| line.trim_start().starts_with(name));
        ensure!(has, Skip(format!("the daemon has no {name}")));
        Ok(())
    }
}
