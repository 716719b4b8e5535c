//! What the fuzzers call: each takes any bytes and panics only if something is wrong.

use std::sync::{Arc, LazyLock};

use platform::ManualClock;

use crate::allow::{AllowList, Subnet};
use crate::auth::Authenticator;
use crate::{
    Arg, Caller, Directory, Engine, Identity, Registry, Res, RpcState, Words, amount_from_value, base64, bind, client,
    http, json, method, obj,
};

/// JSON: what is read is written so that it reads the same.
pub fn rpc_json(bytes: &[u8]) {
    let Some(value) = json::parse(bytes) else { return };
    assert_eq!(json::parse(value.write().as_bytes()).as_ref(), Some(&value));
    assert_eq!(json::parse(value.write_indented(2).as_bytes()).as_ref(), Some(&value));
    let _ = (value.as_int::<i64>(), value.as_f64(), amount_from_value(&value, 8, i64::MAX));
}

/// Requests: each is answered with JSON, or with nothing where nothing is expected.
pub fn rpc_request(bytes: &[u8]) {
    static ENGINE: LazyLock<Engine<()>> = LazyLock::new(engine);
    let answer = ENGINE.answer(bytes, &Caller::default());
    match answer.body {
        Some(body) => assert!(json::parse(body.write().as_bytes()).is_some()),
        None => assert_eq!(answer.status, 204),
    }
}

/// Texts of options, headers, targets and command lines.
pub fn rpc_text(bytes: &[u8]) {
    let auth = Authenticator::default();
    assert!(auth.check(Some(bytes)).is_err());
    if let Some(decoded) = base64::decode(bytes) {
        assert_eq!(base64::encode(&decoded).as_bytes(), bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    if let Some(subnet) = Subnet::parse(&text) {
        assert_eq!(Subnet::parse(&subnet.to_string()), Some(subnet));
    }
    let _ = AllowList::new([text.as_ref()], true);
    let _ = Authenticator::default().add_rpcauth(&text);
    let _ = bind::split_host_port(&text);
    let _ = http::query_parameter(&text, "a");
    let words: Vec<&str> = text.split(' ').collect();
    let _ = client::positional("sendmany", &words);
    let _ = client::named("createwallet", &words);
}

/// Answers of a server that cannot be trusted.
pub fn rpc_response(mut bytes: &[u8]) {
    let length = bytes.len();
    if let Ok(response) = client::read_response(&mut bytes) {
        assert!(response.body.len() <= length);
    }
}

fn engine() -> Engine<()> {
    let identity = Identity {
        client_name: "Fuzz".to_owned(),
        version: "v0".to_owned(),
        cli_name: "fuzz-cli".to_owned(),
        rpc_port: 1,
        bug_url: String::new(),
        words: Words::default(),
    };
    let registry = Registry::new(Directory::new(identity));
    registry.add(
        method("util", "all", "Takes one of each.")
            .arg(Arg::num("n|number", "").default(7))
            .arg(Arg::str("s", "").optional())
            .arg(Arg::bool("b", "").optional())
            .arg(Arg::amount("a", "").optional())
            .arg(Arg::arr("l", "", [Arg::num("", "").optional()]).optional())
            .arg(Arg::obj_named("o", "", [Arg::str("x", "").optional(), Arg::str("y|z", "").optional()]).optional())
            .result(Res::obj("", "", [Res::num("n", ""), Res::any("a", ""), Res::any("o", "")]))
            .run(|(), request| {
                let amount = request.opt("a").map(|amount| amount_from_value(amount, 8, i64::MAX)).transpose()?;
                Ok(obj! { "n" => request.int::<i64>("n")?, "a" => amount, "o" => request.arg("o").clone() })
            }),
    );
    registry.add(
        method("util", "echo", "Gives back what it takes.")
            .args([Arg::str("a", "").optional().skip_type_check(), Arg::str("b", "").optional().skip_type_check()])
            .result(Res::any("", ""))
            .run(|(), request| Ok(request.params.clone())),
    );
    let state = Arc::new(RpcState::new(Arc::new(ManualClock::new(0))));
    state.finish_warmup();
    Engine::new(Arc::new(()), Arc::new(registry), state).with_result_checks(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_targets_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            rpc_json(&bytes);
            rpc_request(&bytes);
            rpc_text(&bytes);
            rpc_response(&bytes);
        }

        #[test]
        fn requests_of_the_right_shape(
            params in r#"\[(1|"a"|null|\{\}|\[\]|true){0,7}\]|\{("(n|number|s|b|a|l|o|x|y|z|args)":(1|"1"|\[1\]|null),?){0,4}\}"#,
        ) {
            rpc_request(format!(r#"{{"method":"all","params":{params}}}"#).as_bytes());
        }
    }
}
