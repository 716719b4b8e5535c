//! One side of a conversation, as `capnp-rpc` wants it: the library's view of a [`Wire`].

use std::rc::{Rc, Weak};

use capnp::capability::Promise;
use capnp::message::{Builder, HeapAllocator};
use capnp_rpc::rpc_twoparty_capnp::Side;
use futures::channel::oneshot;

use crate::transport::{Message, Received, Wire};

/// What a message gets beyond what the library asks for.
const MORE_WORDS: u32 = 32;

/// Held by the library while the connection is open. When it lets go, the socket closes.
struct Link {
    wire: Rc<Wire>,
    gone: Option<oneshot::Sender<()>>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.wire.hang_up();
        if let Some(gone) = self.gone.take() {
            gone.send(()).ok();
        }
    }
}

/// One side of the conversation, as the library wants it.
pub(crate) struct Network {
    /// Handed out once, to serve; a client connects before.
    link: Option<Rc<Link>>,
    weak: Weak<Link>,
    side: Side,
    driver: Option<Promise<(), capnp::Error>>,
}

impl Network {
    pub(crate) fn new(wire: Rc<Wire>, side: Side) -> Self {
        let (gone, on_gone) = oneshot::channel();
        let writer = wire.clone();
        let driver = Promise::from_future(async move {
            writer.write().await;
            // The library lets go of the connection once everyone knows that it is closed.
            on_gone.await.ok();
            Ok(())
        });
        let link = Rc::new(Link { wire, gone: Some(gone) });
        Self { weak: Rc::downgrade(&link), link: Some(link), side, driver: Some(driver) }
    }

    /// Closes the connection at once, from this side.
    pub(crate) fn closer(&self) -> impl Fn() + use<> {
        let wire = self.weak.upgrade().map(|link| Rc::downgrade(&link.wire));
        move || {
            if let Some(wire) = wire.as_ref().and_then(Weak::upgrade) {
                wire.hang_up();
            }
        }
    }
}

impl capnp_rpc::VatNetwork<Side> for Network {
    fn connect(&mut self, host: Side) -> Option<Box<dyn capnp_rpc::Connection<Side>>> {
        if host == self.side {
            return None;
        }
        let link = self.weak.upgrade()?;
        Some(Box::new(Connection { link, side: self.side }))
    }

    fn accept(&mut self) -> Promise<Box<dyn capnp_rpc::Connection<Side>>, capnp::Error> {
        match self.link.take() {
            Some(link) => Promise::ok(Box::new(Connection { link, side: self.side })),
            None => Promise::from_future(std::future::pending()),
        }
    }

    fn drive_until_shutdown(&mut self) -> Promise<(), capnp::Error> {
        self.driver.take().unwrap_or_else(|| Promise::ok(()))
    }
}

struct Connection {
    link: Rc<Link>,
    side: Side,
}

impl capnp_rpc::Connection<Side> for Connection {
    fn get_peer_vat_id(&self) -> Side {
        self.side
    }

    fn new_outgoing_message(&mut self, first_segment_word_size: u32) -> Box<dyn capnp_rpc::OutgoingMessage> {
        // What the library asks for leaves no room for the table of capabilities, which would get a segment of its own.
        let allocator = HeapAllocator::new().first_segment_words(first_segment_word_size.saturating_add(MORE_WORDS));
        Box::new(Outgoing { message: Builder::new(allocator), wire: self.link.wire.clone() })
    }

    fn receive_incoming_message(&mut self) -> Promise<Option<Box<dyn capnp_rpc::IncomingMessage>>, capnp::Error> {
        let wire = self.link.wire.clone();
        Promise::from_future(async move {
            let message = wire.receive().await?;
            Ok(message.map(|message| -> Box<dyn capnp_rpc::IncomingMessage> { Box::new(Incoming(message)) }))
        })
    }

    fn shutdown(&mut self, _result: capnp::Result<()>) -> Promise<(), capnp::Error> {
        let closed = self.link.wire.close();
        Promise::from_future(async move {
            closed.await.ok();
            Ok(())
        })
    }
}

struct Incoming(Received);

impl capnp_rpc::IncomingMessage for Incoming {
    fn get_body(&self) -> capnp::Result<capnp::any_pointer::Reader<'_>> {
        self.0.get_root()
    }
}

struct Outgoing {
    message: Builder<HeapAllocator>,
    wire: Rc<Wire>,
}

impl capnp_rpc::OutgoingMessage for Outgoing {
    fn get_body(&mut self) -> capnp::Result<capnp::any_pointer::Builder<'_>> {
        self.message.get_root()
    }

    fn get_body_as_reader(&self) -> capnp::Result<capnp::any_pointer::Reader<'_>> {
        self.message.get_root_as_reader()
    }

    fn send(self: Box<Self>) -> (Promise<(), capnp::Error>, Message) {
        let Self { message, wire } = *self;
        let message = Rc::new(message);
        wire.send(message.clone());
        (Promise::ok(()), message)
    }

    fn take(self: Box<Self>) -> Builder<HeapAllocator> {
        self.message
    }

    fn size_in_words(&self) -> usize {
        self.message.size_in_words()
    }
}
