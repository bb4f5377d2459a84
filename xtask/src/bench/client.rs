//! A client of HTTP with one connection, which costs the machine as little as it can.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{Outcome, failed};
use crate::failure::Failure;

/// One connection to a server, made again where the server has closed it.
pub(super) struct Client {
    authority: String,
    token: Option<String>,
    connection: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects to `http://authority`.
    pub(super) async fn connect(url: &str, token: Option<&str>) -> Outcome<Self> {
        let authority = url.trim_start_matches("http://").to_owned();
        let connection = connect(&authority).await?;
        Ok(Self { authority, token: token.map(str::to_owned), connection })
    }

    /// As many connections as there are clients.
    pub(super) async fn several(count: usize, url: &str, token: Option<&str>) -> Outcome<Vec<Self>> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Self::connect(url, token).await?);
        }
        Ok(clients)
    }

    /// Sends a request and gives the answer once its head is there.
    pub(super) async fn open(
        &mut self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Outcome<http::Response<Incoming>> {
        if self.connection.is_closed() {
            self.connection = connect(&self.authority).await?;
        }
        let path = target.strip_prefix("http://").map_or(target, |rest| &rest[rest.find('/').unwrap_or(0)..]);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body)).map_err(failed("a request"))?;
        self.connection.ready().await.map_err(failed(target))?;
        self.connection.send_request(request).await.map_err(failed(target))
    }

    /// Sends a request and gives the whole answer.
    pub(super) async fn send(
        &mut self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Outcome<(StatusCode, Bytes)> {
        let response = self.open(method, target, body).await?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(failed(target))?.to_bytes();
        Ok((status, body))
    }

    /// What a request is answered with; an answer that is no success is a failure.
    pub(super) async fn ask(&mut self, method: Method, target: &str, body: &Value) -> Outcome<Value> {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let (status, answer) = self.send(method, target, body).await?;
        if !status.is_success() {
            let answer = String::from_utf8_lossy(&answer);
            return Err(Failure::new(format!("{target}: {status}: {answer}")));
        }
        serde_json::from_slice(&answer).map_err(failed(target))
    }

    pub(super) async fn get(&mut self, target: &str) -> Outcome<Value> {
        self.ask(Method::GET, target, &Value::Null).await
    }
}

async fn connect(authority: &str) -> Outcome<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(authority).await.map_err(failed(authority))?;
    stream.set_nodelay(true).map_err(failed(authority))?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed(authority))?;
    // What goes wrong on the connection is told to who sends on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
