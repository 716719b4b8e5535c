//! Conversations with a router.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use p2p::{NetAddr, NetAddr::I2p};
use platform::SystemClock;

use super::*;
use crate::scripted::{Script, Scripted, on_local, sockets};

/// A key whose destination has a certificate of four bytes.
fn key() -> Vec<u8> {
    let mut key = vec![3; 385];
    key.extend([0, 4, 5, 0, 7, 0, 0]);
    key.extend([8; 64]);
    key
}

fn me() -> NetAddr {
    sam::address_of(sam::destination(&key()).unwrap())
}

const HELLO: &str = "HELLO VERSION MIN=3.1 MAX=3.1\n";

fn hello() -> (&'static str, String) {
    (HELLO, "HELLO REPLY RESULT=OK VERSION=3.1\n".into())
}

fn transient() -> Script {
    let created = format!("SESSION STATUS RESULT=OK DESTINATION={}\n", sam::encode_key(&key()));
    vec![hello(), ("SESSION CREATE STYLE=STREAM ID=", created)]
}

/// A call with that answer, and what the peer says then.
fn calling(answer: &str) -> Script {
    let found = "NAMING REPLY RESULT=OK NAME=x VALUE=AAAA\n".into();
    vec![hello(), ("NAMING LOOKUP NAME=", found), ("STREAM CONNECT ID=", answer.into())]
}

fn router(scripted: &Scripted, key_file: Option<PathBuf>) -> Router {
    let host = Endpoint::Tcp(([127, 0, 0, 1], 7656).into());
    Router::new(sockets(scripted), host, Duration::from_secs(5), key_file, Chance::new([1; 32]))
}

fn there() -> Service {
    Service { addr: I2p([5; 32]), port: PORT }
}

#[test]
fn a_call_from_an_address_that_nobody_knows() {
    let scripted = Scripted::new([transient(), calling("STREAM STATUS RESULT=OK\nhello")]);
    on_local(async {
        let router = router(&scripted, None);
        let mut connected = router.connect(there(), true).await.unwrap();
        assert_eq!((connected.local.unwrap().addr, connected.remote), (me(), Some(there())));
        let mut bytes = [0; 5];
        connected.stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello", "what follows the answer is the peer's");
        assert!(router.unused.borrow().is_empty(), "no second call comes from there");
    });
    let heard = scripted.heard.lock().unwrap();
    assert!(heard[1].contains("DESTINATION=TRANSIENT SIGNATURE_TYPE=7") && heard[1].contains("inbound.quantity=1"));
    assert_eq!(heard[3], format!("NAMING LOOKUP NAME={}\n", there().addr));
}

#[test]
fn whose_fault_it_is() {
    let failing = |answer: &str| {
        let scripted = Scripted::new([transient(), calling(answer)]);
        on_local(async {
            let router = router(&scripted, None);
            let error = router.connect(there(), false).await.unwrap_err();
            assert_eq!(router.unused.borrow().len(), 1, "the session is kept for another call");
            error
        })
    };
    assert!(!failing("STREAM STATUS RESULT=CANT_REACH_PEER MESSAGE=\"x\"\n"));
    assert!(!failing("STREAM STATUS RESULT=TIMEOUT\n"));
    assert!(failing("STREAM STATUS RESULT=I2P_ERROR\n"));
    assert!(failing("STREAM STATUS\n"));
    let nobody = Scripted::default();
    on_local(async {
        assert!(router(&nobody, None).connect(there(), true).await.unwrap_err());
        assert!(!router(&nobody, None).connect(Service { port: 8333, ..there() }, true).await.unwrap_err());
    });
    let endless = Scripted::new([vec![(HELLO, "a".repeat(MAX_LINE + 1))]]);
    on_local(async { assert!(router(&endless, None).connect(there(), true).await.unwrap_err()) });
}

#[test]
fn a_lasting_address_has_its_key_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let pair = format!("DEST REPLY PUB=x PRIV={}\n", sam::encode_key(&key()));
    let ok = || "SESSION STATUS RESULT=OK\n".to_owned();
    let first = vec![hello(), ("DEST GENERATE SIGNATURE_TYPE=7\n", pair), ("SESSION CREATE ", ok())];
    let again = vec![hello(), ("SESSION CREATE ", ok())];
    let called = || calling("STREAM STATUS RESULT=OK\n");
    let scripted = Scripted::new([first, called(), called(), again, called()]);
    on_local(async {
        let lasting = router(&scripted, Some(file.clone()));
        for _ in 0..2 {
            assert_eq!(lasting.connect(there(), false).await.unwrap().local.unwrap().addr, me());
        }
        assert_eq!(std::fs::read(&file).unwrap(), key());
        router(&scripted, Some(file.clone())).connect(there(), false).await.unwrap();
    });
    assert!(scripted.is_played());
    let heard = scripted.heard.lock().unwrap();
    let created = heard.iter().filter(|line| line.contains(&sam::encode_key(&key())));
    assert_eq!(created.count(), 2);
}

fn waker() -> (Waker, Receiver<Input>) {
    let (inputs, queue) = channel();
    (Waker::new(inputs, Arc::new(SystemClock::new())), queue)
}

#[test]
fn callers_are_known_by_their_destination() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, key()).unwrap();
    let caller = sam::encode_key(&[9; 391]);
    let accepting = |then: &str| vec![hello(), ("STREAM ACCEPT ID=", format!("STREAM STATUS RESULT=OK\n{then}"))];
    let session = vec![hello(), ("SESSION CREATE ", "SESSION STATUS RESULT=OK\n".to_owned())];
    let scripted = Scripted::new([
        session,
        accepting(&format!("{caller}\nversion")),
        accepting("STREAM STATUS RESULT=I2P_ERROR\n"),
    ]);
    let (waker, queue) = waker();
    on_local(async {
        let router = Rc::new(router(&scripted, Some(file)));
        tokio::task::spawn_local(accept(Rc::clone(&router), waker));
        let mut seen = Vec::new();
        while seen.len() < 2 {
            tokio::task::yield_now().await;
            seen.extend(queue.try_iter());
        }
        let [Input::Local(own, true), Input::Accepted { listener: None, connected }] = &mut seen[..] else {
            panic!("an address, then a caller")
        };
        assert_eq!((own.addr, connected.remote.unwrap().addr), (me(), sam::address_of(&[9; 391])));
        let mut bytes = [0; 7];
        connected.stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"version");
        // What the router says next ends the session.
        let Some(session) = &router.lasting else { panic!("it listens") };
        while session.lock().await.open.is_some() || !scripted.is_played() {
            tokio::task::yield_now().await;
        }
    });
}
