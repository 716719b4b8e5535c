//! What happens, for the operator's own programs (`-blocknotify` and friends).

use std::sync::Arc;

use chainstate::ChainEvent;
use config::Config;
use notify::{Commands, Options};

use crate::NodeContext;
use crate::chain_iface::{Happening, Subscriber};

/// The commands of this configuration.
pub(crate) fn commands(config: &Config) -> Commands {
    let args = config.args();
    let one = |name: &str| args.get(name).filter(|_| !args.is_negated(name)).unwrap_or_default();
    Commands::new(Options {
        startup: one("startupnotify"),
        block: one("blocknotify"),
        alert: one("alertnotify"),
        shutdown: args.get_all("shutdownnotify"),
    })
}

/// Tells of each new tip once the node has caught up, for as long as the answer lives.
pub(crate) fn follow(node: &Arc<NodeContext>) -> std::io::Result<Option<Subscriber>> {
    if !node.commands.wants_blocks() {
        return Ok(None);
    }
    let commands = Arc::clone(&node.commands);
    let deliver = move |what: Option<&Happening>| {
        if let Some(Happening::Chain(ChainEvent::Tip { hash, initial_download: false, .. })) = what {
            commands.block(&hash.to_string());
        }
        Ok(())
    };
    Subscriber::start(&node.feed, "blocknotify", deliver).map(|(subscriber, _)| Some(subscriber))
}
