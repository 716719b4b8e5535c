//! A wallet whose keys are elsewhere (`-signer`): its addresses, payments and raised fees are as those of other wallets, and while
//! somebody looks for the device, nobody else waits. The device is a second daemon with a wallet, asked by a script.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use rpc::{Json, arr, obj};

use crate::node::Node;
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

const KEYS: &str = "/wallet/keys";
const COLD: &str = "/wallet/cold";
const OPTIONS: [&str; 2] = ["-keypool=10", "-fallbackfee=0.001"];

pub(super) fn play(stage: &Stage) -> Result<()> {
    let releases = stage.coin.id == "bitcoin" || !stage.is_foreign();
    ensure!(releases, Skip("daemons of that age have no such wallets, or others".to_owned()));
    let mut keeper = stage.start("keeper", &OPTIONS)?;
    keeper.create_wallet(&["keys".into()])?;
    let device = Device::new(stage, &mut keeper)?;
    let signer = format!("-signer=sh {}", device.script.display());
    let mut node = stage.start("a", &[&OPTIONS[..], &[&signer]].concat())?;

    let found = node.call("enumeratesigners", &[])?;
    let expected = obj! { "fingerprint" => device.fingerprint.as_str(), "name" => "keeper" };
    expect_equal("the devices", found.get("signers"), &arr![expected])?;
    let [yes, no] = [Json::from(true), Json::from(false)];
    let arguments = ["cold".into(), yes.clone(), no.clone(), "".into(), no, yes, Json::Null, true.into()];
    node.create_wallet(&arguments)?;
    let address = node.call_at(COLD, "getnewaddress", &[])?;
    let shown = node.call_at(COLD, "walletdisplayaddress", std::slice::from_ref(&address))?;
    expect_equal("what the device shows", shown.get("address"), &address)?;

    node.mine(3, address.as_str()?)?;
    node.mine(stage.coin.consensus.coinbase_maturity, stage.address()?)?;
    let paid = pay(stage, &mut node)?;
    raise_the_fee(&mut node, &paid)?;
    by_hand(stage, &mut node)?;
    if !stage.is_foreign() {
        // The real daemon's wallet answers nobody until the device has.
        while_it_is_looked_for(stage, &mut node, &device)?;
    }

    keeper.stop()?;
    let gone = node.call_at(COLD, "send", &[arr![obj! { stage.address()? => 1 }]]).map_err(|error| error.to_string());
    let told = gone.err().context("a device that is gone has signed")?;
    ensure!(told.contains("Unable to parse JSON") || told.contains("RunCommandParseJSON error"), "{told}");
    node.stop()
}

/// A script that has the keeper answer what devices are asked.
struct Device {
    script: PathBuf,
    fingerprint: String,
    /// While this file is there, the device is not found.
    hidden: PathBuf,
    /// This file is there while somebody looks for the device.
    looking: PathBuf,
}

impl Device {
    fn new(stage: &Stage, keeper: &mut Node) -> Result<Self> {
        let dir = stage.data("device")?;
        let path = |name: &str| dir.join(name);
        let listed = keeper.call_at(KEYS, "listdescriptors", &[])?;
        let mut lists = [arr![], arr![]];
        let mut fingerprint = String::new();
        for row in listed.get("descriptors").as_arr()? {
            let Json::Arr(list) = &mut lists[usize::from(row.get("internal").is_true())] else { continue };
            list.push(row.get("desc").clone());
            let text = row.get("desc").as_str()?;
            let origin = text.split_once('[').and_then(|(_, rest)| rest.get(..8));
            origin.context("a descriptor without origin")?.clone_into(&mut fingerprint);
        }
        let [receive, internal] = lists;
        fs::write(path("descriptors"), obj! { "receive" => receive, "internal" => internal }.write())?;
        let [hidden, looking] = [path("hidden"), path("looking")];
        let device = Device { script: path("script"), fingerprint, hidden, looking };
        fs::write(&device.script, device.text(&stage.client_words(keeper)?, &path("descriptors")))?;
        Ok(device)
    }

    fn text(&self, client: &str, descriptors: &Path) -> String {
        let (fingerprint, descriptors) = (&self.fingerprint, descriptors.display());
        let (hidden, looking) = (self.hidden.display(), self.looking.display());
        format!(
            r#"case " $* " in
*" enumerate "*) echo '[{{"fingerprint": "{fingerprint}", "model": "keeper"}}]' ;;
*" getdescriptors "*) cat '{descriptors}' ;;
*" displayaddress "*)
    for descriptor; do :; done
    echo "{{\"address\": $({client} deriveaddresses "$descriptor" | tr -d '[]\n ')}}" ;;
*)
    read -r _ psbt
    touch '{looking}'
    while [ -e '{hidden}' ]; do sleep 0.02; done
    rm '{looking}'
    {client} -rpcwallet=keys walletprocesspsbt "$psbt" | tr -d '\n' ;;
esac
"#
        )
    }
}

fn pay(stage: &Stage, node: &mut Node) -> Result<Json> {
    let sent = node.call_at(COLD, "send", &[arr![obj! { stage.address()? => 1 }]])?;
    ensure!(sent.get("complete").is_true(), "not signed: {}", sent.write());
    let known = node.call_at(COLD, "gettransaction", &[sent.get("txid").clone()])?;
    ensure!(known.get("amount").write().starts_with("-1.0"), "the wallet paid {}", known.write());
    Ok(sent.get("txid").clone())
}

fn raise_the_fee(node: &mut Node, paid: &Json) -> Result<()> {
    let bumped = node.call_at(COLD, "bumpfee", std::slice::from_ref(paid))?;
    ensure!(bumped.get("fee").as_f64()? > bumped.get("origfee").as_f64()?, "the fee is not higher: {}", bumped.write());
    let pool = node.call("getrawmempool", &[])?;
    expect_equal("the pool", &pool, &arr![bumped.get("txid").clone()])
}

/// A PSBT is signed by the device like any other transaction; what pays nobody's address needs no device to be refused.
fn by_hand(stage: &Stage, node: &mut Node) -> Result<()> {
    let funded = node.call_at(COLD, "walletcreatefundedpsbt", &[arr![], arr![obj! { stage.address()? => "0.5" }]])?;
    let signed = node.call_at(COLD, "walletprocesspsbt", &[funded.get("psbt").clone()])?;
    ensure!(signed.get("complete").is_true(), "not signed: {}", signed.write());
    node.call("sendrawtransaction", &[signed.get("hex").clone()])?;
    let text = "sendtoaddress and sendmany are not supported for wallets with external signers";
    let refused = node.call_at(COLD, "sendtoaddress", &[stage.address()?.into(), 1.into()]);
    let told = refused.err().context("sendtoaddress went through")?.to_string();
    ensure!(told.contains(text), "{told}");
    Ok(())
}

/// The wallet answers others while its device is asked, and signs when it is there.
fn while_it_is_looked_for(stage: &Stage, node: &mut Node, device: &Device) -> Result<()> {
    fs::write(&device.hidden, "")?;
    let cookie = rpc::cookie::read_cookie(&node.cookie())?;
    let mut client = node.client_with(rpc::client::Credentials::Cookie(cookie));
    let pay = Json::Arr(vec![arr![obj! { stage.address()? => "0.25" }]]);
    let asked = thread::spawn(move || client.call(COLD, "send", pay));
    until("the device to be looked for", DEADLINE, || Ok(device.looking.exists().then_some(())))?;
    node.call_at(COLD, "getbalances", &[])?;
    node.call_at(COLD, "getnewaddress", &[])?;
    ensure!(device.looking.exists(), "the device was found before it was there");
    fs::remove_file(&device.hidden)?;
    let answer = asked.join().map_err(|_| anyhow!("the thread that pays has panicked"))?;
    let sent = answer?.map_err(|error| anyhow!("send answered {error:?}"))?;
    ensure!(sent.get("complete").is_true(), "not signed: {}", sent.write());
    Ok(())
}
