//! What building a transaction needs of the wallet's keys and address book.

use bitcoin::{Script, ScriptBuf};
use descriptors::{AddressType, Known};

use super::Satisfaction;

/// What building a transaction needs of the wallet's keys and address book. Nothing here needs a private key.
pub trait Purse {
    /// What it takes to satisfy a script, from what the wallet knows and from `solving`. `None` if that is not enough.
    /// `high_r` says that signatures may be made by somebody who does not look for short ones.
    fn satisfaction(&self, script: &Script, solving: &Known, high_r: bool) -> Option<Satisfaction>;

    /// Whether the wallet can spend, or watches, outputs with this script.
    fn is_mine(&self, script: &Script) -> bool;

    /// Whether a script is the wallet's and was never given to anybody.
    fn is_change(&self, script: &Script) -> bool;

    /// Whether the wallet leaves coins alone whose address was spent from, and this one was.
    fn is_used(&self, script: &Script) -> bool;

    /// Whether it can make change of a kind.
    fn has_change_kind(&self, kind: AddressType) -> bool;

    /// Gives out an address for change. The error is why there is none.
    fn give_change(&mut self, kind: AddressType) -> Result<ScriptBuf, String>;

    /// Takes back the address that was given out last: no transaction was made.
    fn take_back_change(&mut self, script: &Script);
}
