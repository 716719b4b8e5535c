//! Where every block needs a proof of merged mining: the node mines with a parent that is nobody's block, peers read the
//! proofs, and all of it is known after a restart, a reorganisation and a reindex.

use anyhow::{Result, ensure};
use coin::HeaderFormat;
use rpc::{Code, Json};

use super::mixed_sync::{agree, meet};
use crate::node::Node;
use crate::stage::{Skip, Stage, Whose, expect_equal};

/// In force from the first block on. On regtest it never is unless somebody says so.
const ALWAYS: &str = "-vbparams=auxpow:-1:9223372036854775807";
/// A header without a proof, in hexadecimal.
const BARE: usize = 160;

pub(super) fn play(stage: &Stage) -> Result<()> {
    let format = stage.coin.consensus.header_format;
    ensure!(format == HeaderFormat::AuxpowFreicoin, Skip("no block of this coin needs such a proof".to_owned()));
    let mut node = stage.start_listening(Whose::Tested, "a", &[ALWAYS])?;
    let address = stage.address()?;
    node.refuses("getauxdifficulty", &[], Code::MISC, "")?;
    let first = node.mine(5, address)?;
    let tip = first.last().cloned().unwrap_or_default();
    let easiest = node.call("getauxdifficulty", &[])?;
    for (method, params) in [("getblockheader", vec![Json::from(&tip)]), ("getblockchaininfo", vec![])] {
        expect_equal(method, node.call(method, &params)?.get("auxdifficulty"), &easiest)?;
    }
    for hash in &first {
        let header = node.call("getblockheader", &[hash.into(), Json::Bool(false)])?;
        ensure!(header.as_str()?.len() > BARE, "the header of {hash} has no proof behind it");
    }
    // Two hashes for the header and one for the proof; genesis has none.
    let work = node.call("getblockchaininfo", &[])?;
    expect_equal("the work", &work.get("chainwork").as_str()?, &format!("{:064x}", 2 + 5 * 3).as_str())?;

    let asked = |rules: &[&str]| {
        let rules: Json = rules.iter().map(|rule| Json::from(*rule)).collect();
        [Json::from(rpc::Object::new().with("rules", rules))]
    };
    let lacking = "Support for 'auxpow' rule requires explicit client support";
    node.refuses("getblocktemplate", &asked(&["segwit", "finaltx"]), Code::INVALID_PARAMETER, lacking)?;
    let template = node.call("getblocktemplate", &asked(&["segwit", "finaltx", "auxpow"]))?;
    ensure!(template.get("rules").as_arr()?.iter().any(|rule| rule.as_str() == Ok("!auxpow")), "no rule is named");

    // Somebody for whom the rule is not in force does not take such blocks.
    let mut other = stage.start("other", &[])?;
    let block = node.call("getblock", &[(&first[0]).into(), 0.into()])?;
    let refused = other.call("submitblock", &[block])?;
    expect_equal("the refusal", &refused.as_str()?, &"merge-mined-pre")?;
    let bare = other.mine(1, address)?;
    let block = other.call("getblock", &[(&bare[0]).into(), 0.into()])?;
    other.stop()?;
    let refused = node.call("submitblock", &[block])?;
    expect_equal("the refusal", &refused.as_str()?, &"native-mined-post")?;

    let mut peer = stage.start_listening(Whose::Tested, "b", &[ALWAYS])?;
    meet(&mut peer, &node, true)?;
    agree(&mut node, &mut peer)?;
    peer.stop()?;

    reorganise(&mut node, stage, &first)?;
    // What the filter made of the last blocks comes from the disk.
    node.stop()?;
    let mut node = stage.start("a", &[ALWAYS])?;
    node.mine(3, address)?;
    let (tip, work) = (node.tip()?, node.call("getblockchaininfo", &[])?.get("chainwork").write());
    node.stop()?;
    let mut node = stage.start("a", &[ALWAYS, "-reindex"])?;
    crate::wait::until(
        "the blocks to be read again",
        crate::wait::DEADLINE,
        || Ok((node.tip()? == tip).then_some(())),
    )?;
    expect_equal("the work", &node.call("getblockchaininfo", &[])?.get("chainwork").write(), &work)?;
    node.stop()
}

/// A longer branch without the last blocks, and back.
fn reorganise(node: &mut Node, stage: &Stage, first: &[String]) -> Result<()> {
    node.call("invalidateblock", &[(&first[3]).into()])?;
    node.mine(3, stage.regtest()?.addr_zero_p2sh)?;
    let longer = node.tip()?;
    node.call("reconsiderblock", &[(&first[3]).into()])?;
    expect_equal("the tip", &node.tip()?, &longer)?;
    node.call("invalidateblock", &[(&longer).into()])?;
    expect_equal("the height", &node.height()?, &5)?;
    node.call("reconsiderblock", &[(&longer).into()])?;
    expect_equal("the tip", &node.tip()?, &longer)
}
