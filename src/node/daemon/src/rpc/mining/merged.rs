//! Blocks for miners of other chains, who mine ours along with theirs.

use std::sync::Arc;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method, values::hash_from_value};
use bitcoin::{BlockHash, ScriptBuf, hashes::Hash};
use consensus::target_of;
use primitives::{Addresses, Destination, Header, hex};

use super::failed;
use crate::NodeContext;

pub(in crate::rpc) fn methods() -> Vec<Method<NodeContext>> {
    vec![create(), submit(), of_wallet()]
}

fn create() -> Method<NodeContext> {
    let previous = "Optional. BTC prev-block hash commitment for BTCC sign-offset blocks. When omitted on \
                    non-mine-blocks-on-demand chains, sourced from local BTC header backend.";
    method("mining", "createauxblock", "Creates a new block and returns information required to merge-mine it.\n")
        .arg(Arg::str("address", "Payout address for the coinbase transaction"))
        .arg(Arg::hex("btcprevhash", previous).optional())
        .result(Res::obj("", "", offer_fields()))
        .example_cli("\"address\"")
        .example_rpc("\"address\"")
        .run(answer_create)
}

fn offer_fields() -> Vec<Res> {
    vec![
        Res::hex("hash", "hash of the created block"),
        Res::num("chainid", "chain ID for this block"),
        Res::hex("previousblockhash", "hash of the previous block"),
        Res::num("coinbasevalue", "value of the block's coinbase"),
        Res::hex(
            "coinbasescript",
            "The full scriptPubKey of the parent coinbase output for Syscoin AuxPoW tag commitment",
        ),
        Res::str("bits", "compressed target of the block"),
        Res::num("height", "height of the block"),
        Res::str("_target", "target in reversed byte order, deprecated"),
        Res::hex("_btcprevhash", "BTCPREV committed into the template when required for BTCC sign-offset blocks")
            .optional(),
    ]
}

fn answer_create(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let addresses = Addresses::new(node.config.coin(), node.config.chain());
    let destination = addresses.decode(request.str("address")?).ok().filter(|d| !matches!(d, Destination::None(_)));
    let invalid = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Error: Invalid coinbase payout address");
    let previous = request.opt("btcprevhash").map(|value| hash_from_value(value, "btcprevhash")).transpose()?;
    let script = addresses.script(&destination.ok_or_else(invalid)?);
    offer(node, script, previous.map(BlockHash::from_byte_array))
}

/// A block that pays `script`, and what its miner needs to know. Where blocks name the one that their parent builds on,
/// that is `previous`.
fn offer(node: &NodeContext, script: ScriptBuf, previous: Option<BlockHash>) -> Result<Json, RpcError> {
    check_ready(node)?;
    let merged = node.miner().merged_block(script, previous).map_err(|e| failed(&e))?;
    let merged = merged.ok_or_else(|| RpcError::misc("mining auxblock method is not yet available"))?;
    let (block, header) = (&merged.block, &merged.block.header);
    let value = block.txs.first().and_then(|tx| tx.outputs().first()).map_or(0, consensus::value_of);
    let target = target_of(header.bits(), node.rules.params().pow().limit);
    let target = target.ok_or_else(|| RpcError::misc("invalid difficulty bits in block"))?;
    let mut answer = Object::new()
        .with("hash", block.hash().to_string())
        .with("chainid", merged.needs.chain_id)
        .with("previousblockhash", header.prev().to_string())
        .with("coinbasevalue", value)
        .with("coinbasescript", hex::encode(&merged.needs.parent_output))
        .with("bits", format!("{:08x}", header.bits()))
        .with("height", merged.height)
        .with("_target", hex::encode(&target.to_le_bytes()));
    if let Some(named) = merged.named {
        answer.push("_btcprevhash", named.to_string());
    }
    Ok(answer.into())
}

fn submit() -> Method<NodeContext> {
    method(
        "mining",
        "submitauxblock",
        "Submits a solved auxpow for a block that was previously created by 'createauxblock'.\n",
    )
    .arg(Arg::hex("hash", "Hash of the block to submit"))
    .arg(Arg::hex("auxpow", "Serialised auxpow found"))
    .result(Res::bool("", "whether the submitted block was correct"))
    .example_cli("\"hash\" \"serialised auxpow\"")
    .example_rpc("\"hash\", \"serialised auxpow\"")
    .run(answer_submit)
}

fn answer_submit(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    Ok(take(node, request.str("hash")?, request.str("auxpow")?)?.into())
}

/// Puts a proof behind a block that waits for it, and hands the block in.
fn take(node: &NodeContext, hash: &str, proof: &str) -> Result<bool, RpcError> {
    check_ready(node)?;
    let unknown = || RpcError::invalid_parameter("block hash unknown");
    let hash = hash.parse().map_err(|_| unknown())?;
    let mut block = node.miner().merged().find(&hash).cloned().ok_or_else(unknown)?;
    let bytes = hex::decode(proof).unwrap_or_default();
    let codec = node.reader().codec();
    let proof = codec.read_auxpow(&bytes).ok_or_else(unknown)?;
    let proof = proof.map_err(|e| RpcError::misc(format!("{e}: iostream error")))?;
    block.header = Header::with_aux(*block.header.raw(), Some(Arc::new(proof)));
    let done = node.miner().submit(block).map_err(|e| failed(&e))?;
    Ok(done.taken)
}

fn of_wallet() -> Method<NodeContext> {
    method(
        "syscoinwallet",
        "getauxblock",
        "Creates or submits a merge-mined block.\n\
         \nWithout arguments, creates a new block and returns information\n\
         required to merge-mine it.  With arguments, submits a solved\n\
         auxpow for a previously returned block.\n",
    )
    .arg(Arg::hex("hash", "Hash of the block to submit").optional())
    .arg(Arg::hex("auxpow", "Serialised auxpow found").optional())
    .result(Res::obj("", "", offer_fields()).when("without arguments"))
    .result(Res::bool("", "whether the submitted block was correct").when("with arguments"))
    .example_cli("")
    .example_cli("\"hash\" \"serialised auxpow\"")
    .example_rpc("")
    .run(answer_wallet)
}

fn answer_wallet(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let wallets = node.wallets()?;
    let wallet = request.caller.uri.as_str();
    match (request.opt_str("hash")?, request.opt_str("auxpow")?) {
        (Some(hash), Some(proof)) => {
            let taken = take(node, hash, proof)?;
            if taken {
                node.miner().merged().set_payee(wallet, None);
            }
            Ok(taken.into())
        }
        (None, None) => {
            let known = node.miner().merged().payee(wallet);
            let script = if let Some(script) = known {
                script
            } else {
                let asked = Request::new("getnewaddress", Vec::new(), request.caller.clone());
                let address = wallets.pass_on(&asked, node)?;
                let addresses = Addresses::new(node.config.coin(), node.config.chain());
                let destination = addresses.decode(address.as_str()?);
                let strange = |_| RpcError::misc("The wallet's address is none.");
                addresses.script(&destination.map_err(strange)?)
            };
            node.miner().merged().set_payee(wallet, Some(script.clone()));
            offer(node, script, None)
        }
        _ => Err(RpcError::invalid_parameter("getauxblock expects 0 or 2 arguments")),
    }
}

/// Blocks are worth something only where somebody would hear of them.
fn check_ready(node: &NodeContext) -> Result<(), RpcError> {
    let on_demand = node.rules.params().chain().kind == coin::ChainKind::Regtest;
    if on_demand { Ok(()) } else { super::template::check_in_touch(node) }
}
