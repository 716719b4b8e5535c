//! A cache that machines share: an object store behind the folder that this machine's checkouts share.
//!
//! ```text
//! v1/id/NAME-VERSION-ID     a few lines: the hash and size of the archive, and maybe a signature over them
//! v1/blob/SHA256            the archive itself, under the hash of its bytes
//! ```
//!
//! An archive is brought when its identity is there, checked against the hash before anybody sees it, and then lies
//! in the local cache like one that was built here. What was built here is offered: the archive first, the line
//! that names it last, and only if nobody else was quicker. So many machines can write at once, and a reader never sees
//! half of anything.
//!
//! Whoever can write to the store can write hashes too. A signature (`--cache-key`) ends that trust: with a key, what
//! is not signed by it is refused. The part that talks to stores ([`remote`]) drags many crates, so the ordinary
//! harness is compiled without it and starts itself again with the feature `shared-cache` when a store is named.

#[cfg(feature = "shared-cache")]
pub(crate) mod entry;
#[cfg(feature = "shared-cache")]
mod keys;
#[cfg(feature = "shared-cache")]
pub(crate) mod remote;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::project::Project;

/// What `--cache` names: folders and stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// The folder of this machine, if one was given.
    pub(crate) folder: Option<PathBuf>,
    /// The store that machines share, if one was given.
    pub(crate) store: Option<String>,
}

impl Places {
    /// Sorts what was given into folder and store.
    pub(crate) fn new(given: &[String]) -> Result<Places> {
        let mut places = Places::default();
        for place in given {
            let twice = if place.contains("://") {
                places.store.replace(place.clone()).is_some()
            } else {
                places.folder.replace(place.into()).is_some()
            };
            ensure!(!twice, "--cache takes one folder and one store; `{place}` is one too many");
        }
        if let Some(store) = &places.store {
            let known = ["s3://", "https://", "http://", "file://"];
            ensure!(
                known.iter().any(|scheme| store.starts_with(scheme)),
                "--cache {store}: unknown kind of store; known: s3://, https://, file://"
            );
        }
        Ok(places)
    }
}

/// Whether this harness can talk to stores.
pub(crate) const COMPILED_IN: bool = cfg!(feature = "shared-cache");

/// Starts the harness again, compiled with what talks to stores, on the same command line.
pub(crate) fn start_again(project: &Project) -> Result<()> {
    ensure!(!COMPILED_IN, "the harness was to start itself again, but has what it needs");
    let sh = project.shell()?;
    let cargo = project.cargo(&sh).args(["run", "--quiet", "--package", "xtask", "--features", "shared-cache", "--"]);
    let status = std::process::Command::from(cargo.args(std::env::args_os().skip(1))).status()?;
    // It has told everything; an empty error only sets the exit code.
    if status.success() { Ok(()) } else { bail!("") }
}

/// Makes a key for `--cache-key` in `path`, and its public half in `path.pub`.
#[cfg(feature = "shared-cache")]
pub(crate) fn new_key(path: &std::path::Path) -> Result<()> {
    keys::Key::make(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(given: &[&str]) -> Result<Places> {
        Places::new(&given.iter().map(|&place| place.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn folders_are_told_from_stores() {
        let both = places(&["dir", "s3://bucket/prefix"]).unwrap();
        assert_eq!(both, Places { folder: Some("dir".into()), store: Some("s3://bucket/prefix".into()) });
        assert_eq!(places(&[]).unwrap(), Places::default());
        assert!(places(&["a", "b"]).unwrap_err().to_string().contains("`b` is one too many"));
        assert!(places(&["ftp://host"]).unwrap_err().to_string().contains("known: s3://"));
    }
}
