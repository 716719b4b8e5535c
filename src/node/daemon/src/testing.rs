//! Methods that need only a configuration, asked the way a client asks them.

use std::sync::Arc;

use ::rpc::{Answer, Caller, Directory, Engine, Json, Method, Registry, RpcState};
use config::{Config, Env, Outcome, Role};
use platform::ManualClock;
use tempfile::TempDir;

/// Answers requests for some methods.
pub(crate) struct Asker {
    engine: Engine<Config>,
    _dir: TempDir,
}

impl Asker {
    /// Of a coin on its regtest chain.
    pub(crate) fn new(coin: &str, methods: Vec<Method<Config>>) -> Self {
        let dir = TempDir::new().unwrap();
        let coin = coin::by_id(coin).unwrap();
        let argv = [coin.id, "-regtest"].map(Into::into);
        let Outcome::Run(config) = config::load(Role::Node, coin, &argv, &Env::rooted_at(dir.path())).unwrap() else {
            panic!("no configuration");
        };
        let state = Arc::new(RpcState::new(Arc::new(ManualClock::new(0))));
        state.finish_warmup();
        let registry = Registry::new(Directory::new(crate::server::identity(&config)));
        registry.add_all(methods);
        let engine = Engine::new(Arc::from(config), Arc::new(registry), state).with_result_checks(true);
        Self { engine, _dir: dir }
    }

    /// The result, or the error's code and message. `params` is JSON.
    pub(crate) fn ask(&self, method: &str, params: &str) -> Result<Json, (i32, String)> {
        let request = format!(r#"{{"method":"{method}","params":{params},"id":1}}"#);
        let Answer { body, .. } = self.engine.answer(request.as_bytes(), &Caller::default());
        let reply = body.unwrap();
        match reply.get("error") {
            Json::Null => Ok(reply.get("result").clone()),
            error => Err((error.get("code").as_int().unwrap(), error.get("message").as_str().unwrap().to_owned())),
        }
    }

    /// The result as text that is easy to compare.
    pub(crate) fn shown(&self, method: &str, params: &str) -> String {
        match self.ask(method, params) {
            Ok(result) => result.write_indented(2),
            Err((code, message)) => format!("error {code}: {message}"),
        }
    }
}
