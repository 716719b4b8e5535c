//! Transactions.

use ::rpc::{Json, Object, Res};
use bitcoin::BlockHash;
use descriptors::Notation;
use primitives::{Tx, TxOutEntry, WitnessMode, hex};
use script::asm::to_asm;

use super::{script_pubkey, script_pubkey_fields};

/// What is known of the outputs that a transaction spends.
#[derive(Debug, Clone, Copy)]
pub enum Prevouts<'a> {
    /// Nothing.
    Unknown,
    /// Enough for the fee.
    ForFee(&'a [TxOutEntry]),
    /// All of it, to be shown.
    Shown(&'a [TxOutEntry]),
}

impl<'a> Prevouts<'a> {
    fn spent(self) -> Option<&'a [TxOutEntry]> {
        match self {
            Self::Unknown => None,
            Self::ForFee(spent) | Self::Shown(spent) => Some(spent),
        }
    }
}

/// A transaction with all its parts; with its bytes if `with_hex`.
pub fn tx(tx: &Tx, block: Option<BlockHash>, notation: &Notation, prevouts: Prevouts<'_>, with_hex: bool) -> Object {
    let mut object = Object::new()
        .with("txid", hex::of_hash(&tx.txid()))
        .with("hash", hex::of_hash(&tx.wtxid()))
        .with("version", tx.version())
        .with("size", tx.total_size())
        .with("vsize", tx.vsize())
        .with("weight", tx.weight())
        .with("locktime", tx.lock_time());
    if let Some(height) = tx.lock_height() {
        object.push("lockheight", height);
    }
    let inputs: Json = (0..tx.inputs().len()).map(|n| input(tx, n, notation, prevouts)).collect();
    object.push("vin", inputs);
    let assets = super::assets::of(tx, notation.addresses());
    let outputs: Json = tx
        .outputs()
        .iter()
        .enumerate()
        .map(|(n, output)| {
            let shown = Object::new()
                .with("value", Json::amount(consensus::value_of(output)))
                .with("n", n)
                .with("scriptPubKey", script_pubkey(&output.script_pubkey, notation));
            match &assets {
                Some(assets) => assets.on_output(shown, n),
                None => shown,
            }
        })
        .collect();
    object.push("vout", outputs);
    if assets.is_some() {
        super::assets::on_transaction(tx, &mut object);
    }
    if let Some(spent) = prevouts.spent() {
        let paid: i64 = spent.iter().map(|coin| consensus::value_spent(tx, coin)).sum();
        let burnt = super::assets::outputs_paid_by_a_burn(tx, notation.addresses());
        let made: i64 = tx.outputs().iter().skip(burnt).map(consensus::value_of).sum();
        object.push("fee", Json::amount(paid - made));
    }
    if let Some(block) = block {
        object.push("blockhash", hex::of_hash(&block));
    }
    if with_hex {
        object.push("hex", hex::encode(&tx.to_bytes(WitnessMode::Include)));
    }
    object
}

fn input(tx: &Tx, n: usize, notation: &Notation, prevouts: Prevouts<'_>) -> Object {
    let input = &tx.inputs()[n];
    let mut object = Object::new();
    if tx.is_coinbase() {
        object.push("coinbase", hex::encode(input.script_sig.as_bytes()));
    } else {
        object.push("txid", hex::of_hash(&input.previous_output.txid));
        object.push("vout", input.previous_output.vout);
        let script = Object::new()
            .with("asm", to_asm(&input.script_sig, true))
            .with("hex", hex::encode(input.script_sig.as_bytes()));
        object.push("scriptSig", script);
    }
    if !input.witness.is_empty() {
        object.push("txinwitness", input.witness.iter().map(hex::encode).collect::<Json>());
    }
    if let Prevouts::Shown(spent) = prevouts
        && let Some(coin) = spent.get(n)
    {
        let mut prevout = Object::new()
            .with("generated", coin.coinbase)
            .with("height", coin.height)
            .with("value", Json::amount(consensus::value_of(&coin.out)));
        if let Some(reference) = coin.refheight() {
            prevout.push("refheight", reference);
            prevout.push("amount", Json::amount(consensus::value_spent(tx, coin)));
        }
        let prevout = prevout.with("scriptPubKey", script_pubkey(&coin.out.script_pubkey, notation));
        object.push("prevout", prevout);
    }
    object.with("sequence", input.sequence.0)
}

/// The fields of [`tx`].
pub fn tx_fields(ticker: &str, with_prevout: bool, with_fee: bool, with_hex: bool) -> Vec<Res> {
    let mut inner = vec![
        Res::hex("coinbase", "The coinbase value (only if coinbase transaction)").optional(),
        Res::hex("txid", "The transaction id (if not coinbase transaction)").optional(),
        Res::num("vout", "The output number (if not coinbase transaction)").optional(),
        Res::obj(
            "scriptSig",
            "The script (if not coinbase transaction)",
            [
                Res::str("asm", "Disassembly of the signature script"),
                Res::hex("hex", "The raw signature script bytes, hex-encoded"),
            ],
        )
        .optional(),
        Res::arr("txinwitness", "", [Res::hex("hex", "hex-encoded witness data (if any)")]).optional(),
    ];
    if with_prevout {
        let prevout = [
            Res::bool("generated", "Coinbase or not"),
            Res::num("height", "The height of the prevout"),
            Res::amount("value", format!("The value in {ticker}")),
            Res::num("refheight", "The height that the value was written for").optional().skip_in_help(),
            Res::amount("amount", "What it is worth when it is spent").optional().skip_in_help(),
            Res::obj("scriptPubKey", "", script_pubkey_fields()),
        ];
        inner.push(
            Res::obj("prevout", "The previous output, omitted if block undo data is not available", prevout).optional(),
        );
    }
    inner.push(Res::num("sequence", "The script sequence number"));
    let output = [
        Res::amount("value", format!("The value in {ticker}")),
        Res::num("n", "index"),
        Res::obj("scriptPubKey", "", script_pubkey_fields()),
    ];
    let output = output.into_iter().chain(super::assets::output_fields());
    let mut fields = vec![
        Res::hex("txid", "The transaction id"),
        Res::hex("hash", "The transaction hash (differs from txid for witness transactions)"),
        Res::num("size", "The serialized transaction size"),
        Res::num("vsize", "The virtual transaction size (differs from size for witness transactions)"),
        Res::num("weight", "The transaction's weight (between vsize*4-3 and vsize*4)"),
        Res::num("version", "The version"),
        Res::time("locktime", "The lock time"),
        Res::num("lockheight", "The height that its values are meant for").optional().skip_in_help(),
        Res::arr("vin", "", [Res::obj("", "", inner)]),
        Res::arr("vout", "", [Res::obj("", "", output)]),
        super::assets::transaction_field(),
    ];
    if with_fee {
        let fee = format!("transaction fee in {ticker}, omitted if block undo data is not available");
        fields.push(Res::num("fee", fee).optional());
    }
    if with_hex {
        fields.push(Res::hex("hex", "The hex-encoded transaction data"));
    }
    fields
}
