//! `cargo xtask bench`: builds optimised executables and lets the runner of the functional suite time them. The workload
//! `script` has no daemons in it: it is the bench of `test/oracle`.

use anyhow::{Result, bail};

use crate::flags;
use crate::functional;
use crate::oracle;
use crate::project::Project;

impl flags::Bench {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let mut names = self.names.clone();
        names.retain(|name| name != "script");
        if names.len() < self.names.len() {
            let success = oracle::cargo(project, &["bench", "--bench", "script"])?.status()?.success();
            if !success || names.is_empty() {
                return if success { Ok(()) } else { bail!("") };
            }
        }
        let mut runner = functional::prepare(project, true)?;
        runner.arg("--bench").args(&names);
        if let Some(pairs) = self.pairs {
            runner.arg("--pairs").arg(pairs.to_string());
        }
        if self.compare {
            runner.arg("--compare");
        }
        if self.quick {
            runner.arg("--quick");
        }
        if let Some(file) = &self.json {
            runner.arg("--json").arg(file);
        }
        // The runner has told everything; an empty error only sets the exit code.
        if runner.status()?.success() { Ok(()) } else { bail!("") }
    }
}
