//! What the caller wants of one transaction.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, ScriptBuf, TxOut, Witness};
use descriptors::{AddressType, Known};

use crate::select::FeeRate;

/// Somebody who is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Where to.
    pub script: ScriptBuf,
    /// How much.
    pub amount: i64,
    /// Whether the fee comes out of that.
    pub subtract_fee: bool,
}

/// How fees are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeeMode {
    /// As replaceability suggests.
    #[default]
    Unset,
    /// Rather less.
    Economical,
    /// Rather more.
    Conservative,
}

impl FeeMode {
    /// The mode of this name, in whatever case.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "unset" => Some(Self::Unset),
            "economical" => Some(Self::Economical),
            "conservative" => Some(Self::Conservative),
            _ => None,
        }
    }

    /// What is said of other names.
    pub const REFUSAL: &'static str =
        "Invalid estimate_mode parameter, must be one of: \"unset\", \"economical\", \"conservative\"";
}

/// An input that is to be spent whatever it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preset {
    /// The output, if it is not the wallet's.
    pub external: Option<TxOut>,
    /// What the input weighs, if the caller knows better.
    pub weight: Option<i64>,
    /// Its sequence number, if the caller cares.
    pub sequence: Option<u32>,
    /// A script that is there already.
    pub script_sig: ScriptBuf,
    /// A witness that is there already.
    pub witness: Witness,
    /// Its place among the inputs, if it has one.
    position: Option<usize>,
}

impl Preset {
    /// Its place among the named inputs.
    pub fn position(&self) -> Option<usize> {
        self.position
    }
}

/// What the caller wants of one transaction.
#[derive(Debug, Clone)]
pub struct CoinControl {
    /// Where change goes, if not to a fresh address.
    pub change_script: Option<ScriptBuf>,
    /// The type of the fresh address.
    pub change_type: Option<AddressType>,
    /// Whether unconfirmed coins from others, and of replacements, may be spent.
    pub include_unsafe: bool,
    /// Whether other inputs than the named ones may be added.
    pub allow_other_inputs: bool,
    /// The fee rate, if it is not to be estimated.
    pub fee_rate: Option<FeeRate>,
    /// Whether that rate may be lower than minimums.
    pub override_fee_rate: bool,
    /// The target of the estimate, in blocks.
    pub confirm_target: Option<u32>,
    /// How it is estimated.
    pub fee_mode: FeeMode,
    /// Whether the transaction says that it may be replaced (BIP125).
    pub signal_rbf: Option<bool>,
    /// Whether coins of one script are spent together or not at all.
    pub avoid_partial_spends: bool,
    /// Whether coins at addresses that were spent from are left alone, in wallets that care.
    pub avoid_address_reuse: bool,
    /// The least confirmations of coins.
    pub min_depth: i32,
    /// The most confirmations of coins.
    pub max_depth: i32,
    /// What is known about scripts that are not the wallet's.
    pub solving: Known,
    /// The version.
    pub version: u32,
    /// The lock time, if the caller cares.
    pub lock_time: Option<u32>,
    /// The most the transaction may weigh.
    pub max_tx_weight: Option<i64>,
    pub(super) presets: BTreeMap<OutPoint, Preset>,
    pub(super) ordered: usize,
}

impl CoinControl {
    /// Nothing special. `avoid_partial_spends` is the wallet's setting.
    pub fn new(avoid_partial_spends: bool) -> Self {
        Self {
            change_script: None,
            change_type: None,
            include_unsafe: false,
            allow_other_inputs: true,
            fee_rate: None,
            override_fee_rate: false,
            confirm_target: None,
            fee_mode: FeeMode::Unset,
            signal_rbf: None,
            avoid_partial_spends,
            avoid_address_reuse: false,
            min_depth: 0,
            max_depth: 9_999_999,
            solving: Known::default(),
            version: 2,
            lock_time: None,
            max_tx_weight: None,
            presets: BTreeMap::new(),
            ordered: 0,
        }
    }

    /// Names an input. It comes behind those named before.
    pub fn select(&mut self, outpoint: OutPoint) -> &mut Preset {
        let preset = self.presets.entry(outpoint).or_default();
        preset.position = Some(self.ordered);
        self.ordered += 1;
        preset
    }

    /// Says what an input weighs; that names it too.
    pub fn set_weight(&mut self, outpoint: OutPoint, weight: i64) {
        self.presets.entry(outpoint).or_default().weight = Some(weight);
    }

    /// A named input.
    pub fn preset(&self, outpoint: &OutPoint) -> Option<&Preset> {
        self.presets.get(outpoint)
    }

    /// All named inputs.
    pub fn presets(&self) -> impl ExactSizeIterator<Item = (&OutPoint, &Preset)> {
        self.presets.iter()
    }
}
