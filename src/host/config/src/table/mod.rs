//! Which options each program has.

mod chain;
mod client;
mod debug;
mod formats;
mod general;
mod network;
mod rpc;
mod wallet;

use coin::Coin;

use crate::names::Role;
use crate::spec::{Category, OptionSpec, hidden};

const BASICS: &[OptionSpec] = &[general::HELP, general::VERSION, general::DATADIR];
const HELP_HIDDEN: &[OptionSpec] = &[hidden("h"), hidden("?")];

/// The options of one program of one coin.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    coin: &'static Coin,
    parts: &'static [&'static [OptionSpec]],
    /// Words without a dash must be commands of the table.
    commands: bool,
    /// Options that are in no table are accepted too.
    open: bool,
}

/// The options of a program.
pub fn table(coin: &'static Coin, role: Role) -> Table {
    macro_rules! parts {
        ($($part:path),*) => { &[$($part),*] };
    }
    // What every program with a node in it has, and what is its own.
    macro_rules! server {
        ($($own:path),*) => {
            parts![
                HELP_HIDDEN,
                general::SERVER,
                formats::SERVER,
                network::SERVER,
                wallet::SERVER,
                network::ZMQ,
                debug::SERVER,
                chain::CHAIN,
                chain::RELAY,
                rpc::SERVER,
                $($own),*
            ]
        };
    }
    let parts: &'static [&'static [OptionSpec]] = match role {
        Role::Daemon => server![client::GUI_HIDDEN],
        Role::Node => server![rpc::MULTIPROCESS, client::GUI_HIDDEN],
        Role::Qt => server![client::GUI],
        Role::Gui => server![rpc::MULTIPROCESS, client::GUI],
        Role::Wallet => parts![BASICS, HELP_HIDDEN, wallet::TOOL, chain::CHAIN, rpc::MULTIPROCESS],
        Role::Cli => parts![BASICS, HELP_HIDDEN, client::CLI, chain::CHAIN, rpc::CLIENT],
        // The wrapper only looks whether an option of another program asks for processes of their own.
        Role::Wrapper => &[],
    };
    Table { coin, parts, commands: role == Role::Wallet, open: role == Role::Wrapper }
}

impl Table {
    /// The coin.
    pub fn coin(&self) -> &'static Coin {
        self.coin
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &'static OptionSpec> {
        let coin = self.coin;
        self.parts
            .iter()
            .flat_map(|part| part.iter())
            .filter(move |row| row.chain.is_none_or(|chain| coin.chain(chain).is_some()))
            .filter(move |row| row.format.is_none_or(|format| coin.consensus.tx_format == format))
    }

    /// The option with this name, written without its dash.
    pub fn option(&self, name: &str) -> Option<&'static OptionSpec> {
        self.rows().find(|row| row.name == name && !row.is_command())
    }

    /// The command with this name.
    pub fn command(&self, name: &str) -> Option<&'static OptionSpec> {
        self.rows().find(|row| row.name == name && row.is_command())
    }

    /// The first word without a dash must be a command.
    pub(crate) fn has_commands(&self) -> bool {
        self.commands
    }

    /// The rules of an option: none when there is no such option.
    pub(crate) fn rules(&self, name: &str) -> Option<&'static OptionSpec> {
        const ANY: &OptionSpec = &hidden("");
        self.option(name).or(self.open.then_some(ANY))
    }

    /// Values of this option in the default section count on the main chain only.
    pub(crate) fn is_network_only(&self, name: &str) -> bool {
        self.option(name).is_some_and(|row| row.network_only)
    }

    /// The options of one group.
    pub(crate) fn group(&self, category: Category) -> impl Iterator<Item = &'static OptionSpec> {
        self.rows().filter(move |row| row.category == category)
    }
}

#[cfg(test)]
mod tests;
