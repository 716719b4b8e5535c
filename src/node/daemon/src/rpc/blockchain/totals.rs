//! All unspent outputs together: how many, how much, and their hash, now or, with the index, after any block.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::{HashKind, Node};
use indexes::{CoinStatsIndex, Totals};
use primitives::hex;

use crate::{NodeContext, rpc::parse};

use super::{coins::hold_still, index, rates::by_hash_or_height};

/// What `getindexinfo` calls the index.
const STATS: &str = "coinstatsindex";

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![tx_out_set_info()]
}

fn tx_out_set_info() -> Method<NodeContext> {
    let unspendables = [
        Res::amount("genesis_block", "The unspendable amount of the Genesis block subsidy"),
        Res::amount("bip30", "Transactions overridden by duplicates (no longer possible with BIP30)"),
        Res::amount("scripts", "Amounts sent to scripts that are unspendable (for example OP_RETURN outputs)"),
        Res::amount("unclaimed_rewards", "Fee rewards that miners did not claim in their coinbase transaction"),
    ];
    let block_info = [
        Res::amount("prevout_spent", "Total amount of all prevouts spent in this block"),
        Res::amount("coinbase", "Coinbase subsidy amount of this block"),
        Res::amount("new_outputs_ex_coinbase", "Total amount of new outputs created by this block"),
        Res::amount("unspendable", "Total amount of unspendable outputs created in this block"),
        Res::obj("unspendables", "Detailed view of the unspendable categories", unspendables),
    ];
    let fields = [
        Res::num("height", "The block height (index) of the returned statistics"),
        Res::hex("bestblock", "The hash of the block at which these statistics are calculated"),
        Res::num("txouts", "The number of unspent transaction outputs"),
        Res::num("bogosize", "Database-independent, meaningless metric indicating the UTXO set size"),
        Res::hex("hash_serialized_3", "The serialized hash (only present if 'hash_serialized_3' hash_type is chosen)")
            .optional(),
        Res::hex("muhash", "The serialized hash (only present if 'muhash' hash_type is chosen)").optional(),
        Res::num(
            "transactions",
            "The number of transactions with unspent outputs (not available when coinstatsindex is used)",
        )
        .optional(),
        Res::num(
            "disk_size",
            "The estimated size of the chainstate on disk (not available when coinstatsindex is used)",
        )
        .optional(),
        Res::amount("total_amount", "The total amount of coins in the UTXO set"),
        Res::amount("total_unspendable_amount", "The total amount of coins permanently excluded from the UTXO set (only available if coinstatsindex is used)").optional(),
        Res::obj("block_info", "Info on amounts in the block at this block height (only available if coinstatsindex is used)", block_info).optional(),
    ];
    let hash = "00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09";
    method(
        "blockchain",
        "gettxoutsetinfo",
        "Returns statistics about the unspent transaction output set.\n\
         Note this call may take some time if you are not using coinstatsindex.\n",
    )
    .arg(
        Arg::str(
            "hash_type",
            "Which UTXO set hash should be calculated. Options: 'hash_serialized_3' (the legacy algorithm), 'muhash', 'none'.",
        )
        .default("hash_serialized_3"),
    )
    .arg(
        Arg::num("hash_or_height", "The block hash or height of the target height (only available with coinstatsindex).")
            .hint("the current best block")
            .skip_type_check()
            .type_words("", "string or numeric"),
    )
    .arg(Arg::bool("use_index", "Use coinstatsindex, if available.").default(true))
    .result(Res::obj("", "", fields))
    .example_cli("")
    .example_cli("\"none\"")
    .example_cli("\"none\" 1000")
    .example_cli(format!("\"none\" '\"{hash}\"'"))
    .example_text("> bitcoin-cli -named gettxoutsetinfo hash_type='muhash' use_index='false'\n")
    .example_rpc("")
    .example_rpc("\"none\"")
    .example_rpc("\"none\", 1000")
    .example_rpc(format!("\"none\", \"{hash}\""))
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let kind = match request.str("hash_type")? {
        "hash_serialized_3" => HashKind::Serialized,
        "muhash" => HashKind::MuHash,
        "none" => HashKind::None,
        other => {
            return Err(RpcError::invalid_parameter(format!("'{other}' is not a valid hash_type")));
        }
    };
    let with_index = request.bool("use_index")?;
    let index = node.library().stats.as_ref();
    let target = match request.opt("hash_or_height") {
        None => None,
        Some(_) if index.is_none() => {
            return Err(RpcError::invalid_parameter("Querying specific block heights requires coinstatsindex"));
        }
        Some(_) if kind == HashKind::Serialized => {
            return Err(RpcError::invalid_parameter(
                "hash_serialized_3 hash type cannot be queried for a specific block",
            ));
        }
        Some(_) if !with_index => {
            return Err(RpcError::invalid_parameter(
                "Cannot set use_index to false when querying for a specific block",
            ));
        }
        Some(value) => Some(by_hash_or_height(node, value)?.1),
    };
    match index {
        // The index keeps the hash that can be kept up to date, and no other.
        Some(index) if with_index && kind != HashKind::Serialized => indexed(node, index, kind, target),
        _ => counted(node, request, kind),
    }
}

/// What the index says about a block, or the tip.
fn indexed(node: &NodeContext, index: &CoinStatsIndex, kind: HashKind, target: Option<Node>) -> Result<Json, RpcError> {
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
    let block = target.unwrap_or_else(|| node.reader().node(tip.id));
    if !node.library().wait_for(STATS, node) {
        let status = node.library().status().find(|status| status.name == STATS);
        let at = status.and_then(|status| status.best).map_or(0, |(_, height)| height);
        if block.height > at {
            return Err(RpcError::new(
                Code::INTERNAL_ERROR,
                format!("Unable to get data because coinstatsindex is still syncing. Current height: {at}"),
            ));
        }
    }
    let unreadable = || RpcError::new(Code::INTERNAL_ERROR, "Unable to read UTXO set");
    let totals = index.find(block.height, &block.hash).map_err(|e| index::broken(&e))?.ok_or_else(unreadable)?;
    let before = match block.height.checked_sub(1) {
        None => Totals::default(),
        Some(height) => {
            let found = index.find(height, &block.header.prev_blockhash).map_err(|e| index::broken(&e))?;
            found.ok_or_else(unreadable)?
        }
    };
    let mut info = Object::new()
        .with("height", block.height)
        .with("bestblock", block.hash.to_string())
        .with("txouts", totals.outputs)
        .with("bogosize", totals.bogo_size);
    if kind == HashKind::MuHash {
        let mut digest = totals.muhash;
        digest.reverse();
        info.push("muhash", hex::encode(&digest));
    }
    let since = |now: i128, then: i128| i64::try_from(now - then).map(Json::amount).map_err(|_| unreadable());
    let lost = Object::new()
        .with("genesis_block", Json::amount(totals.lost_genesis - before.lost_genesis))
        .with("bip30", Json::amount(totals.lost_bip30 - before.lost_bip30))
        .with("scripts", Json::amount(totals.lost_scripts - before.lost_scripts))
        .with("unclaimed_rewards", Json::amount(totals.lost_unclaimed - before.lost_unclaimed));
    let block_info = Object::new()
        .with("prevout_spent", since(totals.spent, before.spent)?)
        .with("coinbase", since(totals.coinbase, before.coinbase)?)
        .with("new_outputs_ex_coinbase", since(totals.created, before.created)?)
        .with("unspendable", Json::amount(totals.lost() - before.lost()))
        .with("unspendables", lost);
    Ok(info
        .with("total_amount", Json::amount(totals.amount))
        .with("total_unspendable_amount", Json::amount(totals.lost()))
        .with("block_info", block_info)
        .into())
}

/// What a walk over all coins of now says.
fn counted(node: &NodeContext, request: &Request, kind: HashKind) -> Result<Json, RpcError> {
    let (at, fixed) = hold_still(node)?;
    let go_on = || node.rpc_state.is_running() && !request.caller.cancel.is_cancelled();
    let stats = node
        .reader()
        .coin_stats(at, kind, || drop(fixed), go_on)
        .map_err(|e| RpcError::new(Code::INTERNAL_ERROR, format!("Unable to read UTXO set: {e}")))?
        .ok_or_else(|| RpcError::new(Code::INTERNAL_ERROR, "Unable to read UTXO set"))?;
    let mut info = Object::new()
        .with("height", stats.height)
        .with("bestblock", stats.block.to_string())
        .with("txouts", stats.outputs)
        .with("bogosize", stats.bogo_size);
    if let Some(mut digest) = stats.digest {
        digest.reverse();
        info.push(if kind == HashKind::MuHash { "muhash" } else { "hash_serialized_3" }, hex::encode(&digest));
    }
    let total = stats.total.and_then(|t| i64::try_from(t).ok());
    let total = total.ok_or_else(|| RpcError::new(Code::INTERNAL_ERROR, "total amount out of range"))?;
    Ok(info
        .with("total_amount", Json::amount(total))
        .with("transactions", stats.transactions)
        .with("disk_size", stats.disk_size)
        .into())
}
