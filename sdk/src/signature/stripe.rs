//! Stripe's webhooks.

use super::encoding::Encoding;
use super::mac::text_key;
use super::timed::{Claim, Scheme, TimedSignature};
use super::{malformed, required};
use crate::request::{Rejected, Request};

/// Stripe's scheme: `Stripe-Signature: t=<time>,v1=<hex HMAC-SHA256 of time.body>`.
///
/// The secret is the endpoint's signing secret, with its `whsec_`. While Stripe itself rolls a secret, it sends one
/// `v1` for each, and any may match; the obsolete `v0` is ignored. See Stripe's documentation, "Resolve webhook
/// signature verification errors" and "Verify webhook signatures manually".
///
/// # Examples
///
/// ```
/// use http::{HeaderName, HeaderValue, Method};
/// use stepwell::prelude::*;
///
/// let request = Request::new(Method::POST, r#"{"id":"evt_test_webhook","object":"event"}"#).with_header(
///     HeaderName::from_static("stripe-signature"),
///     HeaderValue::from_static(
///         "t=1700000000,v1=d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990",
///     ),
/// );
/// let then = jiff::Timestamp::from_second(1_700_000_000).unwrap();
/// assert_eq!(request.verify(&signature::stripe("whsec_test_secret").at(then)), Ok(()));
/// ```
pub fn stripe(secret: &str) -> TimedSignature<'_> {
    TimedSignature::new(Scheme { key: text_key, claim }, secret)
}

const HEADER: &str = "Stripe-Signature";

fn claim(request: &Request) -> Result<Claim<'_>, Rejected> {
    let (mut time, mut signatures) = (None, Vec::new());
    for item in required(request, HEADER)?.split(',') {
        match item.trim().split_once('=') {
            Some(("t", value)) if time.is_some_and(|time| time != value) => {
                return Err(malformed(HEADER, "it has two times"));
            }
            Some(("t", value)) => time = Some(value),
            // One that cannot be decoded matches nothing, and another may.
            Some(("v1", value)) => signatures.push(Encoding::Hex.decode(value).unwrap_or_default()),
            _ => {}
        }
    }
    let time = time.ok_or_else(|| malformed(HEADER, "it has no time `t=`"))?;
    if signatures.is_empty() {
        return Err(malformed(HEADER, "it has no signature `v1=`"));
    }
    Ok(Claim {
        header: HEADER,
        signatures,
        time_header: HEADER,
        time,
        message: vec![time.as_bytes(), b".", request.bytes()],
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::signature::tests::{post, refusal};

    // Made by `webhooks.generateTestHeaderString` of stripe-node 23.1.0 (MIT). The headers below are those of
    // stripe-python, `tests/test_webhook.py` (MIT).
    const BODY: &str = r#"{"id":"evt_test_webhook","object":"event"}"#;
    const CODE: &str = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990";

    fn scheme() -> TimedSignature<'static> {
        stripe("whsec_test_secret").at(Timestamp::from_second(1_700_000_000).unwrap())
    }

    fn signed(header: &str) -> Request {
        post(BODY, &[("stripe-signature", header)])
    }

    #[test]
    fn one_of_several_signatures_matches() {
        let another = "0".repeat(64);
        for header in [
            format!("t=1700000000,v1={CODE},v1=bad_signature"),
            format!("t=1700000000,v1={another},v1={CODE},v0={another}"),
            format!("v1={CODE}, t=1700000000"),
        ] {
            assert_eq!(signed(&header).verify(&scheme()), Ok(()), "{header}");
        }
    }

    #[test]
    fn says_what_is_missing_or_wrong() {
        for (header, message) in [
            ("i'm not even a real signature header".to_owned(), " is malformed: it has no time `t=`"),
            (format!("v1={CODE}"), " is malformed: it has no time `t=`"),
            (format!("t=1700000000,t=1700000001,v1={CODE}"), " is malformed: it has two times"),
            (format!("t=1700000000,v0={CODE}"), " is malformed: it has no signature `v1=`"),
            ("t=1700000000,v1=bad_signature".to_owned(), " does not match the body and its time"),
            (format!("t=1700000001,v1={CODE}"), " does not match the body and its time"),
        ] {
            assert_eq!(refusal(&signed(&header), &scheme()), format!("header `Stripe-Signature`{message}"));
        }
    }
}
