//! Requests that came through a proxy (`docs/protocol.md` §4.7): whose word about the client counts, and who is on this machine.
//!
//! Through a proxy on this machine the whole internet comes from 127.0.0.1, and curl can send any `Origin` and `Sec-Fetch-Site`.
//! So "a program on this machine" is what came straight here, or what trusted proxies say was on this machine at every hop.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::header::{FORWARDED, VIA};
use http::{HeaderMap, Version};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Access, Head};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_HOST: &str = "x-forwarded-host";
const REAL_IP: &str = "x-real-ip";

/// Reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Host` are believed: this machine's, one address, or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedProxy {
    /// 127.0.0.0/8 and `::1`.
    Loopback,
    /// A network; one address is a network of its own.
    Network(IpNet),
}

/// A text that names no proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxyError {
    /// Neither an address nor a network.
    #[error(
        "{0:?} is no address: write one such as 127.0.0.1, a network such as 10.0.0.0/8, or loopback"
    )]
    NoAddress(String),
    /// Everybody could say that they are on this machine.
    #[error("{0} is everybody's address: name the proxy's own")]
    Everybody(IpNet),
}

impl TrustedProxy {
    fn is(self, peer: IpAddr) -> bool {
        match self {
            Self::Loopback => peer.is_loopback(),
            Self::Network(network) => network.contains(&peer),
        }
    }
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        if text.eq_ignore_ascii_case("loopback") {
            return Ok(Self::Loopback);
        }
        let address = || text.parse::<IpAddr>().map(IpNet::from).ok();
        let network = text.parse().ok().or_else(address);
        match network {
            None => Err(TrustedProxyError::NoAddress(text.to_owned())),
            Some(network) if network.prefix_len() == 0 => {
                Err(TrustedProxyError::Everybody(network))
            }
            Some(network) => Ok(Self::Network(network)),
        }
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback => f.write_str("loopback"),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

impl Serialize for TrustedProxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrustedProxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a request came here, as far as access matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Straight from whoever made it.
    Direct,
    /// Through trusted proxies; they and whoever made it are all on this machine, and know it by its own names.
    LocalProxy,
    /// From elsewhere, or nobody can tell: only a token counts.
    Outside(Sign),
}

/// What says that a request may be from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A proxy that the hub was not told to trust.
    UntrustedProxy,
    /// A trusted proxy names a client on another machine.
    RemoteClient,
    /// Proxy and client are on this machine, but the name is not, or is not told: under it a site's pages may look like programs,
    /// because browsers send no `Sec-Fetch-…` to other names over plain http, and no `Origin` with a `GET` of the same origin.
    OtherName,
    /// A trusted proxy does not say whom it serves, or not in a way that is understood.
    UnknownClient,
    /// The public host name, with no header of a proxy: the proxy adds none.
    PublicHost,
    /// HTTP/1.0, with no header of a proxy: what nginx sends where it is told nothing.
    OldHttp,
}

/// True for a request with any header that proxies add.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        name == FORWARDED
            || name == VIA
            || name.as_str() == REAL_IP
            || name.as_str().starts_with("x-forwarded-")
    })
}

impl Access {
    /// How this request came here. Costs one look over the header names where no proxy was in between.
    pub(super) fn route(&self, head: Head<'_>) -> Route {
        if !is_forwarded(head.headers) {
            return if head.version < Version::HTTP_11 {
                Route::Outside(Sign::OldHttp)
            } else if self.names_public_host(head.host()) {
                Route::Outside(Sign::PublicHost)
            } else {
                Route::Direct
            };
        }
        let Some(proxy) = self.trusted_peer(head) else {
            return Route::Outside(Sign::UntrustedProxy);
        };
        // `Forwarded` is not read, so what it says may be anything. `Via` says nothing about the client.
        if head.headers.contains_key(FORWARDED) {
            return Route::Outside(Sign::UnknownClient);
        }
        told_route(head, proxy)
    }

    /// The first host name that a trusted proxy was asked for and that is no name of this hub.
    ///
    /// It is looked at in addition to `Host`, never in its place: a page whose name was rebound to this machine can send the header too.
    pub(super) fn unknown_forwarded_host<'a>(&self, head: Head<'a>) -> Option<&'a str> {
        self.trusted_peer(head)?;
        items(head.headers, FORWARDED_HOST).find(|host| !self.knows_host(host))
    }

    /// Who asks, for the log: the nearest hop that is no trusted proxy. None for a direct request of this machine.
    pub(crate) fn client(&self, head: Head<'_>) -> Option<IpAddr> {
        if self.trusted_peer(head).is_none() {
            return head.peer;
        }
        let mut client = head.peer;
        for hop in hops(head.headers) {
            let Some(address) = hop else { break };
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    fn trusted_peer(&self, head: Head<'_>) -> Option<IpAddr> {
        head.peer.filter(|peer| self.trusts(*peer))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|proxy| proxy.is(address))
    }

    /// A public address on this machine's own names says nothing about where a request came from.
    fn names_public_host(&self, host: &str) -> bool {
        self.public_url
            .as_ref()
            .is_some_and(|url| !super::is_loopback_name(url.host()) && url.is_host(host))
    }
}

/// What a trusted proxy tells. Every hop counts, not only the nearest untrusted one: one on the way that passes on what a client made up
/// must not help it.
fn told_route(head: Head<'_>, proxy: IpAddr) -> Route {
    let mut hops = hops(head.headers).peekable();
    if hops.peek().is_none() {
        return Route::Outside(Sign::UnknownClient);
    }
    let mut on_this_machine = proxy.is_loopback();
    for hop in hops.chain(real_ips(head.headers)) {
        let Some(address) = hop else {
            return Route::Outside(Sign::UnknownClient);
        };
        on_this_machine &= address.is_loopback();
    }
    if !on_this_machine {
        Route::Outside(Sign::RemoteClient)
    } else if !is_asked_by_local_name(head) {
        Route::Outside(Sign::OtherName)
    } else {
        Route::LocalProxy
    }
}

fn is_asked_by_local_name(head: Head<'_>) -> bool {
    let is_local = |host: &str| super::is_loopback_name(&super::name_of(host));
    let mut told = items(head.headers, FORWARDED_HOST).peekable();
    told.peek().is_some() && told.all(is_local) && is_local(head.host())
}

/// The addresses of `X-Forwarded-For`, nearest first; none for what is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let values = headers.get_all(FORWARDED_FOR).into_iter().rev();
    values
        .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','))
        .map(|hop| address(hop.trim()))
}

fn real_ips(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    items(headers, REAL_IP).map(address)
}

fn items<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
}

/// An address as proxies write it: alone, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || {
        text.parse()
            .map(|address: std::net::SocketAddr| address.ip())
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse().or_else(|_| with_port());
    address
        .ok()
        .or_else(bracketed)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
