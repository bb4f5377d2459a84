//! Private values at rest: XChaCha20-Poly1305 with a random nonce, bound to what they are for.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::keys::{Keys, random};

/// The length of a nonce in bytes.
const NONCE_LENGTH: usize = 24;

/// A sealed value that cannot be opened: damaged, moved from elsewhere, or sealed with a key that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored private value cannot be opened with the keys of this engine; check the key file")]
pub struct OpenError;

impl Keys {
    /// Seals a value for a purpose, such as `state:` and the execution's id. It opens for that purpose alone.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let (id, keys) = self.current();
        let nonce = random::<NONCE_LENGTH>();
        let sealed = XChaCha20Poly1305::new(&keys.seal.into())
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: purpose.as_bytes() })
            .expect("a value in memory is shorter than the cipher's limit");
        [&[id], nonce.as_slice(), &sealed].concat()
    }

    /// Opens a value that was sealed for this purpose.
    ///
    /// # Errors
    ///
    /// When it was not, or is damaged, or its key is gone.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (id, rest) = sealed.split_first().ok_or(OpenError)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(OpenError)?;
        let keys = self.get(*id).ok_or(OpenError)?;
        XChaCha20Poly1305::new(&keys.seal.into())
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: purpose.as_bytes() })
            .map_err(|_| OpenError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s8_a_sealed_value_opens_for_its_purpose_and_key_alone() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let keys = Keys::open(one.path()).unwrap();
        let sealed = keys.seal("state:1", b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, keys.seal("state:1", b"secret"));
        assert_eq!(keys.unseal("state:1", &sealed).as_deref(), Ok(b"secret".as_slice()));
        assert_eq!(keys.unseal("state:2", &sealed), Err(OpenError));
        assert_eq!(Keys::open(other.path()).unwrap().unseal("state:1", &sealed), Err(OpenError));
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert_eq!(keys.unseal("state:1", &altered), Err(OpenError), "byte {index}");
        }
        assert_eq!(keys.unseal("state:1", &[]), Err(OpenError));
    }
}
