//! A daemon says what it is and what it can do, without touching anything.

use anyhow::{Result, ensure};

use crate::stage::Stage;

pub(super) fn play(stage: &Stage) -> Result<()> {
    let client = stage.coin.client_name;
    for option in ["-version", "-help", "-?", "-h"] {
        let ended = stage.run(&[option])?;
        ensure!(ended.status.success(), "{option} ended with {}: {}", ended.status, ended.stderr);
        ensure!(ended.stderr.is_empty(), "{option} wrote to standard error: {}", ended.stderr);
        let first = ended.stdout.lines().next().unwrap_or_default();
        ensure!(first.starts_with(client) && first.contains("version v"), "{option} begins with: {first}");
    }
    let help = stage.run(&["-help"])?.stdout;
    for option in ["-datadir=<dir>", "-conf=<file>", "-prune=<n>", "-reindex", "-rpcport=<port>", "-debug=<category>"] {
        ensure!(help.contains(&format!("\n  {option}")), "{option} is missing in the help");
    }
    ensure!(!help.contains("-printpriority"), "options for debugging are shown without -help-debug");
    Ok(())
}
