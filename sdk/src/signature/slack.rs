//! Slack's requests.

use super::encoding::Encoding;
use super::mac::text_key;
use super::timed::{Claim, Scheme, TimedSignature};
use super::{malformed, required};
use crate::request::{Rejected, Request};

/// Slack's scheme: `X-Slack-Signature: v0=<hex HMAC-SHA256 of v0:time:body>`, with the time in
/// `X-Slack-Request-Timestamp`.
///
/// The secret is the app's signing secret, not its verification token. See Slack's documentation, "Verifying
/// requests from Slack".
///
/// # Examples
///
/// ```
/// use http::{HeaderName, HeaderValue, Method};
/// use stepwell::prelude::*;
///
/// // The example of Slack's documentation.
/// let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
///     &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
///     &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554\
///     %2F96rGlfmibIGlgcZRskXaIFfN\
///     &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
/// let request = Request::new(Method::POST, body)
///     .with_header(
///         HeaderName::from_static("x-slack-request-timestamp"),
///         HeaderValue::from_static("1531420618"),
///     )
///     .with_header(
///         HeaderName::from_static("x-slack-signature"),
///         HeaderValue::from_static(
///             "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
///         ),
///     );
/// let scheme = signature::slack("8f742231b10e8888abcd99yyyzzz85a5");
///
/// // A test tells the time; a handler leaves it to the clock, for which this request is years old.
/// let then = jiff::Timestamp::from_second(1_531_420_618).unwrap();
/// assert_eq!(request.verify(&scheme.clone().at(then)), Ok(()));
/// let rejected = request.verify(&scheme).unwrap_err();
/// assert_eq!(rejected.message(), "header `X-Slack-Request-Timestamp` is more than 300s old");
/// ```
pub fn slack(signing_secret: &str) -> TimedSignature<'_> {
    TimedSignature::new(Scheme { key: text_key, claim }, signing_secret)
}

const HEADER: &str = "X-Slack-Signature";
const TIME_HEADER: &str = "X-Slack-Request-Timestamp";

fn claim(request: &Request) -> Result<Claim<'_>, Rejected> {
    let time = required(request, TIME_HEADER)?;
    let signature = required(request, HEADER)?
        .strip_prefix("v0=")
        .and_then(|digits| Encoding::Hex.decode(digits))
        .ok_or_else(|| malformed(HEADER, "it is not `v0=` and hexadecimal digits"))?;
    Ok(Claim {
        header: HEADER,
        signatures: vec![signature],
        time_header: TIME_HEADER,
        time,
        message: vec![b"v0:", time.as_bytes(), b":", request.bytes()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::tests::{post, refusal};

    #[test]
    fn the_signature_is_of_version_0() {
        for signature in ["v1=00", "00", "v0:00", "v0=0", ""] {
            let request =
                post("", &[("x-slack-request-timestamp", "1531420618"), ("x-slack-signature", signature)]);
            assert_eq!(
                refusal(&request, &slack("secret")),
                "header `X-Slack-Signature` is malformed: it is not `v0=` and hexadecimal digits"
            );
        }
    }
}
