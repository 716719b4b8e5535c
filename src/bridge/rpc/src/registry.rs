//! All methods of a daemon by name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::directory::{Directory, Foreign};
use crate::method::{Handler, Method, MethodDoc};

/// Methods that are answered in a context `C`.
pub struct Registry<C: ?Sized> {
    directory: Directory,
    entries: RwLock<HashMap<String, Arc<Entry<C>>>>,
}

/// How a method is answered.
pub(crate) enum Entry<C: ?Sized> {
    /// By a function of this process, after its arguments were checked.
    Local(Method<C>),
    /// By a function that passes the request on as it came.
    Forwarded(Handler<C>),
}

impl<C: ?Sized + 'static> Registry<C> {
    /// A registry that lists its methods in `directory`.
    pub fn new(directory: Directory) -> Self {
        Self { directory, entries: RwLock::default() }
    }

    /// The descriptions.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Adds a method, in place of one of the same name.
    ///
    /// # Panics
    ///
    /// In debug builds, if the description contradicts itself.
    pub fn add(&self, method: Method<C>) {
        debug_assert_sound(&method.doc);
        self.directory.add(Arc::clone(&method.doc));
        self.insert(method.doc.name.clone().into_owned(), Entry::Local(method));
    }

    /// Adds methods.
    pub fn add_all(&self, methods: impl IntoIterator<Item = Method<C>>) {
        for method in methods {
            self.add(method);
        }
    }

    /// Adds a method that another process answers. `forward` gets the request as it came: named arguments are named,
    /// types are unchecked. Can be called while requests run.
    pub fn forward(&self, method: impl Into<Foreign>, forward: Handler<C>) {
        let method = method.into();
        let name = method.name.clone();
        self.directory.add_foreign(Arc::new(method));
        self.insert(name, Entry::Forwarded(forward));
    }

    /// Removes a method, for instance because the process that answered it has gone.
    pub fn remove(&self, name: &str) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.directory.remove(name);
    }

    fn insert(&self, name: String, entry: Entry<C>) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(entry));
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Entry<C>>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

fn debug_assert_sound(doc: &MethodDoc) {
    if cfg!(debug_assertions) {
        let problems = doc.problems();
        assert!(problems.is_empty(), "the description of {} contradicts itself: {}", doc.name, problems.join("; "));
    }
}

impl<C: ?Sized> fmt::Debug for Registry<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Registry").field("directory", &self.directory).finish_non_exhaustive()
    }
}
