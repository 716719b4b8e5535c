//! What an operator chooses about the pool. The defaults are those of the daemon.

use crate::FeeRate;

/// How many transactions may hang together, and how large they may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// `-limitclustercount`, at most 64.
    pub cluster_count: usize,
    /// `-limitclustersize` in virtual bytes; the option counts in thousands.
    pub cluster_vsize: i64,
    /// `-limitancestorcount`; only told to wallets.
    pub ancestor_count: u64,
    /// `-limitdescendantcount`; only told to wallets.
    pub descendant_count: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cluster_count: 64, cluster_vsize: 101_000, ancestor_count: 25, descendant_count: 25 }
    }
}

/// The options of the pool.
#[derive(Clone, Debug)]
pub struct Options {
    /// `-maxmempool` in bytes; the option counts in millions.
    pub max_bytes: usize,
    /// `-mempoolexpiry` in seconds; the option counts in hours.
    pub expiry: i64,
    /// `-incrementalrelayfee`.
    pub incremental_relay_fee: FeeRate,
    /// `-minrelaytxfee`.
    pub min_relay_fee: FeeRate,
    /// `-dustrelayfee`.
    pub dust_relay_fee: FeeRate,
    /// `-datacarriersize`, or nothing without `-datacarrier`.
    pub max_datacarrier: Option<usize>,
    /// `-permitbaremultisig`.
    pub permit_bare_multisig: bool,
    /// Off with `-acceptnonstdtxn`.
    pub require_standard: bool,
    /// `-persistmempoolv1`.
    pub persist_v1: bool,
    /// `-bytespersigop`.
    pub bytes_per_sigop: u64,
    /// How large clusters may be.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_bytes: 300_000_000,
            expiry: 336 * 60 * 60,
            incremental_relay_fee: FeeRate::per_kvb(100),
            min_relay_fee: FeeRate::per_kvb(100),
            dust_relay_fee: FeeRate::per_kvb(3000),
            max_datacarrier: Some(100_000),
            permit_bare_multisig: true,
            require_standard: true,
            persist_v1: false,
            bytes_per_sigop: 20,
            limits: Limits::default(),
        }
    }
}

/// Options that do not go together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadOptions {
    /// Not even one cluster fits.
    #[error("-maxmempool must be at least {0} MB")]
    MaxMempool(i64),
    /// More than the linearisation can take.
    #[error("limitclustercount must be less than or equal to {max}", max = crate::linearize::MAX_CLUSTER)]
    ClusterCount,
}

impl Options {
    /// Checks that the options make sense together.
    pub fn check(&self) -> Result<(), BadOptions> {
        let least = self.limits.cluster_vsize.saturating_mul(40);
        if self.max_bytes > 0 && i64::try_from(self.max_bytes).unwrap_or(i64::MAX) < least {
            return Err(BadOptions::MaxMempool(least.saturating_add(999_999) / 1_000_000));
        }
        if self.limits.cluster_count > crate::linearize::MAX_CLUSTER {
            return Err(BadOptions::ClusterCount);
        }
        Ok(())
    }

    /// The most weight of a cluster.
    pub(crate) fn cluster_weight(&self) -> i64 {
        self.limits.cluster_vsize.saturating_mul(4)
    }
}
