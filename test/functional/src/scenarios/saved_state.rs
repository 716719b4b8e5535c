//! A chain with a wallet is made once. Each that is restored from it goes its own way, and the saved one stays as it was.

use anyhow::{Result, ensure};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let options = ["-keypool=10", "-fallbackfee=0.001"];
    let mut first = stage.start("first", &options)?;
    first.create_wallet(&["w".into()])?;
    let address = first.call("getnewaddress", &[])?.as_str()?.to_owned();
    first.mine(5, &address)?;
    let tip = first.tip()?;
    let saved = stage.save(first, "five blocks")?;

    stage.restore(&saved, "a")?;
    stage.restore(&saved, "b")?;
    // Both run at once: what they have is the same, and nothing of it is shared.
    let (mut a, mut b) = (stage.start("a", &options)?, stage.start("b", &options)?);
    for node in [&mut a, &mut b] {
        expect_equal("the tip", &node.tip()?, &tip)?;
        node.call("loadwallet", &["w".into()])?;
        let known = node.call("getaddressinfo", &[address.as_str().into()])?;
        ensure!(known.get("ismine").is_true(), "the wallet does not know its address");
        expect_equal("transactions", &node.call("getwalletinfo", &[])?.get("txcount").as_int::<u64>()?, &5)?;
    }
    a.mine(3, &address)?;
    b.mine(1, stage.address()?)?;
    ensure!(a.tip()? != b.tip()?, "both have one tip");
    a.stop()?;
    b.stop()?;

    // What became of the copies is forgotten.
    stage.restore(&saved, "a")?;
    let mut a = stage.start("a", &options)?;
    expect_equal("the tip of a chain that is restored again", &a.tip()?, &tip)?;
    expect_equal("the height", &a.height()?, &5)?;
    ensure!(a.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), "the chain does not hold together");
    a.stop()
}
