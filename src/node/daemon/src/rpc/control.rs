//! The node itself: help, stop, log, clock.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method, method::HIDDEN};
use platform::Clock;

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![
        help(),
        stop(),
        uptime(),
        rpc_info(),
        openrpc(),
        discover(),
        logging(),
        memory_info(),
        set_mock_time(),
        echo("echo"),
        echo("echojson"),
        echo_ipc(),
    ]
}

fn help() -> Method<NodeContext> {
    method("control", "help", "List all commands, or get help for a specified command.\n")
        .arg(Arg::str("command", "The command to get help on").hint("all commands"))
        .result(Res::str("", "The help text"))
        .result(Res::any("", "").skip_in_help())
        .run(|node: &NodeContext, request| {
            let command = request.opt_str("command")?.unwrap_or_default();
            if command == "dump_all_command_conversions" {
                return Ok(node.directory.arg_map());
            }
            Ok(node.directory.help(command).into())
        })
}

fn stop() -> Method<NodeContext> {
    method("control", "stop", "Request a graceful shutdown of {Coin} Core.")
        .arg(Arg::num("wait", "how long to wait in ms").optional().hidden())
        .result(Res::str("", "A string that tells that the node is stopping"))
        .run(|node: &NodeContext, request| {
            node.shutdown.request();
            if let Some(wait) = request.opt_int::<u64>("wait")? {
                std::thread::sleep(std::time::Duration::from_millis(wait.min(60_000)));
            }
            Ok(format!("{} stopping", node.config.coin().client_name).into())
        })
}

fn uptime() -> Method<NodeContext> {
    method("control", "uptime", "Returns the total uptime of the server.\n")
        .result(Res::num("", "The number of seconds that the server has been running"))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| Ok(node.clock.monotonic().saturating_sub(node.started).as_secs().into()))
        .quick()
}

fn rpc_info() -> Method<NodeContext> {
    let command =
        [Res::str("method", "The name of the RPC command"), Res::num("duration", "The running time in microseconds")];
    method("control", "getrpcinfo", "Returns details of the RPC server.\n")
        .result(Res::obj(
            "",
            "",
            [
                Res::arr(
                    "active_commands",
                    "All active commands",
                    [Res::obj("", "Information about an active command", command)],
                ),
                Res::str("logpath", "The complete file path to the debug log"),
            ],
        ))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let commands: Json = node
                .rpc_state
                .active_commands()
                .into_iter()
                .map(|c| {
                    let micros = u64::try_from(c.duration.as_micros()).unwrap_or(u64::MAX);
                    Object::new().with("method", c.method).with("duration", micros)
                })
                .collect();
            let path = node.config.file_option("debuglogfile", "debug.log").unwrap_or_default();
            Ok(Object::new().with("active_commands", commands).with("logpath", path.display().to_string()).into())
        })
}

fn openrpc() -> Method<NodeContext> {
    method("control", "getopenrpcinfo", "Returns an OpenRPC document for currently available RPC commands.\n")
        .arg(Arg::bool("show_hidden", "Also include hidden RPC commands and arguments.").default(false))
        .result(Res::any("", "The document"))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, request| Ok(node.directory.openrpc(request.bool("show_hidden")?)))
}

/// The same under the name that the OpenRPC specification asks for.
fn discover() -> Method<NodeContext> {
    method("control", "rpc.discover", "Returns an OpenRPC schema as a description of this service.\n")
        .result(Res::any("", "The document"))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| Ok(node.directory.openrpc(false)))
}

/// Categories that are newer than release 30.
const SINCE_31: [&str; 2] = ["kernel", "privatebroadcast"];

fn logging() -> Method<NodeContext> {
    let list = |name: &'static str, what: &'static str| {
        Arg::arr(name, what, [Arg::str(format!("{name}_category"), "the valid logging category").optional()]).optional()
    };
    method(
        "control",
        "logging",
        format!(
            "Gets and sets the logging configuration.\n\
             When called without an argument, returns the list of categories with status that are currently being debug logged or not.\n\
             When called with arguments, adds or removes categories from debug logging and return the lists above.\n\
             The arguments are evaluated in order \"include\", \"exclude\".\n\
             If an item is both included and excluded, it will thus end up being excluded.\n\
             The valid logging categories are: {}\n\
             In addition, the following are available as category names with special meanings:\n  \
             - \"all\",  \"1\" : represent all logging categories.\n",
            logging::category_names()
        ),
    )
    .arg(list("include", "The categories to add to debug logging"))
    .arg(list("exclude", "The categories to remove from debug logging"))
    .result(Res::obj_dyn(
        "",
        "keys are the logging categories, and values indicates its status",
        [Res::bool("category", "if being debug logged or not. false:inactive, true:active")],
    ))
    .example_cli("\"[\\\"all\\\"]\" \"[\\\"http\\\"]\"")
    .example_rpc("[\"all\"], [\"walletdb\"]")
    .run(|node: &NodeContext, request| {
        let names = |argument: &str| -> Result<Vec<String>, RpcError> {
            let Some(list) = request.opt(argument) else { return Ok(Vec::new()) };
            list.as_arr()?.iter().map(|name| Ok(name.as_str()?.to_owned())).collect()
        };
        let unknown = |name: &str| RpcError::invalid_parameter(format!("unknown logging category {name}"));
        for name in names("include")? {
            node.log.enable(&name).map_err(|_| unknown(&name))?;
            warn_of_retired(&name);
        }
        for name in names("exclude")? {
            node.log.disable(&name).map_err(|_| unknown(&name))?;
            warn_of_retired(&name);
        }
        let mut categories = node.log.categories();
        if let Some(release) = node.config.rpc_release().ok().flatten() {
            // Every release that can be asked for still lists it.
            categories.push(("libevent", false));
            categories.retain(|(name, _)| release >= 31 || !SINCE_31.contains(name));
        }
        Ok(Json::Obj(categories.into_iter().collect()))
    })
}

/// A category of old that scripts may still name.
fn warn_of_retired(name: &str) {
    if name == "libevent" {
        tracing::warn!(
            "The logging category `{name}` is deprecated, does nothing, and will be removed in a future version"
        );
    }
}

fn memory_info() -> Method<NodeContext> {
    let locked = [
        Res::num("used", "Number of bytes used"),
        Res::num("free", "Number of bytes available in current arenas"),
        Res::num("total", "Total number of bytes managed"),
        Res::num(
            "locked",
            "Amount of bytes that succeeded locking. If this number is smaller than total, locking pages failed at some point and key data could be swapped to disk.",
        ),
        Res::num("chunks_used", "Number allocated chunks"),
        Res::num("chunks_free", "Number unused chunks"),
    ];
    method("control", "getmemoryinfo", "Returns an object containing information about memory usage.\n")
        .arg(Arg::str("mode", "determines what kind of information is returned.\n  - \"stats\" returns general statistics about memory usage in the daemon.").default("stats"))
        .result(Res::obj("", "", [Res::obj("locked", "Information about locked memory manager", locked)]).when("mode \"stats\""))
        .example_cli("")
        .example_rpc("")
        .run(|_: &NodeContext, request: &Request| {
            let mode = request.str("mode")?;
            if mode == "mallocinfo" {
                return Err(RpcError::invalid_parameter("mallocinfo mode not available"));
            }
            if mode != "stats" {
                return Err(RpcError::invalid_parameter(format!("unknown mode {mode}")));
            }
            let stats = platform::locked::stats();
            let locked = Object::new()
                .with("used", stats.used)
                .with("free", stats.free)
                .with("total", stats.total)
                .with("locked", stats.locked)
                .with("chunks_used", stats.chunks_used)
                .with("chunks_free", stats.chunks_free);
            Ok(Object::new().with("locked", locked).into())
        })
}

fn set_mock_time() -> Method<NodeContext> {
    method(HIDDEN, "setmocktime", "Set the local time to given timestamp (-regtest only)\n")
        .arg(Arg::num("timestamp", "UNIX epoch time\nPass 0 to go back to using the system time."))
        .result(Res::none("", ""))
        .run(|node: &NodeContext, request| {
            if node.config.chain().kind != coin::ChainKind::Regtest {
                return Err(RpcError::misc("setmocktime is for regression testing (-regtest mode) only"));
            }
            let time: i64 = request.int("timestamp")?;
            let max = i64::from(u32::MAX);
            if !(0..=max).contains(&time) {
                let text = format!("Mocktime must be in the range [0, {max}], not {time}.");
                return Err(RpcError::new(Code::INVALID_PARAMETER, text));
            }
            node.clock.set_mock_time(time);
            node.wallets()?.set_mock_time(time);
            Ok(Json::Null)
        })
}

/// Answers what it is asked, by way of the wallet process if there is one.
fn echo_ipc() -> Method<NodeContext> {
    method(
        HIDDEN,
        "echoipc",
        "Echo back the input argument, passing it through a spawned process in a multiprocess build.\n\
         This command is for testing.\n",
    )
    .arg(Arg::str("arg", "The string to echo"))
    .result(Res::str("echo", "The echoed string."))
    .example_cli("\"Hello world\"")
    .example_rpc("\"Hello world\"")
    .run(|node: &NodeContext, request| Ok(node.wallets()?.echo(request.str("arg")?)?.into()))
}

/// Answers what it is asked.
fn echo(name: &'static str) -> Method<NodeContext> {
    let args = (0..10).map(|n| Arg::str(format!("arg{n}"), "").optional().skip_type_check());
    method(
        HIDDEN,
        name,
        "Simply echo back the input arguments. This command is for testing.\n\
         \nIt will return an internal bug report when arg9='trigger_internal_bug' is passed.\n\
         \nThe difference between echo and echojson is that echojson has argument conversion enabled in the client-side table in bitcoin-cli and the GUI. There is no server-side difference.",
    )
    .args(args)
    .result(Res::any("", "Returns whatever was passed in"))
    .run(|node: &NodeContext, request| {
        if matches!(request.param(9), Json::Str(text) if text == "trigger_internal_bug") {
            let bug = node.directory.identity().internal_bug("request.params[9].get_str() != \"trigger_internal_bug\"");
            return Err(RpcError::misc(bug));
        }
        Ok(request.params.clone())
    })
}
