//! Checks of any text file, and of the decision records as a set.

use std::collections::BTreeMap;

use super::{Finding, sources};

/// Beginnings of paths that mean one person's machine. Written in two parts, so that this file does not find itself.
const MACHINE: [&str; 4] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/tm", "p/")];

/// How many of them are faults in tests as well, which may use the others as plain texts.
const MACHINE_IN_TESTS: usize = 1;

/// Hosts of package registries: clients know them, the repository does not.
const REGISTRIES: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("deb.", "debian.org"),
    concat!("registry.", "npmjs.org"),
    concat!("proxy.", "golang.org"),
];

/// Every finding in the file called `file`.
pub(crate) fn check(file: &str, text: &str) -> Vec<Finding> {
    // Lock files name the registry in every entry, by cargo's own format.
    if file.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let tests = sources::tests_start(file, text);
    for (index, line) in text.lines().enumerate() {
        let paths = if index >= tests { &MACHINE[..MACHINE_IN_TESTS] } else { &MACHINE[..] };
        for path in paths.iter().filter(|path| starts_a_path(line, path)) {
            findings.push(Finding::new(
                file,
                index + 1,
                format!("a path of one machine (`{path}…`)"),
                "use a relative path, a temporary folder, or a placeholder such as DIR",
            ));
        }
        for host in REGISTRIES.iter().filter(|host| line.contains(**host)) {
            findings.push(Finding::new(
                file,
                index + 1,
                format!("the host of a registry (`{host}`)"),
                "leave it to the registry's client, which a user may have pointed at a mirror",
            ));
        }
    }
    findings
}

/// Whether `path` stands in `line` as the beginning of an absolute path.
fn starts_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '/' | '-' | '_' | '}' | ')' | '>'))
    })
}

/// What a decision record can be.
const STATUSES: [&str; 3] = ["proposed", "accepted", "rejected"];

/// Every finding in the decision records, given as file name and text.
pub(crate) fn check_decisions(decisions: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, text) in decisions {
        let name = file.rsplit('/').next().unwrap_or(file);
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            findings.push(Finding::new(file, 0, "no number", "call it NNNN-what-was-decided.md"));
            continue;
        }
        if let Some(other) = numbers.insert(number, file) {
            let what = format!("number {number} is also that of {other}");
            findings.push(Finding::new(file, 0, what, "take the next free number"));
        }
        findings.extend(front_matter(file, text));
    }
    let known: Vec<&str> = numbers.keys().copied().collect();
    for (file, text) in decisions {
        let later = field(text, "status").and_then(|status| status.strip_prefix("superseded by "));
        if later.is_some_and(|number| !known.contains(&number)) {
            findings.push(Finding::new(file, 2, "superseded by a record that is not there", "name an existing number"));
        }
    }
    findings
}

fn front_matter(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("---\n") {
        return vec![Finding::new(file, 1, "no front matter", "start with ---, status: …, date: YYYY-MM-DD, ---")];
    }
    let status = field(text, "status").unwrap_or_default();
    if !STATUSES.contains(&status) && !status.starts_with("superseded by ") {
        let what = format!("status `{status}`");
        findings.push(Finding::new(file, 2, what, "one of: proposed, accepted, rejected, superseded by NNNN"));
    }
    let date = field(text, "date").unwrap_or_default();
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = date.split('-').collect();
    if !matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        findings.push(Finding::new(file, 3, format!("date `{date}`"), "write the day of the decision as YYYY-MM-DD"));
    }
    findings
}

/// A field of the front matter.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let body = text.strip_prefix("---\n")?.split("\n---").next()?;
    body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_machine_are_found() {
        for path in MACHINE {
            assert_eq!(check("a.md", &format!("see `{path}x`\n"))[0].line, 1);
            assert_eq!(check("a.md", &format!("src{path}x or {{dir}}{path}x\n")), []);
        }
    }

    #[test]
    fn tests_may_use_paths_as_texts_but_not_the_checkouts() {
        for (path, findings) in MACHINE.into_iter().zip([1, 0, 0, 0]) {
            let inline = format!("//! Doc.\n#[cfg(test)]\nmod tests {{ \"{path}x\" }}\n");
            assert_eq!(check("src/host/config/src/a.rs", &inline).len(), findings, "{path}");
            assert_eq!(check("src/host/config/tests/a.rs", &format!("\"{path}x\"")).len(), findings, "{path}");
        }
    }

    #[test]
    fn hosts_of_registries_are_found_but_not_in_lock_files() {
        let text = format!("\nhttps://static.{}/x\n", REGISTRIES[0]);
        assert_eq!(check("a.toml", &text)[0].line, 2);
        assert_eq!(check("xtask/vectors/Cargo.lock", &text), []);
    }

    fn decision(name: &str, text: &str) -> (String, String) {
        (format!("doc/adr/{name}"), text.to_owned())
    }

    #[test]
    fn a_decision_has_a_number_a_status_and_a_date() {
        let good = "---\nstatus: accepted\ndate: 2026-11-21\n---\n# Title\n";
        assert_eq!(check_decisions(&[decision("0001-a.md", good)]), []);
        for bad in [
            good.replace("accepted", "done"),
            good.replace("status: accepted\n", ""),
            good.replace("2026-11-21", "yesterday"),
            good.replace("---\n", ""),
            good.replace("accepted", "superseded by 0009"),
        ] {
            assert_eq!(check_decisions(&[decision("0001-a.md", &bad)]).len(), 1, "{bad}");
        }
        assert_eq!(check_decisions(&[decision("notes.md", good)]).len(), 1);
        assert_eq!(check_decisions(&[decision("0001-a.md", good), decision("0001-b.md", good)]).len(), 1);
    }
}
