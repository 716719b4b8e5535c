//! One peer as the dashboard needs it.

use std::cmp::Ordering;

use rpc::{Json, JsonError};

/// The networks as RPC answers name them.
pub(super) const NETWORKS: [&str; 7] = ["not_publicly_routable", "ipv4", "ipv6", "onion", "i2p", "cjdns", "internal"];
/// The same where space is short.
pub(super) const SHORT_NAMES: [&str; NETWORKS.len()] = ["npr", "ipv4", "ipv6", "onion", "i2p", "cjdns", "int"];

/// The place of a network in the tables.
pub(super) fn network_id(name: &str) -> Option<usize> {
    NETWORKS.iter().position(|known| *known == name)
}

/// The columns, as text where that is all that counts.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) outbound: bool,
    /// Seconds; none before the first pong.
    min_ping: Option<f64>,
    pub(super) kind: &'static str,
    pub(super) network: &'static str,
    pub(super) services: String,
    pub(super) transport: char,
    pub(super) min_ping_text: String,
    pub(super) ping_text: String,
    pub(super) send: String,
    pub(super) receive: String,
    pub(super) transaction: String,
    pub(super) block: String,
    pub(super) high_bandwidth: String,
    pub(super) addresses: String,
    pub(super) addresses_dropped: String,
    pub(super) age: String,
    pub(super) mapped_as: Option<i64>,
    pub(super) id: String,
    pub(super) address: String,
    pub(super) version: String,
}

impl Peer {
    /// Reads a member of `getpeerinfo`.
    pub(super) fn read(object: &Json, network: usize, outbound: bool, now: i64) -> Result<Self, JsonError> {
        let optional = |name| match object.get(name) {
            Json::Null => Ok(0),
            value => value.as_int::<i64>(),
        };
        let flag = |name, missing| match object.get(name) {
            Json::Null => Ok(missing),
            value => value.as_bool(),
        };
        let ping = |name| match object.get(name) {
            Json::Null => Ok(None),
            value => value.as_f64().map(Some),
        };
        // Time since a moment that is 0 when it never came, in units of so many seconds.
        let since = |name, unit: i64| {
            let moment = object.get(name).as_int::<i64>()?;
            Ok::<_, JsonError>((moment != 0).then(|| (now.saturating_sub(moment) / unit).to_string()))
        };
        let number = |value: i64| if value == 0 { String::new() } else { value.to_string() };
        let min_ping = ping("minping")?;
        let relays_transactions = flag("relaytxes", true)?;
        let relays_addresses = flag("addr_relay_enabled", false)?;
        let addresses = optional("addr_processed")?;
        let (to, from) = (flag("bip152_hb_to", false)?, flag("bip152_hb_from", false)?);
        let transport = object.get("transport_protocol_type").as_str().unwrap_or("v1");
        let version = format!("{}{}", object.get("version").as_int::<i64>()?, object.get("subver").as_str()?);
        Ok(Self {
            outbound,
            min_ping,
            kind: kind(object.get("connection_type").as_str()?),
            network: SHORT_NAMES.get(network).copied().unwrap_or_default(),
            services: service_letters(object.get("servicesnames"))?,
            transport: match transport.as_bytes() {
                [b'v', version] => char::from(*version),
                _ => ' ',
            },
            min_ping_text: milliseconds(min_ping),
            ping_text: milliseconds(ping("pingtime")?),
            send: since("lastsend", 1)?.unwrap_or_default(),
            receive: since("lastrecv", 1)?.unwrap_or_default(),
            transaction: match since("last_transaction", 60)? {
                Some(minutes) => minutes,
                None => (if relays_transactions { "" } else { "*" }).to_owned(),
            },
            block: since("last_block", 60)?.unwrap_or_default(),
            high_bandwidth: format!("{}{}", if to { '.' } else { ' ' }, if from { '*' } else { ' ' }),
            addresses: if addresses == 0 && !relays_addresses { ".".to_owned() } else { number(addresses) },
            addresses_dropped: number(optional("addr_rate_limited")?),
            age: since("conntime", 60)?.unwrap_or_default(),
            mapped_as: Some(optional("mapped_as")?).filter(|number| *number != 0),
            id: object.get("id").as_int::<i64>()?.to_string(),
            address: object.get("addr").as_str()?.to_owned(),
            version: if version == "0" { String::new() } else { version },
        })
    }

    /// Inbound first; in each direction the quickest first, before them those that have not answered a ping.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |peer: &Self| peer.min_ping.unwrap_or(-1.0);
        self.outbound.cmp(&other.outbound).then_with(|| key(self).total_cmp(&key(other)))
    }
}

fn kind(connection_type: &str) -> &'static str {
    match connection_type {
        "outbound-full-relay" => "full",
        "block-relay-only" => "block",
        "manual" => "manual",
        "feeler" => "feeler",
        "addr-fetch" => "addr",
        "private-broadcast" => "priv",
        _ => "",
    }
}

/// One letter for each service.
pub(super) fn service_letters(services: &Json) -> Result<String, JsonError> {
    let letter = |name: &Json| {
        Ok(match name.as_str()? {
            "NETWORK_LIMITED" => Some('l'),
            "P2P_V2" => Some('2'),
            name => name.chars().next().map(|letter| letter.to_ascii_lowercase()),
        })
    };
    let letters = services.as_arr()?.iter().map(letter).collect::<Result<Vec<_>, JsonError>>()?;
    Ok(letters.into_iter().flatten().collect())
}

fn milliseconds(seconds: Option<f64>) -> String {
    match seconds.map(|seconds| (seconds * 1000.0).round()) {
        Some(milliseconds) if milliseconds > 999_999.0 => "-".to_owned(),
        Some(milliseconds) if milliseconds >= 0.0 => format!("{milliseconds:.0}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_are_shown_in_milliseconds() {
        for (seconds, text) in [
            (None, ""),
            (Some(-1.0), ""),
            (Some(0.0), "0"),
            (Some(0.0004), "0"),
            (Some(0.0125), "13"),
            (Some(999.999), "999999"),
            (Some(1000.0), "-"),
        ] {
            assert_eq!(milliseconds(seconds), text, "{seconds:?}");
        }
    }

    #[test]
    fn services_have_letters() {
        let names = ["NETWORK", "BLOOM", "WITNESS", "COMPACT_FILTERS", "NETWORK_LIMITED", "P2P_V2", "UNKNOWN[2^9]", ""];
        assert_eq!(service_letters(&names.into_iter().collect()), Ok("nbwcl2u".to_owned()));
        assert!(service_letters(&Json::Null).is_err());
    }
}
