//! The description of a method: one piece of data from which arguments are checked, help is printed, the OpenRPC
//! document is made and answers are verified.

mod arg;
mod example;
mod result;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use arg::{Arg, ArgType, Fallback};
pub use example::Example;
pub use result::{Elision, Res, ResType, elide_group};

use crate::error::RpcError;
use crate::json::Json;
use crate::request::Request;

/// Text that is usually a literal.
pub type Text = Cow<'static, str>;

/// The category whose methods `help` does not list.
pub const HIDDEN: &str = "hidden";

/// What a method is called, takes, gives and is for.
#[derive(Debug, Clone)]
pub struct MethodDoc {
    /// Its name.
    pub name: Text,
    /// The section of `help`; [`HIDDEN`] for methods that are not listed.
    pub category: Text,
    /// What it does.
    pub description: Text,
    /// Its arguments in order.
    pub args: Vec<Arg>,
    /// The shapes that its answer can have.
    pub results: Vec<Res>,
    /// How to call it.
    pub examples: Vec<Example>,
}

/// Starts the description of a method.
pub fn method(category: impl Into<Text>, name: impl Into<Text>, description: impl Into<Text>) -> MethodDoc {
    MethodDoc {
        name: name.into(),
        category: category.into(),
        description: description.into(),
        args: Vec::new(),
        results: Vec::new(),
        examples: Vec::new(),
    }
}

impl MethodDoc {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: Arg) -> Self {
        self.args.push(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = Arg>) -> Self {
        self.args.extend(args);
        self
    }

    /// Adds a shape of the answer.
    #[must_use]
    pub fn result(mut self, result: Res) -> Self {
        self.results.push(result);
        self
    }

    /// Adds an example of any kind.
    #[must_use]
    pub fn example(mut self, example: Example) -> Self {
        self.examples.push(example);
        self
    }

    /// Adds plain text between the examples.
    #[must_use]
    pub fn example_text(self, text: impl Into<Text>) -> Self {
        self.example(Example::Text(text.into()))
    }

    /// Adds a call on the command line.
    #[must_use]
    pub fn example_cli(self, args: impl Into<Text>) -> Self {
        let method = self.name.clone();
        self.example(Example::Cli { method, args: args.into() })
    }

    /// Adds a call over HTTP.
    #[must_use]
    pub fn example_rpc(self, args: impl Into<Text>) -> Self {
        let method = self.name.clone();
        self.example(Example::Rpc { method, args: args.into() })
    }

    /// Ends the description with the function that answers.
    pub fn run<C, F>(self, handler: F) -> Method<C>
    where
        C: ?Sized,
        F: Fn(&C, &Request) -> Result<Json, RpcError> + Send + Sync + 'static,
    {
        Method { doc: Arc::new(self), handler: Arc::new(handler), quick: false }
    }

    /// Whether `help` leaves it out.
    pub fn is_hidden(&self) -> bool {
        self.category == HIDDEN
    }

    /// The names under which arguments can be given, in the order of their places. The options of an object of named
    /// parameters come before the object and are marked.
    pub fn arg_names(&self) -> Vec<ArgName> {
        let mut names = Vec::new();
        for arg in &self.args {
            if arg.kind == ArgType::ObjNamedParams {
                names.extend(arg.inner.iter().map(|inner| ArgName { names: inner.names.clone(), named_only: true }));
            }
            names.push(ArgName { names: arg.names.clone(), named_only: false });
        }
        names
    }

    /// What is wrong with the description itself: names that clash, defaults of another type than their argument,
    /// containers without content. Empty for a sound one. Registries check it in debug builds.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.description.starts_with('\n') {
            problems.push("the description starts with an empty line".to_owned());
        }
        if self.results.is_empty() {
            problems.push("no result is described".to_owned());
        }
        arg::name_clashes(&self.args, &mut problems);
        for arg in &self.args {
            arg.problems(&mut problems);
        }
        for result in &self.results {
            result.problems(&mut problems);
        }
        problems
    }
}

/// The aliases of one argument, separated by `|`, and whether it has no place of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgName {
    /// For instance `verbosity|verbose`.
    pub names: Text,
    /// Whether it is an option inside the next object of named parameters.
    pub named_only: bool,
}

/// The function that answers a request in a context `C`.
pub type Handler<C> = Arc<dyn Fn(&C, &Request) -> Result<Json, RpcError> + Send + Sync>;

/// A description and the function that keeps what it promises.
pub struct Method<C: ?Sized> {
    /// The description.
    pub doc: Arc<MethodDoc>,
    /// The function.
    pub handler: Handler<C>,
    /// Whether it answers at once: it waits for nothing and takes microseconds, so that to wake another thread for it
    /// would cost more than the answer.
    pub quick: bool,
}

impl<C: ?Sized + 'static> Method<C> {
    /// Promises that the function answers at once.
    #[must_use]
    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    /// The same method for a larger context, of which `part` gives the part that the method needs.
    pub fn within<D: ?Sized>(self, part: impl Fn(&D) -> &C + Send + Sync + 'static) -> Method<D> {
        let (doc, quick, handler) = (self.doc, self.quick, self.handler);
        Method { doc, quick, handler: Arc::new(move |context, request| handler(part(context), request)) }
    }
}

impl<C: ?Sized> Clone for Method<C> {
    fn clone(&self) -> Self {
        Self { doc: Arc::clone(&self.doc), handler: Arc::clone(&self.handler), quick: self.quick }
    }
}

impl<C: ?Sized> fmt::Debug for Method<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Method").field("name", &self.doc.name).finish_non_exhaustive()
    }
}
