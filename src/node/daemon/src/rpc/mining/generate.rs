//! Making blocks at will, on chains where that is easy.

use std::sync::Arc;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::{ScriptBuf, Txid};
use descriptors::{NoPrivateKeys, Notation, parse as parse_descriptor};
use primitives::{Addresses, Block, Destination, Tx, WitnessMode, hex};

use super::failed;
use crate::{
    NodeContext,
    mining::{MineError, Order, solve},
};

/// Hashes that are tried unless the caller says otherwise.
pub(super) const DEFAULT_TRIES: u64 = 1_000_000;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![to_address(), to_descriptor(), block()]
}

fn to_address() -> Method<NodeContext> {
    method("hidden", "generatetoaddress", "Mine to a specified address and return the block hashes.\n")
        .arg(Arg::num("nblocks", "How many blocks are generated."))
        .arg(Arg::str("address", "The address to send the newly generated {coin} to."))
        .arg(Arg::num("maxtries", "How many iterations to try.").default(DEFAULT_TRIES))
        .result(Res::arr("", "hashes of blocks generated", [Res::hex("", "blockhash")]))
        .example_text("\nGenerate 11 blocks to myaddress\n")
        .example_cli("11 \"myaddress\"")
        .run(|node: &NodeContext, request| {
            let count: i64 = request.int("nblocks")?;
            let tries: u64 = request.int("maxtries")?;
            let script = script_of_address(node, request.str("address")?);
            let invalid = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Error: Invalid address");
            mine(node, request, count, script.ok_or_else(invalid)?, tries)
        })
}

fn to_descriptor() -> Method<NodeContext> {
    method("hidden", "generatetodescriptor", "Mine to a specified descriptor and return the block hashes.\n")
        .arg(Arg::num("num_blocks", "How many blocks are generated."))
        .arg(Arg::str("descriptor", "The descriptor to send the newly generated {coin} to."))
        .arg(Arg::num("maxtries", "How many iterations to try.").default(DEFAULT_TRIES))
        .result(Res::arr("", "hashes of blocks generated", [Res::hex("", "blockhash")]))
        .example_text("\nGenerate 11 blocks to mydesc\n")
        .example_cli("11 \"mydesc\"")
        .run(|node: &NodeContext, request| {
            let count: i64 = request.int("num_blocks")?;
            let tries: u64 = request.int("maxtries")?;
            let script = script_of_descriptor(node, request.str("descriptor")?)?;
            let script = script.map_err(|text| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text))?;
            mine(node, request, count, script, tries)
        })
}

pub(super) fn script_of_address(node: &NodeContext, text: &str) -> Option<ScriptBuf> {
    let addresses = Addresses::new(node.config.coin(), node.config.chain());
    let destination = addresses.decode(text).ok().filter(|d| !matches!(d, Destination::None(_)))?;
    Some(addresses.script(&destination))
}

/// The script that a descriptor stands for. The inner error says that the text is no descriptor, the outer one that it
/// is one that does not stand for one script.
fn script_of_descriptor(node: &NodeContext, text: &str) -> Result<Result<ScriptBuf, String>, RpcError> {
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let parsed = match parse_descriptor(text, false, &notation, &mut NoPrivateKeys) {
        Ok(parsed) => parsed,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let [descriptor] = parsed.descriptors.as_slice() else {
        return Err(RpcError::invalid_parameter("Multipath descriptor not accepted"));
    };
    if descriptor.is_range() {
        let text = "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?";
        return Err(RpcError::invalid_parameter(text));
    }
    let scripts = descriptor.expand(0, &NoPrivateKeys).map(|expansion| expansion.scripts).unwrap_or_default();
    // combo() has several scripts; the usual one is the witness script, or the hash of a key that cannot have one.
    let script = match scripts.as_slice() {
        [] => {
            return Err(RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Cannot derive script without private keys"));
        }
        [script] => script,
        [_, second] => second,
        [_, _, witness, ..] => witness,
    };
    Ok(Ok(script.clone()))
}

/// Mines `count` blocks that pay `script`.
pub(super) fn mine(
    node: &NodeContext,
    request: &Request,
    count: i64,
    script: ScriptBuf,
    mut tries: u64,
) -> Result<Json, RpcError> {
    let order = Order { script, ..Order::default() };
    let go_on = || node.rpc_state.is_running() && !request.caller.cancel.is_cancelled();
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    let hashes = node.miner().generate(&order, count, &mut tries, go_on).map_err(|e| failed(&e))?;
    Ok(Json::Arr(hashes.iter().map(|hash| hash.to_string().into()).collect()))
}

pub(super) fn hand_in(node: &NodeContext, block: Block) -> Result<(), RpcError> {
    let done = node.miner().submit(block).map_err(|e| failed(&e))?;
    if done.taken { Ok(()) } else { Err(failed(&MineError::Refused)) }
}

fn block() -> Method<NodeContext> {
    let txs = "An array of hex strings which are either txids or raw transactions.\n\
               Txids must reference transactions currently in the mempool.\n\
               All transactions must be valid and in valid order, otherwise the block will be rejected.";
    method(
        "hidden",
        "generateblock",
        "Mine a set of ordered transactions to a specified address or descriptor and return the block hash.\n\
         Transaction fees are not collected in the block reward.\n",
    )
    .arg(Arg::str("output", "The address or descriptor to send the newly generated {coin} to."))
    .arg(Arg::arr("transactions", txs, [Arg::hex("rawtx/txid", "").optional()]))
    .arg(
        Arg::bool("submit", "Whether to submit the block before the RPC call returns or to return it as hex.")
            .default(true),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::hex("hash", "hash of generated block"),
            Res::hex("hex", "hex of generated block, only present when submit=false").optional(),
        ],
    ))
    .example_text("\nGenerate a block to myaddress, with txs rawtx and mempool_txid\n")
    .example_cli("\"myaddress\" '[\"rawtx\", \"mempool_txid\"]'")
    .run(answer_block)
}

fn answer_block(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let output = request.str("output")?;
    let script = match script_of_descriptor(node, output)? {
        Ok(script) => script,
        Err(_) => script_of_address(node, output)
            .ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Error: Invalid address or descriptor"))?,
    };
    let named = request.arg("transactions").as_arr()?;
    let txs = named.iter().map(|text| find_tx(node, text.as_str()?)).collect::<Result<Vec<_>, _>>()?;
    let submit = request.bool("submit")?;
    let block = node.miner().assemble(&Order { script, ..Order::default() }, txs).map_err(|e| failed(&e))?;
    let mut block = block
        .map_err(|unfit| RpcError::new(Code::VERIFY_ERROR, format!("TestBlockValidity failed: {}", unfit.full())))?;
    let mut tries = DEFAULT_TRIES;
    let hash = solve(&mut block, &*node.rules, &mut tries, || node.rpc_state.is_running());
    let hash = hash.ok_or_else(|| RpcError::misc("Failed to make block."))?;
    let mut answer = Object::new().with("hash", hash.to_string());
    if submit {
        hand_in(node, block)?;
    } else {
        answer.push("hex", hex::encode(&block.to_bytes(WitnessMode::Include)));
    }
    Ok(answer.into())
}

/// The transaction that is named by its id, or given as it is.
fn find_tx(node: &NodeContext, text: &str) -> Result<Arc<Tx>, RpcError> {
    if let Ok(txid) = text.parse::<Txid>() {
        let unknown = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("Transaction {text} not in mempool."));
        return node.mempool().read().tx(&txid).ok_or_else(unknown);
    }
    let tx = hex::decode(text).and_then(|bytes| node.reader().codec().guess_tx(&bytes, true, true));
    tx.map(Arc::new).ok_or_else(|| {
        let text = format!("Transaction decode failed for {text}. Make sure the tx has at least one input.");
        RpcError::new(Code::DESERIALIZATION_ERROR, text)
    })
}
