//! The stories, one short file each. A new one is a file here and a line in [`ALL`].

mod answers;
mod arguments;
mod auth;
mod aux_blocks;
mod bad_peers;
mod cli;
mod device;
mod disk_full;
mod disk_slow;
mod endpoints;
mod flood;
mod fund;
mod gui;
mod help;
mod ipc;
mod kill;
mod merged;
mod mine;
mod mixed_relay;
mod mixed_sync;
mod mixed_wallet;
mod offline_tool;
mod options;
mod parent;
mod payments;
mod peers;
mod prune;
mod reindex;
mod reorg;
mod restart;
mod saved_state;
mod separation;
mod signals;
mod slow_readers;
mod stop_orders;
mod takeover;
mod two_coins;
mod wallet_attach;
mod wallet_death;
mod wallet_kill;
mod wallet_port;
mod wallet_secrets;
mod wrapper;

use anyhow::Result;

use crate::stage::Stage;

/// A story.
#[derive(Debug)]
pub struct Scenario {
    /// Its name, which is its file's.
    pub name: &'static str,
    /// Whether it takes longer than a few seconds, so that it is played only when asked for.
    pub slow: bool,
    /// Whether it is played with the wallet attached to the node as well: whether it has a use for a wallet or a client.
    pub attached: bool,
    /// What happens.
    pub play: fn(&Stage) -> Result<()>,
}

impl Scenario {
    /// Whether our daemon meets the one that the environment names.
    pub fn is_mixed(&self) -> bool {
        self.name.starts_with("mixed")
    }
}

const fn quick(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, slow: false, attached: false, play }
}

const fn slow(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, slow: true, attached: false, play }
}

/// A quick one that is played with the wallet attached, too.
const fn any_shape(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { attached: true, ..quick(name, play) }
}

/// Every scenario.
pub const ALL: &[Scenario] = &[
    quick("help", help::play),
    quick("options", options::play),
    quick("restart", restart::play),
    quick("signals", signals::play),
    quick("mine", mine::play),
    quick("fund", fund::play),
    quick("merged", merged::play),
    quick("aux_blocks", aux_blocks::play),
    quick("reorg", reorg::play),
    quick("kill", kill::play),
    quick("disk_full", disk_full::play),
    slow("disk_slow", disk_slow::play),
    any_shape("saved_state", saved_state::play),
    quick("reindex", reindex::play),
    quick("prune", prune::play),
    quick("auth", auth::play),
    any_shape("cli", cli::play),
    slow("arguments", arguments::play),
    quick("slow_readers", slow_readers::play),
    quick("wrapper", wrapper::play),
    any_shape("offline_tool", offline_tool::play),
    any_shape("payments", payments::play),
    any_shape("device", device::play),
    quick("flood", flood::play),
    slow("takeover", takeover::play),
    quick("two_coins", two_coins::play),
    quick("wallet_death", wallet_death::play),
    quick("wallet_attach", wallet_attach::play),
    quick("peers", peers::play),
    quick("bad_peers", bad_peers::play),
    quick("mixed_sync", mixed_sync::play),
    quick("mixed_relay", mixed_relay::play),
    any_shape("mixed_wallet", mixed_wallet::play),
    quick("answers", answers::play),
    quick("answers_help", answers::pages),
    quick("endpoints", endpoints::play),
    quick("separation", separation::play),
    quick("parent", parent::play),
    quick("gui", gui::play),
    quick("stop_orders", stop_orders::play),
    quick("ipc", ipc::play),
    quick("ipc_addresses", ipc::addresses),
    quick("wallet_port", wallet_port::play),
    quick("wallet_secrets", wallet_secrets::play),
    slow("wallet_kill", wallet_kill::play),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_safe_as_file_names() {
        let mut names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())));
    }
}
