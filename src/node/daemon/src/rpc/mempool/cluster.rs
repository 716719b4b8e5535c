//! How the pool is cut into chunks: a cluster, and the fee rate diagram of the whole.

use ::rpc::{Arg, Json, Method, Object, Res, method};

use super::info::find;
use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![cluster(), diagram()]
}

fn cluster() -> Method<NodeContext> {
    let chunk = [
        Res::amount("chunkfee", "fees of the transactions in this chunk"),
        Res::num("chunkweight", "sigops-adjusted weight of all transactions in this chunk"),
        Res::arr("txs", "transactions in this chunk in mining order", [Res::hex("txid", "transaction id")]),
    ];
    let fields = [
        Res::num(
            "clusterweight",
            "total sigops-adjusted weight (as defined in BIP 141 and modified by '-bytespersigop')",
        ),
        Res::num("txcount", "number of transactions"),
        Res::arr("chunks", "chunks in this cluster (in mining order)", [Res::obj("chunk", "", chunk)]),
    ];
    method("blockchain", "getmempoolcluster", "Returns mempool data for given cluster\n")
        .arg(Arg::hex("txid", "The txid of a transaction in the cluster"))
        .result(Res::obj("", "", fields))
        .example_cli("txid")
        .example_rpc("txid")
        .run(|node: &NodeContext, request| {
            let pool = node.mempool().read();
            let (_, entry) = find(&pool, request)?;
            let (mut weight, mut count, mut chunks) = (0i64, 0, Vec::new());
            for (rate, ids) in pool.cluster_of(entry) {
                weight = weight.saturating_add(rate.size);
                count += ids.len();
                let txids = ids.iter().filter_map(|id| Some(pool.get(*id)?.tx.txid().to_string()));
                let chunk = Object::new()
                    .with("chunkfee", Json::amount(rate.fee))
                    .with("chunkweight", rate.size)
                    .with("txs", txids.collect::<Json>());
                chunks.push(Json::from(chunk));
            }
            Ok(Object::new()
                .with("clusterweight", weight)
                .with("txcount", count)
                .with("chunks", Json::Arr(chunks))
                .into())
        })
}

fn diagram() -> Method<NodeContext> {
    let point = [Res::num("weight", "cumulative sigops-adjusted weight"), Res::amount("fee", "cumulative fee")];
    method("hidden", "getmempoolfeeratediagram", "Returns the feerate diagram for the whole mempool.\n")
        .result(Res::arr("", "", [Res::obj("", "", point)]).when("mempool chunks"))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let pool = node.mempool().read();
            let mut sum = mempool::FeeRate::default();
            let show =
                |point: mempool::FeeRate| Object::new().with("weight", point.size).with("fee", Json::amount(point.fee));
            let corners = pool.diagram().map(|chunk| {
                sum += chunk;
                show(sum)
            });
            Ok(std::iter::once(show(mempool::FeeRate::default())).chain(corners).collect())
        })
}
