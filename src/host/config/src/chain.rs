//! Choosing the chain: `-chain`, or one of its short forms.

use coin::{Chain, ChainKind};

use crate::args::Args;
use crate::error::ConfigError;

/// The short forms, in the order in which the error names them.
const SHORT: [(&str, ChainKind); 4] = [
    ("regtest", ChainKind::Regtest),
    ("signet", ChainKind::Signet),
    ("testnet", ChainKind::Test),
    ("testnet4", ChainKind::Testnet4),
];

/// The chain's name as given, known or not; the main chain if nothing is given.
pub(crate) fn chosen_name(args: &Args) -> Result<String, ConfigError> {
    let coin = args.table().coin();
    let offered = || SHORT.into_iter().filter(|(_, kind)| coin.chain(*kind).is_some());
    let mut chosen: Vec<String> = args.get("chain").into_iter().collect();
    for (name, kind) in offered() {
        if args.chain_value(name).to_bool().unwrap_or(false) {
            chosen.push(kind.name().to_owned());
        }
    }
    if chosen.len() > 1 {
        let names: Vec<String> = offered().map(|(name, _)| format!("-{name}")).collect();
        return Err(ConfigError::ChainCombination(names.join(", ")));
    }
    Ok(chosen.pop().unwrap_or_else(|| ChainKind::Main.name().to_owned()))
}

/// The chain that is chosen.
pub(crate) fn chosen(args: &Args) -> Result<&'static Chain, ConfigError> {
    let name = chosen_name(args)?;
    let chain = ChainKind::from_name(&name).and_then(|kind| args.table().coin().chain(kind));
    chain.ok_or(ConfigError::UnknownChain(name))
}
