//! The key file. All engines of one database share it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The name of the key file in the data directory.
const FILE: &str = "keys";
/// The length of a key in bytes.
pub(super) const KEY_LENGTH: usize = 32;

/// The keys of a database: for callback tokens and for private values.
///
/// New tokens and values are made with the current key; those made with an older one stay good as long as the
/// file holds it.
pub struct Keys {
    current: u8,
    by_id: BTreeMap<u8, DerivedKeys>,
}

/// The keys derived from one secret of the file.
pub(super) struct DerivedKeys {
    pub(super) token: Hmac<Sha256>,
    pub(super) seal: [u8; KEY_LENGTH],
    /// Tells this key from others, and nothing about it.
    fingerprint: [u8; KEY_LENGTH],
}

/// The form of the key file.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    current: u8,
    /// The secrets by id, base64.
    keys: BTreeMap<u8, String>,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error(
        "the key file {path} cannot be used; make the data directory and its files readable and writable for this user, \
         or choose another with --data"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error(
        "the key file {path} may be read by others; run `chmod 600 {path}` and consider its keys as known"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It is not a key file.
    #[error("the key file {path} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Keys {
    /// Opens the key file of a data directory, or creates it with a new key, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, may be read by others, or is damaged.
    pub fn open(directory: &Path) -> Result<Self, KeysError> {
        let path = directory.join(FILE);
        let fail = |source| KeysError::File { path: path.clone(), source };
        let damaged = |reason: String| KeysError::Damaged { path: path.clone(), reason };
        if !path.try_exists().map_err(fail)? {
            let keys = BTreeMap::from([(1, STANDARD.encode(random::<KEY_LENGTH>()))]);
            let text = serde_json::to_vec_pretty(&KeyFile { current: 1, keys })
                .map_err(|error| damaged(error.to_string()))?;
            write_private(&path, &text).map_err(fail)?;
        }
        let mode = path.metadata().map_err(fail)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeysError::Exposed { path });
        }
        let text = std::fs::read(&path).map_err(fail)?;
        let file: KeyFile = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let by_id = file
            .keys
            .iter()
            .map(|(id, secret)| {
                Ok((*id, derive(&STANDARD.decode(secret).map_err(|error| error.to_string())?)?))
            })
            .collect::<Result<BTreeMap<_, _>, String>>()
            .map_err(damaged)?;
        if !by_id.contains_key(&file.current) {
            return Err(damaged(format!("it has no key {}", file.current)));
        }
        Ok(Self { current: file.current, by_id })
    }

    /// Keys that nobody will know again: for an engine whose database lives in memory.
    pub fn ephemeral() -> Self {
        let keys = derive(&random::<KEY_LENGTH>()).expect("a fresh secret is long enough");
        Self { current: 1, by_id: BTreeMap::from([(1, keys)]) }
    }

    /// What tells the current key from others.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.by_id[&self.current].fingerprint
    }

    /// What tells the keys of this file from others.
    pub fn fingerprints(&self) -> Vec<[u8; 32]> {
        self.by_id.values().map(|key| key.fingerprint).collect()
    }

    /// The key for what is made now, with its id.
    pub(super) fn current(&self) -> (u8, &DerivedKeys) {
        (self.current, &self.by_id[&self.current])
    }

    pub(super) fn get(&self, id: u8) -> Option<&DerivedKeys> {
        self.by_id.get(&id)
    }
}

/// HKDF (RFC 5869) with SHA-256, one output per purpose.
fn derive(secret: &[u8]) -> Result<DerivedKeys, String> {
    if secret.len() < KEY_LENGTH {
        return Err(format!("a key has {} bytes, and at least {KEY_LENGTH} are needed", secret.len()));
    }
    let hkdf = Hkdf::<Sha256>::new(None, secret);
    let expand = |purpose: &[u8]| {
        let mut key = [0; KEY_LENGTH];
        hkdf.expand(purpose, &mut key).map_err(|error| error.to_string())?;
        Ok::<_, String>(key)
    };
    Ok(DerivedKeys {
        token: Hmac::new_from_slice(&expand(b"stepwell callback token")?)
            .map_err(|error| error.to_string())?,
        seal: expand(b"stepwell private value")?,
        fingerprint: expand(b"stepwell key fingerprint")?,
    })
}

/// Random bytes from the operating system.
pub(super) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Writes a file that its owner alone may read, whole or not at all.
pub(super) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use hmac::Mac as _;

    use super::*;
    use crate::model::ActivationId;

    #[test]
    fn the_key_file_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let first = Keys::open(directory.path()).unwrap();
        let second = Keys::open(directory.path()).unwrap();
        let token = |keys: &Keys| keys.trigger_token(ActivationId(uuid::Uuid::nil()));
        assert_eq!(token(&first), token(&second));
        assert_eq!(first.current().1.seal, second.current().1.seal);
        let key = first.current().1;
        let of_seal = Hmac::<Sha256>::new_from_slice(&key.seal).unwrap();
        assert_ne!(key.token.clone().finalize().into_bytes(), of_seal.finalize().into_bytes());
        let mode = directory.path().join(FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_file_that_others_may_read_or_that_is_damaged_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        Keys::open(directory.path()).unwrap();
        let path = directory.path().join(FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::open(directory.path()), Err(KeysError::Exposed { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for text in ["", "{}", r#"{"current":2,"keys":{}}"#, r#"{"current":1,"keys":{"1":"c2hvcnQ="}}"#] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Keys::open(directory.path()), Err(KeysError::Damaged { .. })), "{text}");
        }
    }
}
