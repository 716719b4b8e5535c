//! The steps of a build that talk to the store that machines share, if there is one.
//!
//! A store that does not answer stops nobody from building; one that answers with something else than it says does.

pub(crate) use steps::{Store, open_store};
pub(super) use steps::{bring, new_key, offer};

#[cfg(feature = "shared-cache")]
mod steps {
    use std::path::Path;
    use std::sync::Arc;

    use anyhow::Result;

    use super::super::Wish;
    use super::super::plan::Package;
    use super::super::shared::remote::{Offered, Remote, Unreachable};
    use super::super::shared::{Places, new_key as make_key};

    /// A store that machines share.
    pub(crate) type Store = Remote;

    /// Opens the store that was named.
    pub(crate) fn open_store(places: &Places, key: Option<&Path>) -> Result<Option<Arc<Store>>> {
        places.store.as_deref().map(|url| Store::open(url, key, std::env::vars()).map(Arc::new)).transpose()
    }

    /// Makes a key for `--cache-key`.
    pub(in super::super) fn new_key(path: &Path) -> Result<()> {
        make_key(path)
    }

    /// Whether the store had the package.
    pub(in super::super) fn bring(wish: &Wish, package: &Package, archive: &Path) -> Result<bool> {
        let Some(store) = &wish.store else { return Ok(false) };
        match store.bring(&package.full_name(), archive) {
            Err(error) if error.is::<Unreachable>() => {
                println!("note: {error}");
                Ok(false)
            }
            answer => answer,
        }
    }

    /// Offers what was built to the store.
    pub(in super::super) fn offer(wish: &Wish, package: &Package, archive: &Path) -> Result<()> {
        let Some(store) = wish.store.as_ref().filter(|store| store.takes_offers()) else { return Ok(()) };
        match store.offer(&package.full_name(), archive) {
            Ok(Offered::Taken) => Ok(()),
            Ok(Offered::There) => {
                println!("note: another machine was quicker with {}", package.recipe.name);
                Ok(())
            }
            Err(error) if error.is::<Unreachable>() => {
                println!("note: {} was not taken: {error}", package.recipe.name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(feature = "shared-cache"))]
#[allow(clippy::unnecessary_wraps, reason = "the same form as with the feature")]
mod steps {
    use std::path::Path;
    use std::sync::Arc;

    use anyhow::{Result, bail};

    use super::super::Wish;
    use super::super::plan::Package;
    use super::super::shared::Places;

    /// There is no store: this harness starts itself again with the feature when one is named.
    pub(crate) type Store = std::convert::Infallible;

    pub(crate) fn open_store(_: &Places, _: Option<&Path>) -> Result<Option<Arc<Store>>> {
        Ok(None)
    }

    pub(in super::super) fn new_key(_: &Path) -> Result<()> {
        bail!("this harness was compiled without the feature `shared-cache`")
    }

    pub(in super::super) fn bring(_: &Wish, _: &Package, _: &Path) -> Result<bool> {
        Ok(false)
    }

    pub(in super::super) fn offer(_: &Wish, _: &Package, _: &Path) -> Result<()> {
        Ok(())
    }
}
