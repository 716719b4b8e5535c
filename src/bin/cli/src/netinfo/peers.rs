//! The list of peers: one line each, columns as wide as they need to be.

use std::fmt::Write as _;

use super::View;
use super::peer::Peer;

/// Adds the list.
pub(super) fn write(peers: &[Peer], view: View, text: &mut String) {
    let widest = |least: usize, column: fn(&Peer) -> &str| {
        peers.iter().map(|peer| column(peer).chars().count()).max().unwrap_or(0).max(least)
    };
    let services = widest(6, |peer| &peer.services);
    let addresses = widest(5, |peer| &peer.addresses);
    let dropped = widest(6, |peer| &peer.addresses_dropped);
    let age = widest(5, |peer| &peer.age);
    let id = widest(2, |peer| &peer.id);
    let address = if view.shows_address() { widest(0, |peer| &peer.address) + 1 } else { 0 };
    let mapped = peers.iter().any(|peer| peer.mapped_as.is_some());

    let _ = writeln!(
        text,
        "<->   type   net {:>services$}  v  mping   ping send recv  txn  blk  hb {:>addresses$}{:>dropped$}{:>age$} {}{:>id$} \
         {:<address$}{}",
        "serv",
        "addrp",
        "addrl",
        "age",
        if mapped { " asmap " } else { "" },
        "id",
        if view.shows_address() { "address" } else { "" },
        if view.shows_version() { "version" } else { "" },
    );
    for peer in peers {
        let _ = writeln!(
            text,
            "{:>3} {:>6} {:>5} {:>services$} {:>2}{:>7}{:>7}{:>5}{:>5}{:>5}{:>5}  {:>2} \
             {:>addresses$}{:>dropped$}{:>age$}{:>mapped_width$} {:>id$} {:<address$}{}",
            if peer.outbound { "out" } else { "in" },
            peer.kind,
            peer.network,
            peer.services,
            peer.transport,
            peer.min_ping_text,
            peer.ping_text,
            peer.send,
            peer.receive,
            peer.transaction,
            peer.block,
            peer.high_bandwidth,
            peer.addresses,
            peer.addresses_dropped,
            peer.age,
            peer.mapped_as.map(|number| number.to_string()).unwrap_or_default(),
            peer.id,
            if view.shows_address() { &peer.address } else { "" },
            if view.shows_version() { &peer.version } else { "" },
            mapped_width = if mapped { 7 } else { 0 },
        );
    }
    let _ = write!(
        text,
        "                {:>services$}         ms     ms  sec  sec  min  min                {:>age$}\n\n",
        "", "min",
    );
}
