//! Why a wallet is not made, not opened, or not changed. The texts are the daemon's.

use ::rpc::{Code, RpcError};
use interfaces::IpcError;
use walletdb::{DbError, LoadError, NameError, OpenError, OpenStatus};

use crate::device::DeviceError;
use crate::keys::{AddressFault, ManagerFault, VaultFault};
use crate::spend::SettingsError;

/// Why a wallet is not made, not opened, or not changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WalletError {
    /// A new wallet has no name.
    #[error("Wallet name cannot be empty")]
    Unnamed,
    /// A passphrase for keys that there will not be.
    #[error(
        "Passphrase provided but private keys are disabled. A passphrase is only used to encrypt private keys, so cannot \
         be used for wallets with private keys disabled."
    )]
    PassphraseWithoutKeys,
    /// Another device is to sign, so there must be no private keys here.
    #[error("Private keys must be disabled when using an external signer")]
    KeysBesideSigner,
    /// The device that signs.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The name cannot be a wallet's.
    #[error("Wallet file verification failed. {0}")]
    Name(#[from] NameError),
    /// The file cannot be opened or made.
    #[error("Wallet file verification failed. {0}")]
    Open(#[from] OpenError),
    /// The file cannot be made.
    #[error("Wallet file verification failed. {0}")]
    OpenNew(OpenError),
    /// The file was opened and cannot be read.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// What the file says makes no sense.
    #[error("{0}")]
    Manager(#[from] ManagerFault),
    /// An option cannot be followed.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The wallet knows another chain.
    #[error(
        "Wallet files should not be reused across chains. Restart bitcoind with -walletcrosschain \
         to override."
    )]
    OtherChain,
    /// Blocks that the wallet has not seen are no longer there.
    #[error(
        "Prune: last wallet synchronisation goes beyond pruned data. You need to -reindex (download \
         the whole blockchain again in case of a pruned node)"
    )]
    Pruned,
    /// Blocks that the wallet has not seen are not there yet.
    #[error(
        "Error loading wallet. Wallet requires blocks to be downloaded, and software does not \
         currently support loading wallets while blocks are being downloaded out of order when using assumeutxo \
         snapshots. Wallet should be able to load successfully after node sync reaches height {0}"
    )]
    NotYetDownloaded(i32),
    /// Catching up did not work.
    #[error("Failed to rescan the wallet during initialization")]
    Rescan,
    /// It is open already.
    #[error("Wallet \"{0}\" is already loaded.")]
    AlreadyLoaded(String),
    /// Somebody opens it at this moment.
    #[error("Wallet already loading.")]
    Loading,
    /// There is nothing to restore from.
    #[error("Backup file does not exist")]
    NoBackup,
    /// There is a wallet where the restored one would be.
    #[error("Failed to restore wallet. Database file exists '{0}'.")]
    RestoreOver(String),
    /// There is a wallet in the directory where the restored one would be.
    #[error("Failed to restore wallet. Database file exists in '{0}'.")]
    RestoreOverIn(String),
    /// A directory or a file cannot be made.
    #[error("Failed to restore database path '{0}'.")]
    RestorePath(String),
    /// The passphrase is wrong, or the file damaged.
    #[error(transparent)]
    Vault(#[from] VaultFault),
    /// No address can be given out.
    #[error(transparent)]
    Address(#[from] AddressFault),
    /// The file failed.
    #[error("{0}")]
    Db(#[from] DbError),
    /// There are no random numbers.
    #[error("{0}")]
    Entropy(String),
    /// The node is gone.
    #[error("{0}")]
    Road(#[from] IpcError),
    /// It happened while a wallet was opened.
    #[error("Wallet loading failed. {0}")]
    WhileLoading(Box<Self>),
    /// It happened while a wallet was made.
    #[error("Wallet creation failed. {0}")]
    WhileCreating(Box<Self>),
}

impl WalletError {
    /// Says that a wallet was being opened, where the daemon says so.
    #[must_use]
    pub fn while_loading(self) -> Self {
        if self.needs_context() { Self::WhileLoading(Box::new(self)) } else { self }
    }

    /// Says that a wallet was being made, where the daemon says so.
    #[must_use]
    pub fn while_creating(self) -> Self {
        if self.needs_context() { Self::WhileCreating(Box::new(self)) } else { self }
    }

    fn needs_context(&self) -> bool {
        matches!(
            self,
            Self::Load(_)
                | Self::Settings(_)
                | Self::OtherChain
                | Self::Pruned
                | Self::NotYetDownloaded(_)
                | Self::Rescan
        )
    }

    /// The number for programs.
    pub fn code(&self) -> Code {
        match self {
            Self::Unnamed | Self::NoBackup => Code::INVALID_PARAMETER,
            Self::AlreadyLoaded(_) => Code::WALLET_ALREADY_LOADED,
            Self::RestoreOver(_) | Self::RestoreOverIn(_) | Self::RestorePath(_) => Code::WALLET_ALREADY_EXISTS,
            Self::Open(error) => match error.status() {
                OpenStatus::NotFound | OpenStatus::BadFormat | OpenStatus::Legacy => Code::WALLET_NOT_FOUND,
                OpenStatus::AlreadyExists => Code::WALLET_ALREADY_EXISTS,
                _ => Code::WALLET_ERROR,
            },
            Self::Address(_) => Code::WALLET_KEYPOOL_RAN_OUT,
            Self::Vault(_) => Code::WALLET_PASSPHRASE_INCORRECT,
            Self::Db(_) => Code::DATABASE_ERROR,
            Self::Road(_) | Self::Device(_) => Code::MISC,
            _ => Code::WALLET_ERROR,
        }
    }
}

impl From<WalletError> for RpcError {
    fn from(error: WalletError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// What a request is told when the node is gone.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub fn road(error: IpcError) -> RpcError {
    RpcError::misc(error.to_string())
}
