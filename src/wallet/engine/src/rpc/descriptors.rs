//! `listdescriptors`

use ::rpc::{Code, Json, Method, Object, Request, RpcError};

use super::common::{ensure_unlocked, is_watch_only, wallet_of};
use super::docs::backup as docs;
use crate::keys::Manager;
use crate::loader::Wallets;
use crate::wallet::Core;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![docs::listdescriptors().run(answer)]
}

fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let private = request.bool("private")?;
    wallet.read(|core| {
        if private && is_watch_only(core) {
            let text = "Can't get private descriptor string for watch-only wallets";
            return Err(RpcError::new(Code::WALLET_ERROR, text));
        }
        if private {
            ensure_unlocked(core)?;
        }
        let mut rows = Vec::new();
        for manager in core.keys.managers() {
            rows.push((text(core, manager, private)?, manager));
        }
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        let shown: Json = rows.into_iter().map(|(text, manager)| show(core, text, manager)).collect();
        Ok(Object::new().with("wallet_name", wallet.name()).with("descriptors", shown).into())
    })
}

fn text(core: &Core, manager: &Manager, private: bool) -> Result<String, RpcError> {
    if !private {
        return Ok(manager.text());
    }
    let text = core.keys.vault().ring(manager.id()).private_text(manager.descriptor());
    let text = text.ok_or_else(|| RpcError::new(Code::WALLET_ERROR, "Can't get descriptor string."))?;
    Ok(text.as_str().to_owned())
}

fn show(core: &Core, text: String, manager: &Manager) -> Object {
    let extent = manager.extent();
    let mut row = Object::new()
        .with("desc", text)
        .with("timestamp", extent.created)
        .with("active", core.keys.is_active(manager.id()));
    if let Some(internal) = core.keys.is_internal(manager.id()) {
        row.push("internal", internal);
    }
    if manager.descriptor().is_range() {
        row.push("range", vec![extent.start, extent.end - 1]);
        row.push("next", extent.next);
        row.push("next_index", extent.next);
    }
    row
}
