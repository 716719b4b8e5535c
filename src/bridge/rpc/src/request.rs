//! A request as it travels from the parser to the method, and the object that answers it.

use std::str::FromStr;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::error::RpcError;
use crate::json::{Json, Object};
use crate::method::{Fallback, MethodDoc};

/// Which dialect a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// 1.0 and 1.1: errors have HTTP statuses, answers have both a result and an error.
    #[default]
    Legacy,
    /// Strict 2.0: answers have HTTP status 200 and either a result or an error.
    V2,
}

/// Who asks, and through which door. It is the same for all requests of a batch.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The path of the HTTP request: `/`, or `/wallet/NAME`.
    pub uri: String,
    /// The name that was authenticated.
    pub user: String,
    /// The peer's address and port; empty if the request did not come over a socket.
    pub peer: String,
    /// The hash of the block at which the chain stood when a node passed the request on.
    pub tip: Option<[u8; 32]>,
    /// Tells when the caller has gone.
    pub cancel: Cancel,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Absent in notifications of the 2.0 dialect, and whenever a request has no `id`.
    pub id: Option<Json>,
    /// The method's name.
    pub method: String,
    /// An array, once named arguments have been put in their places.
    pub params: Json,
    /// The dialect.
    pub version: Version,
    /// Who asks.
    pub caller: Caller,
    doc: Option<Arc<MethodDoc>>,
}

impl Request {
    /// A request for `method` with arguments in their places, made inside this process.
    pub fn new(method: impl Into<String>, params: Vec<Json>, caller: Caller) -> Self {
        Self {
            id: Some(Json::Null),
            method: method.into(),
            params: Json::Arr(params),
            version: Version::Legacy,
            caller,
            doc: None,
        }
    }

    /// Reads a request object. On an error the identifier and the dialect are as far known as they were read.
    pub(crate) fn parse(value: Json, caller: &Caller) -> Result<Self, (Envelope, RpcError)> {
        let Json::Obj(mut object) = value else {
            let error = RpcError::invalid_request("Invalid Request object");
            return Err((Envelope { id: Some(Json::Null), version: Version::Legacy }, error));
        };
        let mut envelope = Envelope { id: object.remove("id"), version: Version::Legacy };
        match read_body(&mut object, &mut envelope.version) {
            Ok((method, params)) => Ok(Self {
                id: envelope.id,
                method,
                params,
                version: envelope.version,
                caller: caller.clone(),
                doc: None,
            }),
            Err(error) => Err((envelope, error)),
        }
    }

    /// Whether nobody expects an answer.
    pub fn is_notification(&self) -> bool {
        self.id.is_none() && self.version == Version::V2
    }

    /// What the answer needs of the request.
    pub(crate) fn envelope(&self) -> Envelope {
        Envelope { id: self.id.clone(), version: self.version }
    }

    /// The request as an object, to forward it to another process. Dialect 1.1, so that the answer has both fields.
    pub fn to_json(&self) -> Json {
        Object::new()
            .with("method", self.method.as_str())
            .with("params", self.params.clone())
            .with("id", self.id.clone())
            .into()
    }

    /// The description that names the arguments.
    #[must_use]
    pub(crate) fn described_by(mut self, doc: Arc<MethodDoc>) -> Self {
        self.doc = Some(doc);
        self
    }

    /// The argument at a place, counted from 0, exactly as it was given; `null` if it was not.
    pub fn param(&self, index: usize) -> &Json {
        self.params.at(index)
    }

    /// How many places were given.
    pub fn param_count(&self) -> usize {
        self.params.len()
    }

    /// The argument of that name, or the default that the description states, or `null`. The name is any of those in
    /// the description.
    pub fn arg(&self, name: &str) -> &Json {
        let found = self.doc.as_ref().and_then(|doc| {
            let index = doc.args.iter().position(|arg| arg.aliases().any(|alias| alias == name))?;
            Some((index, &doc.args.get(index)?.fallback))
        });
        debug_assert!(found.is_some(), "{} describes no argument {name}", self.method);
        let Some((index, fallback)) = found else { return &Json::Null };
        match (self.params.at(index), fallback) {
            (Json::Null, Fallback::Default(default)) => default,
            (given, _) => given,
        }
    }

    /// Whether the argument of that name was given and is not `null`.
    pub fn has(&self, name: &str) -> bool {
        let doc = self.doc.as_ref();
        let index = doc.and_then(|doc| doc.args.iter().position(|arg| arg.aliases().any(|alias| alias == name)));
        index.is_some_and(|index| !self.params.at(index).is_null())
    }

    /// A string argument that is required or has a default.
    pub fn str(&self, name: &str) -> Result<&str, RpcError> {
        Ok(self.arg(name).as_str()?)
    }

    /// An integer argument that is required or has a default.
    pub fn int<T: FromStr>(&self, name: &str) -> Result<T, RpcError> {
        Ok(self.arg(name).as_int()?)
    }

    /// A number argument that is required or has a default.
    pub fn real(&self, name: &str) -> Result<f64, RpcError> {
        Ok(self.arg(name).as_f64()?)
    }

    /// A boolean argument that is required or has a default.
    pub fn bool(&self, name: &str) -> Result<bool, RpcError> {
        Ok(self.arg(name).as_bool()?)
    }

    /// An argument that may be absent.
    pub fn opt(&self, name: &str) -> Option<&Json> {
        Some(self.arg(name)).filter(|value| !value.is_null())
    }

    /// A string argument that may be absent.
    pub fn opt_str(&self, name: &str) -> Result<Option<&str>, RpcError> {
        Ok(self.opt(name).map(Json::as_str).transpose()?)
    }

    /// An integer argument that may be absent.
    pub fn opt_int<T: FromStr>(&self, name: &str) -> Result<Option<T>, RpcError> {
        Ok(self.opt(name).map(Json::as_int).transpose()?)
    }

    /// A boolean argument that may be absent.
    pub fn opt_bool(&self, name: &str) -> Result<Option<bool>, RpcError> {
        Ok(self.opt(name).map(Json::as_bool).transpose()?)
    }

    /// A verbosity: a number, or where `allow_bool` a boolean that means 0 or 1, or `default`.
    pub fn verbosity(&self, name: &str, default: i32, allow_bool: bool) -> Result<i32, RpcError> {
        match self.arg(name) {
            Json::Null => Ok(default),
            Json::Bool(_) if !allow_bool => Err(RpcError::wrong_type("Verbosity was boolean but only integer allowed")),
            Json::Bool(verbose) => Ok(i32::from(*verbose)),
            number => Ok(number.as_int()?),
        }
    }
}

fn read_body(object: &mut Object, version: &mut Version) -> Result<(String, Json), RpcError> {
    match object.get("jsonrpc").unwrap_or(&Json::Null) {
        Json::Null => {}
        Json::Str(text) if text == "2.0" => *version = Version::V2,
        // Old documentation had this in requests of the dialect that knows no such field.
        Json::Str(text) if text == "1.0" => {}
        Json::Str(_) => return Err(RpcError::invalid_request("JSON-RPC version not supported")),
        _ => return Err(RpcError::invalid_request("jsonrpc field must be a string")),
    }
    let method = match object.remove("method").unwrap_or_default() {
        Json::Str(method) => method,
        Json::Null => return Err(RpcError::invalid_request("Missing method")),
        _ => return Err(RpcError::invalid_request("Method must be a string")),
    };
    let params = match object.remove("params").unwrap_or_default() {
        params @ (Json::Arr(_) | Json::Obj(_)) => params,
        Json::Null => Json::Arr(Vec::new()),
        _ => return Err(RpcError::invalid_request("Params must be an array or object")),
    };
    Ok((method, params))
}

/// What an answer repeats of its request.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) id: Option<Json>,
    pub(crate) version: Version,
}

impl Envelope {
    /// For requests of which nothing could be read.
    pub(crate) fn unknown() -> Self {
        Self { id: Some(Json::Null), version: Version::Legacy }
    }

    /// The response object.
    pub(crate) fn reply(self, outcome: Result<Json, RpcError>) -> Json {
        let legacy = self.version == Version::Legacy;
        let mut reply = Object::new();
        if !legacy {
            reply.push("jsonrpc", "2.0");
        }
        match outcome {
            Ok(result) => {
                reply.push("result", result);
                if legacy {
                    reply.push("error", Json::Null);
                }
            }
            Err(error) => {
                if legacy {
                    reply.push("result", Json::Null);
                }
                reply.push("error", error.to_json());
            }
        }
        if let Some(id) = self.id {
            reply.push("id", id);
        }
        reply.into()
    }
}
