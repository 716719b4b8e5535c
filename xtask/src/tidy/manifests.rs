//! Checks of one `Cargo.toml`.

use toml::Table;

use super::Finding;

/// What every crate takes from the root manifest.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

/// Every finding in the manifest called `file`.
pub(crate) fn check(file: &str, text: &str) -> Vec<Finding> {
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return vec![Finding::new(file, 0, format!("not TOML: {error}"), "repair the manifest")],
    };
    // The root has no package, and a package with a workspace of its own is not part of ours.
    let Some(package) = table.get("package").and_then(|package| package.as_table()) else { return Vec::new() };
    if table.contains_key("workspace") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if !inherits(&table, "lints") {
        findings.push(Finding::new(
            file,
            0,
            "the crate has lints of its own, or none",
            "write `[lints]` and `workspace = true`; exceptions stand in the code, with a reason",
        ));
    }
    for key in INHERITED {
        if !inherits(package, key) {
            let what = format!("`{key}` is not the workspace's");
            findings.push(Finding::new(file, line_of(text, key), what, "write `KEY.workspace = true`"));
        }
    }
    for (section, dependencies) in dependency_tables(&table) {
        for (name, value) in dependencies {
            let whole = value.as_table().and_then(|table| table.get("workspace")).and_then(toml::Value::as_bool);
            if whole != Some(true) {
                let what = format!("{section}.{name} has a version or path of its own");
                let remedy = "name it once in the root's [workspace.dependencies] and write `NAME.workspace = true`";
                findings.push(Finding::new(file, line_of(text, name), what, remedy));
            }
        }
    }
    findings
}

fn inherits(table: &Table, key: &str) -> bool {
    table.get(key).and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

/// Every table of dependencies, those of targets included.
fn dependency_tables(table: &Table) -> Vec<(&'static str, &Table)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut tables = Vec::new();
    let targets = table.get("target").and_then(|targets| targets.as_table());
    let places =
        [table].into_iter().chain(targets.into_iter().flat_map(|all| all.values().filter_map(|t| t.as_table())));
    for place in places {
        for kind in kinds {
            tables.extend(place.get(kind).and_then(|found| found.as_table()).map(|found| (kind, found)));
        }
    }
    tables
}

fn line_of(text: &str, key: &str) -> usize {
    text.lines().position(|line| line.trim_start().starts_with(key)).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
        [dependencies]\nb.workspace = true\nc = { workspace = true, features = [\"x\"] }\n[lints]\nworkspace = true\n";

    #[test]
    fn a_crate_takes_everything_from_the_workspace() {
        assert_eq!(check("a/Cargo.toml", GOOD), []);
        assert_eq!(check("Cargo.toml", "[workspace]\nmembers = []\n"), []);
    }

    #[test]
    fn what_a_crate_says_for_itself_is_found_with_its_line() {
        for (from, to, line) in [
            ("version.workspace = true", "version = \"1\"", 3),
            ("[lints]\nworkspace = true\n", "", 0),
            ("b.workspace = true", "b = \"1\"", 9),
            ("{ workspace = true, features = [\"x\"] }", "{ path = \"../c\" }", 10),
            ("[dependencies]", "[target.'cfg(unix)'.dev-dependencies]\nb = \"1\"\n[dependencies]", 9),
        ] {
            let findings = check("a/Cargo.toml", &GOOD.replacen(from, to, 1));
            assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [line], "{to}");
        }
    }
}
