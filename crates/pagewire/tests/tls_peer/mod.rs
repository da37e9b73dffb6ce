//! A server with TLS for the tests of every command that speaks it. It ends with the test that started it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// Which certificate the server shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown {
    /// Its own.
    Server,
    /// The authority's, as `openssl req -x509` makes them for servers by default.
    Authority,
}

/// A server whose certificate was made just now, for `localhost`, by an authority that only this test knows.
#[derive(Debug)]
pub(crate) struct TlsPeer {
    task: JoinHandle<()>,
    pub(crate) port: u16,
    /// The authority's certificate.
    pub(crate) ca: tempfile::NamedTempFile,
}

impl Drop for TlsPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsPeer {
    /// Sends each message back.
    pub(crate) async fn echo() -> Self {
        Self::start_as(Shown::Server, |stream| async move {
            let mut socket = tokio_tungstenite::accept_async(stream).await?;
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() {
                    socket.send(message).await?;
                }
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        })
        .await
    }

    /// Hands everything on to a server without TLS.
    pub(crate) async fn in_front_of(address: &str) -> Self {
        Self::in_front_of_as(Shown::Server, address).await
    }

    /// The same with this certificate.
    pub(crate) async fn in_front_of_as(shown: Shown, address: &str) -> Self {
        let address = address.to_owned();
        Self::start_as(shown, move |mut stream| {
            let address = address.clone();
            async move {
                let mut inner = TcpStream::connect(address).await?;
                copy_bidirectional(&mut stream, &mut inner).await?;
                Ok(())
            }
        })
        .await
    }

    async fn start_as<F, R>(shown: Shown, serve: F) -> Self
    where
        F: Fn(tokio_rustls::server::TlsStream<TcpStream>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let (config, ca) = certificates(shown);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let serve = Arc::new(serve);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, serve) = (acceptor.clone(), Arc::clone(&serve));
                tokio::spawn(async move {
                    // A client that refuses the certificate is what some tests want.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = serve(stream).await;
                    }
                });
            }
        });
        Self { task, port, ca }
    }

    pub(crate) fn ca(&self) -> &str {
        self.ca.path().to_str().expect("UTF-8")
    }
}

fn certificates(shown: Shown) -> (ServerConfig, tempfile::NamedTempFile) {
    let mut authority = CertificateParams::new([]).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.subject_alt_names = vec![localhost()];
    let authority_key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let mut certificate = CertificateParams::new([]).expect("no names");
    certificate.subject_alt_names = vec![localhost()];
    let certificate = certificate.signed_by(&key, &authority).expect("signed");
    let ca = tempfile::NamedTempFile::new().expect("a file");
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(authority.der())
    );
    std::fs::write(ca.path(), pem).expect("written");
    let (certificate, key) = match shown {
        Shown::Server => (certificate.der().clone(), key.serialize_der()),
        Shown::Authority => (authority.der().clone(), authority.key().serialize_der()),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring serves all versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key).into())
        .expect("a pair");
    (config, ca)
}

fn localhost() -> SanType {
    SanType::DnsName("localhost".try_into().expect("a name"))
}
