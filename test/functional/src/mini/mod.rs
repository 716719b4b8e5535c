//! A wallet that needs no keys and no daemon's wallet, and blocks that are built by hand.
//!
//! Everything is paid to a witness script that is true. Paying to it and spending from it is standard, so the daemon
//! treats such transactions as any others.

mod draft;

use std::collections::VecDeque;

use anyhow::{Context as _, Result, ensure};
use bitcoin::absolute::LockTime;
use bitcoin::bech32::{Fe32, Hrp, segwit};
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use coin::TxFormat;
use rpc::Json;

use crate::node::Node;
use crate::stage::{Skip, Stage};
pub use draft::{Draft, solve};

/// The script: `OP_TRUE`.
const TRUE: [u8; 1] = [0x51];
/// The witness version of a script hash.
const VERSION_0: Fe32 = Fe32::Q;

/// The output script behind [`TRUE`].
fn script() -> ScriptBuf {
    let mut script = vec![0, 32];
    script.extend(sha256::Hash::hash(&TRUE).to_byte_array());
    ScriptBuf::from_bytes(script)
}

/// What the wallet can spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Coin {
    out: OutPoint,
    value: u64,
    /// The height from which a block may spend it.
    ripe: u64,
}

/// The wallet.
#[derive(Debug)]
pub struct MiniWallet {
    address: String,
    maturity: u64,
    coins: VecDeque<Coin>,
}

impl MiniWallet {
    /// A wallet without coins.
    pub fn new(stage: &Stage) -> Result<MiniWallet> {
        let rules = &stage.coin.consensus;
        let skip = || Skip("the mini wallet does not write this coin's transactions".to_owned());
        ensure!(rules.tx_format == TxFormat::Bitcoin, skip());
        let hrp = Hrp::parse(stage.regtest()?.bech32_hrp)?;
        let address = segwit::encode(hrp, VERSION_0, &sha256::Hash::hash(&TRUE).to_byte_array())?;
        Ok(MiniWallet { address, maturity: u64::from(rules.coinbase_maturity), coins: VecDeque::new() })
    }

    /// Its only address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Mines blocks that pay this wallet.
    pub fn mine(&mut self, node: &mut Node, count: u32) -> Result<Vec<String>> {
        let hashes = node.mine(count, &self.address)?;
        for hash in &hashes {
            let block = node.call("getblock", &[hash.as_str().into(), 2.into()])?;
            let height: u64 = block.get("height").as_int()?;
            let coinbase = block.get("tx").at(0);
            let value = satoshis(coinbase.get("vout").at(0).get("value"))?;
            let out = OutPoint { txid: coinbase.get("txid").as_str()?.parse()?, vout: 0 };
            self.coins.push_back(Coin { out, value, ripe: height + self.maturity });
        }
        Ok(hashes)
    }

    /// Mines until there are so many coins that can be spent.
    pub fn fill(&mut self, node: &mut Node, coins: u32) -> Result<()> {
        self.mine(node, coins)?;
        node.mine(u32::try_from(self.maturity)?, &self.address.clone())?;
        Ok(())
    }

    /// A transaction that spends the oldest coin, pays this fee, and keeps the rest. It is known here and to nobody else.
    pub fn pay(&mut self, node: &mut Node, fee: u64) -> Result<Transaction> {
        let next = node.height()? + 1;
        let place = self.coins.iter().position(|coin| coin.ripe <= next).context("no coin can be spent yet")?;
        let coin = self.coins.remove(place).context("it was there a moment ago")?;
        let tx = spend(&[coin.out], &[coin.value - fee]);
        self.coins.push_back(Coin { out: first(tx.compute_txid()), value: coin.value - fee, ripe: next });
        Ok(tx)
    }

    /// Pays and sends it to the daemon.
    pub fn send(&mut self, node: &mut Node, fee: u64) -> Result<Txid> {
        let tx = self.pay(node, fee)?;
        send(node, &tx)
    }
}

/// Gives a transaction to the daemon, whatever its fee.
pub fn send(node: &mut Node, tx: &Transaction) -> Result<Txid> {
    let answer = node.call("sendrawtransaction", &[serialize_hex(tx).into(), 0.into()])?;
    Ok(answer.as_str()?.parse()?)
}

/// A transaction from some outputs of the wallet's script to outputs of these values.
pub fn spend(from: &[OutPoint], values: &[u64]) -> Transaction {
    let input = |previous_output: &OutPoint| TxIn {
        previous_output: *previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::from_slice(&[TRUE]),
    };
    let output = |value: &u64| TxOut { value: Amount::from_sat(*value), script_pubkey: script() };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: from.iter().map(input).collect(),
        output: values.iter().map(output).collect(),
    }
}

/// The first output of a transaction.
pub fn first(txid: Txid) -> OutPoint {
    OutPoint { txid, vout: 0 }
}

/// An amount as the daemon writes it, in the smallest unit.
pub fn satoshis(amount: &Json) -> Result<u64> {
    let amount = Amount::from_str_in(amount.as_number()?, bitcoin::Denomination::Bitcoin)?;
    Ok(amount.to_sat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_script() {
        let known = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85";
        let address: bitcoin::Address<_> = known.parse::<bitcoin::Address<_>>().unwrap().assume_checked();
        assert_eq!(address.script_pubkey(), script());
        let hrp = Hrp::parse("bcrt").unwrap();
        let ours = segwit::encode(hrp, VERSION_0, &sha256::Hash::hash(&TRUE).to_byte_array()).unwrap();
        assert_eq!(ours, known);
    }

    #[test]
    fn amounts_are_exact() {
        let of = |text: &str| satoshis(&rpc::json::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            (of("50.00000000"), of("0.00000001"), of("20999999.97690000")),
            (5_000_000_000, 1, 2_099_999_997_690_000)
        );
    }
}
