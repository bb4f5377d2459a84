//! What blocks may reach outside: HTTP and addresses, kept off private ones, with limits.

mod guard;
mod redirect;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::redirect::Policy;
use stepwell::http_client::{HttpError, HttpRequest, HttpResponse, HttpTransport, Redirects};
use url::Url;

pub use guard::Guard;
use guard::Refused;
use redirect::Hop;

/// How long a whole exchange may take, its redirects included, unless the block says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a response may be in bytes: a workflow's values are far smaller.
const LONGEST_RESPONSE: usize = 10 * 1024 * 1024;
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 5;

/// The client behind `cx.http()`.
///
/// Refuses addresses that its [`Guard`] does not let through, whether they come as a literal, from DNS or from a redirect.
/// A redirect to another scheme, host or port does not get the request's credentials: `Authorization`, `Cookie`, and
/// whatever was set as [sensitive](http::HeaderValue::is_sensitive).
pub struct GuardedClient {
    client: reqwest::Client,
    guard: Guard,
}

impl GuardedClient {
    /// A client that goes where this guard lets it.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(guard: Guard) -> Result<Self, reqwest::Error> {
        // Another part of the process may have chosen a provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("stepwell/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(guard));
        Ok(Self { client: builder.build()?, guard })
    }

    /// Sends a request, follows its redirects and reads the answer.
    async fn exchange(
        &self,
        mut hop: Hop,
        redirects: Redirects,
        longest: usize,
    ) -> Result<HttpResponse, HttpError> {
        for _ in 0..=MOST_REDIRECTS {
            self.guard.check(&hop.url).map_err(|refused| HttpError::invalid(refused.0))?;
            let Hop { method, url, headers, body } = hop.clone();
            let sent = self.client.request(method, url).headers(headers).body(body).send();
            let response = sent.await.map_err(failed)?;
            let next = match redirects {
                Redirects::Follow => hop.redirected(response.status(), response.headers()),
                Redirects::Return => None,
            };
            match next {
                Some(next) => hop = next,
                None => return read(response, longest).await,
            }
        }
        Err(HttpError::invalid(format!("{}: more than {MOST_REDIRECTS} redirects", host(&hop.url))))
    }
}

#[async_trait]
impl HttpTransport for GuardedClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let HttpRequest { method, url, headers, body, timeout, redirects, longest_response } = request;
        let url =
            Url::parse(&url).map_err(|error| HttpError::invalid(format!("`{url}` is not a URL: {error}")))?;
        let timeout = timeout.unwrap_or(TIMEOUT);
        let longest = longest_response.map_or(LONGEST_RESPONSE, |longest| longest.min(LONGEST_RESPONSE));
        let late = format!("{}: no whole answer within {} s", host(&url), timeout.as_secs_f32());
        let exchange = self.exchange(Hop { method, url, headers, body }, redirects, longest);
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::transient(late)),
        }
    }
}

async fn read(mut response: reqwest::Response, longest: usize) -> Result<HttpResponse, HttpError> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > longest {
            return Err(HttpError::invalid(format!(
                "{}: the answer is longer than {longest} bytes, which is the limit",
                host(response.url())
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse { status, headers, body: body.into() })
}

/// What an error may tell of a URL: errors are recorded, and its path or query may carry a secret.
fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the server")
}

fn failed(error: reqwest::Error) -> HttpError {
    let host = error.url().map_or("the server", host).to_owned();
    let lasting = error.is_builder();
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
