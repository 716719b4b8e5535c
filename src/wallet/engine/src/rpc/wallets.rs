//! Wallets as a whole: making, opening, closing, and what they are.

use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use interfaces::Secret;
use walletdb::{FileKind, WalletFlags, bdb_file, is_bdb_file, list_wallets, wallet_path};

use super::common::{last_processed, not_loaded, push_warnings, synced_wallet, unique_name, wallet_of};
use super::docs::wallets as docs;
use super::{export, simulate};
use crate::ledger::BalanceQuery;
use crate::loader::{Opened, Wallets};
use crate::wallet::{NO_BIRTH, NewWallet};

/// What legacy wallets of the last version were.
const WALLET_VERSION: i32 = 169_900;

/// The last release that told the balances of a wallet among what it is.
const LAST_WITH_BALANCES: u32 = 29;

/// The last release whose wallets had a fee of their own.
const LAST_WITH_FEE: u32 = 30;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::createwallet().run(create),
        docs::exportwatchonlywallet().run(export::answer),
        docs::getwalletinfo().run(info),
        docs::listwalletdir().run(|wallets: &Wallets, _| Ok(list_dir(wallets))),
        docs::listwallets().run(|wallets: &Wallets, _| Ok(list(wallets))),
        docs::loadwallet().run(load),
        docs::migratewallet().run(migrate),
        docs::setwalletflag().run(set_flag),
        docs::simulaterawtransaction().run(simulate::answer),
        docs::unloadwallet().run(unload),
    ]
}

fn opened(opened: Opened) -> Json {
    let mut object = Object::new().with("name", opened.wallet.name());
    push_warnings(&mut object, opened.warnings);
    object.into()
}

fn create(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let mut flags = WalletFlags::default();
    let mut warnings = Vec::new();
    for (name, flag) in [
        ("disable_private_keys", WalletFlags::DISABLE_PRIVATE_KEYS),
        ("blank", WalletFlags::BLANK),
        ("avoid_reuse", WalletFlags::AVOID_REUSE),
    ] {
        if request.bool(name)? {
            flags = flags.with(flag);
        }
    }
    let passphrase = request.opt_str("passphrase")?;
    if passphrase == Some("") {
        warnings.push("Empty string given as passphrase, wallet will not be encrypted.".to_owned());
    }
    if !request.bool("descriptors")? {
        let text = "descriptors argument must be set to \"true\"; it is no longer possible to create a legacy wallet.";
        return Err(RpcError::new(Code::WALLET_ERROR, text));
    }
    if request.bool("external_signer")? {
        flags = flags.with(WalletFlags::EXTERNAL_SIGNER);
    }
    let new = NewWallet {
        name: request.str("wallet_name")?.to_owned(),
        passphrase: Secret::new(passphrase.unwrap_or_default()),
        flags,
    };
    let mut made = wallets.create(&new, request.opt_bool("load_on_startup")?)?;
    warnings.append(&mut made.warnings);
    Ok(opened(Opened { warnings, ..made }))
}

fn load(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    Ok(opened(wallets.load(request.str("filename")?, request.opt_bool("load_on_startup")?)?))
}

fn unload(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let name = unique_name(request, request.opt_str("wallet_name")?)?;
    let wallet = wallets.find(&name).ok_or_else(not_loaded)?;
    let reservation = wallet.scanning().reserve(false, &wallets.shared().clock).ok_or_else(|| {
        RpcError::new(Code::WALLET_ERROR, "Wallet is currently rescanning. Abort existing rescan or wait.")
    })?;
    drop(reservation);
    let warnings = wallets.unload(wallet, request.opt_bool("load_on_startup")?)?;
    let mut object = Object::new();
    push_warnings(&mut object, warnings);
    Ok(object.into())
}

/// There is nothing here that a migration would change: descriptor wallets are all that can be loaded, and of a legacy
/// wallet it is said who can turn it into one.
fn migrate(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let refused = |text: &'static str| Err(RpcError::new(Code::WALLET_ERROR, text));
    let done = "Error: This wallet is already a descriptor wallet";
    let name = unique_name(request, request.opt_str("wallet_name")?)?;
    if wallets.find(&name).is_some() {
        return refused(done);
    }
    let path = wallet_path(wallets.shared().wallet_dir(), &name)
        .map_err(|error| RpcError::new(Code::WALLET_ERROR, error.to_string()))?;
    if !path.exists() {
        return refused("Error: Wallet does not exist");
    }
    if !is_bdb_file(&bdb_file(&path)).unwrap_or(false) {
        return refused(done);
    }
    refused(
        "Error: Legacy wallets are not migrated here. Migrate it with the migratewallet of Bitcoin Core 24 or later, or of \
         this coin's software of that age, and load the descriptor wallet that comes of it.",
    )
}

fn list(wallets: &Wallets) -> Json {
    wallets.list().iter().map(|wallet| wallet.name().to_owned()).collect()
}

fn list_dir(wallets: &Wallets) -> Json {
    let shared = wallets.shared();
    let found = list_wallets(shared.wallet_dir(), &shared.format);
    let shown = found.into_iter().map(|found| {
        let mut warnings: Vec<Json> = Vec::new();
        if found.kind == FileKind::Bdb {
            let text = "This wallet is a legacy wallet and will need to be migrated with migratewallet before it can be \
                        loaded";
            warnings.push(text.into());
        }
        Object::new().with("name", found.name).with("warnings", warnings)
    });
    Object::new().with("wallets", shown.collect::<Json>()).into()
}

fn info(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let scanning = wallet.scanning();
    let scanning: Json = if scanning.is_active() {
        let duration = scanning.duration(&wallets.shared().clock).as_secs();
        Object::new().with("duration", duration).with("progress", scanning.progress()).into()
    } else {
        false.into()
    };
    let release = wallets.shared().config.rpc_release().ok().flatten();
    let trust_change = wallet.settings().spend_zero_conf_change;
    Ok(wallet.read(|core| {
        let mut object = Object::new()
            .with("walletname", wallet.name())
            .with("walletversion", WALLET_VERSION)
            .with("format", "sqlite");
        if release.is_some_and(|release| release <= LAST_WITH_BALANCES) {
            let query = BalanceQuery { min_depth: 0, trust_change, include_nonmempool: false, is_used: None };
            let balance = core.ledger.balance(&core.keys, query);
            object.push("balance", Json::amount(balance.trusted));
            object.push("unconfirmed_balance", Json::amount(balance.untrusted_pending));
            object.push("immature_balance", Json::amount(balance.immature));
        }
        object.push("txcount", core.ledger.len());
        object.push("keypoolsize", core.keys.keypool_size(false));
        object.push("keypoolsize_hd_internal", core.keys.keypool_size(true));
        if core.keys.vault().is_encrypted() {
            object.push("unlocked_until", core.relock_at);
        }
        if release.is_some_and(|release| release <= LAST_WITH_FEE) {
            // There is no such setting any more: fees are estimated unless a request says otherwise.
            object.push("paytxfee", Json::amount(0));
        }
        object.push("private_keys_enabled", !core.is_watch_only());
        object.push("avoid_reuse", core.avoids_reuse());
        object.push("scanning", scanning);
        object.push("descriptors", core.flags.contains(WalletFlags::DESCRIPTORS));
        object.push("external_signer", core.flags.contains(WalletFlags::EXTERNAL_SIGNER));
        object.push("blank", core.flags.contains(WalletFlags::BLANK));
        if core.birth != NO_BIRTH {
            object.push("birthtime", core.birth);
        }
        object.push("flags", flag_names(core.flags));
        object.push("lastprocessedblock", last_processed(core));
        object.into()
    }))
}

/// The names of the flags; a bit without a name is told by its number.
fn flag_names(flags: WalletFlags) -> Json {
    let bits = (0_u32..64).map(|bit| (bit, WalletFlags(1 << bit))).filter(|(_, flag)| flags.contains(*flag));
    bits.map(|(bit, flag)| flag.names().next().map_or_else(|| format!("unknown_flag_{bit}"), str::to_owned)).collect()
}

fn set_flag(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let (name, value) = (request.str("flag")?, request.bool("value")?);
    let Some((flag, _)) = WalletFlags::NAMES.into_iter().find(|(_, known)| *known == name) else {
        return Err(RpcError::invalid_parameter(format!("Unknown wallet flag: {name}")));
    };
    if flag != WalletFlags::AVOID_REUSE {
        return Err(RpcError::invalid_parameter(format!("Wallet flag is immutable: {name}")));
    }
    wallet.change(|core, draft| {
        if core.flags.contains(flag) == value {
            return Err(RpcError::invalid_parameter(format!("Wallet flag is already set to {value}: {name}")));
        }
        let flags = if value { core.flags.with(flag) } else { core.flags.without(flag) };
        core.set_flags(flags, draft);
        Ok(())
    })?;
    let mut object = Object::new().with("flag_name", name).with("flag_state", value);
    if value {
        let caveat = "You need to rescan the blockchain in order to correctly mark used destinations in the past. Until \
                      this is done, some destinations may be considered unused, even if the opposite is the case.";
        object.push("warnings", caveat);
    }
    Ok(object.into())
}
