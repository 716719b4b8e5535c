//! Talking to an object store: bringing archives from it and offering archives to it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use object_store::path::Path as Name;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use tokio::runtime::Runtime;

use super::entry::Entry;
use super::keys::Key;
use crate::depends::{hash, pack};

/// An entry is a few lines; what is longer is none.
const ENTRY_LIMIT: u64 = 4096;

/// The largest archive that is brought.
const ARCHIVE_LIMIT: u64 = 2 << 30;

/// A store, the folder in it, and the key that decides what is believed.
#[derive(Debug)]
pub(crate) struct Remote {
    url: String,
    store: Box<dyn ObjectStore>,
    base: Name,
    key: Option<Key>,
    runtime: Runtime,
}

/// What came of offering an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is there now.
    Taken,
    /// Another machine was quicker.
    There,
}

impl Remote {
    /// Opens the store at `url`. What it takes to be let in comes from `variables`, as the store's own tools read them
    /// from the environment (`AWS_…`).
    pub(crate) fn open(
        url: &str,
        key: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Remote> {
        // Fails only if it was done before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let parsed = url::Url::parse(url).with_context(|| format!("--cache {url}"))?;
        if parsed.scheme() == "file" {
            let folder = parsed.to_file_path().ok().with_context(|| format!("--cache {url} names no folder"))?;
            fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let settings: Vec<(String, String)> = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with("AWS_"))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let (store, base) =
            object_store::parse_url_opts(&parsed, settings).with_context(|| format!("--cache {url}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Remote { url: url.to_owned(), store, base, key: key.map(Key::read).transpose()?, runtime })
    }

    fn name(&self, kind: &str, of: &str) -> Name {
        self.base.parts().chain(["v1", kind, of].map(object_store::path::PathPart::from)).collect()
    }

    /// Brings the archive of `package`, if the store has it; says whether it did. What is not what the store's entry
    /// says, or not signed, is an error, and nothing is left of it.
    pub(crate) fn bring(&self, package: &str, archive: &Path) -> Result<bool> {
        let named = |what: &str| format!("{what} of {package} in {} is refused", self.url);
        let Some(entry) = self.get(&self.name("id", package), ENTRY_LIMIT)? else { return Ok(false) };
        let entry = Entry::read(package, &entry).with_context(|| named("the entry"))?;
        if let Some(key) = &self.key {
            key.check(&entry).with_context(|| named("the entry"))?;
        }
        ensure!(entry.size <= ARCHIVE_LIMIT, "{}: it is {} bytes long", named("the archive"), entry.size);
        let Some(bytes) = self.get(&self.name("blob", &entry.sha256), entry.size)? else { return Ok(false) };
        let found = hash::of_bytes(&bytes);
        if found != entry.sha256 {
            bail!("{}\n  expected sha256 {}\n  found    sha256 {found}", named("the archive"), entry.sha256);
        }
        pack::adopt(&bytes, &found, archive)?;
        Ok(true)
    }

    /// Offers an archive that was built here. With the public half of a key there is nothing to offer.
    pub(crate) fn offer(&self, package: &str, archive: &Path) -> Result<Offered> {
        let bytes = fs::read(archive).with_context(|| format!("reading {}", archive.display()))?;
        let mut entry = Entry {
            package: package.to_owned(),
            sha256: hash::of_bytes(&bytes),
            size: u64::try_from(bytes.len())?,
            signature: None,
        };
        if let Some(key) = &self.key {
            key.sign(&mut entry)?;
        }
        self.put(&self.name("blob", &entry.sha256), bytes)?;
        self.put(&self.name("id", package), entry.text().into_bytes())
    }

    /// Whether archives can be offered: without a key, or with the half that signs.
    pub(crate) fn takes_offers(&self) -> bool {
        self.key.as_ref().is_none_or(Key::can_sign)
    }

    /// Writes an object whatever is there, as an attacker would.
    #[cfg(test)]
    pub(crate) fn overwrite(&self, kind: &str, of: &str, bytes: Vec<u8>) {
        let name = self.name(kind, of);
        self.runtime.block_on(self.store.put(&name, bytes.into())).unwrap();
    }

    /// Reads an object.
    #[cfg(test)]
    pub(crate) fn read(&self, kind: &str, of: &str) -> Option<Vec<u8>> {
        self.get(&self.name(kind, of), ARCHIVE_LIMIT).unwrap()
    }

    fn get(&self, name: &Name, limit: u64) -> Result<Option<Vec<u8>>> {
        self.runtime.block_on(async {
            let result = match self.store.get(name).await {
                Ok(result) => result,
                Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(Unreachable(self.url.clone(), error.to_string()).into()),
            };
            let size = result.meta.size;
            ensure!(size <= limit, "{name} in {} is {size} bytes long, more than it may be", self.url);
            let bytes = result.bytes().await.map_err(|error| Unreachable(self.url.clone(), error.to_string()))?;
            Ok(Some(bytes.to_vec()))
        })
    }

    /// Writes an object if it is not there.
    fn put(&self, name: &Name, bytes: Vec<u8>) -> Result<Offered> {
        self.runtime.block_on(async {
            let bytes = PutPayload::from(bytes);
            match self.store.put_opts(name, bytes.clone(), PutMode::Create.into()).await {
                Ok(_) => return Ok(Offered::Taken),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(Offered::There),
                // Plain web servers cannot write on a condition. What is under a name is complete all the same.
                Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {}
                Err(error) => return Err(Unreachable(self.url.clone(), error.to_string()).into()),
            }
            match self.store.put(name, bytes).await {
                Ok(_) => Ok(Offered::Taken),
                Err(error) => Err(Unreachable(self.url.clone(), error.to_string()).into()),
            }
        })
    }
}

/// The store does not answer, or does not let us in: no reason not to build.
#[derive(Debug)]
pub(crate) struct Unreachable(String, String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the shared cache {}: {}", self.0, self.1)
    }
}

impl std::error::Error for Unreachable {}
