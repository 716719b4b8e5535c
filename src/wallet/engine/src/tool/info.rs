//! `info`: what a wallet is, in eight lines.

use std::collections::BTreeSet;

use descriptors::{Descriptor, NoPrivateKeys, Notation, parse};
use walletdb::{Contents, DescriptorId, LoadAs, LoadError, LoadedDescriptor, WalletFile, WalletFlags};

use super::{Printed, Tool, ToolError};
use crate::book::Book;
use crate::shared::Shared;

impl Tool<'_> {
    /// Shows what is in the wallet.
    pub(super) fn info(&self, printed: &mut Printed) -> Result<(), ToolError> {
        let wallet = WalletFile::open_with(&self.path, self.format, self.options)?;
        self.show(&wallet, printed)
    }

    /// The same of a wallet that is open.
    pub(super) fn show(&self, wallet: &WalletFile, printed: &mut Printed) -> Result<(), ToolError> {
        let by = LoadAs { wallet_name: &self.name, client_version: Shared::client_version() };
        let contents = wallet.load(by).map_err(|_| ToolError::Read { name: self.name.clone() })??;
        let file = || wallet.path().display().to_string();
        let mut active = Vec::new();
        for loaded in &contents.descriptors {
            let Some(descriptor) = self.read(loaded) else {
                return Err(LoadError::UnknownDescriptor { file: file() }.into());
            };
            if descriptor.id() != loaded.id {
                return Err(LoadError::Corrupt { file: file() }.into());
            }
            if active_ids(&contents).contains(&loaded.id) {
                active.push((descriptor.is_range(), ahead(loaded)));
            }
        }
        Self::warn(contents.warning.as_ref(), printed);
        let is_hd = !active.is_empty() && active.iter().all(|(is_range, _)| *is_range);
        let keypool: i64 = active.iter().map(|(_, ahead)| ahead).sum();
        let flags = contents.flags.unwrap_or_default();
        let yes_or_no = |value: bool| if value { "yes" } else { "no" };
        for (title, value) in [
            ("Wallet info\n===========\nName", self.name.clone()),
            ("Format", "sqlite".to_owned()),
            ("Descriptors", yes_or_no(flags.contains(WalletFlags::DESCRIPTORS)).to_owned()),
            ("Encrypted", yes_or_no(!contents.master_keys.is_empty()).to_owned()),
            ("HD (hd seed available)", yes_or_no(is_hd).to_owned()),
            ("Keypool Size", keypool.to_string()),
            ("Transactions", contents.txs.len().to_string()),
            ("Address Book", self.book(&contents).entries().count().to_string()),
        ] {
            printed.stdout.extend([title, ": ", &value, "\n"]);
        }
        Ok(())
    }

    fn notation(&self) -> Notation {
        Notation::new(self.config.coin(), self.config.chain())
    }

    fn read(&self, loaded: &LoadedDescriptor) -> Option<Descriptor> {
        let text = loaded.descriptor.text.to_lossy();
        let parsed = parse(&text, false, &self.notation(), &mut NoPrivateKeys).ok()?;
        parsed.descriptors.into_iter().next()
    }

    fn book(&self, contents: &Contents) -> Book {
        let mut book = Book::new(*self.notation().addresses());
        for (address, label) in &contents.names {
            book.restore_label(address, label.clone());
        }
        for (address, purpose) in &contents.purposes {
            book.restore_purpose(address, purpose);
        }
        for (address, name, value) in &contents.dest_data {
            book.restore_data(address, name, value.clone());
        }
        book
    }
}

/// The descriptors that addresses come from, each once.
fn active_ids(contents: &Contents) -> BTreeSet<DescriptorId> {
    contents.active.iter().map(|(_, _, id)| *id).collect()
}

/// How many scripts of a descriptor were made and not given out.
fn ahead(loaded: &LoadedDescriptor) -> i64 {
    i64::from(loaded.descriptor.range_end) - i64::from(loaded.descriptor.next_index)
}
