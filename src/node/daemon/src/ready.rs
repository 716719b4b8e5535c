//! Telling harnesses that the node is ready, so that nobody has to poll: `ready.json`, written last, and `-readyfd`.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ::rpc::{Json, Object};
use config::Config;

/// What a harness wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The process.
    pub pid: u32,
    /// The chain's name.
    pub chain: &'static str,
    /// Where JSON-RPC listens.
    pub rpc: Vec<SocketAddr>,
    /// Where peers are accepted.
    pub p2p: Vec<SocketAddr>,
    /// The cookie file, if there is one.
    pub cookie: Option<PathBuf>,
    /// The data directory of the chain.
    pub data_dir: PathBuf,
}

impl Ready {
    /// One line of JSON.
    pub fn to_line(&self) -> String {
        let list = |addresses: &[SocketAddr]| Json::Arr(addresses.iter().map(|a| Json::str(a.to_string())).collect());
        let path = |p: &Path| Json::str(p.display().to_string());
        let object = Object::new()
            .with("pid", u64::from(self.pid))
            .with("chain", self.chain)
            .with("rpc", list(&self.rpc))
            .with("p2p", list(&self.p2p))
            .with("cookie", self.cookie.as_deref().map_or(Json::Null, path))
            .with("datadir", path(&self.data_dir));
        Json::from(object).write()
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        // It means nothing once the process is gone, so nobody waits for the disk.
        let new = file.with_extension("json.tmp");
        std::fs::write(&new, format!("{}\n", self.to_line()))?;
        std::fs::rename(new, file)
    }

    /// Writes the line to the descriptor that `-readyfd` names.
    pub fn tell(&self, config: &Config) {
        let Some(number) = config.args().get("readyfd") else { return };
        let told = platform::descriptor::adopt_writable(&number).map_err(|e| e.to_string());
        if let Err(e) = told.and_then(|file| self.send(file).map_err(|e| e.to_string())) {
            // The node runs, whoever wanted to know of it.
            tracing::warn!("-readyfd: {e}");
        }
    }

    /// Writes the line to a descriptor that the harness passed.
    pub fn send(&self, mut to: impl Write) -> std::io::Result<()> {
        writeln!(to, "{}", self.to_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_line_that_any_program_can_read() {
        let dir = tempfile::tempdir().unwrap();
        let ready = Ready {
            pid: 7,
            chain: "regtest",
            rpc: vec!["127.0.0.1:18443".parse().unwrap()],
            p2p: Vec::new(),
            cookie: Some("/x/.cookie".into()),
            data_dir: "/x".into(),
        };
        let file = dir.path().join("ready.json");
        ready.write(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            text,
            "{\"pid\":7,\"chain\":\"regtest\",\"rpc\":[\"127.0.0.1:18443\"],\"p2p\":[],\"cookie\":\"/x/.cookie\",\"datadir\":\"/x\"}\n"
        );
    }
}
