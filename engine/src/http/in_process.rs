//! Requests that reach the routes without a socket.

use axum::body::{Body, to_bytes};
use stepwell::request::Request;
use stepwell::response::Response;
use tower::ServiceExt as _;

use super::router;
use crate::driver::Driver;

/// What the engine answers to a request to this path and query.
pub(crate) async fn answer(driver: Driver, target: &str, request: &Request) -> Response {
    let mut builder = http::Request::builder().method(request.method()).uri(target);
    for (name, value) in request.headers() {
        builder = builder.header(name, value);
    }
    let sent =
        builder.body(Body::from(request.bytes().clone())).expect("the target is a path of this engine");
    let Ok(answered) = router(driver).oneshot(sent).await;
    let (head, body) = answered.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("the body is in memory");
    head.headers.iter().fold(Response::new(head.status).body(body), |response, (name, value)| {
        response.header(name.clone(), value.clone())
    })
}
