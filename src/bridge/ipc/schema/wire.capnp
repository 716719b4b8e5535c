# What our generator of proxies reads from the schemas. No annotation changes the wire.
@0xa9c1e1f5d0b7c342;

annotation onLoop @0xb1d36bba3d1f8d01 (method) :Void;
# The method cannot block: it is answered on the event loop, without a worker thread.

annotation sameAs @0xb1d36bba3d1f8d03 (method) :Text;
# The method is an older ordinal of another: it calls the same function and answers what its results have room for.

annotation interruptBy @0xb1d36bba3d1f8d04 (interface) :Text;
# The method that ends a wait. It is called when the client of a waiting call is gone.

annotation typeId @0xb1d36bba3d1f8d06 (interface) :UInt64;
# Calls name the interface by this id, and not by its own.

annotation quick @0xb1d36bba3d1f8d07 (method) :Void;
# The method takes no time worth a thread: it is answered on the event loop if its worker has nothing else to do, and in
# its turn on the worker if it has. Its implementation must not call another process.

annotation bounded @0xb1d36bba3d1f8d05 (interface) :Void;
# Objects hold much memory: a client that keeps too many loses its oldest.
