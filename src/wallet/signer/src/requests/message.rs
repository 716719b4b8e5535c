//! `signmessagewithprivkey`.

use ::rpc::{Code, Json, Request, RpcError};

use super::World;
use crate::{PrivateKey, sign_message};

/// Answers `signmessagewithprivkey`.
pub fn sign_message_with_private_key(world: &dyn World, request: &Request) -> Result<Json, RpcError> {
    let key = private_key(world, request.str("privkey")?)?;
    Ok(sign_message(&key, world.message_magic(), request.str("message")?).into())
}

pub(super) fn private_key(world: &dyn World, text: &str) -> Result<PrivateKey, RpcError> {
    PrivateKey::from_text(text, world.notation().secret_prefix())
        .ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Invalid private key"))
}
