//! `-addrinfo`: how many addresses of peers the node knows.

use rpc::{Code, Json, Object};

use crate::error::CliError;
use crate::reply::Answer;
use crate::session::Session;

/// Asks for the numbers and arranges them.
pub(crate) fn run(session: &mut Session<'_>, wallet: Option<&str>, coin: &'static str) -> Result<Answer, CliError> {
    let reply = session.call(wallet, "getaddrmaninfo", Json::Null, Json::from(1))?;
    if let Some(failed) = Answer::failure(&reply) {
        let unknown = reply.get("error").get("code").as_int() == Ok(Code::METHOD_NOT_FOUND.0);
        return if unknown { Err(CliError::AddrinfoUnsupported(coin)) } else { Ok(failed) };
    }
    let mut known = Object::new();
    for (network, counts) in reply.get("result").as_obj()?.iter() {
        let name = if network == "all_networks" { "total" } else { network };
        known.push(name.to_owned(), counts.get("total").as_int::<i64>()?);
    }
    Ok(Answer::Value(rpc::obj! { "addresses_known" => known }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    fn ask(reply: &str) -> Result<Answer, CliError> {
        Fake::answering([reply]).session(|session| run(session, None, "freicoin"))
    }

    #[test]
    fn totals_are_shown() {
        let reply = r#"{"result":{"ipv4":{"new":1,"tried":2,"total":3},"all_networks":{"new":1,"tried":2,"total":3}}}"#;
        let Ok(Answer::Value(value)) = ask(reply) else { panic!("no value") };
        assert_eq!(value.write(), r#"{"addresses_known":{"ipv4":3,"total":3}}"#);
    }

    #[test]
    fn errors_are_passed_on_or_explained() {
        let error = ask(r#"{"error":{"code":-32601,"message":"Method not found"}}"#).unwrap_err().to_string();
        assert!(error.starts_with("-addrinfo requires freicoind v26.0 or later"), "{error}");
        let other = r#"{"code":-1,"message":"x"}"#;
        let Ok(Answer::Failed(error)) = ask(&format!(r#"{{"error":{other}}}"#)) else { panic!("no error") };
        assert_eq!(error.write(), other);
        assert!(matches!(ask(r#"{"result":5}"#), Err(CliError::Json(_))));
    }
}
