//! The words of SAM 3.1: replies, keys, and the addresses that follow from them.

use bitcoin::hashes::{Hash, sha256};
use p2p::NetAddr;

/// SAM 3.1 knows no ports, so all of I2P has this one.
pub(crate) const PORT: u16 = 0;

/// The bytes of a destination without its certificate, and where the length of that is.
const DESTINATION_BASE: usize = 387;
const CERTIFICATE_AT: usize = 385;

/// Why the router was of no help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SamError {
    /// Nobody answers there.
    #[error("Cannot connect to {0}")]
    Unreachable(String),
    /// The connection to the router broke.
    #[error("{0}")]
    Io(String),
    /// It was closed in the middle of an answer.
    #[error("Connection unexpectedly closed by peer")]
    Closed,
    /// An answer took too long.
    #[error("Receive timeout")]
    Timeout,
    /// An answer never ends.
    #[error("Received too many bytes without a terminator ({0})")]
    TooLong(usize),
    /// An answer lacks what it is for.
    #[error("Missing {key}= in the reply to \"{request}\"")]
    Missing {
        /// What is missing.
        key: &'static str,
        /// What was asked.
        request: String,
    },
    /// The router says no.
    #[error("Reply to \"{0}\": had a RESULT not equal to OK.")]
    NotOk(String),
    /// It says no, and why.
    #[error("\"{0}\"")]
    Refused(String),
    /// The session has ended without our knowledge.
    #[error("Invalid session id")]
    InvalidSession,
    /// It sends something else than the address of a caller.
    #[error("unexpected reply that hints the session is unusable: {0}")]
    Unusable(String),
    /// Bytes are not written as I2P writes them. They may be a secret, so they are not shown.
    #[error("Cannot decode Base64")]
    Base64,
    /// A key ends before its certificate.
    #[error("The private key is too short ({0} < {min})", min = CERTIFICATE_AT + 2)]
    KeyTooShort(usize),
    /// A key ends within its certificate.
    #[error(
        "Certificate length ({certificate}) designates that the private key should be {expected} bytes, but it is only \
         {len} bytes"
    )]
    KeyCut {
        /// The length that the certificate has.
        certificate: u16,
        /// The length that the key should have.
        expected: usize,
        /// The length that it has.
        len: usize,
    },
    /// The key of our address cannot be kept.
    #[error("Cannot save I2P private key to \"{0}\"")]
    KeyFile(String),
}

/// An answer: words, some of which have a value.
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    line: &'a str,
    request: &'a str,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(request: &'a str, line: &'a str) -> Self {
        // What creates a session has our key in it.
        let request = if request.starts_with("SESSION CREATE") { "SESSION CREATE ..." } else { request };
        Self { line, request }
    }

    /// The value of a word. The first one of that name counts.
    pub(crate) fn get(&self, key: &'static str) -> Result<&'a str, SamError> {
        let found = self.line.split(' ').find_map(|word| match word.split_once('=') {
            Some((name, value)) => (name == key).then_some(Some(value)),
            None => (word == key).then_some(None),
        });
        found.flatten().ok_or_else(|| SamError::Missing { key, request: self.request.to_owned() })
    }

    pub(crate) fn check_ok(&self) -> Result<(), SamError> {
        if self.get("RESULT")? == "OK" { Ok(()) } else { Err(SamError::NotOk(self.request.to_owned())) }
    }

    /// What `STREAM` commands answer.
    pub(crate) fn check_stream(&self) -> Result<(), SamError> {
        match self.get("RESULT")? {
            "OK" => Ok(()),
            "INVALID_ID" => Err(SamError::InvalidSession),
            _ => Err(SamError::Refused(self.line.to_owned())),
        }
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";

/// Base64 with the two letters that I2P has instead of the usual ones.
pub(crate) fn encode_key(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |index: usize| u32::from(part.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4_u32 {
            let letter = ALPHABET[usize::try_from(bits >> (18 - 6 * index) & 63).expect("six bits")];
            let padding = usize::try_from(index).expect("below four") > part.len();
            text.push(if padding { '=' } else { char::from(letter) });
        }
    }
    text
}

/// The bytes behind a text of [`encode_key`].
pub(crate) fn decode_key(text: &str) -> Result<Vec<u8>, SamError> {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return Err(SamError::Base64);
    }
    let mut bytes = Vec::with_capacity(bare.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in bare.bytes() {
        let value = ALPHABET.iter().position(|it| *it == letter).ok_or(SamError::Base64)?;
        held = (held << 6 | u32::try_from(value).expect("below 64")) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("eight bits"));
        }
    }
    // What is left over has to be nothing, and fewer than a letter.
    if bits >= 6 || held & ((1 << bits) - 1) != 0 { Err(SamError::Base64) } else { Ok(bytes) }
}

/// The part of a private key that others may know: keys, and a certificate of the length that stands before it.
pub(crate) fn destination(key: &[u8]) -> Result<&[u8], SamError> {
    let certificate = key.get(CERTIFICATE_AT..CERTIFICATE_AT + 2).ok_or(SamError::KeyTooShort(key.len()))?;
    let certificate = u16::from_be_bytes([certificate[0], certificate[1]]);
    let expected = DESTINATION_BASE + usize::from(certificate);
    key.get(..expected).ok_or(SamError::KeyCut { certificate, expected, len: key.len() })
}

/// The address of a destination.
pub(crate) fn address_of(destination: &[u8]) -> NetAddr {
    NetAddr::I2p(sha256::Hash::hash(destination).to_byte_array())
}

/// The address of a destination as a router writes it.
pub(crate) fn address(text: &str) -> Result<NetAddr, SamError> {
    Ok(address_of(&decode_key(text)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_have_values() {
        let reply = Reply::new("HELLO", "HELLO REPLY RESULT=OK VERSION=3.1 EMPTY= X=a=b BARE");
        assert_eq!(reply.get("VERSION").unwrap(), "3.1");
        assert_eq!((reply.get("EMPTY").unwrap(), reply.get("X").unwrap()), ("", "a=b"));
        reply.check_ok().unwrap();
        for missing in ["BARE", "NONE"] {
            let text = reply.get(missing).unwrap_err().to_string();
            assert_eq!(text, format!("Missing {missing}= in the reply to \"HELLO\""));
        }
        let refused = Reply::new("SESSION CREATE DESTINATION=secret", "SESSION STATUS RESULT=DUPLICATED_DEST");
        let text = refused.check_ok().unwrap_err().to_string();
        assert_eq!(text, "Reply to \"SESSION CREATE ...\": had a RESULT not equal to OK.");
        let gone = Reply::new("STREAM ACCEPT", "STREAM STATUS RESULT=INVALID_ID MESSAGE=\"x\"");
        assert!(matches!(gone.check_stream(), Err(SamError::InvalidSession)));
    }

    #[test]
    fn letters_of_i2p() {
        assert_eq!(encode_key(&[0xfb, 0xff, 0xbf]), "-~-~");
        assert_eq!(encode_key(b"ab"), "YWI=");
        assert_eq!(decode_key("YWI=").unwrap(), b"ab");
        for bad in ["YWI", "YW==YWI=", "+/+/", "YWJ=", "Y===", "====", "YWI==", "é"] {
            assert!(decode_key(bad).is_err(), "{bad}");
        }
        assert_eq!(decode_key("").unwrap(), b"");
    }

    #[test]
    fn a_key_starts_with_its_destination() {
        let mut key = vec![7; 385];
        key.extend([0, 4, 5, 0, 7, 0, 0]);
        key.extend([9; 100]);
        assert_eq!(destination(&key).unwrap().len(), 391);
        assert!(matches!(destination(&key[..390]), Err(SamError::KeyCut { certificate: 4, expected: 391, len: 390 })));
        let text = destination(&key[..386]).unwrap_err().to_string();
        assert_eq!(text, "The private key is too short (386 < 387)");
        let address = address_of(destination(&key).unwrap());
        assert_eq!(super::address(&encode_key(&key[..391])).unwrap(), address);
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: Vec<u8>) {
            prop_assert_eq!(decode_key(&encode_key(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn any_line(bytes: Vec<u8>) {
            super::super::fuzz_line(&bytes);
        }
    }
}
