//! Backups.

use ::rpc::{Code, Json, Method, Object, Request, RpcError};

use super::common::{push_warnings, synced_wallet};
use super::docs::backup as docs;
use super::{import, pruned};
use crate::loader::Wallets;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::backupwallet().run(backup),
        docs::importdescriptors().run(import::answer),
        docs::importprunedfunds().run(pruned::import),
        docs::removeprunedfunds().run(pruned::remove),
        docs::restorewallet().run(restore),
    ]
}

fn backup(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    wallet.backup(request.str("destination")?.as_ref()).map_err(|error| {
        tracing::warn!("{} {error}", wallet.display_name());
        RpcError::new(Code::WALLET_ERROR, "Error: Wallet backup failed!")
    })?;
    Ok(Json::Null)
}

fn restore(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let (name, file) = (request.str("wallet_name")?, request.str("backup_file")?);
    let opened = wallets.restore(name, file.as_ref(), request.opt_bool("load_on_startup")?)?;
    let mut object = Object::new().with("name", opened.wallet.name());
    push_warnings(&mut object, opened.warnings);
    Ok(object.into())
}
