//! The purse of a real wallet: its keys, its address book, and the records of what changes.

use std::cell::RefCell;
use std::collections::HashMap;

use bitcoin::{Script, ScriptBuf};
use descriptors::{AddressType, Known, infer};
use primitives::Addresses;
use walletdb::{DescriptorId, Record};

use super::{Purse, Satisfaction};
use crate::book::Book;
use crate::keys::{Keys, Manager};
use crate::ledger::{Ledger, Owner};
use crate::wallet::Core;

/// The purse of a real wallet.
#[derive(Debug)]
pub struct CorePurse<'a> {
    keys: &'a mut Keys,
    book: &'a Book,
    addresses: &'a Addresses,
    avoids_reuse: bool,
    /// Somebody else signs for a wallet without private keys, and may make longer signatures.
    high_r: bool,
    records: &'a mut Vec<Record>,
    /// All scripts of a descriptor are alike, and there may be many coins.
    sizes: RefCell<HashMap<DescriptorId, Option<Satisfaction>>>,
}

impl<'a> CorePurse<'a> {
    /// Takes a wallet apart: its ledger, and the purse, which notes changes in `records`.
    pub fn split(core: &'a mut Core, records: &'a mut Vec<Record>) -> (&'a Ledger, Self) {
        let (avoids_reuse, high_r) = (core.avoids_reuse(), core.is_watch_only());
        let Core { ledger, keys, book, addresses, .. } = core;
        (ledger, Self { keys, book, addresses, avoids_reuse, high_r, records, sizes: RefCell::default() })
    }

    fn by_descriptor(&self, manager: &Manager) -> Option<Satisfaction> {
        let compute = || Satisfaction::of(manager.descriptor(), self.high_r);
        *self.sizes.borrow_mut().entry(*manager.id()).or_insert_with(compute)
    }
}

impl Purse for CorePurse<'_> {
    fn satisfaction(&self, script: &Script, solving: &Known, high_r: bool) -> Option<Satisfaction> {
        let high_r = high_r || self.high_r;
        if high_r == self.high_r
            && let Some(found) = self.keys.of_script(script).find_map(|manager| self.by_descriptor(manager))
        {
            return Some(found);
        }
        // A descriptor of several forms, or data from elsewhere: the script tells which form it is.
        let mut known = solving.clone();
        for manager in self.keys.of_script(script) {
            if let Some(expansion) = manager.expand_script(script) {
                known.merge(expansion.known);
            }
        }
        Satisfaction::of(&infer(script, &known, self.keys.notation()), high_r)
    }

    fn is_mine(&self, script: &Script) -> bool {
        self.keys.is_mine(script)
    }

    fn is_change(&self, script: &Script) -> bool {
        let destination = self.addresses.destination(script);
        self.keys.is_mine(script) && (!destination.has_address() || !self.book.is_known(&destination))
    }

    fn is_used(&self, script: &Script) -> bool {
        self.avoids_reuse && self.book.is_used(&self.addresses.destination(script))
    }

    fn has_change_kind(&self, kind: AddressType) -> bool {
        self.keys.active(kind, true).is_some()
    }

    fn give_change(&mut self, kind: AddressType) -> Result<ScriptBuf, String> {
        self.keys.give(kind, true, self.records).map_err(|fault| fault.to_string())
    }

    fn take_back_change(&mut self, script: &Script) {
        self.keys.take_back(script, self.records);
    }
}
