//! Who may use the API: bearers of a token whose hash the store knows.

use std::collections::HashSet;
use std::sync::Mutex;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;

use super::Api;
use super::problem::Problem;
use crate::secrets::hash_token;

/// How many tokens are looked up in the database at once; others wait. Whoever has none cannot keep it busy.
const MOST_LOOKUPS: usize = 8;

/// The hashes of tokens that the store has known.
pub(crate) struct Tokens {
    known: Mutex<HashSet<[u8; 32]>>,
    lookups: Semaphore,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self { known: Mutex::default(), lookups: Semaphore::new(MOST_LOOKUPS) }
    }
}

/// Lets a request with a good token through.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Result<Response, Problem> {
    let unauthorized = |detail: &str| {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    };
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()));
    let token = bearer.ok_or_else(|| unauthorized("Send `Authorization: Bearer …` with an API token"))?;
    let hash = hash_token(token);
    let known = api.tokens.known.lock().expect("no holder panics").contains(&hash);
    if !known {
        let looking = api.tokens.lookups.acquire().await.expect("it is never closed");
        if !api.driver.store().has_token(hash).await? {
            return Err(unauthorized("The token is not known"));
        }
        drop(looking);
        api.tokens.known.lock().expect("no holder panics").insert(hash);
    }
    Ok(next.run(request).await)
}
