//! Options as data: a name, the hint behind it, its help, its group and its rules.
//!
//! The tables are static and hold templates such as `{rpc_ports}`; a coin's own names and numbers are filled in only
//! when help is printed, so that a start pays nothing for them.

use coin::{ChainKind, TxFormat};

/// The groups of `-help`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// General options.
    Options,
    /// Peers and addresses.
    Connection,
    /// The wallet.
    Wallet,
    /// The wallet, for tests.
    WalletDebugTest,
    /// ZeroMQ.
    Zmq,
    /// Debugging and tests.
    DebugTest,
    /// Which chain.
    Chain,
    /// What is relayed.
    NodeRelay,
    /// What is mined.
    BlockCreation,
    /// The JSON-RPC server.
    Rpc,
    /// The graphical interface.
    Gui,
    /// Commands of a tool.
    Commands,
    /// Commands of the RPC client that start with a dash.
    CliCommands,
    /// Sockets between processes.
    Ipc,
    /// Options of single commands; shown with them.
    CommandOptions,
    /// Accepted and not shown.
    Hidden,
}

impl Category {
    /// The title above the group. Groups without one are not shown by themselves.
    pub(crate) fn title(self) -> Option<&'static str> {
        Some(match self {
            Self::Options => "Options:",
            Self::Connection => "Connection options:",
            Self::Wallet => "Wallet options:",
            Self::WalletDebugTest => "Wallet debugging/testing options:",
            Self::Zmq => "ZeroMQ notification options:",
            Self::DebugTest => "Debugging/Testing options:",
            Self::Chain => "Chain selection options:",
            Self::NodeRelay => "Node relay options:",
            Self::BlockCreation => "Block creation options:",
            Self::Rpc => "RPC server options:",
            Self::Gui => "UI Options:",
            Self::Commands => "Commands:",
            Self::CliCommands => "CLI Commands:",
            Self::Ipc => "IPC interprocess connection options:",
            Self::CommandOptions | Self::Hidden => return None,
        })
    }
}

/// One option or command.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The name without its dash.
    pub name: &'static str,
    /// What stands behind the name in help, such as `=<n>`.
    pub hint: &'static str,
    /// The help text, a template.
    pub help: &'static str,
    /// The group.
    pub category: Category,
    /// Shown by `-help-debug` only.
    pub debug_only: bool,
    /// Values in the default section of the configuration file count on the main chain only.
    pub network_only: bool,
    /// The value is not logged.
    pub sensitive: bool,
    /// `-noname` is refused.
    pub no_negation: bool,
    /// `-name` without a value is refused.
    pub no_elision: bool,
    /// Only coins that have this chain have the option.
    pub chain: Option<ChainKind>,
    /// Only coins whose transactions have this format have the option.
    pub format: Option<TxFormat>,
    /// For a command: the command options that go with it.
    pub command_options: &'static [&'static str],
}

/// A row of a table.
pub(crate) const fn option(
    category: Category,
    name: &'static str,
    hint: &'static str,
    help: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        hint,
        help,
        category,
        debug_only: false,
        network_only: false,
        sensitive: false,
        no_negation: false,
        no_elision: false,
        chain: None,
        format: None,
        command_options: &[],
    }
}

/// A row for an option that is accepted and not shown.
pub(crate) const fn hidden(name: &'static str) -> OptionSpec {
    option(Category::Hidden, name, "", "")
}

impl OptionSpec {
    pub(crate) const fn for_format(mut self, format: TxFormat) -> Self {
        self.format = Some(format);
        self
    }

    pub(crate) const fn debug_only(mut self) -> Self {
        self.debug_only = true;
        self
    }

    pub(crate) const fn network_only(mut self) -> Self {
        self.network_only = true;
        self
    }

    pub(crate) const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    pub(crate) const fn no_negation(mut self) -> Self {
        self.no_negation = true;
        self
    }

    pub(crate) const fn no_elision(mut self) -> Self {
        self.no_elision = true;
        self
    }

    pub(crate) const fn for_chain(mut self, chain: ChainKind) -> Self {
        self.chain = Some(chain);
        self
    }

    pub(crate) const fn with_options(mut self, options: &'static [&'static str]) -> Self {
        self.command_options = options;
        self
    }

    /// The row is a command, written without a dash.
    pub fn is_command(&self) -> bool {
        self.category == Category::Commands
    }

    /// The name as it is written: commands without a dash.
    pub fn written(&self) -> String {
        if self.is_command() { self.name.to_owned() } else { format!("-{}", self.name) }
    }
}
