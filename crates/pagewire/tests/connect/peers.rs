//! Servers to connect to: Python `websockets` and npm `ws`. All end with the test that started them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use pagewire_testkit::{need, program, soon};
use tokio::io::{BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

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
