//! The stories, one short file each. A new one is a file here and a line in [`ALL`].

mod auth;
mod cli;
mod help;
mod kill;
mod mine;
mod options;
mod prune;
mod reindex;
mod reorg;
mod restart;
mod signals;
mod two_coins;
mod wallet_attach;
mod wallet_death;

use anyhow::Result;

use crate::stage::Stage;

/// A story.
#[derive(Debug)]
pub struct Scenario {
    /// Its name, which is its file's.
    pub name: &'static str,
    /// Whether it takes longer than a few seconds, so that it is played only when asked for.
    pub slow: bool,
    /// What happens.
    pub play: fn(&Stage) -> Result<()>,
}

const fn quick(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, slow: false, play }
}

/// Every scenario.
pub const ALL: &[Scenario] = &[
    quick("help", help::play),
    quick("options", options::play),
    quick("restart", restart::play),
    quick("signals", signals::play),
    quick("mine", mine::play),
    quick("reorg", reorg::play),
    quick("kill", kill::play),
    quick("reindex", reindex::play),
    quick("prune", prune::play),
    quick("auth", auth::play),
    quick("cli", cli::play),
    quick("two_coins", two_coins::play),
    quick("wallet_death", wallet_death::play),
    quick("wallet_attach", wallet_attach::play),
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
