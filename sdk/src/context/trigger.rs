//! The contexts of a trigger's handlers.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;

use super::TriggerMetadata;
use crate::__private::check::SameConnection;
use crate::connection::NoConnection;
use crate::http_client::HttpClient;
use crate::network::NetworkError;
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

/// The context of `renew`. `R` is the registration that `activate` or the last `renew` returned.
pub struct RenewContext<R, C = NoConnection> {
    call: TriggerCall<C>,
    callback_url: String,
    registration: R,
}

/// The context of `tick`. `R` is the registration that `activate` returned.
pub struct TickContext<R = (), C = NoConnection> {
    call: TriggerCall<C>,
    callback_url: String,
    registration: R,
    tick: TickTime,
}

/// The time of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickTime {
    /// When it was due.
    pub time: Timestamp,
    /// After which time the next one is to be.
    pub following: Timestamp,
    /// Whether it counts as missed: it is called more than a minute late.
    pub missed: bool,
}

/// The context of `deactivate`. `R` is the registration that `activate` returned.
pub struct DeactivateContext<R = (), C = NoConnection> {
    call: TriggerCall<C>,
    registration: R,
}

/// What the contexts of a trigger have in common.
pub struct TriggerCall<C> {
    pub(crate) metadata: TriggerMetadata,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) connection: C,
}

impl<C> TriggerCall<C> {
    /// The same call, for a handler that names the connection itself.
    pub(crate) fn same<K: SameConnection<C>>(self) -> TriggerCall<K> {
        let Self { metadata, services, connection } = self;
        TriggerCall { metadata, services, connection: K::from_connection(connection) }
    }
}

macro_rules! trigger_context {
    ($($name:ident<$($param:ident),*>),* $(,)?) => { $(
        impl<$($param),*> $name<$($param),*> {
            /// The engine's outgoing HTTP client: guarded against private addresses, with time and size limits.
            pub fn http(&self) -> HttpClient {
                HttpClient::new(self.call.services.http())
            }

            /// The addresses of a host that handlers may connect to, for what does not speak HTTP; see
            /// [`network`](crate::network).
            ///
            /// # Errors
            ///
            /// When the host is unknown, cannot be looked up now, or has only addresses that are refused.
            pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetworkError> {
                self.call.services.network().addresses(host, port).await
            }

            /// The engine's time: what a block goes by instead of the machine's clock, so that a test can move it.
            pub fn now(&self) -> Timestamp {
                self.call.services.now()
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

trigger_context!(
    ActivateContext<C>,
    TriggerContext<R, C>,
    HandshakeContext<C>,
    RenewContext<R, C>,
    TickContext<R, C>,
    DeactivateContext<R, C>,
);

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

trigger_callback_url!(
    ActivateContext<C>,
    TriggerContext<R, C>,
    HandshakeContext<C>,
    RenewContext<R, C>,
    TickContext<R, C>,
);

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

registration!(TriggerContext, RenewContext, TickContext, DeactivateContext);

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

impl<R, C> RenewContext<R, C> {
    pub(crate) const fn new(call: TriggerCall<C>, callback_url: String, registration: R) -> Self {
        Self { call, callback_url, registration }
    }
}

impl<R, C> TickContext<R, C> {
    pub(crate) const fn new(
        call: TriggerCall<C>,
        callback_url: String,
        registration: R,
        tick: TickTime,
    ) -> Self {
        Self { call, callback_url, registration, tick }
    }

    /// When this tick was due. It may be called later, after the engine was stopped.
    pub const fn time(&self) -> Timestamp {
        self.tick.time
    }

    /// Whether this tick counts as missed: it is called more than a minute late, since no engine ran at its time.
    ///
    /// A block whose config says what becomes of missed ticks declares `missed_ticks = all`, and decides by this
    /// whether the tick starts a run and whether the next one follows [`time`](Self::time) or [`now`](Self::now).
    pub const fn missed(&self) -> bool {
        self.tick.missed
    }

    /// After which time the next tick is to be: this tick's time, so that a schedule does not drift; or the engine's
    /// time, if this tick was [missed](Self::missed) and the block does not declare `missed_ticks = all`.
    ///
    /// A schedule names its next tick after this one: `Tick::no_op().next_at(next_after(cx.following()))`.
    pub const fn following(&self) -> Timestamp {
        self.tick.following
    }
}

impl<R, C> DeactivateContext<R, C> {
    pub(crate) const fn new(call: TriggerCall<C>, registration: R) -> Self {
        Self { call, registration }
    }
}
