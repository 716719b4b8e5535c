# JSON-RPC without HTTP.
@0x9c3505dc45e146ac;

using Proxy = import "proxy.capnp";

interface Rpc {
    executeRpc @0 (context :Proxy.Context, request :Text, uri :Text, user :Text) -> (result :Text);
}
