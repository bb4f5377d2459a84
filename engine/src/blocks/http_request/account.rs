//! `core/http`: credentials of any HTTP service.

use stepwell::http_client::RequestBuilder;
use stepwell::prelude::*;

/// An account at an HTTP service
///
/// What `core/http-request` proves with that it may ask.
#[connection(app = "core", id = "http")]
pub(super) struct Account {
    /// Credentials
    auth: Credentials,
    /// Hosts
    ///
    /// The only ones that get the credentials, such as `api.example.com` or `api.example.com:8443`, over HTTPS;
    /// `http://10.0.0.7:8080` for one without. If it is left out, whoever edits a workflow can send them anywhere.
    #[schemars(length(min = 1), inner(regex(pattern = HOST)))]
    hosts: Option<Vec<String>>,
}

/// A host as a person writes it, in ASCII, with or without scheme and port.
const HOST: &str = r"^(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$";

/// How a request is authorized.
#[data]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Credentials {
    /// A bearer token
    Bearer {
        /// Token
        token: Secret,
    },
    /// User name and password (HTTP Basic)
    Basic {
        /// User
        user: String,
        /// Password
        password: Secret,
    },
    /// A header
    Header {
        /// Name
        name: String,
        /// Value
        value: Secret,
    },
}

impl Account {
    /// The request with the credentials, unless its server must not have them.
    pub(super) fn authorize(
        &self,
        request: RequestBuilder,
        url: &url::Url,
    ) -> Result<RequestBuilder, StepError> {
        if let Some(hosts) = &self.hosts
            && !hosts.iter().any(|host| is_host_of(host, url))
        {
            return Err(StepError::permanent(format!(
                "config `url`: the connection does not send its credentials to {}, only to {}; use one of these, or add it to the connection's `hosts`",
                url.origin().ascii_serialization(),
                hosts.join(", ")
            )));
        }
        Ok(match &self.auth {
            Credentials::Bearer { token } => request.bearer(token.expose()),
            Credentials::Basic { user, password } => request.basic(user, password.expose()),
            Credentials::Header { name, value } => request.secret_header(name, value.expose()),
        })
    }
}

fn is_host_of(host: &str, url: &url::Url) -> bool {
    let origin = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    url::Url::parse(&origin).is_ok_and(|allowed| allowed.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_means_its_scheme_and_port_too() {
        for (host, url, is_same) in [
            ("api.example.com", "https://api.example.com/orders", true),
            ("API.Example.com:443", "https://api.example.com/", true),
            ("api.example.com:8443", "https://api.example.com:8443/", true),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080/", true),
            ("[::1]:8080", "https://[::1]:8080/", true),
            ("api.example.com", "http://api.example.com/", false),
            ("api.example.com", "https://api.example.com:8443/", false),
            ("api.example.com", "https://api.example.com.evil.example/", false),
            ("api.example.com", "https://api.example.com@evil.example/", false),
            ("example.com", "https://api.example.com/", false),
            ("api.example.com:99999", "https://api.example.com/", false),
        ] {
            assert_eq!(is_host_of(host, &url::Url::parse(url).unwrap()), is_same, "{host} {url}");
        }
    }
}
