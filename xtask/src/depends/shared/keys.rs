//! Keys of a shared cache: who may write (`FILE`, secret) and who may read (`FILE.pub`, public). Ed25519.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::entry::Entry;

const SECRET: &str = "bulkhead-cache-secret ";
const PUBLIC: &str = "bulkhead-cache-public ";

/// A key that was read.
pub(crate) struct Key {
    /// Absent when the file was the public one.
    secret: Option<Ed25519KeyPair>,
    public: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Key").field("can_sign", &self.secret.is_some()).finish_non_exhaustive()
    }
}

impl Key {
    /// Makes a new key in `path` and its public half in `path.pub`.
    pub(crate) fn make(path: &Path) -> Result<()> {
        ensure!(!path.exists(), "{} is there already", path.display());
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).ok().context("no random numbers")?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok().context("the seed makes no key")?;
        write_secret(path, &format!("{SECRET}{}\n", hex(&seed)))?;
        let public = path.with_added_extension("pub");
        fs::write(&public, format!("{PUBLIC}{}\n", hex(pair.public_key().as_ref())))?;
        println!(
            "{} signs: keep it where archives are built\n{} checks: give it to everybody",
            path.display(),
            public.display()
        );
        Ok(())
    }

    /// Reads either half.
    pub(crate) fn read(path: &Path) -> Result<Key> {
        let text = fs::read_to_string(path).with_context(|| format!("reading the key {}", path.display()))?;
        let text = text.trim();
        if let Some(seed) = text.strip_prefix(SECRET.trim_end()).map(str::trim) {
            let pair = Ed25519KeyPair::from_seed_unchecked(&bytes(seed)?).ok();
            let pair = pair.with_context(|| format!("{} holds no key", path.display()))?;
            return Ok(Key { public: pair.public_key().as_ref().to_vec(), secret: Some(pair) });
        }
        let Some(public) = text.strip_prefix(PUBLIC.trim_end()).map(str::trim) else {
            bail!("{} holds no key of a shared cache", path.display())
        };
        Ok(Key { secret: None, public: bytes(public)? })
    }

    /// Whether it is the half that signs.
    pub(crate) fn can_sign(&self) -> bool {
        self.secret.is_some()
    }

    /// Adds a signature to an entry.
    pub(crate) fn sign(&self, entry: &mut Entry) -> Result<()> {
        let secret = self.secret.as_ref().context("the public half of a key signs nothing")?;
        entry.signature = Some(hex(secret.sign(&entry.signed()).as_ref()));
        Ok(())
    }

    /// Refuses an entry that this key did not sign.
    pub(crate) fn check(&self, entry: &Entry) -> Result<()> {
        let signature = bytes(entry.signature.as_deref().context("it has no signature")?)?;
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(&entry.signed(), &signature).ok().context("its signature is by another key, or was altered")
    }
}

fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).with_context(|| format!("writing {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a text cannot fail
        text
    })
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    ensure!(hex.is_ascii() && hex.len().is_multiple_of(2) && hex.len() <= 256, "bad hex digits");
    (0..hex.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&hex[at..at + 2], 16)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_signs_and_both_check() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        Key::make(&path).unwrap();
        assert!(Key::make(&path).is_err(), "a key is not overwritten");
        let (secret, public) = (Key::read(&path).unwrap(), Key::read(&dir.path().join("key.pub")).unwrap());
        assert!(secret.can_sign() && !public.can_sign());
        let mut entry = Entry { package: "p".into(), sha256: "00".repeat(32), size: 1, signature: None };
        assert!(public.check(&entry).unwrap_err().to_string().contains("no signature"));
        assert!(public.sign(&mut entry).is_err());
        secret.sign(&mut entry).unwrap();
        public.check(&entry).unwrap();
        secret.check(&entry).unwrap();
        for other in [
            Entry { size: 2, ..entry.clone() },
            Entry { sha256: "11".repeat(32), ..entry.clone() },
            Entry { package: "q".into(), ..entry.clone() },
            Entry { signature: Some("zz".into()), ..entry.clone() },
        ] {
            assert!(public.check(&other).is_err(), "{other:?}");
        }
        Key::make(&dir.path().join("other")).unwrap();
        assert!(Key::read(&dir.path().join("other.pub")).unwrap().check(&entry).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "ssh-ed25519 AAAA", "bulkhead-cache-secret 00", "bulkhead-cache-public \u{e9}\u{e9}"] {
            fs::write(dir.path().join("key"), text).unwrap();
            assert!(Key::read(&dir.path().join("key")).is_err(), "{text}");
        }
    }
}
