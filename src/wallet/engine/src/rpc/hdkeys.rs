//! HD keys: listing them, adding one, and making descriptors of one.

use std::collections::BTreeSet;

use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use descriptors::{ExtendedKey, format_path, parse};
use primitives::hex;
use signer::{ExtendedPrivateKey, KeyRing, default_descriptor};

use super::addresses::kind_of;
use super::common::{ensure_unlocked, is_watch_only, wallet_of};
use super::docs::hdkeys as docs;
use crate::keys::{Extent, Manager, new_root};
use crate::loader::Wallets;
use crate::wallet::{Core, WalletError};

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::addhdkey().run(add),
        docs::createwalletdescriptor().run(create_descriptor),
        docs::derivehdkey().run(derive),
        docs::gethdkeys().run(list),
    ]
}

fn refused(text: impl Into<std::borrow::Cow<'static, str>>) -> RpcError {
    RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
}

fn option_bool(options: &Json, name: &str) -> Result<Option<bool>, RpcError> {
    match options.get(name) {
        Json::Null => Ok(None),
        value => Ok(Some(value.as_bool()?)),
    }
}

fn list(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let options = request.param(0);
    let active_only = option_bool(options, "active_only")?.unwrap_or(false);
    let private = option_bool(options, "private")?.unwrap_or(false);
    wallet.read(|core| {
        if private {
            ensure_unlocked(core)?;
        }
        let found = core.keys.hd_keys(|manager| !active_only || core.keys.is_active(manager.id()));
        let rows = found.into_iter().map(|(root, users)| show(core, &root, &users, private));
        Ok(rows.collect())
    })
}

fn show(core: &Core, root: &ExtendedKey, users: &[&Manager], private: bool) -> Object {
    let notation = core.keys.notation();
    let public = root.public_key();
    let has_private = users.iter().any(|manager| core.keys.vault().has_key(manager.id(), &public));
    let mut rows: Vec<(String, bool)> =
        users.iter().map(|manager| (manager.text(), core.keys.is_active(manager.id()))).collect();
    rows.sort();
    let mut object = Object::new().with("xpub", notation.write_extended(root)).with("has_private", has_private);
    if private && let Some(key) = core.keys.private_root(root) {
        object.push("xprv", key.text(notation).as_str());
    }
    let rows = rows.into_iter().map(|(text, active)| Object::new().with("desc", text).with("active", active));
    object.with("descriptors", rows.collect::<Json>())
}

fn read_xpub(core: &Core, value: &Json) -> Result<ExtendedKey, RpcError> {
    let key = core.keys.notation().read_extended(value.as_str()?);
    key.ok_or_else(|| refused("Unable to parse HD key. Please provide a valid xpub"))
}

fn create_descriptor(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let kind = kind_of(request.str("type")?)?;
    let options = request.param(1);
    let internals = match option_bool(options, "internal")? {
        Some(internal) => vec![internal],
        None => vec![false, true],
    };
    let shared = wallets.shared();
    let (chain, now) = (shared.config.chain().kind, shared.now());
    wallet.change(|core, draft| {
        ensure_unlocked(core)?;
        let root = match options.get("hdkey") {
            Json::Null => {
                let active = core.keys.hd_keys(|manager| core.keys.is_active(manager.id()));
                let [(root, _)] = active.as_slice() else {
                    let text = "Unable to determine which HD key to use from active descriptors. Please specify with \
                                'hdkey'";
                    return Err(refused(text));
                };
                *root
            }
            value => read_xpub(core, value)?,
        };
        let root = private_root(core, &root)?;
        let mut texts = Vec::new();
        for internal in internals {
            let descriptor = default_descriptor(root.public(), kind, internal, chain, core.keys.notation());
            if core.keys.manager(&descriptor.id()).is_some() {
                continue;
            }
            let ids = core.keys.set_up(&root, &[(kind, internal)], chain, now, &mut draft.records);
            let ids = ids.map_err(WalletError::from)?;
            texts.extend(ids.iter().filter_map(|id| core.keys.manager(id)).map(Manager::text));
        }
        if texts.is_empty() {
            return Err(RpcError::new(Code::WALLET_ERROR, "Descriptor already exists"));
        }
        core.older(now);
        core.set_flags(core.flags.without(walletdb::WalletFlags::BLANK), draft);
        Ok(Object::new().with("descs", texts).into())
    })
}

fn private_root(core: &Core, root: &ExtendedKey) -> Result<ExtendedPrivateKey, RpcError> {
    let text = || format!("Private key for {} is not known", core.keys.notation().write_extended(root));
    core.keys.private_root(root).ok_or_else(|| refused(text()))
}

fn add(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let shared = wallets.shared();
    let notation = &shared.notation;
    wallet.read(|core| {
        if is_watch_only(core) {
            let text = "addhdkey is not available for wallets without private keys";
            return Err(RpcError::new(Code::WALLET_ERROR, text));
        }
        ensure_unlocked(core)
    })?;
    let root = match request.opt_str("hdkey")? {
        None => new_root(&*shared.entropy).map_err(|error| WalletError::Entropy(error.to_string()))?,
        Some(text) => ExtendedPrivateKey::from_text(text, notation).ok_or_else(|| {
            refused(if notation.read_extended(text).is_some() {
                "Extended public key (xpub) provided, but extended private key (xprv) is required"
            } else {
                "Could not parse HD key"
            })
        })?,
    };
    let text = format!("unused({})", notation.write_extended(root.public()));
    let mut ring = KeyRing::new(*notation);
    ring.insert(root.key().clone());
    let parsed = parse(&text, false, notation, &mut ring).map_err(|error| RpcError::misc(error.to_string()))?;
    let descriptor = parsed.descriptors.into_iter().next().ok_or_else(|| RpcError::misc("no descriptor"))?;
    let created = u64::try_from(shared.now()).unwrap_or(0);
    wallet.change(|core, draft| {
        if core.keys.manager(&descriptor.id()).is_some() {
            return Err(RpcError::new(Code::WALLET_ERROR, "HD key already exists"));
        }
        let extent = Extent { created, start: 0, end: 0, next: 0 };
        let added = core.keys.import(descriptor, extent, &ring, &mut draft.records);
        added.map_err(|error| RpcError::new(Code::WALLET_ERROR, error.to_string()))?;
        Ok(())
    })?;
    Ok(Object::new().with("xpub", notation.write_extended(root.public())).into())
}

/// Whether a descriptor is there for its key only.
fn is_unused(manager: &Manager) -> bool {
    manager.scripts().next().is_none()
}

fn derive(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    if wallet.read(is_watch_only) {
        let text = "derivehdkey is not available for watch-only wallets";
        return Err(RpcError::new(Code::WALLET_ERROR, text));
    }
    let path = read_path(request.str("path")?)?;
    let options = request.param(1);
    let private = option_bool(options, "private")?.unwrap_or(false);
    if path.iter().all(|step| step & signer::HARDENED == 0) {
        return Err(RpcError::invalid_parameter("Derivation path requires at least one hardened step"));
    }
    wallet.read(|core| {
        ensure_unlocked(core)?;
        let root = private_root(core, &choose(core, options.get("hdkey"))?)?;
        let child = root.descendant(&path);
        let child =
            child.ok_or_else(|| RpcError::invalid_parameter("Unable to derive HD key at the requested path"))?;
        let notation = core.keys.notation();
        let fingerprint = hex::encode(&root.public().fingerprint());
        let mut object = Object::new()
            .with("origin", format!("[{fingerprint}{}]", format_path(&path, false)))
            .with("xpub", notation.write_extended(child.public()));
        if private {
            object.push("xprv", child.text(notation).as_str());
        }
        Ok(object.into())
    })
}

/// The HD key that is meant.
fn choose(core: &Core, given: &Json) -> Result<ExtendedKey, RpcError> {
    let roots = |wanted: &dyn Fn(&Manager) -> bool| -> BTreeSet<ExtendedKey> {
        core.keys.hd_keys(wanted).into_iter().map(|(root, _)| root).collect()
    };
    let unused = roots(&is_unused);
    let active = roots(&|manager| core.keys.is_active(manager.id()));
    if !given.is_null() {
        let root = read_xpub(core, given)?;
        if !unused.contains(&root) && !active.contains(&root) {
            return Err(refused("HD key is not used by an active or unused(KEY) descriptor"));
        }
        return Ok(root);
    }
    match (unused.len(), active.len()) {
        (1, _) => unused.first().copied(),
        (0, 0) => return Err(refused("No active or unused(KEY) descriptor found")),
        (0, 1) => active.first().copied(),
        (0, _) => {
            let text = "Unable to determine which HD key to use from active descriptors. Please specify with 'hdkey'";
            return Err(refused(text));
        }
        _ => None,
    }
    .ok_or_else(|| refused("Unable to determine which HD key to use. Please specify with 'hdkey'"))
}

/// Reads `m/87h/0'/1`.
fn read_path(text: &str) -> Result<Vec<u32>, RpcError> {
    let wrong = || RpcError::invalid_parameter("Invalid BIP32 keypath");
    let mut steps = text.split('/');
    if steps.next() != Some("m") {
        return Err(wrong());
    }
    let read = |step: &str| {
        let (number, hardened) = match step.strip_suffix(['h', '\'']) {
            Some(number) => (number, signer::HARDENED),
            None => (step, 0),
        };
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = number.parse().ok().filter(|number| is_number && *number < signer::HARDENED)?;
        Some(number | hardened)
    };
    steps.map(|step| read(step).ok_or_else(wrong)).collect()
}
