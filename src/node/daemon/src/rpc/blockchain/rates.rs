//! Numbers about the chain: how many transactions over time, and what a block's transactions paid.

use std::collections::BTreeSet;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::{Node, NodeId};
use primitives::{Block, BlockUndo, encode_output};
use script::templates::is_unspendable;

use crate::{NodeContext, rpc::parse};

use super::blocks;

/// Weight units in a virtual byte.
const SCALE: i64 = 4;
/// What an entry of the UTXO set takes besides its output: outpoint, height and coinbase flag.
const ENTRY_OVERHEAD: i64 = 36 + 4;
/// Shares of a block's weight that `feerate_percentiles` asks for, in hundredths.
const PERCENTILES: [i64; 5] = [10, 25, 50, 75, 90];

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![chain_tx_stats(), block_stats()]
}

fn chain_tx_stats() -> Method<NodeContext> {
    let fields = [
        Res::time("time", "The timestamp for the final block in the window, expressed in UNIX epoch time"),
        Res::num("txcount", "The total number of transactions in the chain up to that point, if known. It may be unknown when using assumeutxo.").optional(),
        Res::hex("window_final_block_hash", "The hash of the final block in the window"),
        Res::num("window_final_block_height", "The height of the final block in the window."),
        Res::num("window_block_count", "Size of the window in number of blocks"),
        Res::num("window_interval", "The elapsed time in the window in seconds. Only returned if \"window_block_count\" is > 0").optional(),
        Res::num("window_tx_count", "The number of transactions in the window. Only returned if \"window_block_count\" is > 0 and if txcount exists for the start and end of the window.").optional(),
        Res::num("txrate", "The average rate of transactions per second in the window. Only returned if \"window_interval\" is > 0 and if window_tx_count exists.").optional(),
    ];
    method(
        "blockchain",
        "getchaintxstats",
        "Compute statistics about the total number and rate of transactions in the chain.\n",
    )
    .arg(Arg::num("nblocks", "Size of the window in number of blocks").hint("one month"))
    .arg(Arg::hex("blockhash", "The hash of the block that ends the window.").hint("chain tip"))
    .result(Res::obj("", "", fields))
    .example_cli("")
    .example_rpc("2016")
    .run(answer_chain_tx_stats)
}

fn answer_chain_tx_stats(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let reader = node.reader();
    let last = if request.has("blockhash") {
        let (id, _) = parse::block(node, request, "blockhash")?;
        if !reader.is_active(id) {
            return Err(RpcError::invalid_parameter("Block is not in main chain"));
        }
        id
    } else {
        reader.tip().ok_or_else(parse::no_tip)?.id
    };
    let block = reader.node(last);
    let height = i64::from(block.height);
    let month = 30 * 24 * 60 * 60 / i64::from(node.rules.params().pow().spacing.get());
    let window = match request.opt_int::<i32>("nblocks")? {
        None => month.min(height - 1).max(0),
        Some(n) if n < 0 || (n > 0 && i64::from(n) >= height) => {
            return Err(RpcError::invalid_parameter(
                "Invalid block count: should be between 0 and the block's height - 1",
            ));
        }
        Some(n) => i64::from(n),
    };
    let (first, seconds) = reader.tree(|tree| {
        let first = u32::try_from(height - window).ok().and_then(|at| tree.ancestor(last, at)).unwrap_or(last);
        let seconds = i64::from(tree.median_time_past(last)) - i64::from(tree.median_time_past(first));
        (tree[first].chain_tx_count, seconds)
    });
    let mut stats = Object::new().with("time", block.header.time);
    if block.chain_tx_count > 0 {
        stats.push("txcount", block.chain_tx_count);
    }
    stats.push("window_final_block_hash", block.hash.to_string());
    stats.push("window_final_block_height", block.height);
    stats.push("window_block_count", window);
    if window > 0 {
        stats.push("window_interval", seconds);
        if block.chain_tx_count > 0 && first > 0 {
            let count = block.chain_tx_count - first;
            stats.push("window_tx_count", count);
            if seconds > 0 {
                #[expect(clippy::cast_precision_loss, reason = "the answer is a rate")]
                stats.push("txrate", count as f64 / seconds as f64);
            }
        }
    }
    Ok(stats.into())
}

fn block_stats() -> Method<NodeContext> {
    let num = |name: &'static str, what: &'static str| Res::num(name, what).optional();
    let percentiles = [
        Res::num("10th_percentile_feerate", "The 10th percentile feerate"),
        Res::num("25th_percentile_feerate", "The 25th percentile feerate"),
        Res::num("50th_percentile_feerate", "The 50th percentile feerate"),
        Res::num("75th_percentile_feerate", "The 75th percentile feerate"),
        Res::num("90th_percentile_feerate", "The 90th percentile feerate"),
    ];
    let fields = [
        num("avgfee", "Average fee in the block"),
        num("avgfeerate", "Average feerate (in satoshis per virtual byte)"),
        num("avgtxsize", "Average transaction size"),
        Res::hex("blockhash", "The block hash (to check for potential reorgs)").optional(),
        Res::arr_fixed(
            "feerate_percentiles",
            "Feerates at the 10th, 25th, 50th, 75th, and 90th percentile weight unit (in satoshis per virtual byte)",
            percentiles,
        )
        .optional(),
        num("height", "The height of the block"),
        num("ins", "The number of inputs (excluding coinbase)"),
        num("maxfee", "Maximum fee in the block"),
        num("maxfeerate", "Maximum feerate (in satoshis per virtual byte)"),
        num("maxtxsize", "Maximum transaction size"),
        num("medianfee", "Truncated median fee in the block"),
        num("mediantime", "The block median time past"),
        num("mediantxsize", "Truncated median transaction size"),
        num("minfee", "Minimum fee in the block"),
        num("minfeerate", "Minimum feerate (in satoshis per virtual byte)"),
        num("mintxsize", "Minimum transaction size"),
        num("outs", "The number of outputs"),
        num("subsidy", "The block subsidy"),
        num("swtotal_size", "Total size of all segwit transactions"),
        num("swtotal_weight", "Total weight of all segwit transactions"),
        num("swtxs", "The number of segwit transactions"),
        num("time", "The block time"),
        num("total_out", "Total amount in all outputs (excluding coinbase and thus reward [ie subsidy + totalfee])"),
        num("total_size", "Total size of all non-coinbase transactions"),
        num("total_weight", "Total weight of all non-coinbase transactions"),
        num("totalfee", "The fee total"),
        num("txs", "The number of transactions (including coinbase)"),
        num(
            "utxo_increase",
            "The increase/decrease in the number of unspent outputs (not discounting op_return and similar)",
        ),
        num(
            "utxo_size_inc",
            "The increase/decrease in size for the utxo index (not discounting op_return and similar)",
        ),
        num(
            "utxo_increase_actual",
            "The increase/decrease in the number of unspent outputs, not counting unspendables",
        ),
        num("utxo_size_inc_actual", "The increase/decrease in size for the utxo index, not counting unspendables"),
    ];
    let hash = "00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09";
    let selected = || Arg::str("height", "Selected statistic").optional();
    method(
        "blockchain",
        "getblockstats",
        "Compute per block statistics for a given window. All amounts are in satoshis.\n\
         It won't work for some heights with pruning.\n",
    )
    .arg(
        Arg::num("hash_or_height", "The block hash or height of the target block")
            .skip_type_check()
            .type_words("", "string or numeric"),
    )
    .arg(
        Arg::arr(
            "stats",
            "Values to plot (see result below)",
            [selected(), Arg::str("time", "Selected statistic").optional()],
        )
        .hint("all values")
        .oneline("stats"),
    )
    .result(Res::obj("", "", fields))
    .example_cli(format!("'\"{hash}\"' '[\"minfeerate\",\"avgfeerate\"]'"))
    .example_cli("1000 '[\"minfeerate\",\"avgfeerate\"]'")
    .example_rpc(format!("\"{hash}\", [\"minfeerate\",\"avgfeerate\"]"))
    .example_rpc("1000, [\"minfeerate\",\"avgfeerate\"]")
    .run(answer_block_stats)
}

fn answer_block_stats(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let (id, found) = by_hash_or_height(node, request.arg("hash_or_height"))?;
    let wanted: BTreeSet<&str> = match request.opt("stats") {
        None => BTreeSet::new(),
        Some(list) => list.as_arr()?.iter().map(Json::as_str).collect::<Result<_, _>>()?,
    };
    let block = blocks::stored_block(node, &found)?;
    let undo = undo_of(node, &found)?;
    let all = measure(node, id, &found, &block, &undo);
    if wanted.is_empty() {
        return Ok(all.into());
    }
    let mut chosen = Object::new();
    for name in wanted {
        let value = all.get(name).cloned();
        let invalid = || RpcError::invalid_parameter(format!("Invalid selected statistic '{name}'"));
        chosen.push(name.to_owned(), value.ok_or_else(invalid)?);
    }
    Ok(chosen.into())
}

/// The block that an argument names by hash or, in the active chain, by height.
pub(super) fn by_hash_or_height(node: &NodeContext, value: &Json) -> Result<(NodeId, Node), RpcError> {
    let reader = node.reader();
    if let Json::Num(_) = value {
        let height: i32 = value.as_int()?;
        let tip = reader.tip().ok_or_else(parse::no_tip)?;
        if height < 0 {
            return Err(RpcError::invalid_parameter(format!("Target block height {height} is negative")));
        }
        let found = u32::try_from(height).ok().and_then(|height| reader.at_height(height));
        let id = found.ok_or_else(|| {
            RpcError::invalid_parameter(format!("Target block height {height} after current tip {}", tip.height))
        })?;
        return Ok((id, reader.node(id)));
    }
    let hash = parse::parse_hash(value.as_str()?, "hash_or_height")?;
    reader.find(&hash).ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Block not found"))
}

/// What a block spent.
pub(super) fn undo_of(node: &NodeContext, block: &Node) -> Result<BlockUndo, RpcError> {
    // Genesis spends nothing, and nothing is stored about it.
    if block.height == 0 {
        return Ok(BlockUndo::default());
    }
    let undo = node.reader().undo(block).ok_or_else(|| RpcError::misc("Undo data not available (pruned data)"))?;
    undo.map_err(|e| {
        tracing::error!("{e}");
        RpcError::misc("Can't read undo data from disk")
    })
}

/// The middle of the values, rounded down.
fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => 0,
        values if values.len().is_multiple_of(2) => i64::midpoint(values[middle - 1], values[middle]),
        values => values[middle],
    }
}

/// The fee rates at shares of the weight.
fn percentiles(mut rates: Vec<(i64, i64)>, total_weight: i64) -> [i64; 5] {
    rates.sort_unstable();
    PERCENTILES.map(|share| {
        let mut weight = 0;
        let reached = rates.iter().find(|(_, w)| {
            weight += w;
            weight * 100 >= total_weight * share
        });
        reached.or(rates.last()).map_or(0, |(rate, _)| *rate)
    })
}

/// Smallest, largest and sum of some values; all zero without any.
#[derive(Default)]
struct Spread {
    values: Vec<i64>,
}

impl Spread {
    fn min(&self) -> i64 {
        self.values.iter().copied().min().unwrap_or(0)
    }

    fn max(&self) -> i64 {
        self.values.iter().copied().max().unwrap_or(0)
    }

    fn sum(&self) -> i64 {
        self.values.iter().sum()
    }
}

fn measure(node: &NodeContext, id: NodeId, found: &Node, block: &Block, undo: &BlockUndo) -> Object {
    let size_of = |output: &bitcoin::TxOut| {
        let mut bytes = Vec::new();
        encode_output(output, &mut bytes);
        count(bytes.len()) + ENTRY_OVERHEAD
    };
    let (mut fees, mut rates, mut sizes) = (Spread::default(), Spread::default(), Spread::default());
    let (mut weighted, mut weight_sum) = (Vec::new(), 0);
    let (mut ins, mut outs, mut kept, mut total_out) = (0, 0, 0, 0);
    let (mut grown, mut grown_kept) = (0, 0);
    let (mut with_witness, mut witness_size, mut witness_weight) = (0, 0, 0);
    let repeats = consensus::is_bip30_repeat(&found.hash, found.height);
    for (index, tx) in block.txs.iter().enumerate() {
        let coinbase = index == 0;
        outs += count(tx.outputs().len());
        let paid: i64 = tx.outputs().iter().map(consensus::value_of).sum();
        for output in tx.outputs() {
            let size = size_of(output);
            grown += size;
            // Outputs of genesis and of repeated coinbases change nothing, and what cannot be spent is not kept.
            if found.height > 0 && !(repeats && coinbase) && !is_unspendable(&output.script_pubkey) {
                kept += 1;
                grown_kept += size;
            }
        }
        if coinbase {
            continue;
        }
        ins += count(tx.inputs().len());
        total_out += paid;
        let (size, weight) = (count(tx.total_size()), i64::try_from(tx.weight()).unwrap_or(i64::MAX));
        sizes.values.push(size);
        weight_sum += weight;
        if tx.has_witness() {
            with_witness += 1;
            witness_size += size;
            witness_weight += weight;
        }
        let spent = undo.txs.get(index - 1).map_or(&[][..], |tx| tx.spent.as_slice());
        let spent_size: i64 = spent.iter().map(|entry| size_of(&entry.out)).sum();
        grown -= spent_size;
        grown_kept -= spent_size;
        let fee = spent.iter().map(|entry| consensus::value_of(&entry.out)).sum::<i64>() - paid;
        let rate = fee * SCALE / weight.max(1);
        fees.values.push(fee);
        rates.values.push(rate);
        weighted.push((rate, weight));
    }
    let others = count(block.txs.len().saturating_sub(1)).max(1);
    let median_time = node.reader().tree(|tree| tree.median_time_past(id));
    Object::new()
        .with("avgfee", fees.sum() / others)
        .with("avgfeerate", if weight_sum == 0 { 0 } else { fees.sum() * SCALE / weight_sum })
        .with("avgtxsize", sizes.sum() / others)
        .with("blockhash", found.hash.to_string())
        .with("feerate_percentiles", Json::from(percentiles(weighted, weight_sum).to_vec()))
        .with("height", found.height)
        .with("ins", ins)
        .with("maxfee", fees.max())
        .with("maxfeerate", rates.max())
        .with("maxtxsize", sizes.max())
        .with("medianfee", median(fees.values.clone()))
        .with("mediantime", median_time)
        .with("mediantxsize", median(sizes.values.clone()))
        .with("minfee", fees.min())
        .with("minfeerate", rates.min())
        .with("mintxsize", sizes.min())
        .with("outs", outs)
        .with("subsidy", node.rules.subsidy(found.height))
        .with("swtotal_size", witness_size)
        .with("swtotal_weight", witness_weight)
        .with("swtxs", with_witness)
        .with("time", found.header.time)
        .with("total_out", total_out)
        .with("total_size", sizes.sum())
        .with("total_weight", weight_sum)
        .with("totalfee", fees.sum())
        .with("txs", block.txs.len())
        .with("utxo_increase", outs - ins)
        .with("utxo_size_inc", grown)
        .with("utxo_increase_actual", kept - ins)
        .with("utxo_size_inc_actual", grown_kept)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_rounded_down() {
        assert_eq!(median(vec![]), 0);
        assert_eq!(median(vec![3]), 3);
        assert_eq!(median(vec![4, 1]), 2);
        assert_eq!(median(vec![9, 1, 5]), 5);
    }

    #[test]
    fn percentiles_go_by_weight() {
        assert_eq!(percentiles(vec![], 0), [0; 5]);
        assert_eq!(percentiles(vec![(7, 400)], 400), [7; 5]);
        // Nine tenths of the weight pay 1.
        assert_eq!(percentiles(vec![(5, 10), (1, 90)], 100), [1, 1, 1, 1, 1]);
        assert_eq!(percentiles(vec![(1, 10), (2, 15), (3, 25), (4, 25), (5, 15), (6, 10)], 100), [1, 2, 3, 4, 5]);
    }
}
