//! Signed deliveries of events to webhooks.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Hook;
use crate::hex;

/// How long a webhook may take to answer, as the provider documents it.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How a webhook answered one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Where it went.
    pub url: String,
    /// The delivery's id, from `X-GitHub-Delivery`.
    pub delivery: String,
    /// The status that answered, or why none did.
    pub answer: Result<u16, String>,
}

/// Sends one delivery.
pub(super) async fn send(client: &reqwest::Client, hook: &Hook, event: &str, payload: Bytes) -> Delivered {
    let delivery = delivery_id();
    let answer = client
        .post(&hook.url)
        .timeout(TIME_LIMIT)
        .header("Content-Type", "application/json")
        .header("User-Agent", "GitHub-Hookshot/stand-in")
        .header("X-GitHub-Hook-ID", hook.id)
        .header("X-GitHub-Event", event)
        .header("X-GitHub-Delivery", &delivery)
        .header("X-Hub-Signature-256", signature(&hook.secret, &payload))
        .body(payload)
        .send()
        .await
        .map(|response| response.status().as_u16())
        .map_err(|error| error.to_string());
    Delivered { url: hook.url.clone(), delivery, answer }
}

/// The value of `X-Hub-Signature-256`.
fn signature(secret: &str, payload: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes())
        .expect("HMAC takes keys of every length");
    mac.update(payload);
    format!("sha256={}", hex::encode(&mac.finalize().into_bytes()))
}

/// An id that no other delivery has, in the form of a UUID.
fn delivery_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
