//! TLS of all clients here: the system's roots, one more root, or no check at all.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

/// Opens connections to `http://` and `https://` addresses.
pub type Connector = HttpsConnector<HttpConnector>;

/// Whose certificates are taken.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Those that lead to a root of the system, or to one in this PEM file.
    Roots(Option<&'a Path>),
    /// Any. Whoever asks for this says so to the user each time.
    Anybody,
}

/// Why there is nothing to check certificates with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// The system has no roots, or none that can be read: why.
    #[error(
        "no root certificates of this system ({0}); install ca-certificates, or name a file with --ca"
    )]
    NoRoots(String),
    /// The file that was named cannot be used.
    #[error("--ca {}: {why}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A connector for addresses with and without TLS.
///
/// # Errors
///
/// There are no roots. Trying again changes nothing until somebody installs some.
pub fn connector(trust: &Trust<'_>) -> Result<Connector, RootsError> {
    let config = match trust {
        Trust::Roots(ca) => config_with(roots(*ca)?),
        Trust::Anybody => {
            let mut config = config_with(RootCertStore::empty());
            config
                .dangerous()
                .set_certificate_verifier(Arc::new(AnyCertificate::new()));
            config
        }
    };
    Ok(wrap(config))
}

/// A connector for addresses without TLS: it trusts nobody, and reads no roots, which takes some milliseconds.
pub fn plain_connector() -> Connector {
    wrap(config_with(RootCertStore::empty()))
}

fn config_with(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring serves all versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn wrap(config: ClientConfig) -> Connector {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http)
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, RootsError> {
    let mut store = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    // Old roots that rustls does not understand are in many systems' stores; those that it does are enough.
    store.add_parsable_certificates(system.certs);
    if let Some(file) = ca {
        add_file(&mut store, file)?;
    }
    if store.is_empty() {
        let why = system.errors.first().map_or_else(
            || "it has none".to_owned(),
            |error| format!("they cannot be read: {error}"),
        );
        return Err(RootsError::NoRoots(why));
    }
    Ok(store)
}

fn add_file(store: &mut RootCertStore, file: &Path) -> Result<(), RootsError> {
    let refused = |why: String| RootsError::File {
        file: file.to_owned(),
        why,
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused(
            "there is no certificate in it; it must be PEM, with -----BEGIN CERTIFICATE-----"
                .to_owned(),
        ));
    }
    for certificate in certificates {
        store
            .add(certificate)
            .map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

/// What is wrong with TLS, and what to do about it where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub todo: Option<&'static str>,
}

impl Fault {
    fn new(what: impl Into<String>, todo: &'static str) -> Self {
        Self {
            what: what.into(),
            todo: Some(todo),
        }
    }

    /// A fault that nobody can say more about.
    pub fn without_advice(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            todo: None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.todo.map_or(Ok(()), |todo| write!(f, "; {todo}"))
    }
}

/// What went wrong with TLS, where an error of connecting is about TLS.
pub fn explain(error: &(dyn Error + 'static)) -> Option<Fault> {
    if let Some(error) = sources(error).find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return Some(explain_tls(error));
    }
    let io = sources(error).filter_map(|error| error.downcast_ref::<io::Error>());
    // Nothing but a handshake of TLS reads while a connection is made.
    let is_cut = io.last()?.kind() == io::ErrorKind::UnexpectedEof;
    is_cut.then(|| {
        Fault::new(
            "it broke off the TLS handshake",
            "if it does not speak TLS, write the address without the s (ws://, http://)",
        )
    })
}

/// The words of the cause that has no further cause.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    sources(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}

/// The error and what caused it, from the outside in.
pub fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // `io::Error::source` passes over the error that it wraps.
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the errors of rustls are its own and grow; what has no advice of ours keeps its words"
)]
fn explain_tls(error: &rustls::Error) -> Fault {
    match error {
        rustls::Error::InvalidCertificate(fault) => explain_certificate(fault),
        rustls::Error::InvalidMessage(_) => Fault::new(
            "what answers there does not speak TLS",
            "write the address without the s (ws://, http://)",
        ),
        rustls::Error::AlertReceived(alert) => Fault::without_advice(format!(
            "the server broke off the TLS handshake ({alert:?})"
        )),
        other => Fault::without_advice(format!("TLS failed: {other}")),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the errors of rustls are its own and grow; what has no advice of ours keeps its words"
)]
fn explain_certificate(fault: &CertificateError) -> Fault {
    match fault {
        CertificateError::UnknownIssuer => Fault::new(
            "its certificate leads to no root that this machine trusts (self-made, or of a private authority)",
            "name that root with --ca FILE",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Fault::new(
                format!("its certificate is for another name ({fault})"),
                "use the name that it is for",
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::new(
            format!("its certificate has expired ({fault})"),
            "whoever runs the server must renew it, or this machine's clock is wrong",
        ),
        CertificateError::BadSignature => Fault::new(
            "its certificate is signed by another key than the root of that name that this machine trusts (self-made, renewed, or forged)",
            "if it is yours, name its root with --ca FILE",
        ),
        // The verifier has no name of its own for it here.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => Fault::new(
            "its certificate is that of an authority, not of a server, as `openssl req -x509` makes them",
            "make one with -addext basicConstraints=critical,CA:FALSE, and name it with --ca FILE",
        ),
        other => Fault::without_advice(format!("its certificate is refused: {other}")),
    }
}

/// Takes every certificate. Signatures are still checked, so that the peer holds the key of what it shows.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyCertificate {
    fn new() -> Self {
        Self {
            algorithms: ring::default_provider().signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
