//! Message authentication codes, and the keys that they are made with.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use crate::request::Rejected;

/// The secrets that a sender may have signed with: the current one, and those it replaced.
#[derive(Clone)]
pub(super) struct Secrets<'a>(Vec<&'a str>);

impl<'a> Secrets<'a> {
    pub(super) fn new(secret: &'a str) -> Self {
        Self(vec![secret])
    }

    pub(super) fn or(mut self, secret: &'a str) -> Self {
        self.0.push(secret);
        self
    }

    /// The keys that the secrets stand for. One that is empty or blank refuses all: whoever guesses that a secret was
    /// never set could sign with it.
    pub(super) fn keys(&self, read: ReadKey) -> Result<Keys<'a>, Rejected> {
        let keys = self.0.iter().map(|secret| read(secret)).collect::<Result<Vec<_>, _>>()?;
        if keys.iter().any(|key| key.trim_ascii().is_empty()) {
            return Err(Rejected::unauthorized("the secret to verify the signature with is empty; set it"));
        }
        Ok(Keys(keys))
    }
}

/// How a scheme turns a secret into the key of its HMAC.
pub(super) type ReadKey = fn(&str) -> Result<Cow<'_, [u8]>, Rejected>;

/// The key is the secret's text.
#[expect(clippy::unnecessary_wraps, reason = "one of several `ReadKey`s")]
pub(super) fn text_key(secret: &str) -> Result<Cow<'_, [u8]>, Rejected> {
    Ok(Cow::Borrowed(secret.as_bytes()))
}

/// Keys of which none is empty.
pub(super) struct Keys<'a>(Vec<Cow<'a, [u8]>>);

impl Keys<'_> {
    /// Whether one of the codes was made for the message, given in parts, with one of the keys. How long this takes
    /// tells nothing about the codes expected.
    pub(super) fn made(&self, codes: &[Vec<u8>], hash: Hash, message: &[&[u8]]) -> bool {
        let mut found = Choice::from(0);
        for key in &self.0 {
            let expected = hash.code(key, message);
            for code in codes {
                found |= expected.ct_eq(code);
            }
        }
        found.into()
    }
}

/// The hash function of an HMAC.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn code(self, key: &[u8], message: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => code::<Hmac<Sha1>>(key, message),
            Self::Sha256 => code::<Hmac<Sha256>>(key, message),
        }
    }
}

fn code<M: Mac + KeyInit>(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("an HMAC takes a key of any length");
    for part in message {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
