//! A socket that others connect to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use interfaces::BulkheadInit;
use platform::socket::LocalListener;
use tokio::sync::{Semaphore, oneshot};

use crate::conn::ConnInfo;
use crate::error::Error;
use crate::ipc::Incoming;
use crate::socket::{self, Listening, SocketFile};

/// How long to wait when the system has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);

/// Accepts connections on a thread of its own. Dropping it removes the socket and stops.
pub(crate) struct Listener {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    file: Option<SocketFile>,
}

impl Listener {
    pub(crate) fn start(
        socket: LocalListener,
        file: SocketFile,
        info: ConnInfo,
        incoming: Incoming,
        init: Arc<dyn BulkheadInit>,
    ) -> Result<Self, Error> {
        let (stop, stopped) = oneshot::channel();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(Error::Start)?;
        let thread = std::thread::Builder::new()
            .name("ipc-listen".to_owned())
            .spawn(move || {
                let serve = async {
                    if let Err(error) = accept(socket, &info, &incoming, &init).await {
                        tracing::error!(target: "ipc", "ipc: {} no longer listening: {error}", info.tag());
                    }
                };
                runtime.block_on(async {
                    tokio::select! {
                        () = serve => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(Error::Start)?;
        Ok(Self { stop: Some(stop), thread: Some(thread), file: Some(file) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The file first: whoever finds it can still connect.
        drop(self.file.take());
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn accept(
    socket: LocalListener,
    info: &ConnInfo,
    incoming: &Incoming,
    init: &Arc<dyn BulkheadInit>,
) -> io::Result<()> {
    let socket = Listening::from_std(socket)?;
    let room = Arc::new(Semaphore::new(info.limits.connections));
    loop {
        // With no room left, further clients wait in the system's queue.
        let Ok(permit) = room.clone().acquire_owned().await else { return Ok(()) };
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream.into_std()?,
            Err(error) => {
                // A client that was gone again, or no descriptors: neither ends the listener.
                tracing::debug!(target: "ipc", "{} accept: {error}", info.tag());
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        match socket::peer_is_trusted(&stream) {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(target: "ipc", "ipc: {} refusing a client that runs as another user", info.tag());
                continue;
            }
            // It has hung up already.
            Err(_) => continue,
        }
        if let Err(error) = incoming.serve(stream, info.clone(), init.clone(), move || drop(permit)) {
            tracing::warn!(target: "ipc", "ipc: {} {error}", info.tag());
            tokio::time::sleep(BREATH).await;
        }
    }
}
