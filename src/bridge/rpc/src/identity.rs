//! What the daemon calls itself where texts of this crate need it.

use coin::Coin;

use crate::json::{Json, Object};

/// Names and versions of one coin's daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For instance `Bitcoin Core`.
    pub client_name: String,
    /// For instance `v31.99.0`, with `-dev` if it is no release.
    pub version: String,
    /// The program that examples call, for instance `bitcoin-cli`.
    pub cli_name: String,
    /// The port that examples name.
    pub rpc_port: u16,
    /// Where bugs are reported.
    pub bug_url: String,
    /// What texts call the coin.
    pub words: Words,
}

impl Identity {
    /// What the daemon of a coin calls itself.
    pub fn of(coin: &Coin) -> Self {
        Self {
            client_name: coin.client_name.to_owned(),
            version: config::about::VERSION.to_owned(),
            cli_name: format!("{}-cli", coin.id),
            rpc_port: coin.main().rpc_port,
            bug_url: coin::BUG_CONTACT.to_owned(),
            words: Words {
                name: coin.name.to_owned(),
                ticker: coin.ticker.to_owned(),
                minor_unit: coin.minor_unit.to_owned(),
            },
        }
    }
}

/// The words that differ from coin to coin. Descriptions hold their places: `{coin}`, `{Coin}`, `{ticker}` and `{atom}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// For instance `Bitcoin`.
    pub name: String,
    /// For instance `BTC`.
    pub ticker: String,
    /// For instance `sat`.
    pub minor_unit: String,
}

impl Words {
    /// The text with the words in their places.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{coin}", &self.name.to_lowercase())
            .replace("{Coin}", &self.name)
            .replace("{ticker}", &self.ticker)
            .replace("{atom}", &self.minor_unit)
    }

    /// The document with the words in the places of its texts.
    pub fn fill_json(&self, document: Json) -> Json {
        match document {
            Json::Str(text) => Json::Str(self.fill(&text)),
            Json::Arr(items) => items.into_iter().map(|item| self.fill_json(item)).collect(),
            Json::Obj(members) => {
                let filled = members.into_iter().map(|(key, value)| (key, self.fill_json(value)));
                Json::from(filled.collect::<Object>())
            }
            other => other,
        }
    }
}

impl Identity {
    /// The text of an error that can only be the daemon's own fault.
    pub fn internal_bug(&self, what: &str) -> String {
        format!(
            "Internal bug detected: {what}\n{} {}\nPlease report this issue here: {}\n",
            self.client_name, self.version, self.bug_url
        )
    }
}
