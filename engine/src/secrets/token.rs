//! Tokens. Those of callbacks are derived, not stored: the id and a MAC over it, so that a forged one is refused
//! without a look into the database. Those of the API are random and stored hashed.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::keys::{Keys, KeysError, random, write_private};
use crate::model::{ActivationId, ExecutionId, RunId};

/// The name of the local admin token's file in the data directory.
const FILE: &str = "token";
/// The length of the MAC in bytes.
const MAC_LENGTH: usize = 32;

/// What a token is for.
#[derive(Clone, Copy)]
enum Kind {
    Finish = 1,
    Trigger = 2,
    FinishLink = 3,
}

/// The length of an execution's id in a token, in bytes.
const EXECUTION_LENGTH: usize = 20;

impl Keys {
    /// The token of an execution's URL.
    pub fn finish_token(&self, id: ExecutionId) -> String {
        self.token(Kind::Finish, &execution_bytes(id))
    }

    /// The token of an execution's URL for the person of this number.
    pub fn finish_link_token(&self, id: ExecutionId, person: u32) -> String {
        let mut bytes = execution_bytes(id);
        bytes.extend(person.to_be_bytes());
        self.token(Kind::FinishLink, &bytes)
    }

    /// The execution that a token is for, and the person whose link it is; `None` if it was forged or altered.
    pub fn read_finish_token(&self, token: &str) -> Option<(ExecutionId, Option<u32>)> {
        if let Some(id) = self.read_token(Kind::Finish, token) {
            return Some((read_execution(&id)?, None));
        }
        let bytes = self.read_token(Kind::FinishLink, token)?;
        let (id, person) = bytes.split_at_checked(EXECUTION_LENGTH)?;
        Some((read_execution(id)?, Some(u32::from_be_bytes(person.try_into().ok()?))))
    }

    /// The token of an activation's URL.
    pub fn trigger_token(&self, id: ActivationId) -> String {
        self.token(Kind::Trigger, id.0.as_bytes())
    }

    /// The activation that a token is for; `None` if it was forged or altered.
    pub fn read_trigger_token(&self, token: &str) -> Option<ActivationId> {
        let id: [u8; 16] = self.read_token(Kind::Trigger, token)?.try_into().ok()?;
        Some(ActivationId(Uuid::from_bytes(id)))
    }

    fn token(&self, kind: Kind, id: &[u8]) -> String {
        let (key_id, keys) = self.current();
        let mut bytes = vec![key_id, kind as u8];
        bytes.extend(id);
        let mac = keys.token.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read_token(&self, kind: Kind, token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, mac_bytes) = bytes.split_last_chunk::<MAC_LENGTH>()?;
        let (key_id, rest) = signed.split_first()?;
        let (given_kind, id) = rest.split_first()?;
        self.get(*key_id)?.token.clone().chain_update(signed).verify_slice(mac_bytes).ok()?;
        (*given_kind == kind as u8).then(|| id.to_vec())
    }
}

fn execution_bytes(id: ExecutionId) -> Vec<u8> {
    let mut bytes = id.run.0.as_bytes().to_vec();
    bytes.extend(id.number.to_be_bytes());
    bytes
}

fn read_execution(bytes: &[u8]) -> Option<ExecutionId> {
    let bytes: &[u8; EXECUTION_LENGTH] = bytes.try_into().ok()?;
    let (run, number) = bytes.split_first_chunk::<16>()?;
    let number = u32::from_be_bytes(number.try_into().ok()?);
    Some(ExecutionId { run: RunId(Uuid::from_bytes(*run)), number })
}

/// The local admin token of a data directory: made on the first start, readable by its owner alone.
///
/// # Errors
///
/// When the file cannot be read or written.
pub fn local_token(directory: &Path) -> Result<String, KeysError> {
    let path = directory.join(FILE);
    let fail = |source| KeysError::File { path: path.clone(), source };
    if !path.try_exists().map_err(fail)? {
        write_private(&path, URL_SAFE_NO_PAD.encode(random::<32>()).as_bytes()).map_err(fail)?;
    }
    let token = std::fs::read_to_string(&path).map_err(fail)?.trim().to_owned();
    if token.len() < 32 {
        return Err(KeysError::Damaged { path, reason: "the token is too short".into() });
    }
    Ok(token)
}

/// The form in which the database knows an API token.
pub fn hash_token(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_the_token_of_an_execution_is_its_own_and_always_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::open(directory.path()).unwrap();
        let run = RunId(Uuid::now_v7());
        let (first, second) = (ExecutionId { run, number: 1 }, ExecutionId { run, number: 2 });
        assert_eq!(keys.finish_token(first), keys.finish_token(first));
        assert_ne!(keys.finish_token(first), keys.finish_token(second));
        assert_eq!(keys.read_finish_token(&keys.finish_token(second)), Some((second, None)));
    }

    #[test]
    fn d1_the_link_of_a_person_is_theirs_and_cannot_be_made_into_anothers() {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::open(directory.path()).unwrap();
        let id = ExecutionId { run: RunId(Uuid::now_v7()), number: 1 };
        let (anna, bert) = (keys.finish_link_token(id, 0), keys.finish_link_token(id, 1));
        assert_eq!(anna, keys.finish_link_token(id, 0));
        assert_eq!(keys.read_finish_token(&anna), Some((id, Some(0))));
        assert_eq!(keys.read_finish_token(&bert), Some((id, Some(1))));
        assert_eq!(keys.read_trigger_token(&anna), None);
        let bytes = URL_SAFE_NO_PAD.decode(&anna).unwrap();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            assert_eq!(keys.read_finish_token(&URL_SAFE_NO_PAD.encode(altered)), None, "byte {index}");
        }
        // The plain token is no beginning of a person's, nor a person's one of the plain token.
        let plain = URL_SAFE_NO_PAD.decode(keys.finish_token(id)).unwrap();
        for (head, tail) in [(&bytes[..22], &plain[22..]), (&plain[..22], &bytes[26..])] {
            let spliced = URL_SAFE_NO_PAD.encode([head, tail].concat());
            assert_eq!(keys.read_finish_token(&spliced), None);
        }
    }

    #[test]
    fn t11_an_altered_or_misused_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::open(directory.path()).unwrap();
        let id = ActivationId(Uuid::now_v7());
        let token = keys.trigger_token(id);
        assert_eq!(keys.read_trigger_token(&token), Some(id));
        assert_eq!(keys.read_finish_token(&token), None);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            assert_eq!(keys.read_trigger_token(&URL_SAFE_NO_PAD.encode(altered)), None, "byte {index}");
        }
        for token in ["", "x", "not base64!", &token[..20]] {
            assert_eq!(keys.read_trigger_token(token), None);
        }
    }

    #[test]
    fn the_local_token_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(local_token(directory.path()).unwrap(), local_token(directory.path()).unwrap());
    }
}
