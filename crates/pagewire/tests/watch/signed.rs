//! Connections of our own, signed by everything that can sign.

use std::path::PathBuf;

use axum::Router;
use axum::routing::post;
use pagewire_live::Site;
use pagewire_sim::Sim;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::binary::Finished;
use crate::reader::{quick, sim};
use crate::watching;
use crate::watching::check;

/// A broadcast over several connections, so that several signatures are needed.
async fn scene() -> (Sim, TempDir) {
    let sim = sim(quick(Site::Douyin, &["drop=200"])).await;
    (sim, tempfile::tempdir().expect("a folder"))
}

async fn signed(sim: &Sim, signers: &[&str]) -> Finished {
    let room = sim.room_url("r").expect("a room");
    let mut arguments = vec![&*room, "--json"];
    for signer in signers {
        arguments.extend(["--signer", signer]);
    }
    watching::watch(&arguments).await
}

/// A file that knows the simulator's rule, which is no site's.
fn file(folder: &TempDir, name: &str, source: &str, sim: &Sim) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, source.replace("SECRET", sim.secret())).expect("written");
    path
}

/// The script that signs for this simulator.
pub(crate) fn script(sim: &Sim) -> String {
    SCRIPT.replace("SECRET", sim.secret())
}

const SCRIPT: &str = r#"
function sign(request) {
  let hash = 0xcbf29ce484222325n;
  for (const character of `SECRET.${request.md5}`) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n);
  }
  return "PW" + hash.toString(16).padStart(16, "0");
}
function forever() { for (;;); }
function greedy() { const all = []; for (;;) all.push(new Uint8Array(1 << 20)); }
"#;

const PROGRAM: &str = r#"
import json, sys
request = json.load(sys.stdin)
value = 0xCBF29CE484222325
for byte in f"SECRET.{request['md5']}".encode():
    value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
print(json.dumps({"signature": f"PW{value:016x}"}))
"#;

#[tokio::test]
async fn a_script_signs_and_those_before_it_that_loop_or_eat_memory_are_stopped_and_named() {
    let (sim, folder) = scene().await;
    let script = file(&folder, "sign.js", SCRIPT, &sim);
    let signers = ["forever", "greedy", "sign"];
    let signers = signers.map(|function| format!("script:{}#{function}", script.display()));
    let watched = signed(&sim, &signers.each_ref().map(String::as_str)).await;
    check(&watched, &sim, "r");
    assert!(
        watched.stderr.contains("signed by script:"),
        "{}",
        watched.stderr
    );
    for words in ["#forever", "#greedy", "ran longer", "memory"] {
        assert!(
            watched.stderr.contains(words),
            "{words}: {}",
            watched.stderr
        );
    }
}

#[tokio::test]
async fn a_program_signs() {
    let Some(python) = pagewire_testkit::program("PAGEWIRE_TEST_PYTHON", "python3") else {
        return;
    };
    let (sim, folder) = scene().await;
    let program = file(&folder, "sign.py", PROGRAM, &sim);
    let signer = serde_json::json!([python, program]);
    let watched = signed(&sim, &[&format!("command:{signer}")]).await;
    check(&watched, &sim, "r");
}

#[tokio::test]
async fn a_server_signs() {
    let (sim, _folder) = scene().await;
    let (_opened, gate) = watch::channel(true);
    let server = SigningServer::start(&sim, gate).await;
    let watched = signed(&sim, &[&server.url]).await;
    check(&watched, &sim, "r");
}

/// A signer that is asked over HTTP. It signs while its gate is open, and waits until then.
pub(crate) struct SigningServer {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl SigningServer {
    pub(crate) async fn start(sim: &Sim, gate: watch::Receiver<bool>) -> Self {
        let secret = sim.secret().to_owned();
        let sign = move |axum::Json(request): axum::Json<Value>| {
            let (secret, mut gate) = (secret.clone(), gate.clone());
            async move {
                gate.wait_for(|open| *open).await.expect("the test runs");
                pagewire_sim::sign(&secret, request["md5"].as_str().expect("an MD5"))
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/sign", post(sign));
        let task = tokio::spawn(async { axum::serve(listener, router).await.expect("served") });
        Self {
            url: format!("http://{address}/sign"),
            task,
        }
    }
}

impl Drop for SigningServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
