//! Methods that bring their own private keys. They need no wallet, only a process that may see keys.

use ::rpc::Method;
use signer::requests::{descriptor_process_psbt, sign_message_with_private_key, sign_raw_transaction_with_key};

use super::docs::keyless as docs;
use super::sign::Desk;
use crate::loader::Wallets;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::descriptorprocesspsbt()
            .run(|wallets: &Wallets, request| descriptor_process_psbt(&Desk(wallets.shared()), request)),
        docs::signmessagewithprivkey()
            .run(|wallets: &Wallets, request| sign_message_with_private_key(&Desk(wallets.shared()), request)),
        docs::signrawtransactionwithkey()
            .run(|wallets: &Wallets, request| sign_raw_transaction_with_key(&Desk(wallets.shared()), request)),
    ]
}
