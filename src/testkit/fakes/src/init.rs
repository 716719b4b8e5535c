//! A process that offers everything.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::{FakeChain, FakeEcho, FakeHandler, FakeMining, FakeWalletLoader, lock};
use interfaces::{
    Answer, BulkheadInit, Call, Chain, Echo, Failure, Handler, Hello, Init, Json, Mining, Node, NodeNotifications,
    NodeStatus, Rpc, WalletLoader,
};

/// The fake. Its parts are shared with the test.
#[derive(Clone, Default)]
pub struct FakeInit {
    /// Who it says it is.
    pub hello: Hello,
    /// Its chain as a miner sees it.
    pub mining: FakeMining,
    /// Its chain as a wallet sees it.
    pub chain: Arc<FakeChain>,
    /// Its wallets.
    pub wallets: Arc<FakeWalletLoader>,
    /// The chain that a node gave to its wallet process.
    pub node_chain: Arc<Mutex<Option<Arc<dyn Chain>>>>,
    /// Wallets that were offered to it.
    pub attached: Arc<Mutex<Option<Arc<dyn WalletLoader>>>>,
}

impl fmt::Debug for FakeInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeInit").field("hello", &self.hello).finish_non_exhaustive()
    }
}

impl Init for FakeInit {
    fn make_echo(&self) -> Call<Option<Arc<dyn Echo>>> {
        Ok(Some(Arc::new(FakeEcho)))
    }

    fn make_mining(&self) -> Call<Option<Arc<dyn Mining>>> {
        Ok(Some(Arc::new(self.mining.clone())))
    }

    fn make_rpc(&self) -> Call<Option<Arc<dyn Rpc>>> {
        Ok(Some(Arc::new(FakeRpc)))
    }
}

impl BulkheadInit for FakeInit {
    fn handshake(&self, hello: &Hello) -> Call<Answer<Hello>> {
        Ok(self.hello.check(hello).map(|()| self.hello.clone()))
    }

    fn make_chain(&self) -> Call<Option<Arc<dyn Chain>>> {
        Ok(Some(self.chain.clone()))
    }

    fn make_node(&self) -> Call<Option<Arc<dyn Node>>> {
        Ok(Some(Arc::new(FakeNode { wallets: self.wallets.clone(), ..FakeNode::default() })))
    }

    fn make_wallet_loader(&self, chain: Arc<dyn Chain>) -> Call<Answer<Option<Arc<dyn WalletLoader>>>> {
        *lock(&self.node_chain) = Some(chain);
        Ok(Ok(Some(self.wallets.clone())))
    }

    fn attach_wallets(&self, wallets: Arc<dyn WalletLoader>) -> Call<Answer<()>> {
        let mut attached = lock(&self.attached);
        if attached.is_some() {
            return Ok(Err(Failure::new("This node has wallets already.")));
        }
        *attached = Some(wallets);
        Ok(Ok(()))
    }
}

/// Answers every request with the request and its address, if it looks like JSON.
#[derive(Debug, Default)]
pub struct FakeRpc;

impl FakeRpc {
    pub(super) fn execute(request: &Json, uri: &str) -> Answer<Json> {
        if !request.as_str().trim_start().starts_with(['{', '[']) {
            return Err(Failure::new("invalid JSON received over IPC"));
        }
        let result = format!(r#"{{"uri":"{uri}","request":{}}}"#, request.as_str());
        Ok(Json::new(format!(r#"{{"result":{result},"error":null,"id":null}}"#)))
    }
}

impl Rpc for FakeRpc {
    fn execute_rpc(&self, request: &Json, uri: &str, _user: &str) -> Call<Answer<Json>> {
        Ok(Self::execute(request, uri))
    }
}

type Watchers = Arc<Mutex<Vec<(usize, Arc<dyn NodeNotifications>)>>>;

/// A node without a network.
#[derive(Clone, Default)]
pub struct FakeNode {
    wallets: Arc<FakeWalletLoader>,
    status: Arc<Mutex<NodeStatus>>,
    watchers: Watchers,
    subscriptions: Arc<Mutex<usize>>,
}

impl fmt::Debug for FakeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeNode")
    }
}

impl FakeNode {
    fn tell(&self, tell: impl Fn(&dyn NodeNotifications) -> Call<()>) {
        let watchers = lock(&self.watchers).clone();
        for (_, watcher) in watchers {
            // A watcher that is gone will be taken off when its handler ends.
            tell(&*watcher).ok();
        }
    }
}

impl Node for FakeNode {
    fn status(&self) -> Call<NodeStatus> {
        Ok(lock(&self.status).clone())
    }

    fn execute_rpc(&self, request: &Json, uri: &str) -> Call<Answer<Json>> {
        Ok(FakeRpc::execute(request, uri))
    }

    fn list_rpc_commands(&self) -> Call<Vec<String>> {
        Ok(vec!["getblockcount".into(), "help".into()])
    }

    fn set_network_active(&self, active: bool) -> Call<()> {
        lock(&self.status).network_active = active;
        self.tell(|watcher| watcher.network_changed(0, active));
        Ok(())
    }

    fn wallet_loader(&self) -> Call<Option<Arc<dyn WalletLoader>>> {
        Ok(Some(self.wallets.clone()))
    }

    fn handle_notifications(&self, notifications: Arc<dyn NodeNotifications>) -> Call<Arc<dyn Handler>> {
        let number = {
            let mut subscriptions = lock(&self.subscriptions);
            *subscriptions += 1;
            *subscriptions
        };
        lock(&self.watchers).push((number, notifications));
        let watchers = self.watchers.clone();
        Ok(Arc::new(FakeHandler::new(move || {
            let mut list = lock(&watchers);
            let (gone, left): (Vec<_>, Vec<_>) = list.drain(..).partition(|(other, _)| *other == number);
            *list = left;
            drop(list);
            drop(gone);
        })))
    }

    fn start_shutdown(&self) -> Call<()> {
        self.tell(|watcher| watcher.init_message("Shutting down"));
        Ok(())
    }
}
