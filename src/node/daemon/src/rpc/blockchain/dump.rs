//! The UTXO set, written to a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use chainstate::{DumpError, Dumped, Node, NodeId, Scratch};
use primitives::hex;

use super::{coins, rates};
use crate::{NodeContext, rpc::parse};

/// The name under which blocks are kept from being pruned meanwhile.
const LOCK: &str = "dumptxoutset";

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![dump()]
}

fn dump() -> Method<NodeContext> {
    let fields = [
        Res::num("coins_written", "the number of coins written in the snapshot"),
        Res::hex("base_hash", "the hash of the base of the snapshot"),
        Res::num("base_height", "the height of the base of the snapshot"),
        Res::str("path", "the absolute path that the snapshot was written to"),
        Res::hex("txoutset_hash", "the hash of the UTXO set contents"),
        Res::num("nchaintx", "the number of transactions in the chain up to and including the base block"),
    ];
    let options = [
        Arg::num("rollback", "Height or hash of the block to roll back to before creating the snapshot. Note: The further this number is from the tip, the longer this process will take. Consider setting a higher -rpcclienttimeout value in this case.")
            .optional()
            .skip_type_check()
            .type_words("", "string or numeric"),
        Arg::bool("in_memory", "If true, the temporary UTXO-set database used during rollback is kept entirely in memory. This can significantly speed up the process but requires sufficient free RAM (over 10 GB on mainnet).")
            .default(false),
    ];
    let call = "-rpcclienttimeout=0 dumptxoutset";
    let named = "-rpcclienttimeout=0 -named dumptxoutset";
    let example =
        |method: &'static str, args: &'static str| ::rpc::Example::Cli { method: method.into(), args: args.into() };
    method(
        "blockchain",
        "dumptxoutset",
        "Write the serialized UTXO set to a file. This can be used in loadtxoutset afterwards if this snapshot height is supported in the chainparams as well.\n\
         This creates a temporary UTXO database when rolling back, keeping the main chain intact. Should the node experience an unclean shutdown the temporary database may need to be removed from the datadir manually.\n\
         For deep rollbacks, make sure to use no RPC timeout (bitcoin-cli -rpcclienttimeout=0) as it may take several minutes.",
    )
    .arg(Arg::str("path", "Path to the output file. If relative, will be prefixed by datadir."))
    .arg(Arg::str("type", "The type of snapshot to create. Can be \"latest\" to create a snapshot of the current UTXO set or \"rollback\" to temporarily roll back the state of the node to a historical block before creating the snapshot of a historical UTXO set. This parameter can be omitted if a separate \"rollback\" named parameter is specified indicating the height or hash of a specific historical block. If \"rollback\" is specified and separate \"rollback\" named parameter is not specified, this will roll back to the latest valid snapshot block that can currently be loaded with loadtxoutset.").default(""))
    .arg(Arg::obj_named("options", "", options).optional())
    .result(Res::obj("", "", fields))
    .example(example(call, "utxo.dat latest"))
    .example(example(call, "utxo.dat rollback"))
    .example(example(named, "utxo.dat rollback=853456"))
    .example(example(named, "utxo.dat rollback=853456 in_memory=true"))
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let options = request.arg("options");
    let kind = request.str("type")?;
    let wanted = match (options.get("rollback"), kind) {
        (Json::Null, "latest") => None,
        (Json::Null, "rollback") => Some(last_known(node)?),
        (Json::Null, other) => {
            return Err(RpcError::invalid_parameter(format!(
                "Invalid snapshot type \"{other}\" specified. Please specify \"rollback\" or \"latest\""
            )));
        }
        (block, "" | "rollback") => Some(rates::by_hash_or_height(node, block)?),
        (_, other) => {
            return Err(RpcError::invalid_parameter(format!(
                "Invalid snapshot type \"{other}\" specified with rollback option"
            )));
        }
    };
    let in_memory = match options.get("in_memory") {
        Json::Null => false,
        value => value.as_bool()?,
    };
    let path = node.config.net_dir().join(request.str("path")?);
    let target = Target::open(&path)?;
    let written = write(node, request, wanted, in_memory, &target);
    let (dumped, base) = match written {
        Ok(written) => {
            target.finish()?;
            written
        }
        Err(e) => {
            target.give_up();
            return Err(e);
        }
    };
    let mut digest = dumped.digest;
    digest.reverse();
    Ok(Object::new()
        .with("coins_written", dumped.coins)
        .with("base_hash", base.hash.to_string())
        .with("base_height", base.height)
        .with("path", path.display().to_string())
        .with("txoutset_hash", hex::encode(&digest))
        .with("nchaintx", base.chain_tx_count)
        .into())
}

/// The highest block whose snapshot nodes of this chain take.
fn last_known(node: &NodeContext) -> Result<(NodeId, Node), RpcError> {
    let heights = node.rules.params().chain().assumeutxo.iter().map(|known| known.height);
    let highest = heights.max().ok_or_else(|| {
        RpcError::invalid_parameter("No snapshot of this chain can be loaded. Please name a block with \"rollback\"")
    })?;
    rates::by_hash_or_height(node, &Json::from(highest))
}

fn write(
    node: &NodeContext,
    request: &Request,
    wanted: Option<(NodeId, Node)>,
    in_memory: bool,
    target: &Target,
) -> Result<(Dumped, Node), RpcError> {
    let reader = node.reader();
    let _lock = wanted.as_ref().map(|(_, base)| KeepBlocks::from(node, base.height));
    if let Some((_, base)) = &wanted {
        let tip = reader.tip().ok_or_else(parse::no_tip)?;
        if reader.have_pruned() && reader.tree(|tree| tree.last_pruned(tip.id)) > Some(base.height) {
            return Err(RpcError::misc(
                "Could not roll back to requested height since necessary block data is already pruned.",
            ));
        }
    }
    let ((tip, _), fixed) = coins::hold_still(node)?;
    let (tip, tip_node) = reader.find(&tip).ok_or_else(parse::no_tip)?;
    let (base, base_node) = wanted.unwrap_or((tip, tip_node));
    let beside = target.written.with_file_name(format!("temp_utxo_{}", base_node.height));
    let scratch = if in_memory || base == tip { Scratch::Memory } else { Scratch::Directory(&beside) };
    let mut go_on = || node.rpc_state.is_running() && !request.caller.cancel.is_cancelled();
    let mut out = std::io::BufWriter::new(&target.file);
    let dumped = reader.dump_coins(tip, base, scratch, &mut out, || drop(fixed), &mut go_on);
    let dumped = dumped.and_then(|dumped| Ok(out.flush().map(|()| dumped)?)).map_err(|e| match e {
        DumpError::NotActive => RpcError::invalid_parameter(e.to_string()),
        e => RpcError::new(Code::INTERNAL_ERROR, e.to_string()),
    })?;
    Ok((dumped, base_node))
}

/// Keeps blocks from being pruned until it is dropped.
struct KeepBlocks<'a>(&'a NodeContext);

impl<'a> KeepBlocks<'a> {
    fn from(node: &'a NodeContext, height: u32) -> Self {
        node.reader().set_prune_lock(LOCK, Some(height));
        Self(node)
    }
}

impl Drop for KeepBlocks<'_> {
    fn drop(&mut self) {
        self.0.reader().set_prune_lock(LOCK, None);
    }
}

/// The file. Under its own name it is complete; a pipe is written to at once.
struct Target {
    file: std::fs::File,
    written: PathBuf,
    path: PathBuf,
    is_pipe: bool,
}

impl Target {
    fn open(path: &Path) -> Result<Self, RpcError> {
        let is_pipe = is_pipe(path);
        if path.exists() && !is_pipe {
            return Err(RpcError::invalid_parameter(format!(
                "{} already exists. If you are sure this is what you want, move it out of the way first",
                path.display()
            )));
        }
        let mut written = path.as_os_str().to_owned();
        if !is_pipe {
            written.push(".incomplete");
        }
        let written = PathBuf::from(written);
        let opened = if is_pipe {
            std::fs::OpenOptions::new().write(true).open(&written)
        } else {
            std::fs::File::create(&written)
        };
        let file = opened.map_err(|_| {
            RpcError::invalid_parameter(format!("Couldn't open file {} for writing.", written.display()))
        })?;
        Ok(Self { file, written, path: path.to_owned(), is_pipe })
    }

    fn finish(&self) -> Result<(), RpcError> {
        if self.is_pipe {
            return Ok(());
        }
        let done = self.file.sync_all().and_then(|()| std::fs::rename(&self.written, &self.path));
        done.map_err(|e| RpcError::new(Code::INTERNAL_ERROR, format!("Failed to write the snapshot: {e}")))
    }

    fn give_up(&self) {
        if !self.is_pipe {
            // What is left of it is in nobody's way.
            let _ = std::fs::remove_file(&self.written);
        }
    }
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}
