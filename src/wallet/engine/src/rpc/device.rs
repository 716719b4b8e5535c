//! `enumeratesigners` and `walletdisplayaddress`: devices that sign.

use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use descriptors::infer;
use walletdb::WalletFlags;

use super::common::wallet_of;
use super::docs::device as docs;
use crate::device::{DeviceError, Signer, list};
use crate::loader::Wallets;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::enumeratesigners().run(|wallets: &Wallets, _| enumerate(wallets)),
        docs::walletdisplayaddress().run(display),
    ]
}

fn enumerate(wallets: &Wallets) -> Result<Json, RpcError> {
    let all = list(wallets.shared()).map_err(|error| match error {
        DeviceError::NotConfigured => RpcError::misc(format!("Error: {error}")),
        error => error.into(),
    })?;
    let shown = all.iter().map(|it| Object::new().with("fingerprint", it.fingerprint()).with("name", it.name()));
    Ok(Object::new().with("signers", shown.collect::<Json>()).into())
}

fn display(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let shared = wallets.shared();
    let given = request.str("address")?;
    let destination = shared.addresses().decode(given);
    let destination = destination.map_err(|_| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Invalid address"))?;
    let script = shared.addresses().script(&destination);
    let known = wallet.read(|core| {
        let has_device = core.flags.contains(WalletFlags::EXTERNAL_SIGNER);
        core.keys.known(&script).filter(|_| has_device)
    });
    let known = known.ok_or_else(|| RpcError::misc("There is no ScriptPubKeyManager for this address"))?;
    let descriptor = infer(&script, &known, &shared.notation).to_string();
    let address = shared.addresses().encode(&destination).unwrap_or_default();
    Signer::find(shared)?.show(&descriptor, &address)?;
    Ok(Object::new().with("address", given).into())
}
