//! Who may ask at all: user names with salted hashes of their passwords.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use platform::entropy::random_bytes;
use platform::{Entropy, LockedBytes};
use primitives::hex;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tracing::{info, warn};

use crate::base64;
use crate::cookie::{Cookie, CookieError};

/// Why the server cannot check passwords. Each ends the start.
#[derive(Debug, Error)]
pub enum AuthError {
    /// `-rpcauth` is not `USER:SALT$HASH`.
    #[error("Invalid -rpcauth argument.")]
    InvalidRpcAuth,
    /// The cookie cannot be written.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// There is no randomness for a salt.
    #[error("no random bytes for a salt: {0}")]
    Entropy(io::Error),
}

/// The options that decide who may ask.
#[derive(Debug, Clone, Default)]
pub struct AuthOptions {
    /// `-rpcuser`
    pub user: String,
    /// `-rpcpassword`; empty for a cookie.
    pub password: String,
    /// `-rpcauth`, each.
    pub rpcauth: Vec<String>,
    /// Where the cookie goes; none for `-norpccookiefile`.
    pub cookie_file: Option<PathBuf>,
    /// `-rpccookieperms`
    pub cookie_perms: Option<String>,
}

/// Names and passwords that are accepted.
#[derive(Debug, Default)]
pub struct Authenticator {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    user: String,
    salt: String,
    /// Who reads it can guess at passwords without asking, so it stays out of swap and core dumps.
    hash: LockedBytes,
}

/// Why a request is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It names nobody: the client has not tried yet.
    Missing,
    /// It names nobody that is known, or a wrong password.
    Wrong,
}

impl Authenticator {
    /// What the options say, with the logs of Bitcoin Core. The cookie is deleted when it is dropped.
    pub fn start(options: &AuthOptions, entropy: &dyn Entropy) -> Result<(Self, Option<Cookie>), AuthError> {
        let mut auth = Self::default();
        let mut cookie = None;
        if options.password.is_empty() {
            match &options.cookie_file {
                None => info!("RPC authentication cookie file generation is disabled."),
                Some(path) => {
                    let generated = Cookie::generate(path, options.cookie_perms.as_deref(), entropy)?;
                    auth.add_password(generated.user(), generated.password(), entropy)?;
                    info!("Using random cookie authentication.");
                    cookie = Some(generated);
                }
            }
        } else {
            info!("Using rpcuser/rpcpassword authentication.");
            warn!(
                "The use of rpcuser/rpcpassword is less secure, because credentials are configured in plain text. It is \
                 recommended that locally-run instances switch to cookie-based auth, or otherwise to use hashed rpcauth \
                 credentials. See share/rpcauth in the source directory for more information."
            );
            auth.add_password(&options.user, &options.password, entropy)?;
        }
        if !options.rpcauth.is_empty() {
            info!("Using rpcauth authentication.");
        }
        for text in &options.rpcauth {
            auth.add_rpcauth(text)?;
        }
        Ok((auth, cookie))
    }

    /// Accepts `user` with `password`. Only a salted hash is kept.
    pub fn add_password(&mut self, user: &str, password: &str, entropy: &dyn Entropy) -> Result<(), AuthError> {
        let salt = hex::encode(&random_bytes::<16>(entropy).map_err(AuthError::Entropy)?);
        let hash = LockedBytes::take(hex::encode(&hmac_sha256(salt.as_bytes(), password.as_bytes())).into_bytes());
        self.entries.push(Entry { user: user.to_owned(), salt, hash });
        Ok(())
    }

    /// Accepts who `USER:SALT$HASH` describes.
    pub fn add_rpcauth(&mut self, text: &str) -> Result<(), AuthError> {
        let parts = text.split_once(':').and_then(|(user, rest)| Some((user, rest.split_once('$')?)));
        match parts {
            Some((user, (salt, hash))) if !salt.contains(':') && !hash.contains([':', '$']) => {
                let (user, salt, hash) = (user.to_owned(), salt.to_owned(), LockedBytes::copy_of(hash.as_bytes()));
                self.entries.push(Entry { user, salt, hash });
                Ok(())
            }
            _ => Err(AuthError::InvalidRpcAuth),
        }
    }

    /// The user that an `Authorization` header names, if the password is right. The time that this takes does not tell
    /// how much of a name or a password was right.
    pub fn check(&self, header: Option<&[u8]>) -> Result<String, Denied> {
        let encoded = header.ok_or(Denied::Missing)?.strip_prefix(b"Basic ").ok_or(Denied::Wrong)?;
        let decoded = base64::decode(encoded.trim_ascii()).ok_or(Denied::Wrong)?;
        let colon = decoded.iter().position(|byte| *byte == b':').ok_or(Denied::Wrong)?;
        let (user, password) = (&decoded[..colon], &decoded[colon + 1..]);
        let mut accepted = false;
        for entry in &self.entries {
            let hash = hex::encode(&hmac_sha256(entry.salt.as_bytes(), password));
            accepted |= same(entry.user.as_bytes(), user) & same(hash.as_bytes(), &entry.hash);
        }
        if accepted { Ok(String::from_utf8_lossy(user).into_owned()) } else { Err(Denied::Wrong) }
    }
}

/// Longer credentials are checked each time: locked memory is scarce.
const MAX_ADMITTED: usize = 256;

/// The credentials that a connection was last let in with. A client that sends them with each request, as most do, pays
/// for the hashes once.
#[derive(Debug, Default)]
pub struct Admitted(Option<(Arc<Authenticator>, LockedBytes, String)>);

impl Admitted {
    /// [`Authenticator::check`], unless it would only repeat the last one.
    pub fn check(&mut self, auth: &Arc<Authenticator>, header: Option<&[u8]>) -> Result<String, Denied> {
        if let (Some((last, accepted, user)), Some(header)) = (&self.0, header)
            && Arc::ptr_eq(last, auth)
            && same(accepted, header)
        {
            return Ok(user.clone());
        }
        let user = auth.check(header)?;
        let short = header.filter(|header| header.len() <= MAX_ADMITTED);
        self.0 = short.map(|header| (Arc::clone(auth), LockedBytes::copy_of(header), user.clone()));
        Ok(user)
    }
}

/// Compares without stopping at the first difference.
fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b));
    (a.len() == b.len()) & (std::hint::black_box(difference) == 0)
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::SystemEntropy;
    use proptest::prelude::*;

    fn header(user_and_password: &str) -> Vec<u8> {
        format!("Basic {}", base64::encode(user_and_password.as_bytes())).into_bytes()
    }

    #[test]
    fn who_was_let_in_is_let_in_again_with_the_same_words_only() {
        let of = |password: &str| {
            let mut auth = Authenticator::default();
            auth.add_password("u", password, &SystemEntropy).unwrap();
            Arc::new(auth)
        };
        let (auth, other) = (of("p"), of("q"));
        let (right, wrong) = (header("u:p"), header("u:q"));
        let mut admitted = Admitted::default();
        assert_eq!(admitted.check(&auth, Some(&wrong)), Err(Denied::Wrong));
        for _ in 0..2 {
            assert_eq!(admitted.check(&auth, Some(&right)), Ok("u".to_owned()));
            assert_eq!(admitted.check(&auth, Some(&wrong)), Err(Denied::Wrong));
            assert_eq!(admitted.check(&auth, Some(&right[..right.len() - 1])), Err(Denied::Wrong));
            assert_eq!(admitted.check(&auth, None), Err(Denied::Missing));
            // Another door asks for itself.
            assert_eq!(admitted.check(&other, Some(&right)), Err(Denied::Wrong));
        }
        assert_eq!(admitted.check(&other, Some(&wrong)), Ok("u".to_owned()));
        assert_eq!(admitted.check(&auth, Some(&wrong)), Err(Denied::Wrong));
    }

    #[test]
    fn hmac_of_the_standard() {
        // RFC 4231, cases 1, 2 and 6.
        for (key, text, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex::encode(&hmac_sha256(&key, text.as_bytes())), expected);
        }
    }

    #[test]
    fn passwords_of_all_kinds() {
        let mut auth = Authenticator::default();
        // The line of Bitcoin Core's own tests.
        let line =
            "rt:93648e835a54c573682c2eb19f882535$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144";
        auth.add_rpcauth(line).unwrap();
        auth.add_password("rpcuser💻", "rpcpassword🔑:", &SystemEntropy).unwrap();
        let good = "rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=";
        assert_eq!(auth.check(Some(&header(good))), Ok("rt".to_owned()));
        assert_eq!(auth.check(Some(&header("rpcuser💻:rpcpassword🔑:"))), Ok("rpcuser💻".to_owned()));
        for wrong in ["rt:wrong", "rtwrong:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=", "nocolon", ":", "rt:", ""] {
            assert_eq!(auth.check(Some(&header(wrong))), Err(Denied::Wrong), "{wrong}");
        }
        for raw in ["Bearer token", "Digest username=\"u\"", "Basic !!!notbase64!!!", "Basic ", "basic cnQ6", ""] {
            assert_eq!(auth.check(Some(raw.as_bytes())), Err(Denied::Wrong), "{raw}");
        }
        assert_eq!(auth.check(None), Err(Denied::Missing));
    }

    #[test]
    fn malformed_lines_are_refused() {
        for line in ["", "\"\"", "foo", "foo:bar", "foo:bar:baz", "foo$bar:baz", "foo$bar$baz", "a:b$c$d", "a:b$c:d"] {
            assert!(Authenticator::default().add_rpcauth(line).is_err(), "{line}");
        }
    }

    #[test]
    fn options_decide() {
        let directory = tempfile::tempdir().unwrap();
        let cookie_file = Some(directory.path().join(".cookie"));
        let options = AuthOptions { cookie_file: cookie_file.clone(), ..AuthOptions::default() };
        let (auth, cookie) = Authenticator::start(&options, &SystemEntropy).unwrap();
        let text = std::fs::read_to_string(directory.path().join(".cookie")).unwrap();
        assert_eq!(auth.check(Some(&header(&text))), Ok("__cookie__".to_owned()));
        drop(cookie);
        let options = AuthOptions { user: "u".into(), password: "p".into(), cookie_file, ..AuthOptions::default() };
        let (auth, cookie) = Authenticator::start(&options, &SystemEntropy).unwrap();
        assert!(cookie.is_none() && !directory.path().join(".cookie").exists());
        assert_eq!(auth.check(Some(&header("u:p"))), Ok("u".to_owned()));
        let (auth, _) = Authenticator::start(&AuthOptions::default(), &SystemEntropy).unwrap();
        assert_eq!(auth.check(Some(&header("u:p"))), Err(Denied::Wrong));
        let options = AuthOptions { rpcauth: vec![String::new()], ..AuthOptions::default() };
        assert!(Authenticator::start(&options, &SystemEntropy).is_err());
    }

    proptest! {
        #[test]
        fn any_header_is_answered(header in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut auth = Authenticator::default();
            auth.add_rpcauth("a:b$c").unwrap();
            prop_assert!(auth.check(Some(&header)).is_err());
        }

        #[test]
        fn comparison_is_equality(a in "[ab]{0,3}", b in "[ab]{0,3}") {
            prop_assert_eq!(same(a.as_bytes(), b.as_bytes()), a == b);
        }
    }
}
