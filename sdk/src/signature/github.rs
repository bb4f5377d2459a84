//! GitHub's webhooks.

use super::body::{BodySignature, hmac_sha256};

/// GitHub's scheme: `X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the body>`.
///
/// See GitHub's documentation, "Validating webhook deliveries". GitHub signs no time; deduplicate by
/// `X-GitHub-Delivery`.
///
/// # Examples
///
/// ```
/// use http::{HeaderName, HeaderValue, Method};
/// use stepwell::prelude::*;
///
/// let request = Request::new(Method::POST, "Hello, World!").with_header(
///     HeaderName::from_static("x-hub-signature-256"),
///     HeaderValue::from_static("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
/// );
/// assert_eq!(request.verify(&signature::github("It's a Secret to Everybody")), Ok(()));
/// ```
pub fn github(secret: &str) -> BodySignature<'_> {
    hmac_sha256("X-Hub-Signature-256", secret).prefix("sha256=")
}
