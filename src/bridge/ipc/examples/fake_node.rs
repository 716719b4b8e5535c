//! Serves the fakes at a unix socket, for trying clients by hand: `cargo run -p ipc --example fake_node -- PATH`.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use fakes::FakeInit;
use ipc::{Address, Ipc, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: fake_node PATH")?;
    let node = Ipc::new(Options::new("bitcoin-node"));
    let fake = FakeInit::default();
    fake.chain.advance(100);
    node.listen(&Address::Unix(Some(path.into())), Path::new("/"), Arc::new(fake))?;
    // Until standard input ends.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
