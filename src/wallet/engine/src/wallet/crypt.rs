//! Passphrases.

use std::time::Duration;

use platform::Clock;
use platform::entropy::random_bytes;
use zeroize::Zeroizing;

use super::{Wallet, WalletError, lock};
use crate::keys::VaultFault;

impl Wallet {
    /// Whether its keys are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.read(|core| core.keys.vault().is_encrypted())
    }

    /// Whether its keys are encrypted and nobody has said the passphrase.
    pub fn is_locked(&self) -> bool {
        self.read(|core| core.keys.vault().is_locked())
    }

    /// Encrypts it, and makes new keys that were never in the clear on the disk. It is locked afterwards.
    pub fn encrypt(&self, passphrase: &str) -> Result<(), WalletError> {
        let no_chance = |error: std::io::Error| WalletError::Entropy(error.to_string());
        let secret = Zeroizing::new(random_bytes::<32>(&*self.shared.entropy).map_err(no_chance)?);
        let salt = random_bytes(&*self.shared.entropy).map_err(no_chance)?;
        let clock = &self.shared.clock;
        self.change(|core, draft| {
            let mut time = || clock.monotonic();
            let vault = core.keys.vault_mut();
            vault.encrypt(passphrase, &secret, salt, &mut time, &mut draft.records, &mut draft.erase);
            draft.status = true;
            let made = core.set_up_keys(&self.shared, draft);
            core.keys.vault_mut().lock();
            (core.relock_at, core.relock_due) = (0, None);
            made
        })?;
        // The old pages of the file may still have the keys in the clear.
        Ok(self.file.rewrite()?)
    }

    /// Remembers the keys. With a time, for so long.
    pub fn unlock(&self, passphrase: &str, seconds: Option<u32>) -> Result<(), WalletError> {
        let _one_at_a_time = lock(&self.unlocking);
        self.change(|core, draft| {
            core.keys.vault_mut().unlock(passphrase)?;
            draft.status = true;
            core.upgrade_caches(draft);
            core.keys.top_up(0, &mut draft.records);
            if let Some(seconds) = seconds {
                core.relock_at = self.shared.now().saturating_add(i64::from(seconds));
                core.relock_due = Some(self.shared.clock.monotonic() + Duration::from_secs(u64::from(seconds)));
            }
            Ok::<_, WalletError>(())
        })
    }

    /// Forgets the keys.
    pub fn lock_keys(&self) -> Result<(), WalletError> {
        self.change(|core, draft| {
            core.keys.vault_mut().lock();
            (core.relock_at, core.relock_due) = (0, None);
            draft.status = true;
            Ok(())
        })
    }

    /// When the keys are to be forgotten, by the clock that nobody moves.
    pub(crate) fn relock_due(&self) -> Option<Duration> {
        self.read(|core| core.relock_due)
    }

    /// Forgets the keys if it is time.
    pub(crate) fn lock_keys_in_time(&self, now: Duration) {
        let due = self.relock_due().is_some_and(|due| due <= now);
        if due && !self.scanning.needs_passphrase() && self.lock_keys().is_err() {
            self.log("Locking changed nothing in the file, and yet the file failed");
        }
    }

    /// Changes the passphrase. It stays locked or unlocked as it was.
    pub fn change_passphrase(&self, old: &str, new: &str) -> Result<(), WalletError> {
        let _one_at_a_time = lock(&self.unlocking);
        let clock = &self.shared.clock;
        self.change(|core, draft| {
            let mut time = || clock.monotonic();
            let vault = core.keys.vault_mut();
            vault.change_passphrase(old, new, &mut time, &mut draft.records).map_err(WalletError::from)
        })
    }
}

/// What the user is told of a passphrase that does not fit. One with a zero byte may have been cut by old versions.
pub fn passphrase_text(fault: &VaultFault, passphrase: &str, is_change: bool) -> String {
    let zero = passphrase.contains('\0');
    match (fault, zero, is_change) {
        (VaultFault::Passphrase, true, false) => "Error: The wallet passphrase entered is incorrect. It contains a null \
            character (ie - a zero byte). If the passphrase was set with a version of this software prior to 25.0, please \
            try again with only the characters up to — but not including — the first null character. If this is \
            successful, please set a new passphrase to avoid this issue in the future."
            .to_owned(),
        (VaultFault::Passphrase, true, true) => "Error: The old wallet passphrase entered is incorrect. It contains a null \
            character (ie - a zero byte). If the passphrase was set with a version of this software prior to 25.0, please \
            try again with only the characters up to — but not including — the first null character."
            .to_owned(),
        (fault, _, _) => fault.to_string(),
    }
}
