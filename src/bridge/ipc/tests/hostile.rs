//! Peers that mean harm, or are broken: no panic, no hang, and the next client is served.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp_rpc::rpc_capnp::cap_descriptor::Builder as Cap;
use capnp_rpc::rpc_capnp::{message, return_};
use common::{PATIENCE, eventually, hello, options};
use fakes::FakeInit;
use fakes::contract;
use ipc::{Ipc, Limits};
use proptest::prelude::{ProptestConfig, any, prop, proptest};

const BULKHEAD_INIT: u64 = 0x8838_c700_ba5c_ba65;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A server that is harmed, and a count of what it must not do.
struct Target {
    server: Ipc,
    fake: Arc<FakeInit>,
}

impl Target {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let default = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                PANICS.fetch_add(1, Ordering::SeqCst);
                default(info);
            }));
        });
        let mut options = options("bitcoin-node");
        options.limits = limits;
        options.limits.cancel_grace = Duration::from_millis(50);
        Self { server: Ipc::new(options), fake: Arc::new(FakeInit { hello: hello("node"), ..FakeInit::default() }) }
    }

    /// Sends bytes and hangs up; the server has to let go, whatever they were.
    fn harm(&self, bytes: &[u8]) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let served = self.server.serve(theirs, "attacker", self.fake.clone()).unwrap();
        // The server may hang up while we write.
        ours.write_all(bytes).ok();
        ours.shutdown(Shutdown::Write).ok();
        let mut answer = Vec::new();
        ours.read_to_end(&mut answer).ok();
        assert!(served.wait(PATIENCE), "the connection did not end");
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "a peer made the server panic");
    }

    fn still_serves(&self) {
        let client = Ipc::new(options("bitcoin-gui"));
        let (ours, theirs) = UnixStream::pair().unwrap();
        self.server.serve(theirs, "friend", self.fake.clone()).unwrap();
        let peer = client.attach(ours, "node", Some(&hello("gui"))).unwrap();
        contract::check_echo(&*peer.init().make_echo().unwrap().unwrap());
        assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    }
}

fn frame(build: impl FnOnce(message::Builder<'_>)) -> Vec<u8> {
    let mut builder = Builder::new(HeapAllocator::new());
    build(builder.init_root());
    capnp::serialize::write_message_to_words(&builder)
}

fn bootstrap(question: u32) -> Vec<u8> {
    frame(|message| message.init_bootstrap().set_question_id(question))
}

fn finish(question: u32) -> Vec<u8> {
    frame(|message| {
        let mut finish = message.init_finish();
        finish.set_question_id(question);
        finish.set_release_result_caps(true);
    })
}

/// A call on the answer to another question, or on the pipeline of its first result.
fn call(question: u32, on: u32, interface: u64, method: u16, through_result: bool) -> Vec<u8> {
    frame(|message| {
        let mut call = message.init_call();
        call.set_question_id(question);
        call.set_interface_id(interface);
        call.set_method_id(method);
        call.reborrow().init_params();
        let mut answer = call.init_target().init_promised_answer();
        answer.set_question_id(on);
        if through_result {
            answer.init_transform(1).get(0).set_get_pointer_field(0);
        }
    })
}

/// A conversation as an honest client has it: bootstrap, construct, make an echo, echo, finish.
fn session() -> Vec<Vec<u8>> {
    const ECHO: u64 = 0xd36b_8964_0dc9_4399;
    const THREAD_MAP: u64 = 0xee5e_3717_9ad9_dc9d;
    vec![
        bootstrap(0),
        call(1, 0, BULKHEAD_INIT, 0, false),
        call(2, 1, THREAD_MAP, 0, true),
        call(3, 0, BULKHEAD_INIT, 1, false),
        call(4, 3, ECHO, 1, true),
        call(5, 3, ECHO, 0, true),
        finish(0),
        finish(1),
        finish(4),
    ]
}

/// What our own client says in a conversation with threads, contexts and callbacks.
fn recorded() -> &'static [u8] {
    static RECORDED: OnceLock<Vec<u8>> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let target = Target::new();
        let (ours, mut client_end) = UnixStream::pair().unwrap();
        let (mut server_end, theirs) = UnixStream::pair().unwrap();
        target.server.serve(theirs, "client", target.fake.clone()).unwrap();
        let mut from_server = server_end.try_clone().unwrap();
        let mut to_client = client_end.try_clone().unwrap();
        let back = std::thread::spawn(move || {
            std::io::copy(&mut from_server, &mut to_client).ok();
        });
        let forth = std::thread::spawn(move || {
            let mut said = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = client_end.read(&mut buffer) {
                said.extend(&buffer[..read]);
                if server_end.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            server_end.shutdown(Shutdown::Both).ok();
            said
        });
        {
            let client = Ipc::new(options("bitcoin-gui"));
            let peer = client.attach(ours, "node", Some(&hello("gui"))).unwrap();
            let chain = peer.init().make_chain().unwrap().unwrap();
            target.fake.chain.advance(30);
            let spend = || interfaces::RawTx::new(&[5; 40]);
            contract::check_chain(&*chain, &|blocks| target.fake.chain.advance(blocks), &spend);
            let mining = peer.init().make_mining().unwrap().unwrap();
            let template = mining.create_new_block(&interfaces::BlockCreateOptions::default(), false).unwrap().unwrap();
            drop(template);
        }
        let said = forth.join().unwrap();
        back.join().unwrap();
        said
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        Target::new().harm(&bytes);
    }

    #[test]
    fn flipped_bits(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..12)) {
        let mut bytes = recorded().to_vec();
        for (index, bit) in flips {
            let at = index.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Target::new().harm(&bytes);
    }

    #[test]
    fn shuffled_and_repeated(order in prop::collection::vec(0..9_usize, 1..30)) {
        let parts = session();
        let bytes: Vec<u8> = order.into_iter().flat_map(|part| parts[part].clone()).collect();
        Target::new().harm(&bytes);
    }

    #[test]
    fn cut_short(cut in any::<prop::sample::Index>()) {
        let bytes = recorded();
        Target::new().harm(&bytes[..cut.index(bytes.len())]);
    }
}

#[test]
fn an_honest_session_is_answered() {
    let target = Target::new();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let _served = target.server.serve(theirs, "client", target.fake.clone()).unwrap();
    for part in &session()[..2] {
        ours.write_all(part).unwrap();
    }
    for question in 0..2 {
        let reader = capnp::serialize::read_message(&mut ours, ReaderOptions::new()).unwrap();
        let root: message::Reader<'_> = reader.get_root().unwrap();
        let Ok(message::Return(answer)) = root.which() else { panic!("not an answer") };
        let answer = answer.unwrap();
        assert_eq!(answer.get_answer_id(), question);
        assert!(matches!(answer.which(), Ok(return_::Results(_))));
    }
}

#[test]
fn lies_about_sizes() {
    let target = Target::new();
    // A segment of 32 GiB; 4 Gi segments; 511 segments of 4 GiB; nothing.
    target.harm(&[[0; 4], [0xff; 4]].concat());
    target.harm(&[0xff; 8]);
    let mut table = vec![0xfe, 1, 0, 0];
    table.extend([0xff; 4 * 511]);
    target.harm(&table);
    target.harm(&[]);
    target.harm(&[0; 8]);
    target.still_serves();
}

/// Fills in a capability, and how often to do that.
type Hostile<'a> = (&'a dyn Fn(Cap<'_>), u32);

#[test]
fn hostile_capabilities() {
    let target = Target::new();
    let calls = |cap: &dyn Fn(Cap<'_>), count: u32| {
        frame(|message| {
            let mut call = message.init_call();
            call.set_question_id(1);
            call.set_interface_id(BULKHEAD_INIT);
            let mut payload = call.reborrow().init_params();
            let mut table = payload.reborrow().init_cap_table(count);
            for index in 0..count {
                cap(table.reborrow().get(index));
            }
            // The thread map is a capability that may not be in the table.
            let mut content = payload.get_content().init_as::<capnp::any_pointer::Builder<'_>>();
            content.set_as::<capnp::data::Owned>(&[1_u8, 2, 3][..]).unwrap();
            call.init_target().init_promised_answer().set_question_id(0);
        })
    };
    let hostile: [Hostile<'_>; 7] = [
        (&|mut cap: Cap<'_>| cap.set_receiver_hosted(99), 3),
        (&|mut cap: Cap<'_>| cap.set_sender_hosted(7), 1000),
        (&|mut cap: Cap<'_>| cap.set_sender_promise(7), 2),
        (&|mut cap: Cap<'_>| cap.set_sender_hosted(7), 5000),
        (&|cap: Cap<'_>| cap.init_receiver_answer().set_question_id(0), 2),
        (&|cap: Cap<'_>| cap.init_receiver_answer().set_question_id(77), 2),
        (&|cap: Cap<'_>| cap.init_third_party_hosted().set_vine_id(3), 1),
    ];
    for (cap, count) in hostile {
        target.harm(&[bootstrap(0), calls(cap, count)].concat());
    }
    // Answers to questions that were never asked, releases of what was never given, embargoes that never were.
    target.harm(&frame(|message| message.init_return().set_answer_id(3)));
    target.harm(&frame(|message| {
        let mut release = message.init_release();
        release.set_id(0);
        release.set_reference_count(9);
    }));
    target.harm(&frame(|message| message.init_disembargo().init_context().set_receiver_loopback(5)));
    target.harm(
        &[
            bootstrap(0),
            frame(|message| {
                let mut disembargo = message.init_disembargo();
                disembargo.reborrow().init_target().set_imported_cap(0);
                disembargo.init_context().set_sender_loopback(5);
            }),
        ]
        .concat(),
    );
    target.harm(&frame(|message| message.init_resolve().set_promise_id(4)));
    target.harm(&frame(|message| {
        message.init_abort().set_reason("goodbye");
    }));
    target.still_serves();
}

#[test]
fn deep_messages() {
    // A list of a list of a list, further than anyone reads.
    let mut words: Vec<u64> = vec![0; 300];
    // The root is a struct with one pointer; each pointer leads to a list of one pointer behind it.
    words[0] = 1 << 48;
    for word in &mut words[1..] {
        *word = 1 | (6 << 32) | (1 << 35);
    }
    let mut bytes = vec![0, 0, 0, 0];
    bytes.extend(u32::try_from(words.len()).unwrap().to_le_bytes());
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let target = Target::new();
    target.harm(&bytes);
    target.still_serves();
}

#[test]
fn too_much_of_everything() {
    let small = Limits {
        threads: 4,
        calls: 100,
        objects: 50,
        message_bytes: 1 << 16,
        unsent_bytes: 1 << 20,
        ..Limits::default()
    };
    let target = Target::with(small);
    // Calls that are never finished.
    let mut many = bootstrap(0);
    for question in 1..1000 {
        many.extend(call(question, 0, BULKHEAD_INIT, 3, false));
    }
    target.harm(&many);
    // Objects that are never released.
    let mut many = bootstrap(0);
    for question in 1..90 {
        many.extend(call(question, 0, BULKHEAD_INIT, 1, false));
    }
    target.harm(&many);
    // Threads.
    let mut many = [bootstrap(0), call(1, 0, BULKHEAD_INIT, 0, false)].concat();
    for question in 2..50 {
        many.extend(call(question, 1, 0xee5e_3717_9ad9_dc9d, 0, true));
    }
    target.harm(&many);
    // A message that is too long by itself.
    target.harm(&[&[0, 0, 0, 0, 0, 0, 1, 0][..], &vec![0; 1 << 19]].concat());
    target.still_serves();
    eventually("the end of all objects", || ipc::stats().objects == 0);
}

#[test]
fn a_peer_that_never_reads() {
    let target = Target::with(Limits { unsent_bytes: 1 << 16, ..Limits::default() });
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let served = target.server.serve(theirs, "deaf", target.fake.clone()).unwrap();
    ours.set_write_timeout(Some(PATIENCE)).unwrap();
    // Questions, never an ear for the answers.
    ours.write_all(&bootstrap(0)).unwrap();
    let mut question = 0;
    while !served.wait(Duration::ZERO) {
        question += 1;
        let asked = [call(question, 0, 0xdead, 0, false), finish(question)].concat();
        if ours.write_all(&asked).is_err() {
            break;
        }
    }
    assert!(served.wait(PATIENCE), "it was not disconnected");
    target.still_serves();
}
