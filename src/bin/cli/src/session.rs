//! Requests to one server, for one wallet, with patience.

use std::fmt::Write as _;
use std::time::Duration;

use config::Args;
use platform::Clock;
use rpc::client::{batch_in_order, request};
use rpc::{Code, Json};

use crate::error::CliError;
use crate::server::Server;

/// How long to wait before a request is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// For how long requests are repeated while nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// Until somebody answers.
    Endless,
    /// For a while.
    For(Duration),
}

impl Patience {
    /// What `-rpcwait` and `-rpcwaittimeout` say.
    pub(crate) fn from_options(args: &Args) -> Self {
        if !args.get_bool("rpcwait", false) {
            return Self::None;
        }
        match u64::try_from(args.get_i64("rpcwaittimeout", 0)) {
            Ok(seconds @ 1..) => Self::For(Duration::from_secs(seconds)),
            _ => Self::Endless,
        }
    }
}

/// The wallet that `-rpcwallet` names.
pub(crate) fn wallet_name(args: &Args) -> Option<String> {
    if args.is_negated("rpcwallet") { None } else { args.get("rpcwallet") }
}

/// The way to a server.
pub(crate) struct Session<'a> {
    /// The server.
    pub(crate) server: &'a mut dyn Server,
    /// For how long to ask.
    pub(crate) patience: Patience,
    /// Measures that.
    pub(crate) clock: &'a dyn Clock,
    /// Passes the time between two attempts.
    pub(crate) sleep: &'a dyn Fn(Duration),
}

impl Session<'_> {
    /// Calls one method and returns the response object, which may hold an error.
    pub(crate) fn call(
        &mut self,
        wallet: Option<&str>,
        method: &str,
        params: Json,
        id: Json,
    ) -> Result<Json, CliError> {
        let reply = self.post(wallet, &request(method, params, id))?;
        reply.as_obj()?;
        Ok(reply)
    }

    /// Calls methods that need no arguments in one batch, and returns the response objects in the same order.
    pub(crate) fn batch(&mut self, wallet: Option<&str>, methods: &[&str]) -> Result<Vec<Json>, CliError> {
        let requests = methods.iter().enumerate().map(|(id, method)| request(method, Json::Null, Json::from(id)));
        let reply = self.post(wallet, &requests.collect())?;
        reply.as_arr().map_err(|_| CliError::NoBatch)?;
        let mut replies = batch_in_order(reply).ok_or(CliError::BatchMember)?;
        replies.resize(methods.len(), Json::Null);
        Ok(replies)
    }

    fn post(&mut self, wallet: Option<&str>, request: &Json) -> Result<Json, CliError> {
        let endpoint = wallet.map_or_else(|| "/".to_owned(), |name| format!("/wallet/{}", percent_encode(name)));
        let start = self.clock.monotonic();
        loop {
            let outcome = self.server.post(&endpoint, request).and_then(|reply| {
                if self.patience != Patience::None && in_warmup(&reply) { Err(CliError::Warmup) } else { Ok(reply) }
            });
            match outcome {
                Err(error) if error.is_transient() => match self.patience {
                    Patience::None => return Err(error),
                    Patience::For(limit) if self.clock.monotonic().saturating_sub(start) >= limit => {
                        return Err(CliError::GaveUp(Box::new(error)));
                    }
                    Patience::For(_) | Patience::Endless => (self.sleep)(PAUSE),
                },
                outcome => return outcome,
            }
        }
    }
}

/// The server says that it is starting, to a request or to any member of a batch.
fn in_warmup(reply: &Json) -> bool {
    let says_so = |reply: &Json| reply.get("error").get("code").as_int() == Ok(Code::IN_WARMUP.0);
    match reply {
        Json::Arr(replies) => replies.iter().any(says_so),
        reply => says_so(reply),
    }
}

fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use platform::ManualClock;
    use rpc::json::parse;

    use super::*;
    use crate::testing::{Fake, transient};

    fn json(text: &str) -> Json {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn wallet_names_become_paths() {
        assert_eq!(percent_encode("plain-_.~9"), "plain-_.~9");
        assert_eq!(percent_encode("/a b/ü"), "%2Fa%20b%2F%C3%BC");
        let mut fake = Fake::answering([r#"{"result":1}"#, r#"{"result":1}"#]);
        let reply = fake.session(|session| {
            session.call(Some("a b"), "m", Json::Null, Json::from("1")).unwrap();
            session.call(None, "m", Json::Null, Json::from("1"))
        });
        assert_eq!(reply.unwrap(), json(r#"{"result":1}"#));
        assert_eq!(fake.endpoints(), ["/wallet/a%20b", "/"]);
        assert_eq!(fake.requests()[0].write(), r#"{"method":"m","params":null,"id":"1","jsonrpc":"2.0"}"#);
    }

    #[test]
    fn batches_are_put_in_order() {
        let methods = ["a", "b"];
        let batch = |text: &str| Fake::answering([text]).session(|session| session.batch(None, &methods));
        let replies = batch(r#"[{"id":1,"result":"b"},{"id":0,"result":"a"}]"#).unwrap();
        assert_eq!(replies.iter().map(|reply| reply.get("result").as_str().unwrap()).collect::<Vec<_>>(), methods);
        assert_eq!(batch("[]").unwrap(), [Json::Null, Json::Null]);
        assert!(matches!(batch(r#"{"error":{"code":-1}}"#), Err(CliError::NoBatch)));
        assert!(matches!(batch(r#"[{"id":2}]"#), Err(CliError::BatchMember)));
    }

    #[test]
    fn patience_ends() {
        let clock = ManualClock::new(0);
        let pauses = RefCell::new(0);
        let sleep = |pause: Duration| {
            *pauses.borrow_mut() += 1;
            clock.advance(pause);
        };
        let warm = r#"{"error":{"code":-28,"message":"Loading"}}"#;
        let ask = |patience, answers: Vec<Result<Json, CliError>>| {
            let mut fake = Fake::new(answers);
            let mut session = Session { server: &mut fake, patience, clock: &clock, sleep: &sleep };
            session.call(None, "m", Json::Null, Json::from(1))
        };
        let late = || vec![Err(transient()), Ok(json(warm)), Ok(json(r#"{"result":5}"#))];
        assert!(matches!(ask(Patience::None, late()), Err(CliError::Unreachable { .. })));
        assert_eq!(ask(Patience::None, vec![Ok(json(warm))]).unwrap(), json(warm));
        assert_eq!(ask(Patience::Endless, late()).unwrap(), json(r#"{"result":5}"#));
        assert_eq!(*pauses.borrow(), 2);
        let never: Vec<_> = std::iter::repeat_with(|| Err(transient())).take(30).collect();
        let error = ask(Patience::For(Duration::from_secs(2)), never).unwrap_err();
        assert!(error.to_string().starts_with("timeout on transient error: Error while attempting to"), "{error}");
        assert_eq!(*pauses.borrow(), 22);
        // What is not transient is told at once.
        let wrong = vec![Err(CliError::Color), Ok(json("{}"))];
        assert!(matches!(ask(Patience::Endless, wrong), Err(CliError::Color)));
    }
}
