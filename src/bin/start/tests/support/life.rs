//! A node's life: it starts, answers, keeps others out of its directory, stops, and can start again.

use std::path::Path;
use std::time::Duration;

use platform::{Clock, SystemClock};
use rpc::Json;
use rpc::client::{Client, Credentials};

use crate::support::{Installed, finish};

/// Long enough for any machine, and never waited for when things go well.
const PATIENCE: Duration = Duration::from_secs(50);

/// Leads the program `name` through its life, twice.
pub(crate) fn lead(installed: &Installed, name: &str) {
    for start in 0..2 {
        let options = ["-regtest", "-rpcport=0", "-listen=0", "-server", "-datadir=."];
        let mut node = installed.command(name, &options);
        let thread = std::thread::spawn(move || finish(&mut node));

        let directory = installed.home().join("regtest");
        let mut client = ready(&directory);
        let count = client.call("/", "getblockcount", Json::Arr(Vec::new())).unwrap().unwrap();
        assert_eq!(count, Json::from(0), "start {start}");

        let second = installed.run(name, &options);
        assert!(second.stderr.starts_with("Error: Cannot obtain a lock on directory "), "{}", second.stderr);
        assert_eq!(second.code, Some(1));

        client.call("/", "stop", Json::Arr(Vec::new())).unwrap().unwrap();
        let ran = thread.join().unwrap();
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "start {start}");
        assert!(!directory.join("ready.json").exists() && !directory.join(".cookie").exists(), "start {start}");
    }
}

/// Waits for the file that a node writes last, and returns a client of the address in it.
fn ready(directory: &Path) -> Client {
    let clock = SystemClock::new();
    let line = loop {
        match std::fs::read(directory.join("ready.json")) {
            Ok(line) => break rpc::json::parse(&line).unwrap(),
            Err(error) => assert!(clock.monotonic() < PATIENCE, "not ready: {error}"),
        }
        std::thread::yield_now();
    };
    let port = line.get("rpc").at(0).as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let cookie = Credentials::find("", "", Some(Path::new(line.get("cookie").as_str().unwrap())));
    Client::new("127.0.0.1", port, cookie, Some(PATIENCE))
}
