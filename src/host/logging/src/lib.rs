//! Logs that read like the real daemon's, behind `tracing`.
//!
//! A line of log goes this way:
//!
//! 1. Code anywhere says `debug!(target: "net", peer = 3, "connected to peer={}", 3)`. The *target* is the category; a
//!    target that is no category (such as the module path that `tracing` fills in) means "no category".
//! 2. [`LogLayer`] decides. Info, warnings and errors are always logged. Debug and trace lines need their category
//!    switched on (`-debug=net`, the `logging` RPC) and its level low enough (`-loglevel=net:trace`). The answer is
//!    cached in the call site, so a call that is off costs a load or two and builds no string.
//! 3. The layer makes a [`Record`]: time, thread, source, message, fields.
//! 4. [`LogHandle::log`] keeps records in memory until [`LogHandle::start`] has opened the files; then it formats each
//!    and writes it to the console, to listeners, to `debug.log` and to the JSON file.
//! 5. Lines that are always logged are limited to 1 MiB per source location and hour on disk, so that no peer can fill
//!    a disk with them. `no_rate_limit = true` among the fields lifts that for a line nobody else can cause.
//!
//! The text of a line is its message alone; the other fields appear in the JSON file only. So a harness gets structure
//! without a change to the lines that tools read. A message-less event prints its fields as `name=value`.
//!
//! Nothing here fails once started: what cannot be written (a full disk, a closed terminal) is dropped, as the daemon
//! drops it. Time comes from a [`platform::Clock`]: lines carry the machine's time, and the mock time beside it.
//!
//! What is assumed: one [`LogHandle`] per process is [installed](LogHandle::install). Logging from inside a listener,
//! or from the formatting of a logged value, is dropped and not nested.

mod category;
mod configure;
mod filter;
mod format;
mod handle;
mod json;
mod layer;
mod limiter;
mod options;
mod record;
mod sink;
mod thread;

pub use category::{Category, category_names};
pub use filter::Level;
pub use format::{Style, escape};
pub use handle::{InstallError, ListenerId, LogHandle, UnknownCategory};
pub use layer::LogLayer;
pub use options::{OptionError, level_names};
pub use record::{Record, Source};
pub use sink::{Settings, StartError};
pub use thread::run_traced;

/// The name of the log file, unless `-debuglogfile` says otherwise.
pub const DEFAULT_LOG_FILE: &str = "debug.log";
