//! Paying somebody.

use interfaces::{Amount, Secret};

use crate::amount::parse_amount;
use crate::outcome::RpcFailure;

/// The waits that a fee can be estimated for, in blocks, and how people read them.
pub const TARGETS: [(u16, &str); 7] = [
    (2, "2 blocks (about 20 minutes)"),
    (4, "4 blocks"),
    (6, "6 blocks (about an hour)"),
    (12, "12 blocks"),
    (24, "24 blocks"),
    (144, "144 blocks (about a day)"),
    (1008, "1008 blocks (about a week)"),
];

/// The number of the RPC error that says so.
pub(crate) const WRONG_PASSPHRASE: i64 = -14;

/// Numbers of RPC errors that belong to a field.
mod code {
    pub(super) const TYPE: i64 = -3;
    pub(super) const ADDRESS: i64 = -5;
    pub(super) const FUNDS: i64 = -6;
    pub(super) const LOCKED: i64 = -13;
    pub(super) const PASSPHRASE: i64 = super::WRONG_PASSPHRASE;
}

/// How the fee is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fee {
    /// So that it takes about this many blocks.
    Target(u16),
    /// In the smallest unit for each virtual byte, as typed.
    Rate(String),
}

impl Default for Fee {
    fn default() -> Self {
        Self::Target(6)
    }
}

/// A payment that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Where to.
    pub address: String,
    /// How much.
    pub amount: Amount,
    /// Whether the recipient pays the fee.
    pub subtract_fee: bool,
    /// How the fee is chosen.
    pub fee: Fee,
}

/// How far a payment is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SendStage {
    /// It is being written.
    #[default]
    Editing,
    /// It is shown once more.
    Review(Payment),
    /// It is being made. It is shown again if the passphrase was wrong.
    Paying(Payment),
    /// It was made: the transaction.
    Paid(String),
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SendForm {
    /// Where to.
    pub address: String,
    /// How much, as typed.
    pub amount: String,
    /// Whether the recipient pays the fee.
    pub subtract_fee: bool,
    /// How the fee is chosen.
    pub fee: Fee,
    /// What is wrong with the address.
    pub address_error: Option<String>,
    /// What is wrong with the amount.
    pub amount_error: Option<String>,
    /// What is wrong with the fee.
    pub fee_error: Option<String>,
    /// What is wrong with the passphrase.
    pub passphrase_error: Option<String>,
    /// What is wrong otherwise.
    pub error: Option<String>,
    /// How far it is.
    pub stage: SendStage,
    /// What unlocks the wallet.
    pub passphrase: Secret,
}

impl SendForm {
    /// Whether a payment is on its way, about which nothing can be changed any more.
    pub fn is_paying(&self) -> bool {
        matches!(self.stage, SendStage::Paying(_))
    }

    fn forget_errors(&mut self) {
        self.address_error = None;
        self.amount_error = None;
        self.fee_error = None;
        self.passphrase_error = None;
        self.error = None;
    }

    /// Checks what was written. What is wrong is said beside its field.
    pub(crate) fn review(&mut self) {
        self.forget_errors();
        let address = self.address.trim().to_owned();
        if address.is_empty() {
            self.address_error = Some("Enter the address to pay to.".to_owned());
        }
        let amount = parse_amount(&self.amount);
        self.amount_error = amount.err().map(|error| error.to_string());
        if let Fee::Rate(rate) = &self.fee {
            // Three decimals are what the wallet takes; it says itself what is too low.
            let number = rate.trim();
            let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            let fine = digits(whole) && digits(decimals) && !whole.is_empty() && whole.len() < 10 && decimals.len() < 4;
            self.fee_error = (!fine).then(|| "Enter a fee rate such as 2.5.".to_owned());
        }
        if let (Ok(amount), None, None) = (amount, &self.address_error, &self.fee_error) {
            let payment = Payment { address, amount, subtract_fee: self.subtract_fee, fee: self.fee.clone() };
            self.stage = SendStage::Review(payment);
        }
    }

    /// Goes on with what was reviewed. `None` if there is nothing, or the passphrase is missing.
    pub(crate) fn pay(&mut self, locked: bool) -> Option<(Payment, Option<Secret>)> {
        let SendStage::Review(payment) = &self.stage else { return None };
        if locked && self.passphrase.expose().is_empty() {
            self.passphrase_error = Some("Enter the wallet's passphrase.".to_owned());
            return None;
        }
        let payment = payment.clone();
        self.passphrase_error = None;
        self.stage = SendStage::Paying(payment.clone());
        let passphrase = std::mem::take(&mut self.passphrase);
        Some((payment, locked.then_some(passphrase)))
    }

    /// Back to the form. The passphrase is forgotten.
    pub(crate) fn cancel(&mut self) {
        if !self.is_paying() {
            self.stage = SendStage::Editing;
            self.passphrase = Secret::default();
            self.passphrase_error = None;
        }
    }

    /// What became of it.
    pub(crate) fn paid(&mut self, result: Result<String, RpcFailure>) {
        match result {
            Ok(txid) => *self = Self { stage: SendStage::Paid(txid), fee: self.fee.clone(), ..Self::default() },
            Err(failure) => self.failed(failure),
        }
    }

    fn failed(&mut self, failure: RpcFailure) {
        let paying = std::mem::take(&mut self.stage);
        let text = Some(failure.message);
        match failure.code {
            code::ADDRESS => self.address_error = text,
            code::TYPE | code::FUNDS => self.amount_error = text,
            code::LOCKED | code::PASSPHRASE => {
                self.passphrase_error = text;
                if let SendStage::Paying(payment) = paying {
                    self.stage = SendStage::Review(payment);
                }
            }
            _ if text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("fee")) => self.fee_error = text,
            _ => self.error = text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> SendForm {
        SendForm { address: " addr ".into(), amount: "0.5".into(), ..SendForm::default() }
    }

    #[test]
    fn errors_stand_beside_their_fields() {
        let mut form = SendForm { fee: Fee::Rate("x".into()), ..SendForm::default() };
        form.review();
        assert!(form.address_error.is_some() && form.amount_error.is_some() && form.fee_error.is_some());
        assert_eq!(form.stage, SendStage::Editing);
        for (code, message) in [(-5, "address"), (-6, "amount"), (-4, "Fee estimation failed"), (-1, "other")] {
            let mut form = filled();
            form.review();
            form.pay(false).unwrap();
            form.paid(Err(RpcFailure { code, message: message.into() }));
            let said = [&form.address_error, &form.amount_error, &form.fee_error, &form.error];
            assert_eq!(said.iter().filter(|error| error.is_some()).count(), 1, "{form:?}");
            assert_eq!(form.amount, "0.5");
        }
    }

    #[test]
    fn a_locked_wallet_wants_its_passphrase_and_it_is_not_kept() {
        let mut form = filled();
        form.review();
        assert_eq!(form.pay(true), None);
        assert!(form.passphrase_error.is_some());
        form.passphrase = Secret::new("correct horse");
        let (payment, passphrase) = form.pay(true).unwrap();
        assert_eq!((payment.address.as_str(), payment.amount), ("addr", 50_000_000));
        assert_eq!(passphrase, Some(Secret::new("correct horse")));
        assert_eq!(form.passphrase, Secret::default());
        form.paid(Err(RpcFailure { code: -14, message: "wrong".into() }));
        assert_eq!(form.stage, SendStage::Review(payment));
        form.cancel();
        assert_eq!(form.stage, SendStage::Editing);
    }

    #[test]
    fn nothing_is_paid_twice() {
        let mut form = filled();
        form.review();
        assert!(form.pay(false).is_some());
        assert!(form.pay(false).is_none());
        form.cancel();
        assert!(form.is_paying());
        form.paid(Ok("txid".into()));
        assert_eq!((form.stage, form.amount.as_str()), (SendStage::Paid("txid".into()), ""));
    }
}
