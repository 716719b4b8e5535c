//! The tests that a checkout's own runner lists, read at run time, with their arguments.

/// A placeholder that the foreign runner replaces by one test for each program of its benchmark. There is none here.
const BENCHMARKS: &str = "tool_bench_sanity_check.py";

/// The entries of `BASE_SCRIPTS`, behind those of `EXTENDED_SCRIPTS` if the slow ones are wanted.
pub fn read(runner: &str, slow: bool) -> Vec<String> {
    let lists: &[&str] = if slow { &["EXTENDED_SCRIPTS", "BASE_SCRIPTS"] } else { &["BASE_SCRIPTS"] };
    let mut tests: Vec<String> = Vec::new();
    for list in lists {
        for entry in entries(runner, list) {
            if entry != BENCHMARKS && !tests.contains(&entry) {
                tests.push(entry);
            }
        }
    }
    tests
}

/// The texts in the Python list called `name`; names of constants are looked up in the same file.
fn entries(runner: &str, name: &str) -> Vec<String> {
    let head = format!("{name} = [");
    let lines = runner.lines().map(str::trim).skip_while(|line| *line != head).skip(1);
    let lines = lines.take_while(|line| !line.starts_with(']'));
    lines.filter_map(|line| quoted(line).or_else(|| constant(runner, line.strip_suffix(',')?))).collect()
}

/// The text between the first quotation mark of a line that starts with one, and its twin.
fn quoted(line: &str) -> Option<String> {
    let mark = line.chars().next().filter(|letter| matches!(letter, '\'' | '"'))?;
    let (text, _) = line[1..].split_once(mark)?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn constant(runner: &str, name: &str) -> Option<String> {
    let head = format!("{name} = ");
    runner.lines().find_map(|line| quoted(line.strip_prefix(&head)?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNER: &str = "\
OWN = 'own.py'
BENCH = \"tool_bench_sanity_check.py\"
EXTENDED_SCRIPTS = [
    # Slow ones
    'slow.py',
]

BASE_SCRIPTS = [
    BENCH,
    # vv quick vv
    'a.py',
    'b.py --v1transport', # why
    \"b.py --v2transport\",
    OWN,
    'a.py',
]
NON_SCRIPTS = [
    'combine.py',
]
";

    #[test]
    fn the_list_is_read_with_arguments_and_constants() {
        assert_eq!(read(RUNNER, false), ["a.py", "b.py --v1transport", "b.py --v2transport", "own.py"]);
        assert_eq!(read(RUNNER, true)[0], "slow.py");
        assert!(read("nothing", true).is_empty());
    }
}
