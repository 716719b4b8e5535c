//! Blocks that are mined together with another chain's: offered by RPC, solved elsewhere, handed in, refused with a wrong
//! proof, and known after a reorganisation and a restart. Where blocks name what their parent builds on, they do.

use anyhow::{Context as _, Result, ensure};
use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash as _;
use bitcoin::hex::{DisplayHex as _, FromHex as _};
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Target, Transaction, TxIn, TxMerkleNode, TxOut,
    Witness, transaction,
};
use coin::HeaderFormat;
use rpc::{Code, Json};

use crate::node::Node;
use crate::stage::{Skip, Stage, expect_equal};

/// What stands before the root of the tree of headers in a parent's coinbase.
const MAGIC: [u8; 4] = [0xfa, 0xbe, b'm', b'm'];
/// From the first block on one of ten names the block that its parent builds on.
const NAMING: &str = "-btccstartheight=0";
/// Where each parent builds on.
const PREVIOUS: [u8; 32] = [0x11; 32];

pub(super) fn play(stage: &Stage) -> Result<()> {
    let format = stage.coin.consensus.header_format;
    ensure!(format == HeaderFormat::AuxpowNamecoin, Skip("no block of this coin has such a proof".to_owned()));
    let mut node = stage.start("a", &[])?;
    let address = stage.address()?;
    node.mine(11, address)?;

    let offer = node.call("createauxblock", &[address.into()])?;
    expect_equal("what is offered twice", &node.call("createauxblock", &[address.into()])?, &offer)?;
    expect_equal("the height", &offer.get("height").as_int::<u32>()?, &12)?;
    let mut wrong = proof(&offer, false)?;
    expect_equal("a parent without work", &hand_in(&mut node, &offer, &wrong)?, &Json::Bool(false))?;
    let right = proof(&offer, true)?;
    // The place of the header among those of other chains.
    wrong.clone_from(&right);
    wrong[right.len() - 84] ^= 1;
    expect_equal("a wrong place", &hand_in(&mut node, &offer, &wrong)?, &Json::Bool(false))?;
    let unknown = [previous().to_string().into(), right.to_lower_hex_string().into()];
    node.refuses("submitauxblock", &unknown, Code::INVALID_PARAMETER, "block hash unknown")?;
    expect_equal("a right proof", &hand_in(&mut node, &offer, &right)?, &Json::Bool(true))?;
    let hash = offer.get("hash").as_str()?.to_owned();
    expect_equal("the tip", &node.tip()?, &hash)?;

    let block = node.call("getblock", &[(&hash).into()])?;
    let parent = block.get("auxpow").get("parentblock").as_str()?.to_owned();
    expect_equal("the parent", &parent, &right[right.len() - 80..].to_lower_hex_string())?;
    reorganise(&mut node, &hash, address)?;
    let before = raw(&mut node, &hash)?;
    node.stop()?;
    let mut node = stage.start("a", &["-checkblocks=0", "-checklevel=4"])?;
    expect_equal("the tip", &node.tip()?, &hash)?;
    expect_equal("the block", &raw(&mut node, &hash)?, &before)?;
    pay_the_wallet(&mut node)?;
    node.stop()?;
    name_what_parents_build_on(stage)
}

/// A longer branch of blocks that are mined alone, and back.
fn reorganise(node: &mut Node, hash: &str, address: &str) -> Result<()> {
    node.call("invalidateblock", &[hash.into()])?;
    let alone = node.mine(1, address)?;
    node.call("invalidateblock", &[(&alone[0]).into()])?;
    node.call("reconsiderblock", &[hash.into()])?;
    expect_equal("the tip", &node.tip()?.as_str(), &hash)
}

/// The bytes of a block, which begin with its header and the proof behind it.
fn raw(node: &mut Node, hash: &str) -> Result<Json> {
    let header = node.call("getblockheader", &[hash.into(), Json::Bool(false)])?;
    let block = node.call("getblock", &[hash.into(), 0.into()])?;
    ensure!(header.as_str()?.len() > 160, "the header has no proof behind it");
    ensure!(block.as_str()?.starts_with(header.as_str()?), "the block does not begin with its header");
    Ok(block)
}

/// The wallet's own method pays another address after each block, if this build has a wallet.
fn pay_the_wallet(node: &mut Node) -> Result<()> {
    node.create_wallet(&["w".into()])?;
    let mut paid = Vec::new();
    for _ in 0..2 {
        let offer = node.call("getauxblock", &[])?;
        let hash = offer.get("hash").as_str()?.to_owned();
        let taken = node.call("getauxblock", &[(&hash).into(), proof(&offer, true)?.to_lower_hex_string().into()])?;
        expect_equal("a right proof", &taken, &Json::Bool(true))?;
        let block = node.call("getblock", &[(&hash).into(), 2.into()])?;
        let output = block.get("tx").as_arr()?[0].get("vout").as_arr()?[0].get("scriptPubKey");
        paid.push(output.get("address").as_str()?.to_owned());
    }
    ensure!(paid[0] != paid[1], "the same address was paid twice");
    node.refuses("getauxblock", &["00".into()], Code::INVALID_PARAMETER, "getauxblock expects 0 or 2 arguments")
}

/// Where one block of ten names the block that its parent builds on, and another brings a report.
fn name_what_parents_build_on(stage: &Stage) -> Result<()> {
    stage.needs_ours("a start of these rules")?;
    let address = stage.address()?;
    let mut node = stage.start("b", &[NAMING])?;
    node.mine(11, address)?;
    let missing = "btcprevhash is required at this height";
    node.refuses("createauxblock", &[address.into()], Code::INVALID_PARAMETER, missing)?;
    let short = [address.into(), "1234".into()];
    node.refuses("createauxblock", &short, Code::INVALID_PARAMETER, "btcprevhash must be of length 64")?;
    let other = BlockHash::from_byte_array([0x22; 32]).to_string();
    let offer = node.call("createauxblock", &[address.into(), other.into()])?;
    expect_equal("another parent's", &hand_in(&mut node, &offer, &proof(&offer, true)?)?, &Json::Bool(false))?;
    let named = previous().to_string();
    let offer = node.call("createauxblock", &[address.into(), named.clone().into()])?;
    expect_equal("what is named", &offer.get("_btcprevhash").as_str()?, &named.as_str())?;
    expect_equal("the parent's", &hand_in(&mut node, &offer, &proof(&offer, true)?)?, &Json::Bool(true))?;

    // Up to the block that reports of that one, and over it.
    node.mine(6, address)?;
    let report = node.call("getblockhash", &[17.into()])?;
    let block = node.call("getblock", &[report, 0.into()])?;
    ensure!(block.as_str()?.contains(&b"btcc\xff\xff\xff\xff".to_lower_hex_string()), "the block brings no report");
    let tip = node.tip()?;
    node.stop()?;
    let mut node = stage.start("b", &[NAMING, "-reindex"])?;
    let read = || Ok((node.tip()? == tip).then_some(()));
    crate::wait::until("the blocks to be read again", crate::wait::DEADLINE, read)?;
    node.stop()
}

fn previous() -> BlockHash {
    BlockHash::from_byte_array(PREVIOUS)
}

fn hand_in(node: &mut Node, offer: &Json, proof: &[u8]) -> Result<Json> {
    node.call("submitauxblock", &[offer.get("hash").as_str()?.into(), proof.to_lower_hex_string().into()])
}

/// A parent that is nobody's block, with or without the work that ours needs, as a proof.
fn proof(offer: &Json, solved: bool) -> Result<Vec<u8>> {
    // Hashes are shown in the order that the root has in the coinbase.
    let root = Vec::from_hex(offer.get("hash").as_str()?)?;
    // A tree of one header.
    let script = [&MAGIC[..], &root, &1u32.to_le_bytes(), &0u32.to_le_bytes()].concat();
    let coinbase = Transaction {
        version: transaction::Version::ONE,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes(script),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: Amount::ZERO,
            script_pubkey: ScriptBuf::from_bytes(Vec::from_hex(offer.get("coinbasescript").as_str()?)?),
        }],
    };
    let bits = CompactTarget::from_consensus(u32::from_str_radix(offer.get("bits").as_str()?, 16)?);
    let mut parent = Header {
        version: Version::ONE,
        prev_blockhash: previous(),
        merkle_root: TxMerkleNode::from_byte_array(coinbase.compute_txid().to_byte_array()),
        time: 0,
        bits,
        nonce: 0,
    };
    while Target::from_compact(bits).is_met_by(parent.block_hash()) != solved {
        parent.nonce = parent.nonce.checked_add(1).context("no parent has such a hash")?;
    }
    let mut proof = serialize(&coinbase);
    // A hash that nobody reads, no branch, its place; no branch of the tree, our place in it.
    proof.extend([0; 32]);
    proof.extend([0; 5]);
    proof.extend([0; 5]);
    proof.extend(serialize(&parent));
    Ok(proof)
}
