//! Clients of the usual libraries, in Python and in Node.js.

use std::path::PathBuf;
use std::process::Stdio;

use pagewire_testkit::{need, program, soon};
use tokio::process::Command;

use crate::{GREETING, Hub, binary, example};

const HEARS_AND_SENDS_PY: &str = r#"
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as socket:
        print(await socket.recv(), flush=True)
        await socket.send('{"n":12345678901234567890,"from":"python"}')
        print(await socket.recv(), flush=True)
asyncio.run(main())
"#;

const HEARS_AND_SENDS_JS: &str = r#"
const { WebSocket } = require("ws");
const socket = new WebSocket(process.argv[1]);
let heard = 0;
socket.on("message", (data) => {
  console.log(data.toString());
  heard += 1;
  if (heard === 1) socket.send('{"n":12345678901234567890,"from":"node"}');
  else socket.close();
});
"#;

/// Python with `websockets`, or a skip. No cache files beside the sources.
async fn python() -> Option<Command> {
    let mut command = Command::new(binary::python().await?);
    command.arg("-B");
    Some(quiet(command))
}

/// Node.js with `ws`, or a skip.
fn node() -> Option<Command> {
    let modules = std::env::var_os("PAGEWIRE_TEST_NODE_MODULES").map(PathBuf::from);
    let modules = need(
        "the npm package ws (PAGEWIRE_TEST_NODE_MODULES; ./check sets it)",
        modules,
    )?;
    let mut command = Command::new(program("PAGEWIRE_TEST_NODE", "node")?);
    command.env("NODE_PATH", modules);
    Some(quiet(command))
}

fn quiet(mut command: Command) -> Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn printed(mut client: Command, hub: &Hub) -> String {
    let output = soon("the client's end", client.arg(hub.ws_url()).output()).await;
    let output = output.expect("started");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test]
async fn an_echo_gives_a_python_client_back_what_it_sent() {
    let Some(mut client) = python().await else {
        return;
    };
    let hub = Hub::start(&["--echo"]).await;
    client.arg(example("client.py"));
    assert_eq!(
        printed(client, &hub).await,
        "hello\n{\"n\": 12345678901234567890}\n再见\n0001ff\n"
    );
}

#[tokio::test]
async fn an_echo_gives_a_node_client_back_what_it_sent() {
    let Some(mut client) = node() else { return };
    let hub = Hub::start(&["--echo"]).await;
    client.arg(example("client.mjs"));
    assert_eq!(
        printed(client, &hub).await,
        "hello\n{\"n\": 12345678901234567890}\n再见\n"
    );
}

/// The client prints the greeting, sends a value, prints one more message and ends.
async fn check_dialogue(mut client: Command, name: &str) {
    let hub = Hub::start(&["--plain-page", "https://shop.example"]).await;
    let mut client = client.arg(hub.ws_url()).spawn().expect("started");
    let mut lines = binary::lines(client.stdout.take().expect("piped"));
    let mut line = async || {
        let line = soon("a line", lines.next_line()).await.expect("read");
        line.expect("a line")
    };
    assert_eq!(line().await, GREETING);
    let value = format!(r#""value":{{"n":12345678901234567890,"from":"{name}"}}"#);
    hub.topic_with("plain/local", &value).await;
    let sent = hub.run(&["send", "plain-local", "再见 \"you\""]).await;
    assert_eq!((sent.code, sent.stdout.as_str()), (0, ""), "{sent:?}");
    assert_eq!(line().await, "再见 \"you\"");
    let status = soon("the client's end", client.wait())
        .await
        .expect("ended");
    assert!(status.success());
}

#[tokio::test]
async fn a_python_client_is_greeted_heard_and_spoken_to() {
    let Some(mut client) = python().await else {
        return;
    };
    client.args(["-c", HEARS_AND_SENDS_PY]);
    check_dialogue(client, "python").await;
}

#[tokio::test]
async fn a_node_client_is_greeted_heard_and_spoken_to() {
    let Some(mut client) = node() else { return };
    client.args(["-e", HEARS_AND_SENDS_JS, "--"]);
    check_dialogue(client, "node").await;
}
