//! The contexts of a step's handlers.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StepMetadata;
use crate::__private::check::SameConnection;
use crate::connection::NoConnection;
use crate::error::StepError;
use crate::http_client::HttpClient;
use crate::network::NetworkError;
use crate::services::StepServices;

/// The context of `execute`. `C` is the connection that the block needs.
pub struct ExecuteContext<C = NoConnection> {
    call: StepCall<C>,
}

/// The context of `finish`. `S` is the state that `execute` deferred with.
pub struct FinishContext<S, C = NoConnection> {
    call: StepCall<C>,
    state: S,
}

/// The context of `cancel`. `S` is the state that `execute` deferred with.
pub struct CancelContext<S, C = NoConnection> {
    call: StepCall<C>,
    state: S,
}

/// The context of `wake`. `S` is the state that `execute` deferred with.
pub struct WakeContext<S, C = NoConnection> {
    call: StepCall<C>,
    state: S,
}

/// What the contexts of a step have in common.
pub struct StepCall<C> {
    pub(crate) metadata: StepMetadata,
    pub(crate) services: Arc<dyn StepServices>,
    pub(crate) connection: C,
    pub(crate) names: Mutex<BTreeSet<String>>,
}

impl<C> StepCall<C> {
    pub(crate) fn new(metadata: StepMetadata, services: Arc<dyn StepServices>, connection: C) -> Self {
        Self { metadata, services, connection, names: Mutex::default() }
    }

    /// The same call, for a handler that names the connection itself.
    pub(crate) fn same<K: SameConnection<C>>(self) -> StepCall<K> {
        StepCall::new(self.metadata, self.services, K::from_connection(self.connection))
    }

    /// Runs `effect` unless an earlier attempt has recorded its value.
    async fn once<T, E, F, Fut>(&self, name: &str, effect: F) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        E: Into<StepError>,
        F: FnOnce(String) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let first_use = self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        if !first_use {
            return Err(StepError::permanent(format!(
                "`once` was called twice with the name `{name}` in one attempt; give each effect a name of its own"
            )));
        }
        if let Some(value) = self.services.recorded(name).await? {
            return serde_json::from_value(value).map_err(|error| {
                StepError::permanent(format!(
                    "the value recorded by `once` under `{name}` does not fit its type: {error}"
                ))
            });
        }
        let key = format!("{}:{name}", self.metadata.unique_execution_id);
        let value = effect(key).await.map_err(Into::into)?;
        let json = serde_json::to_value(&value).map_err(|error| {
            StepError::permanent(format!("the value of `once` under `{name}` has no JSON form: {error}"))
        })?;
        self.services.record(name, json).await?;
        Ok(value)
    }
}

macro_rules! step_context {
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

            /// The execution's URL for one of the people whom it asks ([`Question::person`]), by number from 0: as
            /// [`finish_callback_url`](StepMetadata::finish_callback_url), and different for each. What comes by it has
            /// this number as its [`sender`](crate::request::Request::sender), which nothing else can have.
            ///
            /// Whoever has the link can answer in that person's name: hand it to that person alone.
            ///
            /// [`Question::person`]: crate::question::Question::person
            pub fn finish_link(&self, person: u32) -> String {
                self.call.services.finish_link(person)
            }

            /// Runs an outside effect once per execution: a later attempt gets the recorded value and does not
            /// run `effect` again.
            ///
            /// `effect` may be repeated if the process dies before its value is recorded, so it receives a key
            /// that stays the same: pass it on as an idempotency key. Only `Ok` values are recorded.
            ///
            /// # Errors
            ///
            /// The error of `effect`; or when `name` is used twice in one attempt, or the value has no JSON form.
            pub async fn once<T, E, F, Fut>(&self, name: &str, effect: F) -> Result<T, StepError>
            where
                T: Serialize + DeserializeOwned,
                E: Into<StepError>,
                F: FnOnce(String) -> Fut,
                Fut: Future<Output = Result<T, E>>,
            {
                self.call.once(name, effect).await
            }
        }

        impl<$($param),*> Deref for $name<$($param),*> {
            type Target = StepMetadata;

            fn deref(&self) -> &StepMetadata {
                &self.call.metadata
            }
        }
    )* };
}

step_context!(ExecuteContext<C>, FinishContext<S, C>, WakeContext<S, C>, CancelContext<S, C>);

impl<C> ExecuteContext<C> {
    pub(crate) const fn new(call: StepCall<C>) -> Self {
        Self { call }
    }
}

macro_rules! deferred_context {
    ($($name:ident),* $(,)?) => { $(
        impl<S, C> $name<S, C> {
            pub(crate) const fn new(call: StepCall<C>, state: S) -> Self {
                Self { call, state }
            }

            /// The state that `execute` deferred with.
            pub const fn state(&self) -> &S {
                &self.state
            }
        }
    )* };
}

deferred_context!(FinishContext, WakeContext, CancelContext);
