//! Every method of every interface, over a connection and back. The methods, their arguments and their answers come from
//! the generator: a new method is tested before anybody writes a test.

use std::cell::Cell;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use interfaces::*;

use crate::conn::{Conn, ConnInfo, Role};
use crate::limits::Limits;
use crate::log::TEXTS;
use crate::object::Dispatch;
use crate::remote::Remote;
use crate::threadmap::{PoolSlot, ThreadServer};
use crate::wire::mining_capnp::block_template;

/// A value that is not the default.
trait Sample {
    fn make(seed: u8) -> Self;
}

/// On the heap, because some samples are large.
fn sample<T: Sample>() -> Box<T> {
    Box::new(T::make(1))
}

/// Implements everything; the generator writes how.
struct Sampler;

impl Sample for () {
    fn make(_: u8) -> Self {}
}

impl Sample for bool {
    fn make(_: u8) -> Self {
        true
    }
}

macro_rules! numbers {
    ($($name:ty)*) => {$(
        impl Sample for $name {
            fn make(seed: u8) -> Self {
                <$name>::from(seed) * <$name>::from(101_u8)
            }
        }
    )*};
}
numbers!(i32 u32 i64 u64 f64);

impl Sample for String {
    fn make(seed: u8) -> Self {
        format!("text {seed}")
    }
}

impl Sample for Json {
    fn make(seed: u8) -> Self {
        Self::new(format!("{{\"seed\":{seed}}}"))
    }
}

impl Sample for Secret {
    fn make(seed: u8) -> Self {
        Self::new(format!("secret {seed}"))
    }
}

impl Sample for Wait {
    fn make(seed: u8) -> Self {
        Self::millis(seed.into())
    }
}

macro_rules! hashes {
    ($($name:ident)*) => {$(
        impl Sample for $name {
            fn make(seed: u8) -> Self {
                Self::from_bytes([seed; 32])
            }
        }
    )*};
}
hashes!(BlockHash MerkleHash Txid Wtxid);

macro_rules! blobs {
    ($($name:ident)*) => {$(
        impl Sample for $name {
            fn make(seed: u8) -> Self {
                Self::new(&vec![seed; 100])
            }
        }
    )*};
}
blobs!(Bytes RawBlock RawHeader RawTx Script);

impl<T: Sample> Sample for Option<T> {
    fn make(seed: u8) -> Self {
        Some(T::make(seed))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn make(seed: u8) -> Self {
        vec![T::make(seed), T::make(seed.wrapping_add(100))]
    }
}

/// Serves `imp` at one end of a socket pair and runs `test` at the other.
fn over_the_wire<T: Dispatch + ?Sized>(imp: Arc<T>, test: impl FnOnce(&T)) {
    let info = ConnInfo { exe: "test".into(), peer: "test".into(), limits: Limits::default() };
    let (ours, theirs) = UnixStream::pair().unwrap();
    let serve = Role::Server(Box::new(move |cx| {
        // Nobody constructs here: calls name no thread and run on a pool.
        let thread = Rc::new(ThreadServer::worker(cx, "pool"));
        cx.pool.borrow_mut().push(Rc::new(PoolSlot { thread, depth: Cell::new(0) }));
        cx.export(imp)
    }));
    let server = Conn::start(theirs, info.clone(), serve, || {}).unwrap();
    let client = Conn::start(ours, info, Role::Client(0), || {}).unwrap();
    test(&*T::proxy(Remote::new(Some(client), 0)));
    assert!(server.wait_ended(Duration::from_secs(30)), "the last handle ends the connection");
}

#[test]
fn no_text_is_made_for_a_log_that_nobody_reads() {
    let texts = || TEXTS.load(Ordering::SeqCst);
    let echo = || {
        let imp: Arc<dyn Echo> = Arc::new(|text: &str| text.to_owned());
        over_the_wire(imp, |echo| assert_eq!(echo.echo("text").unwrap(), "text"));
    };
    echo();
    assert_eq!(texts(), 0);
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    echo();
    assert!(texts() >= 4, "request and answer, at either end: {}", texts());
}

/// A template of the generation before this one, whose `submitSolution` had another ordinal and answered with a flag.
struct OldTemplate;

impl block_template::Server for OldTemplate {
    async fn submit_solution_old7(
        self: Rc<Self>,
        params: block_template::SubmitSolutionOld7Params,
        mut results: block_template::SubmitSolutionOld7Results,
    ) -> capnp::Result<()> {
        results.get().set_result(params.get()?.get_nonce() == 7);
        Ok(())
    }
}

#[test]
fn an_older_server_is_asked_in_its_own_way() {
    let info = ConnInfo { exe: "test".into(), peer: "test".into(), limits: Limits::default() };
    let (ours, theirs) = UnixStream::pair().unwrap();
    let serve = Role::Server(Box::new(|_| {
        let client: block_template::Client = capnp_rpc::new_client(OldTemplate);
        client.client
    }));
    let _server = Conn::start(theirs, info.clone(), serve, || {}).unwrap();
    let client = Conn::start(ours, info, Role::Client(0), || {}).unwrap();
    let template = <dyn BlockTemplate>::proxy(Remote::new(Some(client), 0));
    let submit = |nonce| template.submit_solution(1, 2, nonce, &RawTx::new(&[1])).unwrap().unwrap();
    assert_eq!(submit(7), BlockCheck { result: true, ..BlockCheck::default() });
    assert_eq!(submit(8), BlockCheck::default());
    assert!(matches!(template.get_block(), Err(IpcError::Unimplemented(_))));
}

include!(concat!(env!("OUT_DIR"), "/roundtrip.rs"));
