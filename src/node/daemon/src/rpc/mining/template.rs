//! `getblocktemplate` (BIP22, BIP23, BIP9, BIP145): what a miner needs to make the next block.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::{BlockHash, Txid};
use chainstate::Branch;
use consensus::{Buried, GbtDeployment, GbtStatus, U256, target_of};
use primitives::{WitnessMode, hex};

use super::{failed, proposal};
use crate::{
    NodeContext,
    mining::{Draft, Order, Waited, header_after, minimum_time},
    render,
    rpc::parse,
};

/// A template of the same tip is made again after so many seconds, if the pool has changed.
const STALE: i64 = 5;
/// A long poll looks at the pool after so long for the first time, and then again and again.
const FIRST_LOOK: Duration = Duration::from_mins(1);
const NEXT_LOOK: Duration = Duration::from_secs(10);
/// Bytes of a serialized block, witnesses included.
const MAX_BLOCK_BYTES: u64 = 4_000_000;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![template()]
}

fn request_arg() -> Arg {
    Arg::obj(
        "template_request",
        "Format of the template",
        [
            Arg::str("mode", "This must be set to \"template\", \"proposal\" (see BIP 23), or omitted").optional(),
            Arg::arr(
                "capabilities",
                "A list of strings",
                [Arg::str("str", "client side supported feature, 'longpoll', 'coinbasevalue', 'proposal', 'serverlist', 'workid'").optional()],
            )
            .optional(),
            Arg::arr(
                "rules",
                "A list of strings",
                [
                    Arg::str("segwit", "(literal) indicates client side segwit support"),
                    Arg::str("str", "other client side supported softfork deployment").optional(),
                ],
            ),
            Arg::str("longpollid", "delay processing request until the result would vary significantly from the \"longpollid\" of a prior template").optional(),
            Arg::hex("data", "proposed block data to check, encoded in hexadecimal; valid only for mode=\"proposal\"").optional(),
        ],
    )
}

fn tx_fields() -> Vec<Res> {
    vec![
        Res::hex("data", "transaction data encoded in hexadecimal (byte-for-byte)"),
        Res::hex("txid", "transaction hash excluding witness data, shown in byte-reversed hex"),
        Res::hex("hash", "transaction hash including witness data, shown in byte-reversed hex"),
        Res::arr(
            "depends",
            "array of numbers",
            [Res::num(
                "",
                "transactions before this one (by 1-based index in 'transactions' list) that must be present in the final block if this one is",
            )],
        ),
        Res::num(
            "fee",
            "difference in value between transaction inputs and outputs (in satoshis); for coinbase transactions, this is a negative Number of the total collected block fees (ie, not including the block subsidy); if key is not present, fee is unknown and clients MUST NOT assume there isn't one",
        ),
        Res::num(
            "sigops",
            "total SigOps cost, as counted for purposes of block limits; if key is not present, sigop cost is unknown and clients MUST NOT assume it is zero",
        ),
        Res::num("weight", "total transaction weight, as counted for purposes of block limits"),
    ]
}

fn fields() -> Vec<Res> {
    let spent = [
        Res::hex("txid", "The transaction"),
        Res::num("vout", "Its output"),
        Res::num("amount", "What it is worth in the next block"),
    ];
    let spent = Res::arr("prevout", "What it has to spend", [Res::obj("", "", spent)]);
    let text = |name: &'static str, description: &'static str| Res::str(name, description);
    vec![
        Res::num("version", "The preferred block version"),
        Res::arr(
            "rules",
            "specific block rules that are to be enforced",
            [text("", "name of a rule the client must understand to some extent; see BIP 9 for format")],
        ),
        Res::obj_dyn(
            "vbavailable",
            "set of pending, supported versionbit (BIP 9) softfork deployments",
            [Res::num(
                "rulename",
                "identifies the bit number as indicating acceptance and readiness for the named softfork rule",
            )],
        ),
        Res::arr("capabilities", "", [text("value", "A supported feature, for example 'proposal'")]),
        Res::num("vbrequired", "bit mask of versionbits the server requires set in submissions"),
        text("previousblockhash", "The hash of current highest block"),
        Res::arr(
            "transactions",
            "contents of non-coinbase transactions that should be included in the next block",
            [Res::obj("", "", tx_fields())],
        ),
        Res::obj_dyn(
            "coinbaseaux",
            "data that should be included in the coinbase's scriptSig content",
            [Res::hex("key", "values must be in the coinbase (keys may be ignored)")],
        ),
        Res::num(
            "coinbasevalue",
            "maximum allowable input to coinbase transaction, including the generation award and transaction fees (in satoshis)",
        ),
        text("longpollid", "an id to include with a request to longpoll on an update to this template"),
        text("target", "The hash target"),
        Res::time(
            "mintime",
            "The minimum timestamp appropriate for the next block time, expressed in UNIX epoch time. Adjusted for the proposed BIP94 timewarp rule.",
        ),
        Res::arr(
            "mutable",
            "list of ways the block template may be changed",
            [text("value", "A way the block template may be changed, e.g. 'time', 'transactions', 'prevblock'")],
        ),
        Res::hex("noncerange", "A range of valid nonces"),
        Res::num("sigoplimit", "limit of sigops in blocks"),
        Res::num("sizelimit", "limit of block size"),
        Res::num("weightlimit", "limit of block weight").optional(),
        Res::time("curtime", "current timestamp in UNIX epoch time. Adjusted for the proposed BIP94 timewarp rule."),
        text("bits", "compressed target of next block"),
        Res::num("height", "The height of the next block"),
        Res::num("locktime", "The lock time that the coinbase must have").optional().skip_in_help(),
        Res::hex("signet_challenge", "Only on signet").optional(),
        Res::hex("default_witness_commitment", "a valid witness commitment for the unmodified block template")
            .optional(),
        Res::obj("finaltx", "What the block's last transaction has to spend", [spent]).optional().skip_in_help(),
    ]
}

fn template() -> Method<NodeContext> {
    method(
        "mining",
        "getblocktemplate",
        "If the request parameters include a 'mode' key, that is used to explicitly select between the default 'template' request or a 'proposal'.\n\
         It returns data needed to construct a block to work on.\n\
         For full specification, see BIPs 22, 23, 9, and 145:\n    \
         https://github.com/bitcoin/bips/blob/master/bip-0022.mediawiki\n    \
         https://github.com/bitcoin/bips/blob/master/bip-0023.mediawiki\n    \
         https://github.com/bitcoin/bips/blob/master/bip-0009.mediawiki#getblocktemplate_changes\n    \
         https://github.com/bitcoin/bips/blob/master/bip-0145.mediawiki\n",
    )
    .arg(request_arg())
    .result(Res::none("", "").when("If the proposal was accepted with mode=='proposal'"))
    .result(Res::str("", "According to BIP22").when("If the proposal was not accepted with mode=='proposal'"))
    .result(Res::obj("", "", fields()).when("Otherwise"))
    .example_cli("'{\"rules\": [\"segwit\"]}'")
    .example_rpc("{\"rules\": [\"segwit\"]}")
    .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let wanted = request.arg("template_request");
    let invalid_mode = || RpcError::invalid_parameter("Invalid mode");
    match wanted.get("mode") {
        Json::Null => {}
        Json::Str(mode) if mode == "template" => {}
        Json::Str(mode) if mode == "proposal" => return proposal::answer(node, wanted),
        _ => return Err(invalid_mode()),
    }
    let mut rules = BTreeSet::new();
    if let Json::Arr(given) = wanted.get("rules") {
        for rule in given {
            rules.insert(rule.as_str()?.to_owned());
        }
    }
    let params = node.rules.params();
    if !params.is_test_chain() {
        check_in_touch(node)?;
    }
    if *wanted.get("longpollid") != Json::Null {
        long_poll(node, request, wanted.get("longpollid"))?;
    }
    if params.signet_challenge().is_some() && !rules.contains("signet") {
        return Err(RpcError::invalid_parameter(
            "getblocktemplate must be called with the signet rule set (call with {\"rules\": [\"segwit\", \"signet\"]})",
        ));
    }
    if !rules.contains("segwit") {
        return Err(RpcError::invalid_parameter(
            "getblocktemplate must be called with the segwit rule set (call with {\"rules\": [\"segwit\"]})",
        ));
    }
    let (draft, updates) = current(node)?;
    show(node, &draft, updates, &rules)
}

/// Where blocks are worth something, nobody should mine on a tip that others have left behind.
pub(super) fn check_in_touch(node: &NodeContext) -> Result<(), RpcError> {
    let name = node.config.coin().client_name;
    let counts = node.net().and_then(|net| net.call(|control| control.counts()));
    if !matches!(counts, Ok((inbound, outbound)) if inbound + outbound > 0) {
        return Err(RpcError::new(Code::CLIENT_NOT_CONNECTED, format!("{name} is not connected!")));
    }
    if node.reader().initial_download() {
        let text = format!("{name} is in initial sync and waiting for blocks...");
        return Err(RpcError::new(Code::CLIENT_IN_INITIAL_DOWNLOAD, text));
    }
    Ok(())
}

/// Waits until the template that the client has is out of date.
fn long_poll(node: &NodeContext, request: &Request, id: &Json) -> Result<(), RpcError> {
    let (watched, seen) = match id {
        Json::Str(id) => {
            let (hash, number) = id.split_at_checked(64).unwrap_or((id, ""));
            let hash: BlockHash = parse::parse_hash(hash, "longpollid")?;
            (hash, number.parse::<u64>().unwrap_or(0))
        }
        // Nobody says what another type means; it makes testing easier.
        _ => (node.reader().tip().ok_or_else(parse::no_tip)?.hash, node.miner().polled().updates),
    };
    let (signal, cancel) = (&node.tip_signal, &request.caller.cancel);
    let bell = Arc::clone(signal);
    cancel.on_cancel(move || bell.ring());
    let mut limit = FIRST_LOOK;
    loop {
        let other = || node.reader().tip().filter(|tip| tip.hash != watched);
        match signal.wait(Some(limit), || cancel.is_cancelled(), other) {
            Waited::Done(_) => return Ok(()),
            Waited::Ended => return Err(RpcError::new(Code::CLIENT_NOT_CONNECTED, "Shutting down")),
            Waited::TimeOut if node.mempool().read().updates() != seen => return Ok(()),
            Waited::TimeOut => limit = NEXT_LOOK,
        }
    }
}

/// The draft that callers are told, and the changes of the pool until it was made.
fn current(node: &NodeContext) -> Result<(Arc<Draft>, u64), RpcError> {
    let tip = node.reader().tip().ok_or_else(parse::no_tip)?.hash;
    let mut polled = node.miner().polled();
    if let Some(draft) = &polled.draft {
        let changed = node.mempool().read().updates() != polled.updates;
        if draft.prev == tip && !(changed && node.now() - polled.made > STALE) {
            return Ok((Arc::clone(draft), polled.updates));
        }
    }
    polled.draft = None;
    polled.updates = node.mempool().read().updates();
    polled.made = node.now();
    let draft = node.miner().draft(&Order::default()).map_err(|e| failed(&e))?;
    polled.draft = Some(Arc::clone(&draft));
    Ok((draft, polled.updates))
}

fn show_txs(draft: &Draft, scale: u64) -> Json {
    let mut place: HashMap<Txid, usize> = HashMap::new();
    let mut shown = Vec::with_capacity(draft.txs.len());
    let own = usize::from(draft.has_last);
    for (n, chosen) in draft.txs.iter().enumerate().take(draft.txs.len() - own) {
        let tx = &chosen.tx;
        let depends = tx.inputs().iter().filter_map(|input| place.get(&input.previous_output.txid).copied());
        let entry = Object::new()
            .with("data", hex::encode(&tx.to_bytes(WitnessMode::Include)))
            .with("txid", tx.txid().to_string())
            .with("hash", tx.wtxid().to_string())
            .with("depends", depends.collect::<Json>())
            .with("fee", chosen.fee)
            .with("sigops", chosen.sigops / scale)
            .with("weight", tx.weight());
        shown.push(Json::from(entry));
        place.insert(tx.txid(), n + 1);
    }
    Json::Arr(shown)
}

fn rule_name(name: &str, rule: GbtDeployment) -> String {
    // A mark says that the client has to know the rule.
    if rule.gbt_optional_rule { name.to_owned() } else { format!("!{name}") }
}

/// The signalled upgrades: what a client is told of them, and the version that it should use.
struct Upgrades {
    version: i32,
    rules: Vec<String>,
    available: Object,
}

fn upgrades(status: &GbtStatus, version: i32, known: &BTreeSet<String>) -> Result<Upgrades, RpcError> {
    let mut version = version.cast_unsigned();
    let (mut rules, mut available) = (Vec::new(), Object::new());
    for (list, sets) in [(&status.signalling, false), (&status.locked_in, true)] {
        for (name, rule) in list {
            if sets {
                version |= rule.mask;
            }
            available.push(rule_name(name, *rule), rule.bit);
            if !rule.gbt_optional_rule && !known.contains(*name) {
                // The client cannot keep the rule, so it should not promise to.
                version &= !rule.mask;
            }
        }
    }
    for (name, rule) in &status.active {
        rules.push(rule_name(name, *rule));
        if !rule.gbt_optional_rule && !known.contains(*name) {
            let text = format!("Support for '{name}' rule requires explicit client support");
            return Err(RpcError::invalid_parameter(text));
        }
    }
    Ok(Upgrades { version: version.cast_signed(), rules, available })
}

fn show(node: &NodeContext, draft: &Draft, updates: u64, known: &BTreeSet<String>) -> Result<Json, RpcError> {
    let params = node.rules.params();
    let (prev, _) = node.reader().find(&draft.prev).ok_or_else(parse::no_tip)?;
    let segwit = params.is_active(Buried::Segwit, draft.height);
    let interval = params.pow().interval.get();
    let settings = node.miner().settings();
    let (states, now) = (node.reader().versionbits(), node.now().max(i64::from(draft.header.time())));
    let (fresh, earliest, status) = node.reader().tree(|tree| {
        let branch = Branch::new(tree, prev);
        (
            header_after(tree, prev, &*node.rules, settings, now, states),
            minimum_time(tree, prev, interval),
            GbtStatus::after(params.deployments(), &branch, states),
        )
    });
    // Relative lock times have another name where they came without their operation.
    let own_heights = node.reader().codec().tx_format().has_lock_height();
    let mut rules = vec![if own_heights { "locktime" } else { "csv" }.to_owned()];
    if segwit {
        rules.push("!segwit".to_owned());
    }
    if segwit && params.taproot() != coin::Taproot::Absent {
        rules.push("taproot".to_owned());
    }
    if params.signet_challenge().is_some() {
        rules.push("!signet".to_owned());
    }
    let upgrades = upgrades(&status, draft.header.version(), known)?;
    rules.extend(upgrades.rules);
    // Before segwit limits count bytes, and not weight.
    let scale = if segwit { 1 } else { params.witness_scale() };
    let bits = fresh.bits.to_consensus();
    let target = target_of(bits, params.pow().limit).unwrap_or(U256::ZERO);
    // What passes through the block's last transaction is not the miner's until they say so.
    let passed_on = draft.txs.last().filter(|_| draft.has_last).map_or(0, |last| last.fee);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Json>();
    let mut answer = Object::new()
        .with("capabilities", texts(&["proposal"]))
        .with("version", upgrades.version)
        .with("rules", rules.into_iter().collect::<Json>())
        .with("vbavailable", upgrades.available)
        .with("vbrequired", 0)
        .with("previousblockhash", draft.prev.to_string())
        .with("transactions", show_txs(draft, scale))
        .with("coinbaseaux", Object::new())
        .with("coinbasevalue", draft.plan.reward.saturating_sub(passed_on))
        .with("longpollid", format!("{}{updates}", draft.prev))
        .with("target", render::hex256(target))
        .with("mintime", earliest)
        .with("mutable", texts(&["time", "transactions", "prevblock"]))
        .with("noncerange", "00000000ffffffff")
        .with("sigoplimit", params.max_block_sigops_cost() / scale)
        .with("sizelimit", MAX_BLOCK_BYTES.max(params.max_block_weight()) / scale);
    if segwit {
        answer.push("weightlimit", params.max_block_weight());
    }
    let mut answer =
        answer.with("curtime", fresh.time).with("bits", format!("{bits:08x}")).with("height", draft.height);
    if own_heights {
        answer.push("locktime", draft.plan.lock_time);
    }
    if let Some(challenge) = params.signet_challenge() {
        answer.push("signet_challenge", hex::encode(challenge));
    }
    if let Some(commitment) = draft.plan.required.first() {
        answer.push("default_witness_commitment", hex::encode(commitment.script_pubkey.as_bytes()));
    }
    if let Some(last) = draft.txs.last().filter(|_| draft.has_last) {
        // Whoever mines makes the last transaction anew, and must spend this.
        let show = |outpoint: &bitcoin::OutPoint| -> Option<Json> {
            let coin = node.reader().coin(outpoint).ok()??;
            let value = node.rules.worth(coin.out.value.to_sat().cast_signed(), &coin, draft.height);
            let spent =
                Object::new().with("txid", outpoint.txid.to_string()).with("vout", outpoint.vout).with("amount", value);
            Some(spent.into())
        };
        let spent: Json = last.tx.inputs().iter().filter_map(|input| show(&input.previous_output)).collect();
        answer.push("finaltx", Object::new().with("prevout", spent));
    }
    Ok(answer.into())
}
