//! The machine under a node, a wallet or a GUI, behind safe functions.
//!
//! A daemon meets this crate in the order in which it starts:
//!
//! 1. [`limits`]: new files are private ([`limits::set_private_umask`]), enough descriptors are open to us, freed memory stays
//!    ([`limits::keep_freed_memory`]).
//! 2. [`descriptor`]: a child adopts the socket its parent passed with `-ipcfd N`.
//! 3. [`daemonize`]: `-daemon` and `-daemonwait` fork before the first thread exists.
//! 4. [`dirlock`] and [`pidfile`]: one process per data directory. POSIX record locks do not survive a fork, so a lock
//!    is probed before daemonising and taken after it.
//! 5. [`signals`]: SIGTERM, SIGINT and SIGHUP become events that an ordinary thread waits for, and through which a node
//!    is asked to stop ([`shutdown`]).
//! 6. [`thread`]: threads are named as Bitcoin Core names them, for logs and for `top`.
//! 7. [`child`]: the node starts its wallet over a socket pair; [`shell`] runs the user's notification
//!    commands, and [`command`] asks a program that the user configures.
//! 8. [`clock`] and [`entropy`]: time and chance, as arguments for everything above this crate.
//! 9. [`disk`], [`mod@file`] and [`machine`]: what the disk and the machine offer.
//! 10. [`locked`]: memory for secrets, kept out of swap and core dumps and wiped when dropped. [`WipingAllocator`] cleans up
//!     after everything else that a secret passes through.
//! 11. [`socket`] and [`terminal`]: where others connect to, and a terminal that does not show a secret; [`audience`]: telling
//!     other processes what happens without waiting for them.
//! 12. [`sandbox`]: once it has started, a process gives up what it does not need.
//!
//! What is assumed: a POSIX system, or Windows. Where they differ, `unix` and `windows` have the same functions, and nothing
//! outside this crate has to know. Linux is complete; on other POSIX systems the parts that only Linux has (a signal at the
//! parent's death, thread counts, core dump exclusion) do nothing or answer "unknown". Windows has no descriptors to
//! inherit, no sockets in the file system and no fork: what needs them answers with one clear error.
//!
//! This is the only crate that may write `unsafe`. Each block says why it is sound, and no safe function here can be
//! misused to break memory or descriptor ownership. Every descriptor this crate creates is close-on-exec. Errors carry
//! the texts that Bitcoin Core prints; the caller adds the `Error: ` in front.

pub mod audience;
pub mod child;
pub mod clock;
pub mod command;
pub mod daemonize;
#[cfg_attr(windows, path = "windows/descriptor.rs")]
pub mod descriptor;
pub mod dirlock;
pub mod disk;
pub mod entropy;
mod error;
pub mod file;
pub mod limits;
pub mod locked;
pub mod machine;
pub mod pages;
pub mod pidfile;
pub mod sandbox;
pub mod shell;
pub mod shutdown;
pub mod signals;
pub mod socket;
#[cfg_attr(unix, path = "unix/mod.rs")]
#[cfg_attr(windows, path = "windows/mod.rs")]
mod system;
pub mod terminal;
pub mod thread;
mod wipe;

pub use audience::Audience;
pub use child::{ChildOptions, ChildProcess};
pub use clock::{Clock, ManualClock, MockableClock, SystemClock, format_iso8601};
pub use dirlock::{DirectoryLock, LockError};
pub use entropy::{Entropy, SystemEntropy};
pub use error::{message_text, system_error_text};
pub use locked::LockedBytes;
pub use pidfile::PidFile;
pub use shutdown::Shutdown;
pub use signals::{SignalEvent, SignalSender, Signals};
pub use wipe::WipingAllocator;
