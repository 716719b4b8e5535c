//! Signed messages.

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use primitives::{base64, put_bytes};

use crate::PrivateKey;

/// Signs a message. `magic` is the coin's words, which go first, so that no transaction can be signed by mistake. The
/// answer is in base64; the key can be recovered from it.
pub fn sign_message(key: &PrivateKey, magic: &str, message: &str) -> String {
    let mut bytes = Vec::with_capacity(magic.len() + message.len() + 10);
    put_bytes(&mut bytes, magic.as_bytes());
    put_bytes(&mut bytes, message.as_bytes());
    let mut engine = sha256d::Hash::engine();
    engine.input(&bytes);
    let signature = key.sign_recoverable(sha256d::Hash::from_engine(engine).to_byte_array());
    let (recovery, compact) = signature.serialize_compact();
    let recovery = u8::try_from(recovery.to_i32()).expect("one of four");
    let header = 27 + recovery + if key.public().compressed { 4 } else { 0 };
    base64::encode(&[&[header][..], &compact].concat())
}
