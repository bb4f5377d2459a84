//! Redirects: followed as browsers do, without taking credentials along to another server.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// What is known to say who sends a request, beside the values that are marked as sensitive. A `Host` belongs to the
/// server that it was meant for.
const OF_ONE_SERVER: [header::HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::HOST];
/// What describes a body.
const OF_A_BODY: [header::HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::TRANSFER_ENCODING,
];

/// A request on its way.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Hop {
    /// The request that an answer redirects to (RFC 9110, 15.4), if it does.
    pub(super) fn redirected(&self, status: StatusCode, answer: &HeaderMap) -> Option<Self> {
        let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = answer.get(header::LOCATION).filter(|_| is_redirect)?;
        let mut next = Self { url: self.url.join(location.to_str().ok()?).ok()?, ..self.clone() };
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            next.method = Method::GET;
            next.body = Bytes::new();
            next.remove(|name, _| OF_A_BODY.contains(name));
        }
        if next.url.origin() != self.url.origin() {
            next.remove(|name, value| value.is_sensitive() || OF_ONE_SERVER.contains(name));
        }
        Some(next)
    }

    fn remove(&mut self, which: impl Fn(&header::HeaderName, &header::HeaderValue) -> bool) {
        let gone: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, value)| which(name, value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn hop(method: Method) -> Hop {
        let mut headers = HeaderMap::new();
        let mut key = HeaderValue::from_static("s3cret");
        key.set_sensitive(true);
        headers.insert("x-api-key", key);
        for (name, value) in [
            ("authorization", "Bearer t0ken"),
            ("cookie", "a=b"),
            ("host", "shop.example"),
            ("content-type", "text/plain"),
            ("x-shop", "one"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let url = Url::parse("https://shop.example/orders?a=1").unwrap();
        Hop { method, url, headers, body: Bytes::from_static(b"kettle") }
    }

    fn redirected(method: Method, status: u16, location: &str) -> Option<Hop> {
        let mut answer = HeaderMap::new();
        answer.insert(header::LOCATION, HeaderValue::try_from(location).unwrap());
        hop(method).redirected(StatusCode::from_u16(status).unwrap(), &answer)
    }

    fn names(hop: &Hop) -> Vec<&str> {
        let mut names: Vec<_> = hop.headers.keys().map(header::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_method_and_body_stay_or_become_those_of_a_get() {
        for (method, status, becomes) in [
            (Method::POST, 301, Method::GET),
            (Method::POST, 302, Method::GET),
            (Method::PUT, 302, Method::PUT),
            (Method::PUT, 303, Method::GET),
            (Method::HEAD, 303, Method::HEAD),
            (Method::POST, 307, Method::POST),
            (Method::PATCH, 308, Method::PATCH),
        ] {
            let next = redirected(method.clone(), status, "/later").unwrap();
            assert_eq!(next.method, becomes, "{method} {status}");
            assert_eq!(next.url.as_str(), "https://shop.example/later");
            let keeps = becomes == method;
            assert_eq!(next.body.is_empty(), !keeps, "{method} {status}");
            assert_eq!(next.headers.contains_key("content-type"), keeps, "{method} {status}");
        }
    }

    #[test]
    fn credentials_stay_with_the_server_that_they_are_for() {
        let same = redirected(Method::GET, 307, "https://shop.example:443/other").unwrap();
        assert_eq!(names(&same), ["authorization", "content-type", "cookie", "host", "x-api-key", "x-shop"]);
        for elsewhere in [
            "https://evil.example/",
            "//evil.example/",
            "http://shop.example/",
            "https://shop.example:8443/",
            "https://shop.example.evil.example/",
        ] {
            let next = redirected(Method::GET, 307, elsewhere).unwrap();
            assert_eq!(names(&next), ["content-type", "x-shop"], "{elsewhere}");
        }
    }

    #[test]
    fn what_redirects_nowhere_is_the_answer() {
        assert!(redirected(Method::GET, 304, "/").is_none());
        assert!(redirected(Method::GET, 200, "/").is_none());
        assert!(redirected(Method::GET, 302, "https://[").is_none());
        assert!(hop(Method::GET).redirected(StatusCode::FOUND, &HeaderMap::new()).is_none());
    }
}
