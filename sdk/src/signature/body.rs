//! A header with an HMAC of the body.

use super::encoding::Encoding;
use super::mac::{Hash, Secrets, text_key};
use super::{Signature, malformed, required};
use crate::request::{Rejected, Request};

/// A header with an HMAC-SHA256 of the body, in hexadecimal unless [`base64`](BodySignature::base64) is said.
///
/// # Examples
///
/// Shopify's `X-Shopify-Hmac-SHA256` is the code in base64.
///
/// ```
/// use http::{HeaderName, HeaderValue, Method};
/// use stepwell::prelude::*;
///
/// let request = Request::new(Method::POST, "what do ya want for nothing?").with_header(
///     HeaderName::from_static("x-shopify-hmac-sha256"),
///     HeaderValue::from_static("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
/// );
/// let scheme = signature::hmac_sha256("X-Shopify-Hmac-SHA256", "Jefe").base64();
/// assert_eq!(request.verify(&scheme), Ok(()));
/// ```
pub fn hmac_sha256<'a>(header: &'a str, secret: &'a str) -> BodySignature<'a> {
    BodySignature::new(header, Hash::Sha256, secret)
}

/// A header with an HMAC-SHA1 of the body, for senders that offer nothing newer.
///
/// # Examples
///
/// ```
/// use http::{HeaderName, HeaderValue, Method};
/// use stepwell::prelude::*;
///
/// let request = Request::new(Method::POST, "what do ya want for nothing?").with_header(
///     HeaderName::from_static("x-hub-signature"),
///     HeaderValue::from_static("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
/// );
/// let scheme = signature::hmac_sha1("X-Hub-Signature", "Jefe").prefix("sha1=");
/// assert_eq!(request.verify(&scheme), Ok(()));
/// ```
pub fn hmac_sha1<'a>(header: &'a str, secret: &'a str) -> BodySignature<'a> {
    BodySignature::new(header, Hash::Sha1, secret)
}

/// A scheme that signs the body alone. Made by [`hmac_sha256`], [`hmac_sha1`] and [`github`](super::github).
#[derive(Clone)]
#[must_use = "a signature is checked by `Request::verify`"]
pub struct BodySignature<'a> {
    header: &'a str,
    hash: Hash,
    prefix: &'a str,
    encoding: Encoding,
    secrets: Secrets<'a>,
}

impl<'a> BodySignature<'a> {
    fn new(header: &'a str, hash: Hash, secret: &'a str) -> Self {
        Self { header, hash, prefix: "", encoding: Encoding::Hex, secrets: Secrets::new(secret) }
    }

    /// The text before the signature, such as `sha256=`. A header without it is refused.
    pub fn prefix(mut self, prefix: &'a str) -> Self {
        self.prefix = prefix;
        self
    }

    /// The signature is hexadecimal, in either case. This is the default.
    pub fn hex(mut self) -> Self {
        self.encoding = Encoding::Hex;
        self
    }

    /// The signature is base64 of the standard alphabet, padded or not.
    pub fn base64(mut self) -> Self {
        self.encoding = Encoding::Base64;
        self
    }

    /// Accepts another secret as well, such as the one that the current secret replaced.
    pub fn or(mut self, secret: &'a str) -> Self {
        self.secrets = self.secrets.or(secret);
        self
    }
}

impl Signature for BodySignature<'_> {
    fn verify(&self, request: &Request) -> Result<(), Rejected> {
        let keys = self.secrets.keys(text_key)?;
        let header = self.header;
        let code = required(request, header)?
            .strip_prefix(self.prefix)
            .ok_or_else(|| malformed(header, &format!("it does not begin with `{}`", self.prefix)))?;
        let code = self
            .encoding
            .decode(code)
            .ok_or_else(|| malformed(header, &format!("its signature is not {}", self.encoding.name())))?;
        if keys.made(&[code], self.hash, &[request.bytes()]) {
            Ok(())
        } else {
            Err(Rejected::unauthorized(format!("header `{header}` does not match the body")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::tests::{post, refusal};

    // The second test case of RFC 2202 (HMAC-SHA1) and of RFC 4231 (HMAC-SHA256), published by the IETF.
    const KEY: &str = "Jefe";
    const DATA: &str = "what do ya want for nothing?";
    const SHA1: &str = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const SHA256_BASE64: &str = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";

    #[test]
    fn accepts_the_rfcs_test_cases() {
        let signed = |value: &str| post(DATA, &[("x-signature", value)]);
        assert_eq!(signed(SHA1).verify(&hmac_sha1("X-Signature", KEY)), Ok(()));
        assert_eq!(signed(SHA256).verify(&hmac_sha256("X-Signature", KEY)), Ok(()));
        assert_eq!(signed(&SHA256.to_uppercase()).verify(&hmac_sha256("X-Signature", KEY).hex()), Ok(()));
        assert_eq!(signed(SHA256_BASE64).verify(&hmac_sha256("X-Signature", KEY).base64()), Ok(()));
    }

    #[test]
    fn says_what_is_malformed() {
        let scheme = hmac_sha256("X-Signature", KEY).prefix("v=");
        let refused =
            |scheme: &BodySignature<'_>, value| refusal(&post(DATA, &[("x-signature", value)]), scheme);
        assert_eq!(
            refused(&scheme, SHA256),
            "header `X-Signature` is malformed: it does not begin with `v=`"
        );
        assert_eq!(
            refused(&scheme, "v=5bdcc"),
            "header `X-Signature` is malformed: its signature is not hexadecimal"
        );
        assert_eq!(
            refused(&scheme.clone().base64(), "v=*"),
            "header `X-Signature` is malformed: its signature is not base64"
        );
        assert_eq!(refused(&scheme, "v="), "header `X-Signature` does not match the body");
        assert_eq!(refused(&scheme, "v=5bdc"), "header `X-Signature` does not match the body");
    }
}
