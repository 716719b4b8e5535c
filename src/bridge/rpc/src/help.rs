//! The help page of a method, in the layout of Bitcoin Core: a summary line, the description, then arguments, named
//! arguments, results and examples, with explanations aligned in a column.

use crate::identity::Identity;
use crate::method::{Arg, ArgType, Elision, Fallback, MethodDoc, Res, ResType};

/// The page of `doc`.
pub(crate) fn page(doc: &MethodDoc, identity: &Identity) -> String {
    let mut page = format!("{}\n\n{}\n", summary(doc), doc.description.trim());
    let (arguments, named) = argument_columns(doc);
    if !arguments.is_empty() {
        page.push_str("\nArguments:\n");
        arguments.print(&mut page);
    }
    if !named.is_empty() {
        page.push_str("\nNamed Arguments:\n");
        named.print(&mut page);
    }
    for result in &doc.results {
        let mut columns = Columns::default();
        push_result(&mut columns, result, Outer::None, 0);
        if columns.is_empty() {
            continue;
        }
        if result.condition.is_empty() {
            page.push_str("\nResult:\n");
        } else {
            page.extend(["\nResult (", &result.condition, "):\n"]);
        }
        columns.print(&mut page);
    }
    let examples: String = doc.examples.iter().map(|example| example.render(identity)).collect();
    if !examples.is_empty() {
        page.push_str("\nExamples:\n");
        page.push_str(&examples);
    }
    page
}

/// The first line of the page: the name and the arguments, optional ones in parentheses.
pub(crate) fn summary(doc: &MethodDoc) -> String {
    let mut line = doc.name.clone().into_owned();
    let mut in_parentheses = false;
    for arg in visible(doc) {
        line.push(' ');
        match (arg.is_optional(), in_parentheses) {
            (true, false) => line.push_str("( "),
            (false, true) => line.push_str(") "),
            _ => {}
        }
        in_parentheses = arg.is_optional();
        line.push_str(&value_text(arg, true));
    }
    if in_parentheses {
        line.push_str(" )");
    }
    line
}

/// Arguments up to the first hidden one.
pub(crate) fn visible(doc: &MethodDoc) -> impl Iterator<Item = &Arg> {
    doc.args.iter().take_while(|arg| !arg.hidden)
}

fn argument_columns(doc: &MethodDoc) -> (Columns, Columns) {
    let (mut arguments, mut named) = (Columns::default(), Columns::default());
    for (index, arg) in visible(doc).enumerate() {
        arguments.push(format!("{}. {}", index + 1, arg.name()), arg_description(arg, true));
        push_arg(&mut arguments, arg, Outer::None, 5);
        if arg.kind == ArgType::ObjNamedParams {
            for inner in &arg.inner {
                named.push(inner.name().to_owned(), arg_description(inner, true));
                push_arg(&mut named, inner, Outer::None, 5);
            }
        }
    }
    (arguments, named)
}

/// Two columns: code on the left, explanations on the right.
#[derive(Default)]
pub(crate) struct Columns {
    rows: Vec<(String, String)>,
    /// The longest code, commas that were dropped later included, as in Bitcoin Core.
    longest: usize,
}

impl Columns {
    fn push(&mut self, left: String, right: impl Into<String>) {
        self.longest = self.longest.max(left.len());
        self.rows.push((left, right.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// JSON has no comma after the last member.
    fn drop_last_comma(&mut self) {
        if let Some((left, _)) = self.rows.last_mut() {
            left.pop();
        }
    }

    pub(crate) fn print(&self, out: &mut String) {
        let width = self.longest + 4;
        for (left, right) in &self.rows {
            out.push_str(left);
            if !right.is_empty() {
                out.extend(std::iter::repeat_n(' ', width - left.len()));
                push_aligned(out, right, width);
            }
            out.push('\n');
        }
    }
}

/// Lines after the first start in the column of the first; their own leading spaces are dropped.
fn push_aligned(out: &mut String, text: &str, width: usize) {
    let mut rest = text;
    while let Some((line, following)) = rest.split_once('\n') {
        out.push_str(line);
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', width));
        rest = following.trim_start_matches(' ');
        // A line break right after a line break belongs to the text, as in Bitcoin Core.
        if let Some(after) = rest.strip_prefix('\n') {
            out.push('\n');
            rest = after;
        }
    }
    out.push_str(rest);
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outer {
    Arr,
    Obj,
    None,
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// The content of an argument, one line for each part.
fn push_arg(columns: &mut Columns, arg: &Arg, outer: Outer, indent: usize) {
    let (pad, in_object, top) = (spaces(indent), outer == Outer::Obj, outer == Outer::None);
    let key = if in_object { format!("\"{}\": ", arg.name()) } else { String::new() };
    let comma = if top { "" } else { "," };
    let explanation = if top { String::new() } else { arg_description(arg, in_object) };
    let (open, close) = match arg.kind {
        ArgType::Obj | ArgType::ObjUserKeys => ('{', '}'),
        ArgType::Arr => ('[', ']'),
        _ => {
            if !top {
                let text = match &arg.type_words {
                    Some((words, _)) if in_object => format!("{key}{words}"),
                    _ if in_object => member_text(arg, false),
                    _ => value_text(arg, false),
                };
                columns.push(format!("{pad}{text},"), explanation);
            }
            return;
        }
    };
    columns.push(format!("{pad}{key}{open}"), explanation);
    let inner_outer = if arg.kind == ArgType::Arr { Outer::Arr } else { Outer::Obj };
    for inner in &arg.inner {
        push_arg(columns, inner, inner_outer, indent + 2);
    }
    if arg.kind != ArgType::Obj {
        columns.push(format!("{pad}  ..."), "");
    }
    columns.push(format!("{pad}{close}{comma}"), "");
}

/// How a value of the argument looks.
fn value_text(arg: &Arg, oneline: bool) -> String {
    if oneline && !arg.oneline.is_empty() {
        return arg.oneline.clone().into_owned();
    }
    match arg.kind {
        ArgType::StrHex | ArgType::Str => format!("\"{}\"", arg.name()),
        ArgType::Num | ArgType::Range | ArgType::Amount | ArgType::Bool => arg.name().to_owned(),
        ArgType::Obj | ArgType::ObjNamedParams | ArgType::ObjUserKeys => {
            let members: Vec<String> = arg.inner.iter().map(|inner| member_text(inner, oneline)).collect();
            let more = if arg.kind == ArgType::Obj { "" } else { ",..." };
            format!("{{{}{more}}}", members.join(","))
        }
        ArgType::Arr => {
            let items: String = arg.inner.iter().map(|inner| value_text(inner, oneline) + ",").collect();
            format!("[{items}...]")
        }
    }
}

/// How the argument looks as a member of an object.
fn member_text(arg: &Arg, oneline: bool) -> String {
    let value = match arg.kind {
        ArgType::Str => "\"str\"".to_owned(),
        ArgType::StrHex => "\"hex\"".to_owned(),
        ArgType::Num => "n".to_owned(),
        ArgType::Range => "n or [n,n]".to_owned(),
        ArgType::Amount => "amount".to_owned(),
        ArgType::Bool => "bool".to_owned(),
        ArgType::Arr | ArgType::Obj | ArgType::ObjNamedParams | ArgType::ObjUserKeys => value_text(arg, oneline),
    };
    format!("\"{}\":{}{value}", arg.name(), if oneline { "" } else { " " })
}

fn arg_description(arg: &Arg, is_named: bool) -> String {
    let words = match (&arg.type_words, arg.kind) {
        (Some((_, words)), _) => words.as_ref(),
        (None, ArgType::StrHex | ArgType::Str) => "string",
        (None, ArgType::Num) => "numeric",
        (None, ArgType::Amount) => "numeric or string",
        (None, ArgType::Range) => "numeric or array",
        (None, ArgType::Bool) => "boolean",
        (None, ArgType::Obj | ArgType::ObjNamedParams | ArgType::ObjUserKeys) => "json object",
        (None, ArgType::Arr) => "json array",
    };
    let necessity = match &arg.fallback {
        Fallback::Required => ", required".to_owned(),
        Fallback::Omitted if is_named => ", optional".to_owned(),
        Fallback::Omitted => String::new(),
        Fallback::Hint(hint) => format!(", optional, default={hint}"),
        Fallback::Default(value) => format!(", optional, default={}", value.write()),
    };
    let mut text = format!("({words}{necessity})");
    if arg.kind == ArgType::ObjNamedParams {
        text.push_str(" Options object that can be used to pass named arguments, listed below.");
    }
    if !arg.description.is_empty() {
        text.push(' ');
        text.push_str(&arg.description);
    }
    text
}

pub(crate) fn push_result(columns: &mut Columns, result: &Res, outer: Outer, indent: usize) {
    let pad = spaces(indent);
    let comma = if outer == Outer::None { "" } else { "," };
    match &result.elision {
        Elision::Shown => {}
        Elision::Skipped => return,
        Elision::Summary(text) => return columns.push(format!("{pad}...{comma}"), text.as_ref()),
    }
    let key = if outer == Outer::Obj { format!("\"{}\" : ", result.key) } else { String::new() };
    let explain = |words: &str| {
        let optional = if result.optional { ", optional" } else { "" };
        let gap = if result.description.is_empty() { "" } else { " " };
        format!("({words}{optional}){gap}{}", result.description)
    };
    let (value, words) = match result.kind {
        ResType::Any => ("xxx", "any"),
        ResType::None => return columns.push(format!("{pad}null{comma}"), explain("json null")),
        ResType::Str => ("\"str\"", "string"),
        ResType::Amount | ResType::Num => ("n", "numeric"),
        ResType::StrHex => ("\"hex\"", "string"),
        ResType::NumTime => ("xxx", "numeric"),
        ResType::Bool => ("true|false", "boolean"),
        ResType::ArrFixed | ResType::Arr => {
            columns.push(format!("{pad}{key}["), explain("json array"));
            for inner in &result.inner {
                push_result(columns, inner, Outer::Arr, indent + 2);
            }
            let summary_last = result.inner.last().is_some_and(|inner| matches!(inner.elision, Elision::Summary(_)));
            if result.kind == ResType::Arr && !summary_last {
                columns.push(format!("{pad}  ..."), "");
            } else {
                columns.drop_last_comma();
            }
            return columns.push(format!("{pad}]{comma}"), "");
        }
        ResType::ObjDyn | ResType::Obj if result.inner.is_empty() => {
            return columns.push(format!("{pad}{key}{{}}"), explain("empty JSON object"));
        }
        ResType::ObjDyn | ResType::Obj => {
            columns.push(format!("{pad}{key}{{"), explain("json object"));
            for inner in &result.inner {
                push_result(columns, inner, Outer::Obj, indent + 2);
            }
            if result.kind == ResType::ObjDyn {
                columns.push(format!("{pad}  ..."), "");
            } else {
                columns.drop_last_comma();
            }
            return columns.push(format!("{pad}}}{comma}"), "");
        }
    };
    columns.push(format!("{pad}{key}{value}{comma}"), explain(words));
}
