//! The webhooks of all who follow the Standard Webhooks specification.

use std::borrow::Cow;

use super::encoding::Encoding;
use super::timed::{Claim, Scheme, TimedSignature};
use super::{malformed, required};
use crate::request::{Rejected, Request};

/// The scheme of Standard Webhooks: `webhook-signature: v1,<base64 HMAC-SHA256 of id.time.body>`, with `webhook-id`
/// and `webhook-timestamp`.
///
/// The secret is base64, usually after `whsec_`. The header may hold several signatures with blanks between them, of
/// which any `v1` may match. Svix's header names, which begin with `svix-`, are read as well. Deduplicate by the id,
/// which stays the same when a delivery is tried again.
///
/// # Examples
///
/// ```
/// use http::{HeaderName, HeaderValue, Method};
/// use stepwell::prelude::*;
///
/// let request = Request::new(Method::POST, r#"{"test": 2432232314}"#)
///     .with_header(
///         HeaderName::from_static("webhook-id"),
///         HeaderValue::from_static("msg_p5jXN8AQM9LWM0D4loKWxJek"),
///     )
///     .with_header(
///         HeaderName::from_static("webhook-timestamp"),
///         HeaderValue::from_static("1614265330"),
///     )
///     .with_header(
///         HeaderName::from_static("webhook-signature"),
///         HeaderValue::from_static("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
///     );
/// let then = jiff::Timestamp::from_second(1_614_265_330).unwrap();
/// let scheme = signature::standard_webhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").at(then);
/// assert_eq!(request.verify(&scheme), Ok(()));
/// ```
pub fn standard_webhooks(secret: &str) -> TimedSignature<'_> {
    TimedSignature::new(Scheme { key, claim }, secret)
}

struct Headers {
    id: &'static str,
    time: &'static str,
    signature: &'static str,
}

const STANDARD: Headers =
    Headers { id: "webhook-id", time: "webhook-timestamp", signature: "webhook-signature" };
const SVIX: Headers = Headers { id: "svix-id", time: "svix-timestamp", signature: "svix-signature" };

fn claim(request: &Request) -> Result<Claim<'_>, Rejected> {
    let has = |name| request.headers().contains_key(name);
    let names = if has(SVIX.signature) && !has(STANDARD.signature) { SVIX } else { STANDARD };
    let id = required(request, names.id)?;
    // The specification forbids it: with a point in the id, one message can be taken apart in two ways, of which one
    // has another time.
    if id.contains('.') {
        return Err(malformed(names.id, "an id has no `.`"));
    }
    let time = required(request, names.time)?;
    // Others than `v1` are of schemes with public keys. One that cannot be decoded matches nothing.
    let signatures: Vec<_> = required(request, names.signature)?
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .map(|code| Encoding::Base64.decode(code).unwrap_or_default())
        .collect();
    if signatures.is_empty() {
        return Err(malformed(names.signature, "it has no signature `v1,`"));
    }
    Ok(Claim {
        header: names.signature,
        signatures,
        time_header: names.time,
        time,
        message: vec![id.as_bytes(), b".", time.as_bytes(), b".", request.bytes()],
    })
}

fn key(secret: &str) -> Result<Cow<'_, [u8]>, Rejected> {
    let code = secret.strip_prefix("whsec_").unwrap_or(secret);
    Encoding::Base64.decode(code).map(Cow::Owned).ok_or_else(|| {
        Rejected::unauthorized("the secret to verify the signature with is malformed: it is not base64")
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::signature::tests::{post, refusal};

    // The Standard Webhooks reference libraries, `libraries/javascript/src/webhook.test.ts` (MIT).
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ANOTHER: &str = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

    fn scheme(secret: &str) -> TimedSignature<'_> {
        standard_webhooks(secret).at(Timestamp::from_second(1_614_265_330).unwrap())
    }

    fn signed(id: &str, signature: &str) -> Request {
        let headers =
            [("webhook-id", id), ("webhook-timestamp", "1614265330"), ("webhook-signature", signature)];
        post(BODY, &headers)
    }

    #[test]
    fn one_of_several_signatures_matches() {
        let several = format!("v1,{ANOTHER} v2,{ANOTHER} {SIGNATURE} v1,{ANOTHER}");
        assert_eq!(signed(ID, &several).verify(&scheme(SECRET)), Ok(()));
    }

    #[test]
    fn the_secrets_prefix_may_be_left_out() {
        let bare = SECRET.strip_prefix("whsec_").unwrap();
        assert_eq!(signed(ID, SIGNATURE).verify(&scheme(bare)), Ok(()));
    }

    #[test]
    fn svixs_header_names_are_read_together() {
        let headers = [("svix-id", ID), ("svix-timestamp", "1614265330"), ("svix-signature", SIGNATURE)];
        assert_eq!(post(BODY, &headers).verify(&scheme(SECRET)), Ok(()));
        assert_eq!(refusal(&post(BODY, &headers[1..]), &scheme(SECRET)), "header `svix-id` is missing");
        assert_eq!(refusal(&post(BODY, &headers[..2]), &scheme(SECRET)), "header `webhook-id` is missing");
    }

    #[test]
    fn says_what_is_malformed_or_wrong() {
        for (id, signature, message) in [
            ("msg.1", SIGNATURE, "header `webhook-id` is malformed: an id has no `.`"),
            ("msg_1", SIGNATURE, "header `webhook-signature` does not match the body and its time"),
            (
                ID,
                "v1,dawfeoifkpqwoekfpqoekf",
                "header `webhook-signature` does not match the body and its time",
            ),
            (ID, "v1,", "header `webhook-signature` does not match the body and its time"),
            (ID, &SIGNATURE[3..], "header `webhook-signature` is malformed: it has no signature `v1,`"),
            (ID, "v1a,AAAA", "header `webhook-signature` is malformed: it has no signature `v1,`"),
        ] {
            assert_eq!(refusal(&signed(id, signature), &scheme(SECRET)), message);
        }
    }

    #[test]
    fn a_secret_that_is_not_base64_or_empty_is_refused() {
        let refused = |secret| refusal(&signed(ID, SIGNATURE), &scheme(secret));
        assert_eq!(
            refused("whsec_*"),
            "the secret to verify the signature with is malformed: it is not base64"
        );
        assert_eq!(refused("whsec_"), "the secret to verify the signature with is empty; set it");
    }
}
