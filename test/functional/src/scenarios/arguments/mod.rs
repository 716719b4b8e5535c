//! Every method is called with arguments that follow from its own description, right and wrong ones, again and again: each
//! call is answered with JSON and within a second, nothing panics, and the daemon goes on.

mod values;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rpc::client::{Connection, Credentials};
use rpc::{Json, arr};

use crate::dice::Dice;
use crate::node::Node;
use crate::stage::{Skip, Stage};
use values::{Known, Values};

/// Calls of each method.
const CALLS: u32 = 60;
/// No answer takes longer, on a machine that is not busy: of several attempts the fastest counts.
const SLOW: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 4;
/// Not called: it ends the daemon.
const ENDS: &str = "stop";
const WALLET: &str = "w";

pub(super) fn play(stage: &Stage) -> Result<()> {
    ensure!(stage.coin.id == "bitcoin", Skip("one coin is enough for what no coin changes".to_owned()));
    let options = ["-keypool=5", "-fallbackfee=0.0001", "-txindex", "-blockfilterindex", "-dns=0"];
    let mut node = stage.start("a", &options)?;
    let document = node.try_call("getopenrpcinfo", arr![true].as_arr()?)?;
    let document = document.map_err(|_| Skip("the daemon does not describe its methods".to_owned()))?;
    let mut caller = Caller::new(&node)?;
    let known = prepare(&mut node, stage)?;
    let mut values = Values::new(Dice::new(stage.seed), known, node.data());
    let methods = document.get("methods").as_arr()?;
    ensure!(methods.len() > 150, "only {} methods are described", methods.len());
    let mut wrong = Vec::new();
    for method in methods {
        let name = method.get("name").as_str()?;
        if name == ENDS {
            continue;
        }
        for _ in 0..CALLS {
            let params = values.params(method.get("params").as_arr()?);
            if let Some(complaint) = caller.complaint(name, &params).with_context(|| call_text(name, &params))? {
                wrong.push(format!("{complaint}: {}", call_text(name, &params)));
                break;
            }
        }
        settle(&mut node).with_context(|| format!("after {name}"))?;
    }
    ensure!(wrong.is_empty(), "{} methods went wrong:\n  {}", wrong.len(), wrong.join("\n  "));
    let told = node.stderr();
    ensure!(!told.contains("panicked"), "{told}");
    node.stop()
}

/// A call as it is shown: long arguments are cut.
fn call_text(method: &str, params: &Json) -> String {
    let text: String = params.write().chars().take(600).collect();
    format!("{method} {text}")
}

/// A wallet, some blocks and a transaction, so that arguments can mean something.
fn prepare(node: &mut Node, stage: &Stage) -> Result<Known> {
    node.create_wallet(&[WALLET.into()])?;
    let address = node.call("getnewaddress", &[])?.as_str()?.to_owned();
    node.mine(101, &address)?;
    let sent = node.call("sendtoaddress", arr![stage.address()?, "0.1"].as_arr()?)?.as_str()?.to_owned();
    let hex = node.call("getrawtransaction", &[sent.as_str().into()])?.as_str()?.to_owned();
    let block = node.mine(1, &address)?.pop().context("a block was mined")?;
    let raw = node.call("getblock", arr![block.as_str(), 0].as_arr()?)?.as_str()?.to_owned();
    let psbt =
        node.call("walletcreatefundedpsbt", arr![arr![], arr![rpc::obj! { address.clone() => "0.2" }]].as_arr()?)?;
    let descriptor = node.call("getaddressinfo", &[address.as_str().into()])?.get("desc").as_str()?.to_owned();
    Ok(Known { address, txid: sent, hex, block, raw, psbt: psbt.get("psbt").as_str()?.to_owned(), descriptor })
}

/// What a method may have changed is put right, and the daemon answers.
fn settle(node: &mut Node) -> Result<()> {
    node.set_mock_time(0)?;
    // It may be there, or open already.
    let _ = node.try_call("loadwallet", &[WALLET.into()])?;
    let _ = node.try_call("setnetworkactive", &[true.into()])?;
    node.height().map(drop)
}

/// Sends requests as they are, and looks at what comes back as bytes.
struct Caller {
    port: u16,
    authorization: String,
    connection: Option<Connection>,
}

impl Caller {
    fn new(node: &Node) -> Result<Caller> {
        let authorization = Credentials::Cookie(rpc::cookie::read_cookie(&node.cookie())?).header();
        Ok(Caller { port: node.port(), authorization, connection: None })
    }

    /// What is wrong with the answer to a call. An error here is that there is none.
    fn complaint(&mut self, method: &str, params: &Json) -> Result<Option<String>> {
        let mut fastest = Duration::MAX;
        for _ in 0..ATTEMPTS {
            let asked = Instant::now();
            let complaint = self.wrong_answer(method, params)?;
            fastest = fastest.min(asked.elapsed());
            if complaint.is_some() || fastest < SLOW {
                return Ok(complaint);
            }
        }
        Ok(Some(format!("{fastest:?} until the answer")))
    }

    fn wrong_answer(&mut self, method: &str, params: &Json) -> Result<Option<String>> {
        let body = rpc::obj! { "id" => 1, "method" => method, "params" => params.clone() }.write();
        let headers = [("Authorization", self.authorization.clone())];
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open("127.0.0.1", self.port, Some(crate::wait::DEADLINE))?,
        };
        let answer = connection.post("/", &headers, body.as_bytes())?;
        if answer.keep_alive {
            self.connection = Some(connection);
        }
        let text = String::from_utf8_lossy(&answer.body);
        let Some(json) = rpc::json::parse(&answer.body) else {
            return Ok(Some(format!("status {} with `{text}`", answer.status)));
        };
        let (result, error) = (json.get("result"), json.get("error"));
        match answer.status {
            200 if error.is_null() => Ok(None),
            400 | 404 | 500 if result.is_null() && error.get("code").as_int::<i32>().is_ok() => {
                let message = error.get("message").as_str()?;
                let is_bug = message.contains("Internal bug detected") || message.contains("panicked");
                Ok(is_bug.then(|| message.to_owned()))
            }
            status => bail!("status {status} with {text}"),
        }
    }
}
