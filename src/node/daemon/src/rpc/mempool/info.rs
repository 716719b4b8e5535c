//! Looking into the pool.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use mempool::{Entry, EntryId, Pool};
use primitives::hex;

use crate::{NodeContext, rpc::parse};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![
        overview(),
        names(),
        entry(),
        relatives("getmempoolancestors", "ancestors", Pool::ancestors),
        relatives("getmempooldescendants", "descendants", Pool::descendants),
    ]
}

fn overview() -> Method<NodeContext> {
    let fields = vec![
        Res::bool("loaded", "True if the initial load attempt of the persisted mempool finished"),
        Res::num("size", "Current tx count"),
        Res::num(
            "bytes",
            "Sum of all virtual transaction sizes as defined in BIP 141. Differs from actual serialized size because witness data is discounted",
        ),
        Res::num("usage", "Total memory usage for the mempool"),
        Res::amount(
            "total_fee",
            "Total fees for the mempool in {ticker}, ignoring modified fees through prioritisetransaction",
        ),
        Res::num("maxmempool", "Maximum memory usage for the mempool"),
        Res::amount(
            "mempoolminfee",
            "Minimum fee rate in {ticker}/kvB for tx to be accepted. Is the maximum of minrelaytxfee and minimum mempool fee",
        ),
        Res::amount("minrelaytxfee", "Current minimum relay fee for transactions"),
        Res::amount("incrementalrelayfee", "minimum fee rate increment for mempool limiting or replacement in {ticker}/kvB"),
        Res::num("unbroadcastcount", "Current number of transactions that haven't passed initial broadcast yet"),
        Res::bool("permitbaremultisig", "True if the mempool accepts transactions with bare multisig outputs").since(30),
        Res::num("maxdatacarriersize", "Maximum number of bytes that can be used by OP_RETURN outputs in the mempool").since(30),
        Res::num(
            "limitclustercount",
            "Maximum number of transactions that can be in a cluster (configured by -limitclustercount)",
        )
        .since(31),
        Res::num("limitclustersize", "Maximum size of a cluster in virtual bytes (configured by -limitclustersize)").since(31),
        Res::bool("optimal", "If the mempool is in a known-optimal transaction ordering").since(31),
        Res::bool("fullrbf", "True if the mempool accepts RBF without replaceability signaling inspection (DEPRECATED, only with -deprecatedrpc=fullrbf)").optional(),
    ];
    method("blockchain", "getmempoolinfo", "Returns details on the active state of the TX memory pool.\n")
        .result(Res::obj("", "", fields))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let floor = node.mempool().min_fee().fee_per_kvb();
            let pool = node.mempool().read();
            let options = pool.options();
            let relay = options.min_relay_fee.fee_per_kvb();
            let mut info = Object::new()
                .with("loaded", pool.load_tried())
                .with("size", pool.len())
                .with("bytes", pool.total_vsize())
                .with("usage", pool.memory_usage())
                .with("total_fee", Json::amount(pool.total_fee()))
                .with("maxmempool", options.max_bytes)
                .with("mempoolminfee", Json::amount(floor.max(relay)))
                .with("minrelaytxfee", Json::amount(relay))
                .with("incrementalrelayfee", Json::amount(options.incremental_relay_fee.fee_per_kvb()))
                .with("unbroadcastcount", pool.unbroadcast().len())
                .with("permitbaremultisig", options.permit_bare_multisig)
                .with("maxdatacarriersize", options.max_datacarrier.unwrap_or(0))
                .with("limitclustercount", options.limits.cluster_count)
                .with("limitclustersize", options.limits.cluster_vsize)
                .with("optimal", true);
            if is_enabled(node, "fullrbf") {
                info.push("fullrbf", true);
            }
            Ok(info.into())
        })
}

/// Whether the user wants what is on its way out.
fn is_enabled(node: &NodeContext, what: &str) -> bool {
    node.config.answers_deprecated(what)
}

/// The fields of a transaction in the pool.
fn entry_fields() -> Vec<Res> {
    let fees = [
        Res::amount("base", "transaction fee, denominated in {ticker}"),
        Res::amount("modified", "transaction fee with fee deltas used for mining priority, denominated in {ticker}"),
        Res::amount(
            "ancestor",
            "transaction fees of in-mempool ancestors (including this one) with fee deltas used for mining priority, denominated in {ticker}",
        ),
        Res::amount(
            "descendant",
            "transaction fees of in-mempool descendants (including this one) with fee deltas used for mining priority, denominated in {ticker}",
        ),
        Res::amount("chunk", "transaction fees of chunk, denominated in {ticker}").since(31),
    ];
    vec![
        Res::num("vsize", "(DEPRECATED) Was previously erroneously described as the BIP 141 vsize, but is actually sigops-adjusted vsize.\nUse vsize_bip141 to actually get that behavior or switch to the explicit vsize_adjusted for retained behavior."),
        Res::num("vsize_bip141", "Virtual transaction size as defined in BIP 141.\nThis is different from actual serialized size for witness transactions as witness data is discounted.").since(32),
        Res::num(
            "vsize_adjusted",
            "Maximum of sigop-adjusted size (-bytespersigop) and virtual transaction size as defined in BIP 141.",
        )
        .since(32),
        Res::num("weight", "transaction weight as defined in BIP 141."),
        Res::time("time", "local time transaction entered pool in seconds since 1 Jan 1970 GMT"),
        Res::num("height", "block height when transaction entered pool"),
        Res::num("descendantcount", "number of in-mempool descendant transactions (including this one)"),
        Res::num("descendantsize", "virtual transaction size of in-mempool descendants (including this one)"),
        Res::num("ancestorcount", "number of in-mempool ancestor transactions (including this one)"),
        Res::num("ancestorsize", "virtual transaction size of in-mempool ancestors (including this one)"),
        Res::num(
            "chunkweight",
            "sigops-adjusted weight (as defined in BIP 141 and modified by '-bytespersigop') of this transaction's chunk",
        )
        .since(31),
        Res::hex("wtxid", "hash of serialized transaction, including witness data"),
        Res::obj("fees", "", fees),
        Res::arr(
            "depends",
            "unconfirmed transactions used as inputs for this transaction",
            [Res::hex("transactionid", "parent transaction id")],
        ),
        Res::arr(
            "spentby",
            "unconfirmed transactions spending outputs from this transaction",
            [Res::hex("transactionid", "child transaction id")],
        ),
        Res::bool(
            "unbroadcast",
            "Whether this transaction is currently unbroadcast (initial broadcast not yet acknowledged by any peers)",
        ),
        Res::bool(
            "bip125-replaceable",
            "Whether this transaction signals BIP125 replaceability or has an unconfirmed ancestor signaling BIP125 replaceability. (DEPRECATED, only with -deprecatedrpc=bip125)\n",
        )
        .optional(),
    ]
}

fn show(node: &NodeContext, pool: &Pool, id: EntryId, entry: &Entry) -> Object {
    let (ancestors, ancestor_size, ancestor_fees) = pool.totals(&pool.ancestors(id));
    let (descendants, descendant_size, descendant_fees) = pool.totals(&pool.descendants(id));
    let chunk = pool.chunk_of(entry).map_or_else(|| entry.fee_rate(), |(rate, _)| rate);
    let fees = Object::new()
        .with("base", Json::amount(entry.fee))
        .with("modified", Json::amount(entry.modified_fee))
        .with("ancestor", Json::amount(ancestor_fees))
        .with("descendant", Json::amount(descendant_fees))
        .with("chunk", Json::amount(chunk.fee));
    let txids = |ids: &[EntryId]| {
        let mut txids: Vec<String> = ids.iter().filter_map(|i| Some(hex::of_hash(&pool.get(*i)?.tx.txid()))).collect();
        txids.sort_unstable();
        txids
    };
    let mut shown = Object::new()
        .with("vsize_adjusted", entry.vsize)
        .with("vsize", entry.vsize)
        .with("vsize_bip141", entry.tx.vsize())
        .with("weight", entry.tx.weight())
        .with("time", entry.time)
        .with("height", entry.height)
        .with("descendantcount", descendants)
        .with("descendantsize", descendant_size)
        .with("ancestorcount", ancestors)
        .with("ancestorsize", ancestor_size)
        .with("wtxid", hex::of_hash(&entry.tx.wtxid()))
        .with("chunkweight", chunk.size)
        .with("fees", fees)
        .with("depends", txids(entry.parents()))
        .with("spentby", txids(entry.children()))
        .with("unbroadcast", pool.id_of(&entry.tx.txid()).is_some_and(|id| pool.is_unbroadcast(id)));
    if is_enabled(node, "bip125") {
        shown.push("bip125-replaceable", pool.signals_replacement(id));
    }
    shown
}

fn names() -> Method<NodeContext> {
    method(
        "blockchain",
        "getrawmempool",
        "Returns all transaction ids in memory pool as a json array of string transaction ids.\n\
         \nHint: use getmempoolentry to fetch a specific transaction from the mempool.\n",
    )
    .arg(Arg::bool("verbose", "True for a json object, false for array of transaction ids").default(false))
    .arg(
        Arg::bool(
            "mempool_sequence",
            "If verbose=false, returns a json object with transaction list and mempool sequence number attached.",
        )
        .default(false),
    )
    .result(Res::arr("", "", [Res::hex("", "The transaction id")]).when("for verbose = false"))
    .result(Res::obj_dyn("", "", [Res::obj("transactionid", "", entry_fields())]).when("for verbose = true"))
    .result(
        Res::obj(
            "",
            "",
            [
                Res::arr("txids", "", [Res::hex("", "The transaction id")]),
                Res::num("mempool_sequence", "The mempool sequence value."),
            ],
        )
        .when("for verbose = false and mempool_sequence = true"),
    )
    .example_cli("true")
    .example_rpc("true")
    .run(answer_names)
}

fn answer_names(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let (verbose, sequence) = (request.bool("verbose")?, request.bool("mempool_sequence")?);
    if verbose && sequence {
        return Err(RpcError::invalid_parameter("Verbose results cannot contain mempool sequence values."));
    }
    let pool = node.mempool().read();
    if verbose {
        let shown = pool.in_mining_order().filter_map(|(entry, _)| {
            let txid = entry.tx.txid();
            Some((txid.to_string(), show(node, &pool, pool.id_of(&txid)?, entry)))
        });
        return Ok(Json::Obj(shown.collect()));
    }
    let txids: Json = pool.in_mining_order().map(|(entry, _)| hex::of_hash(&entry.tx.txid())).collect();
    if sequence {
        return Ok(Object::new().with("txids", txids).with("mempool_sequence", pool.sequence()).into());
    }
    Ok(txids)
}

/// The entry that an argument names.
pub(super) fn find<'a>(pool: &'a Pool, request: &Request) -> Result<(EntryId, &'a Entry), RpcError> {
    let id = pool.id_of(&parse::hash(request, "txid")?);
    id.and_then(|id| Some((id, pool.get(id)?)))
        .ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Transaction not in mempool"))
}

fn entry() -> Method<NodeContext> {
    method("blockchain", "getmempoolentry", "Returns mempool data for given transaction\n")
        .arg(Arg::hex("txid", "The transaction id (must be in mempool)"))
        .result(Res::obj("", "", entry_fields()))
        .example_cli("\"mytxid\"")
        .example_rpc("\"mytxid\"")
        .run(|node: &NodeContext, request| {
            let pool = node.mempool().read();
            let (id, entry) = find(&pool, request)?;
            Ok(show(node, &pool, id, entry).into())
        })
}

fn relatives(
    name: &'static str,
    what: &'static str,
    of: fn(&Pool, EntryId) -> std::collections::BTreeSet<EntryId>,
) -> Method<NodeContext> {
    method("blockchain", name, format!("If txid is in the mempool, returns all in-mempool {what}.\n"))
        .arg(Arg::hex("txid", "The transaction id (must be in mempool)"))
        .arg(Arg::bool("verbose", "True for a json object, false for array of transaction ids").default(false))
        .result(
            Res::arr("", "", [Res::hex("", format!("The transaction id of an in-mempool relative ({what})"))])
                .when("for verbose = false"),
        )
        .result(Res::obj_dyn("", "", [Res::obj("transactionid", "", entry_fields())]).when("for verbose = true"))
        .example_cli("\"mytxid\"")
        .example_rpc("\"mytxid\"")
        .run(move |node: &NodeContext, request| {
            let pool = node.mempool().read();
            let (id, _) = find(&pool, request)?;
            let others = of(&pool, id).into_iter().filter(|other| *other != id);
            let entries = others.filter_map(|other| Some((other, pool.get(other)?)));
            Ok(if request.bool("verbose")? {
                Json::Obj(entries.map(|(i, e)| (hex::of_hash(&e.tx.txid()), show(node, &pool, i, e))).collect())
            } else {
                entries.map(|(_, e)| hex::of_hash(&e.tx.txid())).collect()
            })
        })
}
