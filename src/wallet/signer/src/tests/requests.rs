//! Requests that Bitcoin Core has answered: the same answers must come here.
//!
//! Each line of `transactions.jsonl` is the arguments of `signrawtransactionwithkey` and the result, or the error's code
//! and message. The chain knows none of the outputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::rpc::{
    Answer, Arg, Caller, Directory, Engine, Identity, Json, Method, Object, Registry, RpcError, RpcState, Words, json,
    method,
};
use bitcoin::{OutPoint, Txid};
use platform::ManualClock;
use primitives::{Codec, Tx};
use psbt::Psbt;

use super::*;
use crate::Coin;
use crate::requests::{World, descriptor_process_psbt, sign_message_with_private_key, sign_raw_transaction_with_key};

/// A chain that holds what it is told.
#[derive(Default)]
struct FakeWorld {
    coins: BTreeMap<OutPoint, Coin>,
    transactions: BTreeMap<Txid, Arc<Tx>>,
    notation: Option<Notation>,
}

impl World for FakeWorld {
    fn codec(&self) -> Codec {
        Codec::BITCOIN
    }

    fn notation(&self) -> &Notation {
        self.notation.as_ref().unwrap()
    }

    fn max_money(&self) -> i64 {
        2_100_000_000_000_000
    }

    fn message_magic(&self) -> &'static str {
        "Bitcoin Signed Message:\n"
    }

    fn coins(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Coin>>, RpcError> {
        Ok(outpoints.iter().map(|outpoint| self.coins.get(outpoint).cloned()).collect())
    }

    fn transaction(&self, txid: &Txid) -> Result<Option<Arc<Tx>>, RpcError> {
        Ok(self.transactions.get(txid).cloned())
    }
}

fn engine(world: FakeWorld) -> Engine<FakeWorld> {
    let doc = |name: &'static str, args: Vec<Arg>| {
        let doc = method("rawtransactions", name, "").args(args);
        doc.result(::rpc::Res::any("", "")).example_cli("")
    };
    let any = |name: &'static str| Arg::str(name, "").optional().skip_type_check();
    // As the help page has it, where the default is no value but words.
    let sighash = Arg::str("sighashtype", "").default("DEFAULT for Taproot, ALL otherwise");
    let mut raw = ["hexstring", "privkeys", "prevtxs"].map(any).to_vec();
    raw.push(sighash.clone());
    let mut psbt = ["psbt", "descriptors"].map(any).to_vec();
    psbt.push(sighash);
    psbt.push(Arg::bool("bip32derivs", "").default(true));
    psbt.push(Arg::bool("finalize", "").default(true));
    let message = ["privkey", "message"].map(any).to_vec();
    let methods: Vec<Method<FakeWorld>> = vec![
        doc("signrawtransactionwithkey", raw).run(|w: &FakeWorld, r| sign_raw_transaction_with_key(w, r)),
        doc("descriptorprocesspsbt", psbt).run(|w: &FakeWorld, r| descriptor_process_psbt(w, r)),
        doc("signmessagewithprivkey", message).run(|w: &FakeWorld, r| sign_message_with_private_key(w, r)),
    ];
    let identity = Identity {
        client_name: String::new(),
        version: String::new(),
        cli_name: String::new(),
        rpc_port: 0,
        bug_url: String::new(),
        words: Words::default(),
    };
    let state = Arc::new(RpcState::new(Arc::new(ManualClock::new(0))));
    state.finish_warmup();
    let registry = Registry::new(Directory::new(identity));
    registry.add_all(methods);
    Engine::new(Arc::new(world), Arc::new(registry), state)
}

fn ask(engine: &Engine<FakeWorld>, method: &str, params: Json) -> Json {
    let request = Object::new().with("method", method).with("params", params).with("id", 1);
    let Answer { body, .. } = engine.answer(Json::from(request).write().as_bytes(), &Caller::default());
    let reply = body.unwrap();
    match reply.get("error") {
        Json::Null => reply.get("result").clone(),
        error => {
            let pair = [error.get("code").clone(), error.get("message").clone()];
            Object::new().with("error", pair.into_iter().collect::<Json>()).into()
        }
    }
}

fn regtest_world() -> FakeWorld {
    FakeWorld { notation: Some(regtest()), ..FakeWorld::default() }
}

#[test]
fn the_same_answers_as_the_reference() {
    let engine = engine(regtest_world());
    let mut count = 0;
    for line in include_str!("transactions.jsonl").lines() {
        let case = json::parse(line.as_bytes()).unwrap();
        let answer = ask(&engine, "signrawtransactionwithkey", case.at(0).clone());
        assert_eq!(answer.get("errors"), case.at(1).get("errors"), "case {count}");
        assert!(answer.write() == case.at(1).write(), "case {count}: {answer} {}", case.at(1));
        count += 1;
    }
    assert_eq!(count, 41);
}

#[test]
fn what_is_spent_is_looked_up() {
    // Taken apart, a PSBT of the reference: what it said of its inputs is now asked of the chain.
    for case in psbts::cases().filter(|case| case[2] == "-" && case[1] == "0").step_by(5) {
        let mut psbt = Psbt::decode_base64(Codec::BITCOIN, case[3]).unwrap();
        let mut world = regtest_world();
        let input = &mut psbt.inputs[0];
        if let Some(out) = input.witness_utxo.take() {
            world.coins.insert(input.prevout, out.into());
        }
        if let Some(tx) = input.non_witness_utxo.take() {
            world.transactions.insert(tx.txid(), tx);
        }
        let params = [Json::str(psbt.to_base64()), [Json::str(case[0])].into_iter().collect()];
        let answer = ask(&engine(world), "descriptorprocesspsbt", params.into_iter().collect());
        assert_eq!(answer.get("psbt").as_str().unwrap(), case[5], "{}", case[0]);
        assert_eq!(answer.get("complete").is_true(), case[6] == "true");
        assert_eq!(answer.get("hex").is_null(), case[6] != "true");
    }
}

#[test]
fn bad_requests() {
    let engine = engine(regtest_world());
    let fails = |method: &str, params: &str| {
        let answer = ask(&engine, method, json::parse(params.as_bytes()).unwrap());
        let error = answer.get("error").clone();
        (error.at(0).as_int::<i32>().unwrap(), error.at(1).as_str().unwrap().to_owned())
    };
    let psbt = psbts::cases().next().unwrap()[3];
    let process = |rest: &str| fails("descriptorprocesspsbt", &format!("[\"{psbt}\",{rest}]"));
    assert_eq!(process("[7]"), (-8, "Scan object needs to be either a string or an object".to_owned()));
    assert_eq!(process("[{}]"), (-8, "Descriptor needs to be provided in scan object".to_owned()));
    assert_eq!(process("[{\"desc\":\"pkh(x)\"}]"), (-5, "pkh(): key 'x' is not valid".to_owned()));
    let xpub = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B";
    let text = format!("Cannot derive script without private keys: 'pkh({xpub}/1h)'");
    assert_eq!(process(&format!("[\"pkh({xpub}/1h)\"]")), (-5, text));
    assert_eq!(process("[],\"SOME\""), (-8, "'SOME' is not a valid sighash parameter.".to_owned()));
    let range = process(&format!("[{{\"desc\":\"pkh({xpub}/*)\",\"range\":[0,2000000]}}]"));
    assert_eq!(range, (-8, "Range is too large".to_owned()));
    assert_eq!(fails("descriptorprocesspsbt", "[\"?\",[]]"), (-22, "TX decode failed invalid base64".to_owned()));
    let nope = (-5, "Invalid private key".to_owned());
    assert_eq!(fails("signmessagewithprivkey", "[\"nope\",\"x\"]"), nope);
}

#[test]
fn a_hash_type_that_does_not_fit_is_told() {
    // The unfinished PSBT says NONE; whoever asks for ALL hears of it.
    let case = psbts::cases().find(|case| case[2] == "NONE").unwrap();
    let params = [Json::str(case[4]), [Json::str(case[0])].into_iter().collect(), Json::str("ALL")];
    let answer = ask(&engine(regtest_world()), "descriptorprocesspsbt", params.into_iter().collect());
    let text = "Specified sighash value does not match value stored in PSBT";
    assert_eq!(answer.get("error").at(0).as_int::<i32>().unwrap(), -22);
    assert_eq!(answer.get("error").at(1).as_str().unwrap(), text);
}
