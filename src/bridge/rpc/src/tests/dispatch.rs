//! Dialects, batches, statuses and errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::{ask, call, caller, engine, methods};
use crate::{
    Code, Describe, Described, Directory, Engine, Foreign, Json, NotJson, Registry, RpcError, RpcState, Whitelist, arr,
    obj,
};

#[test]
fn the_old_dialect() {
    let engine = engine();
    for (body, status, reply) in [
        (r#"{"method":"getblockcount"}"#, 200, r#"{"result":100,"error":null}"#),
        (r#"{"method":"getblockcount","id":null}"#, 200, r#"{"result":100,"error":null,"id":null}"#),
        (
            r#"{"jsonrpc":"1.0","id":"x","method":"getblockcount","params":[]}"#,
            200,
            r#"{"result":100,"error":null,"id":"x"}"#,
        ),
        (
            r#"{"id":1,"method":"invalidmethod"}"#,
            404,
            r#"{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}"#,
        ),
        (
            r#"{"id":1,"method":"getblockhash","params":[101]}"#,
            500,
            r#"{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":1}"#,
        ),
        ("", 500, r#"{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}"#),
        ("this is bad", 500, r#"{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}"#),
        ("5", 500, r#"{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}"#),
        (r#"{"id":1}"#, 400, r#"{"result":null,"error":{"code":-32600,"message":"Missing method"},"id":1}"#),
        (r#"{"method":5}"#, 400, r#"{"result":null,"error":{"code":-32600,"message":"Method must be a string"}}"#),
        (
            r#"{"method":"x","params":5,"id":[2]}"#,
            400,
            r#"{"result":null,"error":{"code":-32600,"message":"Params must be an array or object"},"id":[2]}"#,
        ),
        (
            r#"{"jsonrpc":2,"method":"getblockcount"}"#,
            400,
            r#"{"result":null,"error":{"code":-32600,"message":"jsonrpc field must be a string"}}"#,
        ),
        (
            r#"{"jsonrpc":"3.0","method":"getblockcount"}"#,
            400,
            r#"{"result":null,"error":{"code":-32600,"message":"JSON-RPC version not supported"}}"#,
        ),
    ] {
        assert_eq!(ask(&engine, body), (status, reply.to_owned()), "{body}");
    }
}

#[test]
fn the_strict_dialect() {
    let engine = engine();
    for (body, status, reply) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"getblockcount"}"#, 200, r#"{"jsonrpc":"2.0","result":100,"id":1}"#),
        (r#"{"jsonrpc":"2.0","id":null,"method":"getblockcount"}"#, 200, r#"{"jsonrpc":"2.0","result":100,"id":null}"#),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"invalidmethod"}"#,
            200,
            r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"getblockhash","params":[101]}"#,
            200,
            r#"{"jsonrpc":"2.0","error":{"code":-8,"message":"Block height out of range"},"id":1}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1}"#,
            400,
            r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Missing method"},"id":1}"#,
        ),
        (r#"{"jsonrpc":"2.0","method":"getblockcount"}"#, 204, ""),
        (r#"{"jsonrpc":"2.0","method":"invalidmethod"}"#, 204, ""),
    ] {
        assert_eq!(ask(&engine, body), (status, reply.to_owned()), "{body}");
    }
}

#[test]
fn batches() {
    let engine = engine();
    let mixed = r#"[{"jsonrpc":"2.0","id":1,"method":"getblockcount"},{"method":"invalidmethod","id":2},
        {"jsonrpc":"2.0","method":"getblockcount"},{"pizza":"sausage"},7]"#;
    let replies = concat!(
        r#"[{"jsonrpc":"2.0","result":100,"id":1},"#,
        r#"{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":2},"#,
        r#"{"result":null,"error":{"code":-32600,"message":"Missing method"}},"#,
        r#"{"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null}]"#
    );
    assert_eq!(ask(&engine, mixed), (200, replies.to_owned()));
    assert_eq!(ask(&engine, "[]"), (200, "[]".to_owned()));
    let notifications = r#"[{"jsonrpc":"2.0","method":"getblockcount"},{"jsonrpc":"2.0","pizza":1}]"#;
    assert_eq!(ask(&engine, notifications), (204, String::new()));
}

#[test]
fn nothing_is_answered_before_the_start_is_done() {
    let clock = Arc::new(platform::ManualClock::new(0));
    let state = Arc::new(RpcState::new(clock));
    let registry = Registry::<()>::new(Directory::new(super::identity()));
    let engine = Engine::new(Arc::new(()), Arc::new(registry), Arc::clone(&state));
    let ask = |engine: &Engine<()>| engine.answer_text(r#"{"method":"x","id":1}"#, &caller()).unwrap();
    let error = |text: &str| format!(r#"{{"result":null,"error":{{"code":-28,"message":"{text}"}},"id":1}}"#);
    assert_eq!(ask(&engine), error("RPC server started"));
    state.set_warmup_status("Loading block index…");
    assert_eq!(ask(&engine), error("Loading block index…"));
    assert_eq!(engine.answer(br#"{"method":"x","id":1}"#, &caller()).status, 500);
    state.finish_warmup();
    state.set_warmup_status("too late");
    assert!(ask(&engine).contains("Method not found"));
    assert_eq!(state.warmup_status(), None);
}

#[test]
fn arguments_by_name() {
    let engine = engine();
    for (params, expected) in [
        ("[]", Ok("[]")),
        (r#"{"arg0":0,"arg9":9}"#, Ok("[0,null,null,null,null,null,null,null,null,9]")),
        (r#"{"args":[0,1],"arg3":3,"arg5":5}"#, Ok("[0,1,null,3,null,5]")),
        (
            r#"{"args":[0,1],"arg1":1}"#,
            Err((-8, "Parameter arg1 specified twice both as positional and named argument")),
        ),
        (r#"{"random":1}"#, Err((-8, "Unknown named parameter random"))),
    ] {
        let expected = expected.map(str::to_owned).map_err(|(code, text)| (code, text.to_owned()));
        assert_eq!(call(&engine, "echojson", params), expected, "{params}");
    }
}

#[test]
fn arguments_have_types_and_defaults() {
    let engine = engine();
    for (params, expected) in [
        ("[]", r#"{"count":7,"options":null}"#),
        ("[null,true]", r#"{"count":7,"flag":true,"options":null}"#),
        (r#"{"number":3}"#, r#"{"count":3,"options":null}"#),
        (r#"{"mode":"x","count":1}"#, r#"{"count":1,"options":{"mode":"x"}}"#),
    ] {
        assert_eq!(call(&engine, "typed", params), Ok(expected.to_owned()), "{params}");
    }
    let wrong = call(&engine, "typed", r#"["x",1,[]]"#).unwrap_err();
    let text = concat!(
        "Wrong type passed:\n{\n",
        "    \"Position 1 (count|number)\": \"JSON value of type string is not of expected type number\",\n",
        "    \"Position 2 (flag)\": \"JSON value of type number is not of expected type bool\",\n",
        "    \"Position 3 (options)\": \"JSON value of type array is not of expected type object\"\n}"
    );
    assert_eq!(wrong, (-3, text.to_owned()));
    assert_eq!(call(&engine, "typed", "[1.5]"), Err((-1, "JSON integer out of range".to_owned())));
    let missing = call(&engine, "getblockhash", "[]").unwrap_err();
    assert!(missing.0 == -1 && missing.1.starts_with("getblockhash height\n\nReturns hash"), "{missing:?}");
    assert_eq!(call(&engine, "getblockhash", "[1,2]"), Err(missing));
}

#[test]
fn answers_are_checked_against_their_description() {
    let engine = engine();
    let bug = |explanation: &str| {
        let what = format!("RPC call \"wrong\" returned incorrect type:\n{explanation}");
        Err((-1, super::identity().internal_bug(&what)))
    };
    assert_eq!(call(&engine, "wrong", "[\"no\"]"), Ok(r#"{"n":1}"#.to_owned()));
    let cases = [
        ("type", "\"returned type is number, but declared as object in doc\""),
        ("extra", "{\n    \"m\": \"key returned that was not in doc\"\n}"),
        ("missing", "{\n    \"n\": \"key missing, despite not being optional in doc\"\n}"),
        (
            "deep",
            "{\n    \"list\": {\n        \"1\": \"returned type is string, but declared as bool in doc\"\n    }\n}",
        ),
    ];
    for (how, explanation) in cases {
        assert_eq!(call(&engine, "wrong", &format!("[\"{how}\"]")), bug(explanation), "{how}");
    }
    let unchecked = super::engine().with_result_checks(false);
    assert_eq!(call(&unchecked, "wrong", "[\"type\"]"), Ok("1".to_owned()));
}

#[test]
fn a_panic_is_an_error_of_one_request() {
    let engine = engine();
    let (code, text) = call(&engine, "wrong", "[\"panic\"]").unwrap_err();
    assert_eq!(code, -1);
    assert!(
        text.starts_with("Internal bug detected: RPC call \"wrong\" panicked\nBitcoin Core v31.99.0-dev\n"),
        "{text}"
    );
    assert_eq!(engine.state().active_commands(), []);
    assert_eq!(call(&engine, "getblockcount", "[]"), Ok("100".to_owned()));
}

#[test]
fn running_requests_are_known() {
    let engine = engine();
    let info = r#"{"active_commands":[{"method":"getrpcinfo","duration":0}]}"#;
    assert_eq!(call(&engine, "getrpcinfo", "[]"), Ok(info.to_owned()));
}

#[test]
fn whitelists_forbid() {
    let with = |list: &str| engine().with_whitelist(Whitelist::new([list], None));
    let count = r#"{"method":"getblockcount","id":1}"#;
    let hash = r#"{"method":"getblockhash","params":[1],"id":1}"#;
    let engine = with("u:getblockcount");
    assert_eq!(ask(&engine, count).0, 200);
    assert_eq!(ask(&engine, hash), (403, String::new()));
    assert_eq!(ask(&engine, &format!("[{count},{count}]")).0, 200);
    assert_eq!(ask(&engine, &format!("[{count},{hash}]")), (403, String::new()));
    assert_eq!(ask(&engine, &format!("[{count},5]")).0, 400);
    assert_eq!(ask(&engine, &format!("[{count},{{}}]")).0, 500);
    assert_eq!(ask(&with("other:getblockcount"), count), (403, String::new()));
}

#[test]
fn text_outside_http() {
    let engine = engine();
    let text = |request: &str| engine.answer_text(request, &caller());
    assert_eq!(text("{"), Err(NotJson));
    assert_eq!(text(r#"{"jsonrpc":"2.0","method":"getblockcount"}"#), Ok("null".to_owned()));
    assert_eq!(text(r#"{"method":"getblockcount","id":1}"#), Ok(r#"{"result":100,"error":null,"id":1}"#.to_owned()));
}

#[test]
fn methods_of_another_process() {
    // The other process has a registry of its own; here only descriptions and requests arrive.
    let other = Arc::new(engine());
    let described = other.registry().directory().describe_all();
    let here = Directory::new(super::identity());
    let registry = Arc::new(Registry::<()>::new(here.clone()));
    for described in described {
        let described = Described::from_json(&described.to_json()).unwrap();
        let other = Arc::clone(&other);
        registry.forward(
            described,
            Arc::new(move |(), request| {
                let answer = other.answer_json(request.to_json(), &request.caller);
                let reply = answer.body.ok_or_else(|| RpcError::misc("no answer"))?;
                match reply.get("error") {
                    Json::Null => Ok(reply.get("result").clone()),
                    error => Err(RpcError::from_json(error)),
                }
            }),
        );
    }
    assert_eq!(here.help(""), other.registry().directory().help(""));
    assert_eq!(here.help("getblockhash"), other.registry().directory().help("getblockhash"));
    assert_eq!(here.openrpc(true), other.registry().directory().openrpc(true));
    assert_eq!(here.openrpc(false), other.registry().directory().openrpc(false));
    assert_eq!(here.arg_map(), other.registry().directory().arg_map());
    assert_eq!(here.markdown("getblockhash"), None);
    let state = Arc::new(RpcState::new(Arc::new(platform::ManualClock::new(0))));
    state.finish_warmup();
    let engine = Engine::new(Arc::new(()), Arc::clone(&registry), state);
    let run = |text: &str| engine.answer_text(text, &caller()).unwrap();
    assert_eq!(
        run(r#"{"method":"typed","params":{"mode":"x","count":1},"id":9}"#),
        r#"{"result":{"count":1,"options":{"mode":"x"}},"error":null,"id":9}"#
    );
    assert!(run(r#"{"method":"getblockhash","params":[101],"id":9}"#).contains("Block height out of range"));
    registry.remove("typed");
    assert!(run(r#"{"method":"typed","id":9}"#).contains("Method not found"));
    assert_eq!(here.help("typed"), "help: unknown command: typed");
    assert_eq!(Described::from_json(&Json::Null), None);
}

#[test]
fn what_another_process_says_is_asked_for_when_somebody_reads_it() {
    let other = engine();
    let outlines = other.registry().directory().outlines();
    let hash = outlines.iter().find(|outline| outline.name == "getblockhash").unwrap();
    assert_eq!((hash.category.as_str(), hash.args.as_slice()), ("blockchain", ["height".to_owned()].as_slice()));
    let asked = Arc::new(AtomicUsize::new(0));
    let here = Directory::new(super::identity());
    let registry = Registry::<()>::new(here.clone());
    let texts = other.registry().directory().describe_all();
    for (outline, described) in outlines.into_iter().zip(texts) {
        let (asked, described) = (Arc::clone(&asked), Arc::new(described));
        let describe: Describe = Arc::new(move |name| {
            assert_eq!(name, described.name);
            asked.fetch_add(1, Ordering::SeqCst);
            Arc::clone(&described)
        });
        let method = Foreign { name: outline.name, category: outline.category, describe };
        registry.forward(method, Arc::new(|(), _| Ok(Json::Null)));
    }
    assert_eq!(here.names(), other.registry().directory().names());
    assert_eq!(here.outlines(), [], "they are not of this process");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(here.help("typed"), other.registry().directory().help("typed"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(here.help(""), other.registry().directory().help(""));
}

#[test]
fn a_method_can_live_in_a_larger_context() {
    struct Larger(super::World);
    let world = super::World {
        directory: Directory::new(super::identity()),
        state: Arc::new(RpcState::new(Arc::new(platform::ManualClock::new(0)))),
        height: 7,
    };
    let registry = Registry::<Larger>::new(world.directory.clone());
    registry.add_all(methods().into_iter().map(|method| method.within(|larger: &Larger| &larger.0)));
    world.state.finish_warmup();
    let state = Arc::clone(&world.state);
    let engine = Engine::new(Arc::new(Larger(world)), Arc::new(registry), state);
    let reply = engine.answer_text(r#"{"method":"getblockcount","id":1}"#, &caller()).unwrap();
    assert_eq!(reply, r#"{"result":7,"error":null,"id":1}"#);
}

#[test]
fn errors_travel_as_objects() {
    let error = RpcError::new(Code::VERIFY_REJECTED, "bad-txns").with_data(arr![1]);
    assert_eq!(error.to_json().write(), r#"{"code":-26,"message":"bad-txns","data":[1]}"#);
    assert_eq!(RpcError::from_json(&error.to_json()), error);
    assert_eq!(RpcError::from_json(&obj! { "oops" => 1 }), RpcError::misc(r#"{"oops":1}"#));
    assert_eq!(error.to_string(), "bad-txns (-26)");
}

proptest! {
    #[test]
    fn any_body_is_answered(body in prop::collection::vec(any::<u8>(), 0..120)) {
        let answer = engine().answer(&body, &caller());
        prop_assert!([200, 204, 400, 404, 500].contains(&answer.status));
    }

    #[test]
    fn any_request_is_answered(
        method in "getblockcount|getblockhash|echojson|help|typed|wrong|x",
        params in r#"\[("?[a-z0-9]{1,3}"?,?){0,3}\]|\{("(count|flag|mode|args|how|height)":("a"|1|\[1\]|null),?){0,3}\}|5"#,
        version in r#"|"jsonrpc":"2.0",|"jsonrpc":"1.0","#,
    ) {
        let (status, reply) = ask(&engine(), &format!(r#"{{{version}"method":"{method}","params":{params},"id":1}}"#));
        prop_assert!([200, 400, 404, 500].contains(&status));
        prop_assert!(crate::json::parse(reply.as_bytes()).is_some());
    }
}
