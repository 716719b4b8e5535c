//! From the configuration to the end of the program.

use std::sync::Arc;

use anyhow::Context as _;
use config::Config;
use desktop::Look;
use model::{Backend, News};
use platform::{Shutdown, Signals};
use tracing::error;

use crate::road::NodeRoad;
use crate::setup;

/// Shows the node until the user or a signal ends it.
pub(crate) fn run(config: &Config) -> anyhow::Result<()> {
    let look = Look::of(config)?;
    let log = setup::log(config)?;
    let shutdown = Shutdown::new();
    let reopen = log.clone();
    Signals::install()?.forward(shutdown.clone(), move || reopen.reopen())?;
    let ephemeral = config.ephemeral_dir().map(ToOwned::to_owned);
    let shown = desktop::show(&look, |backend| {
        end_with(&shutdown, backend);
        let own: Vec<_> = std::env::args_os().skip(1).collect();
        setup::open(&log, config)?;
        Ok(Arc::new(NodeRoad::open(config, &own, backend.clone())?))
    });
    if let Some(directory) = ephemeral {
        std::fs::remove_dir_all(directory).context("the temporary data directory cannot be removed")?;
    }
    shown
}

/// Has a signal end the program as its user would.
fn end_with(shutdown: &Shutdown, backend: &Backend) {
    let (shutdown, backend) = (shutdown.clone(), backend.clone());
    let wait = move || {
        shutdown.wait();
        backend.tell(News::Quit);
    };
    if let Err(problem) = platform::thread::spawn("gui-signals", wait) {
        error!("No thread for signals: {problem}");
    }
}
