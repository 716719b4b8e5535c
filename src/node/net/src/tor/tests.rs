//! Whole conversations over connections.

use std::sync::Arc;
use std::sync::mpsc::channel;

use platform::SystemClock;

use super::*;
use crate::scripted::{Scripted, on_local, sockets};

const ID: &str = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd";

fn control(dir: &Path) -> Control {
    let center = "127.0.0.1:1".to_owned();
    Control {
        settings: TorControl { center, password: String::new(), finds_proxy: true, may_reach: true },
        target: SocketAddr::from(([127, 0, 0, 1], 8334)),
        port: 8333,
        timeout: Duration::from_secs(5),
        key_file: dir.join("onion_v3_private_key"),
        chance: Chance::new([1; 32]),
    }
}

#[test]
fn a_service_is_asked_for_and_its_key_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let scripted = Scripted::new([vec![
        ("PROTOCOLINFO 1\r\n", "250-AUTH METHODS=NULL\r\n250 OK\r\n".into()),
        ("AUTHENTICATE\r\n", "250 OK\r\n".into()),
        ("GETINFO net/listeners/socks\r\n", "250-net/listeners/socks=\"127.0.0.1:7\"\r\n250 OK\r\n".into()),
        ("ADD_ONION NEW:ED25519-V3 PoW", format!("250-ServiceID={ID}\r\n250-PrivateKey=ED25519-V3:key\r\n250 OK\r\n")),
    ]]);
    let (inputs, queue) = channel();
    let waker = Waker::new(inputs, Arc::new(SystemClock::new()));
    on_local(async {
        tokio::task::spawn_local(run(sockets(&scripted), control(dir.path()), waker));
        let mut seen = Vec::new();
        while seen.len() < 2 {
            tokio::task::yield_now().await;
            seen.extend(queue.try_iter());
        }
        let [Input::TorProxy(proxy), Input::Local(service, true)] = &seen[..] else {
            panic!("a proxy, then a service")
        };
        assert_eq!((proxy.to_string(), service.to_string()), ("127.0.0.1:7".into(), format!("{ID}.onion:8333")));
    });
    assert_eq!(std::fs::read_to_string(dir.path().join("onion_v3_private_key")).unwrap(), "ED25519-V3:key");
}

#[test]
fn nothing_can_be_called_when_tor_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (inputs, queue) = channel();
    let waker = Waker::new(inputs, Arc::new(SystemClock::new()));
    on_local(async {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut control = control(dir.path());
        let tor = async {
            far.write_all(b"250-AUTH METHODS=NULL\r\n250 OK\r\n250 OK\r\n510 Unrecognized\r\n").await.unwrap();
            far.write_all(format!("250-ServiceID={ID}\r\n250 OK\r\n").as_bytes()).await.unwrap();
            let mut said = Vec::new();
            while !String::from_utf8_lossy(&said).contains("ADD_ONION") {
                said.push(far.read_u8().await.unwrap());
            }
            drop(far);
        };
        let mut service = None;
        let (end, ()) = tokio::join!(converse(Box::new(near), &mut control, &mut service, &waker), tor);
        end.unwrap();
        assert_eq!(service.unwrap().port, 8333);
    });
    assert!(matches!(queue.try_iter().last(), Some(Input::Local(_, true))));
    assert!(!dir.path().join("onion_v3_private_key").exists(), "Tor has told no key");
}

#[test]
fn a_line_without_an_end_ends_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let waker = Waker::new(channel().0, Arc::new(SystemClock::new()));
    on_local(async {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        far.write_all(&vec![b'a'; 100_001]).await.unwrap();
        let error = converse(Box::new(near), &mut control(dir.path()), &mut None, &waker).await.unwrap_err();
        assert!(matches!(error, reply::TorError::LongLine));
    });
}

const LINE: &str =
    "(250|510|512|650)[- ](OK|AUTH METHODS=(NULL|SAFECOOKIE)|AUTHCHALLENGE X=00|ServiceID=a|x=\"\\\\7)\r\n";

proptest::proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        fuzz_replies(&bytes);
    }

    #[test]
    fn lines_that_look_right(choice: u8, words in proptest::collection::vec(LINE, 0..20)) {
        let mut bytes = vec![choice];
        bytes.extend(words.concat().bytes());
        fuzz_replies(&bytes);
    }
}
