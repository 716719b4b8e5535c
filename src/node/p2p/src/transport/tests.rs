//! Tests of both transports, against each other and against the published examples.

use primitives::hex;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

fn chance(seed: u8) -> Chance {
    Chance::new([seed; 32])
}

fn pair(seed: u8) -> (Transport, Transport) {
    let mut chance = chance(seed);
    (Transport::v2(MAGIC, true, &mut chance), Transport::v2(MAGIC, false, &mut chance))
}

/// Moves bytes both ways in pieces until nothing moves.
fn pump(one: &mut Transport, two: &mut Transport, piece: usize) -> (Vec<Received>, Vec<Received>) {
    let (mut at_one, mut at_two) = (Vec::new(), Vec::new());
    loop {
        let (to_two, to_one) = (one.take_output(), two.take_output());
        if to_one.is_empty() && to_two.is_empty() {
            return (at_one, at_two);
        }
        for part in to_two.chunks(piece) {
            two.receive(part, &mut at_two).unwrap();
        }
        for part in to_one.chunks(piece) {
            one.receive(part, &mut at_one).unwrap();
        }
    }
}

fn names(list: &[Received]) -> Vec<(&str, &[u8])> {
    list.iter()
        .map(|it| match it {
            Received::Message { name, payload, .. } => (name.as_str(), payload.as_slice()),
            Received::Rejected { reason, .. } => panic!("{reason}"),
        })
        .collect()
}

#[test]
fn an_empty_verack_is_the_well_known_one() {
    let mut v1 = Transport::v1([0xf9, 0xbe, 0xb4, 0xd9]);
    assert_eq!(v1.send("verack", &[]), 24);
    assert_eq!(hex::encode(&v1.take_output()), "f9beb4d976657261636b000000000000000000005df6e0e2");
}

#[test]
fn a_wrong_checksum_drops_the_message_and_no_more() {
    let (mut from, mut to) = (Transport::v1(MAGIC), Transport::v1(MAGIC));
    from.send("ping", &[1; 8]);
    let mut bytes = from.take_output();
    bytes[20] ^= 1;
    from.send("ping", &[2; 8]);
    bytes.extend(from.take_output());
    let mut out = Vec::new();
    to.receive(&bytes, &mut out).unwrap();
    let Received::Rejected { reason, raw_size: 32 } = &out[0] else { panic!("{out:?}") };
    assert!(reason.to_string().starts_with("Header error: Wrong checksum (ping, 8 bytes), expected "), "{reason}");
    assert_eq!(names(&out[1..]), [("ping", &[2; 8][..])]);
}

#[test]
fn v1_headers_that_end_the_connection() {
    let mut out = Vec::new();
    let wrong = Transport::v1(MAGIC).receive(&[0xb0; 24], &mut out).unwrap_err();
    assert_eq!(wrong.to_string(), "Header error: Wrong MessageStart b0b0b0b0 received");
    let mut header = MAGIC.to_vec();
    header.extend(write_name("block"));
    header.extend(4_000_001_u32.to_le_bytes());
    header.extend([0; 4]);
    let large = Transport::v1(MAGIC).receive(&header, &mut out).unwrap_err();
    assert_eq!(large.to_string(), "Header error: Size too large (block, 4000001 bytes)");
    assert!(out.is_empty());
}

#[test]
fn a_name_with_strange_characters_is_dropped() {
    let (mut from, mut to) = (Transport::v1(MAGIC), Transport::v1(MAGIC));
    from.send("\u{1}bad", &[]);
    let mut out = Vec::new();
    to.receive(&from.take_output(), &mut out).unwrap();
    let reason = Rejected::MessageType { message: "bad".into(), size: 0 };
    assert_eq!(out, [Received::Rejected { reason, raw_size: 24 }]);
}

#[test]
fn both_sides_of_v2_agree() {
    for piece in [1, 7, 100_000] {
        let (mut caller, mut called) = pair(9);
        caller.send("version", b"hello");
        caller.send("ping", &[5; 8]);
        called.send("wtxidrelay", &[]);
        assert_eq!(called.kind(), TransportKind::Detecting);
        let (at_caller, at_called) = pump(&mut caller, &mut called, piece);
        assert_eq!(names(&at_called), [("version", &b"hello"[..]), ("ping", &[5; 8][..])]);
        assert_eq!(names(&at_caller), [("wtxidrelay", &[][..])]);
        assert_eq!((caller.kind(), called.kind()), (TransportKind::V2, TransportKind::V2));
        assert!(caller.session_id().is_some());
        assert_eq!(caller.session_id(), called.session_id());
        assert!(!caller.should_reconnect_v1());
    }
}

#[test]
fn a_v1_caller_gets_v1() {
    let mut caller = Transport::v1(MAGIC);
    let mut called = Transport::v2(MAGIC, false, &mut chance(1));
    caller.send("version", &[1, 2, 3]);
    let bytes = caller.take_output();
    let mut out = Vec::new();
    called.receive(&bytes[..16], &mut out).unwrap();
    assert_eq!(called.kind(), TransportKind::V1);
    called.receive(&bytes[16..], &mut out).unwrap();
    assert_eq!(names(&out), [("version", &[1, 2, 3][..])]);
    called.send("verack", &[]);
    assert_eq!(called.take_output().len(), 24);
}

#[test]
fn the_called_side_stays_silent_until_it_knows_what_is_spoken() {
    let mut called = Transport::v2(MAGIC, false, &mut chance(2));
    let mut out = Vec::new();
    called.receive(&MAGIC, &mut out).unwrap();
    assert!(called.take_output().is_empty());
    called.receive(b"x", &mut out).unwrap();
    assert!(called.take_output().len() >= KEY_BYTES);
}

const KEY_BYTES: usize = 64;

#[test]
fn a_v1_caller_of_another_network_is_named() {
    let mut called = Transport::v2(MAGIC, false, &mut chance(3));
    let mut start = vec![1, 2, 3, 4];
    start.extend(b"version\0\0\0\0\0");
    let error = called.receive(&start, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "V2 transport error: V1 peer with wrong MessageStart 01020304");
}

#[test]
fn endless_garbage_and_flipped_bits_end_the_connection() {
    let (mut caller, _) = pair(4);
    let mut out = Vec::new();
    assert!(caller.should_reconnect_v1());
    caller.receive(&[7; 64], &mut out).unwrap();
    caller.receive(&[0; 4110], &mut out).unwrap();
    assert_eq!(caller.receive(&[0], &mut out), Err(TransportError::NoGarbageTerminator));

    let (mut caller, mut called) = pair(5);
    pump(&mut caller, &mut called, 4096);
    caller.send("ping", &[1; 8]);
    let mut bytes = caller.take_output();
    bytes[5] ^= 1;
    assert_eq!(called.receive(&bytes, &mut out), Err(TransportError::Decryption(9)));
    // A broken transport stays silent and swallows what comes.
    assert_eq!(called.receive(&bytes, &mut out), Ok(()));
    assert!(out.is_empty());
}

#[test]
fn names_of_v2_packets() {
    let name = |contents: &[u8]| match read(contents) {
        Received::Message { name, .. } => Some(name),
        Received::Rejected { .. } => None,
    };
    assert_eq!(name(&[37, 1]).as_deref(), Some("feature"));
    assert_eq!(name(&[28]).as_deref(), Some("addrv2"));
    let mut long = vec![0];
    long.extend(write_name("version"));
    assert_eq!(name(&long).as_deref(), Some("version"));
    for bad in [&[][..], &[29], &[38], &[255], &[0, b'a'], &[0; 5]] {
        assert_eq!(name(bad), None, "{bad:?}");
    }
}

fn read(contents: &[u8]) -> Received {
    v2::read_contents(contents)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn messages_survive_any_cutting(
        messages in vec(("[a-z]{1,12}", vec(any::<u8>(), 0..400)), 0..8),
        piece in 1..900_usize,
        encrypted: bool,
        seed: u8,
    ) {
        let (mut one, mut two) =
            if encrypted { pair(seed) } else { (Transport::v1(MAGIC), Transport::v1(MAGIC)) };
        let mut sent = 0;
        for (name, payload) in &messages {
            sent += one.send(name, payload);
        }
        let (_, received) = pump(&mut one, &mut two, piece);
        let expected: Vec<_> = messages.iter().map(|(name, payload)| (name.as_str(), payload.as_slice())).collect();
        prop_assert_eq!(names(&received), expected);
        let counted: usize = received.iter().map(|it| match it {
            Received::Message { raw_size, .. } | Received::Rejected { raw_size, .. } => *raw_size,
        }).sum();
        prop_assert_eq!(counted, sent);
    }

    #[test]
    fn hostile_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..6000), initiating: bool, piece in 1..2000_usize) {
        let mut transport = Transport::v2(MAGIC, initiating, &mut chance(6));
        let mut out = Vec::new();
        for part in bytes.chunks(piece) {
            if transport.receive(part, &mut out).is_err() {
                break;
            }
        }
        prop_assert!(out.is_empty());
    }
}
