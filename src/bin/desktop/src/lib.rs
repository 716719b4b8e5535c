//! What the executables with a window share: `<coin>-gui`, whose node is another process, and `<coin>-qt`, whose node is
//! a thread.
//!
//! What flows through: a configuration becomes a [`Look`]; [`show`] draws until the user leaves or the node is refused,
//! and closes the [`Road`] that it was given on every way out.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use config::Config;
use interfaces::Secret;
use model::{Backend, ConsoleLine, Desk, News};

/// What leads to a node, and ends what was started for it.
pub trait Road: Send + Sync {
    /// Ends what there is to end and waits for it. The second time there is nothing to do.
    fn close(&self);
}

/// What the options say of the window.
#[derive(Debug)]
pub struct Look {
    title: String,
    ticker: &'static str,
    minimized: bool,
    offscreen: bool,
}

impl Look {
    /// Reads it. A platform that nobody knows is refused.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let offscreen = match config.args().get_str("platform", "").as_str() {
            "" => false,
            "offscreen" => true,
            other => bail!("Unknown -platform '{other}'. The only one that can be asked for is 'offscreen'."),
        };
        let (chain, client) = (config.chain().kind.name(), config.coin().client_name);
        let title = if chain == "main" { client.to_owned() } else { format!("{client} [{chain}]") };
        Ok(Self { title, ticker: config.coin().ticker, minimized: config.args().get_bool("min", false), offscreen })
    }
}

/// Shows the node at the end of the road until the user leaves. `open` is called when there is something to show it on:
/// without a display no file is opened and nothing is started.
pub fn show(look: &Look, open: impl FnOnce(&Backend) -> anyhow::Result<Arc<dyn Road>>) -> anyhow::Result<()> {
    let desk = Desk::new(look.ticker, convert).context("no threads")?;
    let road: Mutex<Option<Arc<dyn Road>>> = Mutex::default();
    let start = |backend: &Backend| match open(backend) {
        Ok(opened) => {
            *road.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
            backend.stop_with(move || opened.close());
        }
        Err(error) => backend.tell(News::Refused(format!("{error:#}"))),
    };
    let shown = if look.offscreen {
        start(desk.backend());
        Ok(views::offscreen(desk))
    } else {
        views::window(&look.title, desk, look.minimized, start)
    };
    // Also when the window is gone without a word.
    if let Some(road) = road.into_inner().unwrap_or_else(PoisonError::into_inner) {
        road.close();
    }
    match shown? {
        Some(refusal) => bail!(refusal),
        None => Ok(()),
    }
}

/// The words of the console by the rules of the command line client.
fn convert(line: &ConsoleLine) -> Result<String, String> {
    let words: Vec<&str> = line.words.iter().map(Secret::expose).collect();
    rpc::client::positional(&line.method, &words).map(|params| params.write()).map_err(|error| error.to_string())
}
