//! Which rules a chain has, and which chains have rules that are not implemented.
//!
//! This is the only place that tells coins apart. Nothing falls back to Bitcoin's rules: a profile with a format, a
//! retarget or a schedule that no rules here understand is refused, by name of what is missing.

use std::sync::Arc;

use coin::{DifficultyAlgo, HeaderFormat, Subsidy, TxFormat};

use crate::params::ChainParams;
use crate::rules::Rules;

/// A chain whose rules are not all implemented. Running it would accept what the rest of its network rejects.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{coin} {chain} cannot be validated: these of its consensus rules are not implemented: {}", .missing.join("; "))]
pub struct UnsupportedRules {
    /// The coin's name.
    pub coin: &'static str,
    /// The chain's name.
    pub chain: &'static str,
    /// What is missing.
    pub missing: Vec<&'static str>,
}

/// Bitcoin's rules, with the numbers of the profile.
#[derive(Debug)]
struct Plain {
    params: ChainParams,
    enforces_checkpoints: bool,
}

impl Rules for Plain {
    fn params(&self) -> &ChainParams {
        &self.params
    }

    fn enforces_checkpoints(&self) -> bool {
        self.enforces_checkpoints
    }
}

/// What each coin is beyond its profile.
enum Nature {
    /// Bitcoin's rules with other numbers, all of which are in the profile.
    Plain { enforces_checkpoints: bool },
    /// Rules of its own.
    Own(&'static [&'static str]),
}

/// Rules of Freicoin that no code here knows.
const FREICOIN: &[&str] = &[
    "lock_height of transactions",
    "demurrage of values",
    "input values at the spending height",
    "BIP30, BIP34 and version rules",
    "filtered retarget",
    "merged mining",
    "auxiliary difficulty and work",
    "block-final transactions",
    "witness commitments and programs",
    "script changes",
    "signature hashes",
    "protocol cleanup",
    "size expansion",
];

/// Rules of Syscoin that no code here knows.
const SYSCOIN: &[&str] = &[
    "version with chain id",
    "merged mining",
    "auxiliary chain-lock references",
    "retarget before and after NEVM",
    "NEVM block data",
    "assets",
    "mint proofs",
    "NEVM blocks",
    "PoDA blobs",
    "deterministic masternodes",
    "masternode payments",
    "superblocks",
    "chain locks",
];

/// Every coin whose rules have been read. Another one is refused, however plain it looks.
fn nature(id: &str) -> Option<Nature> {
    Some(match id {
        "bitcoin" | "arcadia" | "widecoin" => Nature::Plain { enforces_checkpoints: true },
        "c1pzo" => Nature::Plain { enforces_checkpoints: false },
        "freicoin" => Nature::Own(FREICOIN),
        "syscoin" => Nature::Own(SYSCOIN),
        _ => return None,
    })
}

/// The rules of a chain, or what is missing to have them.
pub fn rules_for(params: ChainParams) -> Result<Arc<dyn Rules>, UnsupportedRules> {
    let (coin, chain) = (params.coin(), params.chain());
    let mut missing = Vec::new();
    let mut enforces_checkpoints = true;
    match nature(coin.id) {
        Some(Nature::Plain { enforces_checkpoints: enforced }) => {
            enforces_checkpoints = enforced;
            missing.extend(not_plain(&params));
        }
        Some(Nature::Own(rules)) => missing.extend(rules),
        None => {
            missing.push("the rules of a coin that is not known");
            missing.extend(not_plain(&params));
        }
    }
    if missing.is_empty() {
        return Ok(Arc::new(Plain { params, enforces_checkpoints }));
    }
    Err(UnsupportedRules { coin: coin.id, chain: chain.kind.name(), missing })
}

/// What a profile asks for that Bitcoin's rules do not have.
fn not_plain(params: &ChainParams) -> Vec<&'static str> {
    let (consensus, chain) = (&params.coin().consensus, params.chain());
    let checks = [
        (consensus.header_format == HeaderFormat::Bitcoin, "headers with a tail"),
        (consensus.tx_format == TxFormat::Bitcoin, "transactions with a tail"),
        (chain.difficulty_algo == DifficultyAlgo::Bitcoin, "another retarget"),
        (matches!(consensus.subsidy, Subsidy::Steps(_)) && params.subsidy().is_some(), "another subsidy"),
        (consensus.witness_scale_factor > 0, "blocks without weight"),
        (
            chain.pow_target_timespan > 0
                && chain.pow_target_spacing > 0
                && chain.pow_target_timespan.is_multiple_of(chain.pow_target_spacing),
            "a retarget period that is not a number of blocks",
        ),
    ];
    checks.into_iter().filter(|(plain, _)| !plain).map(|(_, what)| what).collect()
}

#[cfg(test)]
mod tests;
