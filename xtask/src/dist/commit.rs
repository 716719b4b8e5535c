//! What a release is made from: one commit, exported to a folder of its own.
//!
//! Edits that are not committed do not get into a release, and neither does a file that git ignores.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// The commit that is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its full hash.
    pub(crate) id: String,
    /// The hash of its tree: what is in it, whoever made it.
    pub(crate) tree: String,
    /// Seconds since 1970: the only time that gets into a release.
    pub(crate) time: u64,
    /// `v31.99.0`, if the commit has that tag.
    pub(crate) tag: Option<String>,
}

impl Commit {
    /// The commit that the checkout at `root` stands on.
    pub(crate) fn head(root: &Path) -> Result<Commit> {
        let lines = git(root, &["log", "-1", "--format=%H%n%T%n%ct"])
            .context("a release is made from a commit, and this is no git checkout")?;
        let words: Vec<&str> = lines.split_whitespace().collect();
        let [id, tree, time] = words.as_slice() else { bail!("git said `{lines}` about the commit") };
        let tags = git(root, &["tag", "--points-at", "HEAD"])?;
        Ok(Commit {
            id: (*id).to_owned(),
            tree: (*tree).to_owned(),
            time: time.parse().with_context(|| format!("the commit's time `{time}`"))?,
            tag: tags.lines().map(str::trim).find(|tag| tag.starts_with('v')).map(str::to_owned),
        })
    }

    /// How releases of it are called: the version alone if the commit is tagged with it, else with the commit.
    pub(crate) fn release(&self, version: &str) -> String {
        match &self.tag {
            Some(tag) if tag[1..] == *version => version.to_owned(),
            _ => format!("{version}-{}", &self.id[..self.id.len().min(12)]),
        }
    }

    /// Writes the files of the commit into `to`.
    pub(crate) fn export(&self, root: &Path, to: &Path) -> Result<()> {
        let mut git = Command::new("git");
        git.arg("-C").arg(root).args(["archive", "--format=tar", &self.id]);
        let mut git = git.stdout(Stdio::piped()).spawn().context("starting git")?;
        let files = git.stdout.take().context("git has an output")?;
        let unpacked = tar::Archive::new(files).unpack(to);
        ensure!(git.wait()?.success(), "git cannot export {}", self.id);
        unpacked.with_context(|| format!("exporting to {}", to.display()))
    }

    /// Files of the checkout that differ from the commit.
    pub(crate) fn differing(root: &Path) -> Result<usize> {
        Ok(git(root, &["status", "--porcelain", "--untracked-files=no"])?.lines().count())
    }
}

fn git(root: &Path, args: &[&str]) -> Result<String> {
    // A release must not depend on what a user's settings make git print.
    let output = Command::new("git").arg("-C").arg(root).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").output();
    let output = output.context("starting git; install it with: apt-get install git")?;
    ensure!(output.status.success(), "git {}: {}", args[0], String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `2026-11-21T10:58:46Z` for seconds since 1970.
pub(crate) fn iso(time: u64) -> String {
    let (days, rest) = (time / 86_400, time % 86_400);
    // Years are counted from March, so that the day that comes and goes is the last one.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", era * 400 + year + next)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;

    /// A checkout with one commit whose time is known.
    pub(in crate::dist) fn checkout() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/a.rs"), "//! a\n").unwrap();
        commit_all(dir.path());
        dir
    }

    /// Makes a checkout of `dir`, with all of its files in the one commit.
    pub(in crate::dist) fn commit_all(dir: &Path) {
        let run = |args: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(dir).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null");
            for who in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{who}_NAME"), "n").env(format!("GIT_{who}_EMAIL"), "n@example.org");
                git.env(format!("GIT_{who}_DATE"), "1700000000 +0100");
            }
            assert!(git.stdout(Stdio::null()).status().unwrap().success(), "{args:?}");
        };
        run(&["init", "--quiet"]);
        run(&["add", "."]);
        run(&["commit", "--quiet", "--message", "one"]);
        run(&["tag", "--force", "v1.2.3"]);
    }

    #[test]
    fn a_commit_is_exported_without_what_was_not_committed() {
        let checkout = checkout();
        fs::write(checkout.path().join("src/a.rs"), "edited").unwrap();
        fs::write(checkout.path().join("new"), "new").unwrap();
        let commit = Commit::head(checkout.path()).unwrap();
        assert_eq!((commit.time, commit.id.len(), commit.tree.len()), (1_700_000_000, 40, 40));
        assert_eq!(Commit::differing(checkout.path()).unwrap(), 1);
        let to = tempfile::tempdir().unwrap();
        commit.export(checkout.path(), to.path()).unwrap();
        assert_eq!(fs::read_to_string(to.path().join("src/a.rs")).unwrap(), "//! a\n");
        assert!(!to.path().join("new").exists() && !to.path().join(".git").exists());
    }

    #[test]
    fn a_tagged_version_has_no_hash_in_its_name() {
        let checkout = checkout();
        let commit = Commit::head(checkout.path()).unwrap();
        assert_eq!(commit.release("1.2.3"), "1.2.3");
        assert_eq!(commit.release("1.2.4"), format!("1.2.4-{}", &commit.id[..12]));
    }

    #[test]
    fn no_checkout_is_one_clear_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = format!("{:#}", Commit::head(dir.path()).unwrap_err());
        assert!(error.contains("made from a commit"), "{error}");
    }

    #[test]
    fn times_are_written_as_dates() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(iso(time), text);
        }
    }
}
