//! Changes of the rules: which are in force, and how far the others have come.

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::{Branch, NodeId};
use coin::Activation;
use consensus::{Bip9Info, Buried, ChainParams, Deployment, HeaderView, NoCache};

use crate::{NodeContext, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![info()]
}

fn info() -> Method<NodeContext> {
    let statistics = [
        Res::num("period", "the length in blocks of the signalling period"),
        Res::num("threshold", "the number of blocks with the version bit set required to activate the feature (only for \"started\" status)").optional(),
        Res::num("elapsed", "the number of blocks elapsed since the beginning of the current period"),
        Res::num("count", "the number of blocks with the version bit set in the current period"),
        Res::bool("possible", "returns false if there are not enough blocks left in this period to pass activation threshold (only for \"started\" status)").optional(),
    ];
    let bip9 = [
        Res::num("bit", "the bit (0-28) in the block version field used to signal this softfork (only for \"started\" and \"locked_in\" status)").optional(),
        Res::time("start_time", "the minimum median time past of a block at which the bit gains its meaning"),
        Res::time("timeout", "the median time past of a block at which the deployment is considered failed if not yet locked in"),
        Res::num("min_activation_height", "minimum height of blocks for which the rules may be enforced"),
        Res::str("status", "status of deployment at specified block (one of \"defined\", \"started\", \"locked_in\", \"active\", \"failed\")"),
        Res::num("since", "height of the first block to which the status applies"),
        Res::str("status_next", "status of deployment at the next block"),
        Res::obj("statistics", "numeric statistics about signalling for a softfork (only for \"started\" and \"locked_in\" status)", statistics).optional(),
        Res::str("signalling", "indicates blocks that signalled with a # and blocks that did not with a -").optional(),
    ];
    let deployment = [
        Res::str("type", "one of \"buried\", \"bip9\""),
        Res::num("height", "height of the first block which the rules are or will be enforced (only for \"buried\" type, or \"bip9\" type with \"active\" status)").optional(),
        Res::bool("active", "true if the rules are enforced for the mempool and the next block"),
        Res::obj("bip9", "status of bip9 softforks (only for \"bip9\" type)", bip9).optional(),
    ];
    let fields = [
        Res::str("hash", "requested block hash (or tip)"),
        Res::num("height", "requested block height (or tip)"),
        Res::arr("script_flags", "script verify flags for the block", [Res::str("flag", "a script verify flag")])
            .since(31),
        Res::obj_dyn("deployments", "", [Res::obj("xxxx", "name of the deployment", deployment)]),
    ];
    method(
        "blockchain",
        "getdeploymentinfo",
        "Returns an object containing various state info regarding deployments of consensus changes.\n\
         Consensus changes for which the new rules are enforced from genesis are not listed in \"deployments\".",
    )
    .arg(
        Arg::hex("blockhash", "The block hash at which to query deployment state").default("hash of current chain tip"),
    )
    .result(Res::obj("", "", fields))
    .example_cli("")
    .example_rpc("")
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let (id, block) = if request.has("blockhash") {
        parse::block(node, request, "blockhash")?
    } else {
        let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
        (tip.id, node.reader().node(tip.id))
    };
    let flags = node.reader().tree(|tree| {
        let parent = block.parent().map(|parent| Branch::new(tree, parent));
        let parent = parent.as_ref().map(|branch| branch as &dyn HeaderView);
        node.rules.script_flags(&block.hash, parent, &NoCache).names()
    });
    Ok(Object::new()
        .with("hash", block.hash.to_string())
        .with("height", block.height)
        .with("script_flags", flags)
        .with("deployments", deployments(node, id))
        .into())
}

/// The state of every upgrade that this chain knows, at a block.
fn deployments(node: &NodeContext, id: NodeId) -> Object {
    let params = node.rules.params();
    node.reader().tree(|tree| {
        let branch = Branch::new(tree, id);
        let mut all = Object::new();
        for upgrade in Buried::ALL {
            if let Some(shown) = buried(params, upgrade, branch.height()) {
                all.push(upgrade.name(), shown);
            }
        }
        for upgrade in params.deployments().iter().filter(|upgrade| upgrade.is_enabled()) {
            all.push(upgrade.name, signalled(upgrade, &branch));
        }
        all
    })
}

fn buried(params: &ChainParams, upgrade: Buried, height: u32) -> Option<Object> {
    let Activation::At(start) = params.activation(upgrade) else { return None };
    // It is told one block early: what counts is the next block.
    Some(Object::new().with("type", "buried").with("active", height + 1 >= start).with("height", start))
}

fn signalled(upgrade: &Deployment, branch: &dyn HeaderView) -> Object {
    let info = Bip9Info::at(upgrade, branch, &NoCache);
    let mut bip9 = Object::new();
    if info.stats.is_some() {
        bip9.push("bit", upgrade.bit);
    }
    bip9.push("start_time", upgrade.start.to_number());
    bip9.push("timeout", upgrade.timeout);
    bip9.push("min_activation_height", upgrade.min_activation_height);
    bip9.push("status", info.current.name());
    bip9.push("since", info.since);
    bip9.push("status_next", info.next.name());
    if let Some(stats) = info.stats {
        let mut counted =
            Object::new().with("period", stats.period).with("elapsed", stats.elapsed).with("count", stats.count);
        if stats.threshold > 0 || stats.possible {
            counted.push("threshold", stats.threshold);
            counted.push("possible", stats.possible);
        }
        bip9.push("statistics", counted);
        let signs: String = info.signalling.iter().map(|signals| if *signals { '#' } else { '-' }).collect();
        bip9.push("signalling", signs);
    }
    let mut shown = Object::new().with("type", "bip9");
    if let Some(since) = info.active_since {
        shown.push("height", since);
    }
    shown.with("active", info.active_since.is_some_and(|since| since <= branch.height() + 1)).with("bip9", bip9)
}
