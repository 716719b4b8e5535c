//! What the operator says about new blocks, what a caller wants of one, and what becomes of the two.

use bitcoin::ScriptBuf;
use config::Config;
use consensus::ChainParams;
use mempool::{FeeRate, TemplateOptions};

use crate::options::BadOption;

/// The least weight that header, count and coinbase need.
const MIN_RESERVED_WEIGHT: u64 = 2000;
/// Signature operations that the outputs of a coinbase may have, unless the caller says otherwise.
const COINBASE_SIGOPS: u64 = 400;

/// What the operator says. What is not said here or in an [`Order`] is as [`TemplateOptions`] have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `-blockmintxfee`.
    pub min_fee: Option<FeeRate>,
    /// `-blockreservedweight`.
    pub reserved_weight: Option<u64>,
    /// `-blockmaxweight`.
    pub max_weight: Option<u64>,
    /// `-printpriority`.
    pub print_rates: bool,
    /// `-blockversion`, on chains whose blocks are made at will.
    pub version: Option<i32>,
}

/// What a caller wants. A number given here counts more than the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whether to take transactions from the pool.
    pub use_mempool: bool,
    /// Weight to keep free.
    pub reserved_weight: Option<u64>,
    /// Signature operations to keep free.
    pub coinbase_sigops: u64,
    /// Whom the coinbase pays.
    pub script: ScriptBuf,
    /// What else the output holds that commits to witnesses, behind what the rules want there.
    pub data: Vec<u8>,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            use_mempool: true,
            reserved_weight: None,
            coinbase_sigops: COINBASE_SIGOPS,
            // Anybody may take it: whoever mines this replaces it.
            script: ScriptBuf::from_bytes(vec![0x51]),
            data: Vec::new(),
        }
    }
}

/// An order or a setting that no block can be made by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrder {
    /// Not even a small coinbase would fit.
    #[error("{0} ({1}) is lower than minimum safety value of ({MIN_RESERVED_WEIGHT})")]
    TooLittleReserved(&'static str, u64),
    /// More than a block may weigh.
    #[error("{0} ({1}) exceeds consensus maximum block weight ({2})")]
    OverBlockWeight(&'static str, u64, u64),
    /// More is kept free than there may be.
    #[error("{0} ({1}) exceeds {2} ({3})")]
    ReservedOverMax(&'static str, u64, &'static str, u64),
    /// More signature operations than a block may have.
    #[error("coinbase_output_max_additional_sigops ({0}) exceeds consensus maximum block sigops cost ({1})")]
    TooManySigops(u64, u64),
}

impl Settings {
    /// Reads the options.
    pub fn read(config: &Config, params: &ChainParams) -> Result<Self, BadOption> {
        let args = config.args();
        let rate = |text: String| {
            let rate = ::rpc::parse_fixed_point(&text, 8).filter(|rate| (0..=params.max_money()).contains(rate));
            let bad = || BadOption(format!("Invalid amount for -blockmintxfee=<amount>: '{text}'"));
            rate.map(FeeRate::per_kvb).ok_or_else(bad)
        };
        let regtest = config.chain().kind == coin::ChainKind::Regtest;
        let settings = Self {
            min_fee: args.get("blockmintxfee").map(rate).transpose()?,
            reserved_weight: args.get_int("blockreservedweight"),
            max_weight: args.get_int("blockmaxweight"),
            print_rates: args.get_bool("printpriority", false),
            version: args.get_int::<i64>("blockversion").filter(|_| regtest).map(truncated),
        };
        settings.merge(&Order::default(), params, ["-blockreservedweight", "-blockmaxweight"])?;
        Ok(settings)
    }

    /// The options of a template for an order.
    pub fn options(&self, order: &Order, params: &ChainParams) -> Result<TemplateOptions, BadOrder> {
        self.merge(order, params, ["block_reserved_weight", "block_max_weight"])
    }

    /// The lowest rate of what is mined.
    pub fn min_fee(&self) -> FeeRate {
        self.min_fee.unwrap_or(TemplateOptions::default().min_fee)
    }

    fn merge(
        &self,
        order: &Order,
        params: &ChainParams,
        names: [&'static str; 2],
    ) -> Result<TemplateOptions, BadOrder> {
        let default = TemplateOptions::default();
        let reserved = order.reserved_weight.or(self.reserved_weight).unwrap_or(default.reserved_weight);
        let most = self.max_weight.unwrap_or_else(|| params.max_block_weight());
        let (limit, sigops) = (params.max_block_weight(), params.max_block_sigops_cost());
        if reserved < MIN_RESERVED_WEIGHT {
            return Err(BadOrder::TooLittleReserved(names[0], reserved));
        }
        for (name, weight) in [(names[0], reserved), (names[1], most)] {
            if weight > limit {
                return Err(BadOrder::OverBlockWeight(name, weight, limit));
            }
        }
        if reserved > most {
            return Err(BadOrder::ReservedOverMax(names[0], reserved, names[1], most));
        }
        if order.coinbase_sigops > sigops {
            return Err(BadOrder::TooManySigops(order.coinbase_sigops, sigops));
        }
        Ok(TemplateOptions {
            max_weight: most,
            reserved_weight: reserved,
            reserved_sigops: order.coinbase_sigops,
            min_fee: self.min_fee(),
            use_mempool: order.use_mempool,
        })
    }
}

impl From<BadOrder> for BadOption {
    fn from(error: BadOrder) -> Self {
        Self(error.to_string())
    }
}

/// A version as its 32 bits, whatever else the number says.
fn truncated(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
