//! The chain as a whole: how long, how hard, how many ends.

use std::collections::BTreeSet;

use ::rpc::{Json, Method, Object, Request, Res, RpcError, method};
use chainstate::{Behind, NodeId, Reader, Validity};
use consensus::{U256, difficulty, target_of};
use primitives::hex;

use crate::{NodeContext, render, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![chain_info(), block_count(), best_block_hash(), current_difficulty(), chain_tips(), chain_states()]
}

fn block_count() -> Method<NodeContext> {
    method(
        "blockchain",
        "getblockcount",
        "Returns the height of the most-work fully-validated chain.\nThe genesis block has height 0.\n",
    )
    .result(Res::num("", "The current block count"))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| Ok(node.reader().tip().ok_or_else(parse::no_tip)?.height.into()))
    .quick()
}

fn best_block_hash() -> Method<NodeContext> {
    method(
        "blockchain",
        "getbestblockhash",
        "Returns the hash of the best (tip) block in the most-work fully-validated chain.\n",
    )
    .result(Res::hex("", "the block hash, hex-encoded"))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| Ok(node.reader().tip().ok_or_else(parse::no_tip)?.hash.to_string().into()))
    .quick()
}

fn current_difficulty() -> Method<NodeContext> {
    method(
        "blockchain",
        "getdifficulty",
        "Returns the proof-of-work difficulty as a multiple of the minimum difficulty.\n",
    )
    .result(Res::num("", "the proof-of-work difficulty as a multiple of the minimum difficulty."))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
        Ok(difficulty(node.reader().node(tip.id).header.bits.to_consensus()).into())
    })
}

/// The methods of coins whose every block is mined together with one of another chain.
pub(in crate::rpc) fn merged_methods() -> Vec<Method<NodeContext>> {
    let about = "Returns the auxiliary proof-of-work difficulty as a multiple of the minimum difficulty.\n";
    let found = "the auxiliary proof-of-work difficulty as a multiple of the minimum difficulty.";
    let answer = |node: &NodeContext, _: &Request| {
        let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
        let merged = node.reader().tree(|tree| tree.merged(tip.id));
        let merged = merged.ok_or_else(|| RpcError::misc("The tip was not mined together with another chain."))?;
        Ok(difficulty(merged.bits).into())
    };
    let method = method("blockchain", "getauxdifficulty", about).result(Res::num("", found));
    vec![method.example_cli("").example_rpc("").run(answer)]
}

fn chain_info() -> Method<NodeContext> {
    let fields = vec![
        Res::str("chain", "current network name (main, test, testnet4, signet, regtest)"),
        Res::num("blocks", "the height of the most-work fully-validated chain. The genesis block has height 0"),
        Res::num("headers", "the current number of headers we have validated"),
        Res::str("bestblockhash", "the hash of the currently best block"),
        Res::hex("bits", "nBits: compact representation of the block difficulty target"),
        Res::hex("target", "the difficulty target"),
        Res::num("difficulty", "the current difficulty"),
        Res::num("auxdifficulty", "the current difficulty of the merged work").optional().skip_in_help(),
        Res::time("time", "the block time expressed in UNIX epoch time"),
        Res::time("mediantime", "the median block time expressed in UNIX epoch time"),
        Res::num("verificationprogress", "estimate of verification progress [0..1]"),
        Res::bool(
            "initialblockdownload",
            "(debug information) estimate of whether this node is in Initial Block Download mode",
        ),
        Res::obj("backgroundvalidation", "state info regarding background validation process", behind_fields())
            .optional(),
        Res::hex("chainwork", "total amount of work in active chain, in hexadecimal"),
        Res::num("size_on_disk", "the estimated size of the block and undo files on disk"),
        Res::bool("pruned", "if the blocks are subject to pruning"),
        Res::num(
            "pruneheight",
            "the first block unpruned, all previous blocks were pruned (only present if pruning is enabled)",
        )
        .optional(),
        Res::bool("automatic_pruning", "whether automatic pruning is enabled (only present if pruning is enabled)")
            .optional(),
        Res::num("prune_target_size", "the target size used by pruning (only present if automatic pruning is enabled)")
            .optional(),
        Res::hex(
            "signet_challenge",
            "the block challenge (aka. block script), in hexadecimal (only present if the current network is a signet)",
        )
        .optional(),
        Res::arr(
            "warnings",
            "any network and blockchain warnings (run with `-deprecatedrpc=warnings` to return the latest warning as a single string)",
            [Res::str("", "warning")],
        ),
    ];
    method(
        "blockchain",
        "getblockchaininfo",
        "Returns an object containing various state info regarding blockchain processing.\n",
    )
    .result(Res::obj("", "", fields))
    .example_cli("")
    .example_rpc("")
    .run(answer_chain_info)
}

fn behind_fields() -> [Res; 6] {
    [
        Res::num(
            "snapshotheight",
            "the height of the snapshot block. Background validation verifies the chain from genesis up to this height",
        ),
        Res::num(
            "blocks",
            "the height of the most-work background fully-validated chain. The genesis block has height 0",
        ),
        Res::str("bestblockhash", "the hash of the currently best block validated in the background"),
        Res::time("mediantime", "the median block time expressed in UNIX epoch time"),
        Res::num("verificationprogress", "estimate of background verification progress [0..1]"),
        Res::hex("chainwork", "total amount of work in background validated chain, in hexadecimal"),
    ]
}

fn answer_behind(reader: &Reader, behind: Behind) -> Object {
    let (tip, target) = (reader.node(behind.tip), reader.node(behind.target));
    #[expect(clippy::cast_precision_loss, reason = "a part, shown to a few decimals")]
    let progress = tip.chain_tx_count as f64 / target.chain_tx_count.max(1) as f64;
    Object::new()
        .with("snapshotheight", target.height)
        .with("blocks", tip.height)
        .with("bestblockhash", tip.hash.to_string())
        .with("mediantime", reader.tree(|tree| tree.median_time_past(behind.tip)))
        .with("chainwork", render::hex256(tip.chain_work))
        .with("verificationprogress", progress)
}

fn answer_chain_info(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let reader = node.reader();
    let tip = reader.tip().ok_or_else(parse::no_tip)?;
    let block = reader.node(tip.id);
    let best_header = reader.best_header().map_or(0, |id| reader.node(id).height);
    let bits = block.header.bits.to_consensus();
    let limit = node.rules.params().pow().limit;
    let prune = node.config.args().get_i64("prune", 0);
    let mut info = Object::new()
        .with("chain", node.config.chain().kind.name())
        .with("blocks", block.height)
        .with("headers", best_header)
        .with("bestblockhash", block.hash.to_string())
        .with("bits", format!("{bits:08x}"))
        .with("target", render::hex256(target_of(bits, limit).unwrap_or(U256::ZERO)))
        .with("difficulty", difficulty(bits));
    if let Some(merged) = reader.tree(|tree| tree.merged(tip.id)) {
        info.push("auxdifficulty", difficulty(merged.bits));
    }
    let mut info = info
        .with("time", block.header.time)
        .with("mediantime", reader.tree(|tree| tree.median_time_past(tip.id)))
        .with("verificationprogress", reader.progress(&block, node.now()))
        .with("initialblockdownload", reader.initial_download());
    if let Some(behind) = reader.behind() {
        info.push("backgroundvalidation", answer_behind(reader, behind));
    }
    let mut info = info
        .with("chainwork", render::hex256(block.chain_work))
        .with("size_on_disk", reader.disk_usage())
        .with("pruned", prune != 0);
    if prune != 0 {
        info.push("pruneheight", reader.tree(|tree| tree.last_pruned(tip.id)).map_or(0, |last| last + 1));
        info.push("automatic_pruning", prune > 1);
        if prune > 1 {
            info.push("prune_target_size", prune.saturating_mul(1 << 20));
        }
    }
    if let Some(challenge) = node.rules.params().signet_challenge() {
        info.push("signet_challenge", hex::encode(challenge));
    }
    info.push("warnings", node.warnings_json());
    Ok(info.into())
}

fn chain_tips() -> Method<NodeContext> {
    let fields = [
        Res::num("height", "height of the chain tip"),
        Res::hex("hash", "block hash of the tip"),
        Res::num("branchlen", "zero for main chain, otherwise length of branch connecting the tip to the main chain"),
        Res::str(
            "status",
            "status of the chain, \"active\" for the main chain\nPossible values for status:\n\
             1.  \"invalid\"               This branch contains at least one invalid block\n\
             2.  \"headers-only\"          Not all blocks for this branch are available, but the headers are valid\n\
             3.  \"valid-headers\"         All blocks are available for this branch, but they were never fully validated\n\
             4.  \"valid-fork\"            This branch is not part of the active chain, but is fully validated\n\
             5.  \"active\"                This is the tip of the active main chain, which is certainly valid",
        ),
    ];
    method(
        "blockchain",
        "getchaintips",
        "Return information about all known tips in the block tree, including the main chain as well as orphaned branches.\n",
    )
    .result(Res::arr("", "", [Res::obj("", "", fields)]))
    .example_cli("")
    .example_rpc("")
    .run(answer_chain_tips)
}

fn answer_chain_tips(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let active = node.reader().tip().ok_or_else(parse::no_tip)?.id;
    Ok(node.reader().tree(|tree| {
        let parents: BTreeSet<NodeId> = tree.ids().filter_map(|id| tree[id].parent()).collect();
        let mut tips: Vec<NodeId> = tree.ids().filter(|id| !parents.contains(id) || *id == active).collect();
        tips.sort_by_key(|id| std::cmp::Reverse((tree[*id].height, *id)));
        let shown = tips.into_iter().map(|id| {
            let block = &tree[id];
            let fork = tree.fork(id, active).map_or(0, |f| tree[f].height);
            let status = if id == active {
                "active"
            } else if block.failed() {
                "invalid"
            } else if block.chain_tx_count == 0 {
                "headers-only"
            } else if block.is_valid(Validity::Scripts) {
                "valid-fork"
            } else if block.is_valid(Validity::Tree) {
                "valid-headers"
            } else {
                "unknown"
            };
            Object::new()
                .with("height", block.height)
                .with("hash", block.hash.to_string())
                .with("branchlen", block.height - fork)
                .with("status", status)
        });
        shown.collect()
    }))
}

fn chain_states() -> Method<NodeContext> {
    let state = [
        Res::num("blocks", "number of blocks in this chainstate"),
        Res::hex("bestblockhash", "blockhash of the tip"),
        Res::hex("bits", "nBits: compact representation of the block difficulty target"),
        Res::hex("target", "The difficulty target"),
        Res::num("difficulty", "difficulty of the tip"),
        Res::num("verificationprogress", "progress towards the network tip"),
        Res::hex("snapshot_blockhash", "the base block of the snapshot this chainstate is based on, if any").optional(),
        Res::num("coins_db_cache_bytes", "size of the coinsdb cache"),
        Res::num("coins_tip_cache_bytes", "size of the coinstip cache"),
        Res::bool(
            "validated",
            "whether the chainstate is fully validated. True if all blocks in the chainstate were validated, false if the chain is based on a snapshot and the snapshot has not yet been validated.",
        ),
    ];
    method("blockchain", "getchainstates", "Return information about chainstates.\n")
        .result(Res::obj(
            "",
            "",
            [
                Res::num("headers", "the number of headers seen so far"),
                Res::arr(
                    "chainstates",
                    "list of the chainstates ordered by work, with the most-work (active) chainstate last",
                    [Res::obj("", "", state)],
                ),
            ],
        ))
        .example_cli("")
        .example_rpc("")
        .run(answer_chain_states)
}

fn answer_chain_states(node: &NodeContext, _: &Request) -> Result<Json, RpcError> {
    let reader = node.reader();
    let tip = reader.tip().ok_or_else(parse::no_tip)?.id;
    let (behind, base, caches) = (reader.behind(), reader.snapshot_base(), reader.coin_caches());
    let limit = node.rules.params().pow().limit;
    let state = |id: NodeId, base: Option<NodeId>, cache: usize, validated: bool| {
        let block = reader.node(id);
        let bits = block.header.bits.to_consensus();
        let mut state = Object::new()
            .with("blocks", block.height)
            .with("bestblockhash", block.hash.to_string())
            .with("bits", format!("{bits:08x}"))
            .with("target", render::hex256(target_of(bits, limit).unwrap_or(U256::ZERO)))
            .with("difficulty", difficulty(bits))
            .with("verificationprogress", reader.progress(&block, node.now()))
            .with("coins_db_cache_bytes", caches.database)
            .with("coins_tip_cache_bytes", cache);
        if let Some(base) = base {
            state.push("snapshot_blockhash", reader.node(base).hash.to_string());
        }
        state.with("validated", validated)
    };
    let mut states: Vec<Object> = behind.iter().map(|it| state(it.tip, None, caches.behind, true)).collect();
    states.push(state(tip, base, caches.tip, behind.is_none()));
    let headers = reader.best_header().map_or(0, |id| reader.node(id).height);
    Ok(Object::new().with("headers", headers).with("chainstates", states).into())
}
