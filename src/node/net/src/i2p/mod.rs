//! I2P, through the SAM interface of a router on this machine or near it.
//!
//! A router gives a *session* an address of its own. One that others can call is kept in a file and lives as long as
//! the node; where nobody is to learn who we are, each connection has a session that is forgotten with it.

mod sam;
mod session;

pub(crate) use sam::PORT;
pub(crate) use session::{Router, accept};

/// For the fuzz target: a line of a router as a reply, and as an address.
pub(crate) fn fuzz_line(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    if let Ok(key) = sam::decode_key(&line) {
        assert_eq!(sam::encode_key(&key), line, "there is one way to write bytes");
        // It may be shorter than it says itself.
        let _ = sam::destination(&key);
        assert!(sam::address(&line).is_ok());
    }
    let reply = sam::Reply::new("", &line);
    for key in ["RESULT", "VALUE", "DESTINATION"] {
        if let Ok(value) = reply.get(key) {
            assert!(line.contains(value));
        }
    }
}
