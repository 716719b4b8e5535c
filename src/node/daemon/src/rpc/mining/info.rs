//! What mining looks like from here: difficulty, hash rate, the next block.

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::Tip;
use consensus::{U256, difficulty, target_of};
use primitives::hex;

use crate::{NodeContext, mining::header_after, render, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![mining_info(), hashes_per_second()]
}

fn mining_info() -> Method<NodeContext> {
    let next = [
        Res::num("height", "The next height"),
        Res::hex("bits", "The next target nBits"),
        Res::num("difficulty", "The next difficulty"),
        Res::hex("target", "The next target"),
    ];
    let fields = vec![
        Res::num("blocks", "The current block"),
        Res::num("currentblockweight", "The block weight (including reserved weight for block header, txs count and coinbase tx) of the last assembled block (only present if a block was ever assembled)").optional(),
        Res::num("currentblocktx", "The number of block transactions (excluding coinbase) of the last assembled block (only present if a block was ever assembled)").optional(),
        Res::hex("bits", "The current nBits, compact representation of the block difficulty target"),
        Res::num("difficulty", "The current difficulty"),
        Res::hex("target", "The current target"),
        Res::num("networkhashps", "The network hashes per second"),
        Res::num("pooledtx", "The size of the mempool"),
        Res::amount("blockmintxfee", "Minimum feerate of packages selected for block inclusion in {ticker}/kvB").since(30),
        Res::str("chain", "current network name (main, test, testnet4, signet, regtest)"),
        Res::hex(
            "signet_challenge",
            "The block challenge (aka. block script), in hexadecimal (only present if the current network is a signet)",
        )
        .optional(),
        Res::obj("next", "The next block", next),
        Res::arr(
            "warnings",
            "any network and blockchain warnings (run with `-deprecatedrpc=warnings` to return the latest warning as a single string)",
            [Res::str("", "warning")],
        ),
    ];
    method("mining", "getmininginfo", "Returns a json object containing mining-related information.\n")
        .result(Res::obj("", "", fields))
        .example_cli("")
        .example_rpc("")
        .run(answer_mining_info)
}

/// The target of a block that is made now.
fn next_bits(node: &NodeContext, tip: &Tip) -> u32 {
    let settings = node.miner().settings();
    let (reader, now) = (node.reader(), node.now());
    let header = reader.tree(|tree| header_after(tree, tip.id, &*node.rules, settings, now, reader.versionbits()));
    header.bits.to_consensus()
}

fn answer_mining_info(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let reader = node.reader();
    let tip = reader.tip().ok_or_else(parse::no_tip)?;
    let params = node.rules.params();
    let bits = reader.node(tip.id).header.bits.to_consensus();
    let target = |bits| render::hex256(target_of(bits, params.pow().limit).unwrap_or(U256::ZERO));
    let next_bits = next_bits(node, &tip);
    let next = Object::new()
        .with("height", tip.height + 1)
        .with("bits", format!("{next_bits:08x}"))
        .with("difficulty", difficulty(next_bits))
        .with("target", target(next_bits));
    let mut info = Object::new().with("blocks", tip.height);
    if let Some((weight, count)) = node.miner().last() {
        info.push("currentblockweight", weight);
        info.push("currentblocktx", count);
    }
    let mut info = info
        .with("bits", format!("{bits:08x}"))
        .with("difficulty", difficulty(bits))
        .with("target", target(bits))
        .with("networkhashps", network_hashes(node, 120, -1)?)
        .with("pooledtx", node.mempool().read().len())
        .with("blockmintxfee", Json::amount(node.miner().settings().min_fee().fee_per_kvb()))
        .with("chain", node.config.chain().kind.name())
        .with("next", next);
    if let Some(challenge) = params.signet_challenge() {
        info.push("signet_challenge", hex::encode(challenge));
    }
    Ok(info.with("warnings", node.warnings_json()).into())
}

fn hashes_per_second() -> Method<NodeContext> {
    method(
        "mining",
        "getnetworkhashps",
        "Returns the estimated network hashes per second based on the last n blocks.\n\
         Pass in [blocks] to override # of blocks, -1 specifies since last difficulty change.\n\
         Pass in [height] to estimate the network speed at the time when a certain block was found.\n",
    )
    .arg(
        Arg::num(
            "nblocks",
            "The number of previous blocks to calculate estimate from, or -1 for blocks since last difficulty change.",
        )
        .default(120),
    )
    .arg(Arg::num("height", "To estimate at the time of the given height.").default(-1))
    .result(Res::num("", "Hashes per second estimated"))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, request| {
        Ok(network_hashes(node, request.int("nblocks")?, request.int("height")?)?.into())
    })
}

/// The work of `lookup` blocks up to `height` (-1: the tip) over the time that they took.
fn network_hashes(node: &NodeContext, lookup: i64, height: i64) -> Result<f64, RpcError> {
    if lookup < -1 || lookup == 0 {
        return Err(RpcError::invalid_parameter("Invalid nblocks. Must be a positive number or -1."));
    }
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
    if height < -1 || height > i64::from(tip.height) {
        return Err(RpcError::invalid_parameter("Block does not exist at specified height"));
    }
    let at = u32::try_from(height).unwrap_or(tip.height);
    let interval = node.rules.params().pow().interval.get();
    let lookup = u32::try_from(lookup).unwrap_or(at % interval + 1).min(at);
    if at == 0 {
        return Ok(0.0);
    }
    Ok(node.reader().tree(|tree| {
        let ids = (at - lookup..=at).filter_map(|h| tree.ancestor(tip.id, h));
        let times: Vec<u32> = ids.clone().map(|id| tree[id].header.time).collect();
        let (Some(min), Some(max)) = (times.iter().min(), times.iter().max()) else { return 0.0 };
        let mut ids = ids;
        let (Some(first), Some(last)) = (ids.next(), ids.next_back()) else { return 0.0 };
        if min == max {
            return 0.0;
        }
        let work = tree[last].chain_work.wrapping_sub(tree[first].chain_work);
        work.to_f64() / f64::from(max - min)
    }))
}
