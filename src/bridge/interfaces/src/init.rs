//! What a process offers to whoever connects to it.

use std::sync::Arc;

use crate::{Answer, Call, Chain, Echo, Failure, Mining, Mining30, Node, Rpc, WalletLoader};

/// The bootstrap interface of Bitcoin Core's processes. `None` means that this process does not offer the interface.
///
/// Each `make_*` call makes a new object that belongs to the caller: interrupting a wait on it must not wake others,
/// because the object is interrupted when its connection goes away.
pub trait Init: Send + Sync {
    /// For testing the connection.
    fn make_echo(&self) -> Call<Option<Arc<dyn Echo>>>;

    /// Block templates and block submission.
    fn make_mining(&self) -> Call<Option<Arc<dyn Mining>>>;

    /// Block templates as they were in release 30. Refused unless the user wants it: what fails in a clear way now would
    /// else fail in a strange way later.
    fn make_mining_old2(&self) -> Call<Answer<Option<Arc<dyn Mining30>>>> {
        Ok(old_mining_refused())
    }

    /// JSON-RPC.
    fn make_rpc(&self) -> Call<Option<Arc<dyn Rpc>>>;
}

/// What a client of release 30 is told by who does not serve it.
pub fn old_mining_refused<T>() -> Answer<T> {
    Err(Failure::new("Old mining interface (@2) not supported. Please update your client!"))
}

/// The bootstrap interface between our own processes: theirs, and what only ours have.
pub trait BulkheadInit: Init {
    /// The first call on a connection between our processes. Each side says who it is; the answer is who the other is.
    /// A mismatch of coin, chain or genesis is a failure whose text is one sentence for the user.
    fn handshake(&self, hello: &Hello) -> Call<Answer<Hello>>;

    /// The node's chain, for a wallet.
    fn make_chain(&self) -> Call<Option<Arc<dyn Chain>>>;

    /// The node, for a GUI.
    fn make_node(&self) -> Call<Option<Arc<dyn Node>>>;

    /// The wallets, for a node. The wallet process reads the chain through `chain`.
    fn make_wallet_loader(&self, chain: Arc<dyn Chain>) -> Call<Answer<Option<Arc<dyn WalletLoader>>>>;

    /// A wallet process that was started by itself offers its wallets to the node, which forwards wallet RPCs to it from
    /// then on. Refused by who is no node, or has wallets already.
    fn attach_wallets(&self, wallets: Arc<dyn WalletLoader>) -> Call<Answer<()>>;
}

/// Who a process is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// The coin, by its profile's name: `bitcoin`.
    pub coin: String,
    /// The chain, as `-chain=` names it: `main`, `regtest`.
    pub chain: String,
    /// The hash of the genesis block, as the daemon prints it.
    pub genesis: String,
    /// The program's version: `31.99.0`.
    pub version: String,
    /// The role of the process: `node`, `wallet`, `gui`, `cli`.
    pub role: String,
    /// Names of what this side can do beyond the first version of the interfaces.
    pub capabilities: Vec<String>,
}

impl Hello {
    /// Checks that `self` may talk to `other`. The failure is the sentence that both sides log.
    ///
    /// Versions may differ: interfaces grow by adding methods, and a missing one is an error of that call alone.
    pub fn check(&self, other: &Self) -> Answer<()> {
        let mismatch = |what: &str, ours: &str, theirs: &str| {
            Err(Failure(format!(
                "This {} process is for {what} {ours}, but the {} process at the other end of the IPC connection is for \
                 {what} {theirs}.",
                self.role, other.role
            )))
        };
        if self.coin != other.coin {
            return mismatch("coin", &self.coin, &other.coin);
        }
        if self.chain != other.chain {
            return mismatch("chain", &self.chain, &other.chain);
        }
        if self.genesis != other.genesis {
            return mismatch("genesis block", &self.genesis, &other.genesis);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Hello;

    fn hello(role: &str, coin: &str, chain: &str) -> Hello {
        Hello { coin: coin.into(), chain: chain.into(), role: role.into(), genesis: "00".into(), ..Hello::default() }
    }

    #[test]
    fn a_mismatch_is_one_sentence() {
        let node = hello("node", "bitcoin", "main");
        assert_eq!(node.check(&hello("wallet", "bitcoin", "main")), Ok(()));
        assert_eq!(
            node.check(&hello("wallet", "bitcoin", "regtest")).unwrap_err().0,
            "This node process is for chain main, but the wallet process at the other end of the IPC connection is for \
             chain regtest."
        );
        assert!(node.check(&hello("gui", "syscoin", "main")).unwrap_err().0.contains("coin bitcoin"));
    }
}
