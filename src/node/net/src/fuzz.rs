//! What must hold for any bytes that come from a router of I2P or from Tor. The fuzz targets call these with bytes of
//! their own.

/// A line of a router: no panic, and a key is written in one way.
pub fn sam_line(bytes: &[u8]) {
    crate::i2p::fuzz_line(bytes);
}

/// What Tor says, in pieces: the pieces make no difference, and what is kept is bounded.
pub fn tor_replies(bytes: &[u8]) {
    crate::tor::fuzz_replies(bytes);
}
