//! Whom the user does not want to hear of.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use p2p::{NetAddr, Subnet};

use super::ask;
use crate::NodeContext;

const EPOCH: &str = "UNIX epoch time";

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![set_ban(), list_banned(), clear_banned()]
}

fn set_ban() -> Method<NodeContext> {
    method("network", "setban", "Attempts to add or remove an IP/Subnet from the banned list.\n")
        .arg(Arg::str(
            "subnet",
            "The IP/Subnet (see getpeerinfo for nodes IP) with an optional netmask (default is /32 = single IP)",
        ))
        .arg(Arg::str(
            "command",
            "'add' to add an IP/Subnet to the list, 'remove' to remove an IP/Subnet from the list",
        ))
        .arg(
            Arg::num(
                "bantime",
                "time in seconds how long (or until when if [absolute] is set) the IP is banned (0 or empty means using the default time of 24h which can also be overwritten by the -bantime startup argument)",
            )
            .default(0),
        )
        .arg(
            Arg::bool(
                "absolute",
                format!("If set, the bantime must be an absolute timestamp expressed in {EPOCH}"),
            )
            .default(false),
        )
        .result(Res::none("", ""))
        .example_cli("\"192.168.0.6\" \"add\" 86400")
        .example_cli("\"192.168.0.0/24\" \"add\"")
        .example_rpc("\"192.168.0.6\", \"add\", 86400")
        .run(answer)
}

fn answer(node: &NodeContext, request: &Request) -> Result<Json, RpcError> {
    let add = match request.str("command")? {
        "add" => true,
        "remove" => false,
        _ => return Err(RpcError::misc(node.directory.help(&request.method))),
    };
    let text = request.str("subnet")?;
    let is_range = text.contains('/');
    let range: Subnet = text
        .trim_start_matches('[')
        .replace(']', "")
        .parse()
        .map_err(|_| RpcError::new(Code::CLIENT_INVALID_IP_OR_SUBNET, "Error: Invalid IP/Subnet"))?;
    if !add {
        if !ask(node, move |net| net.unban(&range))? {
            let text = "Error: Unban failed. Requested address/subnet was not previously manually banned.";
            return Err(RpcError::new(Code::CLIENT_INVALID_IP_OR_SUBNET, text));
        }
        return Ok(Json::Null);
    }
    let single: Option<NetAddr> = if is_range { None } else { text.parse().ok() };
    let banned = ask(node, move |net| match single {
        Some(addr) => net.is_banned(&addr),
        None => net.is_range_banned(&range),
    })?;
    if banned {
        return Err(RpcError::new(Code::CLIENT_NODE_ALREADY_ADDED, "Error: IP/Subnet already banned"));
    }
    let time = request.opt_int::<i64>("bantime")?.unwrap_or(0);
    let absolute = request.bool("absolute")?;
    let now = node.now();
    if absolute && time < now {
        return Err(RpcError::invalid_parameter("Error: Absolute timestamp is in the past"));
    }
    let until = if absolute { Some(time) } else { (time > 0).then(|| now.saturating_add(time)) };
    ask(node, move |net| {
        net.ban(range, until);
        net.disconnect_range(&range);
    })?;
    Ok(Json::Null)
}

fn list_banned() -> Method<NodeContext> {
    let fields = [
        Res::str("address", "The IP/Subnet of the banned node"),
        Res::time("ban_created", format!("The {EPOCH} the ban was created")),
        Res::time("banned_until", format!("The {EPOCH} the ban expires")),
        Res::time("ban_duration", "The ban duration, in seconds"),
        Res::time("time_remaining", "The time remaining until the ban expires, in seconds"),
    ];
    method("network", "listbanned", "List all manually banned IPs/Subnets.\n")
        .result(Res::arr("", "", [Res::obj("", "", fields)]))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let now = node.now();
            let list = ask(node, |net| net.bans())?;
            let show = |(range, ban): (Subnet, p2p::Ban)| {
                Object::new()
                    .with("address", range.to_string())
                    .with("ban_created", ban.created)
                    .with("banned_until", ban.until)
                    .with("ban_duration", ban.until - ban.created)
                    .with("time_remaining", ban.until - now)
            };
            Ok(list.into_iter().map(show).collect::<Json>())
        })
}

fn clear_banned() -> Method<NodeContext> {
    method("network", "clearbanned", "Clear all banned IPs.\n")
        .result(Res::none("", ""))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            ask(node, |net| net.clear_bans())?;
            Ok(Json::Null)
        })
}
