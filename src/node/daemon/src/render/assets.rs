//! The assets of transactions, on coins whose transactions carry some.

use ::rpc::{Json, Object, Res};
use primitives::{Addresses, CoinTail, Tails, Tx, assets, hex};

/// What the outputs of a transaction carry.
#[derive(Debug)]
pub(super) struct Carried(Tails);

/// What a transaction carries; `None` if it is one that carries nothing.
pub(super) fn of(tx: &Tx, addresses: &Addresses) -> Option<Carried> {
    let may = addresses.tx_format().carries_assets() && assets::carries_assets(tx.version());
    may.then(|| Carried(Tails::assets(tx)))
}

impl Carried {
    /// An output with its asset.
    pub(super) fn on_output(&self, output: Object, n: usize) -> Object {
        match self.0.at(n) {
            CoinTail::Asset { asset, amount } if asset != 0 => output
                .with("asset_guid", asset)
                .with("asset_value", Json::amount(i64::try_from(amount).unwrap_or(i64::MAX))),
            _ => output,
        }
    }
}

/// How many outputs at the front the inputs do not pay for.
pub(super) fn outputs_paid_by_a_burn(tx: &Tx, addresses: &Addresses) -> usize {
    usize::from(addresses.tx_format().carries_assets() && assets::first_output_is_burnt(tx.version()))
}

/// Adds what the transaction does with assets.
pub(super) fn on_transaction(tx: &Tx, object: &mut Object) {
    if let Some(meaning) = meaning(tx) {
        object.push("systx", meaning);
    }
}

/// What a transaction does with assets; `None` if it does nothing with them.
pub fn meaning(tx: &Tx) -> Option<Object> {
    let mut object = Object::new().with("txtype", assets::kind(tx.version())?);
    match tx.version() {
        assets::BURN_TO_NEVM => {
            let address = assets::burn(tx).map(|(_, address)| hex::encode(address)).unwrap_or_default();
            object.push("nevm_destination", format!("0x{address}"));
        }
        assets::MINT => {
            let mint = assets::mint(tx)?;
            let reversed = |mut hash: [u8; 32]| {
                hash.reverse();
                hex::encode(&hash)
            };
            let proof = Object::new()
                .with("txhash", reversed(mint.tx_hash))
                .with("blockhash", reversed(mint.block_hash))
                .with("postx", mint.tx_position)
                .with("txroot", reversed(mint.tx_root))
                .with("txparentnodes", hex::encode(mint.tx_nodes))
                .with("txpath", hex::encode(mint.path))
                .with("posReceipt", mint.receipt_position)
                .with("receiptroot", reversed(mint.receipt_root))
                .with("receiptparentnodes", hex::encode(mint.receipt_nodes));
            object.push("spv_proof", proof);
        }
        _ => {}
    }
    Some(object)
}

/// What [`Carried::on_output`] may add. Help does not show it: most coins have no assets.
pub(super) fn output_fields() -> [Res; 2] {
    [
        Res::num("asset_guid", "The asset that the output carries").optional().skip_in_help(),
        Res::amount("asset_value", "How much of it").optional().skip_in_help(),
    ]
}

/// What [`on_transaction`] may add.
pub(super) fn transaction_field() -> Res {
    Res::obj("systx", "What the transaction does with assets", meaning_fields()).optional().skip_in_help()
}

/// The fields of [`meaning`].
pub fn meaning_fields() -> Vec<Res> {
    let proof = [
        Res::hex("txhash", "The transaction on the other chain"),
        Res::hex("blockhash", "Its block"),
        Res::num("postx", "Where the transaction stands in its nodes"),
        Res::hex("txroot", "The root of the transactions"),
        Res::hex("txparentnodes", "The nodes from the transaction to the root"),
        Res::hex("txpath", "The way through the tree"),
        Res::num("posReceipt", "Where the receipt stands in its nodes"),
        Res::hex("receiptroot", "The root of the receipts"),
        Res::hex("receiptparentnodes", "The nodes from the receipt to the root"),
    ];
    vec![
        Res::str("txtype", "The syscoin transaction type"),
        Res::str("nevm_destination", "NEVM destination address").optional(),
        Res::obj("spv_proof", "The proof of a mint", proof).optional(),
    ]
}
