//! Secrets that pass through the node, because a client asks the wallet at the node's own port: the node hands them on and
//! keeps nothing. A wallet with a port of its own, which no secret passes the node on its way to, is another scenario.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use rpc::Json;
use rpc::client::Credentials;

use super::wallet_port::extended_key;
use crate::processes::{children, remembers};
use crate::programs::Shape;
use crate::stage::{Skip, Stage};
use crate::wait::{DEADLINE, until};

const PASSPHRASE: &str = "nine pewter geese near Uppsala";
const NEXT: &str = "ten copper hares beyond Umea";
/// What the wallet remembers, and may.
const REMARK: &str = "hay for the boathouse goats";

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("secrets that pass through")?;
    ensure!(stage.shape == Shape::Multi, Skip("the wallet is in the node's process".to_owned()));
    let mut node = stage.start("a", &["-keypool=10", "-fallbackfee=0.001", "-debug=ipc", "-debug=rpc"])?;
    let key = {
        // What this client has sent is gone from the node's buffers at the latest when it hangs up.
        let mut client = node.client_with(Credentials::Cookie(rpc::cookie::read_cookie(&node.cookie())?));
        let mut call = |method: &str, params: &[Json]| -> Result<Json> {
            let answer = client.call("/", method, Json::Arr(params.to_vec()))?;
            answer.map_err(|error| anyhow::anyhow!("{method} answered {error:?}"))
        };
        call("createwallet", &["w".into(), false.into(), false.into(), PASSPHRASE.into()])?;
        let address = call("getnewaddress", &[])?.as_str()?.to_owned();
        node.mine(101, &address)?;
        call("walletpassphrase", &[PASSPHRASE.into(), 600.into()])?;
        if node.mines_the_past() {
            // Blocks that are older than the wallet are not its business unless it is told so.
            call("rescanblockchain", &[])?;
        }
        call("sendtoaddress", &[stage.address()?.into(), 1.into(), REMARK.into()])?;
        call("walletpassphrasechange", &[PASSPHRASE.into(), NEXT.into()])?;
        let descriptors = call("listdescriptors", &[true.into()])?;
        let key = extended_key(descriptors.get("descriptors").at(0).get("desc").as_str()?)?;
        call("walletlock", &[])?;
        key
    };
    let raw = bitcoin::base58::decode_check(&key)?.get(46..78).context("an extended key is 78 bytes")?.to_vec();
    let secrets: [(&str, &[u8]); 4] = [
        ("passphrase", PASSPHRASE.as_bytes()),
        ("next passphrase", NEXT.as_bytes()),
        ("key as text", key.as_bytes()),
        ("key", &raw),
    ];
    let wallet = children(node.id())?.pop().context("the node has no wallet process")?;
    ensure!(remembers(wallet, REMARK.as_bytes())?, "the search does not find a remark where it must be");
    for (name, secret) in secrets {
        until(&format!("the node to forget the {name}"), DEADLINE, || {
            Ok((!remembers(node.id(), secret)?).then_some(()))
        })?;
    }
    let log = fs::read(node.net().join("debug.log"))?;
    ensure!(log.windows(6).any(|bytes| bytes == b"[ipc] "), "nothing of the wallet's calls is in the log");
    for (name, secret) in secrets {
        ensure!(!log.windows(secret.len()).any(|bytes| bytes == secret), "the log has the {name}");
    }
    node.stop()
}
