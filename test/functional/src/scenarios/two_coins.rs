//! Two coins on one machine do not meet: each has its own genesis, addresses and directory.

use anyhow::{Result, bail, ensure};
use coin::ChainKind;
use rpc::Code;

use crate::stage::{Skip, Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    // The neighbour needs a daemon of the same kind; a foreign one exists for one coin only.
    stage.needs_ours("other coins")?;
    let Some(other) = ["widecoin", "bitcoin"].into_iter().find(|&id| id != stage.coin.id).and_then(coin::by_id) else {
        bail!(Skip("there is no other coin".to_owned()));
    };
    let mut ours = stage.start("ours", &[])?;
    let mut theirs = stage.beside(other).start("theirs", &[])?;
    let genesis = ours.call("getblockhash", &[0_u64.into()])?;
    ensure!(genesis != theirs.call("getblockhash", &[0_u64.into()])?, "two coins have one genesis block");

    ours.mine(2, stage.address()?)?;
    expect_equal("the neighbour's height", &theirs.height()?, &0)?;
    let address = other.chain(ChainKind::Regtest).map(|chain| chain.bech32_hrp);
    if address != Some(stage.regtest()?.bech32_hrp) {
        let foreign = other.chain(ChainKind::Regtest).map(|chain| chain.addr_zero_wit20).unwrap_or_default();
        let params = [1_u64.into(), foreign.into()];
        ours.refuses("generatetoaddress", &params, Code::INVALID_ADDRESS_OR_KEY, "Invalid address")?;
    }
    ours.stop()?;
    theirs.mine(1, stage.beside(other).address()?)?;
    theirs.stop()
}
