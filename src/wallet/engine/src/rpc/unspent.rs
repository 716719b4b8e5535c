//! `listunspent`

use std::collections::{BTreeSet, HashMap};

use ::rpc::values::check_object;
use ::rpc::{Code, Json, Object, Request, RpcError, amount_from_value};
use bitcoin::Script;
use bitcoin::hashes::{Hash, ripemd160};
use descriptors::{Known, infer};
use interfaces::TxAncestry;
use primitives::{Destination, hex};

use super::common::{parent_descs, synced_wallet};
use crate::convert;
use crate::ledger::{Available, CoinFilter};
use crate::loader::Wallets;
use crate::wallet::{Core, road};

/// Which coins, and how many.
struct Options {
    filter: CoinFilter<'static>,
    max_count: u64,
    min_sum: i64,
    only: BTreeSet<Destination>,
}

pub(super) fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let mut options = read(wallets, request)?;
    let wallet = synced_wallet(wallets, request)?;
    options.filter.trust_change = wallet.settings().spend_zero_conf_change;
    let mut coins = wallet.read(|core| {
        let mut coins = core.ledger.available(&core.keys, &options.filter);
        coins.sort_by_cached_key(|coin| kind_rank(core, coin));
        coins
    });
    cut(&mut coins, &options);
    let ancestry = ancestries(wallets, &coins)?;
    Ok(wallet.read(|core| {
        let mut faces: HashMap<&Script, Face> = HashMap::new();
        let shown = coins.iter().zip(&ancestry).filter_map(|(coin, ancestry)| {
            let face = faces.entry(&coin.script).or_insert_with(|| Face::of(core, &coin.script));
            let wanted = options.only.is_empty() || options.only.contains(&face.destination);
            wanted.then(|| show(core, coin, face, *ancestry))
        });
        shown.collect()
    }))
}

fn read(wallets: &Wallets, request: &Request) -> Result<Options, RpcError> {
    let mut only = BTreeSet::new();
    for text in request.arg("addresses").as_arr()? {
        let text = text.as_str()?;
        let shared = wallets.shared();
        let destination = shared.addresses().decode(text).map_err(|_| {
            let text = format!("Invalid {} address: {text}", shared.config.coin().name);
            RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
        })?;
        if !only.insert(destination) {
            return Err(RpcError::invalid_parameter(format!("Invalid parameter, duplicated address: {text}")));
        }
    }
    let mut options = Options {
        filter: CoinFilter {
            min_depth: request.int("minconf")?,
            max_depth: request.int("maxconf")?,
            only_safe: !request.bool("include_unsafe")?,
            min_amount: 0,
            with_assets: true,
            ..CoinFilter::default()
        },
        max_count: 0,
        min_sum: i64::MAX,
        only,
    };
    let given = request.param(4);
    if !given.is_null() {
        given.as_obj()?;
        let fields = [
            ("minimumAmount", None),
            ("maximumAmount", None),
            ("minimumSumAmount", None),
            ("maximumCount", Some("number")),
            ("include_immature_coinbase", Some("bool")),
        ];
        check_object(given, &fields, true, true)?;
        let max_money = wallets.shared().rules.params().max_money();
        let amount = |name: &str, target: &mut i64| -> Result<(), RpcError> {
            if !given.get(name).is_null() {
                *target = amount_from_value(given.get(name), 8, max_money)?;
            }
            Ok(())
        };
        amount("minimumAmount", &mut options.filter.min_amount)?;
        amount("maximumAmount", &mut options.filter.max_amount)?;
        amount("minimumSumAmount", &mut options.min_sum)?;
        if !given.get("maximumCount").is_null() {
            let count: i64 = given.get("maximumCount").as_int()?;
            options.max_count = u64::from_le_bytes(count.to_le_bytes());
        }
        if !given.get("include_immature_coinbase").is_null() {
            options.filter.include_immature = given.get("include_immature_coinbase").as_bool()?;
        }
    }
    Ok(options)
}

/// Coins are listed by the kind of their address, the oldest kind first.
fn kind_rank(core: &Core, coin: &Available) -> u8 {
    match Destination::from_script(&coin.script) {
        Destination::PubKeyHash(_) => 0,
        Destination::ScriptHash(_) => {
            let kinds = core.keys.of_script(&coin.script).filter_map(crate::keys::Manager::kind);
            u8::from(kinds.into_iter().any(|kind| kind == signer::AddressType::P2shSegwit))
        }
        Destination::WitnessV0KeyHash(_) | Destination::WitnessV0ScriptHash(_) => 2,
        Destination::WitnessV1Taproot(_) => 3,
        _ => 4,
    }
}

/// Leaves off what comes after enough coins, by number or by value.
fn cut(coins: &mut Vec<Available>, options: &Options) {
    let mut sum = 0_i64;
    let mut wanted = coins.len();
    for (count, coin) in (1_u64..).zip(coins.iter()) {
        sum = sum.saturating_add(coin.value);
        if sum >= options.min_sum || (options.max_count > 0 && count >= options.max_count) {
            wanted = usize::try_from(count).unwrap_or(usize::MAX);
            break;
        }
    }
    coins.truncate(wanted);
}

fn ancestries(wallets: &Wallets, coins: &[Available]) -> Result<Vec<TxAncestry>, RpcError> {
    let unconfirmed = |coin: &&Available| coin.depth == 0;
    let asked: Vec<_> = coins.iter().filter(unconfirmed).map(|coin| convert::to_txid(&coin.outpoint.txid)).collect();
    let found = if asked.is_empty() {
        Vec::new()
    } else {
        wallets.shared().chain.transaction_ancestries(&asked).map_err(road)?
    };
    let mut found = found.into_iter();
    let mut of = |coin| if unconfirmed(&coin) { found.next().unwrap_or_default() } else { TxAncestry::default() };
    Ok(coins.iter().map(&mut of).collect())
}

/// What all coins with one script have in common.
struct Face {
    destination: Destination,
    /// The address, its label, and the scripts behind its hashes.
    names: Vec<(&'static str, Json)>,
    /// The descriptor of this very script, if the wallet could sign with the right keys.
    descriptor: Option<String>,
    parents: Json,
    used: bool,
}

impl Face {
    fn of(core: &Core, script: &Script) -> Self {
        let destination = core.destination(script);
        let known = core.keys.known(script);
        let mut names = Vec::new();
        if destination.has_address() {
            names.push(("address", core.addresses.encode(&destination).into()));
            if let Some(entry) = core.book.find(&destination) {
                names.push(("label", entry.label_text().into()));
            }
            if let Some(known) = &known {
                push_inner(&mut names, &destination, known);
            }
        }
        let inferred = known.as_ref().map(|known| infer(script, known, core.keys.notation()));
        let inferred = inferred.filter(descriptors::Descriptor::is_solvable);
        Self {
            destination,
            names,
            descriptor: inferred.map(|inferred| inferred.to_string()),
            parents: parent_descs(core, script),
            used: core.is_used(script),
        }
    }
}

fn show(core: &Core, coin: &Available, face: &Face, ancestry: TxAncestry) -> Object {
    let mut object = Object::new().with("txid", hex::of_hash(&coin.outpoint.txid)).with("vout", coin.outpoint.vout);
    for (name, value) in &face.names {
        object.push(*name, value.clone());
    }
    object.push("scriptPubKey", hex::encode(coin.script.as_bytes()));
    if let Some((_, value)) = coin.reference {
        object.push("value", Json::amount(value));
    }
    object.push("amount", Json::amount(coin.value));
    if let Some((height, _)) = coin.reference {
        object.push("refheight", height);
    }
    if let Some((asset, amount)) = coin.asset {
        object.push("asset_guid", asset);
        object.push("asset_amount", Json::amount(i64::try_from(amount).unwrap_or(i64::MAX)));
    }
    object.push("confirmations", coin.depth);
    if ancestry.ancestors > 0 {
        object.push("ancestorcount", ancestry.ancestors);
        object.push("ancestorsize", ancestry.ancestor_size);
        object.push("ancestorfees", ancestry.ancestor_fees);
    }
    object.push("spendable", true);
    object.push("solvable", face.descriptor.is_some());
    if let Some(descriptor) = &face.descriptor {
        object.push("desc", descriptor.as_str());
    }
    object.push("parent_descs", face.parents.clone());
    if core.avoids_reuse() {
        object.push("reused", face.used);
    }
    object.with("safe", coin.safe)
}

/// The scripts behind hashes.
fn push_inner(names: &mut Vec<(&'static str, Json)>, destination: &Destination, known: &Known) {
    let behind_witness = |hash: &[u8; 32]| known.scripts.get(&ripemd160::Hash::hash(hash).to_byte_array());
    match destination {
        Destination::ScriptHash(hash) => {
            let Some(redeem) = known.scripts.get(hash) else { return };
            names.push(("redeemScript", hex::encode(redeem.as_bytes()).into()));
            if let Destination::WitnessV0ScriptHash(hash) = Destination::from_script(redeem)
                && let Some(witness) = behind_witness(&hash)
            {
                names.push(("witnessScript", hex::encode(witness.as_bytes()).into()));
            }
        }
        Destination::WitnessV0ScriptHash(hash) => {
            if let Some(witness) = behind_witness(hash) {
                names.push(("witnessScript", hex::encode(witness.as_bytes()).into()));
            }
        }
        _ => {}
    }
}
