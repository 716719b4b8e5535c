//! Checks of one Rust file.

use std::path::Path;

use super::{Finding, lex};

/// No file is longer, tests, data and generated code excepted.
const LONGEST: usize = 800;

/// Coins, as texts and as names of variants. A new coin needs no line here to be right, only to be guarded.
const COINS: [(&str, &str); 6] = [
    ("bitcoin", "Bitcoin"),
    ("arcadia", "Arcadia"),
    ("freicoin", "Freicoin"),
    ("widecoin", "Widecoin"),
    ("syscoin", "Syscoin"),
    ("c1pzo", "C1pzo"),
];

/// Every finding in the file called `file`.
pub(crate) fn check(file: &str, text: &str) -> Vec<Finding> {
    if is_generated(file) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !first.starts_with("//!") {
        findings.push(Finding::new(
            file,
            1,
            "the file does not open with `//!`",
            "say in one sentence at the top what the file is for",
        ));
    }
    let lines = text.lines().count();
    if lines > LONGEST && !is_test(file) {
        findings.push(Finding::new(
            file,
            0,
            format!("{lines} lines, more than {LONGEST}"),
            "split the file along the order of events; 100 to 300 lines read well",
        ));
    }
    let parts = lex::parts(text);
    let (code, tests) = before_tests(&parts.code);
    if !file.starts_with("src/host/platform/") {
        findings.extend(unsafe_code(file, &parts.code));
    }
    if !file.starts_with("src/base/") && !is_test(file) {
        let shown: Vec<&str> = parts.code_and_texts.lines().take(tests).collect();
        findings.extend(coin_decisions(file, &shown, code));
    }
    if is_crate_root(file) && (file.starts_with("src/base/") || file.starts_with("src/bridge/")) {
        let squeezed: String = parts.code.split_whitespace().collect();
        if !squeezed.contains("#![deny(clippy::as_conversions") {
            findings.push(Finding::new(
                file,
                1,
                "a crate of base or bridge without `#![deny(clippy::as_conversions)]`",
                "add the line below the crate's documentation and use From or TryFrom",
            ));
        }
    }
    findings
}

fn is_crate_root(file: &str) -> bool {
    file.ends_with("/src/lib.rs")
}

/// Code of tests, by its place.
fn is_test(file: &str) -> bool {
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let in_folder = |folder: &str| file.split('/').any(|part| part == folder);
    name == "tests.rs"
        || in_folder("tests")
        || in_folder("benches")
        || file.starts_with("test/")
        || in_folder("testkit")
}

/// Code and tables that no person writes.
fn is_generated(file: &str) -> bool {
    file.split('/').any(|part| part == "generated" || part == "data")
}

/// The index of the line where the tests of a Rust file begin.
pub(crate) fn tests_start(file: &str, text: &str) -> usize {
    match file {
        _ if Path::new(file).extension().is_none_or(|ending| ending != "rs") => usize::MAX,
        _ if is_test(file) => 0,
        _ => text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX),
    }
}

/// The code before the first inline test module, and the number of its lines.
fn before_tests(code: &str) -> (&str, usize) {
    let mut start = 0;
    for (index, line) in code.split_inclusive('\n').enumerate() {
        if line.trim() == "#[cfg(test)]" {
            return (&code[..start], index);
        }
        start += line.len();
    }
    (code, usize::MAX)
}

fn unsafe_code(file: &str, code: &str) -> Vec<Finding> {
    let lines = code.lines().enumerate().filter(|(_, line)| words(line).any(|word| word == "unsafe"));
    let finding = |(index, _)| {
        Finding::new(
            file,
            index + 1,
            "`unsafe` outside host/platform",
            "move it behind a safe function of host/platform",
        )
    };
    lines.map(finding).collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// Places where behaviour depends on which coin it is: arms and comparisons that name one.
fn coin_decisions(file: &str, shown: &[&str], code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, (line, plain)) in shown.iter().zip(code.lines()).enumerate() {
        for (text, variant) in COINS {
            let literal = format!("\"{text}\"");
            let path = format!("::{variant}");
            if decides(line, &literal) || decides(plain, &path) {
                findings.push(Finding::new(
                    file,
                    index + 1,
                    format!("a decision by the coin's name ({text}) outside base"),
                    "put the difference into the coin's profile or into the `Rules` trait",
                ));
            }
        }
    }
    findings
}

/// Whether `line` compares with `name` or has it as a pattern.
fn decides(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].trim_end();
        let after = line[at + name.len()..].trim_start();
        // `::Bitcoin` must be a whole name, with the enum's path before it.
        let whole = !after_is_word(&line[at + name.len()..]);
        let path_start =
            before.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':');
        let compared = path_start.trim_end();
        whole
            && (after.starts_with("=>")
                || after.starts_with("==")
                || after.starts_with("!=")
                || (after.starts_with('|') && !after.starts_with("||"))
                || compared.ends_with("==")
                || compared.ends_with("!="))
    })
}

fn after_is_word(rest: &str) -> bool {
    rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(file: &str, text: &str) -> Vec<String> {
        check(file, text).into_iter().map(|finding| format!("{}:{}", finding.line, finding.what)).collect()
    }

    const DOC: &str = "//! Doc.\n";

    #[test]
    fn a_file_opens_with_its_story() {
        assert_eq!(whats("src/node/p2p/src/a.rs", "\n//! Doc.\n"), [""; 0]);
        assert_eq!(whats("src/node/p2p/src/a.rs", "use x;\n//! Doc.\n").len(), 1);
        assert_eq!(whats("src/bridge/ipc/src/generated/a.rs", "use x;\n"), [""; 0]);
    }

    #[test]
    fn long_files_are_split_unless_they_are_tests_or_data() {
        let long = DOC.to_owned() + &"\n".repeat(LONGEST);
        assert!(whats("src/node/p2p/src/a.rs", &long)[0].contains("801 lines"));
        for file in ["src/node/p2p/src/tests.rs", "src/node/p2p/tests/a.rs", "src/node/p2p/src/data/a.rs"] {
            assert_eq!(whats(file, &long), [""; 0], "{file}");
        }
        assert_eq!(whats("src/node/p2p/src/a.rs", &long[..long.len() - 1]), [""; 0]);
    }

    #[test]
    fn unsafe_stays_in_platform() {
        let text = DOC.to_owned() + "// unsafe\nfn f() { unsafe { g() } }\n#![deny(unsafe_code)]\n";
        assert_eq!(whats("src/node/p2p/src/a.rs", &text), ["3:`unsafe` outside host/platform"]);
        assert_eq!(whats("src/host/platform/src/a.rs", &text), [""; 0]);
    }

    #[test]
    fn decisions_by_coin_stay_in_base() {
        let guilty = [
            "\"freicoin\" => 1,",
            "\"bitcoin\" | \"arcadia\" => 1,",
            "if coin.id == \"syscoin\" {",
            "if \"syscoin\" != coin.id {",
            "CoinId::Freicoin => 1,",
            "CoinId::Bitcoin | CoinId::Arcadia => 1,",
            "if id == CoinId::Widecoin {",
        ];
        for line in guilty {
            let text = format!("{DOC}{line}\n");
            assert!(whats("src/node/p2p/src/a.rs", &text).iter().any(|what| what.starts_with("2:")), "{line}");
            assert_eq!(whats("src/base/coin/src/a.rs", &text), [""; 0], "{line}");
            assert_eq!(whats("src/node/p2p/tests/a.rs", &text), [""; 0], "{line}");
        }
        let innocent = [
            "let coin = name.unwrap_or(\"bitcoin\");",
            "// \"bitcoin\" => 1",
            "HeaderFormat::BitcoinLike => 1,",
            "let x = a || f(\"bitcoin\") || b;",
            "#[cfg(test)]\nmod tests { fn f() { g(\"bitcoin\" == x) } }",
        ];
        for line in innocent {
            assert_eq!(whats("src/node/p2p/src/a.rs", &format!("{DOC}{line}\n")), [""; 0], "{line}");
        }
    }

    #[test]
    fn base_and_bridge_convert_without_as() {
        let without = DOC;
        let with = DOC.to_owned() + "#![deny(clippy::as_conversions)]\n";
        for file in ["src/base/coin/src/lib.rs", "src/bridge/rpc/src/lib.rs"] {
            assert_eq!(whats(file, without).len(), 1);
            assert_eq!(whats(file, &with), [""; 0]);
        }
        assert_eq!(whats("src/node/p2p/src/lib.rs", without), [""; 0]);
    }
}
