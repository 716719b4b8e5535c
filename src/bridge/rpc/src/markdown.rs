//! The page of a method in `doc/rpc/`.

use crate::help;
use crate::identity::Identity;
use crate::method::{Arg, ArgType, Fallback, MethodDoc};

/// The whole page.
pub(crate) fn page(doc: &MethodDoc, identity: &Identity) -> String {
    let mut page = format!("# {}\n\n```\n{}\n```\n\n{}\n", doc.name, help::summary(doc), doc.description.trim());
    // What only we have is told here, even where the help page must read as Bitcoin Core's does.
    let ours = doc.args.iter().filter(|arg| arg.hidden && arg.ours);
    let rows: Vec<String> = help::visible(doc).chain(ours).flat_map(|arg| rows(arg, arg.name())).collect();
    if !rows.is_empty() {
        page.push_str("\n## Arguments\n\n| name | type | without it | meaning |\n| --- | --- | --- | --- |\n");
        page.push_str(&rows.concat());
    }
    for result in &doc.results {
        let mut columns = help::Columns::default();
        help::push_result(&mut columns, result, help::Outer::None, 0);
        let mut text = String::new();
        columns.print(&mut text);
        if text.is_empty() {
            continue;
        }
        let heading =
            if result.condition.is_empty() { "Result".to_owned() } else { format!("Result ({})", result.condition) };
        page.extend(["\n## ", &heading, "\n\n```\n", &text, "```\n"]);
    }
    let examples: String = doc.examples.iter().map(|example| example.render(identity)).collect();
    if !examples.is_empty() {
        page.extend(["\n## Examples\n\n```\n", examples.trim_end(), "\n```\n"]);
    }
    page
}

/// A row for the argument, which is found under `name`, and one for each of its parts.
fn rows(arg: &Arg, name: &str) -> Vec<String> {
    let aliases = arg.aliases().skip(1).map(|alias| format!(" or `{alias}`")).collect::<Vec<_>>().concat();
    let kind = match (&arg.type_words, arg.kind) {
        (Some((_, words)), _) => words.as_ref(),
        (None, ArgType::Obj | ArgType::ObjNamedParams | ArgType::ObjUserKeys) => "object",
        (None, ArgType::Arr) => "array",
        (None, ArgType::Str) => "string",
        (None, ArgType::StrHex) => "hex string",
        (None, ArgType::Num) => "number",
        (None, ArgType::Bool) => "boolean",
        (None, ArgType::Amount) => "number or string",
        (None, ArgType::Range) => "number or array",
    };
    let without = match &arg.fallback {
        Fallback::Required => "required".to_owned(),
        Fallback::Omitted => String::new(),
        Fallback::Hint(hint) => cell(hint),
        Fallback::Default(value) => format!("`{}`", cell(&value.write())),
    };
    let mut all = vec![format!("| `{}`{aliases} | {kind} | {without} | {} |\n", cell(name), cell(&arg.description))];
    for inner in &arg.inner {
        // Elements of an array carry names only for the eye.
        let inner_name =
            if arg.kind == ArgType::Arr { format!("{name}[]") } else { format!("{name}.{}", inner.name()) };
        all.extend(rows(inner, &inner_name));
    }
    all
}

fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
