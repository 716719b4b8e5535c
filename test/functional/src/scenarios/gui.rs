//! The GUI, drawn on nothing: it starts a node or attaches to one, shows it, finds it again, and leaves nothing behind.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use ipc::Peer;
use nix::sys::signal::Signal;

use crate::processes::{children, runs, signal};
use crate::programs::Shape;
use crate::socket::{self, ask};
use crate::stage::{Helper, Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("GUI")?;
    ensure!(stage.shape == Shape::Multi, Skip("there is no GUI in a process of its own".to_owned()));
    with_a_child(stage)?;
    attached(stage)?;
    frozen(stage)?;
    refused(stage)
}

/// It starts a node, and another one when that dies, and both end with it.
fn with_a_child(stage: &Stage) -> Result<()> {
    let log = Log::of(stage, "a")?;
    let mut gui = stage.gui("a", &["-ipcbind=unix", "-keypool=10"])?;
    log.wait_for(0, "shows height 0,", &mut gui)?;
    let (node, wallet) = processes(&gui)?;
    let peer = to_node(stage, "a")?;
    ask(&peer, "/", "createwallet", r#"["w",false,false,"",false,true,true]"#)?;
    log.wait_for(0, "wallet \"w\", balance 0.00000000", &mut gui)?;
    let address = ask(&peer, "/wallet/w", "getnewaddress", "[]")?.as_str()?.to_owned();
    ask(&peer, "/", "generatetoaddress", &format!("[1,\"{address}\"]"))?;
    let immature = ask(&peer, "/wallet/w", "getbalances", "[]")?.get("mine").get("immature").write();
    log.wait_for(0, &format!("immature {immature}"), &mut gui)?;
    log.wait_for(0, "shows height 1,", &mut gui)?;

    let from = log.end();
    signal(node, Signal::SIGKILL)?;
    log.wait_for(from, "It is being started again.", &mut gui)?;
    log.wait_for(from, "wallet \"w\", balance", &mut gui)?;
    until("the end of the dead node's wallet", DEADLINE, || Ok((!runs(wallet)).then_some(())))?;
    let (next, wallet) = processes(&gui)?;
    ensure!(next != node && !runs(node), "the node that was killed still runs");
    let peer = to_node(stage, "a")?;
    ask(&peer, "/", "generatetoaddress", &format!("[1,\"{}\"]", stage.address()?))?;
    let height = ask(&peer, "/", "getblockcount", "[]")?.write();
    log.wait_for(from, &format!("shows height {height},"), &mut gui)?;

    gui.signal(Signal::SIGTERM)?;
    let status = gui.wait_for_end()?;
    ensure!(status.success(), "the GUI was asked to end and ended with {status}");
    ensure!(!runs(next) && !runs(wallet), "a process outlives the GUI");
    ensure!(!stage.data("a")?.join(stage.regtest()?.datadir_subdir).join("node.sock").exists(), "the socket is left");
    // Nothing is locked any more.
    stage.start("a", &[])?.stop()
}

/// It attaches to a node, waits when that is gone, and finds the next one, which outlives it.
fn attached(stage: &Stage) -> Result<()> {
    let log = Log::of(stage, "b")?;
    let node = stage.start("b", &["-ipcbind=unix"])?;
    let mut gui = stage.gui("b", &["-ipcconnect=unix"])?;
    log.wait_for(0, "shows height 0,", &mut gui)?;
    expect_equal("children of a GUI that attached", &children(gui.id())?, &Vec::new())?;
    let from = log.end();
    node.kill()?;
    log.wait_for(from, "shows \"The node is gone; waiting for its return.\"", &mut gui)?;
    let mut node = stage.start("b", &["-ipcbind=unix"])?;
    node.mine(1, stage.address()?)?;
    let height = node.height()?;
    log.wait_for(from, &format!("shows height {height},"), &mut gui)?;
    gui.signal(Signal::SIGTERM)?;
    let status = gui.wait_for_end()?;
    ensure!(status.success(), "the GUI was asked to end and ended with {status}");
    expect_equal("the height", &node.height()?, &height)?;

    // `auto` takes the node that is there.
    let from = log.end();
    let mut gui = stage.gui("b", &["-ipcconnect=auto"])?;
    log.wait_for(from, &format!("shows height {height},"), &mut gui)?;
    expect_equal("children of a GUI that attached", &children(gui.id())?, &Vec::new())?;
    gui.signal(Signal::SIGINT)?;
    ensure!(gui.wait_for_end()?.success(), "the GUI did not end well");

    // One for another chain is told so, in one sentence.
    let socket = format!("-ipcconnect=unix:{}/node.sock", stage.regtest()?.datadir_subdir);
    let data = format!("-datadir={}", stage.data("b")?.display());
    let ended = stage.run_gui(&[&data, "-platform=offscreen", &socket])?;
    expect_equal("the exit code", &ended.status.code(), &Some(1))?;
    ensure!(ended.stderr.contains("is for chain"), "a GUI of another chain was told: {}", ended.stderr);
    expect_equal("lines about another chain", &ended.stderr.lines().count(), &1)?;
    node.stop()
}

/// One that does not answer holds up neither a wallet nor the end of the node.
fn frozen(stage: &Stage) -> Result<()> {
    let log = Log::of(stage, "d")?;
    let mut node = stage.start("d", &["-ipcbind=unix", "-keypool=10"])?;
    node.create_wallet(&["w".into()])?;
    let mut gui = stage.gui("d", &["-ipcconnect=unix"])?;
    log.wait_for(0, "wallet \"w\", balance", &mut gui)?;
    gui.signal(Signal::SIGSTOP)?;
    for label in ["a", "b"] {
        node.call_at("/wallet/w", "getnewaddress", &[label.into()])?;
    }
    node.mine(1, stage.address()?)?;
    let info = node.call_at("/wallet/w", "getwalletinfo", &[])?;
    let height: u64 = info.get("lastprocessedblock").get("height").as_int()?;
    expect_equal("the last block that the wallet has", &height, &1)?;
    node.stop()?;
    let end = fs::read_to_string(&log.0)?;
    ensure!(!end.contains("does not end"), "a process was waited for in vain: {end}");
    gui.signal(Signal::SIGKILL)
}

/// What it cannot do is said in one sentence, and nothing is started.
fn refused(stage: &Stage) -> Result<()> {
    let data = format!("-datadir={}", stage.data("c")?.display());
    let cases: [(&[&str], &str); 4] = [
        (&["-platform=offscreen"], "Could not connect to the node at -ipcconnect=unix: Connection refused"),
        (&["-platform=offscreen", "-ipcbind=unix"], "-ipcbind is for a node that the GUI starts"),
        (&["-platform=paper"], "Unknown -platform 'paper'"),
        // The environment of the GUI has no display here.
        (&[], "the GUI needs a display"),
    ];
    for (options, part) in cases {
        let ended = stage.run_gui(&[&["-regtest", &data, "-ipcconnect=unix"], options].concat())?;
        expect_equal("the exit code", &ended.status.code(), &Some(1))?;
        ensure!(ended.stderr.contains(part), "{options:?}: expected `{part}` on standard error: {}", ended.stderr);
        expect_equal("lines on standard error", &ended.stderr.lines().count(), &1)?;
    }
    Ok(())
}

/// The node that a GUI has started, and that one's wallet.
fn processes(gui: &Helper) -> Result<(u32, u32)> {
    let node = children(gui.id())?.pop().context("the GUI has no node")?;
    let wallet = until("the node's wallet process", DEADLINE, || Ok(children(node)?.pop()))?;
    Ok((node, wallet))
}

/// Where a GUI says what it shows.
struct Log(PathBuf);

impl Log {
    fn of(stage: &Stage, name: &str) -> Result<Self> {
        Ok(Self(stage.data(name)?.join(stage.regtest()?.datadir_subdir).join("debug.log")))
    }

    fn end(&self) -> usize {
        fs::read(&self.0).map_or(0, |log| log.len())
    }

    /// Waits until the log behind `from` holds `text`, while the GUI runs.
    fn wait_for(&self, from: usize, text: &str, gui: &mut Helper) -> Result<()> {
        until(&format!("`{text}` in the log"), DEADLINE, || {
            let runs = gui.runs()?;
            let log = fs::read(&self.0).unwrap_or_default();
            let found = String::from_utf8_lossy(log.get(from..).unwrap_or_default()).contains(text);
            ensure!(found || runs, "the GUI ended before `{text}` was in the log");
            Ok(found.then_some(()))
        })
    }
}

fn to_node(stage: &Stage, name: &str) -> Result<Peer> {
    let net = stage.data(name)?.join(stage.regtest()?.datadir_subdir);
    socket::connect(stage, &net.join("node.sock"))
}
