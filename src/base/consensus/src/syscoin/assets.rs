//! Assets: what goes in must come out.
//!
//! An asset is a number. Outputs carry an amount of one, beside their coins; a transaction that carries assets must
//! bring as much of each as it hands out. Four kinds of transactions are exceptions: two turn coins into the asset that
//! stands for them and back, one burns an asset for the other machine, and one mints what was burnt there.

use std::collections::{BTreeMap, HashSet};

use coin::SyscoinExtra;
use primitives::assets::{self, Allocation};
use primitives::{CoinTail, Tx, TxOutEntry};

use crate::money::{in_range, value_of};

/// The versions of transactions about masternodes.
const MASTERNODE: std::ops::RangeInclusive<u32> = 80..=83;
/// The version of a quorum's commitment, which only a coinbase may have.
pub(super) const QUORUM_COMMITMENT: u32 = 85;
/// The version of a transaction that brings data of the other machine.
const NEVM_DATA: u32 = 137;

/// Limits of a burn to the other machine.
const BURN_INPUTS: usize = 100;
const BURN_OUTPUTS: usize = 10;

/// Why a transaction is invalid on account of assets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum AssetReason {
    /// Assets are not in force yet.
    #[error("assetallocation-not-active")]
    NotActive,
    /// It burns in a way that earlier releases knew.
    #[error("assetallocation-legacy-burn")]
    LegacyBurn,
    /// The inputs carry more of an asset than there can be.
    #[error("bad-txns-asset-inputvalues-outofrange")]
    InputRange,
    /// The outputs carry more of an asset than there can be.
    #[error("bad-txns-asset-out-outofrange")]
    OutputRange,
    /// What comes out is not what went in.
    #[error("bad-txns-asset-io-mismatch")]
    Mismatch,
    /// The list cannot be read.
    #[error("assetallocation-unserialize-failed")]
    Unreadable,
    /// It lists more than the one asset that it may.
    #[error("assetallocation-single-asset")]
    SingleAsset,
    /// There is more in the output with the data than the data.
    #[error("assetallocation-noncanonical-script")]
    Script,
    /// It lists the asset that stands for none.
    #[error("assetallocation-null-asset")]
    NullAsset,
    /// It lists an asset without outputs.
    #[error("assetallocation-empty-values")]
    EmptyValues,
    /// It lists an asset twice.
    #[error("assetallocation-duplicate-asset")]
    DuplicateAsset,
    /// It lists an output twice.
    #[error("assetallocation-duplicate-output")]
    DuplicateOutput,
    /// The list has another form than the only one that it should have.
    #[error("assetallocation-noncanonical-encoding")]
    Encoding,
    /// The address on the other machine has not 20 bytes.
    #[error("assetallocation-invalid-nevm-destination")]
    Destination,
    /// The address on the other machine is zero.
    #[error("assetallocation-null-nevm-destination")]
    NullDestination,
    /// There is no output with data.
    #[error("assetallocation-missing-burn-output")]
    MissingBurnOutput,
    /// It burns no coins.
    #[error("syscoin-burn-invalid-amount")]
    BurnAmount,
    /// It burns coins and hands out none of the asset that stands for them.
    #[error("syscoin-burn-asset-output-notfound")]
    BurnOutput,
    /// It hands out more or less than it burns.
    #[error("syscoin-burn-mismatch-amount")]
    BurnMismatch,
    /// It burns none of an asset.
    #[error("assetallocation-invalid-burn-amount")]
    AssetBurnAmount,
    /// A burn to the other machine has too many inputs.
    #[error("assetallocation-nevm-too-many-inputs")]
    BurnInputs,
    /// A burn to the other machine has too many outputs.
    #[error("assetallocation-nevm-too-many-outputs")]
    BurnOutputs,
    /// The output that burns stands where the coins should be.
    #[error("assetallocation-invalid-burn-index")]
    BurnIndex,
    /// The coins are more or fewer than what is burnt.
    #[error("assetallocation-mismatch-burn-amount")]
    AssetBurnMismatch,
    /// It burns an asset that does not stand for coins.
    #[error("assetallocation-invalid-sysx-asset")]
    WrongAsset,
    /// A mint cannot be read.
    #[error("mint-unserialize-failed")]
    MintUnreadable,
    /// The block of the other machine that a mint speaks of is not known.
    #[error("mint-txroot-missing")]
    MintRoot,
    /// A mint hands out more than the one asset that it may.
    #[error("mint-single-asset")]
    MintSingleAsset,
    /// A mint brings assets of its own.
    #[error("mint-no-asset-inputs")]
    MintInputs,
    /// A mint hands out nothing.
    #[error("mint-asset-output-notfound")]
    MintOutput,
    /// Transactions about masternodes cannot be verified here.
    #[error("masternode-tx-not-verifiable")]
    Masternode,
    /// Data of the other machine cannot be verified here.
    #[error("poda-validation-failed")]
    NevmData,
}

/// How much of each asset.
type Sums = BTreeMap<u64, i64>;

/// The sum of the outputs that the inputs pay for; `None` if it does not fit.
pub(super) fn value_out(tx: &Tx) -> Option<i64> {
    let skipped = usize::from(assets::first_output_is_burnt(tx.version()));
    tx.outputs().iter().skip(skipped).try_fold(0i64, |sum, output| sum.checked_add(value_of(output)))
}

/// What the rules depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) extra: &'a SyscoinExtra,
    /// The height of the block.
    pub(super) height: u32,
    /// All there can be of anything.
    pub(super) max: i64,
    /// Whether what cannot be verified is refused.
    pub(super) verified: bool,
}

/// Checks a transaction that spends `spent`.
pub(super) fn check(tx: &Tx, spent: &[TxOutEntry], context: Context<'_>) -> Result<(), AssetReason> {
    let Context { extra, height, max, verified } = context;
    let version = tx.version();
    if verified {
        if extra.dip3_height.is_active_at(height) && MASTERNODE.contains(&version) {
            return Err(AssetReason::Masternode);
        }
        if extra.poda_start_block.is_active_at(height) && version == NEVM_DATA {
            return Err(AssetReason::NevmData);
        }
    }
    let carries = assets::carries_assets(version);
    if !extra.nexus_start_block.is_active_at(height) {
        return if carries { Err(AssetReason::NotActive) } else { Ok(()) };
    }
    if assets::LEGACY_BURNS.contains(&version) {
        return Err(AssetReason::LegacyBurn);
    }
    if !carries {
        return Ok(());
    }
    let (list, _) = Allocation::of(tx).ok_or(AssetReason::Unreadable)?;
    let tails = list.assign(tx.outputs().len()).map_err(|_| AssetReason::Unreadable)?;
    let mut sums = Moved {
        from: add_up(spent.iter().map(|coin| coin.tail), max).ok_or(AssetReason::InputRange)?,
        to: add_up(tails.iter().copied(), max).ok_or(AssetReason::OutputRange)?,
    };
    if extra.cl_receipt_start_block.is_active_at(height) {
        check_form(tx, &list)?;
    }
    match version {
        assets::MINT => check_mint(tx, context, &mut sums)?,
        assets::COIN_TO_ASSET => check_coin_burn(tx, extra, &mut sums)?,
        assets::BURN_TO_COIN | assets::BURN_TO_NEVM => check_burn(tx, &tails, context)?,
        _ => {}
    }
    if sums.from == sums.to { Ok(()) } else { Err(AssetReason::Mismatch) }
}

/// What a transaction brings and what it hands out.
struct Moved {
    from: Sums,
    to: Sums,
}

fn add_up(tails: impl Iterator<Item = CoinTail>, max: i64) -> Option<Sums> {
    let mut sums = Sums::new();
    for tail in tails {
        let CoinTail::Asset { asset, amount } = tail else { continue };
        if asset == 0 {
            continue;
        }
        let amount = i64::try_from(amount).ok().filter(|amount| in_range(*amount, max))?;
        let sum = sums.entry(asset).or_insert(0);
        *sum = sum.checked_add(amount).filter(|sum| in_range(*sum, max))?;
    }
    Some(sums)
}

/// Each asset and each output once, and burns to the other machine in their only form.
fn check_form(tx: &Tx, list: &Allocation) -> Result<(), AssetReason> {
    let version = tx.version();
    let is_burn = version == assets::BURN_TO_NEVM;
    if (is_burn || version == assets::MINT) && list.assets.len() != 1 {
        return Err(AssetReason::SingleAsset);
    }
    let raw = if is_burn { Some(assets::canonical_data(tx).ok_or(AssetReason::Script)?) } else { None };
    let (mut assets_seen, mut outputs_seen) = (HashSet::new(), HashSet::new());
    for entry in &list.assets {
        if entry.asset == 0 {
            return Err(AssetReason::NullAsset);
        }
        if entry.outputs.is_empty() {
            return Err(AssetReason::EmptyValues);
        }
        if !assets_seen.insert(entry.asset) {
            return Err(AssetReason::DuplicateAsset);
        }
        for (place, amount) in &entry.outputs {
            if *amount > assets::MAX_ASSET {
                return Err(AssetReason::Encoding);
            }
            if !outputs_seen.insert(*place) {
                return Err(AssetReason::DuplicateOutput);
            }
        }
    }
    let Some(raw) = raw else { return Ok(()) };
    let (list, address) =
        assets::burn(tx).filter(|(_, address)| address.len() == 20).ok_or(AssetReason::Destination)?;
    if address.iter().all(|byte| *byte == 0) {
        return Err(AssetReason::NullDestination);
    }
    if raw == assets::burn_data(&list, address) { Ok(()) } else { Err(AssetReason::Encoding) }
}

/// Coins become the asset that stands for them: what is burnt comes out on top of what went in.
fn check_coin_burn(tx: &Tx, extra: &SyscoinExtra, sums: &mut Moved) -> Result<(), AssetReason> {
    let output = assets::data_output(tx).ok_or(AssetReason::MissingBurnOutput)?;
    let burnt = value_of(&tx.outputs()[output]);
    if burnt <= 0 {
        return Err(AssetReason::BurnAmount);
    }
    let out = sums.to.remove(&extra.sysx_asset).ok_or(AssetReason::BurnOutput)?;
    let before = sums.from.remove(&extra.sysx_asset).unwrap_or(0);
    if out - before == burnt { Ok(()) } else { Err(AssetReason::BurnMismatch) }
}

/// An asset is burnt in the output with the data: for coins in the first output, or for the other machine.
fn check_burn(tx: &Tx, tails: &[CoinTail], context: Context<'_>) -> Result<(), AssetReason> {
    let Context { extra, height, .. } = context;
    let output = assets::data_output(tx).ok_or(AssetReason::MissingBurnOutput)?;
    let (asset, burnt) = match tails.get(output) {
        Some(CoinTail::Asset { asset, amount }) => (*asset, i64::try_from(*amount).unwrap_or(i64::MAX)),
        _ => (0, 0),
    };
    if burnt <= 0 {
        return Err(AssetReason::AssetBurnAmount);
    }
    if tx.version() == assets::BURN_TO_NEVM {
        if !extra.cl_receipt_start_block.is_active_at(height) {
            return Ok(());
        }
        if tx.inputs().len() >= BURN_INPUTS {
            return Err(AssetReason::BurnInputs);
        }
        return if tx.outputs().len() >= BURN_OUTPUTS { Err(AssetReason::BurnOutputs) } else { Ok(()) };
    }
    if output == 0 {
        return Err(AssetReason::BurnIndex);
    }
    if tx.outputs().first().map(value_of) != Some(burnt) {
        return Err(AssetReason::AssetBurnMismatch);
    }
    if asset == extra.sysx_asset { Ok(()) } else { Err(AssetReason::WrongAsset) }
}

/// What was frozen on the other machine appears here. Its proof cannot be verified without that machine's roots.
fn check_mint(tx: &Tx, context: Context<'_>, sums: &mut Moved) -> Result<(), AssetReason> {
    assets::mint(tx).ok_or(AssetReason::MintUnreadable)?;
    if context.verified {
        return Err(AssetReason::MintRoot);
    }
    if context.extra.cl_receipt_start_block.is_active_at(context.height) {
        if sums.to.len() != 1 {
            return Err(AssetReason::MintSingleAsset);
        }
        if !sums.from.is_empty() {
            return Err(AssetReason::MintInputs);
        }
        sums.to.clear();
        return Ok(());
    }
    // One asset may come out with more than went in: the one that the proof names.
    let minted = sums.to.iter().find(|(asset, out)| sums.from.get(asset).copied().unwrap_or(0) < **out);
    let asset = minted.map(|(asset, _)| *asset).ok_or(AssetReason::MintOutput)?;
    sums.to.remove(&asset);
    sums.from.remove(&asset);
    Ok(())
}
