//! How connections end: clients that leave, nodes that stop, wallets that die. Nothing is left over.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, eventually, hello, options};
use fakes::FakeInit;
use interfaces::{
    BlockCreateOptions, BlockWaitOptions, Call, ChainNotifications, ConnectedBlock, Hello, Init, IpcError, Locator,
    RawTx, Wait,
};
use ipc::{Address, Backoff, Change, Connect, Error, Ipc, Reconnecting, Stats};

const NOTHING: Stats = Stats { connections: 0, workers: 0, objects: 0 };

fn fake() -> Arc<FakeInit> {
    Arc::new(FakeInit { hello: hello("node"), ..FakeInit::default() })
}

/// Two hundred clients come, ask for something that takes for ever, and are gone.
#[test]
fn clients_that_leave_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let server = Ipc::new(options("bitcoin-node"));
    let fake = fake();
    server.listen(&Address::Unix(None), dir.path(), fake.clone()).unwrap();
    let client = Ipc::new(options("bitcoin-gui"));
    let visit = |how: usize| {
        let peer = client.connect(&Connect::Auto, dir.path(), "node", Some(&hello("gui"))).unwrap().unwrap();
        let init = peer.init().clone();
        let mining = init.make_mining().unwrap().unwrap();
        let template = mining.create_new_block(&BlockCreateOptions::default(), false).unwrap().unwrap().unwrap();
        let waiting = thread::spawn(move || match how % 3 {
            0 => mining.wait_tip_changed(mining.get_tip()?.unwrap().hash, Wait::Forever).map(drop),
            1 => template.wait_next(&BlockWaitOptions::default()).map(drop),
            _ => init.make_echo().map(drop),
        });
        // Sometimes before the call is there, sometimes after.
        if how.is_multiple_of(2) {
            thread::yield_now();
        }
        peer.disconnect();
        match waiting.join().unwrap() {
            Ok(()) | Err(IpcError::Interrupted | IpcError::Disconnected) => {}
            Err(other) => panic!("{other}"),
        }
    };
    visit(0);
    eventually("the end of the first visit", || ipc::stats() == NOTHING);
    let (threads, descriptors) = (common::threads(), common::descriptors());
    for how in 0..200 {
        visit(how);
    }
    eventually("the end of everything", || ipc::stats() == NOTHING);
    eventually("the end of the threads", || common::threads() <= threads);
    assert!(common::descriptors() <= descriptors, "{} > {descriptors}", common::descriptors());
    assert_eq!(fake.mining.templates(), 0);
}

/// A client that stays, in the middle of a call, does not delay the end.
#[test]
fn a_client_that_stays_does_not_delay_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let server = Ipc::new(options("bitcoin-node"));
    let fake = fake();
    server.listen(&Address::Unix(None), dir.path(), fake.clone()).unwrap();
    let client = Ipc::new(options("bitcoin-gui"));
    let peer = client.connect(&Connect::Auto, dir.path(), "node", None).unwrap().unwrap();
    let mining = peer.init().make_mining().unwrap().unwrap();
    let tip = mining.get_tip().unwrap().unwrap();
    let waiting = thread::spawn(move || mining.wait_tip_changed(tip.hash, Wait::Forever));
    eventually("the wait", || ipc::stats().workers > 1);
    assert!(server.shutdown(PATIENCE));
    assert_eq!(waiting.join().unwrap(), Err(IpcError::Interrupted));
    assert!(fake.mining.interrupts() > 0, "the wait was woken");
    assert!(!dir.path().join("node.sock").exists());
    assert_eq!(peer.init().make_echo().map(drop), Err(IpcError::Disconnected));
    let gone = client.connect(&Connect::To(Address::Unix(None)), dir.path(), "node", None).unwrap_err();
    assert!(gone.is_nobody_there(), "{gone}");
    assert!(client.connect(&Connect::Auto, dir.path(), "node", None).unwrap().is_none());
}

struct Nobody;
impl interfaces::ScanSink for Nobody {
    fn batch(&self, _: &interfaces::ScanBatch) -> Call<interfaces::ScanReply> {
        Ok(interfaces::ScanReply::next())
    }
}

/// Objects end where their handles end, and not before.
#[test]
fn dropped_handles_end_their_objects() {
    let fake = fake();
    let pair = common::socket_pair(fake.clone());
    let mining = pair.peer.init().make_mining().unwrap().unwrap();
    let options = BlockCreateOptions::default();
    let templates: Vec<_> =
        (0..10).map(|_| mining.create_new_block(&options, false).unwrap().unwrap().unwrap()).collect();
    assert_eq!(fake.mining.templates(), 10);
    drop(templates);
    eventually("the end of the templates", || fake.mining.templates() == 0);
    let chain = pair.peer.init().make_chain().unwrap().unwrap();
    let sink = Arc::new(Nobody);
    chain.scan_blocks(&interfaces::ScanRequest::default(), sink.clone()).unwrap().unwrap();
    eventually("the end of the sink", || Arc::strong_count(&sink) == 1);
}

/// Tells where it ends.
struct Mortal(mpsc::Sender<thread::ThreadId>);

impl ChainNotifications for Mortal {
    fn transaction_added_to_mempool(&self, _: &RawTx) -> Call<()> {
        Ok(())
    }

    fn transaction_removed_from_mempool(&self, _: &RawTx, _: &str) -> Call<()> {
        Ok(())
    }

    fn block_connected(&self, _: &ConnectedBlock, _: bool) -> Call<()> {
        Ok(())
    }

    fn block_disconnected(&self, _: &ConnectedBlock) -> Call<()> {
        Ok(())
    }

    fn updated_block_tip(&self) -> Call<()> {
        Ok(())
    }

    fn chain_state_flushed(&self, _: &Locator) -> Call<()> {
        Ok(())
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

/// What a callee lets go of ends by itself, and not on the caller's thread: that goes on with something else as soon as
/// it has its answer, and may never look again at what it was asked to do.
#[test]
fn what_a_call_is_given_ends_without_its_caller() {
    let pair = common::socket_pair(fake());
    let chain = pair.peer.init().make_chain().unwrap().unwrap();
    let (ends, ended) = mpsc::channel();
    for _ in 0..100 {
        chain.request_mempool_transactions(Arc::new(Mortal(ends.clone()))).unwrap();
        assert_ne!(ended.recv_timeout(PATIENCE).unwrap(), thread::current().id());
    }
}

/// Templates that a client forgets are bounded.
#[test]
fn forgotten_templates_are_bounded() {
    let fake = fake();
    let mut few = options("bitcoin-node");
    few.limits.bounded_objects = 5;
    let server = Ipc::new(few);
    let client = Ipc::new(options("bitcoin-gui"));
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    server.serve(theirs, "client", fake.clone()).unwrap();
    let peer = client.attach(ours, "node", None).unwrap();
    let mining = peer.init().make_mining().unwrap().unwrap();
    let options = BlockCreateOptions::default();
    let templates: Vec<_> =
        (0..20).map(|_| mining.create_new_block(&options, false).unwrap().unwrap().unwrap()).collect();
    eventually("the end of the oldest", || fake.mining.templates() == 5);
    assert!(templates[19].get_block_header().is_ok());
    assert!(matches!(templates[0].get_block_header(), Err(IpcError::Remote(_))));
}

/// Whoever is for another chain is told so in a sentence, on both sides.
#[test]
fn a_mismatch_is_a_sentence() {
    let client = Ipc::new(options("bitcoin-gui"));
    let server = Ipc::new(options("bitcoin-node"));
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    server.serve(theirs, "client", fake()).unwrap();
    let other = Hello { chain: "main".into(), ..hello("gui") };
    let error = client.attach(ours, "node", Some(&other)).unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)));
    assert_eq!(
        error.to_string(),
        "This node process is for chain regtest, but the gui process at the other end of the IPC connection is for chain \
         main."
    );
}

/// A panic in a method is an error of that call.
#[test]
fn a_panic_is_an_error_of_its_call() {
    struct Bad(FakeInit);
    impl Init for Bad {
        fn make_echo(&self) -> Call<Option<Arc<dyn interfaces::Echo>>> {
            self.0.make_echo()
        }
        fn make_mining(&self) -> Call<Option<Arc<dyn interfaces::Mining>>> {
            panic!("a bug")
        }
        fn make_rpc(&self) -> Call<Option<Arc<dyn interfaces::Rpc>>> {
            Ok(None)
        }
    }
    impl interfaces::BulkheadInit for Bad {
        fn handshake(&self, hello: &Hello) -> Call<interfaces::Answer<Hello>> {
            self.0.handshake(hello)
        }
        fn make_chain(&self) -> Call<Option<Arc<dyn interfaces::Chain>>> {
            Ok(None)
        }
        fn make_node(&self) -> Call<Option<Arc<dyn interfaces::Node>>> {
            Ok(None)
        }
        fn make_wallet_loader(
            &self,
            _: Arc<dyn interfaces::Chain>,
        ) -> Call<interfaces::Answer<Option<Arc<dyn interfaces::WalletLoader>>>> {
            Ok(Ok(None))
        }
        fn attach_wallets(&self, wallets: Arc<dyn interfaces::WalletLoader>) -> Call<interfaces::Answer<()>> {
            self.0.attach_wallets(wallets)
        }
    }
    let bad = Arc::new(Bad(FakeInit { hello: hello("node"), ..FakeInit::default() }));
    let pair = common::socket_pair(bad);
    let init = pair.peer.init();
    assert!(matches!(init.make_mining().map(drop), Err(IpcError::Remote(text)) if text.contains("Init.makeMining")));
    assert!(init.make_rpc().unwrap().is_none());
    assert!(init.make_echo().unwrap().is_some());
}

/// The node dies and comes back; whoever was attached finds it again.
#[test]
fn a_node_that_comes_back_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let server = Ipc::new(options("bitcoin-node"));
        server.listen(&Address::Unix(None), dir.path(), fake()).unwrap();
        server
    };
    let path = dir.path().to_owned();
    let client = Ipc::new(options("bitcoin-gui"));
    let gone = Arc::new(AtomicUsize::new(0));
    let count = gone.clone();
    let wallet = Reconnecting::start(
        move || {
            let connect = Connect::To(Address::Unix(None));
            Ok(client.connect(&connect, &path, "node", Some(&hello("gui")))?.expect("it was asked for"))
        },
        Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(20) },
        move |change| {
            if let Change::Gone = change {
                count.fetch_add(1, Ordering::SeqCst);
            }
        },
    )
    .unwrap();
    assert_eq!(wallet.peer().map(drop), Err(IpcError::Disconnected));
    for life in 1..=3 {
        let node = start();
        let peer = wallet.wait(PATIENCE).unwrap();
        assert!(peer.init().make_echo().unwrap().is_some());
        drop(node);
        eventually("the loss", || gone.load(Ordering::SeqCst) == life);
        assert_eq!(wallet.peer().map(drop), Err(IpcError::Disconnected));
        eventually("the error of old objects", || peer.init().make_echo().is_err());
    }
}

/// Many threads over one connection, each with its own worker, all at once.
#[test]
fn many_threads_over_one_connection() {
    let pair = common::socket_pair(fake());
    let chain = pair.peer.init().make_chain().unwrap().unwrap();
    let rpc = pair.peer.init().make_rpc().unwrap().unwrap();
    thread::scope(|scope| {
        for worker in 0..16 {
            let (chain, rpc) = (&chain, &rpc);
            scope.spawn(move || {
                for round in 0..100 {
                    assert_eq!(chain.tip().unwrap().unwrap().height, 0);
                    let request = interfaces::Json::new(format!("{{\"id\":\"{worker}-{round}\"}}"));
                    let answer = rpc.execute_rpc(&request, "/", "u").unwrap().unwrap();
                    assert!(answer.as_str().contains(request.as_str()));
                }
            });
        }
    });
    // Their workers end with them.
    eventually("the end of the workers", || ipc::stats().workers <= 1);
}
