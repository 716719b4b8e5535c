//! A call that is being served: from its worker back to its answer.
//!
//! Each step logs what Core logs, because tools and tests read it.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use capnp::capability::Promise;
use futures::channel::oneshot;
use interfaces::IpcError;
use tokio::time::Instant;

use crate::conn::{Loop, panic_text};
use crate::flights::{Flight, Wake};
use crate::line::Place;
use crate::log::{enabled, shorten};
use crate::object::{Method, Results};
use crate::thread::{self, Work};
use crate::threadmap::{PoolSlot, ThreadServer};
use crate::thrown::Thrown;
use crate::wire::proxy_capnp;

/// Where a call is to run, and where its callbacks go.
pub(crate) struct CallContext {
    thread: Option<proxy_capnp::thread::Client>,
    callback: Option<proxy_capnp::thread::Client>,
}

/// Makes a job of a call's parameters.
pub(crate) type ReadCall<T> =
    for<'a> fn(&Incoming, capnp::any_pointer::Reader<'a>) -> capnp::Result<(CallContext, Job<T>)>;
/// Runs a method, given its implementation.
pub(crate) type Job<T> = Box<dyn FnOnce(&T) -> Result<Write, Thrown> + Send>;
/// The same with the implementation in it.
pub(crate) type Runs = Box<dyn FnOnce() -> Result<Write, Thrown> + Send>;
/// Writes the results of a method, on the loop thread.
pub(crate) type Write = Box<dyn for<'a> FnOnce(&Incoming, capnp::any_pointer::Builder<'a>) -> capnp::Result<()> + Send>;

/// A call that is being served.
pub(crate) struct Incoming {
    cx: Rc<Loop>,
    method: &'static Method,
    request: u64,
    /// Only if someone reads the log.
    started: Option<Instant>,
    /// Its place in line until its worker is known.
    place: RefCell<Option<Place>>,
}

impl Incoming {
    pub(crate) fn new(cx: &Rc<Loop>, method: &'static Method, place: Place) -> Rc<Self> {
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        Rc::new(Self {
            cx: cx.clone(),
            method,
            request: REQUESTS.fetch_add(1, Ordering::Relaxed) + 1,
            started: enabled().then(Instant::now),
            place: RefCell::new(Some(place)),
        })
    }

    pub(crate) fn cx(&self) -> &Rc<Loop> {
        &self.cx
    }

    #[expect(clippy::unused_self, reason = "reads like its neighbours in the generated code")]
    pub(crate) fn context(&self, reader: Option<proxy_capnp::context::Reader<'_>>) -> capnp::Result<CallContext> {
        let Some(reader) = reader else { return Ok(CallContext { thread: None, callback: None }) };
        let thread = if reader.has_thread() { Some(reader.get_thread()?) } else { None };
        let callback = if reader.has_callback_thread() { Some(reader.get_callback_thread()?) } else { None };
        Ok(CallContext { thread, callback })
    }

    /// Logs the request. The text is made only if someone reads it.
    pub(crate) fn request(&self, arguments: impl FnOnce() -> String) {
        if self.started.is_some() {
            self.log_request(&shorten(arguments()));
        }
    }

    /// Logs the answer.
    pub(crate) fn response(&self, answer: impl FnOnce() -> String) {
        if let Some(started) = self.started {
            self.log_response(&shorten(answer()), started);
        }
    }

    fn log_request(&self, arguments: &str) {
        let (info, Method { interface, name, .. }) = (&self.cx.info, self.method);
        tracing::debug!(
            target: "ipc",
            "{} IPC server recv request  #{} {interface}.{name}$Params ({arguments}) from {}",
            info.tag(),
            self.request,
            info.peer
        );
    }

    fn log_response(&self, answer: &str, started: Instant) {
        let (info, Method { interface, name, .. }) = (&self.cx.info, self.method);
        tracing::debug!(
            target: "ipc",
            "{} IPC server send response #{} {interface}.{name}$Results ({answer}) to {} {}us",
            info.tag(),
            self.request,
            info.peer,
            started.elapsed().as_micros()
        );
    }

    pub(crate) fn log_error(&self, error: &capnp::Error) {
        let Method { interface, name, .. } = self.method;
        tracing::error!(
            target: "ipc",
            "ipc: {} IPC server error request #{} {interface}.{name}$Results kj::Exception: {}",
            self.cx.info.tag(),
            self.request,
            error.extra
        );
    }

    pub(crate) fn fail(&self, error: capnp::Error) -> Promise<(), capnp::Error> {
        self.log_error(&error);
        Promise::err(error)
    }

    /// Writes the results of a method when it has run.
    pub(crate) fn answer(
        self: Rc<Self>,
        run: impl Future<Output = capnp::Result<Write>> + 'static,
        mut results: Results,
    ) -> Promise<(), capnp::Error> {
        Promise::from_future(async move {
            let result = run.await.and_then(|write| write(&self, results.get()));
            if let Err(error) = &result {
                self.log_error(error);
            }
            result
        })
    }

    /// Runs a method on the worker that the context names.
    pub(crate) async fn on_worker(self: Rc<Self>, context: CallContext, wake: Wake, run: Runs) -> capnp::Result<Write> {
        let cx = &self.cx;
        let request = self.request;
        let method = self.method;
        let place = self.place.take();
        if let Some(place) = &place {
            place.turn().await;
        }
        let named = context.thread.is_some();
        let (worker, _busy) = self.worker(context.thread).await?;
        tracing::debug!(
            target: "ipc",
            "{} IPC server post request  #{request} {{{}}}",
            cx.info.tag(),
            worker.queue().name
        );
        if method.quick && named && worker.is_idle() {
            // What came before on this worker has been answered, so this is its turn, and two threads need not be woken.
            drop(place);
            return Ok(guarded(method, run)?);
        }
        let token = context.callback.map(|callback| {
            cx.callbacks.borrow_mut().insert(request, callback);
            Token { cx: cx.clone(), request }
        });
        let flight = Arc::new(Flight::default());
        let mut watch = Watch { cx: cx.clone(), request, flight: Some(flight.clone()) };
        let landing = cx.flights.take_off(request, &flight, wake);
        let (done, on_done) = oneshot::channel();
        let (conn, info, callback) = (cx.id, cx.info.clone(), token.as_ref().map(|token| token.request));
        let task = worker.task();
        let work: Work = Box::new(move || {
            if !flight.start() {
                tracing::info!(
                    target: "ipc",
                    "ipc: {} IPC server request #{request} canceled before it could be executed",
                    info.tag()
                );
                return;
            }
            tracing::debug!(target: "ipc", "{} IPC server executing request #{request}", info.tag());
            let result = thread::serving(conn, callback, || guarded(method, run));
            if flight.is_cancelled() {
                tracing::info!(
                    target: "ipc",
                    "ipc: {} IPC server request #{request} interrupted (canceled)",
                    info.tag()
                );
            }
            drop(landing);
            // Before the answer: who reads that may ask again at once.
            drop(task);
            done.send(result).ok();
        });
        worker.post(work).map_err(|error| {
            capnp::Error::overloaded(format!("std::exception: no thread to run the request on: {error}"))
        })?;
        drop(place);
        let result = on_done.await.map_err(|_| capnp::Error::failed("std::exception: thread ended".to_owned()))?;
        watch.flight = None;
        drop(token);
        Ok(result?)
    }

    /// The worker that a call is to run on.
    async fn worker(
        &self,
        thread: Option<proxy_capnp::thread::Client>,
    ) -> capnp::Result<(Rc<ThreadServer>, Option<Busy>)> {
        let cx = &self.cx;
        let Some(thread) = thread else {
            let slot = cx.pool.borrow().iter().min_by_key(|slot| slot.depth.get()).cloned();
            let Some(slot) = slot else {
                return Err(capnp::Error::failed(
                    "std::exception: no thread specified and no pool configured".to_owned(),
                ));
            };
            slot.depth.set(slot.depth.get() + 1);
            return Ok((slot.thread.clone(), Some(Busy(slot))));
        };
        // A thread that was asked for in the same breath is not there yet. The calls behind wait in line, so that none
        // that came later starts earlier.
        let resolved = capnp::capability::get_resolved_cap(thread).await;
        let found = cx.threads.borrow().get_local_server_of_resolved(&resolved);
        match found {
            Some(worker) => Ok((worker, None)),
            None => Err(capnp::Error::failed("std::exception: invalid thread handle".to_owned())),
        }
    }
}

/// Runs a method; a panic in it is an error of that call.
fn guarded(method: &Method, run: Runs) -> Result<Write, Thrown> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let Method { interface, name, .. } = method;
        tracing::error!(target: "ipc", "ipc: {interface}.{name} panicked: {}", panic_text(&*panic));
        Err(Thrown::Road(IpcError::Remote(format!("internal error in {interface}.{name}"))))
    })
}

/// Dropped with the call. If the answer is not there by then, the client is gone or has lost interest.
struct Watch {
    cx: Rc<Loop>,
    request: u64,
    flight: Option<Arc<Flight>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(flight) = &self.flight else { return };
        if flight.cancel() {
            tracing::info!(
                target: "ipc",
                "ipc: {} IPC server request #{} canceled while executing.",
                self.cx.info.tag(),
                self.request
            );
        }
    }
}

/// The caller's thread, for as long as the call lasts.
struct Token {
    cx: Rc<Loop>,
    request: u64,
}

impl Drop for Token {
    fn drop(&mut self) {
        let callback = self.cx.callbacks.borrow_mut().remove(&self.request);
        drop(callback);
    }
}

/// A call on a worker of the pool.
struct Busy(Rc<PoolSlot>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.depth.set(self.0.depth.get().saturating_sub(1));
    }
}

/// Answers a call whose method cannot block.
pub(crate) fn answer_now(call: &Rc<Incoming>, work: Runs, mut results: Results) -> Promise<(), capnp::Error> {
    drop(call.place.take());
    let answered = guarded(call.method, work).map_err(Into::into).and_then(|write| write(call, results.get()));
    match answered {
        Ok(()) => Promise::ok(()),
        Err(error) => call.fail(error),
    }
}
