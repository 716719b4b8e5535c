//! A publisher and a subscriber that speaks the protocol byte by byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use super::*;

fn notifier(topic: Topic, address: &str, high_water: usize) -> Notifier {
    Notifier { topic, address: address.to_owned(), high_water }
}

/// Greets, says that it subscribes, and to what.
fn subscribe(stream: &mut (impl io::Read + io::Write), topic: &str) {
    stream.write_all(&wire::greeting()).unwrap();
    let mut greeting = [0; 64];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(greeting, wire::greeting());
    stream.write_all(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB").unwrap();
    let mut ready = [0; 27];
    stream.read_exact(&mut ready).unwrap();
    assert_eq!(&ready, b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB");
    let length = u8::try_from(topic.len()).unwrap() + 1;
    stream.write_all(&[&[0, length, 1], topic.as_bytes()].concat()).unwrap();
}

fn wait_for_topics(publisher: &Publisher, count: usize) {
    let known = |peer: &Arc<Peer>| peer.topics();
    while publisher.sockets[0].shared.peers().iter().map(known).sum::<usize>() < count {
        std::thread::yield_now();
    }
}

#[test]
fn a_subscriber_gets_what_it_asked_for_in_order() {
    let address = "tcp://127.0.0.1:0";
    let wanted = [Topic::HashBlock, Topic::RawTx].map(|topic| notifier(topic, address, 10));
    let publisher = Publisher::bind(wanted.to_vec()).unwrap();
    assert_eq!(publisher.notifiers().cloned().collect::<Vec<_>>(), wanted);
    let Place::Tcp(local) = publisher.sockets[0].place else { panic!("no TCP") };
    assert_eq!(publisher.sockets.len(), 1);
    let mut stream = TcpStream::connect(local).unwrap();
    subscribe(&mut stream, "raw");
    wait_for_topics(&publisher, 1);
    publisher.publish(Topic::HashBlock, || vec![1; 32]);
    publisher.publish(Topic::Sequence, || panic!("nobody publishes this"));
    publisher.publish(Topic::RawTx, || vec![2; 3]);
    publisher.publish(Topic::RawTx, || vec![3; 256]);
    let mut got = [0; 2 + 5 + 2 + 3 + 2 + 4];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\x01\x05rawtx\x01\x03\x02\x02\x02\x00\x04\0\0\0\0");
    let mut got = vec![0; 2 + 5 + 9 + 256 + 2 + 4];
    stream.read_exact(&mut got).unwrap();
    assert_eq!((&got[7..16], &got[272..]), (&b"\x03\0\0\0\0\0\0\x01\0"[..], &b"\0\x04\x01\0\0\0"[..]));
    drop(publisher);
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn a_subscriber_that_does_not_read_misses_what_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let address = format!("ipc://{}", path.display());
    let publisher = Publisher::bind(vec![notifier(Topic::RawBlock, &address, 2)]).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    subscribe(&mut stream, "");
    wait_for_topics(&publisher, 1);
    // More than the system's buffers take.
    for _ in 0..20 {
        publisher.publish(Topic::RawBlock, || vec![7; 1 << 20]);
    }
    let waiting = publisher.sockets[0].shared.peers()[0].waiting();
    assert!(waiting <= 2, "{waiting}");
    drop(publisher);
    assert!(!path.exists());
}

#[test]
fn strangers_and_bad_addresses_are_turned_away() {
    let publisher = Publisher::bind(vec![notifier(Topic::HashTx, "tcp://127.0.0.1:0", 0)]).unwrap();
    let Place::Tcp(local) = publisher.sockets[0].place else { panic!("no TCP") };
    let mut stream = TcpStream::connect(local).unwrap();
    stream.write_all(&[b'G'; 64]).unwrap();
    let mut rest = Vec::new();
    // The greeting, and then the end. What was sent unread may make it a reset.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() <= 64);
    for address in ["foo", "tcp://", "tcp://127.0.0.1", "ipc:///nowhere/at/all"] {
        let refused = Publisher::bind(vec![notifier(Topic::HashTx, address, 0)]).unwrap_err();
        assert!(refused.to_string().contains(address), "{refused}");
    }
}

#[test]
fn frames_longer_than_any_subscription_are_refused() {
    assert!(wire::read_frame(&mut &b"\x02\xff\xff\xff\xff\xff\xff\xff\xff"[..]).is_err());
    assert!(wire::read_frame(&mut &b"\0\x05abc"[..]).is_err());
    let frame = wire::read_frame(&mut &b"\0\x02\x01a"[..]).unwrap();
    assert_eq!(frame.wish(), Some(wire::Wish::Subscribe(b"a".to_vec())));
}
