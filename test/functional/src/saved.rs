//! A chain, with its wallets, that is made once and used often: what a node has is saved when it has stopped, and restored
//! under as many names as are wanted.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::node::Node;
use crate::stage::Stage;

/// What belongs to a process, not to the state: it must not be taken for that of the next one.
const OF_A_PROCESS: [&str; 6] = [".lock", ".cookie", "ready.json", "debug.log", "stdout.log", "stderr.log"];

/// What a node had when it stopped.
#[derive(Debug, Clone)]
pub struct Saved {
    dir: PathBuf,
}

impl Stage {
    /// Stops a node and keeps what it has, under this name.
    pub fn save(&self, node: Node, name: &str) -> Result<Saved> {
        let from = node.data().to_owned();
        node.stop()?;
        let dir = self.data("saved")?.join(name);
        copy(&from, &dir).with_context(|| format!("saving {}", from.display()))?;
        Ok(Saved { dir })
    }

    /// Gives the node `name`, which must not run, what was saved in place of what it had.
    pub fn restore(&self, saved: &Saved, name: &str) -> Result<()> {
        let to = self.data(name)?;
        fs::remove_dir_all(&to)?;
        copy(&saved.dir, &to).with_context(|| format!("restoring {}", to.display()))
    }
}

/// Copies a folder, less what belongs to a process. Where the file system can, the copies share their bytes.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if kind.is_dir() {
            copy(&entry.path(), &to.join(&name))?;
        } else if kind.is_file() && !OF_A_PROCESS.iter().any(|other| name == *other) {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_process_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("regtest/blocks")).unwrap();
        for name in ["regtest/blocks/blk00000.dat", "regtest/.cookie", "regtest/.lock", "stderr.log", "settings.json"] {
            fs::write(from.join(name), name).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(from.join("node.sock")).unwrap();
        let to = dir.path().join("to");
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("regtest/blocks/blk00000.dat")).unwrap(), "regtest/blocks/blk00000.dat");
        assert!(to.join("settings.json").is_file());
        for gone in ["regtest/.cookie", "regtest/.lock", "stderr.log", "node.sock"] {
            assert!(!to.join(gone).exists(), "{gone}");
        }
    }
}
