//! Putting transactions into the pool, or asking what would happen.

use std::{sync::Arc, time::Duration};

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, amount_from_value, method};
use bitcoin::OutPoint;
use consensus::value_of;
use mempool::{AcceptOptions, Accepted, FeeRate, PackageOptions, Reason, Rejected, Verdict};
use primitives::{Codec, Tx, hex};

use crate::{NodeContext, rpc::net::private};

/// Nobody means to pay more than this a thousand virtual bytes, in the smallest unit.
const DEFAULT_MAX_RATE: &str = "0.10";
/// Fee rates at or above one whole coin are taken for a mistake.
const MAX_RATE: i64 = 100_000_000;
const MAX_TEST: usize = 25;
/// How long wallets may take to hear of a transaction.
pub(super) const TELL_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![send(), test()]
}

pub(super) fn rate_arg() -> Arg {
    Arg::amount(
        "maxfeerate",
        "Reject transactions whose fee rate is higher than the specified value, expressed in {ticker}/kvB.\nFee rates larger than 1{ticker}/kvB are rejected.\nSet to 0 to accept any fee rate.",
    )
    .default(DEFAULT_MAX_RATE)
}

/// The highest rate that is accepted; `None` if any is.
pub(super) fn max_rate(node: &NodeContext, request: &Request) -> Result<Option<FeeRate>, RpcError> {
    let rate = amount_from_value(request.arg("maxfeerate"), 8, node.rules.params().max_money())?;
    if rate >= MAX_RATE {
        return Err(RpcError::invalid_parameter("Fee rates larger than or equal to 1BTC/kvB are not accepted"));
    }
    Ok((rate > 0).then(|| FeeRate::per_kvb(rate)))
}

pub(super) fn decode(node: &NodeContext, text: &str) -> Option<Arc<Tx>> {
    let bytes = hex::decode(text)?;
    node.reader().codec().guess_tx(&bytes, true, true).map(Arc::new)
}

/// The most that an output may hold that nobody can spend.
pub(super) fn burn_arg() -> Arg {
    Arg::amount(
        "maxburnamount",
        "Reject transactions with provably unspendable outputs (e.g. 'datacarrier' outputs that use the OP_RETURN opcode) greater than the specified value, expressed in {ticker}.\n\
         If burning funds through unspendable outputs is desired, increase this value.\n\
         This check is based on heuristics and does not guarantee spendability of outputs.\n",
    )
    .default("0.00")
}

pub(super) fn max_burn(node: &NodeContext, request: &Request) -> Result<i64, RpcError> {
    amount_from_value(request.arg("maxburnamount"), 8, node.rules.params().max_money())
}

pub(super) fn check_burn(codec: Codec, tx: &Tx, max: i64) -> Result<(), RpcError> {
    if codec.carries_assets(tx) && tx.version() == primitives::assets::COIN_TO_ASSET {
        // Burning coins is what such a transaction is for.
        return Ok(());
    }
    let burns = |script: &bitcoin::Script| {
        script::templates::is_unspendable(script) || !script::templates::has_valid_ops(script)
    };
    if tx.outputs().iter().any(|o| burns(&o.script_pubkey) && value_of(o) > max) {
        let text = "Unspendable output exceeds maximum configured by user (maxburnamount)";
        return Err(RpcError::new(Code::VERIFY_ERROR, text));
    }
    Ok(())
}

fn send() -> Method<NodeContext> {
    method(
        "rawtransactions",
        "sendrawtransaction",
        "Submit a raw transaction (serialized, hex-encoded) to local node and network.\n\
         \nThe transaction will be sent unconditionally to all peers, so using sendrawtransaction\n\
         for manual rebroadcast may degrade privacy by leaking the transaction's origin, as\n\
         nodes will normally not rebroadcast non-wallet transactions already in their mempool.\n\
         \nWith -privatebroadcast it is sent over short-lived connections through Tor or I2P only, and enters the\n\
         mempool when it comes back from the network. See getprivatebroadcastinfo and abortprivatebroadcast.\n",
    )
    .arg(Arg::hex("hexstring", "The hex string of the raw transaction"))
    .arg(rate_arg())
    .arg(burn_arg())
    .result(Res::hex("", "The transaction hash in hex"))
    .example_cli("\"signedhex\"")
    .example_rpc("\"signedhex\"")
    .run(answer_send)
}

fn answer_send(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let max_burn = max_burn(node, request)?;
    let tx = decode(node, request.str("hexstring")?).ok_or_else(|| {
        RpcError::new(Code::DESERIALIZATION_ERROR, "TX decode failed. Make sure the tx has at least one input.")
    })?;
    check_burn(node.reader().codec(), &tx, max_burn)?;
    let max_fee_rate = max_rate(node, request)?;
    let txid = tx.txid();
    let private = node.config.args().get_bool("privatebroadcast", false);
    if private {
        private::check_networks(node)?;
    }
    let in_chain = (0u32..).take(tx.outputs().len()).any(|vout| {
        // A disk that fails here fails again below, where it is told.
        matches!(node.reader().coin(&OutPoint { txid, vout }), Ok(Some(_)))
    });
    if in_chain {
        return Err(RpcError::new(Code::VERIFY_ALREADY_IN_UTXO_SET, "Transaction outputs already in utxo set"));
    }
    if node.mempool().read().id_of(&txid).is_none() {
        let pool = node.mempool().clone();
        let options = AcceptOptions { max_fee_rate, test_only: private, ..AcceptOptions::default() };
        let tried = Arc::clone(&tx);
        let taken = node.validate(move |engine| Ok(pool.accept(&engine.reader(), &tried, options)?))?;
        taken.map_err(|rejected| refused(&rejected))?;
        if !private {
            // What was here before has had its chance.
            node.mempool().add_unbroadcast(txid);
        }
    }
    if private {
        private::send(node, tx)?;
        return Ok(txid.to_string().into());
    }
    node.relay_tx(txid);
    // Whoever asks a wallet next finds that it knows.
    node.feed.flush(TELL_LIMIT);
    Ok(txid.to_string().into())
}

/// What a caller is told of a refusal.
fn refused(rejected: &Rejected) -> RpcError {
    match &rejected.reason {
        Reason::MissingInputs => RpcError::new(Code::VERIFY_ERROR, rejected.reason.full()),
        Reason::MaxFeeRate => {
            RpcError::new(Code::VERIFY_ERROR, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
        }
        reason => RpcError::new(Code::VERIFY_REJECTED, reason.full()),
    }
}

fn test() -> Method<NodeContext> {
    let fees = [
        Res::amount("base", "transaction fee in {ticker}"),
        Res::amount(
            "effective-feerate",
            "the effective feerate in {ticker} per KvB. May differ from the base feerate if, for example, there are modified fees from prioritisetransaction or a package feerate was used.",
        ),
        Res::arr(
            "effective-includes",
            "transactions whose fees and vsizes are included in effective-feerate.",
            [Res::hex("", "transaction wtxid in hex")],
        ),
    ];
    let fields = [
        Res::hex("txid", "The transaction hash in hex"),
        Res::hex("wtxid", "The transaction witness hash in hex"),
        Res::str("package-error", "Package validation error, if any (only possible if rawtxs had more than 1 transaction).").optional(),
        Res::bool("allowed", "Whether this tx would be accepted to the mempool and pass client-specified maxfeerate. If not present, the tx was not fully validated due to a failure in another tx in the list.").optional(),
        Res::num("vsize_adjusted", "Maximum of sigop-adjusted size (-bytespersigop) and virtual transaction size as defined in BIP 141 (only present when 'allowed' is true).").optional().since(32),
        Res::num("vsize", "(DEPRECATED) The same as vsize_adjusted (only present when 'allowed' is true).").optional(),
        Res::num("vsize_bip141", "Virtual transaction size as defined in BIP 141 (only present when 'allowed' is true).").optional().since(32),
        Res::obj("fees", "Transaction fees (only present if 'allowed' is true)", fees).optional(),
        Res::str("reject-reason", "Rejection reason (only present when 'allowed' is false)").optional(),
        Res::str("reject-details", "Rejection details (only present when 'allowed' is false and rejection details exist)").optional(),
    ];
    method(
        "rawtransactions",
        "testmempoolaccept",
        "Returns result of mempool acceptance tests indicating if raw transaction(s) (serialized, hex-encoded) would be accepted by mempool.\n\
         \nIf multiple transactions are passed in, parents must come before children and package policies apply: the transactions cannot conflict with any mempool transactions or each other.\n\
         \nIf one transaction fails, other transactions may not be fully validated (the 'allowed' key will be blank).\n\
         \nThe maximum number of transactions allowed is 25.\n\
         \nSee sendrawtransaction call.\n",
    )
    .arg(Arg::arr("rawtxs", "An array of hex strings of raw transactions.", [Arg::hex("rawtx", "").optional()]))
    .arg(rate_arg())
    .result(Res::arr("", "The result of the mempool acceptance test for each raw transaction in the input array.\nReturns results for each transaction in the same order they were passed in.", [Res::obj("", "", fields)]))
    .example_cli("'[\"signedhex\"]'")
    .example_rpc("[\"signedhex\"]")
    .run(answer_test)
}

fn answer_test(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let raw = request.arg("rawtxs").as_arr()?;
    if raw.is_empty() || raw.len() > MAX_TEST {
        let text = format!("Array must contain between 1 and {MAX_TEST} transactions.");
        return Err(RpcError::invalid_parameter(text));
    }
    let max_fee_rate = max_rate(node, request)?;
    let mut txs = Vec::new();
    for text in raw {
        let text = text.as_str()?;
        txs.push(decode(node, text).ok_or_else(|| {
            let text = format!("TX decode failed: {text} Make sure the tx has at least one input.");
            RpcError::new(Code::DESERIALIZATION_ERROR, text)
        })?);
    }
    let (pool, tested) = (node.mempool().clone(), txs.clone());
    let (error, verdicts) = node.validate(move |engine| {
        let reader = engine.reader();
        if let [tx] = tested.as_slice() {
            let options = AcceptOptions { test_only: true, ..AcceptOptions::default() };
            let verdict = match pool.accept(&reader, tx, options)? {
                Ok(accepted) => Verdict::Accepted(accepted),
                Err(rejected) => Verdict::Rejected(rejected),
            };
            return Ok((None, std::collections::HashMap::from([(tx.wtxid(), verdict)])));
        }
        let outcome = pool.accept_package(&reader, &tested, PackageOptions { test_only: true, max_fee_rate: None })?;
        Ok((outcome.error, outcome.verdicts))
    })?;
    // What comes behind a transaction that pays too much would not be sent either.
    let mut stopped = false;
    let shown = txs.iter().map(|tx| {
        let mut object = Object::new().with("txid", tx.txid().to_string()).with("wtxid", tx.wtxid().to_string());
        if let Some(error) = error.as_ref().filter(|error| !error.is_transaction()) {
            object.push("package-error", error.full());
        }
        match verdicts.get(&tx.wtxid()).filter(|_| !stopped) {
            Some(Verdict::Accepted(accepted))
                if max_fee_rate.is_some_and(|rate| accepted.fee > rate.fee_for(accepted.vsize)) =>
            {
                object.push("allowed", false);
                object.push("reject-reason", "max-fee-exceeded");
                stopped = true;
            }
            Some(Verdict::Accepted(accepted)) => show_accepted(&mut object, tx, accepted),
            Some(Verdict::Rejected(rejected)) => show_rejected(&mut object, rejected),
            _ => {}
        }
        object
    });
    Ok(shown.collect())
}

/// The fees of a transaction that was taken, and whose rate it counts with.
pub(super) fn show_rates(accepted: &Accepted) -> Object {
    let includes: Json = accepted.effective_includes.iter().map(ToString::to_string).collect();
    Object::new()
        .with("base", Json::amount(accepted.fee))
        .with("effective-feerate", Json::amount(accepted.effective_rate.fee_per_kvb()))
        .with("effective-includes", includes)
}

fn show_accepted(object: &mut Object, tx: &Tx, accepted: &Accepted) {
    let fees = show_rates(accepted);
    object.push("allowed", true);
    object.push("vsize_adjusted", accepted.vsize);
    object.push("vsize", accepted.vsize);
    object.push("vsize_bip141", tx.vsize());
    object.push("fees", fees);
}

fn show_rejected(object: &mut Object, rejected: &Rejected) {
    object.push("allowed", false);
    if rejected.reason == Reason::MissingInputs {
        object.push("reject-reason", "missing-inputs");
        return;
    }
    object.push("reject-reason", rejected.reason.to_string());
    object.push("reject-details", rejected.reason.full());
}

#[cfg(test)]
mod tests {
    use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, absolute::LockTime, transaction};
    use proptest::prelude::*;

    use super::*;

    fn codec() -> Codec {
        Codec::for_coin(coin::by_id("bitcoin").unwrap())
    }

    fn pays(outputs: &[(Vec<u8>, u64)]) -> Tx {
        let output = outputs.iter().map(|(script, value)| TxOut {
            value: Amount::from_sat(*value),
            script_pubkey: ScriptBuf::from_bytes(script.clone()),
        });
        let (version, lock_time) = (transaction::Version::TWO, LockTime::ZERO);
        codec().new_tx(Transaction { version, lock_time, input: Vec::new(), output: output.collect() }, 0)
    }

    /// Scripts that nobody can spend: one that says so, one that is too long, one that ends in the middle of a push.
    fn burned() -> [Vec<u8>; 3] {
        [vec![0x6a], vec![0x51; 10_001], vec![0x51, 0x02, 0x00]]
    }

    fn is_refused(outputs: &[(Vec<u8>, u64)], max: i64) -> bool {
        check_burn(codec(), &pays(outputs), max).is_err()
    }

    #[test]
    fn as_much_as_the_limit_may_be_burned_and_no_more() {
        for script in burned() {
            assert!(!is_refused(&[(script.clone(), 0)], 0), "nothing is burned");
            assert!(is_refused(&[(script.clone(), 1)], 0));
            assert!(!is_refused(&[(script.clone(), 100)], 100), "the limit itself is allowed");
            assert!(is_refused(&[(script, 101)], 100));
        }
    }

    #[test]
    fn the_limit_is_for_each_output_and_not_for_those_that_can_be_spent() {
        let [burned, ..] = burned();
        let spendable = (vec![0x51], 1_000_000);
        assert!(!is_refused(&[spendable.clone(), (burned.clone(), 60), (burned.clone(), 60)], 100));
        assert!(is_refused(&[spendable, (burned.clone(), 60), (burned, 101)], 100));
    }

    proptest! {
        #[test]
        fn what_is_refused_is_what_exceeds(values in prop::collection::vec(0..4_u64, 0..4), max in 0..4_u32) {
            let [burned, ..] = burned();
            let outputs: Vec<_> = values.iter().map(|value| (burned.clone(), *value)).collect();
            prop_assert_eq!(is_refused(&outputs, max.into()), values.iter().any(|value| *value > u64::from(max)));
        }
    }
}
