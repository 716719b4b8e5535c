//! Making blocks, and taking them from those who made them.

use std::sync::Arc;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::ScriptBuf;
use chainstate::{Accepted, Arrival, Refusal};
use consensus::{U256, difficulty, target_of};
use descriptors::{NoPrivateKeys, Notation, parse as parse_descriptor};
use mempool::TemplateOptions;
use primitives::{Addresses, Block, Destination, Tx};

use crate::{NodeContext, miner, render, rpc::parse};

/// Hashes that `generate…` tries unless told otherwise.
const DEFAULT_TRIES: u64 = 1_000_000;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![
        generate_to_address(),
        generate_to_descriptor(),
        generate(),
        submit_block(),
        submit_header(),
        mining_info(),
        hashes_per_second(),
    ]
}

fn generate_to_address() -> Method<NodeContext> {
    method("hidden", "generatetoaddress", "Mine to a specified address and return the block hashes.\n")
        .arg(Arg::num("nblocks", "How many blocks are generated."))
        .arg(Arg::str("address", "The address to send the newly generated coins to."))
        .arg(Arg::num("maxtries", "How many iterations to try.").default(DEFAULT_TRIES))
        .result(Res::arr("", "hashes of blocks generated", [Res::hex("", "blockhash")]))
        .example_text("\nGenerate 11 blocks to myaddress\n")
        .example_cli("11 \"myaddress\"")
        .run(|node: &NodeContext, request| {
            let count: i64 = request.int("nblocks")?;
            let tries: u64 = request.int("maxtries")?;
            let addresses = Addresses::new(node.config.coin(), node.config.chain());
            let destination = addresses.decode(request.str("address")?);
            let destination = destination
                .ok()
                .filter(|d| !matches!(d, Destination::None(_)))
                .ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Error: Invalid address"))?;
            mine(node, request, count, &addresses.script(&destination), tries)
        })
}

fn generate_to_descriptor() -> Method<NodeContext> {
    method("hidden", "generatetodescriptor", "Mine to a specified descriptor and return the block hashes.\n")
        .arg(Arg::num("num_blocks", "How many blocks are generated."))
        .arg(Arg::str("descriptor", "The descriptor to send the newly generated coins to."))
        .arg(Arg::num("maxtries", "How many iterations to try.").default(DEFAULT_TRIES))
        .result(Res::arr("", "hashes of blocks generated", [Res::hex("", "blockhash")]))
        .example_text("\nGenerate 11 blocks to mydesc\n")
        .example_cli("11 \"mydesc\"")
        .run(|node: &NodeContext, request| {
            let count: i64 = request.int("num_blocks")?;
            let tries: u64 = request.int("maxtries")?;
            let bad = |text: String| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text);
            let notation = Notation::new(node.config.coin(), node.config.chain());
            let parsed = parse_descriptor(request.str("descriptor")?, false, &notation, &mut NoPrivateKeys);
            let parsed = parsed.map_err(|e| bad(e.to_string()))?;
            let [descriptor] = parsed.descriptors.as_slice() else {
                return Err(RpcError::invalid_parameter("Multipath descriptor not accepted"));
            };
            if descriptor.is_range() {
                let text = "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?";
                return Err(RpcError::invalid_parameter(text));
            }
            let expansion = descriptor.expand(0, &NoPrivateKeys);
            let expansion = expansion.ok_or_else(|| bad("Cannot derive script without private keys".to_owned()))?;
            // combo() has several scripts; of those the second, which has an address, is the usual one.
            let script = match expansion.scripts.as_slice() {
                [] => return Err(bad("Cannot derive script without private keys".to_owned())),
                [script] => script,
                [_, second] => second,
                [_, _, witness, ..] => witness,
            };
            mine(node, request, count, script, tries)
        })
}

/// Mines `count` blocks that pay `script`.
fn mine(
    node: &NodeContext,
    request: &Request,
    count: i64,
    script: &ScriptBuf,
    mut tries: u64,
) -> Result<Json, RpcError> {
    let mut hashes = Vec::new();
    for _ in 0..count {
        if !node.rpc_state.is_running() || request.caller.cancel.is_cancelled() || tries == 0 {
            break;
        }
        let (rules, script, now) = (Arc::clone(&node.rules), script.clone(), node.now());
        let pool = node.mempool().clone();
        let block = node.validate(move |engine| {
            let chosen = pool.template(&engine.reader(), &TemplateOptions::default());
            let template = chosen.map(|c| c.template).unwrap_or_default();
            let txs: Vec<Arc<Tx>> = template.txs.into_iter().map(|t| t.tx).collect();
            Ok(miner::assemble(engine, &*rules, &script, &txs, template.fees, now))
        })?;
        let mut block = block.map_err(|e| RpcError::misc(e.to_string()))?;
        let running = || node.rpc_state.is_running();
        let Some(hash) = miner::solve(&mut block, &*node.rules, &mut tries, running) else { break };
        match submit(node, block)? {
            Ok(()) => hashes.push(Json::from(hash.to_string())),
            Err(_) => return Err(RpcError::new(Code::INTERNAL_ERROR, "ProcessNewBlock, block not accepted")),
        }
    }
    Ok(Json::Arr(hashes))
}

/// Hands a block to the chain. The inner error is what BIP22 calls the reason.
fn submit(node: &NodeContext, block: Block) -> Result<Result<(), String>, RpcError> {
    let block = Arc::new(block);
    node.validate(move |engine| {
        let taken = engine.accept_block(&block, Arrival::SUBMITTED)?;
        let done = engine.activate()?;
        Ok(match taken {
            Err(Refusal::Header(reason)) => Err(reason.to_string()),
            Err(Refusal::Block(reason)) => Err(reason.to_string()),
            Ok(Accepted { new: false, .. }) => Err("duplicate".to_owned()),
            Ok(Accepted { id, new: true }) => match done.refused.iter().find(|r| r.id == id) {
                Some(refused) => Err(refused.reason.to_string()),
                None if engine.reader().is_active(id) => Ok(()),
                None => Err("inconclusive".to_owned()),
            },
        })
    })
}

fn generate() -> Method<NodeContext> {
    method(
        "hidden",
        "generate",
        "has been replaced by the -generate cli option. Refer to -help for more information.\n",
    )
    .result(Res::none("", ""))
    .run(|node: &NodeContext, _| {
        let page = node.directory.help("generate");
        Err(RpcError::new(Code::METHOD_NOT_FOUND, page))
    })
}

fn submit_block() -> Method<NodeContext> {
    method(
        "mining",
        "submitblock",
        "Attempts to submit new block to network.\nSee https://en.bitcoin.it/wiki/BIP_0022 for full specification.\n",
    )
    .arg(Arg::hex("hexdata", "the hex-encoded block data to submit"))
    .arg(Arg::str("dummy", "dummy value, for compatibility with BIP22. This value is ignored.").hint("ignored"))
    .result(Res::none("", "").when("If the block was accepted"))
    .result(Res::str("", "According to BIP22").when("Otherwise"))
    .example_cli("\"mydata\"")
    .example_rpc("\"mydata\"")
    .run(|node: &NodeContext, request| {
        let bytes = parse::unhex(request.str("hexdata")?);
        let block = bytes.and_then(|b| node.reader().codec().decode_block(&b).ok());
        let block = block.ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "Block decode failed"))?;
        let block = with_witness_reserve(node, block);
        Ok(match submit(node, block)? {
            Ok(()) => Json::Null,
            Err(reason) => reason.into(),
        })
    })
}

/// Miners may leave out the coinbase's witness: it is always the same.
fn with_witness_reserve(node: &NodeContext, mut block: Block) -> Block {
    let height = node.reader().find(&block.header.prev()).map(|(_, parent)| parent.height + 1);
    let active = height.is_some_and(|h| node.rules.params().is_active(consensus::Buried::Segwit, h));
    if let Some(coinbase) = block.txs.first()
        && active
        && consensus::commitment_index(coinbase).is_some()
        && !coinbase.has_witness()
        && coinbase.is_coinbase()
    {
        let mut inner = coinbase.inner().clone();
        inner.input[0].witness = bitcoin::Witness::from_slice(&[consensus::WITNESS_RESERVED_VALUE]);
        block.txs[0] = Arc::new(Tx::new(inner, coinbase.lock_height()));
    }
    block
}

fn submit_header() -> Method<NodeContext> {
    method(
        "mining",
        "submitheader",
        "Decode the given hexdata as a header and submit it as a candidate chain tip if valid.\nThrows when the header is invalid.\n",
    )
    .arg(Arg::hex("hexdata", "the hex-encoded block header data"))
    .result(Res::none("", "None"))
    .example_cli("\"aabbcc\"")
    .example_rpc("\"aabbcc\"")
    .run(|node: &NodeContext, request| {
        let bytes = parse::unhex(request.str("hexdata")?);
        let header = bytes.and_then(|b| node.reader().codec().decode_header(&b).ok());
        let header =
            header.ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "Block header decode failed"))?;
        if node.reader().find(&header.prev()).is_none() {
            let prev = header.prev();
            return Err(RpcError::new(Code::VERIFY_ERROR, format!("Must submit previous header ({prev}) first")));
        }
        let taken = node.validate(move |engine| Ok(engine.accept_header(&header, true)))?;
        taken.map_err(|reason| RpcError::new(Code::VERIFY_ERROR, reason.to_string()))?;
        Ok(Json::Null)
    })
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
        Res::hex("bits", "The current nBits, compact representation of the block difficulty target"),
        Res::num("difficulty", "The current difficulty"),
        Res::hex("target", "The current target"),
        Res::num("networkhashps", "The network hashes per second"),
        Res::num("pooledtx", "The size of the mempool"),
        Res::str("chain", "current network name (main, test, testnet4, signet, regtest)"),
        Res::hex(
            "signet_challenge",
            "The block challenge (aka. block script), in hexadecimal (only present if the current network is a signet)",
        )
        .optional(),
        Res::obj("next", "The next block", next),
        Res::arr("warnings", "any network and blockchain warnings", [Res::str("", "warning")]),
    ];
    method("mining", "getmininginfo", "Returns a json object containing mining-related information.")
        .result(Res::obj("", "", fields))
        .example_cli("")
        .example_rpc("")
        .run(answer_mining_info)
}

fn answer_mining_info(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let reader = node.reader();
    let tip = reader.tip().ok_or_else(parse::no_tip)?;
    let params = node.rules.params();
    let bits = reader.node(tip.id).header.bits.to_consensus();
    let target = |bits| render::hex256(target_of(bits, params.pow().limit).unwrap_or(U256::ZERO));
    let next_bits = reader.tree(|tree| {
        let branch = chainstate::Branch::new(tree, tip.id);
        let time = u32::try_from(node.now()).unwrap_or(u32::MAX);
        consensus::next_work_required(params.pow(), &branch, time)
    });
    let next = Object::new()
        .with("height", tip.height + 1)
        .with("bits", format!("{next_bits:08x}"))
        .with("difficulty", difficulty(next_bits))
        .with("target", target(next_bits));
    let mut info = Object::new()
        .with("blocks", tip.height)
        .with("bits", format!("{bits:08x}"))
        .with("difficulty", difficulty(bits))
        .with("target", target(bits))
        .with("networkhashps", network_hashes(node, 120, -1)?)
        .with("pooledtx", node.mempool().read().len())
        .with("chain", node.config.chain().kind.name());
    if let Some(challenge) = params.signet_challenge() {
        info.push("signet_challenge", render::hex(challenge));
    }
    Ok(info.with("next", next).with("warnings", Json::Arr(Vec::new())).into())
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
