//! `examples/` runs against the real hub. The Python page and program were written from `docs/protocol.md` alone.

mod binary;

use std::path::Path;
use std::process::Stdio;

use pagewire_testkit::{TestHub, soon};
use tokio::process::Command;

fn script(python: &Path, name: &str, arguments: &[&str]) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/python")
        .join(name);
    let mut command = Command::new(python);
    // No cache files beside the sources.
    command
        .arg("-B")
        .arg(file)
        .args(arguments)
        .kill_on_drop(true);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn a_python_page_and_program_written_from_the_protocol_alone_work() {
    let Some(python) = binary::python().await else {
        return;
    };
    let hub = TestHub::start().await;
    let mut page = script(
        &python,
        "page.py",
        &["--hub", &hub.ws_url(), "--group", "py"],
    )
    .spawn()
    .expect("started");
    let mut lines = binary::lines(page.stdout.take().expect("piped"));
    let line = soon("the page", lines.next_line())
        .await
        .expect("read")
        .expect("a line");
    assert!(line.starts_with("attached page="), "{line}");
    let program = script(
        &python,
        "program.py",
        &["--hub", &hub.http_url(), "--group", "py"],
    )
    .output();
    let output = soon("the program's end", program).await.expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.lines().filter(|line| line.starts_with("ok ")).count() >= 20,
        "{text}"
    );
    page.kill().await.expect("ended");
}
