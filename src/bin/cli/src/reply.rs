//! What is printed: results on standard output, errors on standard error with an exit code that scripts can test.

use std::fmt::Write as _;

use rpc::{Code, Json};

use crate::error::CliError;

/// What a command ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Text for people.
    Text(String),
    /// The result of a call.
    Value(Json),
    /// The error of a call.
    Failed(Json),
}

impl Answer {
    /// The error in a response object, if it holds one.
    pub(crate) fn failure(reply: &Json) -> Option<Self> {
        let error = reply.get("error");
        (!error.is_null()).then(|| Self::Failed(error.clone()))
    }

    /// The result or the error in a response object.
    pub(crate) fn of(reply: &Json) -> Self {
        Self::failure(reply).unwrap_or_else(|| Self::Value(reply.get("result").clone()))
    }
}

/// The two texts and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Printed {
    /// For standard output.
    pub(crate) stdout: String,
    /// For standard error.
    pub(crate) stderr: String,
    /// The exit code.
    pub(crate) code: u8,
}

/// Makes text of what a command ended with. `cli` is this program's name.
pub(crate) fn printed(outcome: &Result<Answer, CliError>, cli: &str) -> Printed {
    let (text, code) = match outcome {
        Ok(Answer::Text(text) | Answer::Value(Json::Str(text))) => (text.clone(), 0),
        Ok(Answer::Value(Json::Null)) => (String::new(), 0),
        Ok(Answer::Value(value)) => (value.write_indented(2), 0),
        Ok(Answer::Failed(error)) => failed(error, cli),
        Err(error) => (format!("error: {error}"), 1),
    };
    let line = if text.is_empty() { text } else { text + "\n" };
    match code {
        0 => Printed { stdout: line, stderr: String::new(), code },
        _ => Printed { stdout: String::new(), stderr: line, code },
    }
}

fn failed(error: &Json, cli: &str) -> (String, u8) {
    let code = match error.get("code").as_int::<i64>() {
        Ok(code) if error.as_obj().is_ok() => code,
        // Not the error object of JSON-RPC: shown as it is.
        _ => return (format!("error: {error}"), 1),
    };
    let mut text = format!("error code: {code}\n");
    if let Ok(message) = error.get("message").as_str() {
        text.push_str("error message:\n");
        text.push_str(message);
    }
    if code == i64::from(Code::WALLET_NOT_SPECIFIED.0) {
        let _ = write!(
            text,
            " Or for the CLI, specify the \"-rpcwallet=<walletname>\" option before the command (run \"{cli} -h\" for help or \
             \"{cli} listwallets\" to see which wallets are currently loaded)."
        );
    }
    // The system keeps eight bits. An error never looks like success.
    let low = u8::try_from(code.unsigned_abs() & 0xff).unwrap_or(1);
    (text, low.max(1))
}

/// A value as one word, as `-getinfo` shows it: text without quotes, nothing for what has parts.
pub(crate) fn word(value: &Json) -> String {
    match value {
        Json::Str(text) => text.clone(),
        Json::Num(number) => number.as_str().to_owned(),
        Json::Bool(true) => "1".to_owned(),
        Json::Bool(false) | Json::Null | Json::Arr(_) | Json::Obj(_) | Json::Written(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use rpc::json::parse;

    use super::*;

    fn shown(reply: &str) -> (String, String, u8) {
        let reply = parse(reply.as_bytes()).unwrap();
        let Printed { stdout, stderr, code } = printed(&Ok(Answer::of(&reply)), "bitcoin-cli");
        (stdout, stderr, code)
    }

    #[test]
    fn results_are_printed_for_people() {
        for (reply, text) in [
            (r#"{"result":null,"error":null}"#, ""),
            (r#"{"result":""}"#, ""),
            (r#"{"result":"two\nlines"}"#, "two\nlines\n"),
            (r#"{"result":0.10000000}"#, "0.10000000\n"),
            (r#"{"result":true}"#, "true\n"),
            (r#"{"result":{"a":[1,"x"]}}"#, "{\n  \"a\": [\n    1,\n    \"x\"\n  ]\n}\n"),
        ] {
            assert_eq!(shown(reply), (text.to_owned(), String::new(), 0), "{reply}");
        }
    }

    #[test]
    fn errors_have_a_code() {
        let error = |text: &str, code| (String::new(), text.to_owned(), code);
        assert_eq!(
            shown(r#"{"result":null,"error":{"code":-8,"message":"Bad"}}"#),
            error("error code: -8\nerror message:\nBad\n", 8)
        );
        assert_eq!(shown(r#"{"error":{"code":-32601,"message":"Method not found"}}"#).2, 89);
        assert_eq!(shown(r#"{"error":{"code":-256,"message":"Odd"}}"#).2, 1);
        assert_eq!(shown(r#"{"error":{"code":0,"message":"Odd"}}"#).2, 1);
        assert_eq!(shown(r#"{"error":"text"}"#), error("error: \"text\"\n", 1));
        assert_eq!(shown(r#"{"error":{"message":"no code"}}"#), error("error: {\"message\":\"no code\"}\n", 1));
        assert_eq!(
            shown(r#"{"error":{"code":-19,"message":"Wallets."}}"#),
            error(
                "error code: -19\nerror message:\nWallets. Or for the CLI, specify the \"-rpcwallet=<walletname>\" option \
                 before the command (run \"bitcoin-cli -h\" for help or \"bitcoin-cli listwallets\" to see which wallets \
                 are currently loaded).\n",
                19
            )
        );
        assert_eq!(
            printed(&Err(CliError::Color), "").stderr,
            "error: Invalid value for -color option. Valid values: always, auto, never.\n"
        );
    }
}
