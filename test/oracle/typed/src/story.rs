//! The story: two daemons, a chain, a pool and wallets, and every question there is.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::daemon::{Daemon, VARIABLE, until};
use crate::device::{self, Device};
use crate::tape::{Found, NoFields, Tape, field, plain};
use crate::{chain, known, raw, unread, wallet};

/// What the first node is started with.
const OPTIONS: [&str; 7] = [
    "-connect=0",
    "-txindex",
    "-blockfilterindex",
    "-coinstatsindex",
    "-fallbackfee=0.0002",
    "-keypool=10",
    "-zmqpubhashblock=tcp://127.0.0.1:0",
];

/// The second one forgets blocks, and sends its own transactions unseen.
const OPTIONS_OF_OTHER: [&str; 5] =
    ["-prune=1", "-fastprune", "-keypool=10", "-privatebroadcast", "-onion=127.0.0.1:1"];

/// Where the daemon is.
pub fn program() -> Result<PathBuf> {
    let path = env::var_os(VARIABLE).with_context(|| format!("{VARIABLE} must name our bitcoind"))?;
    Ok(path.into())
}

/// Plays the story with a daemon that answers as `release` does; `dir` is empty. Tells what was read, and all that is wrong.
pub fn play(program: &Path, dir: &Path, release: u32) -> Result<Found> {
    let compat = format!("-rpccompat={release}");
    let device = Device::new(dir)?;
    let signer = device.option();
    let options = [&OPTIONS[..], &[compat.as_str(), signer.as_str()]].concat();
    let mut tape = Tape::new(Daemon::start(program, dir.join("first"), &options)?, release);
    let address = tape.daemon().p2p().to_string();
    let options = [&OPTIONS_OF_OTHER[..], &[compat.as_str()]].concat();
    let mut other = Tape::new(Daemon::start(program, dir.join("second"), &options)?, release);
    other.quietly("addnode", &json!([address, "onetry"]))?;

    let coins = wallet::fund(&mut tape)?;
    raw::all(&mut tape, &coins)?;
    chain::all(&mut tape, &coins)?;
    // The first one was cut off from the network.
    other.quietly("addnode", &json!([address, "onetry"]))?;
    raw::packages(&mut tape)?;
    let unsent = wallet::unsent(&mut tape, &coins)?;
    wait_for_same_tip(&tape, &other)?;
    send_orphan(&mut tape, &mut other)?;
    chain::orphans(&mut tape)?;
    let made = other.quietly("generateblock", &json!([coins.address, [], false]))?;
    chain::by_hand(&mut tape, &field::<String>(&made, "/hex")?)?;
    chain::pruned(&mut other, &address, &unsent)?;
    wallet::all(&mut tape, &coins)?;
    device::all(&mut tape, &device)?;

    let there = names(&tape)?;
    let mut found = tape.end()?.and(other.end()?);
    found.wrong.extend(unread::problems(&there, &found.methods));
    found.wrong.extend(known::mended(release, &found.known));
    Ok(found)
}

fn wait_for_same_tip(one: &Tape, other: &Tape) -> Result<()> {
    let tip = |tape: &Tape| tape.quietly("getbestblockhash", &json!([]));
    let wanted = tip(one)?;
    until("the other node to have the chain", || Ok((tip(other)? == wanted).then_some(())))
}

/// The other node sends a transaction whose parent nobody has.
fn send_orphan(tape: &mut Tape, other: &mut Tape) -> Result<()> {
    let [_, child] = raw::pair(tape)?;
    let peers = other.quietly("getpeerinfo", &json!([]))?;
    other.ask(plain::<NoFields>(), "sendmsgtopeer", &json!([field::<u64>(&peers, "/0/id")?, "tx", child]))?;
    until("the orphan", || Ok((tape.quietly("getorphantxs", &json!([]))? != json!([])).then_some(())))
}

/// Every method, hidden ones too.
fn names(tape: &Tape) -> Result<BTreeSet<String>> {
    let document = tape.quietly("getopenrpcinfo", &json!([true]))?;
    let methods = document["methods"].as_array().context("no methods")?;
    methods.iter().map(|method| field(method, "/name")).collect()
}
