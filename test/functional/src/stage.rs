//! What a scenario gets: a directory of its own, a coin, a shape, and the means to start daemons.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use coin::{Chain, ChainKind, Coin};
use nix::sys::signal::Signal;
use platform::{ChildOptions, ChildProcess, shell};

use crate::faults;
use crate::node::{Node, Ports};
use crate::processes;
use crate::programs::{Program, Programs, Shape};
use crate::wait::{DEADLINE, until};

/// How the daemon says that it cannot run a coin's chain at all.
const CANNOT_VALIDATE: &str = "cannot be validated: these of its consensus rules are not implemented";

/// The reason why a scenario cannot be played with this daemon. It is counted, never hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// Which daemon is meant, when two meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The one under test.
    Tested,
    /// Ours, whichever is under test.
    Ours,
    /// A foreign one that the environment names. Without one the scenario is skipped.
    Judge,
}

/// How a program ended, and what it said.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Where a scenario is played.
#[derive(Debug)]
pub struct Stage {
    /// The coin.
    pub coin: &'static Coin,
    /// The shape.
    pub shape: Shape,
    /// Where everything random is drawn from.
    pub seed: u64,
    programs: Programs,
    dir: PathBuf,
}

impl Stage {
    /// A stage in an empty directory.
    pub fn new(coin: &'static Coin, shape: Shape, seed: u64, programs: Programs, dir: PathBuf) -> Stage {
        Stage { coin, shape, seed, programs, dir }
    }

    /// The same stage for our daemon of another coin.
    #[must_use]
    pub fn beside(&self, coin: &'static Coin) -> Stage {
        let bin = self.programs.ours.parent().unwrap_or(Path::new(""));
        let programs = Programs::find(coin, self.shape, bin, |_| None);
        Stage::new(coin, self.shape, self.seed, programs, self.dir.clone())
    }

    /// The coin's regtest chain.
    pub fn regtest(&self) -> Result<&'static Chain> {
        self.coin.chain(ChainKind::Regtest).context("the coin has no regtest")
    }

    /// An address to which blocks can be mined. Nobody has its key.
    pub fn address(&self) -> Result<&'static str> {
        Ok(self.regtest()?.addr_zero_p2pkh)
    }

    /// The data directory of the node `name`; it is made when it is first asked for.
    pub fn data(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Whether the daemon is not ours, so that only what every daemon has may be used.
    pub fn is_foreign(&self) -> bool {
        self.programs.foreign
    }

    /// Leaves the scenario unless the daemon is ours.
    pub fn needs_ours(&self, what: &str) -> Result<()> {
        ensure!(!self.is_foreign(), Skip(format!("a foreign daemon has no {what}")));
        Ok(())
    }

    /// Leaves the scenario unless the environment names a daemon that ours can be compared with.
    pub fn needs_judge(&self) -> Result<()> {
        self.daemon(Whose::Judge).map(drop)
    }

    /// Leaves the scenario unless blocks have Bitcoin's headers, rewards and transactions, which is what a test peer writes.
    pub fn needs_plain_blocks(&self) -> Result<()> {
        ensure!(self.coin.id == "bitcoin", Skip("the test peer does not write this coin's blocks".to_owned()));
        Ok(())
    }

    /// Starts the node `name` on its regtest and waits until it answers.
    pub fn start(&self, name: &str, options: &[&str]) -> Result<Node> {
        let (program, foreign) = self.daemon(Whose::Tested)?;
        self.launch(program.command(), foreign, name, options, false)
    }

    /// The same for a node to which peers can connect.
    pub fn start_listening(&self, whose: Whose, name: &str, options: &[&str]) -> Result<Node> {
        let (program, foreign) = self.daemon(whose)?;
        self.launch(program.command(), foreign, name, options, true)
    }

    /// The same as [`Stage::start`] for a node whose disk can become full ([`Node::fill_disk`]).
    pub fn start_on_small_disk(&self, name: &str, options: &[&str]) -> Result<Node> {
        let (program, foreign) = self.daemon(Whose::Tested)?;
        self.launch(faults::told_of_limits(&program), foreign, name, options, false)
    }

    /// The same as [`Stage::start`] through the wrapper, which becomes the daemon.
    pub fn start_wrapped(&self, name: &str, options: &[&str]) -> Result<Node> {
        self.launch(self.wrapper(&["node"])?, self.is_foreign(), name, options, false)
    }

    /// The wrapper with a command.
    fn wrapper(&self, words: &[&str]) -> Result<Command> {
        let none = || Skip("no variable names the wrapper that belongs to the daemon".to_owned());
        let mut command = self.programs.wrapper.as_ref().with_context(none)?.command();
        command.args(words);
        Ok(command)
    }

    /// Runs the wrapper's client for a node.
    pub fn wrapped_cli(&self, node: &Node, words: &[&str]) -> Result<Ended> {
        let mut command = self.wrapper(&["rpc"])?;
        command.args(place(node)).args(words);
        self.run_command(command)
    }

    /// Runs the offline tool on the wallets of the node `name`.
    pub fn wallet_tool(&self, name: &str, words: &[&str]) -> Result<Ended> {
        let none = || Skip("no variable names the wallet tool that belongs to the daemon".to_owned());
        let mut command = self.programs.wallet.as_ref().with_context(none)?.command();
        command.arg("-regtest").arg(format!("-datadir={}", self.data(name)?.display())).args(words);
        self.run_command(command)
    }

    /// The executable of somebody's daemon, and whether it is foreign.
    fn daemon(&self, whose: Whose) -> Result<(Program, bool)> {
        let Programs { daemon, foreign, ours, .. } = &self.programs;
        match whose {
            Whose::Tested => Ok((daemon.clone(), *foreign)),
            Whose::Ours => Ok((ours.clone().into(), false)),
            Whose::Judge => {
                let text = || Skip(format!("no judge: {} names no foreign daemon", self.coin.test_env_daemon));
                ensure!(*foreign, text());
                Ok((daemon.clone(), true))
            }
        }
    }

    fn launch(&self, mut command: Command, foreign: bool, name: &str, options: &[&str], listens: bool) -> Result<Node> {
        let data = self.data(name)?;
        let net = data.join(self.regtest()?.datadir_subdir);
        // What an earlier process left must not be taken for this one's.
        let _ = fs::remove_file(net.join("ready.json"));
        // Ours takes what is free, and writes down what that is.
        let port = || if foreign { free_port() } else { Ok(0) };
        let ports = Ports { rpc: port()?, p2p: listens.then(port).transpose()? };
        command.args(basic_options(&data)).arg(format!("-rpcport={}", ports.rpc));
        let attached = self.shape == Shape::Attached && !foreign;
        if attached {
            command.args(["-disablewallet", "-ipcbind=unix"]);
        }
        if let Some(port) = ports.p2p {
            command.args(["-listen=1", "-bind=127.0.0.1"]).arg(format!("-port={port}"));
        }
        command.args(options).stdin(Stdio::null()).stdout(append(&data.join("stdout.log"))?);
        let program = command.get_program().to_owned();
        let missing = || format!("starting {}", program.display());
        let child = command.stderr(append(&data.join("stderr.log"))?).spawn().with_context(missing)?;
        let errors = data.join("stderr.log");
        let started = Node::attach(child, data, net, ports, easy_gap(self.regtest()?));
        let mut node = started.map_err(|error| match fs::read_to_string(errors) {
            Ok(text) if text.contains(CANNOT_VALIDATE) => Skip(text.trim().to_owned()).into(),
            _ => error.context(format!("starting {name} with {options:?}")),
        })?;
        if attached {
            let mut words = vec!["-ipcconnect=unix"];
            words.extend(options);
            node.has_wallet(self.wallet(name, &words)?)?;
        }
        Ok(node)
    }

    /// Starts a wallet process for the node `name`.
    pub fn wallet(&self, name: &str, options: &[&str]) -> Result<Helper> {
        let data = self.data(name)?;
        let program = self.programs.ours.with_file_name(format!("{}-wallet", self.coin.id));
        let mut command = Command::new(&program);
        command.arg("-regtest").arg(format!("-datadir={}", data.display())).arg("-printtoconsole=0").args(options);
        command.stdin(Stdio::null()).stderr(append(&data.join("stderr.log"))?);
        let child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        Ok(Helper { child })
    }

    /// Starts a GUI without a window for the node `name`. What it shows is in that one's log.
    pub fn gui(&self, name: &str, options: &[&str]) -> Result<Helper> {
        let data = self.data(name)?;
        let mut command = self.gui_program()?;
        command.args(basic_options(&data)).args(["-platform=offscreen", "-debug=qt"]).args(options);
        command.stdin(Stdio::null()).stdout(append(&data.join("stdout.log"))?);
        let child = command.stderr(append(&data.join("stderr.log"))?).spawn();
        Ok(Helper { child: child.context("starting the GUI")? })
    }

    /// Runs the GUI with exactly these options, and without a display, until it ends by itself.
    pub fn run_gui(&self, options: &[&str]) -> Result<Ended> {
        let mut command = self.gui_program()?;
        command.args(options);
        self.run_command(command)
    }

    fn gui_program(&self) -> Result<Command> {
        let twin = if self.shape == Shape::Mono { "qt" } else { "gui" };
        let program = self.programs.ours.with_file_name(format!("{}-{twin}", self.coin.id));
        ensure!(program.is_file(), Skip("the GUI was left out of this build".to_owned()));
        let mut command = Command::new(&program);
        for display in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(display);
        }
        Ok(command)
    }

    /// Starts the node `name` as a GUI does that wants one of its own: over a socket pair. Its program must be ours.
    pub fn child(&self, name: &str, options: &[&str]) -> Result<(ChildProcess, UnixStream)> {
        let data = self.data(name)?;
        let mut arguments: Vec<OsString> = basic_options(&data).into_iter().map(Into::into).collect();
        arguments.extend(options.iter().map(Into::into));
        let options = ChildOptions { arguments, ..ChildOptions::default() };
        let program = &self.programs.ours;
        platform::child::spawn(program, &options).with_context(|| format!("starting {}", program.display()))
    }

    /// Runs the daemon with exactly these options until it ends by itself.
    pub fn run(&self, options: &[impl AsRef<OsStr>]) -> Result<Ended> {
        let mut command = self.programs.daemon.command();
        command.args(options);
        self.run_command(command)
    }

    /// Runs the command line client for a node.
    pub fn cli(&self, node: &Node, words: &[&str]) -> Result<Ended> {
        let mut command = self.programs.cli.command();
        command.args(place(node)).args(words);
        self.run_command(command)
    }

    /// The client and its options for a node, as a shell reads them.
    pub fn client_words(&self, node: &Node) -> Result<String> {
        let cli = &self.programs.cli;
        let first = std::iter::once(cli.path().as_os_str()).chain(cli.first().iter().map(OsString::as_os_str));
        let words: Option<Vec<String>> = first.map(|word| Some(shell::quote(word.to_str()?))).collect();
        let options = place(node).map(|word| shell::quote(&word));
        Ok([&words.context("the path of the client is not UTF-8")?[..], &options].concat().join(" "))
    }

    /// Runs the node `name` until it ends by itself, as it must with these options.
    fn run_node(&self, name: &str, options: &[&str]) -> Result<Ended> {
        let mut all = basic_options(&self.data(name)?);
        // The port of a daemon that somebody runs on this machine must not be the reason.
        all.push(format!("-rpcport={}", free_port()?));
        all.extend(options.iter().map(|&option| option.to_owned()));
        self.run(&all)
    }

    /// Runs the node `name` with options that let it end by itself when it has done its work.
    pub fn plays_out(&self, name: &str, options: &[&str]) -> Result<()> {
        let ended = self.run_node(name, options)?;
        ensure!(ended.status.success(), "{options:?} ended with {}: {}", ended.status, ended.stderr);
        Ok(())
    }

    /// Starts the node `name` with options that it must refuse, saying `part` on standard error.
    pub fn refuses(&self, name: &str, options: &[&str], part: &str) -> Result<()> {
        let ended = self.run_node(name, options)?;
        if ended.stderr.contains(CANNOT_VALIDATE) {
            bail!(Skip(ended.stderr.trim().to_owned()));
        }
        ensure!(ended.status.code() == Some(1), "{options:?} ended with {}: {}", ended.status, ended.stderr);
        ensure!(ended.stderr.contains(part), "{options:?}: expected `{part}` on standard error: {}", ended.stderr);
        Ok(())
    }

    fn run_command(&self, mut command: Command) -> Result<Ended> {
        let output = tempfile::tempdir_in(&self.dir)?;
        let (out, err) = (output.path().join("out"), output.path().join("err"));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        let missing = |command: &Command| format!("starting {}", command.get_program().display());
        let mut child = command.spawn().with_context(|| missing(&command))?;
        let status = until("the program's end", DEADLINE, || Ok(child.try_wait()?));
        if status.is_err() {
            child.kill()?;
            child.wait()?;
        }
        let text = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Ended { status: status?, stdout: text(&out)?, stderr: text(&err)? })
    }
}

/// A process beside a node. It is killed when it is dropped.
#[derive(Debug)]
pub struct Helper {
    child: Child,
}

impl Helper {
    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        processes::signal(self.child.id(), signal)
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus> {
        until("the process's end", DEADLINE, || Ok(self.child.try_wait()?))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The gap in seconds behind which a block is easy, on a chain whose blocks are otherwise as hard as its first one.
fn easy_gap(chain: &Chain) -> Option<u64> {
    let hard = chain.no_retargeting && chain.allow_min_difficulty && chain.genesis.bits != chain.pow_limit_bits;
    hard.then(|| 2 * u64::from(chain.pow_target_spacing) + 1)
}

/// Regtest in `data`, and no word to anybody.
fn basic_options(data: &Path) -> Vec<String> {
    let datadir = format!("-datadir={}", data.display());
    let fixed = ["-regtest", "-listen=0", "-discover=0", "-dnsseed=0", "-fixedseeds=0", "-connect=0"];
    fixed.iter().map(|&option| option.to_owned()).chain([datadir]).collect()
}

/// What tells a client where a node is.
fn place(node: &Node) -> [String; 3] {
    let [data, port] = [format!("-datadir={}", node.data().display()), format!("-rpcport={}", node.port())];
    ["-regtest".to_owned(), data, port]
}

fn append(path: &Path) -> Result<File> {
    Ok(fs::OpenOptions::new().create(true).append(true).open(path)?)
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Fails with both values unless they are equal.
pub fn expect_equal<T: PartialEq + fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<()> {
    ensure!(found == expected, "{what}: expected {expected:?}, found {found:?}");
    Ok(())
}
