//! Signatures of the body and of the time at which it was sent.

use std::time::Duration;

use jiff::Timestamp;

use super::mac::{Hash, ReadKey, Secrets};
use super::{Signature, malformed};
use crate::request::{Rejected, Request};

/// A scheme that signs a time together with the body. Made by [`slack`](super::slack), [`stripe`](super::stripe)
/// and [`standard_webhooks`](super::standard_webhooks).
#[derive(Clone)]
#[must_use = "a signature is checked by `Request::verify`"]
pub struct TimedSignature<'a> {
    scheme: Scheme,
    secrets: Secrets<'a>,
    tolerance: Duration,
    now: Option<Timestamp>,
}

/// What distinguishes one provider from another.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    /// How the key is made of the secret.
    pub(super) key: ReadKey,
    /// What the request claims.
    pub(super) claim: fn(&Request) -> Result<Claim<'_>, Rejected>,
}

/// What a request says of its signatures, before anything of it is believed.
pub(super) struct Claim<'r> {
    /// The header with the signatures.
    pub(super) header: &'static str,
    /// The signatures, of which one must match.
    pub(super) signatures: Vec<Vec<u8>>,
    /// The header with the time.
    pub(super) time_header: &'static str,
    /// The time, in seconds since 1970 as the sender wrote it.
    pub(super) time: &'r str,
    /// What was signed, in parts.
    pub(super) message: Vec<&'r [u8]>,
}

/// What Slack, Stripe and Standard Webhooks recommend: enough for a delivery on its way and for clocks that differ.
const TOLERANCE: Duration = Duration::from_mins(5);

impl<'a> TimedSignature<'a> {
    pub(super) fn new(scheme: Scheme, secret: &'a str) -> Self {
        Self { scheme, secrets: Secrets::new(secret), tolerance: TOLERANCE, now: None }
    }

    /// Accepts another secret as well, such as the one that the current secret replaced.
    pub fn or(mut self, secret: &'a str) -> Self {
        self.secrets = self.secrets.or(secret);
        self
    }

    /// How far the signed time may be from now, before or after; five minutes unless said otherwise.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Takes this for the present time instead of the clock's, for tests with a recorded request.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    fn check_time(&self, header: &str, time: &str) -> Result<(), Rejected> {
        let sent =
            read_time(time).ok_or_else(|| malformed(header, "its time is not in seconds since 1970"))?;
        let age = self.now.unwrap_or_else(Timestamp::now).duration_since(sent);
        let tolerance = self.tolerance;
        if age.unsigned_abs() <= tolerance {
            return Ok(());
        }
        let wrong = if age.is_negative() { "in the future" } else { "old" };
        Err(Rejected::unauthorized(format!("header `{header}` is more than {tolerance:?} {wrong}")))
    }
}

impl Signature for TimedSignature<'_> {
    fn verify(&self, request: &Request) -> Result<(), Rejected> {
        let keys = self.secrets.keys(self.scheme.key)?;
        let claim = (self.scheme.claim)(request)?;
        self.check_time(claim.time_header, claim.time)?;
        if keys.made(&claim.signatures, Hash::Sha256, &claim.message) {
            Ok(())
        } else {
            let header = claim.header;
            Err(Rejected::unauthorized(format!("header `{header}` does not match the body and its time")))
        }
    }
}

/// Digits alone: what else a number may begin with has no place in a signed message.
fn read_time(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().and_then(|seconds| Timestamp::from_second(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::tests::{post, refusal};
    use crate::signature::{slack, stripe};

    // Made by `webhooks.generateTestHeaderString` of stripe-node 23.1.0 (MIT).
    const SENT: i64 = 1_700_000_000;
    const CODE: &str = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990";

    fn signed() -> Request {
        let header = format!("t={SENT},v1={CODE}");
        post(r#"{"id":"evt_test_webhook","object":"event"}"#, &[("stripe-signature", &header)])
    }

    fn scheme(now: i64) -> TimedSignature<'static> {
        stripe("whsec_test_secret").at(Timestamp::from_second(now).unwrap())
    }

    #[test]
    fn the_time_may_be_off_by_the_tolerance() {
        for now in [SENT - 300, SENT, SENT + 300] {
            assert_eq!(signed().verify(&scheme(now)), Ok(()), "{}", now - SENT);
        }
        let hour = Duration::from_hours(1);
        assert_eq!(signed().verify(&scheme(SENT + 3600).tolerance(hour)), Ok(()));
    }

    #[test]
    fn what_is_too_old_or_in_the_future_is_refused() {
        assert_eq!(
            refusal(&signed(), &scheme(SENT + 301)),
            "header `Stripe-Signature` is more than 300s old"
        );
        assert_eq!(
            refusal(&signed(), &scheme(SENT - 301)),
            "header `Stripe-Signature` is more than 300s in the future"
        );
        assert_eq!(
            refusal(&signed(), &scheme(SENT + 2).tolerance(Duration::from_secs(1))),
            "header `Stripe-Signature` is more than 1s old"
        );
        let by_the_clock = refusal(&signed(), &stripe("whsec_test_secret"));
        assert_eq!(by_the_clock, "header `Stripe-Signature` is more than 300s old");
    }

    #[test]
    fn a_time_is_digits() {
        for time in ["", "now", "-1700000000", "+1700000000", " 1700000000", "1700000000.0", "1e9"] {
            let request = post(
                "",
                &[("x-slack-request-timestamp", time), ("x-slack-signature", &format!("v0={CODE}"))],
            );
            assert_eq!(
                refusal(&request, &slack("secret")),
                "header `X-Slack-Request-Timestamp` is malformed: its time is not in seconds since 1970",
                "{time}"
            );
        }
        for far in ["99999999999999", "99999999999999999999999999"] {
            let header = format!("t={far},v1={CODE}");
            assert_eq!(
                refusal(&post("", &[("stripe-signature", &header)]), &scheme(SENT)),
                "header `Stripe-Signature` is malformed: its time is not in seconds since 1970"
            );
        }
    }
}
