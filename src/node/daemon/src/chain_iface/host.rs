//! The node's settings and its voice, for a wallet.

use config::Value;
use interfaces::{Answer, Call, ChainHost, Failure, Json};

use super::NodeChain;

fn json(value: &Value) -> Json {
    Json::new(if value.is_null() { "null".to_owned() } else { value.write() })
}

impl ChainHost for NodeChain {
    fn shutdown_requested(&self) -> Call<bool> {
        Ok(self.node.shutdown.is_requested())
    }

    fn init_message(&self, message: &str) -> Call<()> {
        self.node.announce(message);
        Ok(())
    }

    fn init_warning(&self, message: &str) -> Call<()> {
        self.node.warn_user(message);
        Ok(())
    }

    fn init_error(&self, message: &str) -> Call<()> {
        self.node.show_error(message);
        Ok(())
    }

    fn show_progress(&self, title: &str, progress: i32, _resume_possible: bool) -> Call<()> {
        self.node.ui.show_progress(title, progress);
        Ok(())
    }

    fn rpc_enable_deprecated(&self, method: &str) -> Call<bool> {
        Ok(self.node.config.answers_deprecated(method))
    }

    fn get_setting(&self, name: &str) -> Call<Json> {
        Ok(json(&self.node.config.args().value(name)))
    }

    fn get_settings_list(&self, name: &str) -> Call<Vec<Json>> {
        Ok(self.node.config.args().values(name).iter().map(json).collect())
    }

    fn get_rw_setting(&self, name: &str) -> Call<Json> {
        Ok(json(&self.node.config.args().file_setting(name)))
    }

    fn update_rw_setting(&self, name: &str, expected: &Json, value: &Json, write: bool) -> Call<Answer<()>> {
        let Some(new) = Value::read(value.as_str()) else {
            return Ok(Err(Failure::new("the new value of the setting is not JSON")));
        };
        let mut changed = true;
        let written = self.node.config.change_setting(name, write, |current| {
            changed = expected.as_str().is_empty() || Value::read(expected.as_str()).is_some_and(|old| old == *current);
            if changed {
                *current = new;
            }
        });
        Ok(if changed {
            written.map_err(|error| Failure(error.to_string()))
        } else {
            Err(Failure::new("the setting was changed meanwhile"))
        })
    }
}
