//! What is published over ZMQ.

use ::rpc::{Json, Method, Object, Res, method};

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    vec![notifications()]
}

fn notifications() -> Method<NodeContext> {
    let fields = [
        Res::str("type", "Type of notification"),
        Res::str("address", "Address of the publisher"),
        Res::num("hwm", "Outbound message high water mark"),
    ];
    method("zmq", "getzmqnotifications", "Returns information about the active ZeroMQ notifications.\n")
        .result(Res::arr("", "", [Res::obj("", "", fields)]))
        .example_cli("")
        .example_rpc("")
        .run(|node: &NodeContext, _| {
            let notifiers = node.publisher.get().into_iter().flat_map(|publisher| publisher.notifiers());
            let shown = notifiers.map(|notifier| {
                Object::new()
                    .with("type", format!("pub{}", notifier.topic.name()))
                    .with("address", notifier.address.as_str())
                    .with("hwm", notifier.high_water)
            });
            Ok(shown.collect::<Json>())
        })
}
