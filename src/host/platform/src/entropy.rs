//! Chance as an argument.

use std::fmt::Debug;
use std::io;

/// A source of random bytes. Implementations outside tests are fit for keys.
pub trait Entropy: Debug + Send + Sync {
    /// Fills `buffer` with random bytes, or says why there are none. On an error the content must not be used.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The operating system's generator (`getrandom` on Linux).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(io::Error::from)
    }
}

/// Random bytes as an array.
pub fn random_bytes<const N: usize>(source: &dyn Entropy) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.fill(&mut bytes)?;
    Ok(bytes)
}

/// A random number.
pub fn random_u64(source: &dyn Entropy) -> io::Result<u64> {
    random_bytes(source).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_gives_different_bytes_each_time() {
        let first: [u8; 32] = random_bytes(&SystemEntropy).unwrap();
        let second: [u8; 32] = random_bytes(&SystemEntropy).unwrap();
        assert_ne!(first, second);
        assert_ne!(first, [0; 32]);
        assert_ne!(random_u64(&SystemEntropy).unwrap(), random_u64(&SystemEntropy).unwrap());
    }

    #[test]
    fn nothing_asked_is_no_error() {
        SystemEntropy.fill(&mut []).unwrap();
    }
}
