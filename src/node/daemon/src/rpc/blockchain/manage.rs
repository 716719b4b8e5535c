//! What an operator may do to the chain: refuse, forgive, prefer, prune, check.

use ::rpc::{Arg, Code, Json, Method, Request, Res, RpcError, method};

use crate::{NodeContext, options::prune_after_height, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![invalidate(), reconsider(), precious(), prune(), verify(), sync_queue()]
}

fn invalidate() -> Method<NodeContext> {
    method("hidden", "invalidateblock", "Permanently marks a block as invalid, as if it violated a consensus rule.\n")
        .arg(Arg::hex("blockhash", "the hash of the block to mark as invalid"))
        .result(Res::none("", ""))
        .example_cli("\"blockhash\"")
        .example_rpc("\"blockhash\"")
        .run(|node: &NodeContext, request| {
            let (id, block) = parse::block(node, request, "blockhash")?;
            if block.height == 0 {
                return Err(RpcError::new(Code::DATABASE_ERROR, ""));
            }
            node.validate(move |engine| {
                engine.invalidate(id)?;
                engine.activate()
            })?;
            Ok(Json::Null)
        })
}

fn reconsider() -> Method<NodeContext> {
    method(
        "hidden",
        "reconsiderblock",
        "Removes invalidity status of a block, its ancestors and its descendants, reconsider them for activation.\n\
         This can be used to undo the effects of invalidateblock.\n",
    )
    .arg(Arg::hex("blockhash", "the hash of the block to reconsider"))
    .result(Res::none("", ""))
    .example_cli("\"blockhash\"")
    .example_rpc("\"blockhash\"")
    .run(|node: &NodeContext, request| {
        let (id, _) = parse::block(node, request, "blockhash")?;
        node.validate(move |engine| {
            engine.reconsider(id);
            engine.activate()
        })?;
        Ok(Json::Null)
    })
}

fn precious() -> Method<NodeContext> {
    method(
        "blockchain",
        "preciousblock",
        "Treats a block as if it were received before others with the same work.\n\
         \nA later preciousblock call can override the effect of an earlier one.\n\
         \nThe effects of preciousblock are not retained across restarts.\n",
    )
    .arg(Arg::hex("blockhash", "the hash of the block to mark as precious"))
    .result(Res::none("", ""))
    .example_cli("\"blockhash\"")
    .example_rpc("\"blockhash\"")
    .run(|node: &NodeContext, request| {
        let (id, _) = parse::block(node, request, "blockhash")?;
        node.validate(move |engine| {
            engine.precious(id);
            engine.activate()
        })?;
        Ok(Json::Null)
    })
}

fn prune() -> Method<NodeContext> {
    method(
        "blockchain",
        "pruneblockchain",
        "Attempts to delete block and undo data up to a specified height or timestamp, if eligible for pruning.\n\
         Requires `-prune` to be enabled at startup. While pruned data may be re-fetched in some cases (e.g., via `getblockfrompeer`), local deletion is irreversible.\n",
    )
    .arg(Arg::num(
        "height",
        "The block height to prune up to. May be set to a discrete height, or to a UNIX epoch time\nto prune blocks whose block time is at least 2 hours older than the provided timestamp.",
    ))
    .result(Res::num("", "Height of the last block pruned"))
    .example_cli("1000")
    .example_rpc("1000")
    .run(answer_prune)
}

/// Smaller numbers are heights, larger ones are times.
const FIRST_TIME: i64 = 1_000_000_000;
/// A block's time may be ahead of the time it was made by this much.
const TIME_WINDOW: i64 = 2 * 60 * 60;

fn answer_prune(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    if node.config.args().get_i64("prune", 0) == 0 {
        return Err(RpcError::misc("Cannot prune blocks because node is not in prune mode."));
    }
    let asked: i64 = request.int("height")?;
    if asked < 0 {
        return Err(RpcError::invalid_parameter("Negative block height."));
    }
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
    let height = if asked > FIRST_TIME {
        let found = node.reader().tree(|tree| {
            let late = |h: &u32| {
                tree.ancestor(tip.id, *h).is_some_and(|id| i64::from(tree[id].time_max) >= asked - TIME_WINDOW)
            };
            (0..=tip.height).find(late)
        });
        found
            .ok_or_else(|| RpcError::invalid_parameter("Could not find block with at least the specified timestamp."))?
    } else {
        u32::try_from(asked).unwrap_or(u32::MAX)
    };
    if tip.height < prune_after_height(&node.config) {
        return Err(RpcError::misc("Blockchain is too short for pruning."));
    }
    if height > tip.height {
        return Err(RpcError::invalid_parameter("Blockchain is shorter than the attempted prune height."));
    }
    node.validate(move |engine| engine.prune_to_height(height))?;
    let pruned = node.reader().tree(|tree| tree.last_pruned(tip.id));
    Ok(pruned.map_or(-1, i64::from).into())
}

fn verify() -> Method<NodeContext> {
    method("blockchain", "verifychain", "Verifies blockchain database.\n")
        .arg(Arg::num("checklevel", "How thorough the block verification is:\n- level 0 reads the blocks from disk\n- level 1 verifies block validity\n- level 2 verifies undo data\n- level 3 checks disconnection of tip blocks\n- level 4 tries to reconnect the blocks\n- each level includes the checks of the previous levels").default(3))
        .arg(Arg::num("nblocks", "The number of blocks to check (0 = all).").default(6))
        .result(Res::bool("", "Verification finished successfully. If false, check debug log for reason."))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, request| {
            let number = |name| request.int::<i64>(name).map(|n| u32::try_from(n.max(0)).unwrap_or(u32::MAX));
            let (level, depth) = (number("checklevel")?, number("nblocks")?);
            let found = node.validate(move |engine| engine.verify(level, depth))?;
            Ok(match found {
                Ok(done) => !done.interrupted && !done.skipped_memory && !done.skipped_pruned,
                Err(problem) => {
                    tracing::error!("{problem}");
                    false
                }
            }
            .into())
        })
}

/// Nobody waits longer for a wallet that hangs.
const SYNC_LIMIT: std::time::Duration = std::time::Duration::from_mins(1);

fn sync_queue() -> Method<NodeContext> {
    method(
        "hidden",
        "syncwithvalidationinterfacequeue",
        "Waits for the validation interface queue to catch up on everything that was there when we entered this function.\n",
    )
    .result(Res::none("", ""))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        // Everything that was asked for before is done when the validation thread answers.
        node.chain().call(|_| ()).map_err(|e| RpcError::misc(e.to_string()))?;
        node.feed.flush(SYNC_LIMIT);
        Ok(Json::Null)
    })
}
