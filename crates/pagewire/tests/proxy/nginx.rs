//! A real nginx with the files of `examples/nginx`, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pagewire_testkit::{Http, program, until};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// Whom nginx takes those for who come through [`Nginx::outside`].
pub(crate) const REMOTE_CLIENT: &str = "203.0.113.7";

/// An nginx, or a skip.
pub(crate) fn nginx() -> Option<PathBuf> {
    // Where Debian has it, which is not on everybody's search path.
    let debian = PathBuf::from("/usr/sbin/nginx");
    if debian.is_file() {
        return Some(debian);
    }
    program("PAGEWIRE_TEST_NGINX", "nginx")
}

/// A port that nobody else is given for a while. A connection that this side closed keeps it from being handed out again, and does not
/// stop a listener, since listeners set `SO_REUSEADDR`.
pub(crate) async fn reserve_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    drop(accepted.expect("connected"));
    drop(client.expect("connected"));
    address.port()
}

/// What nginx speaks with browsers.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain,
    /// With a certificate made by this `openssl`.
    Tls(PathBuf),
}

impl Transport {
    /// The lines of `docs/reverse-proxy.md`.
    fn listen(&self, port: u16, folder: &Path) -> String {
        let Self::Tls(openssl) = self else {
            return format!("listen 127.0.0.1:{port};");
        };
        let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=shop.example -keyout key.pem -out cert.pem";
        let made = std::process::Command::new(openssl)
            .args(request.split(' '))
            .current_dir(folder)
            .output()
            .expect("openssl runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        format!(
            "listen 127.0.0.1:{port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;"
        )
    }
}

/// A running nginx. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Child,
    folder: TempDir,
    port: u16,
    outside_port: u16,
}

impl Nginx {
    /// One of the examples, with this machine's ports and folders in place of the usual ones.
    pub(crate) async fn start(program: &Path, example: &str, hub_port: u16) -> Self {
        Self::start_with(program, example, hub_port, Transport::Plain).await
    }

    pub(crate) async fn start_with(
        program: &Path,
        example: &str,
        hub_port: u16,
        transport: Transport,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, outside_port) = (reserve_port().await, reserve_port().await);
        let (path, site) = (folder.path(), folder.path().join("site"));
        fs::create_dir(&site).expect("a folder");
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nginx");
        let mut text = fs::read_to_string(examples.join(example)).expect(example);
        replace(&mut text, "listen 80;", &transport.listen(port, path));
        replace(
            &mut text,
            "server 127.0.0.1:9999;",
            &format!("server 127.0.0.1:{hub_port};"),
        );
        if text.contains("root ") {
            replace(
                &mut text,
                "root /var/www/shop;",
                &format!("root {};", site.display()),
            );
        }
        fs::write(path.join("example.conf"), text).expect("written");
        fs::write(path.join("nginx.conf"), around(path, port, outside_port)).expect("written");
        let process = Command::new(program)
            .arg("-p")
            .arg(path)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx starts");
        let mut nginx = Self {
            process,
            folder,
            port,
            outside_port,
        };
        nginx.is_listening().await;
        nginx
    }

    async fn is_listening(&mut self) {
        until("nginx", async || {
            let ended = self.process.try_wait().expect("its state");
            let log = || fs::read_to_string(self.folder.path().join("error.log"));
            assert!(ended.is_none(), "nginx ended: {:?}", log());
            TcpStream::connect(("127.0.0.1", self.port)).await.ok()
        })
        .await;
    }

    /// The port that the example listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A program that asks for `name`, from another machine.
    pub(crate) fn outside(&self, name: &str) -> Http {
        let host = format!("{name}:{}", self.port);
        Http::new(format!("http://127.0.0.1:{}", self.outside_port)).with("host", &host)
    }

    /// A program that asks for `name`, on this machine.
    pub(crate) fn inside(&self, name: &str) -> Http {
        let host = format!("{name}:{}", self.port);
        Http::new(format!("http://127.0.0.1:{}", self.port)).with("host", &host)
    }

    /// Puts a file where the example's own site is.
    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("site").join(name), text).expect("written");
    }
}

/// An example that has changed must not be tested as something else.
fn replace(text: &mut String, usual: &str, ours: &str) {
    assert_eq!(text.matches(usual).count(), 1, "{usual} in {text}");
    *text = text.replace(usual, ours);
}

/// What surrounds an example. A second port plays the way from another machine: nginx believes it about its client, as it would a load balancer.
fn around(folder: &Path, port: u16, outside_port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ worker_connections 128; }}
http {{
    access_log off;
    types {{ text/html html; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Test-Client;
    include example.conf;
    server {{
        listen 127.0.0.1:{outside_port};
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Test-Client {REMOTE_CLIENT};
            proxy_buffering off;
            client_max_body_size 0;
        }}
    }}
}}
"
    )
}
