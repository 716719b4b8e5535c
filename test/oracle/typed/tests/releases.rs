//! Every answer of our daemon, as typed clients of three releases read it.

use typed::story;
use typed::tape::RELEASES;

/// How much is read. Whoever asks more raises these.
const METHODS: usize = 167;
const ANSWERS: usize = 246;

fn read_as(release: u32) {
    let dir = tempfile::tempdir().unwrap();
    let found = story::program().and_then(|program| story::play(&program, dir.path(), release));
    let found = found.unwrap_or_else(|error| panic!("{error:#}"));
    println!("release {release}: {} answers of {} methods were read", found.answers, found.methods.len());
    let lines: Vec<&str> = found.wrong.iter().map(String::as_str).collect();
    assert!(lines.is_empty(), "{} answers are not as typed:\n  {}", lines.len(), lines.join("\n  "));
    assert!(found.methods.len() >= METHODS, "only {} methods were asked", found.methods.len());
    assert!(found.answers >= ANSWERS, "only {} answers were read", found.answers);
}

#[test]
fn release_29() {
    read_as(RELEASES[0]);
}

#[test]
fn release_30() {
    read_as(RELEASES[1]);
}

#[test]
fn release_31() {
    read_as(RELEASES[2]);
}
