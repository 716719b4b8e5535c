//! `-netinfo`: the node's connections as a dashboard.

mod counts;
mod peer;
mod peers;

use std::fmt::Write as _;

use coin::{Chain, ChainKind, Coin};
use rpc::Json;

use crate::error::CliError;
use crate::reply::Answer;
use crate::session::Session;

use counts::Counts;
use peer::{Peer, network_id};

/// What the user wants to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// From 0, no list of peers, to 4, all columns.
    level: u8,
    /// Outgoing peers only.
    outbound_only: bool,
}

impl View {
    const MAX_LEVEL: u8 = 4;

    /// Reads the words behind `-netinfo`; nothing if the user asks for help. Words after the second are ignored.
    pub(crate) fn read(words: &[String], cli: &str) -> Result<Option<Self>, CliError> {
        let Some(first) = words.first() else { return Ok(Some(Self::default())) };
        if first == "h" || first == "help" {
            return Ok(None);
        }
        let digits = first.bytes().all(|byte| byte.is_ascii_digit());
        let level = first.parse::<u8>().ok().filter(|_| digits);
        let level = level.ok_or_else(|| CliError::NetinfoLevel { given: first.clone(), cli: cli.to_owned() })?;
        let outbound_only = match words.get(1) {
            None => false,
            Some(word) if level > 0 && (word == "o" || word == "outonly") => true,
            Some(word) => {
                let hint = if level > 0 {
                    ""
                } else {
                    "The outonly argument is only valid for a level greater than 0 (the first argument). "
                };
                return Err(CliError::NetinfoOutOnly { given: word.clone(), hint, cli: cli.to_owned() });
            }
        };
        Ok(Some(Self { level: level.min(Self::MAX_LEVEL), outbound_only }))
    }

    fn lists_peers(self) -> bool {
        self.level > 0
    }

    fn shows_address(self) -> bool {
        matches!(self.level, 2 | 4)
    }

    fn shows_version(self) -> bool {
        matches!(self.level, 3 | 4)
    }
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    /// The coin.
    pub(crate) coin: &'static Coin,
    /// The chain.
    pub(crate) chain: &'static Chain,
    /// Seconds since 1970. It is the client's time: the server's may be mocked.
    pub(crate) now: i64,
}

/// The page about it.
pub(crate) fn help(cli: &str) -> String {
    include_str!("help.txt").trim_end().replace("{cli}", cli) + "\n"
}

/// Asks and shows.
pub(crate) fn run(
    session: &mut Session<'_>,
    wallet: Option<&str>,
    view: View,
    client: &Client,
) -> Result<Answer, CliError> {
    let replies = session.batch(wallet, &["getpeerinfo", "getnetworkinfo"])?;
    if let Some(failed) = replies.iter().find_map(Answer::failure) {
        return Ok(failed);
    }
    let [peer_info, network] = replies.as_slice() else { return Err(CliError::BatchMember) };
    dashboard(peer_info.get("result"), network.get("result"), view, client).map(Answer::Text)
}

fn dashboard(peer_info: &Json, network: &Json, view: View, client: &Client) -> Result<String, CliError> {
    let mut counts = Counts::default();
    let mut listed = Vec::new();
    for object in peer_info.as_arr()? {
        // Old servers do not say how a connection came about.
        if object.get("connection_type").is_null() || object.get("network").is_null() {
            return Err(CliError::NetinfoUnsupported(client.coin.id));
        }
        let Some(network) = network_id(object.get("network").as_str()?) else { continue };
        let outbound = !object.get("inbound").as_bool()?;
        counts.add(network, outbound, object.get("connection_type").as_str()?);
        if view.lists_peers() && (outbound || !view.outbound_only) {
            listed.push(Peer::read(object, network, outbound, client.now)?);
        }
    }

    let mut text = header(network, view, client)?;
    if !listed.is_empty() {
        listed.sort_by(Peer::order);
        peers::write(&listed, view, &mut text);
    }
    counts.write(network.get("networks"), &mut text)?;
    if !view.lists_peers() {
        let _ = write!(text, "\n\nLocal services: {}", service_names(network.get("localservicesnames"))?);
    }
    local_addresses(network.get("localaddresses"), &mut text)?;
    Ok(text)
}

fn header(network: &Json, view: View, client: &Client) -> Result<String, CliError> {
    let chain = match client.chain.kind {
        ChainKind::Main => "",
        ChainKind::Test => " testnet",
        kind => &format!(" {}", kind.name()),
    };
    let services = if view.lists_peers() {
        format!(" - services {}", peer::service_letters(network.get("localservicesnames"))?)
    } else {
        String::new()
    };
    Ok(format!(
        "{} client {}{chain} - server {}{}{services}\n\n",
        client.coin.client_name,
        config::about::VERSION,
        network.get("protocolversion").as_int::<i64>()?,
        network.get("subversion").as_str()?,
    ))
}

fn service_names(services: &Json) -> Result<String, CliError> {
    let names = services.as_arr()?.iter().map(Json::as_str).collect::<Result<Vec<_>, _>>()?;
    Ok(names.join(", ").replace('_', " ").to_ascii_lowercase())
}

fn local_addresses(addresses: &Json, text: &mut String) -> Result<(), CliError> {
    text.push_str("\n\nLocal addresses");
    let addresses = addresses.as_arr()?;
    if addresses.is_empty() {
        text.push_str(": n/a\n");
    }
    let name = |address: &Json| address.get("address").as_str().map(str::to_owned);
    let names = addresses.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    let width = names.iter().map(String::len).max().unwrap_or(0) + 1;
    for (address, name) in addresses.iter().zip(names) {
        let (port, score) = (address.get("port").as_int::<i64>()?, address.get("score").as_int::<i64>()?);
        let _ = write!(text, "\n{name:<width$}    port {port:>6}    score {score:>6}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
