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
        check(&url, self.allow_private_addresses).map_err(|refused| HttpError::invalid(refused.0))?;
        let mut builder =
            self.client.request(request.method, url).headers(request.headers).body(request.body);
        if let Some(timeout) = request.timeout {
            builder = builder.timeout(timeout);
        }
        let mut response = builder.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
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

/// Why a request may not be sent; the same request will be refused again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl Refused {
    fn private(host: &str) -> Self {
        Self(format!(
            "requests to the private address {host} are refused; an operator can allow them with --allow-private-addresses"
        ))
    }
}

/// Whether a request may go to this URL, as far as the URL itself tells.
fn check(url: &Url, allow_private: bool) -> Result<(), Refused> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused(format!("`{}` is not a web address; use http or https", url.scheme())));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(Refused("the URL has no host".to_owned())),
    };
    if allow_private || is_public(address) { Ok(()) } else { Err(Refused::private(&address.to_string())) }
}

fn follow(attempt: Attempt<'_>, allow_private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(Refused(format!("more than {MOST_REDIRECTS} redirects")));
    }
    match check(attempt.url(), allow_private) {
        Ok(()) => attempt.follow(),
        Err(refused) => attempt.error(refused),
    }
}

fn failed(error: reqwest::Error) -> HttpError {
    // Errors are recorded, and a URL may carry a secret in its path or query: only the host is told.
    let host = error.url().and_then(Url::host_str).unwrap_or("the server").to_owned();
    let lasting = error.is_builder() || error.is_redirect();
    let error = error.without_url();
    let mut message = format!("{host}: {error}");
    let mut refused = false;
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        refused |= cause.is::<Refused>();
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    if refused || lasting { HttpError::invalid(message) } else { HttpError::transient(message) }
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
                return Err(Refused::private(&host).into());
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
    use axum::Router;
    use axum::extract::Path;
    use axum::response::Redirect;
    use axum::routing::get;
    use http::{HeaderMap, Method, header};

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

    /// GETs a URL within `timeout`.
    async fn fetch(allow_private: bool, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError> {
        fetch_with(&GuardedClient::new(allow_private).unwrap(), url, timeout).await
    }

    async fn fetch_with(
        client: &GuardedClient,
        url: &str,
        timeout: Duration,
    ) -> Result<HttpResponse, HttpError> {
        let request = HttpRequest {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: Some(timeout),
        };
        client.send(request).await
    }

    /// A server that redirects as often as its path says, tells the agent, sends long bodies, or never answers.
    async fn server() -> String {
        let redirect = async |Path(left): Path<u32>| match left {
            0 => Redirect::temporary("/agent"),
            left => Redirect::temporary(&format!("/redirect/{}", left - 1)),
        };
        let agent = async |headers: HeaderMap| headers[header::USER_AGENT].to_str().unwrap().to_owned();
        let routes = Router::new()
            .route("/redirect/{left}", get(redirect))
            .route("/agent", get(agent))
            .route("/long/{bytes}", get(async |Path(bytes): Path<usize>| vec![b'x'; bytes]))
            .route("/never", get(std::future::pending::<()>));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, routes).into_future());
        format!("http://{address}")
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused() {
        let error = fetch(false, "http://localhost:9/", TIMEOUT).await.unwrap_err();
        assert!(error.to_string().contains("private address localhost"), "{error}");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn a_redirect_to_a_private_address_is_refused() {
        let server = server().await;
        // Lets the first request out to the test's server, and guards what follows.
        let client = GuardedClient {
            client: GuardedClient::new(false).unwrap().client,
            allow_private_addresses: true,
        };
        assert!(fetch_with(&client, &format!("{server}/agent"), TIMEOUT).await.is_ok());
        let error = fetch_with(&client, &format!("{server}/redirect/0"), TIMEOUT).await.unwrap_err();
        assert!(error.to_string().contains("private address 127.0.0.1"), "{error}");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn five_redirects_are_followed_and_six_refused() {
        let server = server().await;
        let response = fetch(true, &format!("{server}/redirect/4"), TIMEOUT).await.unwrap();
        assert_eq!(response.body, concat!("stepwell/", env!("CARGO_PKG_VERSION")));
        let error = fetch(true, &format!("{server}/redirect/5"), TIMEOUT).await.unwrap_err();
        assert!(error.to_string().contains("more than 5 redirects"), "{error}");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn a_response_may_be_as_long_as_the_limit_and_no_longer() {
        let server = server().await;
        let long = async |bytes: usize| fetch(true, &format!("{server}/long/{bytes}"), TIMEOUT).await;
        assert_eq!(long(LONGEST_RESPONSE).await.unwrap().body.len(), LONGEST_RESPONSE);
        let error = long(LONGEST_RESPONSE + 1).await.unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn o3_a_failure_may_pass_and_does_not_tell_the_path_or_query() {
        let server = server().await;
        let url = format!("{server}/never?key=s3cret");
        let error = fetch(true, &url, Duration::from_millis(50)).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().starts_with("127.0.0.1: "), "{error}");
        assert!(!error.to_string().contains("s3cret") && !error.to_string().contains("never"), "{error}");
    }
}
