//! The UTXO set, taken from a file.

use std::path::Path;

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::{Loaded, Metadata, SnapshotRefusal};

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![load()]
}

fn load() -> Method<NodeContext> {
    let fields = [
        Res::num("coins_loaded", "the number of coins loaded from the snapshot"),
        Res::hex("tip_hash", "the hash of the base of the snapshot"),
        Res::num("base_height", "the height of the base of the snapshot"),
        Res::str("path", "the absolute path that the snapshot was loaded from"),
    ];
    let call = ::rpc::Example::Cli { method: "-rpcclienttimeout=0 loadtxoutset".into(), args: "utxo.dat".into() };
    method(
        "blockchain",
        "loadtxoutset",
        "Load the serialized UTXO set from a file.\n\
         Once this snapshot is loaded, its contents will be deserialized into a second chainstate data structure, which is then used to sync to the network's tip. \
         Meanwhile, the original chainstate will complete the initial block download process in the background, eventually validating up to the block that the snapshot is based upon.\n\n\
         The result is a usable bitcoind instance that is current with the network tip in a matter of minutes rather than hours. UTXO snapshot are typically obtained from third-party sources (HTTP, torrent, etc.) which is reasonable since their contents are always checked by hash.\n\n\
         You can find more information on this process in the `assumeutxo` design document (<https://github.com/bitcoin/bitcoin/blob/master/doc/design/assumeutxo.md>).",
    )
    .arg(Arg::str("path", "path to the snapshot file. If relative, will be prefixed by datadir."))
    .result(Res::obj("", "", fields))
    .example(call)
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let path = node.config.net_dir().join(request.str("path")?);
    let file = std::fs::File::open(&path)
        .map_err(|_| RpcError::invalid_parameter(format!("Couldn't open file {} for reading.", path.display())))?;
    let mut file = std::io::BufReader::new(file);
    let reader = node.reader();
    let about = Metadata::read(&mut file, reader.params())
        .map_err(|e| RpcError::new(Code::DESERIALIZATION_ERROR, format!("Unable to parse metadata: {e}")))?;
    let refused = |refusal: SnapshotRefusal| refused(&refusal, &path);
    reader.may_load(&about.base).map_err(refused)?;
    if !node.mempool().read().is_empty() {
        return Err(refused(SnapshotRefusal::Mempool));
    }
    let mut go_on = || node.rpc_state.is_running() && !request.caller.cancel.is_cancelled();
    let loaded = reader.load_coins(&about, &mut file, &mut go_on).map_err(refused)?;
    let coins = loaded.coins;
    let base = begin(node, loaded)?.map_err(refused)?;
    let block = reader.node(base);
    Ok(Object::new()
        .with("coins_loaded", coins)
        .with("tip_hash", block.hash.to_string())
        .with("base_height", block.height)
        .with("path", path.display().to_string())
        .into())
}

fn begin(node: &NodeContext, loaded: Loaded) -> Result<Result<chainstate::NodeId, SnapshotRefusal>, RpcError> {
    let pool = node.mempool().clone();
    node.validate(move |engine| {
        // Transactions may have come while the file was read.
        if pool.read().is_empty() { engine.begin_with(loaded) } else { Ok(Err(SnapshotRefusal::Mempool)) }
    })
}

fn refused(refusal: &SnapshotRefusal, path: &Path) -> RpcError {
    RpcError::new(Code::INTERNAL_ERROR, format!("Unable to load UTXO snapshot: {refusal}. ({})", path.display()))
}
