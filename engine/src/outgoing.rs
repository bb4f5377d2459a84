//! Outgoing HTTP for blocks: kept off private addresses, with limits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use stepwell::http_client::{HttpError, HttpRequest, HttpResponse, HttpTransport};
use url::{Host, Url};

/// How long a whole exchange may take, unless the block says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a response may be in bytes: a workflow's values are far smaller.
const LONGEST_RESPONSE: usize = 10 * 1024 * 1024;
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 5;

/// The client behind `cx.http()`.
///
/// Refuses private, loopback, link-local and other addresses that are not public, whether they come as a literal,
/// from DNS or from a redirect, unless it was made to allow them.
pub struct GuardedClient {
    client: reqwest::Client,
    allow_private_addresses: bool,
}

impl GuardedClient {
    /// A client that keeps off private addresses unless told otherwise.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(allow_private_addresses: bool) -> Result<Self, reqwest::Error> {
        // Another part of the process may have chosen a provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("stepwell/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .redirect(Policy::custom(move |attempt| follow(attempt, allow_private_addresses)));
        if !allow_private_addresses {
            builder = builder.dns_resolver(Arc::new(PublicResolver));
        }
        Ok(Self { client: builder.build()?, allow_private_addresses })
    }
}

#[async_trait]
impl HttpTransport for GuardedClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.url)
            .map_err(|error| HttpError::invalid(format!("`{}` is not a URL: {error}", request.url)))?;
        check(&url, self.allow_private_addresses).map_err(HttpError::invalid)?;
        let mut builder =
            self.client.request(request.method, url).headers(request.headers).body(request.body);
        if let Some(timeout) = request.timeout {
            builder = builder.timeout(timeout);
        }
        let mut response = builder.send().await.map_err(|error| failed(&error))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > LONGEST_RESPONSE {
                return Err(HttpError::invalid(format!(
                    "the response is longer than {LONGEST_RESPONSE} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body: body.into() })
    }
}

/// Whether a request may go to this URL, as far as the URL itself tells.
fn check(url: &Url, allow_private: bool) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is not a web address; use http or https", url.scheme()));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err("the URL has no host".to_owned()),
    };
    if allow_private || is_public(address) { Ok(()) } else { Err(refusal(&address.to_string())) }
}

fn refusal(host: &str) -> String {
    format!(
        "requests to the private address {host} are refused; an operator can allow them with --allow-private-addresses"
    )
}

fn follow(attempt: Attempt<'_>, allow_private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(format!("more than {MOST_REDIRECTS} redirects"));
    }
    match check(attempt.url(), allow_private) {
        Ok(()) => attempt.follow(),
        Err(message) => attempt.error(message),
    }
}

fn failed(error: &reqwest::Error) -> HttpError {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    let mut refused = false;
    while let Some(cause) = source {
        let text = cause.to_string();
        refused |= text.contains("are refused");
        message = format!("{message}: {text}");
        source = cause.source();
    }
    if refused || error.is_builder() || error.is_redirect() {
        HttpError::invalid(message)
    } else {
        HttpError::transient(message)
    }
}

/// Resolves names and drops the addresses that are not public.
struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(refusal(&host).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str) -> bool {
        check(&Url::parse(url).unwrap(), false).is_ok()
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
            "[fd00::1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
        ] {
            assert!(!allowed(&format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_are_allowed() {
        for host in ["1.1.1.1", "example.com", "[2606:4700::1111]"] {
            assert!(allowed(&format!("https://{host}/")), "{host}");
        }
        assert!(check(&Url::parse("http://127.0.0.1/").unwrap(), true).is_ok());
        assert!(check(&Url::parse("ftp://example.com/").unwrap(), true).is_err());
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused() {
        let client = GuardedClient::new(false).unwrap();
        let request = |url: &str| HttpRequest {
            method: http::Method::GET,
            url: url.to_owned(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: None,
        };
        let error = client.send(request("http://localhost:9/")).await.unwrap_err();
        assert!(error.to_string().contains("private address localhost"), "{error}");
        assert!(!error.is_retryable());
    }
}
