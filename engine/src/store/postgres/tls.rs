//! How connections are encrypted, and whom they trust: `sslmode` and `sslrootcert`, with libpq's names and meanings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What `PostgreSQL` calls itself when a connection begins with TLS.
const PROTOCOL: &[u8] = b"postgresql";

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How much is asked of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No TLS.
    Disable,
    /// TLS where the server has it.
    Prefer,
    /// TLS, with whoever answers, unless there is a certificate to check by.
    Require,
    /// TLS, with a server whose certificate comes from an authority that is named.
    VerifyCa,
    /// As before, and the certificate is for the host's name.
    VerifyFull,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(format!(
                    "`sslmode={text}` is not known; it is `disable`, `prefer`, `require`, `verify-ca` or `verify-full`"
                )
                .into());
            }
        })
    }
}

/// Whom a certificate has to come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// The authorities that this machine trusts.
    System,
    /// Those in this file of PEM certificates.
    File(String),
}

/// What a URL says of TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    roots: Roots,
}

impl Tls {
    /// What a URL says, and the URL without it. Who names a root certificate and no mode means `verify-full`; without
    /// both it is `prefer`.
    ///
    /// # Errors
    ///
    /// When a mode is unknown, or it and the root certificate contradict each other.
    pub(super) fn take(url: &str) -> Result<(Self, String), Error> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || percent_decode_str(value).decode_utf8().map(std::borrow::Cow::into_owned);
            match key {
                "sslmode" => mode = Some(value()?.parse()?),
                "sslrootcert" => roots = Some(value()?),
                _ => rest.push(pair),
            }
        }
        let mode = mode.unwrap_or(if roots.is_some() { Mode::VerifyFull } else { Mode::Prefer });
        let roots = match (roots, mode) {
            (Some(_), Mode::Disable | Mode::Prefer) => {
                return Err(
                    "`sslrootcert` is of no use with this `sslmode`; use `sslmode=verify-full`".into()
                );
            }
            (Some(roots), Mode::Require | Mode::VerifyCa) if roots == "system" => {
                return Err("`sslrootcert=system` needs `sslmode=verify-full`: anybody can have a certificate from an authority that this machine trusts".into());
            }
            (None, Mode::VerifyCa) => {
                return Err("`sslmode=verify-ca` needs `sslrootcert`, a file with the authority's certificate; or use `sslmode=verify-full`".into());
            }
            (Some(roots), _) if roots != "system" => Roots::File(roots),
            (Some(_) | None, _) => Roots::System,
        };
        // As libpq does: who has a certificate to check by and requires TLS has it checked.
        let checks = mode == Mode::Require && matches!(roots, Roots::File(_));
        let mode = if checks { Mode::VerifyCa } else { mode };
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        Ok((Self { mode, roots }, url))
    }

    /// What the protocol needs to know of it. A socket of this machine has no TLS, whatever is asked.
    pub(super) fn ssl_mode(&self, hosts: &[Host]) -> SslMode {
        match self.mode {
            _ if !hosts.iter().any(|host| matches!(host, Host::Tcp(_))) => SslMode::Disable,
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        }
    }

    /// Makes the TLS of connections.
    ///
    /// # Errors
    ///
    /// When the root certificates cannot be read, or this machine has none.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let any_name = |chain| {
            let algorithms = provider.signature_verification_algorithms;
            Arc::new(AnyName { chain, algorithms })
        };
        let verifier: Arc<dyn ServerCertVerifier> = match (self.mode, &self.roots) {
            (Mode::Disable | Mode::Prefer | Mode::Require, _) => any_name(None),
            (Mode::VerifyCa | Mode::VerifyFull, Roots::System) => {
                Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?)
            }
            (mode, Roots::File(file)) => {
                let roots = Arc::new(read_roots(file)?);
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
                if mode == Mode::VerifyCa { any_name(Some(verifier)) } else { verifier }
            }
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }
}

fn read_roots(file: &str) -> Result<RootCertStore, Error> {
    let unread = |error: &dyn fmt::Display| format!("`sslrootcert={file}` cannot be read: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unread(&error))? {
        let certificate = certificate.map_err(|error| unread(&error))?;
        roots.add(certificate).map_err(|error| unread(&error))?;
    }
    if roots.is_empty() {
        return Err(unread(&"it has no certificate in PEM form").into());
    }
    Ok(roots)
}

/// What to do about a connection that has failed, where that is known.
pub(super) fn advice(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if error.to_string() == "server does not support TLS" {
        return Some("turn TLS on there, or use `sslmode=disable` where nobody else can listen");
    }
    // An `io::Error` hides what it was made of from those who ask for its source.
    let within = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref()?.downcast_ref());
    let rustls::Error::InvalidCertificate(certificate) = within.or_else(|| error.downcast_ref())? else {
        return None;
    };
    Some(match certificate {
        // Of an authority of the same name as one that is known.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "name a file with the certificate of the server's authority as `sslrootcert`"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "connect by a name that is in the server's certificate, or use `sslmode=verify-ca` with `sslrootcert`"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "give the server a certificate that is valid now"
        }
        _ => return None,
    })
}

/// Checks no name, and without a chain no certificate: nobody listens who is not asked to connect, and no more is known.
#[derive(Debug)]
struct AnyName {
    chain: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked last: all else was right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_and_whom() {
        let plain = "postgres://u:p@h1:1,h2:2/d";
        let file = || Roots::File("/a b".to_owned());
        for (query, mode, roots, rest) in [
            ("", Mode::Prefer, Roots::System, ""),
            ("?sslmode=disable", Mode::Disable, Roots::System, ""),
            ("?a=b&sslmode=require&c=%20", Mode::Require, Roots::System, "?a=b&c=%20"),
            ("?sslmode=require&sslrootcert=/a%20b", Mode::VerifyCa, file(), ""),
            ("?sslrootcert=/a%20b", Mode::VerifyFull, file(), ""),
            ("?sslrootcert=system", Mode::VerifyFull, Roots::System, ""),
            ("?sslmode=verify-full", Mode::VerifyFull, Roots::System, ""),
            ("?sslmode=verify-ca&sslrootcert=%2Fa b", Mode::VerifyCa, file(), ""),
        ] {
            let taken = Tls::take(&format!("{plain}{query}")).unwrap();
            assert_eq!(taken, (Tls { mode, roots }, format!("{plain}{rest}")), "{query}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (query, mend) in [
            ("sslmode=on", "`verify-full`"),
            ("sslmode=allow", "`prefer`"),
            ("sslmode=verify-ca", "needs `sslrootcert`"),
            ("sslmode=verify-ca&sslrootcert=system", "needs `sslmode=verify-full`"),
            ("sslmode=prefer&sslrootcert=/a", "use `sslmode=verify-full`"),
        ] {
            let error = Tls::take(&format!("postgres://h/d?{query}")).unwrap_err().to_string();
            assert!(error.contains(mend), "{query}: {error}");
        }
    }

    #[test]
    fn roots_that_cannot_be_read_are_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (path, problem) in
            [("/none", "cannot be read"), (file.path().to_str().unwrap(), "no certificate")]
        {
            let (tls, _) = Tls::take(&format!("postgres://h/d?sslrootcert={path}")).unwrap();
            let error = tls.connector().err().unwrap().to_string();
            assert!(error.contains(path) && error.contains(problem), "{error}");
        }
    }
}
