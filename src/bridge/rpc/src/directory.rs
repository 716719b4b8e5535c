//! All descriptions of a daemon: the list that `help` prints, pages, the OpenRPC document. Methods that write these
//! answers hold the directory; it knows nothing of handlers, so it can exist before them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::help;
use crate::identity::Identity;
use crate::json::{Json, Object};
use crate::markdown;
use crate::method::{HIDDEN, MethodDoc};
use crate::openrpc;

/// What another process says about one of its methods: everything that can be asked about it, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its section of `help`.
    pub category: String,
    /// Its help page.
    pub help: String,
    /// Its object in the OpenRPC document, without and with what is hidden.
    pub openrpc: [Json; 2],
    /// Its rows of the table of conversions.
    pub arg_map: Json,
}

impl Described {
    /// For the way to the other process.
    pub fn to_json(&self) -> Json {
        let [public, all] = self.openrpc.clone();
        Object::new()
            .with("name", self.name.as_str())
            .with("category", self.category.as_str())
            .with("help", self.help.as_str())
            .with("openrpc", public)
            .with("openrpc_hidden", all)
            .with("arg_map", self.arg_map.clone())
            .into()
    }

    /// What [`Described::to_json`] wrote; none for anything else.
    pub fn from_json(value: &Json) -> Option<Self> {
        let text = |key: &str| value.get(key).as_str().ok().map(str::to_owned);
        Some(Self {
            name: text("name")?,
            category: text("category")?,
            help: text("help")?,
            openrpc: [value.get("openrpc").clone(), value.get("openrpc_hidden").clone()],
            arg_map: value.get("arg_map").clone(),
        })
    }
}

/// Tells what another process says about one of its methods.
pub type Describe = Arc<dyn Fn(&str) -> Arc<Described> + Send + Sync>;

/// A method of another process: what it takes to pass requests on, and whom to ask for the rest.
#[derive(Clone)]
pub struct Foreign {
    /// Its name.
    pub name: String,
    /// Its section of `help`.
    pub category: String,
    /// Called whenever somebody wants to read about it, and not before.
    pub describe: Describe,
}

impl Foreign {
    fn described(&self) -> Arc<Described> {
        (self.describe)(&self.name)
    }
}

impl From<Described> for Foreign {
    fn from(described: Described) -> Self {
        let (name, category) = (described.name.clone(), described.category.clone());
        let described = Arc::new(described);
        Self { name, category, describe: Arc::new(move |_| Arc::clone(&described)) }
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Foreign").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a process that passes requests on needs to know of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// Its section of `help`.
    pub category: String,
    /// The names of its arguments, in order, `|` between aliases.
    pub args: Vec<String>,
}

#[derive(Debug, Clone)]
enum Listed {
    Here(Arc<MethodDoc>),
    Elsewhere(Arc<Foreign>),
}

impl Listed {
    fn category(&self) -> &str {
        match self {
            Self::Here(doc) => &doc.category,
            Self::Elsewhere(foreign) => &foreign.category,
        }
    }

    fn help(&self, identity: &Identity) -> String {
        match self {
            Self::Here(doc) => identity.words.fill(&help::page(doc, identity)),
            Self::Elsewhere(foreign) => foreign.described().help.clone(),
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::Here(doc) => help::summary(doc),
            Self::Elsewhere(foreign) => foreign.described().help.lines().next().unwrap_or("").to_owned(),
        }
    }

    fn openrpc(&self, identity: &Identity, hidden: bool) -> Json {
        match self {
            Self::Here(doc) => identity.words.fill_json(openrpc::method(doc, hidden)),
            Self::Elsewhere(foreign) => foreign.described().openrpc[usize::from(hidden)].clone(),
        }
    }

    fn arg_map(&self) -> Vec<Json> {
        match self {
            Self::Here(doc) => openrpc::arg_map(doc),
            Self::Elsewhere(foreign) => foreign.described().arg_map.as_arr().unwrap_or_default().to_vec(),
        }
    }
}

/// The descriptions of all registered methods. Clones share them.
#[derive(Debug, Clone)]
pub struct Directory {
    identity: Arc<Identity>,
    listed: Arc<RwLock<BTreeMap<String, Listed>>>,
}

impl Directory {
    /// An empty directory of a daemon that calls itself `identity`.
    pub fn new(identity: Identity) -> Self {
        Self { identity: Arc::new(identity), listed: Arc::default() }
    }

    /// What the daemon calls itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn add(&self, doc: Arc<MethodDoc>) {
        self.write().insert(doc.name.clone().into_owned(), Listed::Here(doc));
    }

    pub(crate) fn add_foreign(&self, foreign: Arc<Foreign>) {
        self.write().insert(foreign.name.clone(), Listed::Elsewhere(foreign));
    }

    pub(crate) fn remove(&self, name: &str) {
        self.write().remove(name);
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Listed>> {
        self.listed.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy, so that no lock is held while texts are made.
    fn snapshot(&self) -> BTreeMap<String, Listed> {
        self.listed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find(&self, name: &str) -> Option<Listed> {
        self.listed.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The names of all methods, hidden ones included, sorted.
    pub fn names(&self) -> Vec<String> {
        self.snapshot().into_keys().collect()
    }

    /// What `help` answers: the page of `name`, or with an empty name one line for each method that is not hidden,
    /// by category.
    pub fn help(&self, name: &str) -> String {
        if !name.is_empty() {
            let page = self.find(name).map(|listed| listed.help(&self.identity));
            return page.unwrap_or_else(|| format!("help: unknown command: {name}"));
        }
        let mut text = String::new();
        let mut category = String::new();
        for (listed, _) in self.by_category() {
            if category != listed.category() {
                if !category.is_empty() {
                    text.push('\n');
                }
                listed.category().clone_into(&mut category);
                text.extend(["== ", &capitalized(&category), " ==\n"]);
            }
            text.push_str(&listed.summary());
            text.push('\n');
        }
        text.pop();
        text
    }

    /// Listed methods sorted as `help` lists them: by the category and the name written as one word.
    fn by_category(&self) -> Vec<(Listed, String)> {
        let shown = self.snapshot().into_iter().filter(|(_, listed)| listed.category() != HIDDEN);
        let mut sorted: Vec<(Listed, String)> =
            shown.map(|(name, listed)| (listed.clone(), format!("{}{name}", listed.category()))).collect();
        sorted.sort_by(|(_, a), (_, b)| a.cmp(b));
        sorted
    }

    /// The OpenRPC document.
    pub fn openrpc(&self, hidden: bool) -> Json {
        let listed = self.snapshot().into_values();
        let methods = listed
            .filter(|listed| hidden || listed.category() != HIDDEN)
            .map(|listed| listed.openrpc(&self.identity, hidden));
        openrpc::document(&self.identity, methods.collect())
    }

    /// What the undocumented `help dump_all_command_conversions` answers.
    pub fn arg_map(&self) -> Json {
        self.snapshot().values().flat_map(Listed::arg_map).collect()
    }

    /// The methods of this process, for one that forwards to it.
    pub fn outlines(&self) -> Vec<Outline> {
        let outline = |listed| match listed {
            Listed::Here(doc) => Some(Outline {
                name: doc.name.clone().into_owned(),
                category: doc.category.clone().into_owned(),
                args: doc.args.iter().map(|arg| arg.names.clone().into_owned()).collect(),
            }),
            Listed::Elsewhere(_) => None,
        };
        self.snapshot().into_values().filter_map(outline).collect()
    }

    /// Everything about all methods, for a process that forwards to this one and was asked.
    pub fn describe_all(&self) -> Vec<Described> {
        let describe = |(name, listed): (String, Listed)| Described {
            name,
            category: listed.category().to_owned(),
            help: listed.help(&self.identity),
            openrpc: [listed.openrpc(&self.identity, false), listed.openrpc(&self.identity, true)],
            arg_map: Json::Arr(listed.arg_map()),
        };
        self.snapshot().into_iter().map(describe).collect()
    }

    /// The documentation page of a method of this process, as Markdown.
    pub fn markdown(&self, name: &str) -> Option<String> {
        match self.find(name)? {
            Listed::Here(doc) => Some(self.identity.words.fill(&markdown::page(&doc, &self.identity))),
            Listed::Elsewhere(_) => None,
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
