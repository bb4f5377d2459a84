//! Which addresses blocks may connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use stepwell::network::{Network, NetworkError};
use url::{Host, Url};

/// Why something may not be reached; the same will be refused again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) String);

impl Refused {
    fn private(host: &str) -> Self {
        Self(format!(
            "connections to the private address {host} are refused; an operator can allow them with --allow-private-addresses"
        ))
    }
}

/// Keeps blocks off private, loopback, link-local and other addresses that are not public, unless it was told to allow
/// them.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    allow_private_addresses: bool,
}

impl Guard {
    /// A guard that lets through what is public, and what is private if it is allowed.
    pub const fn new(allow_private_addresses: bool) -> Self {
        Self { allow_private_addresses }
    }

    /// Whether a request may go to this URL, as far as the URL itself tells.
    pub(super) fn check(self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused(format!("`{}` is not a web address; use http or https", url.scheme())));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Refused("the URL has no host".to_owned())),
        };
        if self.lets_through(address) { Ok(()) } else { Err(Refused::private(&address.to_string())) }
    }

    fn lets_through(self, address: IpAddr) -> bool {
        self.allow_private_addresses || is_public(address)
    }

    /// The addresses of a host that may be connected to; at least one.
    async fn look_up(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, LookUpError> {
        let found = tokio::net::lookup_host((host, port)).await?;
        let allowed: Vec<SocketAddr> = found.filter(|address| self.lets_through(address.ip())).collect();
        if allowed.is_empty() { Err(Refused::private(host).into()) } else { Ok(allowed) }
    }
}

/// Why a host has no address to connect to.
#[derive(Debug, thiserror::Error)]
enum LookUpError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Failed(#[from] std::io::Error),
}

#[async_trait]
impl Network for Guard {
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetworkError> {
        self.look_up(host, port).await.map_err(|error| match error {
            LookUpError::Refused(refused) => NetworkError::refused(refused.0),
            LookUpError::Failed(error) => NetworkError::transient(format!("{host}: {error}")),
        })
    }
}

/// Resolves names for requests: the port is the request's own.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            match guard.look_up(name.as_str(), 0).await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(LookUpError::Refused(refused)) => Err(refused.into()),
                Err(LookUpError::Failed(error)) => Err(error.into()),
            }
        })
    }
}

/// Whether an address is one of the public internet: not of a special-purpose block of RFC 6890.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = address.to_ipv4_mapped() {
        return is_public_v4(embedded);
    }
    let segments = address.segments();
    // NAT64 and 6to4 reach the IPv4 address that they carry.
    let embedded = match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = embedded {
        return is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    // Only global unicast, without documentation and Teredo.
    segments[0] & 0xe000 == 0x2000 && !(segments[0] == 0x2001 && matches!(segments[1], 0 | 0xdb8))
}
