//! The wallet tool and the daemon have the same files: each reads what the other has written, and not while the other has
//! it.

use anyhow::{Context as _, Result, ensure};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &["-keypool=10"])?;
    node.create_wallet(&["w".into()])?;
    let address = node.call("getnewaddress", &["mine".into()])?.as_str()?.to_owned();
    let busy = stage.wallet_tool("a", &["-wallet=w", "info"])?;
    expect_equal("the code while the daemon has the wallet", &busy.status.code(), &Some(1))?;
    ensure!(busy.stderr.contains("is it being used by another instance"), "{}", busy.stderr);
    node.stop()?;

    let info = stage.wallet_tool("a", &["-wallet=w", "info"])?;
    ensure!(info.status.success(), "the tool ended with {}: {}", info.status, info.stderr);
    for line in ["Name: w", "Format: sqlite", "Descriptors: yes", "Encrypted: no", "Address Book: 1"] {
        ensure!(info.stdout.lines().any(|told| told == line), "no `{line}` in {}", info.stdout);
    }
    let dump = stage.data("a")?.join("w.dump");
    let dump = format!("-dumpfile={}", dump.display());
    let dumped = stage.wallet_tool("a", &["-wallet=w", &dump, "dump"])?;
    ensure!(dumped.status.success(), "no dump: {}", dumped.stderr);
    let copied = stage.wallet_tool("a", &["-wallet=copy", &dump, "createfromdump"])?;
    ensure!(copied.status.success(), "no wallet of a dump: {}", copied.stderr);
    let made = stage.wallet_tool("a", &["-wallet=new", "create"])?;
    ensure!(made.status.success(), "no new wallet: {}", made.stderr);
    let missing = stage.wallet_tool("a", &["-wallet=none", "info"])?;
    expect_equal("the code without a wallet", &missing.status.code(), &Some(1))?;

    let mut node = stage.start("a", &["-keypool=10"])?;
    for name in ["copy", "new"] {
        node.call("loadwallet", &[name.into()])?;
    }
    let known = node.call_at("/wallet/copy", "getaddressinfo", &[address.as_str().into()])?;
    ensure!(known.get("ismine").is_true(), "the copy does not have the wallet's keys");
    expect_equal("the label", &known.get("labels").at(0).as_str()?, &"mine")?;
    let fresh = node.call_at("/wallet/new", "getnewaddress", &[])?;
    let fresh = fresh.as_str().context("the tool's wallet gives addresses")?;
    ensure!(fresh != address, "two wallets have one key");
    node.stop()
}
