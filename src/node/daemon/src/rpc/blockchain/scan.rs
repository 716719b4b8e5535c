//! Looking for what descriptors describe: in the UTXO set and in block filters.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method, values::range_from_value};
use bitcoin::{OutPoint, ScriptBuf};
use chainstate::Node;
use descriptors::{DeriveError, Descriptor, NoPrivateKeys, Notation, Range, scan_scripts};
use primitives::{TxOutEntry, hex};

use crate::{NodeContext, rpc::parse, wallet_host::scripts_behind_keys};

use super::{blocks, coins, index, rates};

/// Blocks between two looks at whether to go on.
const CHUNK: u32 = 1000;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![tx_out_set(), scan_blocks()]
}

/// A scan of which only one may run at a time: its progress, and whether somebody asked it to end.
#[derive(Debug, Default)]
pub struct Scan {
    running: AtomicBool,
    aborted: AtomicBool,
    percent: AtomicU32,
    height: AtomicU32,
}

/// The right to scan; given back when dropped.
struct Running<'a>(&'a Scan);

impl Scan {
    fn begin(&self) -> Result<Running<'_>, RpcError> {
        if self.running.swap(true, Ordering::AcqRel) {
            return Err(RpcError::invalid_parameter("Scan already in progress, use action \"abort\" or \"status\""));
        }
        self.aborted.store(false, Ordering::Release);
        self.percent.store(0, Ordering::Release);
        Ok(Running(self))
    }

    fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    fn abort(&self) -> bool {
        let running = self.is_running();
        self.aborted.store(running, Ordering::Release);
        running
    }

    fn go_on(&self, node: &NodeContext, request: &Request) -> bool {
        !self.aborted.load(Ordering::Acquire) && node.rpc_state.is_running() && !request.caller.cancel.is_cancelled()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
    }
}

fn action() -> Arg {
    Arg::str(
        "action",
        "The action to execute\n\"start\" for starting a scan\n\
         \"abort\" for aborting the current scan (returns true when abort was successful)\n\
         \"status\" for progress report (in %) of the current scan",
    )
}

pub(super) fn scan_objects(description: &'static str) -> Arg {
    let object = [
        Arg::str("desc", "An output descriptor"),
        Arg::range("range", "The range of HD chain indexes to explore (either end or [begin,end])").default(1000),
    ];
    let inner = [
        Arg::str("descriptor", "An output descriptor").optional(),
        Arg::obj("", "An object with output descriptor and metadata", object).optional(),
    ];
    Arg::arr("scanobjects", description, inner).oneline("[scanobjects,...]")
}

const REQUIRED_TO_START: &str = "Array of scan objects. Required for \"start\" action\n\
    Every scan object is either a string descriptor or an object:";

fn aborted() -> Res {
    Res::bool(
        "success",
        "True if scan will be aborted (not necessarily before this RPC returns), or false if there is no scan to abort",
    )
    .when("when action=='abort'")
}

fn nothing_runs() -> Res {
    Res::none("", "").when("when action=='status' and no scan is in progress - possibly already completed")
}

/// The scripts that scan objects mean, each with the descriptor of it that says most.
pub(super) fn needles(node: &NodeContext, objects: &Json) -> Result<HashMap<ScriptBuf, Descriptor>, RpcError> {
    let notation = Notation::new(node.config.coin(), node.config.chain());
    let mut all = HashMap::new();
    for object in objects.as_arr()? {
        let (text, range) = match object {
            Json::Str(text) => (text.as_str(), None),
            Json::Obj(object) => {
                let text = object.get("desc").filter(|desc| !desc.is_null());
                let text =
                    text.ok_or_else(|| RpcError::invalid_parameter("Descriptor needs to be provided in scan object"))?;
                (text.as_str()?, object.get("range").filter(|range| !range.is_null()))
            }
            _ => {
                return Err(RpcError::invalid_parameter("Scan object needs to be either a string or an object"));
            }
        };
        if let Some(scripts) = scripts_behind_keys(node, text, range)? {
            all.extend(scripts);
            continue;
        }
        let range = match range.map(range_from_value).transpose()? {
            Some((begin, end)) => Some(Range::new(begin, end).map_err(|e| RpcError::invalid_parameter(e.to_string()))?),
            None => None,
        };
        let scripts = scan_scripts(text, range, &notation, &mut NoPrivateKeys);
        let scripts = scripts.map_err(|e: DeriveError| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, e.to_string()))?;
        all.extend(scripts);
    }
    Ok(all)
}

fn start_objects(request: &Request) -> Result<&Json, RpcError> {
    request.opt("scanobjects").ok_or_else(|| RpcError::misc("scanobjects argument is required for the start action"))
}

fn tx_out_set() -> Method<NodeContext> {
    let unspent = [
        Res::hex("txid", "The transaction id"),
        Res::num("vout", "The vout value"),
        Res::hex("scriptPubKey", "The output script"),
        Res::str("desc", "A specialized descriptor for the matched output script"),
        Res::amount("value", "The amount at the height that it was written for").optional().skip_in_help(),
        Res::num("refheight", "The height that the value was written for").optional().skip_in_help(),
        Res::amount("amount", "The total amount in {ticker} of the unspent output"),
        Res::bool("coinbase", "Whether this is a coinbase output"),
        Res::num("height", "Height of the unspent transaction output"),
        Res::hex("blockhash", "Blockhash of the unspent transaction output"),
        Res::num("confirmations", "Number of confirmations of the unspent transaction output when the scan was done"),
    ];
    let found = [
        Res::bool("success", "Whether the scan was completed"),
        Res::num("txouts", "The number of unspent transaction outputs scanned"),
        Res::num("height", "The block height at which the scan was done"),
        Res::hex("bestblock", "The hash of the block at the tip of the chain"),
        Res::arr("unspents", "", [Res::obj("", "", unspent)]),
        Res::amount("total_amount", "The total amount of all found unspent outputs in {ticker}"),
    ];
    let raw = "raw(76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188ac)#fm24fxxy";
    method(
        "blockchain",
        "scantxoutset",
        "Scans the unspent transaction output set for entries that match certain output descriptors.\n\
         Examples of output descriptors are:\n    \
         addr(<address>)                      Outputs whose output script corresponds to the specified address (does not include P2PK)\n    \
         raw(<hex script>)                    Outputs whose output script equals the specified hex-encoded bytes\n    \
         combo(<pubkey>)                      P2PK, P2PKH, P2WPKH, and P2SH-P2WPKH outputs for the given pubkey\n    \
         pkh(<pubkey>)                        P2PKH outputs for the given pubkey\n    \
         sh(multi(<n>,<pubkey>,<pubkey>,...)) P2SH-multisig outputs for the given threshold and pubkeys\n    \
         tr(<pubkey>)                         P2TR\n    \
         tr(<pubkey>,{pk(<pubkey>)})          P2TR with single fallback pubkey in tapscript\n    \
         rawtr(<pubkey>)                      P2TR with the specified key as output key rather than inner\n    \
         wsh(and_v(v:pk(<pubkey>),after(2)))  P2WSH miniscript with mandatory pubkey and a timelock\n\
         \nIn the above, <pubkey> either refers to a fixed public key in hexadecimal notation, or to an xpub/xprv optionally followed by one\n\
         or more path elements separated by \"/\", and optionally ending in \"/*\" (unhardened), or \"/*'\" or \"/*h\" (hardened) to specify all\n\
         unhardened or hardened child keys.\n\
         In the latter case, a range needs to be specified by below if different from 1000.\n\
         For more information on output descriptors, see the documentation in the doc/descriptors.md file.\n",
    )
    .arg(action())
    .arg(scan_objects(REQUIRED_TO_START).optional())
    .result(Res::obj("", "", found).when("when action=='start'; only returns after scan completes"))
    .result(aborted())
    .result(
        Res::obj("", "", [Res::num("progress", "Approximate percent complete")])
            .when("when action=='status' and a scan is currently in progress"),
    )
    .result(nothing_runs())
    .example_cli(format!("start '[\"{raw}\"]'"))
    .example_cli("status")
    .example_cli("abort")
    .example_rpc(format!("\"start\", [\"{raw}\"]"))
    .example_rpc("\"status\"")
    .example_rpc("\"abort\"")
    .run(answer_tx_out_set)
}

fn answer_tx_out_set(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let scan = &node.scans.coins;
    match request.str("action")? {
        "status" if scan.is_running() => {
            Ok(Object::new().with("progress", scan.percent.load(Ordering::Acquire)).into())
        }
        "status" => Ok(Json::Null),
        "abort" => Ok(scan.abort().into()),
        "start" => {
            let running = scan.begin()?;
            let needles = needles(node, start_objects(request)?)?;
            scan_coins(node, request, running.0, &needles)
        }
        other => Err(RpcError::invalid_parameter(format!("Invalid action '{other}'"))),
    }
}

fn scan_coins(
    node: &NodeContext,
    request: &Request,
    scan: &Scan,
    needles: &HashMap<ScriptBuf, Descriptor>,
) -> Result<Json, RpcError> {
    let (at, fixed) = coins::hold_still(node)?;
    let (mut seen, mut complete) = (0_u64, true);
    let mut found: BTreeMap<OutPoint, TxOutEntry> = BTreeMap::new();
    let visit = |out: OutPoint, coin: TxOutEntry| {
        seen += 1;
        if seen.is_multiple_of(256) {
            let [first, second, ..] = *AsRef::<[u8; 32]>::as_ref(&out.txid);
            let share = u32::from(first) * 256 + u32::from(second);
            scan.percent.store((share * 100).div_ceil(1 << 16), Ordering::Release);
            complete = !seen.is_multiple_of(8192) || scan.go_on(node, request);
        }
        if needles.contains_key(&coin.out.script_pubkey) {
            found.insert(out, coin);
        }
        complete
    };
    let read = node.reader().for_each_coin(|| drop(fixed), visit);
    read.map_err(|e| RpcError::new(Code::INTERNAL_ERROR, format!("Unable to read UTXO set: {e}")))?;
    let (hash, height) = at;
    let tip = node.reader().find(&hash).map(|(id, _)| id);
    let hash_at = |height: u32| {
        node.reader().tree(|tree| tip.and_then(|tip| tree.ancestor(tip, height)).map(|id| tree[id].hash.to_string()))
    };
    let (mut total, mut unspents) = (0, Vec::new());
    for (out, coin) in found {
        let stated = consensus::value_of(&coin.out);
        let value = node.rules.worth(stated, &coin, height + 1);
        total += value;
        let script = &coin.out.script_pubkey;
        let mut shown = Object::new()
            .with("txid", out.txid.to_string())
            .with("vout", out.vout)
            .with("scriptPubKey", hex::encode(script.as_bytes()))
            .with("desc", needles.get(script).map(Descriptor::to_string).unwrap_or_default());
        if let Some(reference) = coin.refheight() {
            shown.push("value", Json::amount(stated));
            shown.push("refheight", reference);
        }
        shown.push("amount", Json::amount(value));
        shown.push("coinbase", coin.coinbase);
        shown.push("height", coin.height);
        shown.push("blockhash", hash_at(coin.height).unwrap_or_default());
        shown.push("confirmations", (height + 1).saturating_sub(coin.height));
        unspents.push(Json::from(shown));
    }
    Ok(Object::new()
        .with("success", complete)
        .with("txouts", seen)
        .with("height", height)
        .with("bestblock", hash.to_string())
        .with("unspents", Json::Arr(unspents))
        .with("total_amount", Json::amount(total))
        .into())
}

fn scan_blocks() -> Method<NodeContext> {
    let found = [
        Res::num("from_height", "The height we started the scan from"),
        Res::num("to_height", "The height we ended the scan at"),
        Res::arr(
            "relevant_blocks",
            "Blocks that may have matched a scanobject.",
            [Res::hex("blockhash", "A relevant blockhash")],
        ),
        Res::bool("completed", "true if the scan process was not aborted"),
    ];
    let progress = [
        Res::num("progress", "Approximate percent complete"),
        Res::num("current_height", "Height of the block currently being scanned"),
    ];
    let options = [Arg::bool(
        "filter_false_positives",
        "Filter false positives (slower and may fail on pruned nodes). Otherwise they may occur at a rate of 1/M",
    )
    .default(false)];
    let example = "[\"addr(bcrt1q4u4nsgk6ug0sqz7r3rj9tykjxrsl0yy4d0wwte)\"]";
    method(
        "blockchain",
        "scanblocks",
        "Return relevant blockhashes for given descriptors (requires blockfilterindex).\n\
         This call may take several minutes. Make sure to use no RPC timeout (bitcoin-cli -rpcclienttimeout=0)",
    )
    .arg(action())
    .arg(scan_objects(REQUIRED_TO_START).optional())
    .arg(Arg::num("start_height", "Height to start to scan from").default(0))
    .arg(Arg::num("stop_height", "Height to stop to scan").hint("chain tip"))
    .arg(Arg::str("filtertype", "The type name of the filter").default(crate::library::BASIC_FILTER))
    .arg(Arg::obj_named("options", "", options).oneline("options").optional())
    .result(nothing_runs())
    .result(Res::obj("", "", found).when("When action=='start'; only returns after scan completes"))
    .result(Res::obj("", "", progress).when("when action=='status' and a scan is currently in progress"))
    .result(aborted())
    .example_cli(format!("start '{example}' 300000"))
    .example_cli(format!("start '{example}' 100 150 basic"))
    .example_cli("status")
    .example_rpc(format!("\"start\", {example}, 300000"))
    .example_rpc(format!("\"start\", {example}, 100, 150, \"basic\""))
    .example_rpc("\"status\"")
    .run(answer_scan_blocks)
}

fn answer_scan_blocks(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let scan = &node.scans.filters;
    match request.str("action")? {
        "status" if scan.is_running() => Ok(Object::new()
            .with("progress", scan.percent.load(Ordering::Acquire))
            .with("current_height", scan.height.load(Ordering::Acquire))
            .into()),
        "status" => Ok(Json::Null),
        "abort" => Ok(scan.abort().into()),
        "start" => {
            let running = scan.begin()?;
            scan_filters(node, request, running.0)
        }
        other => Err(RpcError::invalid_parameter(format!("Invalid action '{other}'"))),
    }
}

fn scan_filters(node: &NodeContext, request: &Request, scan: &Scan) -> Result<Json, RpcError> {
    let objects = start_objects(request)?;
    let filters = index::filters(node, request)?;
    let options = request.opt("options").map(Json::as_obj).transpose()?;
    let exact = options.and_then(|options| options.get("filter_false_positives")).map(Json::as_bool).transpose()?;
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?;
    let within = |height: i32| u32::try_from(height).ok().filter(|height| *height <= tip.height);
    let start = within(request.int("start_height")?).ok_or_else(|| RpcError::misc("Invalid start_height"))?;
    let stop = request.opt_int("stop_height")?.map(|height| within(height).filter(|stop| *stop >= start));
    let stop = stop.map_or(Ok(tip.height), |stop| stop.ok_or_else(|| RpcError::misc("Invalid stop_height")))?;
    let needles = needles(node, objects)?;
    let (mut at, mut completed, mut relevant) = (start, true, Vec::new());
    for height in start..=stop {
        if (height - start).is_multiple_of(CHUNK) && !scan.go_on(node, request) {
            completed = false;
            break;
        }
        at = height;
        scan.height.store(height, Ordering::Release);
        scan.percent.store(((height - start) * 100).checked_div(stop - start).unwrap_or(100), Ordering::Release);
        let Some(id) = node.reader().tree(|tree| tree.ancestor(tip.id, height)) else { break };
        let block = node.reader().node(id);
        let Some(record) = filters.find(height, &block.hash).map_err(|e| index::broken(&e))? else { continue };
        let matches = record.filter.matches_any(needles.keys().map(|script| script.as_bytes()));
        if matches && (exact != Some(true) || touches(node, &block, &needles)?) {
            relevant.push(Json::from(block.hash.to_string()));
        }
    }
    Ok(Object::new()
        .with("from_height", start)
        .with("to_height", at)
        .with("relevant_blocks", Json::Arr(relevant))
        .with("completed", completed)
        .into())
}

/// Whether a block pays to or spends from one of the scripts.
fn touches(node: &NodeContext, found: &Node, needles: &HashMap<ScriptBuf, Descriptor>) -> Result<bool, RpcError> {
    let block = blocks::stored_block(node, found)?;
    let undo = rates::undo_of(node, found)?;
    let mut made = block.txs.iter().flat_map(|tx| tx.outputs());
    let mut spent = undo.txs.iter().flat_map(|tx| &tx.spent);
    Ok(made.any(|output| needles.contains_key(&output.script_pubkey))
        || spent.any(|entry| needles.contains_key(&entry.out.script_pubkey)))
}
