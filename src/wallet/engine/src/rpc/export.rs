//! `exportwatchonlywallet`: the wallet without its keys, as a file.

use std::path::Path;

use ::rpc::{Code, Json, Object, Request, RpcError};
use descriptors::{NoPrivateKeys, parse};
use signer::KeyRing;
use walletdb::{Record, Records, WalletFile, WalletFlags};

use super::common::wallet_of;
use crate::keys::{Keys, Manager};
use crate::loader::Wallets;
use crate::shared::Shared;
use crate::wallet::{Core, Draft, Wallet, WalletError};

pub(super) fn answer(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let given = request.str("destination")?;
    let destination = Path::new(given);
    wallet.change(|core, draft| {
        core.keys.top_up(0, &mut draft.records);
        Ok::<_, RpcError>(())
    })?;
    if given.is_empty() {
        return Err(refused("Error: Export destination cannot be empty".to_owned()));
    }
    if destination.exists() {
        return Err(refused(format!("Error: Export destination '{given}' already exists")));
    }
    // An empty file takes the place, and is gone again if the export fails.
    if std::fs::File::create_new(destination).is_err() {
        return Err(refused(format!("Error: Could not create file '{given}'")));
    }
    if let Err(error) = export(wallets.shared(), &wallet, destination) {
        if let Err(error) = std::fs::remove_file(destination) {
            tracing::warn!("{given} could not be removed: {error}");
        }
        return Err(error);
    }
    Ok(Object::new().with("exported_file", given).into())
}

fn refused(text: String) -> RpcError {
    RpcError::new(Code::WALLET_ERROR, text)
}

fn export(shared: &Shared, wallet: &Wallet, destination: &Path) -> Result<(), RpcError> {
    let failed = || refused("Error: Unable to write the exported wallet".to_owned());
    let copy = WalletFile::in_memory(shared.format).map_err(|_| failed())?;
    let locator = wallet.file().best_block().map_err(WalletError::from)?.unwrap_or_default();
    wallet.read(|core| {
        if core.keys.is_empty() {
            return Err(refused("Error: Wallet has no descriptors to export".to_owned()));
        }
        let mut draft = Draft::default();
        draft.records.push(Record::Version(Shared::client_version()));
        draft.records.push(Record::Flags(core.flags.with(WalletFlags::DISABLE_PRIVATE_KEYS)));
        let mut keys = Keys::new(shared.notation, shared.keypool());
        for manager in core.keys.managers() {
            copy_descriptor(core, manager, &mut keys, &mut draft)?;
        }
        core.book.copy_to(&mut draft.records);
        draft.records.extend(core.ledger.persistent_locks().map(|outpoint| Record::LockedUtxo(*outpoint)));
        draft.changes.txs.extend(core.ledger.in_order().map(crate::ledger::WalletTx::txid));
        draft.changes.order = true;
        draft.write(&copy, &core.ledger).map_err(|error| WalletError::from(error).into())
    })?;
    copy.put_best_block(locator).map_err(WalletError::from)?;
    copy.backup(destination).map_err(|error| {
        tracing::warn!("{error}");
        failed()
    })
}

/// The descriptor in the form that needs no private keys; where there is none, with what was derived of it.
fn copy_descriptor(core: &Core, manager: &Manager, keys: &mut Keys, draft: &mut Draft) -> Result<(), RpcError> {
    let parsed = parse(&manager.text(), true, keys.notation(), &mut NoPrivateKeys)
        .map_err(|error| refused(error.to_string()))?;
    let Some(descriptor) = parsed.descriptors.into_iter().next() else { return Ok(()) };
    let id = descriptor.id();
    if descriptor.expand(0, &NoPrivateKeys).is_some() {
        let none = KeyRing::new(*keys.notation());
        let imported = keys.import(descriptor, manager.extent(), &none, &mut draft.records);
        imported.map_err(|error| refused(error.to_string()))?;
    } else {
        keys.insert(manager.clone());
        draft.records.extend(manager.all_records());
    }
    if let (Some(internal), Some(kind)) = (core.keys.is_internal(manager.id()), manager.kind()) {
        keys.activate(id, kind, internal, &mut draft.records);
    }
    Ok(())
}
