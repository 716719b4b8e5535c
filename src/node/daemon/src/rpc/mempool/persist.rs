//! Keeping the pool in a file, and taking one in.

use std::path::Path;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use mempool::{Dump, ImportOptions};
use platform::SystemEntropy;

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![save(), import()]
}

fn save() -> Method<NodeContext> {
    method(
        "blockchain",
        "savemempool",
        "Dumps the mempool to disk. It will fail until the previous dump is fully loaded.\n",
    )
    .result(Res::obj("", "", [Res::str("filename", "the directory and file where the mempool was saved")]))
    .example_cli("")
    .example_rpc("")
    .run(|node: &NodeContext, _| {
        if !node.mempool().read().load_tried() {
            return Err(RpcError::misc("The mempool was not loaded yet"));
        }
        let path = node.mempool_file();
        let (dump, v1) = {
            let pool = node.mempool().read();
            (Dump::of(&pool), pool.options().persist_v1)
        };
        dump.save(&path, v1, &SystemEntropy).map_err(|e| {
            tracing::info!("Failed to dump mempool: {e}. Continuing anyway.");
            RpcError::misc("Unable to dump mempool to disk")
        })?;
        Ok(Object::new().with("filename", path.display().to_string()).into())
    })
}

fn import() -> Method<NodeContext> {
    let options = [
        Arg::bool(
            "use_current_time",
            "Whether to use the current system time or use the entry time metadata from the mempool file.\n\
             Warning: Importing untrusted metadata may lead to unexpected issues and undesirable behavior.",
        )
        .default(true),
        Arg::bool(
            "apply_fee_delta_priority",
            "Whether to apply the fee delta metadata from the mempool file.\n\
             It will be added to any existing fee deltas.\n\
             The fee delta can be set by the prioritisetransaction RPC.\n\
             Warning: Importing untrusted metadata may lead to unexpected issues and undesirable behavior.\n\
             Only set this bool if you understand what it does.",
        )
        .default(false),
        Arg::bool(
            "apply_unbroadcast_set",
            "Whether to apply the unbroadcast set metadata from the mempool file.\n\
             Warning: Importing untrusted metadata may lead to unexpected issues and undesirable behavior.",
        )
        .default(false),
    ];
    method(
        "blockchain",
        "importmempool",
        "Import a mempool.dat file and attempt to add its contents to the mempool.\n\
         Warning: Importing untrusted files is dangerous, especially if metadata from the file is taken over.\n",
    )
    .arg(Arg::str("filepath", "The mempool file"))
    .arg(Arg::obj_named("options", "", options).optional().oneline("options"))
    .result(Res::obj("", "", []))
    .example_cli("/path/to/mempool.dat")
    .example_rpc("/path/to/mempool.dat")
    .run(answer_import)
}

fn answer_import(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    if node.reader().initial_download() {
        let text = "Can only import the mempool after the block download and sync is done.";
        return Err(RpcError::new(Code::CLIENT_IN_INITIAL_DOWNLOAD, text));
    }
    let given = request.arg("options");
    let flag = |name: &str, default: bool| match given.get(name) {
        Json::Null => Ok(default),
        value => value.as_bool(),
    };
    let options = ImportOptions {
        use_current_time: flag("use_current_time", true)?,
        apply_deltas: flag("apply_fee_delta_priority", false)?,
        apply_unbroadcast: flag("apply_unbroadcast_set", false)?,
    };
    let failed = || RpcError::misc("Unable to import mempool file, see debug log for details.");
    let path = request.str("filepath")?;
    let bytes = std::fs::read(Path::new(path)).map_err(|e| {
        tracing::info!("Failed to open mempool file. Continuing anyway. ({e})");
        failed()
    })?;
    let mut stopped = None;
    let loaded = node.mempool().load_in_steps(node.reader().codec(), bytes, options, |txs| {
        let (pool, txs) = (node.mempool().clone(), txs.to_vec());
        let done = node.validate(move |engine| Ok(pool.import(&engine.reader(), &txs, options)?));
        Ok(done.map_err(|error| stopped = Some(error)).ok())
    });
    loaded.map_err(|_| failed())?;
    if let Some(error) = stopped {
        return Err(error);
    }
    Ok(Object::new().into())
}
