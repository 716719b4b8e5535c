//! What all wallets of a process have in common.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::Config;
use consensus::{ChainParams, Rules, UnsupportedRules};
use descriptors::Notation;
use interfaces::Chain;
use platform::{Clock, Entropy, MockableClock};
use primitives::{Addresses, Codec, hex};
use walletdb::Format;

use crate::memo::Memo;

/// The surroundings of wallets: the node's chain, the options, the formats of the coin, time and chance.
pub struct Shared {
    /// What the user said.
    pub config: Arc<Config>,
    /// The node.
    pub chain: Arc<dyn Chain>,
    /// The clock; a regression test may stop it.
    pub clock: Arc<MockableClock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The rules of the chain.
    pub rules: Arc<dyn Rules>,
    /// How keys and addresses are written.
    pub notation: Notation,
    /// How transactions are written.
    pub codec: Codec,
    /// How files are written.
    pub format: Format,
    /// What the node has told already.
    pub(crate) memo: Memo,
    wallet_dir: PathBuf,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("wallet_dir", &self.wallet_dir).finish_non_exhaustive()
    }
}

/// Why there can be no wallets. The texts are the daemon's.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The wallet directory is not there.
    #[error("Specified -walletdir \"{0}\" does not exist")]
    NoDirectory(String),
    /// It is something else.
    #[error("Specified -walletdir \"{0}\" is not a directory")]
    NotADirectory(String),
    /// It depends on where the program was started.
    #[error("Specified -walletdir \"{0}\" is a relative path")]
    Relative(String),
    /// Nobody has written the rules of this chain.
    #[error(transparent)]
    Rules(#[from] UnsupportedRules),
}

impl Shared {
    /// From the options and the node.
    pub fn new(
        config: Arc<Config>,
        chain: Arc<dyn Chain>,
        clock: Arc<MockableClock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, SharedError> {
        let (coin, profile) = (config.coin(), config.chain());
        let wallet_dir = wallet_dir(&config)?;
        let mut params = ChainParams::new(coin, profile);
        if config.args().get_bool("bitcoinmode", false) && profile.kind == coin::ChainKind::Regtest {
            params = params.with_timeless_values();
        }
        let format = match signet_magic(&config) {
            Some(magic) => Format::with_magic(coin, magic),
            None => Format::for_chain(coin, profile),
        };
        Ok(Self {
            rules: consensus::rules_for(params)?,
            notation: Notation::new(coin, profile),
            codec: Codec::for_coin(coin),
            format,
            chain,
            clock,
            entropy,
            memo: Memo::default(),
            wallet_dir,
            config,
        })
    }

    /// The directory of wallets.
    pub fn wallet_dir(&self) -> &Path {
        &self.wallet_dir
    }

    /// How addresses are written.
    pub fn addresses(&self) -> &Addresses {
        self.notation.addresses()
    }

    /// Now, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    /// How many scripts a descriptor has ahead (`-keypool`).
    pub fn keypool(&self) -> i32 {
        i32::try_from(self.config.args().get_i64("keypool", 1000).max(1)).unwrap_or(i32::MAX)
    }

    /// The version that wallets record.
    pub fn client_version() -> i32 {
        const MAJOR_MINOR: i32 = 319_900;
        MAJOR_MINOR
    }
}

/// `-walletdir`, or `wallets` in the data directory if that exists, or the data directory itself.
fn wallet_dir(config: &Config) -> Result<PathBuf, SharedError> {
    let Some(given) = config.args().get("walletdir") else {
        let usual = config.net_dir().join("wallets");
        return Ok(if usual.is_dir() { usual } else { config.net_dir().to_owned() });
    };
    let path = Path::new(&given);
    let Ok(canonical) = platform::file::real_path(path) else { return Err(SharedError::NoDirectory(given)) };
    if !canonical.is_dir() {
        return Err(SharedError::NotADirectory(given));
    }
    if !path.is_absolute() {
        return Err(SharedError::Relative(given));
    }
    Ok(canonical)
}

/// The magic of a signet of one's own: the hash of its challenge.
pub(crate) fn signet_magic(config: &Config) -> Option<[u8; 4]> {
    use bitcoin::hashes::{Hash, HashEngine, sha256d};

    if config.chain().kind != coin::ChainKind::Signet {
        return None;
    }
    let text = config.args().get_all("signetchallenge").pop()?;
    let challenge = hex::decode(&text)?;
    let mut bytes = Vec::new();
    primitives::put_bytes(&mut bytes, &challenge);
    let mut engine = sha256d::Hash::engine();
    engine.input(&bytes);
    let [a, b, c, d, ..] = sha256d::Hash::from_engine(engine).to_byte_array();
    Some([a, b, c, d])
}
