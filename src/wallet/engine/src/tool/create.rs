//! `create`: a new wallet with new keys.

use std::fs;

use platform::{Clock, Entropy};
use walletdb::{Record, Records, WalletFile, WalletFlags};

use super::{Printed, Tool, ToolError};
use crate::keys::{Keys, new_root};
use crate::shared::Shared;

/// How many scripts each descriptor gets. The tool has no option for that.
const KEYPOOL: i32 = 1000;

impl Tool<'_> {
    /// Makes the wallet and shows it. If that fails, there is none.
    pub(super) fn create(
        &self,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
        printed: &mut Printed,
    ) -> Result<(), ToolError> {
        let had_directory = self.path.is_dir();
        let wallet = WalletFile::open_with(&self.path, self.format, self.new_options())?;
        let filled = self.fill(&wallet, clock, entropy);
        if filled.is_err() {
            let files = wallet.files();
            drop(wallet);
            for file in files {
                let _ = fs::remove_file(file);
            }
            if !had_directory {
                let _ = fs::remove_dir(&self.path);
            }
            return filled;
        }
        printed.stdout.push_str("Topping up keypool...\n");
        self.show(&wallet, printed)
    }

    fn fill(&self, wallet: &WalletFile, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<(), ToolError> {
        let flags = WalletFlags::DESCRIPTORS.with(WalletFlags::LAST_HARDENED_XPUB_CACHED);
        let mut records = vec![Record::Version(Shared::client_version()), Record::Flags(flags)];
        let root = new_root(entropy).map_err(|error| ToolError::Entropy(error.to_string()))?;
        let mut keys = Keys::new(descriptors::Notation::new(self.config.coin(), self.config.chain()), KEYPOOL);
        let (chain, now) = (self.config.chain().kind, clock.unix_seconds());
        keys.set_up(&root, &keys.all_kinds(), chain, now, &mut records)?;
        wallet.txn(|batch| records.iter().try_for_each(|record| batch.put(record)))?;
        Ok(())
    }
}
