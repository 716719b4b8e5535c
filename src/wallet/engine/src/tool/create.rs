//! `create`: a new wallet with new keys.

use std::fs;

use platform::entropy::random_bytes;
use platform::{Clock, Entropy};
use signer::ExtendedPrivateKey;
use walletdb::{Record, Records, WalletFile, WalletFlags};
use zeroize::Zeroizing;

use super::{Printed, Tool, ToolError};
use crate::keys::Keys;
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
        let root = new_root(entropy)?;
        let mut keys = Keys::new(descriptors::Notation::new(self.config.coin(), self.config.chain()), KEYPOOL);
        let (chain, now) = (self.config.chain().kind, clock.unix_seconds());
        for internal in [false, true] {
            for kind in keys.notation().address_types().iter().copied() {
                keys.set_up(&root, kind, internal, chain, now, &mut records)?;
            }
        }
        wallet.txn(|batch| records.iter().try_for_each(|record| batch.put(record)))?;
        Ok(())
    }
}

fn new_root(entropy: &dyn Entropy) -> Result<ExtendedPrivateKey, ToolError> {
    loop {
        let seed = random_bytes::<32>(entropy).map_err(|error| ToolError::Entropy(error.to_string()))?;
        let seed = Zeroizing::new(seed);
        // One seed in 2^127 is no key.
        if let Some(root) = ExtendedPrivateKey::from_seed(seed.as_slice()) {
            return Ok(root);
        }
    }
}
