//! Which rules a chain has, and which chains have rules that are not implemented.
//!
//! This is the only place that tells coins apart. Nothing falls back to Bitcoin's rules: a profile with a format, a
//! retarget or a schedule that no rules here understand is refused, by name of what is missing.

use std::sync::Arc;

use coin::{DifficultyAlgo, HeaderFormat, Subsidy, TxFormat};

use crate::freicoin::Freicoin;
use crate::params::ChainParams;
use crate::rules::Rules;
use crate::syscoin::Syscoin;

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
    /// Rules of its own, made from the parameters of a chain that has all their numbers.
    Own(fn(ChainParams) -> Result<Arc<dyn Rules>, UnsupportedRules>),
}

/// Every coin whose rules have been read. Another one is refused, however plain it looks.
fn nature(id: &str) -> Option<Nature> {
    Some(match id {
        "bitcoin" | "arcadia" | "widecoin" => Nature::Plain { enforces_checkpoints: true },
        "c1pzo" => Nature::Plain { enforces_checkpoints: false },
        "freicoin" => Nature::Own(freicoin),
        "syscoin" => Nature::Own(syscoin),
        _ => return None,
    })
}

fn freicoin(params: ChainParams) -> Result<Arc<dyn Rules>, UnsupportedRules> {
    let (coin, chain) = (params.coin().id, params.chain().kind.name());
    let rules = Freicoin::new(params).map_err(|missing| UnsupportedRules { coin, chain, missing: vec![missing] })?;
    Ok(Arc::new(rules))
}

fn syscoin(params: ChainParams) -> Result<Arc<dyn Rules>, UnsupportedRules> {
    let (coin, chain) = (params.coin().id, params.chain());
    let refused = |missing| UnsupportedRules { coin, chain: chain.kind.name(), missing };
    let rules = Syscoin::new(params).ok_or_else(|| refused(crate::syscoin::unsupported(chain)))?;
    Ok(Arc::new(rules))
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
        Some(Nature::Own(make)) => return make(params),
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
