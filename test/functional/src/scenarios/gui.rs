//! The GUI, drawn on nothing: it starts a node or attaches to one, shows it, finds it again, and leaves nothing behind.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ipc::Peer;
use nix::sys::signal::Signal;
use rpc::Json;
use rpc::client::{Client, Credentials};

use super::wallet_port::call;
use crate::processes::{children, runs, signal};
use crate::programs::Shape;
use crate::socket::{self, ask};
use crate::stage::{Helper, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("GUI")?;
    if stage.shape == Shape::Mono {
        return alone(stage);
    }
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

/// GUI, node and wallet in one process: no other is started, and it ends whoever asks.
fn alone(stage: &Stage) -> Result<()> {
    let log = Log::of(stage, "a")?;
    let data = format!("-datadir={}", stage.data("a")?.display());
    let net = stage.data("a")?.join(stage.regtest()?.datadir_subdir);
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let listen = format!("-rpcport={port}");
    let options = ["-server", &listen, "-keypool=10"];
    let mut gui = stage.gui("a", &options)?;
    log.wait_for(0, "shows height 0,", &mut gui)?;
    let mut caller = client(&net, port)?;
    let (no, at_start) = (Json::Bool(false), Json::Bool(true));
    call(
        &mut caller,
        "createwallet",
        &["w".into(), no.clone(), no.clone(), "".into(), no, at_start.clone(), at_start],
    )?;
    log.wait_for(0, "wallet \"w\", balance 0.00000000", &mut gui)?;
    let address = call(&mut caller, "getnewaddress", &[])?;
    call(&mut caller, "generatetoaddress", &[1.into(), address])?;
    let immature = call(&mut caller, "getbalances", &[])?.get("mine").get("immature").write();
    log.wait_for(0, &format!("immature {immature}"), &mut gui)?;
    expect_equal("children of a program that is all in one", &children(gui.id())?, &Vec::new())?;

    // Two cannot have one directory: the second says so.
    let second = stage.run_gui(&["-regtest", &data, "-platform=offscreen"])?;
    expect_equal("the exit code", &second.status.code(), &Some(1))?;
    ensure!(second.stderr.contains("Cannot obtain a lock on directory"), "the second one said: {}", second.stderr);
    expect_equal("lines of the second one", &second.stderr.lines().count(), &1)?;

    gui.signal(Signal::SIGTERM)?;
    let status = gui.wait_for_end()?;
    ensure!(status.success(), "the GUI was asked to end and ended with {status}");
    ensure!(!net.join(".cookie").exists(), "the cookie is left");

    // All is written; the wallet is opened again, and the RPC `stop` ends the window too.
    let from = log.end();
    let mut gui = stage.gui("a", &options)?;
    log.wait_for(from, &format!("immature {immature}"), &mut gui)?;
    call(&mut client(&net, port)?, "stop", &[])?;
    let status = gui.wait_for_end()?;
    ensure!(status.success(), "the GUI was stopped and ended with {status}");

    // A port for RPC is there for who asks for it. Without a display nothing is started.
    let from = log.end();
    let mut gui = stage.gui("a", &[])?;
    log.wait_for(from, &format!("immature {immature}"), &mut gui)?;
    ensure!(!net.join(".cookie").exists(), "a port for RPC is open that nobody asked for");
    gui.signal(Signal::SIGINT)?;
    ensure!(gui.wait_for_end()?.success(), "the GUI did not end well");
    let ended = stage.run_gui(&["-regtest", &data])?;
    expect_equal("the exit code", &ended.status.code(), &Some(1))?;
    ensure!(ended.stderr.contains("the GUI needs a display"), "without a display: {}", ended.stderr);
    stage.start("a", &[])?.stop()
}

/// A client of the GUI's own node.
fn client(net: &Path, port: u16) -> Result<Client> {
    let cookie = rpc::cookie::read_cookie(&net.join(".cookie"))?;
    Ok(Client::new("127.0.0.1", port, Credentials::Cookie(cookie), Some(DEADLINE)))
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
