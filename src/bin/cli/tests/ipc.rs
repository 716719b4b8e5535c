//! The client against a node's socket.
#![cfg(feature = "ipc")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/mod.rs"]
mod support;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use fakes::FakeInit;
use interfaces::{Answer, BulkheadInit, Call, Chain, Echo, Hello, Init, Json, Mining, Node, Rpc, WalletLoader};
use ipc::{Address, Ipc, Options};
use support::Installed;

const FILE: &str = env!("CARGO_BIN_EXE_bulkhead-cli");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// Answers each request with what it was asked for.
struct Answering;

impl Rpc for Answering {
    fn execute_rpc(&self, request: &Json, uri: &str, user: &str) -> Call<Answer<Json>> {
        let request = rpc::json::parse(request.as_str().as_bytes()).unwrap();
        let seen = rpc::arr![uri, user, request.get("method").clone(), request.get("params").clone()];
        Ok(Ok(Json::new(rpc::obj! { "result" => seen }.write())))
    }
}

struct TestNode(FakeInit);

impl Init for TestNode {
    fn make_echo(&self) -> Call<Option<Arc<dyn Echo>>> {
        self.0.make_echo()
    }

    fn make_mining(&self) -> Call<Option<Arc<dyn Mining>>> {
        self.0.make_mining()
    }

    fn make_rpc(&self) -> Call<Option<Arc<dyn Rpc>>> {
        Ok(Some(Arc::new(Answering)))
    }
}

impl BulkheadInit for TestNode {
    fn handshake(&self, hello: &Hello) -> Call<Answer<Hello>> {
        self.0.handshake(hello)
    }

    fn make_chain(&self) -> Call<Option<Arc<dyn Chain>>> {
        self.0.make_chain()
    }

    fn make_node(&self) -> Call<Option<Arc<dyn Node>>> {
        self.0.make_node()
    }

    fn make_wallet_loader(&self, chain: Arc<dyn Chain>) -> Call<Answer<Option<Arc<dyn WalletLoader>>>> {
        self.0.make_wallet_loader(chain)
    }

    fn attach_wallets(&self, wallets: Arc<dyn WalletLoader>) -> Call<Answer<()>> {
        self.0.attach_wallets(wallets)
    }
}

/// A node of the coin and chain listens at the address.
fn listen(coin: &str, address: &str, data_dir: &Path) -> Ipc {
    let hello = Hello {
        coin: coin.into(),
        chain: "regtest".into(),
        genesis: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206".into(),
        version: "31.99.0".into(),
        role: "node".into(),
        capabilities: Vec::new(),
    };
    let node = Arc::new(TestNode(FakeInit { hello, ..FakeInit::default() }));
    let ipc = Ipc::new(Options::new("bitcoin-node"));
    ipc.listen(&Address::parse(address).unwrap(), data_dir, node).unwrap();
    ipc
}

/// A home in a short path, because the path of a socket has a limit.
struct Home {
    installed: Installed,
    data: tempfile::TempDir,
    port: u16,
}

impl Home {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("regtest")).unwrap();
        // A port that was free a moment ago: nobody answers over HTTP.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { installed: Installed::new(FILE, SCRATCH, &["bitcoin-cli"]), data, port }
    }

    fn net_dir(&self) -> std::path::PathBuf {
        self.data.path().join("regtest")
    }

    fn options(&self) -> Vec<String> {
        vec![format!("-datadir={}", self.data.path().display()), "-regtest".into(), format!("-rpcport={}", self.port)]
    }

    /// Standard output if it went well, else standard error.
    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let options = self.options();
        let all: Vec<&str> = options.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        let ran = self.installed.run("bitcoin-cli", &all);
        if ran.code == Some(0) { Ok(ran.stdout) } else { Err(ran.stderr) }
    }

    fn no_http(&self) -> String {
        format!("error: Error while attempting to communicate with server 127.0.0.1:{}", self.port)
    }
}

const ANSWER: &str = "[\n  \"/\",\n  \"\",\n  \"echo\",\n  [\n    \"foo\"\n  ]\n]\n";

#[test]
fn the_socket_is_preferred() {
    let home = Home::new();
    let _node = listen("bitcoin", "unix", &home.net_dir());
    for options in [&[][..], &["-ipcconnect=auto"], &["-ipcconnect=unix"], &["-ipcconnect=unix:node.sock"]] {
        assert_eq!(home.ask(&[options, &["echo", "foo"]].concat()).as_deref(), Ok(ANSWER), "{options:?}");
    }
    for options in [&["-rpcconnect=127.0.0.1"][..], &["-noipcconnect"], &["-ipcconnect=auto", "-rpcconnect=127.0.0.1"]]
    {
        let error = home.ask(&[options, &["echo", "foo"]].concat()).unwrap_err();
        assert!(error.starts_with(&home.no_http()), "{options:?}: {error}");
    }
    assert_eq!(
        home.ask(&["-ipcconnect=unix", "-rpcconnect=127.0.0.1", "echo"]).unwrap_err(),
        "error: -rpcconnect and -ipcconnect options cannot both be enabled\n"
    );
    let answer = home.ask(&["-rpcwallet=a/b", "-rpcuser=me", "echo"]).unwrap();
    assert!(answer.starts_with("[\n  \"/wallet/a%2Fb\",\n  \"me\",\n  \"echo\",\n"), "{answer}");
}

#[test]
fn nobody_listens() {
    let home = Home::new();
    let hint = "\n\nProbably bitcoin-node is not running or not listening on a unix socket. Can be started with:\n\n    \
                bitcoin-node -chain=regtest -ipcbind=unix\n";
    // A socket that was left behind.
    let socket = home.net_dir().join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    for (address, reason) in [("unix:left.sock", "Connection refused"), ("unix", "Connection refused")] {
        let error = home.ask(&[&format!("-ipcconnect={address}"), "echo"]).unwrap_err();
        assert_eq!(error, format!("error: {reason}{hint}"));
    }
    assert!(home.ask(&["echo"]).unwrap_err().starts_with(&home.no_http()));
    let waited = home.ask(&["-ipcconnect=unix", "-rpcwait", "-rpcwaittimeout=1", "echo"]).unwrap_err();
    assert!(waited.starts_with("error: timeout on transient error: Connection refused\n"), "{waited}");
    assert_eq!(home.ask(&["-ipcconnect=moon", "echo"]).unwrap_err(), "error: Unrecognized address 'moon'\n");
}

#[test]
fn a_node_of_another_coin_is_refused() {
    let home = Home::new();
    let _node = listen("freicoin", "unix", &home.net_dir());
    for options in [&[][..], &["-rpcwait"]] {
        let error = home.ask(&[options, &["echo"]].concat()).unwrap_err();
        assert!(error.contains("coin freicoin") && error.contains("coin bitcoin"), "{error}");
    }
}
