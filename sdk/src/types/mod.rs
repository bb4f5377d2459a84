//! Types for fields that are more than their JSON: an email address, an amount of money, a secret.
//!
//! They go into `#[config]` and `#[data]` and are the data of outcomes. Each parses strictly, keeps one normal form,
//! and says in one sentence what is wrong with a value that it refuses ([`InvalidValue`]). Its schema names the
//! `format` of the normal form, and the widget of the editor as `x-stepwell-widget`.
//!
//! ```
//! use stepwell::prelude::*;
//!
//! /// Invite somebody
//! #[config]
//! struct Invitation {
//!     /// Whom to invite
//!     to: EmailAddress,
//!     /// What to say
//!     message: Option<RichText>,
//! }
//! ```

mod country;
mod date;
mod domain;
mod duration;
mod email_address;
mod invalid_value;
mod line;
mod location;
mod money;
mod person_name;
mod phone_number;
mod rich_text;
mod secret;
mod text;
mod timestamp;
mod url;

pub use self::country::Country;
pub use self::date::Date;
pub use self::domain::Domain;
pub use self::duration::Duration;
pub use self::email_address::EmailAddress;
pub use self::invalid_value::InvalidValue;
pub use self::location::{Location, LocationParts};
pub use self::money::{Currency, Money};
pub use self::person_name::PersonName;
pub use self::phone_number::PhoneNumber;
pub use self::rich_text::RichText;
pub use self::secret::Secret;
pub use self::timestamp::Timestamp;
pub use self::url::Url;
pub use rust_decimal::Decimal;
