//! Sessions with a router: making them, calling through them, and being called.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use p2p::{Chance, Service};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Mutex;

use super::sam::{self, PORT, Reply, SamError};
use crate::driver::Input;
use crate::sockets::{Connected, Endpoint, Sockets, Stream};
use crate::waker::Waker;

/// How long an answer may be, and how long it may take: to find somebody in I2P takes its time.
const MAX_LINE: usize = 65_536;
const PATIENCE: Duration = Duration::from_mins(3);
/// How long nobody is listened for after a failure: at first, how much longer each time, and at most.
const REST: Duration = Duration::from_secs(1);
const MAX_REST: Duration = Duration::from_mins(5);
/// How many sessions that were made for a call in vain are kept for the next one.
const MAX_UNUSED: usize = 10;

/// A session that the router holds for us as long as `control` is open.
struct Open {
    id: String,
    me: Service,
    control: Box<dyn Stream>,
}

impl Drop for Open {
    fn drop(&mut self) {
        tracing::info!("Destroying I2P SAM session {}", self.id);
    }
}

impl Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("id", &self.id).field("me", &self.me).finish_non_exhaustive()
    }
}

/// One address of ours in I2P.
#[derive(Debug)]
struct Session {
    road: Rc<Road>,
    /// Where the key is kept; without it the address is forgotten.
    key_file: Option<PathBuf>,
    open: Option<Open>,
}

/// The way to the router.
#[derive(Debug)]
struct Road {
    sockets: Rc<dyn Sockets>,
    host: Endpoint,
    timeout: Duration,
    chance: RefCell<Chance>,
}

impl Road {
    async fn hello(&self) -> Result<Box<dyn Stream>, SamError> {
        let unreachable = || SamError::Unreachable(self.host.to_string());
        let connecting = tokio::time::timeout(self.timeout, self.sockets.connect(self.host.clone())).await;
        let mut stream = connecting.map_err(|_| unreachable())?.map_err(|_| unreachable())?.stream;
        let request = "HELLO VERSION MIN=3.1 MAX=3.1";
        let line = ask(&mut stream, request).await?;
        Reply::new(request, &line).check_ok()?;
        Ok(stream)
    }
}

async fn ask(stream: &mut Box<dyn Stream>, request: &str) -> Result<String, SamError> {
    let broken = |error: std::io::Error| SamError::Io(platform::system_error_text(&error));
    stream.write_all(format!("{request}\n").as_bytes()).await.map_err(broken)?;
    tokio::time::timeout(PATIENCE, read_line(stream)).await.map_err(|_| SamError::Timeout)?
}

/// A line, and not a byte more: what follows belongs to somebody else.
async fn read_line(stream: &mut Box<dyn Stream>) -> Result<String, SamError> {
    let mut line = Vec::new();
    loop {
        if line.len() >= MAX_LINE {
            return Err(SamError::TooLong(line.len()));
        }
        match stream.read_u8().await {
            Ok(b'\n') => return Ok(String::from_utf8_lossy(&line).into_owned()),
            Ok(byte) => line.push(byte),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(SamError::Closed),
            Err(error) => return Err(SamError::Io(platform::system_error_text(&error))),
        }
    }
}

/// Whether the other side has not closed a connection. What it says unasked is of no interest.
async fn is_alive(stream: &mut Box<dyn Stream>) -> bool {
    let mut buffer = [0; 512];
    tokio::select! {
        biased;
        read = stream.read(&mut buffer) => read.is_ok_and(|count| count > 0),
        () = std::future::ready(()) => true,
    }
}

impl Session {
    fn new(road: Rc<Road>, key_file: Option<PathBuf>) -> Self {
        Self { road, key_file, open: None }
    }

    /// The session, made if it is not there, and one more connection to the router.
    async fn begin(&mut self) -> Result<(String, Service, Box<dyn Stream>), SamError> {
        self.drop_if_dead().await;
        let open = match &self.open {
            Some(open) => open,
            None => self.open.insert(make(&self.road, self.key_file.as_ref()).await?),
        };
        let (id, me) = (open.id.clone(), open.me);
        Ok((id, me, self.road.hello().await?))
    }

    async fn drop_if_dead(&mut self) {
        if let Some(open) = &mut self.open
            && !is_alive(&mut open.control).await
        {
            tracing::debug!(target: "i2p", "Control socket error: Connection closed by the router");
            self.open = None;
        }
    }
}

async fn make(road: &Road, key_file: Option<&PathBuf>) -> Result<Open, SamError> {
    let number = road.chance.borrow_mut().u64();
    let id = format!("{:010x}", number >> 24);
    let what = if key_file.is_some() { "persistent" } else { "transient" };
    tracing::debug!(target: "i2p", "Creating {what} I2P SAM session {id} with {}", road.host);
    let mut control = road.hello().await?;
    let key = if let Some(file) = key_file {
        let key = own_key(&mut control, file).await?;
        let request = format!(
            "SESSION CREATE STYLE=STREAM ID={id} DESTINATION={} i2cp.leaseSetEncType=4,0 inbound.quantity=3 \
             outbound.quantity=3",
            sam::encode_key(&key)
        );
        let line = ask(&mut control, &request).await?;
        Reply::new(&request, &line).check_ok()?;
        key
    } else {
        let request = format!(
            "SESSION CREATE STYLE=STREAM ID={id} DESTINATION=TRANSIENT SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4,0 \
             inbound.quantity=1 outbound.quantity=1"
        );
        let line = ask(&mut control, &request).await?;
        let reply = Reply::new(&request, &line);
        reply.check_ok()?;
        sam::decode_key(reply.get("DESTINATION")?)?
    };
    let me = Service { addr: sam::address_of(sam::destination(&key)?), port: PORT };
    let shown = if key_file.is_some() { "Persistent" } else { "Transient" };
    tracing::info!("{shown} I2P SAM session {id} created, my address={me}");
    Ok(Open { id, me, control })
}

/// The key of our address: that of the file, or a new one, which the file then has.
async fn own_key(control: &mut Box<dyn Stream>, file: &PathBuf) -> Result<Vec<u8>, SamError> {
    if let Ok(key) = std::fs::read(file) {
        return Ok(key);
    }
    // Routers before 2.24 know the kind of the key by its number only.
    let request = "DEST GENERATE SIGNATURE_TYPE=7";
    let line = ask(control, request).await?;
    let key = sam::decode_key(Reply::new(request, &line).get("PRIV")?)?;
    platform::file::replace(file, &key).map_err(|_| SamError::KeyFile(file.display().to_string()))?;
    Ok(key)
}

/// A connection that ends together with the session that was made for it.
struct WithSession {
    stream: Box<dyn Stream>,
    _session: Option<Open>,
}

impl AsyncRead for WithSession {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, out)
    }
}

impl AsyncWrite for WithSession {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A router, and our sessions with it.
#[derive(Debug)]
pub(crate) struct Router {
    road: Rc<Road>,
    lasting: Option<Rc<Mutex<Session>>>,
    unused: RefCell<VecDeque<Session>>,
}

impl Router {
    /// With a file for the key, others can call us, and are called from the same address.
    pub(crate) fn new(
        sockets: Rc<dyn Sockets>,
        host: Endpoint,
        timeout: Duration,
        key_file: Option<PathBuf>,
        chance: Chance,
    ) -> Self {
        let road = Rc::new(Road { sockets, host, timeout, chance: RefCell::new(chance) });
        let lasting = key_file.map(|file| Rc::new(Mutex::new(Session::new(Rc::clone(&road), Some(file)))));
        Self { road, lasting, unused: RefCell::default() }
    }

    /// Calls an address. The error says whether the router is at fault, rather than the way behind it. With `hidden`
    /// the call must not come from the address that others know us by.
    pub(crate) async fn connect(&self, to: Service, hidden: bool) -> Result<Connected, bool> {
        if to.port != PORT {
            tracing::debug!(
                target: "i2p",
                "Error connecting to {to}, connection refused due to arbitrary port {}", to.port
            );
            return Err(false);
        }
        let called = match &self.lasting {
            Some(lasting) if !hidden => call_lasting(lasting, to).await,
            _ => self.call_hidden(to).await,
        };
        called.map_err(|error| {
            tracing::debug!(target: "i2p", "Error connecting to {to}: {error}");
            let unreachable =
                |line: &str| matches!(Reply::new("", line).get("RESULT"), Ok("CANT_REACH_PEER" | "TIMEOUT"));
            !matches!(&error, SamError::Refused(line) if unreachable(line))
        })
    }

    async fn call_hidden(&self, to: Service) -> Result<Connected, SamError> {
        let kept = self.unused.borrow_mut().pop_front();
        let mut session = kept.unwrap_or_else(|| Session::new(Rc::clone(&self.road), None));
        let called = match session.begin().await {
            Ok((id, me, stream)) => call(stream, &id, to).await.map(|stream| (stream, me)),
            Err(error) => Err(error),
        };
        match called {
            Ok((stream, me)) => {
                let stream = Box::new(WithSession { stream, _session: session.open.take() });
                Ok(Connected { stream, local: Some(me), remote: Some(to) })
            }
            Err(error) => {
                if matches!(error, SamError::InvalidSession) {
                    session.open = None;
                }
                session.drop_if_dead().await;
                let mut unused = self.unused.borrow_mut();
                if unused.len() < MAX_UNUSED {
                    unused.push_back(session);
                }
                Err(error)
            }
        }
    }

    /// The session that others can call.
    pub(crate) fn listens(&self) -> bool {
        self.lasting.is_some()
    }
}

async fn call_lasting(session: &Mutex<Session>, to: Service) -> Result<Connected, SamError> {
    let begun = session.lock().await.begin().await;
    let called = match begun {
        Ok((id, me, stream)) => call(stream, &id, to).await.map(|stream| (stream, me)),
        Err(error) => Err(error),
    };
    match called {
        Ok((stream, me)) => Ok(Connected { stream, local: Some(me), remote: Some(to) }),
        Err(error) => {
            settle(session, &error).await;
            Err(error)
        }
    }
}

async fn settle(session: &Mutex<Session>, error: &SamError) {
    let mut session = session.lock().await;
    if matches!(error, SamError::InvalidSession | SamError::Unusable(_)) {
        session.open = None;
    } else {
        session.drop_if_dead().await;
    }
}

async fn call(mut stream: Box<dyn Stream>, id: &str, to: Service) -> Result<Box<dyn Stream>, SamError> {
    let lookup = format!("NAMING LOOKUP NAME={}", to.addr);
    let line = ask(&mut stream, &lookup).await?;
    let reply = Reply::new(&lookup, &line);
    reply.check_ok()?;
    let connect = format!("STREAM CONNECT ID={id} DESTINATION={} SILENT=false", reply.get("VALUE")?);
    let line = ask(&mut stream, &connect).await?;
    Reply::new(&connect, &line).check_stream()?;
    Ok(stream)
}

/// Waits for callers, for as long as the node runs.
pub(crate) async fn accept(router: Rc<Router>, waker: Waker) {
    let Some(session) = &router.lasting else { return };
    let mut rest = REST;
    let mut told: Option<Service> = None;
    loop {
        let listening = match listen(session).await {
            Ok((stream, me)) => {
                if told != Some(me) {
                    // A file with another key may have been put there.
                    told.take().map(|old| waker.tell(Input::Local(old, false)));
                    waker.tell(Input::Local(me, true));
                    told = Some(me);
                }
                Ok((stream, me))
            }
            Err(error) => {
                tracing::error!("Couldn't listen: {error}");
                settle(session, &error).await;
                told.take().map(|old| waker.tell(Input::Local(old, false)));
                Err(())
            }
        };
        let accepted = match listening {
            Ok((stream, me)) => match caller(stream).await {
                Ok((stream, peer)) => Some(Connected { stream, local: Some(me), remote: Some(peer) }),
                Err(error) => {
                    let unusable = matches!(error, SamError::Unusable(_));
                    let closing = if unusable { " (will close the session)" } else { "" };
                    tracing::debug!(target: "i2p", "Error accepting{closing}: {error}");
                    settle(session, &error).await;
                    None
                }
            },
            Err(()) => None,
        };
        if let Some(connected) = accepted {
            rest = REST;
            if !waker.tell(Input::Accepted { listener: None, connected }) {
                return;
            }
        } else {
            tokio::time::sleep(rest).await;
            rest = (rest + REST).min(MAX_REST);
        }
    }
}

/// A connection on which the next caller will be.
async fn listen(session: &Mutex<Session>) -> Result<(Box<dyn Stream>, Service), SamError> {
    let (id, me, mut stream) = session.lock().await.begin().await?;
    let request = format!("STREAM ACCEPT ID={id} SILENT=false");
    let line = ask(&mut stream, &request).await?;
    Reply::new(&request, &line).check_stream()?;
    Ok((stream, me))
}

/// Waits for a caller, who is announced by his destination.
async fn caller(mut stream: Box<dyn Stream>) -> Result<(Box<dyn Stream>, Service), SamError> {
    let line = read_line(&mut stream).await?;
    // With SAM 3.1 nothing else is in the line; later versions add words.
    let addr = sam::address(&line)
        .map_err(|error| if line.contains("RESULT=I2P_ERROR") { SamError::Unusable(line.clone()) } else { error })?;
    Ok((stream, Service { addr, port: PORT }))
}

#[cfg(test)]
mod tests;
