//! What a request that fails answers: a code that programs test and a message that people read.

use std::borrow::Cow;
use std::fmt;

use crate::json::{Json, JsonError, Object};

/// The number that tells programs what went wrong. The table is Bitcoin Core's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

impl Code {
    /// The request object is malformed. HTTP 400. Not for methods.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// There is no such method. HTTP 404. Not for methods.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters make no sense.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The daemon itself is broken.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// The body is not JSON.
    pub const PARSE_ERROR: Self = Self(-32700);

    /// Anything that has no code of its own.
    pub const MISC: Self = Self(-1);
    /// Reserved: the safe mode of old.
    pub const FORBIDDEN_BY_SAFE_MODE: Self = Self(-2);
    /// A parameter has the wrong type.
    pub const TYPE_ERROR: Self = Self(-3);
    /// The wallet cannot do it.
    pub const WALLET_ERROR: Self = Self(-4);
    /// An address or a key, or what it leads to, does not exist.
    pub const INVALID_ADDRESS_OR_KEY: Self = Self(-5);
    /// Not enough coins.
    pub const WALLET_INSUFFICIENT_FUNDS: Self = Self(-6);
    /// Memory ran out.
    pub const OUT_OF_MEMORY: Self = Self(-7);
    /// A parameter is invalid, missing or given twice.
    pub const INVALID_PARAMETER: Self = Self(-8);
    /// There are no peers.
    pub const CLIENT_NOT_CONNECTED: Self = Self(-9);
    /// The chain is still being downloaded.
    pub const CLIENT_IN_INITIAL_DOWNLOAD: Self = Self(-10);
    /// That cannot be a label.
    pub const WALLET_INVALID_LABEL_NAME: Self = Self(-11);
    /// The keypool is empty.
    pub const WALLET_KEYPOOL_RAN_OUT: Self = Self(-12);
    /// The wallet is locked.
    pub const WALLET_UNLOCK_NEEDED: Self = Self(-13);
    /// The passphrase is wrong.
    pub const WALLET_PASSPHRASE_INCORRECT: Self = Self(-14);
    /// The wallet is encrypted where it should not be, or the reverse.
    pub const WALLET_WRONG_ENC_STATE: Self = Self(-15);
    /// The wallet could not be encrypted.
    pub const WALLET_ENCRYPTION_FAILED: Self = Self(-16);
    /// The wallet is unlocked already.
    pub const WALLET_ALREADY_UNLOCKED: Self = Self(-17);
    /// There is no such wallet.
    pub const WALLET_NOT_FOUND: Self = Self(-18);
    /// There are several wallets and none was named.
    pub const WALLET_NOT_SPECIFIED: Self = Self(-19);
    /// A database failed.
    pub const DATABASE_ERROR: Self = Self(-20);
    /// Raw bytes do not parse.
    pub const DESERIALIZATION_ERROR: Self = Self(-22);
    /// The peer was added before.
    pub const CLIENT_NODE_ALREADY_ADDED: Self = Self(-23);
    /// The peer was never added.
    pub const CLIENT_NODE_NOT_ADDED: Self = Self(-24);
    /// A transaction or block was not taken.
    pub const VERIFY_ERROR: Self = Self(-25);
    /// A transaction or block breaks a rule.
    pub const VERIFY_REJECTED: Self = Self(-26);
    /// The transaction is in the chain already.
    pub const VERIFY_ALREADY_IN_UTXO_SET: Self = Self(-27);
    /// The daemon is starting.
    pub const IN_WARMUP: Self = Self(-28);
    /// The peer is not connected.
    pub const CLIENT_NODE_NOT_CONNECTED: Self = Self(-29);
    /// That is no address and no subnet.
    pub const CLIENT_INVALID_IP_OR_SUBNET: Self = Self(-30);
    /// The network is off.
    pub const CLIENT_P2P_DISABLED: Self = Self(-31);
    /// The method is deprecated and was not enabled.
    pub const METHOD_DEPRECATED: Self = Self(-32);
    /// There is no mempool.
    pub const CLIENT_MEMPOOL_DISABLED: Self = Self(-33);
    /// There are too many outbound connections.
    pub const CLIENT_NODE_CAPACITY_REACHED: Self = Self(-34);
    /// The wallet is loaded already.
    pub const WALLET_ALREADY_LOADED: Self = Self(-35);
    /// A wallet of that name exists.
    pub const WALLET_ALREADY_EXISTS: Self = Self(-36);
    /// Something that is limited is at its limit.
    pub const LIMIT_EXCEEDED: Self = Self(-37);
}

/// The error of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: Cow<'static, str>,
    /// More for programs; most errors have none.
    pub data: Option<Json>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with data.
    #[must_use]
    pub fn with_data(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }

    /// [`Code::MISC`]
    pub fn misc(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::MISC, message)
    }

    /// [`Code::TYPE_ERROR`]
    pub fn wrong_type(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::TYPE_ERROR, message)
    }

    /// [`Code::INVALID_PARAMETER`]
    pub fn invalid_parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::INVALID_PARAMETER, message)
    }

    /// [`Code::INVALID_REQUEST`]
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::INVALID_REQUEST, message)
    }

    /// A request for a method that does not exist.
    pub fn method_not_found() -> Self {
        Self::new(Code::METHOD_NOT_FOUND, "Method not found")
    }

    /// The object of a response.
    pub fn to_json(&self) -> Json {
        let mut object = Object::new().with("code", self.code.0).with("message", self.message.as_ref());
        if let Some(data) = &self.data {
            object.push("data", data.clone());
        }
        object.into()
    }

    /// Reads the object of a response, for methods that are forwarded and for clients. An error of another shape
    /// becomes the message of a [`Code::MISC`] error.
    pub fn from_json(value: &Json) -> Self {
        match (value.get("code").as_int(), value.get("message").as_str()) {
            (Ok(code), Ok(message)) => Self {
                code: Code(code),
                message: message.to_owned().into(),
                data: value.as_obj().ok().and_then(|object| object.get("data")).cloned(),
            },
            _ => Self::misc(value.write()),
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code.0)
    }
}

impl std::error::Error for RpcError {}

impl From<JsonError> for RpcError {
    fn from(error: JsonError) -> Self {
        let code = match error {
            JsonError::WrongType { .. } => Code::TYPE_ERROR,
            JsonError::IntegerRange | JsonError::DoubleRange | JsonError::NotAContainer => Code::MISC,
        };
        Self::new(code, error.to_string())
    }
}
