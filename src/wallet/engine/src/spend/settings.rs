//! What the user configured about spending.

use config::Args;
use descriptors::AddressType;

use crate::select::FeeRate;

/// A fee rate above this draws a warning.
const HIGH_FEE_RATE: i64 = 1_000_000;
/// A fee for avoiding partial spends above this draws a warning.
const HIGH_APS_FEE: i64 = 10_000;
/// A largest fee above this draws a warning.
const HIGH_MAX_FEE: i64 = 100 * HIGH_FEE_RATE;

/// What the user configured about spending. The default is what nobody configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `-addresstype`
    pub address_type: AddressType,
    /// `-changetype`
    pub change_type: Option<AddressType>,
    /// `-mintxfee`
    pub min_fee_rate: FeeRate,
    /// `-fallbackfee`; zero disables it.
    pub fallback_fee_rate: FeeRate,
    /// `-discardfee`
    pub discard_fee_rate: FeeRate,
    /// `-consolidatefeerate`
    pub consolidate_fee_rate: FeeRate,
    /// `-maxtxfee`
    pub max_fee: i64,
    /// `-maxapsfee`; none disables the second try.
    pub max_aps_fee: Option<i64>,
    /// `-txconfirmtarget`
    pub confirm_target: u32,
    /// `-spendzeroconfchange`
    pub spend_zero_conf_change: bool,
    /// `-walletrbf`
    pub signal_rbf: bool,
    /// `-avoidpartialspends`
    pub avoid_partial_spends: bool,
    /// `-walletrejectlongchains`
    pub reject_long_chains: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address_type: AddressType::Bech32,
            change_type: None,
            min_fee_rate: FeeRate::per_kvb(1000),
            fallback_fee_rate: FeeRate::ZERO,
            discard_fee_rate: FeeRate::per_kvb(10_000),
            consolidate_fee_rate: FeeRate::per_kvb(10_000),
            max_fee: 10_000_000,
            max_aps_fee: Some(0),
            confirm_target: 6,
            spend_zero_conf_change: true,
            signal_rbf: true,
            avoid_partial_spends: false,
            reject_long_chains: true,
        }
    }
}

/// An option that cannot be followed. The text is the daemon's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not an amount.
    #[error("Invalid amount for -{0}=<amount>: '{1}'")]
    Amount(&'static str, String),
    /// No transaction could be sent.
    #[error(
        "Invalid amount for -maxtxfee=<amount>: '{given}' (must be at least the minrelay fee of {minimum} to prevent \
         stuck transactions)"
    )]
    MaxFee {
        /// What was given.
        given: String,
        /// The least that is relayed.
        minimum: String,
    },
    /// Not a type of address.
    #[error("Unknown address type '{0}'")]
    AddressType(String),
    /// Not a type of address either.
    #[error("Unknown change type '{0}'")]
    ChangeType(String),
}

impl Settings {
    /// Reads the options. `relay_min_fee` is the node's, per 1000 virtual bytes, and `ticker` the name of the currency.
    /// Besides the settings there are warnings for the user.
    pub fn read(args: &Args, relay_min_fee: i64, ticker: &str) -> Result<(Self, Vec<String>), SettingsError> {
        let mut settings = Self::default();
        let mut warnings = Vec::new();
        let kind = |name: &str| Some(args.get_str(name, "")).filter(|text| !text.is_empty());
        if let Some(text) = kind("addresstype") {
            settings.address_type = AddressType::from_name(&text).ok_or(SettingsError::AddressType(text))?;
        }
        if let Some(text) = kind("changetype") {
            settings.change_type = Some(AddressType::from_name(&text).ok_or(SettingsError::ChangeType(text))?);
        }
        let mut rate = |name, target: &mut FeeRate, meaning: Option<&str>| -> Result<(), SettingsError> {
            let Some(amount) = amount(args, name)? else { return Ok(()) };
            if let Some(meaning) = meaning.filter(|_| amount > HIGH_FEE_RATE) {
                warnings.push(format!("-{name} is set very high! {meaning}"));
            }
            *target = FeeRate::per_kvb(amount);
            Ok(())
        };
        let least = "This is the minimum transaction fee you pay on every transaction.";
        rate("mintxfee", &mut settings.min_fee_rate, Some(least))?;
        let fallback = "This is the transaction fee you may pay when fee estimates are not available.";
        rate("fallbackfee", &mut settings.fallback_fee_rate, Some(fallback))?;
        let discard = "This is the transaction fee you may discard if change is smaller than dust at this level";
        rate("discardfee", &mut settings.discard_fee_rate, Some(discard))?;
        rate("consolidatefeerate", &mut settings.consolidate_fee_rate, None)?;
        settings.read_limits(args, relay_min_fee, ticker, &mut warnings)?;

        settings.confirm_target = u32::try_from(args.get_i64("txconfirmtarget", 6)).unwrap_or(0);
        settings.spend_zero_conf_change = args.get_bool("spendzeroconfchange", true);
        settings.avoid_partial_spends = args.get_bool("avoidpartialspends", false);
        settings.reject_long_chains = args.get_bool("walletrejectlongchains", true);
        if let Some(signal) = args.truth("walletrbf") {
            warnings.push("-walletrbf is deprecated and will be fully removed in the next release.".into());
            settings.signal_rbf = signal;
        }
        Ok((settings, warnings))
    }

    fn read_limits(
        &mut self,
        args: &Args,
        relay_min_fee: i64,
        ticker: &str,
        warnings: &mut Vec<String>,
    ) -> Result<(), SettingsError> {
        if args.get("maxapsfee").as_deref() == Some("-1") {
            self.max_aps_fee = None;
        } else if let Some(fee) = amount(args, "maxapsfee")? {
            if fee > HIGH_APS_FEE {
                warnings.push(
                    "-maxapsfee is set very high! This is the maximum transaction fee you pay (in addition to the normal \
                     fee) to prioritize partial spend avoidance over regular coin selection."
                        .into(),
                );
            }
            self.max_aps_fee = Some(fee);
        }
        if let Some(fee) = amount(args, "maxtxfee")? {
            if fee > HIGH_MAX_FEE {
                let warning = "-maxtxfee is set very high! Fees this large could be paid on a single transaction.";
                warnings.push(warning.into());
            }
            if fee < relay_min_fee {
                let given = args.get_str("maxtxfee", "");
                let (whole, rest) = (relay_min_fee / 100_000_000, relay_min_fee % 100_000_000);
                return Err(SettingsError::MaxFee { given, minimum: format!("{whole}.{rest:08} {ticker}/kvB") });
            }
            self.max_fee = fee;
        }
        if relay_min_fee > HIGH_FEE_RATE {
            let meaning = "The wallet will avoid paying less than the minimum relay fee.";
            warnings.push(format!("-minrelaytxfee is set very high! {meaning}"));
        }
        Ok(())
    }
}

/// An option that is an amount, if it is given.
fn amount(args: &Args, name: &'static str) -> Result<Option<i64>, SettingsError> {
    let Some(text) = args.get(name) else { return Ok(None) };
    parse_money(&text).map(Some).ok_or(SettingsError::Amount(name, text))
}

/// An amount as options have it: digits, a point, at most eight digits. Nothing else, and not more than there is.
pub fn parse_money(text: &str) -> Option<i64> {
    const MAX_WHOLE_DIGITS: usize = 10;
    let text = text.trim_matches([' ', '\x0c', '\n', '\r', '\t', '\x0b']);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() || whole.len() > MAX_WHOLE_DIGITS || fraction.len() > 8 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: i64 = format!("{fraction:0<8}").parse().ok()?;
    let amount = whole.checked_mul(100_000_000)?.checked_add(fraction)?;
    (amount <= MAX_MONEY).then_some(amount)
}

/// No option of any coin is about more than this.
const MAX_MONEY: i64 = 2_100_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::parse_money;

    #[test]
    fn amounts_of_options() {
        for (text, amount) in [
            ("0", 0),
            ("1", 100_000_000),
            (" 0.00001\n", 1000),
            (".5", 50_000_000),
            ("5.", 500_000_000),
            ("0.12345678", 12_345_678),
            ("21000000", 2_100_000_000_000_000),
        ] {
            assert_eq!(parse_money(text), Some(amount), "{text}");
        }
        for text in ["", " ", "-1", "1e3", "0.123456789", "1.2.3", "1 2", "21000000.00000001", "99999999999", "x"] {
            assert_eq!(parse_money(text), None, "{text}");
        }
    }
}
