//! An object of the other side, callable from any thread here.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use capnp::any_pointer;
use capnp::capability::{FromClientHook, Request};
use interfaces::IpcError;
use tokio::time::Instant;

use crate::conn::{Caller, Conn, Loop};
use crate::log::{enabled, shorten};
use crate::object::{Dispatch, Method};
use crate::thread::{self, ThreadQueue, lock};
use crate::thrown::Thrown;
// Every `destroy` has the same parameters; these are `Echo`'s.
use crate::wire::echo_capnp::echo::destroy_params as destroy;
use crate::wire::proxy_capnp::context;

/// The client side of an interface. Dropping it ends the object over there.
pub(crate) struct Remote<T: Dispatch + ?Sized> {
    /// `None` if the connection was gone before the object was here.
    conn: Option<Arc<Conn>>,
    object: u64,
    of: PhantomData<fn(&T)>,
}

/// A call that is about to be made.
pub(crate) struct Asked {
    method: &'static Method,
    started: Option<Instant>,
}

impl<T: Dispatch + ?Sized> Remote<T> {
    pub(crate) fn new(conn: Option<Arc<Conn>>, object: u64) -> Self {
        Self { conn, object, of: PhantomData }
    }

    /// Logs the request. The text is made only if someone reads it.
    pub(crate) fn request(&self, method: &'static Method, arguments: impl FnOnce() -> String) -> Asked {
        let started = enabled().then(Instant::now);
        if started.is_some()
            && let Some(conn) = &self.conn
        {
            let Method { interface, name, .. } = method;
            tracing::debug!(
                target: "ipc",
                "{} IPC client send {interface}.{name}$Params ({}) to {}",
                conn.info.tag(),
                shorten(arguments()),
                conn.info.peer
            );
        }
        Asked { method, started }
    }

    /// Makes a call and waits for the answer, running callbacks meanwhile.
    pub(crate) fn call<V: Send + 'static>(
        &self,
        asked: &Asked,
        method: (u64, u16),
        build: Build,
        read: fn(&Rc<Loop>, any_pointer::Reader<'_>) -> capnp::Result<V>,
        show: fn(&V) -> String,
    ) -> Result<V, Thrown> {
        let Some(conn) = &self.conn else { return Err(Thrown::Road(IpcError::Disconnected)) };
        let value = Arc::new(Mutex::new(None));
        let arrived = value.clone();
        let read: Read = Box::new(move |cx, reader| {
            *lock(&arrived) = Some(read(cx, reader)?);
            Ok(())
        });
        let result = exchange(conn, self.object, method, build, read).and_then(|()| {
            let value = lock(&value).take();
            value.ok_or(Thrown::Road(IpcError::Interrupted))
        });
        if let Some(started) = asked.started {
            let answer = match &result {
                Ok(value) => shorten(show(value)),
                Err(thrown) => format!("{thrown:?}"),
            };
            log_answer(conn, asked.method, &answer, started);
        }
        result
    }
}

/// Writes the parameters of a call, on the loop thread.
pub(crate) type Build = Box<dyn for<'a> FnOnce(&Outgoing<'_>, any_pointer::Builder<'a>) -> capnp::Result<()> + Send>;
/// Reads the results of a call, on the loop thread.
type Read = Box<dyn for<'a> FnOnce(&Rc<Loop>, any_pointer::Reader<'a>) -> capnp::Result<()> + Send>;

/// Sends a call and waits until its results are read.
fn exchange(
    conn: &Arc<Conn>,
    object: u64,
    (interface, method): (u64, u16),
    build: Build,
    read: Read,
) -> Result<(), Thrown> {
    if thread::on_loop() {
        return Err(Thrown::Road(IpcError::WouldDeadlock));
    }
    let (queue, callback) = thread::caller(conn);
    let slot = Arc::new(Slot { value: Mutex::new(None), queue: queue.clone() });
    let reply = Reply(slot.clone());
    let caller = Caller { queue: queue.clone(), callback };
    let posted = conn.post(Box::new(move |cx| {
        let target = cx.remote_objects.borrow().get(&object).cloned();
        let Some(target) = target else { return };
        let mut request: Request<any_pointer::Owned, any_pointer::Owned> = target.new_call(interface, method, None);
        if let Err(error) = build(&Outgoing { cx, caller: &caller }, request.get()) {
            return reply.give(Err(error.into()));
        }
        let promise = request.send().promise;
        let cx = cx.clone();
        tokio::task::spawn_local(async move {
            let result = match promise.await {
                Ok(response) => response.get().and_then(|reader| read(&cx, reader)),
                Err(error) => Err(error),
            };
            reply.give(result.map_err(Thrown::from));
        });
    }));
    if posted { queue.run_until(|| slot.take()) } else { Err(Thrown::Road(IpcError::Disconnected)) }
}

fn log_answer(conn: &Conn, method: &Method, answer: &str, started: Instant) {
    let Method { interface, name, .. } = method;
    tracing::debug!(
        target: "ipc",
        "{} IPC client recv {interface}.{name}$Results ({answer}) from {} {}us",
        conn.info.tag(),
        conn.info.peer,
        started.elapsed().as_micros()
    );
}

impl<T: Dispatch + ?Sized> Drop for Remote<T> {
    fn drop(&mut self) {
        let Some(conn) = &self.conn else { return };
        let object = self.object;
        // Not waited for: this may run on any thread, the loop's own included.
        let caller = if thread::on_loop() { None } else { Some(thread::caller(conn)) };
        // A thread that is serving would name the one that it serves. That waits for an answer and not for this, and may
        // never come to it: such an object ends because nobody holds it any more.
        let caller = caller.filter(|(_, callback)| callback.is_none());
        conn.post(Box::new(move |cx| {
            let target = cx.remote_objects.borrow_mut().remove(&object);
            let (Some(target), Some((interface, method)), Some((queue, callback))) = (target, T::DESTROY, caller)
            else {
                return;
            };
            let caller = Caller { queue, callback };
            let mut request = target.new_call::<destroy::Owned, any_pointer::Owned>(interface, method, None);
            cx.fill(request.get().init_context(), &caller);
            let promise = request.send().promise;
            tokio::task::spawn_local(async move {
                // An object that is gone already is as good.
                drop(promise.await);
            });
        }));
    }
}

/// A request in the making, on the loop thread.
pub(crate) struct Outgoing<'a> {
    cx: &'a Rc<Loop>,
    caller: &'a Caller,
}

impl Outgoing<'_> {
    pub(crate) fn fill(&self, builder: context::Builder<'_>) {
        self.cx.fill(builder, self.caller);
    }

    pub(crate) fn export<U: Dispatch + ?Sized, C: FromClientHook>(&self, imp: Arc<U>) -> C {
        self.cx.export(imp)
    }
}

/// Where the word is put for a thread that waits for it.
struct Slot {
    value: Mutex<Option<Result<(), Thrown>>>,
    queue: Arc<ThreadQueue>,
}

impl Slot {
    fn take(&self) -> Option<Result<(), Thrown>> {
        lock(&self.value).take()
    }
}

/// The right to answer once. Dropped without an answer, it says that the connection is gone.
struct Reply(Arc<Slot>);

impl Reply {
    fn give(self, value: Result<(), Thrown>) {
        *lock(&self.0.value) = Some(value);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        lock(&self.0.value).get_or_insert(Err(Thrown::Road(IpcError::Interrupted)));
        self.0.queue.nudge();
    }
}
