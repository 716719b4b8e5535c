//! From the configuration to the end of the program.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use config::Config;
use interfaces::Secret;
use model::{Backend, ConsoleLine, Desk, News};
use platform::{Shutdown, Signals};
use tracing::error;

use crate::road::Road;
use crate::setup;

/// Shows the node until the user or a signal ends it.
pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    let offscreen = match config.args().get_str("platform", "").as_str() {
        "" => false,
        "offscreen" => true,
        other => bail!("Unknown -platform '{other}'. The only one that can be asked for is 'offscreen'."),
    };
    let log = setup::log(&config)?;
    let shutdown = Shutdown::new();
    let reopen = log.clone();
    Signals::install()?.forward(shutdown.clone(), move || reopen.reopen())?;
    let desk = Desk::new(config.coin().ticker, convert).context("no threads")?;
    let (title, minimized) = (title(&config), config.args().get_bool("min", false));
    let ephemeral = config.ephemeral_dir().map(ToOwned::to_owned);

    let road: Arc<Mutex<Option<Arc<Road>>>> = Arc::default();
    let ours = Arc::clone(&road);
    // Called when there is something to show it on: without a display no file is opened and nothing is started.
    let start = move |backend: &Backend| {
        let own: Vec<_> = std::env::args_os().skip(1).collect();
        let opened = setup::open(&log, &config).and_then(|()| Road::open(&config, &own, backend.clone()));
        match opened {
            Ok(opened) => {
                let opened = Arc::new(opened);
                *ours.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
                backend.stop_with(move || opened.close());
            }
            Err(error) => backend.tell(News::Refused(format!("{error:#}"))),
        }
        end_with(&shutdown, backend);
    };
    let shown = if offscreen {
        start(desk.backend());
        Ok(views::offscreen(desk))
    } else {
        views::window(&title, desk, minimized, start)
    };
    // Also when the window is gone without a word.
    let road = road.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(road) = road {
        road.close();
    }
    if let Some(directory) = ephemeral {
        std::fs::remove_dir_all(directory).context("the temporary data directory cannot be removed")?;
    }
    match shown? {
        Some(refusal) => bail!(refusal),
        None => Ok(()),
    }
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

fn title(config: &Config) -> String {
    let chain = config.chain().kind.name();
    let client = config.coin().client_name;
    if chain == "main" { client.to_owned() } else { format!("{client} [{chain}]") }
}

/// The words of the console by the rules of the command line client.
fn convert(line: &ConsoleLine) -> Result<String, String> {
    let words: Vec<&str> = line.words.iter().map(Secret::expose).collect();
    rpc::client::positional(&line.method, &words).map(|params| params.write()).map_err(|error| error.to_string())
}
