//! The network of the node: sockets, and the two threads between them and the peer logic of [`p2p`].
//!
//! What flows through, in order:
//! 1. [`Options`] say where to listen, whom to call and through which proxy. [`start`] reads `peers.dat`, `banlist.json`
//!    and `anchors.dat`, binds the listeners and starts both threads.
//! 2. The thread `net` owns all sockets ([`Sockets`]). It accepts, dials (`socks5`, `i2p`), and moves bytes between a socket
//!    and the two bounded queues of its connection (`link`): what has come, as whole messages, and what is to be sent. It
//!    also asks Tor for an onion service (`tor`).
//! 3. The thread `msghand` is the driver. It takes one message of each peer in turn to the [`p2p::PeerManager`] and does
//!    what that decides; it chooses whom to call, whom to give up, and when to write things down (`files`).
//! 4. Others reach the driver through a [`NetHandle`]: they send it work on a [`Control`] and wait for the answer.
//!
//! Nothing here validates: the [`p2p::ChainAccess`] and [`p2p::TxAccess`] that the peer logic was made with send blocks and
//! transactions to the thread that does.
//!
//! Assumed: the caller holds the lock of the data directory. Sockets, clock and chance are arguments, so the tests run
//! whole networks in memory. Whatever comes from a socket may come from an enemy.

mod discouraged;
mod driver;
mod files;
pub mod fuzz;
mod handle;
mod i2p;
mod io;
mod link;
mod options;
pub mod permissions;
#[cfg(test)]
mod scripted;
mod shun;
mod sockets;
mod socks5;
pub mod target;
#[cfg(test)]
mod tests;
mod tor;
mod waker;

pub use driver::{AddedNode, ChainNews, Control, LocalAddress, NetworkInfo, PeerInfo, Totals, is_bad_port};
pub use files::BadPeersFile;
pub use handle::{NetError, NetHandle, Network, Stopped, start};
pub use options::{Bind, I2pRouter, NETWORKS, Options, Proxies, Proxy, TorControl};
pub use permissions::{Grant, Implicit, PermissionError, WhiteBind, WhiteRange};
pub use sockets::{Connected, Endpoint, Later, Listener, RealSockets, Sockets, Stream};
