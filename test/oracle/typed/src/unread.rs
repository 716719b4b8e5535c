//! The methods whose answers are not read, each with its reason.

use std::collections::BTreeSet;

/// The reasons, and for which methods they hold.
const UNREAD: [(&str, &str); 4] = [
    ("only says what has taken its place", "generate"),
    ("is ours alone", "fundaddress"),
    ("is newer than the types", "addhdkey derivehdkey exportasmap exportwatchonlywallet getopenrpcinfo rpc.discover"),
    ("needs a chain of which a snapshot is known, or a legacy wallet", "loadtxoutset migratewallet"),
];

/// Methods that were neither read nor have a reason, and reasons that are no longer good.
pub fn problems(there: &BTreeSet<String>, read: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut listed = BTreeSet::new();
    for (why, methods) in UNREAD {
        for method in methods.split_whitespace() {
            listed.insert(method);
            if read.contains(method) {
                problems.push(format!("{method} {why}, it is said, and was read"));
            }
            if !there.contains(method) {
                problems.push(format!("{method} {why}, it is said, and is not there"));
            }
        }
    }
    let lacking = there.iter().filter(|method| !read.contains(*method) && !listed.contains(method.as_str()));
    problems.extend(lacking.map(|method| format!("{method} was not read, and nothing says why")));
    problems
}
