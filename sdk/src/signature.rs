//! Checks of a request's signature, all in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

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

/// GitHub's scheme: `X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the body>`.
///
/// See GitHub's documentation, "Validating webhook deliveries".
pub fn github(secret: &str) -> GitHub<'_> {
    GitHub { secret }
}

/// Made by [`github`].
#[derive(Clone, Copy)]
pub struct GitHub<'a> {
    secret: &'a str,
}

impl Signature for GitHub<'_> {
    fn verify(&self, request: &Request) -> Result<(), Rejected> {
        const HEADER: &str = "X-Hub-Signature-256";
        let given = request
            .headers()
            .get(HEADER)
            .ok_or_else(|| Rejected::unauthorized(format!("header `{HEADER}` is missing")))?;
        let wrong = || Rejected::unauthorized(format!("header `{HEADER}` does not match the body"));
        let hex = given.as_bytes().strip_prefix(b"sha256=").ok_or_else(wrong)?;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.secret.as_bytes())
            .map_err(|_| Rejected::unauthorized("the secret cannot be used as a key"))?;
        mac.update(request.bytes());
        mac.verify_slice(&decode_hex(hex).ok_or_else(wrong)?).map_err(|_| wrong())
    }
}

/// The bytes that lower or upper case hexadecimal digits stand for.
fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    /// The example of GitHub's documentation, "Testing the webhook payload validation".
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &str = "Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn signed(body: &'static str, signature: Option<&'static str>) -> Request {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert("x-hub-signature-256", HeaderValue::from_static(signature));
        }
        Request::new(Method::POST, body).with_headers(headers)
    }

    #[test]
    fn accepts_githubs_own_example() {
        assert_eq!(signed(BODY, Some(SIGNATURE)).verify(&github(SECRET)), Ok(()));
    }

    #[test]
    fn rejects_what_is_missing_altered_or_malformed() {
        let cases = [
            signed(BODY, None),
            signed("Hello, World?", Some(SIGNATURE)),
            signed(BODY, Some("sha256=75")),
            signed(BODY, Some("sha256=757")),
            signed(BODY, Some("sha256=xyz")),
            signed(BODY, Some("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")),
        ];
        for request in cases {
            let rejected = request.verify(&github(SECRET)).expect_err("the signature is wrong");
            assert_eq!(rejected.status(), 401);
        }
        assert!(signed(BODY, Some(SIGNATURE)).verify(&github("another secret")).is_err());
    }
}
