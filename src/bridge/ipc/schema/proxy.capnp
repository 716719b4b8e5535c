# Threads of one process, named by another. The wire of libmultiprocess.
@0xcc316e3f71a040fb;

interface ThreadMap {
    # Makes a worker thread that runs, in order, the calls whose context names it.
    makeThread @0 (name :Text) -> (result :Thread);
    # Makes the workers for calls whose context names no thread. Once for each connection.
    makePool @1 (count :UInt32) -> ();
}

interface Thread {
    getName @0 () -> (result: Text);
}

struct Context {
    # The server's thread that runs the call.
    thread @0 :Thread;
    # The client's thread that waits for it, and runs the callbacks it makes.
    callbackThread @1 :Thread;
}
