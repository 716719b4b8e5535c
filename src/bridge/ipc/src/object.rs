//! An object of ours that the other side calls: from the message to the method and back.
//!
//! A call is read on the loop thread, runs on the worker that its context names, and is answered on the loop thread
//! again. Methods that cannot block run on the loop thread without the detour.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use capnp::capability::{FromClientHook, FromServer, Promise};
use capnp::private::capability::{ClientHook, ParamsHook, ResultsHook};

use crate::call::{CallContext, Incoming, ReadCall, Runs, answer_now};
use crate::conn::{EndEarly, Loop};
use crate::line::Place;
use crate::remote::Remote;
use crate::threadmap::ThreadMapServer;
use crate::wire::{init_capnp::init, proxy_capnp};

/// Parameters of a call, before their type is known.
pub(crate) type Params = capnp::capability::Params<capnp::any_pointer::Owned>;
/// Results of a call, before their type is known.
pub(crate) type Results = capnp::capability::Results<capnp::any_pointer::Owned>;

/// Objects that other processes can call right now, in the whole process.
pub(crate) static OBJECTS: AtomicUsize = AtomicUsize::new(0);

/// A method, for the log.
pub(crate) struct Method {
    pub(crate) interface: &'static str,
    pub(crate) name: &'static str,
    /// Whether it need not go to its worker if that has nothing else to do.
    pub(crate) quick: bool,
}

/// What the generator writes for each interface.
pub(crate) trait Dispatch: Send + Sync + 'static {
    /// Its name in the schema.
    const NAME: &'static str;
    /// Whether its objects hold so much memory that old ones are ended.
    const BOUNDED: bool;
    /// The method that ends an object, if it has one.
    const DESTROY: Option<(u64, u16)>;

    /// Runs a call.
    fn dispatch(
        object: Rc<Object<Self>>,
        interface: u64,
        method: u16,
        params: Params,
        results: Results,
    ) -> Promise<(), capnp::Error>;

    /// The client side as an object like any other.
    fn proxy(remote: Remote<Self>) -> Arc<Self>;

    /// Ends a wait. `false` if nothing here waits.
    fn interrupt(&self) -> bool {
        false
    }
}

/// An implementation and the connection that it is called over.
pub(crate) struct Object<T: Dispatch + ?Sized> {
    cx: Rc<Loop>,
    imp: RefCell<Option<Arc<T>>>,
    /// The place in line of the call that is about to be read.
    arrived: RefCell<Option<Place>>,
}

impl<T: Dispatch + ?Sized> Object<T> {
    pub(crate) fn new(cx: &Rc<Loop>, imp: Arc<T>) -> Rc<Self> {
        let object = Rc::new(Self { cx: cx.clone(), imp: RefCell::new(Some(imp)), arrived: RefCell::default() });
        OBJECTS.fetch_add(1, Ordering::Relaxed);
        cx.object_count.set(cx.object_count.get() + 1);
        if cx.object_count.get() > cx.info.limits.objects {
            cx.abort("it holds too many objects");
        }
        if T::BOUNDED {
            let held: Rc<dyn EndEarly> = object.clone();
            let weak = Rc::downgrade(&held);
            let mut bounded = cx.bounded.borrow_mut();
            bounded.push_back(weak);
            if bounded.len() > cx.info.limits.bounded_objects {
                bounded.retain(|old| old.strong_count() > 0);
            }
            let oldest = if bounded.len() > cx.info.limits.bounded_objects { bounded.pop_front() } else { None };
            drop(bounded);
            if let Some(oldest) = oldest.and_then(|oldest| oldest.upgrade()) {
                tracing::debug!(target: "ipc", "{} ending the oldest {} of its client", cx.info.tag(), T::NAME);
                oldest.end_early();
            }
        }
        object
    }

    /// Lets go of the implementation where that may block.
    fn end(&self) {
        if let Some(imp) = self.imp.take() {
            if Arc::strong_count(&imp) == 1 {
                self.cx.clean_up(Box::new(move || drop(imp)));
            }
            OBJECTS.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn incoming(&self, method: &'static Method) -> Rc<Incoming> {
        let place = self.arrived.take().unwrap_or_else(|| self.cx.line.enter());
        Incoming::new(&self.cx, method, place)
    }

    /// Answers a call: `read` makes a job of its parameters, which runs on the loop thread or on the worker that the
    /// context names, and returns what writes the results.
    pub(crate) fn serve(
        self: &Rc<Self>,
        method: &'static Method,
        on_loop: bool,
        params: &Params,
        results: Results,
        read: ReadCall<T>,
    ) -> Promise<(), capnp::Error> {
        let call = self.incoming(method);
        let (context, job) = match params.get().and_then(|params| read(&call, params)) {
            Ok(ready) => ready,
            Err(error) => return call.fail(error),
        };
        let Some(imp) = self.imp.borrow().clone() else {
            let text = format!("std::exception: {} was called after it was destroyed", T::NAME);
            return call.fail(capnp::Error::failed(text));
        };
        let wake = imp.clone();
        let work: Runs = Box::new(move || job(&imp));
        if on_loop {
            return answer_now(&call, work, results);
        }
        let run = call.clone().on_worker(context, Box::new(move || wake.interrupt()), work);
        call.answer(run, results)
    }

    /// Ends the object on the worker that the context names, and answers when it has ended.
    pub(crate) fn destroy(
        self: &Rc<Self>,
        method: &'static Method,
        params: &Params,
        read: fn(&Incoming, capnp::any_pointer::Reader<'_>) -> capnp::Result<CallContext>,
    ) -> Promise<(), capnp::Error> {
        let call = self.incoming(method);
        let context = match params.get().and_then(|params| read(&call, params)) {
            Ok(context) => context,
            Err(error) => return call.fail(error),
        };
        call.request(String::new);
        let Some(imp) = self.imp.take() else { return Promise::ok(()) };
        OBJECTS.fetch_sub(1, Ordering::Relaxed);
        let work: Runs = Box::new(move || {
            drop(imp);
            Ok(Box::new(|_, _| Ok(())))
        });
        let ended = call.clone().on_worker(context, Box::new(|| false), work);
        Promise::from_future(async move {
            let result = ended.await.map(drop);
            match &result {
                Ok(()) => call.response(String::new),
                Err(error) => call.log_error(error),
            }
            result
        })
    }

    /// `Init.construct`: each side gives the other the means to make threads.
    pub(crate) fn construct(
        self: &Rc<Self>,
        method: &'static Method,
        params: &Params,
        mut results: Results,
    ) -> Promise<(), capnp::Error> {
        let call = self.incoming(method);
        call.request(String::new);
        let cx = call.cx();
        let theirs = params.get().and_then(|params| {
            let reader: init::construct_params::Reader<'_> = params.get_as()?;
            if reader.has_thread_map() { reader.get_thread_map().map(Some) } else { Ok(None) }
        });
        match theirs {
            Ok(None) => {}
            Ok(theirs) => drop(cx.thread_map.replace(theirs)),
            Err(error) => return call.fail(error),
        }
        let ours: proxy_capnp::thread_map::Client = capnp_rpc::new_client(ThreadMapServer::new(cx));
        let mut builder: init::construct_results::Builder<'_> = results.get().init_as();
        builder.set_thread_map(ours);
        call.response(String::new);
        Promise::ok(())
    }
}

impl<T: Dispatch + ?Sized> EndEarly for Object<T> {
    fn end_early(&self) {
        self.end();
    }
}

impl<T: Dispatch + ?Sized> Drop for Object<T> {
    fn drop(&mut self) {
        self.end();
        self.cx.object_count.set(self.cx.object_count.get().saturating_sub(1));
    }
}

/// A capability on an object, as the library's own, but for one thing: a call takes its place in line when it is made,
/// not when the library comes to polling it. Calls that waited for a promise would lose their turn to later ones.
struct Hook<T: Dispatch + ?Sized> {
    inner: Box<dyn ClientHook>,
    object: Rc<Object<T>>,
}

/// Makes an object callable.
pub(crate) fn capability<T: Dispatch + ?Sized, C: FromClientHook>(object: Rc<Object<T>>) -> C {
    let client: AnyClient<T> = capnp_rpc::new_client_from_rc(object.clone());
    C::new(Box::new(Hook { inner: client.into_client_hook(), object }))
}

impl<T: Dispatch + ?Sized> ClientHook for Hook<T> {
    fn add_ref(&self) -> Box<dyn ClientHook> {
        Box::new(Self { inner: self.inner.add_ref(), object: self.object.clone() })
    }

    fn new_call(
        &self,
        interface_id: u64,
        method_id: u16,
        size_hint: Option<capnp::MessageSize>,
    ) -> capnp::capability::Request<capnp::any_pointer::Owned, capnp::any_pointer::Owned> {
        self.inner.new_call(interface_id, method_id, size_hint)
    }

    fn call(
        &self,
        interface_id: u64,
        method_id: u16,
        params: Box<dyn ParamsHook>,
        results: Box<dyn ResultsHook>,
    ) -> Promise<(), capnp::Error> {
        let place = self.object.cx.line.enter();
        let object = self.object.clone();
        Promise::from_future(async move {
            object.arrived.replace(Some(place));
            let (params, results) = (Params::new(params), Results::new(results));
            let answer = T::dispatch(object.clone(), interface_id, method_id, params, results);
            // A method that does not exist has not taken it.
            drop(object.arrived.take());
            answer.await
        })
    }

    fn get_brand(&self) -> usize {
        self.inner.get_brand()
    }

    fn get_ptr(&self) -> usize {
        self.inner.get_ptr()
    }

    fn get_resolved(&self) -> Option<Box<dyn ClientHook>> {
        None
    }

    fn when_more_resolved(&self) -> Option<Promise<Box<dyn ClientHook>, capnp::Error>> {
        None
    }

    fn when_resolved(&self) -> Promise<(), capnp::Error> {
        Promise::ok(())
    }
}

/// A capability whose calls go to an [`Object`].
pub(crate) struct AnyClient<T: Dispatch + ?Sized> {
    hook: Box<dyn ClientHook>,
    of: std::marker::PhantomData<Cell<*const T>>,
}

impl<T: Dispatch + ?Sized> FromClientHook for AnyClient<T> {
    fn new(hook: Box<dyn ClientHook>) -> Self {
        Self { hook, of: std::marker::PhantomData }
    }
    fn into_client_hook(self) -> Box<dyn ClientHook> {
        self.hook
    }
    fn as_client_hook(&self) -> &dyn ClientHook {
        &*self.hook
    }
}

impl<T: Dispatch + ?Sized> FromServer<Object<T>> for AnyClient<T> {
    type Dispatch = ObjectDispatch<T>;
    fn from_server(object: Rc<Object<T>>) -> ObjectDispatch<T> {
        ObjectDispatch(object)
    }
}

/// What the library calls.
pub(crate) struct ObjectDispatch<T: Dispatch + ?Sized>(Rc<Object<T>>);

impl<T: Dispatch + ?Sized> Clone for ObjectDispatch<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Dispatch + ?Sized> std::ops::Deref for ObjectDispatch<T> {
    type Target = Object<T>;
    fn deref(&self) -> &Object<T> {
        &self.0
    }
}

impl<T: Dispatch + ?Sized> capnp::capability::Server for ObjectDispatch<T> {
    fn dispatch_call(
        self,
        interface_id: u64,
        method_id: u16,
        params: Params,
        results: Results,
    ) -> capnp::capability::DispatchCallResult {
        let promise = T::dispatch(self.0, interface_id, method_id, params, results);
        capnp::capability::DispatchCallResult::new(promise, false)
    }

    #[expect(clippy::as_conversions, reason = "an address, as the trait wants it")]
    fn as_ptr(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<()>() as usize
    }
}
