//! `cargo xtask bench`: builds optimised executables and lets the runner of the functional suite time them.

use anyhow::{Result, bail};

use crate::flags;
use crate::functional;
use crate::project::Project;

impl flags::Bench {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let mut runner = functional::prepare(project, true)?;
        runner.arg("--bench").args(&self.names);
        if let Some(pairs) = self.pairs {
            runner.arg("--pairs").arg(pairs.to_string());
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
