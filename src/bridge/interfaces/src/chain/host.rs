//! What a wallet needs of the node besides the chain: its settings, its messages, its end.

use crate::{Answer, Call, Json};

/// The process around the chain.
pub trait ChainHost: Send + Sync {
    /// Whether the node is shutting down.
    fn shutdown_requested(&self) -> Call<bool>;

    /// Shows a start-up message.
    fn init_message(&self, message: &str) -> Call<()>;

    /// Shows a warning.
    fn init_warning(&self, message: &str) -> Call<()>;

    /// Shows an error that ends the start.
    fn init_error(&self, message: &str) -> Call<()>;

    /// Shows progress in percent; 100 ends it.
    fn show_progress(&self, title: &str, progress: i32, resume_possible: bool) -> Call<()>;

    /// Whether `-deprecatedrpc=method` is set.
    fn rpc_enable_deprecated(&self, method: &str) -> Call<bool>;

    /// The value of an option, as JSON: from the command line, `settings.json` or the configuration file.
    fn get_setting(&self, name: &str) -> Call<Json>;

    /// All values of an option that may be repeated, as JSON.
    fn get_settings_list(&self, name: &str) -> Call<Vec<Json>>;

    /// A value of `settings.json`, as JSON; `null` if it is not there.
    fn get_rw_setting(&self, name: &str) -> Call<Json>;

    /// Changes `settings.json`, with `write` also on disk. `null` deletes. Fails if the value is no longer `expected`,
    /// so that two writers cannot undo one another; an empty `expected` writes whatever is there.
    fn update_rw_setting(&self, name: &str, expected: &Json, value: &Json, write: bool) -> Call<Answer<()>>;
}
