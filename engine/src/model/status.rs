//! Statuses, as the API and the database name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! status {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant),*
        }

        impl $name {
            /// Every status.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The status as the API and the database name it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|status| status.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|status| status.as_str()).collect();
                    format!("`{text}` is not a status; use one of {}", known.join(", "))
                })
            }
        }
    };
}

status!(
    /// Where a run stands.
    RunStatus {
        /// Nothing of it has been started yet.
        Queued = "queued",
        /// An attempt is running or about to.
        Running = "running",
        /// Every live execution is deferred.
        Waiting = "waiting",
        /// A cancellation was asked for and is being carried out.
        Cancelling = "cancelling",
        /// Every path came to its end.
        Completed = "completed",
        /// A step failed.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
);

impl RunStatus {
    /// Whether the run has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

status!(
    /// Where an activation stands.
    ActivationStatus {
        /// `activate` is to be called or is being called.
        Activating = "activating",
        /// The URL receives requests.
        Active = "active",
        /// `deactivate` is to be called or is being called.
        Deactivating = "deactivating",
        /// `activate` failed; the version was never enabled.
        ActivationFailed = "activation_failed",
        /// `deactivate` failed and was given up; it can be retried by hand.
        DeactivationFailed = "deactivation_failed",
        /// The activation is over.
        Deactivated = "deactivated",
    }
);
