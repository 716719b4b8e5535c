//! What to say to Tor, and what to make of its answers. No socket, no file: what is to be done comes out as [`Deed`]s.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use p2p::{Chance, NetAddr, Service, sanitize};
use primitives::hex;

use super::Control;
use super::reply::{Reply, first_word, mapping};
use crate::options::TorControl;
use crate::target;

const OK: u16 = 250;
const UNRECOGNIZED: u16 = 510;
const SYNTAX_ERROR: u16 = 512;
/// The length of the bytes in the file by which Tor knows us, and of the random ones of both sides.
const COOKIE: usize = 32;
const NONCE: usize = 32;
const SERVER_KEY: &[u8] = b"Tor safe cookie authentication server-to-controller hash";
const CLIENT_KEY: &[u8] = b"Tor safe cookie authentication controller-to-server hash";
/// Where Tor's proxy is unless it says something else.
const PROXY_PORT: u16 = 9050;
const LISTENERS: &str = "net/listeners/socks=";
/// Asks for a new key of the only kind that is still in use.
const NEW_KEY: &str = "NEW:ED25519-V3";

/// Something to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Send a command.
    Say(String),
    /// That is Tor's proxy.
    Proxy(SocketAddr),
    /// Keep the key of the service.
    Key(String),
    /// That is where we can be called.
    Service(Service),
}

/// What an answer is awaited to.
#[derive(Debug)]
enum Asked {
    Info,
    Authentication,
    Challenge { cookie: Vec<u8>, nonce: [u8; NONCE] },
    Listeners,
    Service { with_work: bool },
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Talk {
    password: String,
    finds_proxy: bool,
    target: SocketAddr,
    port: u16,
    key: String,
    asked: VecDeque<Asked>,
}

impl Talk {
    pub(super) fn new(control: &Control, key: Option<String>) -> Self {
        Self::to(&control.settings, control.target, control.port, key)
    }

    pub(super) fn to(settings: &TorControl, target: SocketAddr, port: u16, key: Option<String>) -> Self {
        // What is in the file becomes part of a command, which is one line.
        let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty() && is_word(key));
        Self {
            password: settings.password.clone(),
            finds_proxy: settings.finds_proxy,
            target,
            port,
            key: key.unwrap_or_else(|| NEW_KEY.to_owned()),
            asked: VecDeque::new(),
        }
    }

    /// The first command: how does Tor want to know us?
    pub(super) fn begin(&mut self) -> Deed {
        self.say(Asked::Info, "PROTOCOLINFO 1")
    }

    fn say(&mut self, asked: Asked, command: &str) -> Deed {
        self.asked.push_back(asked);
        Deed::Say(format!("{command}\r\n"))
    }

    /// Takes an answer. `read` reads the file by which Tor knows us.
    pub(super) fn hear(
        &mut self,
        reply: &Reply,
        chance: &mut Chance,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Vec<Deed> {
        if reply.code >= 600 {
            tracing::debug!(target: "tor", "Received async notification {}", reply.code);
            return Vec::new();
        }
        match self.asked.pop_front() {
            None => {
                tracing::debug!(target: "tor", "Received unexpected sync reply {}", reply.code);
                Vec::new()
            }
            Some(Asked::Info) => self.authenticate(reply, chance, read).into_iter().collect(),
            Some(Asked::Challenge { cookie, nonce }) => self.challenged(reply, &cookie, &nonce).into_iter().collect(),
            Some(Asked::Authentication) => self.authenticated(reply),
            Some(Asked::Listeners) => vec![Deed::Proxy(listener(reply))],
            Some(Asked::Service { with_work }) => self.served(reply, with_work),
        }
    }

    /// Chooses how Tor is to know us: as anybody, by a file that only we can read, or by a password.
    fn authenticate(
        &mut self,
        reply: &Reply,
        chance: &mut Chance,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Option<Deed> {
        if reply.code != OK {
            tracing::warn!("tor: Requesting protocol info failed");
            return None;
        }
        let (mut methods, mut file) = (Vec::new(), None);
        for (word, rest) in reply.lines.iter().map(|line| first_word(line)) {
            let mut map = mapping(rest);
            if word == "AUTH" {
                let list = map.remove("METHODS").unwrap_or_default();
                methods = String::from_utf8_lossy(&list).split(',').map(str::to_owned).collect();
                file = map.remove("COOKIEFILE").map(platform::file::path_from_bytes);
            } else if word == "VERSION"
                && let Some(version) = map.get("Tor")
            {
                tracing::debug!(target: "tor", "Connected to Tor version {}", sanitize(version));
            }
        }
        for method in &methods {
            tracing::debug!(target: "tor", "Supported authentication method: {}", sanitize(method.as_bytes()));
        }
        let has = |name: &str| methods.iter().any(|method| method == name);
        if !self.password.is_empty() {
            if has("HASHEDPASSWORD") {
                tracing::debug!(target: "tor", "Using HASHEDPASSWORD authentication");
                let command = format!("AUTHENTICATE \"{}\"", self.password.replace('"', "\\\""));
                return Some(self.say(Asked::Authentication, &command));
            }
            tracing::warn!(
                "tor: Password provided with -torpassword, but HASHEDPASSWORD authentication is not available"
            );
        } else if has("NULL") {
            tracing::debug!(target: "tor", "Using NULL authentication");
            return Some(self.say(Asked::Authentication, "AUTHENTICATE"));
        } else if has("SAFECOOKIE") {
            return self.challenge(&file.unwrap_or_default(), chance, read);
        } else if has("HASHEDPASSWORD") {
            tracing::warn!(
                "tor: The only supported authentication mechanism left is password, but no password provided with \
                 -torpassword"
            );
        } else {
            tracing::warn!("tor: No supported authentication method");
        }
        None
    }

    /// The content of the file is not sent: both sides show that they know it.
    fn challenge(
        &mut self,
        file: &Path,
        chance: &mut Chance,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Option<Deed> {
        let shown = file.display();
        tracing::debug!(target: "tor", "Using SAFECOOKIE authentication, reading cookie authentication from {shown}");
        let Ok(cookie) = read(file) else {
            tracing::warn!("tor: Authentication cookie {shown} could not be opened (check permissions)");
            return None;
        };
        if cookie.len() != COOKIE {
            tracing::warn!(
                "tor: Authentication cookie {shown} is not exactly {COOKIE} bytes, as is required by the spec"
            );
            return None;
        }
        let nonce = chance.bytes();
        Some(self.say(Asked::Challenge { cookie, nonce }, &format!("AUTHCHALLENGE SAFECOOKIE {}", hex::encode(&nonce))))
    }

    fn challenged(&mut self, reply: &Reply, cookie: &[u8], nonce: &[u8; NONCE]) -> Option<Deed> {
        if reply.code != OK {
            tracing::warn!("tor: SAFECOOKIE authentication challenge failed");
            return None;
        }
        tracing::debug!(target: "tor", "SAFECOOKIE authentication challenge successful");
        let Some(line) = reply.lines.first() else {
            tracing::warn!("tor: AUTHCHALLENGE reply was empty");
            return None;
        };
        let ("AUTHCHALLENGE", rest) = first_word(line) else {
            tracing::warn!("tor: Invalid reply to AUTHCHALLENGE");
            return None;
        };
        let map = mapping(rest);
        let value = |key: &str| map.get(key).and_then(hex::decode).unwrap_or_default();
        let (server_hash, server_nonce) = (value("SERVERHASH"), value("SERVERNONCE"));
        if server_nonce.len() != NONCE {
            tracing::warn!("tor: ServerNonce is not {NONCE} bytes, as required by spec");
            return None;
        }
        let parts = [cookie, nonce, &server_nonce];
        if proof(SERVER_KEY, parts)[..] != server_hash[..] {
            tracing::warn!("tor: ServerHash does not match expected ServerHash");
            return None;
        }
        let command = format!("AUTHENTICATE {}", hex::encode(&proof(CLIENT_KEY, parts)));
        Some(self.say(Asked::Authentication, &command))
    }

    fn authenticated(&mut self, reply: &Reply) -> Vec<Deed> {
        if reply.code != OK {
            tracing::warn!("tor: Authentication failed");
            return Vec::new();
        }
        tracing::debug!(target: "tor", "Authentication successful");
        let mut deeds = Vec::new();
        if self.finds_proxy {
            deeds.push(self.say(Asked::Listeners, "GETINFO net/listeners/socks"));
        }
        deeds.push(self.ask_service(true));
        deeds
    }

    /// With `with_work`, callers may have to show some work when there are too many of them.
    fn ask_service(&mut self, with_work: bool) -> Deed {
        let work = if with_work { " PoWDefensesEnabled=1" } else { "" };
        let command = format!("ADD_ONION {}{work} Port={},{}", self.key, self.port, self.target);
        self.say(Asked::Service { with_work }, &command)
    }

    fn served(&mut self, reply: &Reply, with_work: bool) -> Vec<Deed> {
        match reply.code {
            OK => {
                let shown = if with_work { "enabled" } else { "disabled" };
                tracing::debug!(target: "tor", "ADD_ONION successful (PoW defenses {shown})");
                self.read_service(reply)
            }
            UNRECOGNIZED => {
                tracing::warn!("tor: Add onion failed with unrecognized command (You probably need to upgrade Tor)");
                Vec::new()
            }
            SYNTAX_ERROR if with_work => {
                tracing::debug!(target: "tor", "ADD_ONION failed with PoW defenses, retrying without");
                vec![self.ask_service(false)]
            }
            code => {
                tracing::warn!("tor: Add onion failed; error code {code}");
                Vec::new()
            }
        }
    }

    fn read_service(&mut self, reply: &Reply) -> Vec<Deed> {
        let (mut id, mut key) = (None, None);
        for mut map in reply.lines.iter().map(|line| mapping(line)) {
            let mut take = |name: &str| map.remove(name).and_then(|value| String::from_utf8(value).ok());
            id = take("ServiceID").or(id);
            key = take("PrivateKey").or(key);
        }
        let Some(id) = id else {
            tracing::warn!("tor: Error parsing ADD_ONION parameters:");
            for line in &reply.lines {
                tracing::warn!("    {}", sanitize(line.as_bytes()));
            }
            return Vec::new();
        };
        let mut deeds = Vec::new();
        if let Some(key) = key.filter(|key| is_word(key)) {
            self.key.clone_from(&key);
            deeds.push(Deed::Key(key));
        }
        let found = format!("{id}.onion").parse::<NetAddr>().map(|addr| Service { addr, port: self.port });
        let id = sanitize(id.as_bytes());
        if let Ok(service) = found {
            tracing::info!("Got tor service ID {id}, advertising service {service}");
            deeds.push(Deed::Service(service));
        } else {
            tracing::warn!("tor: Got service ID {id}, which is no onion address");
        }
        deeds
    }
}

/// Where Tor's proxy is: a place on this machine if it has several.
fn listener(reply: &Reply) -> SocketAddr {
    let mut found = None;
    match reply.code {
        OK => {
            let lists = reply.lines.iter().filter_map(|line| line.strip_prefix(LISTENERS));
            let places: Vec<&str> = lists.flat_map(|list| list.split(' ')).map(unquoted).collect();
            let near = places.iter().find(|place| place.starts_with("127.0.0.1:"));
            found = near.or(places.iter().rfind(|place| !place.is_empty())).copied();
            if let Some(place) = found {
                let place = sanitize(place.as_bytes());
                tracing::debug!(target: "tor", "Get SOCKS port command yielded {place}");
            } else {
                tracing::warn!("tor: Get SOCKS port command returned nothing");
            }
        }
        UNRECOGNIZED => tracing::warn!(
            "tor: Get SOCKS port command failed with unrecognized command (You probably should upgrade Tor)"
        ),
        code => tracing::warn!("tor: Get SOCKS port command failed; error code {code}"),
    }
    let usual = SocketAddr::from(([127, 0, 0, 1], PROXY_PORT));
    let address = found.and_then(|place| target::socket(place, PROXY_PORT)).unwrap_or(usual);
    tracing::debug!(target: "tor", "Configuring onion proxy for {address}");
    address
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Whether a text can stand as one word of a command.
fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn proof(key: &[u8], parts: [&[u8]; 3]) -> [u8; 32] {
    let mut engine = HmacEngine::<sha256::Hash>::new(key);
    for part in parts {
        engine.input(part);
    }
    Hmac::<sha256::Hash>::from_engine(engine).to_byte_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(password: &str) -> TorControl {
        TorControl { center: String::new(), password: password.into(), finds_proxy: true, may_reach: true }
    }

    fn talk(password: &str, key: Option<&str>) -> Talk {
        Talk::to(&settings(password), SocketAddr::from(([127, 0, 0, 1], 8334)), 8333, key.map(str::to_owned))
    }

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    fn hear(talk: &mut Talk, code: u16, lines: &[&str]) -> Vec<Deed> {
        talk.hear(&reply(code, lines), &mut Chance::new([1; 32]), &|file| {
            if file == Path::new("/cookie") { Ok(vec![7; COOKIE]) } else { Err(io::ErrorKind::NotFound.into()) }
        })
    }

    fn say(text: &str) -> Deed {
        Deed::Say(format!("{text}\r\n"))
    }

    #[test]
    fn anybody_may_ask() {
        let mut it = talk("", None);
        assert_eq!(it.begin(), say("PROTOCOLINFO 1"));
        assert_eq!(hear(&mut it, 250, &["PROTOCOLINFO 1", "AUTH METHODS=NULL", "OK"]), [say("AUTHENTICATE")]);
        let wish = "ADD_ONION NEW:ED25519-V3 PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334";
        assert_eq!(hear(&mut it, 250, &["OK"]), [say("GETINFO net/listeners/socks"), say(wish)]);
        let listeners = "net/listeners/socks=\"1.2.3.4:1\" \"127.0.0.1:2\" \"127.0.0.1:3\"";
        let proxy = SocketAddr::from(([127, 0, 0, 1], 2));
        assert_eq!(hear(&mut it, 250, &[listeners, "OK"]), [Deed::Proxy(proxy)]);
        let simple = "ADD_ONION NEW:ED25519-V3 Port=8333,127.0.0.1:8334";
        assert_eq!(hear(&mut it, 512, &["Unrecognized option"]), [say(simple)]);
        let id = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd";
        let lines = [&format!("ServiceID={id}"), "PrivateKey=ED25519-V3:abc+/=", "OK"];
        let service = target::service(&format!("{id}.onion"), 8333).unwrap();
        assert_eq!(hear(&mut it, 250, &lines), [Deed::Key("ED25519-V3:abc+/=".into()), Deed::Service(service)]);
        assert_eq!(hear(&mut it, 250, &["OK"]), [], "nothing was asked");
        assert_eq!(hear(&mut it, 650, &["EVENT"]), []);
    }

    #[test]
    fn a_password() {
        let mut it = talk("a\"b", Some("ED25519-V3:old\n"));
        it.begin();
        assert_eq!(hear(&mut it, 250, &["AUTH METHODS=COOKIE,HASHEDPASSWORD", "OK"]), [say("AUTHENTICATE \"a\\\"b\"")]);
        assert!(hear(&mut it, 515, &["Authentication failed"]).is_empty());
        let mut it = talk("x", None);
        it.begin();
        assert_eq!(hear(&mut it, 250, &["AUTH METHODS=NULL", "OK"]), [], "whoever gives a password wants it used");
        assert!(
            talk("", Some("ED25519-V3:old\n")).ask_service(true)
                == say("ADD_ONION ED25519-V3:old PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334")
        );
        assert_eq!(talk("", Some("two words")).key, NEW_KEY);
    }

    #[test]
    fn a_file_that_both_can_read() {
        let info = ["AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/cookie\"", "OK"];
        let mut it = talk("", None);
        it.begin();
        let nonce: [u8; 32] = Chance::new([1; 32]).bytes();
        assert_eq!(hear(&mut it, 250, &info), [say(&format!("AUTHCHALLENGE SAFECOOKIE {}", hex::encode(&nonce)))]);
        let parts = [&[7; 32][..], &nonce, &[9; 32]];
        let good = format!(
            "AUTHCHALLENGE SERVERHASH={} SERVERNONCE={}",
            hex::encode(&proof(SERVER_KEY, parts)),
            hex::encode(&[9; 32])
        );
        let answer = say(&format!("AUTHENTICATE {}", hex::encode(&proof(CLIENT_KEY, parts))));
        assert_eq!(hear(&mut it, 250, &[&good]), [answer]);
        // Somebody who does not know the file is not told anything.
        for bad in [&good.replace("HASH=", "HASH=00"), &good[..good.len() - 2], "AUTHCHALLENGE", "OTHER X=Y"] {
            let mut it = talk("", None);
            it.begin();
            hear(&mut it, 250, &info);
            assert_eq!(hear(&mut it, 250, &[bad]), [], "{bad}");
        }
        let mut it = talk("", None);
        it.begin();
        assert_eq!(hear(&mut it, 250, &["AUTH METHODS=SAFECOOKIE COOKIEFILE=\"/none\"", "OK"]), []);
    }

    #[test]
    fn where_the_proxy_is() {
        let usual = SocketAddr::from(([127, 0, 0, 1], 9050));
        assert_eq!(listener(&reply(250, &["net/listeners/socks=", "OK"])), usual);
        assert_eq!(listener(&reply(510, &["Unrecognized"])), usual);
        assert_eq!(listener(&reply(250, &["net/listeners/socks=\"unix:/run/tor\""])), usual);
        let last = listener(&reply(250, &["net/listeners/socks=\"10.0.0.1:1\" '10.0.0.2:2'"]));
        assert_eq!(last, SocketAddr::from(([10, 0, 0, 2], 2)));
    }

    #[test]
    fn proofs_are_those_of_the_standard() {
        // RFC 4231, case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(&proof(b"Jefe", [b"what do ya want ", b"for nothing", b"?"])), expected);
    }
}
