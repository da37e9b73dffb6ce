//! Servers to connect to: Python `websockets`, npm `ws`, and our own with TLS. All end with the test that started them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_testkit::{need, program, soon};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{BufReader, Lines, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::binary;

/// A server in another language.
#[derive(Debug)]
pub(crate) struct Peer {
    _child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    port: String,
}

impl Peer {
    /// `server.py`, or a skip.
    pub(crate) async fn python() -> Option<Self> {
        let mut command = Command::new(binary::python().await?);
        command.arg("-B").arg(file("server.py"));
        Some(Self::start(command).await)
    }

    /// `server.cjs`, or a skip.
    pub(crate) async fn node() -> Option<Self> {
        let modules = std::env::var_os("PAGEWIRE_TEST_NODE_MODULES");
        let modules = need(
            "the npm package ws (PAGEWIRE_TEST_NODE_MODULES; ./check sets it)",
            modules,
        )?;
        let mut command = Command::new(program("PAGEWIRE_TEST_NODE", "node")?);
        command.arg(file("server.cjs")).env("NODE_PATH", modules);
        Some(Self::start(command).await)
    }

    async fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("started");
        let mut stdout = binary::lines(child.stdout.take().expect("piped"));
        let port = soon("the port", stdout.next_line()).await;
        Self {
            _child: child,
            stdout,
            port: port.expect("read").expect("a line"),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}{path}", self.port)
    }

    /// What the server says next.
    pub(crate) async fn line(&mut self) -> String {
        let line = soon("a line of the server", self.stdout.next_line()).await;
        line.expect("read").expect("a line")
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/connect")
        .join(name)
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
        Self::start(|stream| async move {
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
        let address = address.to_owned();
        Self::start(move |mut stream| {
            let address = address.clone();
            async move {
                let mut inner = TcpStream::connect(address).await?;
                copy_bidirectional(&mut stream, &mut inner).await?;
                Ok(())
            }
        })
        .await
    }

    async fn start<F, R>(serve: F) -> Self
    where
        F: Fn(tokio_rustls::server::TlsStream<TcpStream>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let (config, ca) = certificates();
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

fn certificates() -> (ServerConfig, tempfile::NamedTempFile) {
    let mut authority = CertificateParams::new([]).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &authority)
        .expect("signed");
    let ca = tempfile::NamedTempFile::new().expect("a file");
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(authority.der())
    );
    std::fs::write(ca.path(), pem).expect("written");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring serves all versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a pair");
    (config, ca)
}
