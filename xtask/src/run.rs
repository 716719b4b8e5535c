//! `cargo xtask run`: builds everything that is needed and starts a regtest node, with a tree and a data folder of
//! its own under cargo's output folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::{self, Built};
use crate::install::{coins, install};
use crate::project::{Host, Project};
use crate::{flags, report};

/// Executables of the node, best first, by what follows the coin's name.
const NODES: [&str; 2] = ["-node", "d"];

impl flags::Run {
    /// Runs the command.
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let coin = self.coin.as_deref().unwrap_or("bitcoin");
        ensure!(coin != "all", "one coin at a time: --coin NAME");
        let coins = coins(project, coin)?;
        // A node needs no windows, which take long to compile on a fresh machine.
        let built = build::build_some(project, Host::native()?, self.release, |role| !role.has_windows())?;
        let home = project.target().join("run").join(coin);
        install(&built, &coins, &home.join("bin"))?;
        let start = Start::new(&built, coin, &home, &self.options)?;
        if self.dry_run {
            println!("{}", shown(&start.node, &start.options));
            return Ok(());
        }
        fs::create_dir_all(&start.data)?;
        start.run()
    }
}

/// A node that is about to be started.
#[derive(Debug, PartialEq, Eq)]
struct Start {
    node: PathBuf,
    cli: Option<PathBuf>,
    data: PathBuf,
    options: Vec<OsString>,
}

impl Start {
    fn new(built: &Built, coin: &str, home: &Path, more: &[OsString]) -> Result<Start> {
        let bin = home.join("bin");
        let find = |suffix: &str| {
            let role = built.roles.iter().find(|role| role.suffix == suffix)?;
            Some(bin.join(role.named(coin, built.host)))
        };
        let node =
            NODES.iter().find_map(|suffix| find(suffix)).context("this checkout has no executable of the node")?;
        let data = home.join("data");
        let mut options: Vec<OsString> = vec!["-regtest".into(), format!("-datadir={}", data.display()).into()];
        options.extend(more.iter().cloned());
        Ok(Start { node, cli: find("-cli"), data, options })
    }

    /// Options with which the client meets this node: what says where it is, and nothing else.
    fn client_options(&self) -> Vec<OsString> {
        let carried = ["-datadir", "-regtest", "-chain", "-signet", "-testnet", "-rpcport", "-rpcuser", "-rpcpassword"];
        let is_carried = |option: &&OsString| {
            let text = option.to_string_lossy();
            let name = text.split('=').next().unwrap_or_default();
            carried.contains(&name)
        };
        self.options.iter().filter(is_carried).cloned().collect()
    }

    fn run(&self) -> Result<()> {
        println!("starting {}", shown(&self.node, &self.options));
        let mut node = Command::new(&self.node).args(&self.options).spawn().context("starting the node")?;
        if let Some(cli) = &self.cli {
            match self.wait_until_it_answers(cli, &mut node)? {
                Some(answer) => self.introduce(cli, &answer),
                None => return ended(node.wait()?),
            }
        }
        ended(node.wait()?)
    }

    /// The answer to `getblockchaininfo`, or nothing if the node ended first.
    fn wait_until_it_answers(&self, cli: &Path, node: &mut Child) -> Result<Option<String>> {
        let job = report::Job::start("node", "waiting for its first answer", 0);
        let mut client = Command::new(cli);
        client.args(self.client_options()).args(["-rpcwait", "-rpcwaittimeout=120", "getblockchaininfo"]);
        let mut client = client.stdout(Stdio::piped()).spawn().context("starting the client")?;
        let daemonises = self.options.iter().any(|option| option.to_string_lossy().starts_with("-daemon"));
        loop {
            if client.try_wait()?.is_some() {
                job.finish();
                let output = client.wait_with_output()?;
                ensure!(output.status.success(), "the node does not answer its client");
                return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
            }
            if node.try_wait()?.is_some_and(|status| !daemonises || !status.success()) {
                client.kill()?;
                client.wait()?;
                job.finish();
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn introduce(&self, cli: &Path, answer: &str) {
        let talk = shown(cli, &self.client_options());
        println!("{}\n\nTalk to it:  {talk} getblockchaininfo", answer.trim_end());
        println!("Stop it:     {talk} stop   (or Ctrl-C here)\nIts data:    {}", self.data.display());
    }
}

fn ended(status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("the node ended with {status}");
    }
    Ok(())
}

/// A command as it would be typed.
fn shown(program: &Path, options: &[OsString]) -> String {
    let mut words = vec![program.display().to_string()];
    words.extend(options.iter().map(|option| option.to_string_lossy().into_owned()));
    let quoted = words.into_iter().map(|word| if word.contains(' ') { format!("'{word}'") } else { word });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{ROLES, Role};

    fn start(keep: impl Fn(&Role) -> bool, more: &[&str]) -> Result<Start> {
        let roles = ROLES.into_iter().filter(keep).collect();
        let host = Host::named(Some("x86_64-linux-gnu")).unwrap();
        let built = Built { host, roles, dir: PathBuf::from("out") };
        let more: Vec<OsString> = more.iter().map(OsString::from).collect();
        Start::new(&built, "syscoin", Path::new("home"), &more)
    }

    #[test]
    fn the_node_is_preferred_to_the_monolith() {
        let start_all = start(|_| true, &[]).unwrap();
        assert_eq!(start_all.node, Path::new("home/bin/syscoin-node"));
        let mono = start(|role| role.suffix != "-node", &[]).unwrap();
        assert_eq!(mono.node, Path::new("home/bin/syscoind"));
        assert!(start(|role| role.suffix == "-cli", &[]).is_err());
    }

    #[test]
    fn the_client_gets_what_says_where_the_node_is() {
        let start = start(|_| true, &["-rpcport=19999", "-txindex", "-regtestx"]).unwrap();
        let options: Vec<String> =
            start.client_options().iter().map(|option| option.to_string_lossy().into_owned()).collect();
        assert_eq!(options, ["-regtest", "-datadir=home/data", "-rpcport=19999"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_node_that_ends_at_once_is_told_from_one_that_answers() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let dead = script("dead", "exit 3");
        let hangs = script("hangs", "exec sleep 600");
        let data = dir.path().join("data");
        let run = |node: &Path, cli: &Path| {
            Start { node: node.to_owned(), cli: Some(cli.to_owned()), data: data.clone(), options: vec![] }.run()
        };
        assert!(run(&dead, &hangs).unwrap_err().to_string().contains("exit status: 3"));
        let waits = script("waits", "while [ ! -e \"$0.go\" ]; do sleep 0.01; done");
        let frees = script("frees", &format!("touch {}.go; echo '{{}}'", waits.display()));
        run(&waits, &frees).unwrap();
    }
}
