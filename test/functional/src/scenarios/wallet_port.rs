//! A wallet process with a port of its own: requests reach it without passing through the node, whose process never has
//! a passphrase or a key in its memory, and whose log has none either.

use std::fs;
use std::net::TcpListener;

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use rpc::client::{Client, Credentials};
use rpc::{Code, Json};

use crate::processes;
use crate::programs::Shape;
use crate::socket;
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

const NODE: [&str; 4] = ["-disablewallet", "-ipcbind=unix", "-debug=ipc", "-debug=rpc"];
const PASSPHRASE: &str = "seven lime kites over Aarhus";
/// What the wallet remembers, and may.
const REMARK: &str = "rent for the boathouse";

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("port of a wallet")?;
    ensure!(stage.shape == Shape::Multi, Skip("there is no wallet process".to_owned()));
    let mut node = stage.start("a", &NODE)?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let listen = format!("-rpcport={port}");
    let options = [
        "-ipcconnect=unix",
        "-ipcbind=unix",
        "-server",
        &listen,
        "-keypool=10",
        "-fallbackfee=0.001",
        "-debug=ipc",
        "-debug=rpc",
    ];
    let mut wallet = stage.wallet("a", &options)?;
    let cookie = node.net().join(".wallet-cookie");
    let mut client = until("the wallet's port", DEADLINE, || {
        let Ok(cookie) = rpc::cookie::read_cookie(&cookie) else { return Ok(None) };
        let mut client = Client::new("127.0.0.1", port, Credentials::Cookie(cookie), Some(DEADLINE));
        Ok(call(&mut client, "listwallets", &[]).is_ok().then_some(client))
    })?;

    // Everything that a wallet does, secrets included.
    call(&mut client, "createwallet", &["w".into(), false.into(), false.into(), PASSPHRASE.into()])?;
    let address = call(&mut client, "getnewaddress", &[])?.as_str()?.to_owned();
    node.mine(101, &address)?;
    call(&mut client, "walletpassphrase", &[PASSPHRASE.into(), 600.into()])?;
    if node.mines_the_past() {
        // Blocks that are older than the wallet are not its business unless it is told so.
        call(&mut client, "rescanblockchain", &[])?;
    }
    let paid = call(&mut client, "sendtoaddress", &[stage.address()?.into(), 1.into(), REMARK.into()])?;
    let pool = node.call("getrawmempool", &[])?;
    ensure!(pool.as_arr()?.contains(&paid), "the node does not have {}: {}", paid.write(), pool.write());
    let legacy = call(&mut client, "getnewaddress", &["".into(), "legacy".into()])?;
    call(&mut client, "signmessage", &[legacy, "hello".into()])?;
    let descriptors = call(&mut client, "listdescriptors", &[true.into()])?;
    let text = descriptors.get("descriptors").at(0).get("desc").as_str()?.to_owned();
    let key = extended_key(&text)?;
    let raw = bitcoin::base58::decode_check(&key)?.get(46..78).context("an extended key is 78 bytes")?.to_vec();

    let secrets: [(&str, &[u8]); 3] =
        [("passphrase", PASSPHRASE.as_bytes()), ("key as text", key.as_bytes()), ("key", &raw)];
    let known = processes::remembers(wallet.id(), REMARK.as_bytes())?;
    ensure!(known, "the search does not find a remark where it must be");
    for (name, secret) in secrets {
        ensure!(!processes::remembers(node.id(), secret)?, "the node's memory has the {name}");
    }
    let log = fs::read(node.net().join("debug.log"))?;
    ensure!(log.windows(6).any(|bytes| bytes == b"[ipc] "), "nothing of the wallet's calls is in the log");
    for (name, secret) in secrets {
        ensure!(!log.windows(secret.len()).any(|bytes| bytes == secret), "the log has the {name}");
    }

    // It is no way to the node's own methods, and no way in for others.
    let refused = client.call("/", "getblockcount", Json::Arr(vec![]))?;
    ensure!(refused.is_err_and(|error| error.code == Code::METHOD_NOT_FOUND), "the wallet's port answers for the node");
    ensure!(
        call(&mut client, "help", &[])?.as_str()?.contains("sendtoaddress"),
        "help does not name the wallet's methods"
    );
    let stranger = Credentials::Password { user: "u".to_owned(), password: "p".to_owned() };
    let mut stranger = Client::new("127.0.0.1", port, stranger, Some(DEADLINE));
    ensure!(call(&mut stranger, "listwallets", &[]).is_err(), "a stranger was let in");

    // The socket leads to the same wallets, for a client that says so.
    let net = node.net().to_owned();
    let peer = socket::connect(stage, &net.join("wallet.sock"))?;
    expect_equal(
        "wallets at the socket",
        &socket::ask(&peer, "/", "listwallets", "[]")?.write().as_str(),
        &r#"["w"]"#,
    )?;
    ensure!(peer.init().make_node()?.is_none(), "the wallet's socket leads to the node");

    // The node goes, and another comes.
    node.kill()?;
    until("the answer that there is no node", DEADLINE, || {
        Ok(call(&mut client, "listwallets", &[]).is_err().then_some(()))
    })?;
    let gone = socket::try_ask(&peer, "/", "listwallets", "[]")?.err().context("an answer without a node")?;
    expect_equal("the answer without a node", &gone.to_string().as_str(), &"The node is gone; waiting for its return")?;
    let mut node = stage.start("a", &NODE)?;
    until("the wallet's return", DEADLINE, || Ok(call(&mut client, "listwallets", &[]).is_ok().then_some(())))?;
    call(&mut client, "loadwallet", &["w".into()])?;
    node.mine(1, stage.address()?)?;
    let known = call(&mut client, "gettransaction", &[paid])?;
    ensure!(known.get("confirmations").as_int::<i64>()? >= 0, "the payment is lost: {}", known.write());

    call(&mut client, "stop", &[])?;
    ensure!(wallet.wait_for_end()?.success(), "the wallet did not end well");
    ensure!(!cookie.exists(), "the cookie is left");
    ensure!(!net.join("wallet.sock").exists(), "the socket is left");
    expect_equal("the node's height", &(node.height()? > 0), &true)?;
    node.signal(Signal::SIGTERM)?;
    ensure!(node.wait_for_end()?.success(), "the node did not end well");
    Ok(())
}

/// Calls a method at a port of its own.
pub(super) fn call(client: &mut Client, method: &str, params: &[Json]) -> Result<Json> {
    let answer = client.call("/", method, Json::Arr(params.to_vec()))?;
    answer.map_err(|error| anyhow!("{method} answered {error:?}"))
}

/// The extended private key in a descriptor.
pub(super) fn extended_key(descriptor: &str) -> Result<String> {
    let from = descriptor.find("prv").and_then(|at| at.checked_sub(1)).context("no extended private key")?;
    let text = descriptor.get(from..).unwrap_or_default();
    Ok(text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned())
}
