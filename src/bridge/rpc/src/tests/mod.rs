//! Whole requests through the engine, and what is printed from descriptions.

mod dispatch;
mod documents;

use std::sync::Arc;
use std::time::Duration;

use platform::ManualClock;

use crate::{
    Answer, Arg, Caller, Code, Directory, Engine, Identity, Json, Method, Object, Registry, Res, RpcError, RpcState,
    Words, arr, elide_group, method, obj,
};

/// The context of the methods below.
pub(crate) struct World {
    pub(crate) directory: Directory,
    pub(crate) state: Arc<RpcState>,
    pub(crate) height: i64,
}

pub(crate) fn identity() -> Identity {
    Identity {
        client_name: "Bitcoin Core".to_owned(),
        version: "v31.99.0-dev".to_owned(),
        cli_name: "bitcoin-cli".to_owned(),
        rpc_port: 8332,
        bug_url: "https://example.org/issues".to_owned(),
        words: Words { name: "Bitcoin".to_owned(), ticker: "BTC".to_owned(), minor_unit: "sat".to_owned() },
    }
}

pub(crate) fn methods() -> Vec<Method<World>> {
    let getblockcount = method("blockchain", "getblockcount", "Returns the height.\n")
        .result(Res::num("", "The current block count"))
        .example_cli("")
        .example_rpc("")
        .run(|world: &World, _| Ok(world.height.into()))
        .quick();
    let getblockhash = method("blockchain", "getblockhash", "Returns hash of block at height provided.\n")
        .arg(Arg::num("height", "The height index"))
        .result(Res::hex("", "The block hash"))
        .example_cli("1000")
        .example_rpc("1000")
        .run(|world: &World, request| {
            let height: i64 = request.int("height")?;
            if !(0..=world.height).contains(&height) {
                return Err(RpcError::invalid_parameter("Block height out of range"));
            }
            Ok(format!("{height:064x}").into())
        });
    let echojson = method("hidden", "echojson", "Simply echo back the input arguments.")
        .args((0..10).map(|place| Arg::str(format!("arg{place}"), "").optional().skip_type_check()))
        .result(Res::any("", "Returns whatever was passed in"))
        .run(|_: &World, request| Ok(request.params.clone()));
    let help = method("control", "help", "List all commands, or get help for a specified command.\n")
        .arg(Arg::str("command", "The command to get help on").hint("all commands"))
        .result(Res::str("", "The help text"))
        .result(Res::any("", "The command conversions").skip_in_help())
        .run(|world: &World, request| match request.opt_str("command")? {
            Some("dump_all_command_conversions") => Ok(world.directory.arg_map()),
            command => Ok(world.directory.help(command.unwrap_or("")).into()),
        });
    let getrpcinfo = method("control", "getrpcinfo", "Returns details of the RPC server.\n")
        .result(Res::obj(
            "",
            "",
            [Res::arr(
                "active_commands",
                "All active commands",
                [Res::obj(
                    "",
                    "Information about an active command",
                    [
                        Res::str("method", "The name of the RPC command"),
                        Res::num("duration", "The running time in microseconds"),
                    ],
                )],
            )],
        ))
        .run(|world: &World, _| {
            let active = world.state.active_commands().into_iter();
            let commands: Json = active
                .map(|command| obj! { "method" => command.method, "duration" => command.duration.as_micros().to_string().parse::<u64>().unwrap() })
                .collect();
            Ok(obj! { "active_commands" => commands })
        });
    let typed = method("util", "typed", "Takes one of each.")
        .arg(Arg::num("count|number", "").default(7))
        .arg(Arg::bool("flag", "").optional())
        .arg(
            Arg::obj_named(
                "options",
                "",
                [Arg::str("mode", "A mode").optional(), Arg::amount("fee_rate", "A rate").optional()],
            )
            .optional(),
        )
        .result(Res::obj("", "", [Res::num("count", ""), Res::bool("flag", "").optional(), Res::any("options", "")]))
        .run(|_: &World, request| {
            let mut answer = Object::new().with("count", request.int::<i32>("number")?);
            if let Some(flag) = request.opt_bool("flag")? {
                answer.push("flag", flag);
            }
            Ok(answer.with("options", request.arg("options").clone()).into())
        });
    let wrong = method("hidden", "wrong", "Answers what it does not describe.")
        .arg(Arg::str("how", ""))
        .result(Res::obj("", "", [Res::num("n", ""), Res::arr("list", "", [Res::bool("", "")]).optional()]))
        .run(|_: &World, request| match request.str("how")? {
            "type" => Ok(Json::from(1)),
            "extra" => Ok(obj! { "n" => 1, "m" => 2 }),
            "missing" => Ok(Json::object()),
            "deep" => Ok(obj! { "n" => 1, "list" => arr![true, "x"] }),
            "panic" => panic!("as asked"),
            _ => Ok(obj! { "n" => 1 }),
        });
    vec![getblockcount, getblockhash, echojson, help, getrpcinfo, typed, wrong]
}

pub(crate) fn engine() -> Engine<World> {
    let clock = Arc::new(ManualClock::new(1_700_000_000));
    let state = Arc::new(RpcState::new(clock));
    let directory = Directory::new(identity());
    let registry = Registry::new(directory.clone());
    registry.add_all(methods());
    state.finish_warmup();
    let world = World { directory, state: Arc::clone(&state), height: 100 };
    Engine::new(Arc::new(world), Arc::new(registry), state).with_result_checks(true)
}

fn caller() -> Caller {
    Caller { uri: "/".to_owned(), user: "u".to_owned(), ..Caller::default() }
}

fn ask(engine: &Engine<World>, body: &str) -> (u16, String) {
    let Answer { status, body } = engine.answer(body.as_bytes(), &caller());
    (status, body.map_or_else(String::new, |body| body.write()))
}

fn call(engine: &Engine<World>, method: &str, params: &str) -> Result<String, (i32, String)> {
    let body = format!(r#"{{"method":"{method}","params":{params},"id":1}}"#);
    let (_, reply) = ask(engine, &body);
    let reply = crate::json::parse(reply.as_bytes()).unwrap();
    match reply.get("error") {
        Json::Null => Ok(reply.get("result").write()),
        error => Err((error.get("code").as_int().unwrap(), error.get("message").as_str().unwrap().to_owned())),
    }
}

#[test]
fn time_is_the_clocks() {
    let clock = Arc::new(ManualClock::new(0));
    let state = RpcState::new(clock.clone());
    let running = state.begin("slow");
    clock.advance(Duration::from_millis(5));
    let _second = state.begin("fast");
    let active = state.active_commands();
    assert_eq!((active[0].method.as_str(), active[0].duration), ("slow", Duration::from_millis(5)));
    assert_eq!((active[1].method.as_str(), active[1].duration), ("fast", Duration::ZERO));
    drop(running);
    assert_eq!(state.active_commands().len(), 1);
    assert!(state.interruption_point().is_ok());
    state.interrupt();
    assert_eq!(state.interruption_point().unwrap_err().code, Code::CLIENT_NOT_CONNECTED);
}

#[test]
fn groups_are_elided_by_their_first_member() {
    let fields = elide_group([Res::num("a", ""), Res::num("b", "")], "Same as before");
    assert_eq!(fields[0].elision, crate::Elision::Summary("Same as before".into()));
    assert_eq!(fields[1].elision, crate::Elision::Skipped);
}
