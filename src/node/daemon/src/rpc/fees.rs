//! What to pay, and the scheduler that writes down what was learned about it.

use std::time::Duration;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, elide_group, method, values::check_object};
use mempool::{BucketRange, EstimateDetail, Estimator, Horizon};

use crate::NodeContext;

/// The furthest that tests may skip at a time, in seconds.
const MAX_FORWARD: u64 = 3600;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![smart(), raw(), scheduler()]
}

/// The target that a caller wants, within what can be estimated.
fn target(node: &NodeContext, request: &Request) -> Result<u32, RpcError> {
    if node.config.args().get_bool("blocksonly", false) {
        return Err(RpcError::new(Code::INTERNAL_ERROR, "Fee estimation disabled"));
    }
    let highest = node.mempool().experience().estimator.highest_target(Horizon::Long);
    let target: i32 = request.int("conf_target")?;
    let fits = u32::try_from(target).ok().filter(|target| (1..=highest).contains(target));
    let text = || format!("Invalid conf_target, must be between 1 and {highest}");
    fits.ok_or_else(|| RpcError::invalid_parameter(text()))
}

/// Whether a mode asks for caution.
fn is_conservative(mode: &str) -> Result<bool, RpcError> {
    match mode.to_ascii_lowercase().as_str() {
        "conservative" => Ok(true),
        "economical" | "unset" => Ok(false),
        _ => Err(RpcError::invalid_parameter(
            "Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", \"conservative\"",
        )),
    }
}

fn smart() -> Method<NodeContext> {
    let modes = "The fee estimate mode.\nunset, economical, conservative \n\
                 unset means no mode set (default mode will be used). \n\
                 economical mode potentially returns a lower fee rate estimate.\n\
                 conservative potentially returns a higher fee rate estimate.\n";
    let options = [
        Arg::str(
            "fee_rate_estimator",
            "Selects which fee rate estimator to use.\n\
             \"none\" returns the lower of the block policy and mempool estimates. If the mempool\n\
             estimate is unavailable, it returns that error instead of falling back to the block\n\
             policy estimate; use \"block_policy\" in that case to get the block policy estimate.\n\
             \"block_policy\" uses only the block policy fee rate estimator.\n\
             \"mempool_policy\" uses only the mempool fee rate estimator.\n\
             Unknown values are treated as \"none\".",
        )
        .default("none"),
        Arg::num("verbosity", "1 returns feerate or errors. 2 also returns \"mempool_health_statistics\".").default(1),
    ];
    let block = [
        Res::num("block_height", "Block height"),
        Res::num("block_weight", "Total weight of non-coinbase transactions in the block"),
        Res::num("mempool_txs_weight", "Total weight of transactions removed from the mempool for this block"),
    ];
    let fields = [
        Res::num("feerate", "estimate fee rate in {ticker}/kvB (only present if no errors were encountered)").optional(),
        Res::str("estimator", "the fee estimator used to produce the result (only present for successful estimates when fee_rate_estimator is \"none\")").optional(),
        Res::arr("errors", "Errors encountered during processing (if there are any)", [Res::str("", "error")]).optional(),
        Res::num(
            "blocks",
            "the confirmation target in blocks for the returned fee rate estimate.\n\
             For the block policy fee rate estimator, this is the target the estimate was found at, clamped to at\n\
             least 2 and at most the estimator's maximum usable target. For the mempool fee rate\n\
             estimator, it is always 2.",
        ),
        Res::arr(
            "mempool_health_statistics",
            "Health statistics for the most recently mined blocks tracked by the mempool fee rate estimator (only present when verbosity >= 2)",
            [Res::obj("", "", block)],
        )
        .optional(),
    ];
    method(
        "util",
        "estimatesmartfee",
        "Estimates the approximate fee per kilobyte needed for a transaction to begin\n\
         confirmation within conf_target blocks if possible and return the number of blocks\n\
         for which the estimate is valid. Uses virtual transaction size as defined\n\
         in BIP 141 (witness data is discounted).\n",
    )
    .arg(Arg::num("conf_target", "Confirmation target in blocks (1 - 1008)"))
    .arg(Arg::str("estimate_mode", modes).default("economical"))
    .arg(Arg::obj("options", "", options).optional())
    .result(Res::obj("", "", fields))
    .example_cli("6")
    .example_rpc("6")
    .run(answer_smart)
}

fn answer_smart(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let target = target(node, request)?;
    let conservative = is_conservative(request.str("estimate_mode")?)?;
    let options = request.arg("options");
    if !options.is_null() {
        check_object(options, &[("fee_rate_estimator", Some("string")), ("verbosity", Some("number"))], true, true)?;
    }
    let by = Estimator::of_name(options.get("fee_rate_estimator").as_str().unwrap_or_default());
    let verbosity = if options.get("verbosity").is_null() { 1 } else { options.get("verbosity").as_int()? };
    let pool = node.mempool();
    let mut answer = Object::new();
    let target = match pool.estimate(node.reader(), by, target, conservative) {
        Ok(found) => {
            let relay = pool.read().options().min_relay_fee.fee_per_kvb();
            let rate = found.rate.fee_per_kvb().max(pool.min_fee().fee_per_kvb()).max(relay);
            answer.push("feerate", Json::amount(rate));
            if by == Estimator::Lower {
                answer.push("estimator", found.by.name());
            }
            found.target
        }
        Err(none) => {
            answer.push("errors", Json::Arr(vec![none.reason.into()]));
            none.target
        }
    };
    answer.push("blocks", target);
    if verbosity >= 2 {
        let experience = pool.experience();
        let blocks = experience.health.blocks().iter().rev().map(|block| {
            Object::new()
                .with("block_height", block.height)
                .with("block_weight", block.all)
                .with("mempool_txs_weight", block.known)
        });
        answer.push("mempool_health_statistics", blocks.collect::<Json>());
    }
    Ok(answer.into())
}

fn bucket_fields() -> [Res; 6] {
    [
        Res::num("startrange", "start of feerate range"),
        Res::num("endrange", "end of feerate range"),
        Res::num(
            "withintarget",
            "number of txs over history horizon in the feerate range that were confirmed within target",
        ),
        Res::num(
            "totalconfirmed",
            "number of txs over history horizon in the feerate range that were confirmed at any point",
        ),
        Res::num(
            "inmempool",
            "current number of txs in mempool in the feerate range unconfirmed for at least target blocks",
        ),
        Res::num(
            "leftmempool",
            "number of txs over history horizon in the feerate range that left mempool unconfirmed after target",
        ),
    ]
}

fn horizon_fields() -> Vec<Res> {
    let pass = "information about the lowest range of feerates to succeed in meeting the threshold";
    let fail = "information about the highest range of feerates to fail to meet the threshold";
    vec![
        Res::num("feerate", "estimate fee rate in {ticker}/kvB").optional(),
        Res::num("decay", "exponential decay (per block) for historical moving average of confirmation data"),
        Res::num("scale", "The resolution of confirmation targets at this time horizon"),
        Res::obj("pass", pass, bucket_fields()).optional(),
        Res::obj("fail", fail, elide_group(bucket_fields(), "")).optional(),
        Res::arr("errors", "Errors encountered during processing (if there are any)", [Res::str("error", "")])
            .optional(),
    ]
}

fn raw() -> Method<NodeContext> {
    let horizons = [
        Res::obj("short", "estimate for short time horizon", horizon_fields()).optional(),
        Res::obj("medium", "estimate for medium time horizon", elide_group(horizon_fields(), "")).optional(),
        Res::obj("long", "estimate for long time horizon", elide_group(horizon_fields(), "")).optional(),
    ];
    method(
        "hidden",
        "estimaterawfee",
        "WARNING: This interface is unstable and may disappear or change!\n\
         \nWARNING: This is an advanced API call that is tightly coupled to the specific\n\
         implementation of fee estimation. The parameters it can be called with\n\
         and the results it returns will change if the internal implementation changes.\n\
         \nEstimates the approximate fee per kilobyte needed for a transaction to begin\n\
         confirmation within conf_target blocks if possible. Uses virtual transaction size as\n\
         defined in BIP 141 (witness data is discounted).\n",
    )
    .arg(Arg::num("conf_target", "Confirmation target in blocks (1 - 1008)"))
    .arg(
        Arg::num(
            "threshold",
            "The proportion of transactions in a given feerate range that must have been\n\
             confirmed within conf_target in order to consider those feerates as high enough and proceed to check\n\
             lower buckets.",
        )
        .default(0.95),
    )
    .result(Res::obj(
        "",
        "Results are returned for any horizon which tracks blocks up to the confirmation target",
        horizons,
    ))
    .example_cli("6 0.9")
    .run(answer_raw)
}

fn answer_raw(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let target = target(node, request)?;
    let threshold = request.real("threshold")?;
    if !(0.0..=1.0).contains(&threshold) {
        return Err(RpcError::invalid_parameter("Invalid threshold"));
    }
    let experience = node.mempool().experience();
    let mut answer = Object::new();
    for horizon in Horizon::ALL {
        let Some((rate, detail)) = experience.estimator.estimate_raw(target, threshold, horizon) else { continue };
        answer.push(horizon.name(), show_horizon(rate.map(mempool::FeeRate::fee_per_kvb), &detail));
    }
    Ok(answer.into())
}

fn show_horizon(rate: Option<i64>, detail: &EstimateDetail) -> Object {
    let mut shown = Object::new();
    if let Some(rate) = rate {
        shown.push("feerate", Json::amount(rate));
    }
    shown.push("decay", detail.decay);
    shown.push("scale", detail.scale);
    if rate.is_some() {
        shown.push("pass", show_bucket(detail.pass));
        if detail.fail.is_some() {
            shown.push("fail", show_bucket(detail.fail));
        }
    } else {
        shown.push("fail", show_bucket(detail.fail));
        let text = "Insufficient data or no feerate found which meets threshold";
        shown.push("errors", Json::Arr(vec![text.into()]));
    }
    shown
}

fn show_bucket(bucket: Option<BucketRange>) -> Object {
    let hundredths = |number: f64| (number * 100.0).round() / 100.0;
    let none =
        BucketRange { start: -1.0, end: -1.0, within_target: 0.0, confirmed: 0.0, in_mempool: 0.0, left_mempool: 0.0 };
    let bucket = bucket.unwrap_or(none);
    Object::new()
        .with("startrange", bucket.start.round())
        .with("endrange", bucket.end.round())
        .with("withintarget", hundredths(bucket.within_target))
        .with("totalconfirmed", hundredths(bucket.confirmed))
        .with("inmempool", hundredths(bucket.in_mempool))
        .with("leftmempool", hundredths(bucket.left_mempool))
}

fn scheduler() -> Method<NodeContext> {
    method("hidden", "mockscheduler", "Bump the scheduler into the future (-regtest only)\n")
        .arg(Arg::num("delta_time", "Number of seconds to forward the scheduler into the future."))
        .result(Res::none("", ""))
        .run(|node: &NodeContext, request| {
            if node.config.chain().kind != coin::ChainKind::Regtest {
                return Err(RpcError::misc("mockscheduler is for regression testing (-regtest mode) only"));
            }
            let seconds: i64 = request.int("delta_time")?;
            let seconds = u64::try_from(seconds).ok().filter(|seconds| (1..=MAX_FORWARD).contains(seconds));
            let seconds =
                seconds.ok_or_else(|| RpcError::misc("delta_time must be between 1 and 3600 seconds (1 hr)"))?;
            let by = Duration::from_secs(seconds);
            node.scheduler.forward(by);
            if let Ok(net) = node.net() {
                // It is stopping if it does not answer.
                let _ = net.call(move |net| net.forward(by));
            }
            node.wallets()?.mock_scheduler(i64::try_from(seconds).unwrap_or(i64::MAX));
            Ok(Json::Null)
        })
}
