//! The contexts of a trigger's handlers.

use std::ops::Deref;
use std::sync::Arc;

use super::TriggerMetadata;
use crate::connection::NoConnection;
use crate::http_client::HttpClient;
use crate::services::Services;

/// The context of `activate`. `C` is the connection that the block needs.
pub struct ActivateContext<C = NoConnection> {
    call: TriggerCall<C>,
    callback_url: String,
}

/// The context of `trigger`. `R` is the registration that `activate` returned.
pub struct TriggerContext<R = (), C = NoConnection> {
    call: TriggerCall<C>,
    callback_url: String,
    registration: R,
}

/// The context of `handshake`, which is called while `activate` has not completed.
pub struct HandshakeContext<C = NoConnection> {
    call: TriggerCall<C>,
    callback_url: String,
}

/// The context of `deactivate`. `R` is the registration that `activate` returned.
pub struct DeactivateContext<R = (), C = NoConnection> {
    call: TriggerCall<C>,
    registration: R,
}

/// What the contexts of a trigger have in common.
pub(crate) struct TriggerCall<C> {
    pub(crate) metadata: TriggerMetadata,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) connection: C,
}

macro_rules! trigger_context {
    ($($name:ident<$($param:ident),*>),* $(,)?) => { $(
        impl<$($param),*> $name<$($param),*> {
            /// The engine's outgoing HTTP client: guarded against private addresses, with time and size limits.
            pub fn http(&self) -> HttpClient {
                HttpClient::new(self.call.services.http())
            }

            /// The connection that the block needs.
            pub fn connection(&self) -> &C {
                &self.call.connection
            }
        }

        impl<$($param),*> Deref for $name<$($param),*> {
            type Target = TriggerMetadata;

            fn deref(&self) -> &TriggerMetadata {
                &self.call.metadata
            }
        }
    )* };
}

trigger_context!(ActivateContext<C>, TriggerContext<R, C>, HandshakeContext<C>, DeactivateContext<R, C>);

macro_rules! trigger_callback_url {
    ($($name:ident<$($param:ident),*>),* $(,)?) => { $(
        impl<$($param),*> $name<$($param),*> {
            /// Where the activation receives its requests: unguessable, the same as long as the version is
            /// enabled.
            pub fn trigger_callback_url(&self) -> &str {
                &self.callback_url
            }
        }
    )* };
}

trigger_callback_url!(ActivateContext<C>, TriggerContext<R, C>, HandshakeContext<C>);

macro_rules! registration {
    ($($name:ident),* $(,)?) => { $(
        impl<R, C> $name<R, C> {
            /// What `activate` returned.
            pub const fn registration(&self) -> &R {
                &self.registration
            }
        }
    )* };
}

registration!(TriggerContext, DeactivateContext);

impl<C> ActivateContext<C> {
    pub(crate) const fn new(call: TriggerCall<C>, callback_url: String) -> Self {
        Self { call, callback_url }
    }
}

impl<R, C> TriggerContext<R, C> {
    pub(crate) const fn new(call: TriggerCall<C>, callback_url: String, registration: R) -> Self {
        Self { call, callback_url, registration }
    }
}

impl<C> HandshakeContext<C> {
    pub(crate) const fn new(call: TriggerCall<C>, callback_url: String) -> Self {
        Self { call, callback_url }
    }
}

impl<R, C> DeactivateContext<R, C> {
    pub(crate) const fn new(call: TriggerCall<C>, registration: R) -> Self {
        Self { call, registration }
    }
}
