//! Checks of a request's signature, all in constant time.
//!
//! | Provider | Scheme |
//! |---|---|
//! | GitHub | [`github`] |
//! | Slack | [`slack`] |
//! | Stripe | [`stripe`] |
//! | [Standard Webhooks](https://www.standardwebhooks.com), Svix | [`standard_webhooks`] |
//! | any other whose header holds an HMAC of the body | [`hmac_sha256`], [`hmac_sha1`] |
//!
//! Each takes the secret shared with the sender. While a secret is replaced, `or` adds the previous one. An empty
//! secret refuses every request, for anyone could sign with it.
//!
//! The schemes that sign a time refuse a request whose time is too far from now, so that an old one cannot be
//! sent again. Within the tolerance it still can: let a trigger deduplicate by the delivery's id.
//!
//! # Examples
//!
//! ```
//! use stepwell::prelude::*;
//!
//! fn read(request: &Request, secret: &str, previous: &str) -> Result<String, Rejected> {
//!     request.verify(&signature::github(secret).or(previous))?;
//!     Ok(request.text()?.to_owned())
//! }
//!
//! let rejected = read(&Request::new(http::Method::POST, "{}"), "new", "old").unwrap_err();
//! assert_eq!(rejected.status(), 401);
//! assert_eq!(rejected.message(), "header `X-Hub-Signature-256` is missing");
//! ```

mod body;
mod encoding;
mod github;
mod mac;
mod slack;
mod standard_webhooks;
mod stripe;
#[cfg(test)]
mod tests;
mod timed;

pub use self::body::{BodySignature, hmac_sha1, hmac_sha256};
pub use self::github::github;
pub use self::slack::slack;
pub use self::standard_webhooks::standard_webhooks;
pub use self::stripe::stripe;
pub use self::timed::TimedSignature;

use crate::request::{Rejected, Request};

/// A way to check that a request comes from whom it claims to come from.
pub trait Signature {
    /// Checks the request.
    ///
    /// # Errors
    ///
    /// Rejects the request (401) if its signature is missing or wrong.
    fn verify(&self, request: &Request) -> Result<(), Rejected>;
}

/// The text of a header without which nothing can be verified.
fn required<'r>(request: &'r Request, name: &str) -> Result<&'r str, Rejected> {
    request.header(name).map_err(|rejected| Rejected::unauthorized(rejected.message()))
}

/// Refuses a header that is not written as its scheme says.
fn malformed(name: &str, why: &str) -> Rejected {
    Rejected::unauthorized(format!("header `{name}` is malformed: {why}"))
}
