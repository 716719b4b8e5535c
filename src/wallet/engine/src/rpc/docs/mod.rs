//! What the methods say of themselves: the help pages, and the shapes that answers are compared with.
//!
//! Descriptions are data; what the methods do is in the files beside this folder.

pub(crate) mod addresses;
pub(crate) mod backup;
pub(crate) mod bump;
pub(crate) mod coins;
pub(crate) mod device;
pub(crate) mod encrypt;
pub(crate) mod fund;
pub(crate) mod hdkeys;
pub(crate) mod keyless;
mod parts;
pub(crate) mod spend;
pub(crate) mod transactions;
pub(crate) mod wallets;
