//! What the user said: the command line, `<coin>.conf`, `settings.json`, and where data lives.
//!
//! A program starts like this:
//!
//! 1. [`names::identify`] reads coin and role from the program's own file name: `freicoin-node`, `bitcoind`.
//! 2. [`load`] takes the role's option [`table()`], reads the command line, and answers `-help` and `-version` at once.
//! 3. It finds the data directory, reads `<coin>.conf` and the files it includes, chooses the chain, makes the
//!    directories and reads and writes `settings.json`. What goes wrong is a [`ConfigError`] in the daemon's own words.
//! 4. The result is a [`Config`]: the chain, the directories and [`Args`], from which everything else takes its options
//!    by name. Messages that belong in a log that is not yet open wait in [`Config::notices`].
//! 5. The program `<coin>` does not run a node: [`wrapper::plan`] says which program it is to become.
//!
//! The rules are those of Bitcoin Core's daemon, the odd ones included, because people's files rely on them:
//!
//! - strongest first: forced by the program, command line, `settings.json`, the chain's section, the default section;
//! - the last argument wins, but the first line of a file;
//! - `-noname` is `-name=0` and wipes what stands before it; `-noname=0` is a double negative and draws a warning;
//! - an option of one network, such as `-port`, is read from the default section on the main chain only;
//! - an unknown option is an error on the command line and a warning in a file.
//!
//! Nothing here is global. The environment, the working directory and the process id come in as an [`Env`]; only
//! [`Env::from_process`] looks at the real ones. Option tables are static data whose help is filled in when it is
//! printed, so that a start costs well under two milliseconds. Values are `OsString`s, because a path need not be
//! Unicode.
//!
//! ```no_run
//! use config::{Env, Outcome};
//!
//! # fn main() -> Result<(), config::ConfigError> {
//! let (env, argv) = (Env::from_process(), vec!["bitcoind".into(), "-regtest".into()]);
//! let coin = coin::by_id("bitcoin").expect("Bitcoin is one of the coins");
//! if let Outcome::Run(config) = config::load(config::Role::Daemon, coin, &argv, &env)? {
//!     let port = config.args().get_i64("port", i64::from(config.chain().p2p_port));
//!     assert_eq!(port, 18444);
//! }
//! # Ok(())
//! # }
//! ```

pub mod about;
mod args;
mod argument;
mod chain;
pub mod child;
mod command_line;
mod conf;
mod conf_files;
mod config;
mod error;
pub mod help;
mod json;
pub mod names;
mod notice;
mod paths;
mod settings;
mod settings_file;
mod spec;
mod startup;
mod table;
mod text;
mod value;
pub mod wrapper;

pub use args::Args;
pub use conf::SectionInfo;
pub use config::Config;
pub use error::{ArgumentError, ConfError, ConfigError, IgnoredConf, SettingsError};
pub use names::{Role, UnknownName};
pub use notice::{Notice, NoticeLevel};
pub use paths::{Env, System, default_data_dir, normal};
pub use spec::{Category, OptionSpec};
pub use startup::{Outcome, load, load_resetting_settings, load_spawned};
pub use table::{Table, table};
pub use value::{SettingInt, Value};
