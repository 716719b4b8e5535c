//! What some peers may do that others may not: `-whitelist` and `-whitebind`.

use std::net::SocketAddr;

use p2p::{NetAddr, Permissions, Subnet};

use crate::target;

/// Why a value of `-whitelist` or `-whitebind` cannot be used. The texts are the daemon's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// There is no such permission.
    #[error("Invalid P2P permission: '{0}'")]
    Unknown(String),
    /// A listener has no outgoing connections.
    #[error("whitebind may only be used for incoming connections (\"out\" was passed)")]
    OutgoingBind,
    /// A direction alone allows nothing.
    #[error("Only direction was set, no permissions: '{0}'")]
    OnlyDirection(String),
    /// That is no address.
    #[error("Cannot resolve -whitebind address: '{0}'")]
    BadAddress(String),
    /// An address to listen on needs a port.
    #[error("Need to specify a port with -whitebind: '{0}'")]
    NoPort(String),
    /// That is no range of addresses.
    #[error("Invalid netmask specified in -whitelist: '{0}'")]
    BadRange(String),
}

/// What is granted: some permissions by name, or those that other options make the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grant {
    /// By name.
    pub named: Permissions,
    /// The default.
    pub implicit: bool,
}

/// What the default is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Implicit {
    /// `-whitelistrelay`
    pub relay: bool,
    /// `-whitelistforcerelay`
    pub force_relay: bool,
}

impl Grant {
    /// The permissions that this comes to.
    pub fn resolve(self, implicit: Implicit) -> Permissions {
        let mut all = self.named;
        if self.implicit {
            all.noban = true;
            all.download = true;
            all.mempool = true;
            all.relay |= implicit.relay || implicit.force_relay;
            all.force_relay |= implicit.force_relay;
        }
        all
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (a, b) = (self.named, other.named);
        let named = Permissions {
            noban: a.noban | b.noban,
            relay: a.relay | b.relay,
            mempool: a.mempool | b.mempool,
            download: a.download | b.download,
            bloom: a.bloom | b.bloom,
            force_relay: a.force_relay | b.force_relay,
            addr: a.addr | b.addr,
        };
        Self { named, implicit: self.implicit | other.implicit }
    }
}

/// The names of permissions, as RPC answers list them.
pub fn names(permissions: &Permissions) -> Vec<&'static str> {
    let all = [
        ("bloomfilter", permissions.bloom),
        ("noban", permissions.noban),
        ("forcerelay", permissions.force_relay),
        ("relay", permissions.relay),
        ("mempool", permissions.mempool),
        ("download", permissions.download),
        ("addr", permissions.addr),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// A value of `-whitebind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhiteBind {
    /// Where to listen.
    pub address: SocketAddr,
    /// What those may do that connect there.
    pub grant: Grant,
}

/// A value of `-whitelist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhiteRange {
    /// Who.
    pub range: Subnet,
    /// What.
    pub grant: Grant,
    /// Whether it counts for those that call us.
    pub incoming: bool,
    /// Whether it counts for those that the user called.
    pub outgoing: bool,
}

struct Read<'a> {
    grant: Grant,
    incoming: bool,
    outgoing: bool,
    rest: &'a str,
}

/// Reads `perm1,perm2@rest`. Without `@` the default is granted.
fn read(text: &str) -> Result<Read<'_>, PermissionError> {
    let Some((list, rest)) = text.split_once('@') else {
        let grant = Grant { named: Permissions::default(), implicit: true };
        return Ok(Read { grant, incoming: true, outgoing: false, rest: text });
    };
    let mut it = Permissions::default();
    let (mut incoming, mut outgoing) = (false, false);
    for name in list.split(',') {
        match name {
            "bloomfilter" | "bloom" => it.bloom = true,
            "noban" => (it.noban, it.download) = (true, true),
            "forcerelay" => (it.force_relay, it.relay) = (true, true),
            "relay" => it.relay = true,
            "mempool" => it.mempool = true,
            "download" => it.download = true,
            "addr" => it.addr = true,
            "all" => {
                it = Permissions {
                    noban: true,
                    relay: true,
                    mempool: true,
                    download: true,
                    bloom: true,
                    force_relay: true,
                    addr: true,
                }
            }
            "in" => incoming = true,
            "out" => outgoing = true,
            "" => {}
            unknown => return Err(PermissionError::Unknown(unknown.to_owned())),
        }
    }
    if !incoming && !outgoing {
        incoming = true;
    } else if it == Permissions::default() {
        return Err(PermissionError::OnlyDirection(text.to_owned()));
    }
    Ok(Read { grant: Grant { named: it, implicit: false }, incoming, outgoing, rest })
}

impl WhiteBind {
    /// Reads a value of `-whitebind`.
    pub fn parse(text: &str) -> Result<Self, PermissionError> {
        let Read { grant, outgoing, rest, .. } = read(text)?;
        if outgoing {
            return Err(PermissionError::OutgoingBind);
        }
        let address = target::socket(rest, 0).ok_or_else(|| PermissionError::BadAddress(rest.to_owned()))?;
        if address.port() == 0 {
            return Err(PermissionError::NoPort(rest.to_owned()));
        }
        Ok(Self { address, grant })
    }
}

impl WhiteRange {
    /// Reads a value of `-whitelist`.
    pub fn parse(text: &str) -> Result<Self, PermissionError> {
        let Read { grant, incoming, outgoing, rest } = read(text)?;
        let range = rest.parse().map_err(|_| PermissionError::BadRange(rest.to_owned()))?;
        Ok(Self { range, grant, incoming, outgoing })
    }
}

/// What the ranges that an address is in grant together.
pub fn granted<'a>(ranges: impl IntoIterator<Item = &'a WhiteRange>, addr: &NetAddr) -> Grant {
    let fits = ranges.into_iter().filter(|range| range.range.contains(addr));
    fits.fold(Grant::default(), |sum, range| sum.and(range.grant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names() {
        let range = WhiteRange::parse("noban,relay@1.2.3.4/16").unwrap();
        assert_eq!(names(&range.grant.named), ["noban", "relay", "download"]);
        assert!(range.incoming && !range.outgoing);
        let range = WhiteRange::parse("bloom,forcerelay,in,out@::1").unwrap();
        assert_eq!(names(&range.grant.named), ["bloomfilter", "forcerelay", "relay"]);
        assert!(range.incoming && range.outgoing);
        let all = WhiteRange::parse("all@1.2.3.4").unwrap();
        assert_eq!(names(&all.grant.named).len(), 7);
        let none = WhiteRange::parse("@1.2.3.4").unwrap();
        assert_eq!(none.grant, Grant::default());
    }

    #[test]
    fn what_cannot_be_read_is_refused_in_the_daemons_words() {
        for (text, why) in [
            ("oopsie@1.2.3.4", "Invalid P2P permission: 'oopsie'"),
            ("noban@1.2.3.4:32", "Invalid netmask specified in -whitelist: '1.2.3.4:32'"),
            ("in@1.2.3.4", "Only direction was set, no permissions: 'in@1.2.3.4'"),
        ] {
            assert_eq!(WhiteRange::parse(text).unwrap_err().to_string(), why);
        }
        for (text, why) in [
            ("noban@127.0.0.1", "Need to specify a port with -whitebind: '127.0.0.1'"),
            ("noban,out@127.0.0.1:5", "whitebind may only be used for incoming connections (\"out\" was passed)"),
            ("noban@host", "Cannot resolve -whitebind address: 'host'"),
        ] {
            assert_eq!(WhiteBind::parse(text).unwrap_err().to_string(), why);
        }
        assert_eq!(WhiteBind::parse("[::1]:5").unwrap().address.to_string(), "[::1]:5");
    }

    #[test]
    fn the_default_follows_other_options() {
        let grant = WhiteRange::parse("1.2.3.4").unwrap().grant;
        let given = |relay, force_relay| grant.resolve(Implicit { relay, force_relay });
        assert_eq!(names(&given(true, false)), ["noban", "relay", "mempool", "download"]);
        assert_eq!(names(&given(false, false)), ["noban", "mempool", "download"]);
        assert_eq!(names(&given(false, true)), ["noban", "forcerelay", "relay", "mempool", "download"]);
    }
}
