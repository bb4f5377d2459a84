//! Keys and what they protect: the tokens of callback URLs, private values at rest, the local admin token.

mod config;
mod keys;
mod seal;
mod token;
mod urls;

pub use config::{Place, has_secrets, hide_secrets, sealed_paths};
pub(crate) use config::{SEALED, visit_sealed};
pub use keys::{Keys, KeysError};
pub use seal::OpenError;
pub use token::{hash_token, local_token};
pub use urls::Urls;
