//! The benchmark runs from end to end, and fails when an answer is wrong.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use pagewire_testkit::need;
use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pagewire-bench"));
    command.args(arguments).output().expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The hub that stands beside the benchmark, so that a test builds nothing that is there.
fn hub_beside() -> Option<String> {
    let folder = Path::new(env!("CARGO_BIN_EXE_pagewire-bench")).parent();
    let hub = folder.expect("a binary is in a folder").join("pagewire");
    hub.is_file().then(|| hub.to_string_lossy().into_owned())
}

/// `/proc` gives the CPU time; where it does not, the benchmark says so and ends.
fn proc_is_there() -> bool {
    let schedstat = Path::new("/proc/self/schedstat");
    need("/proc/self/schedstat", schedstat.is_file().then_some(())).is_some()
}

#[test]
fn everything_is_measured_once() {
    if !proc_is_there() {
        return;
    }
    let mut arguments = vec!["--quick", "--rounds", "1", "--seconds", "0.05", "--json"];
    let hub = hub_beside();
    if let Some(hub) = &hub {
        arguments.extend(["--hub", hub]);
    }
    let output = bench(&arguments);
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    let rows = report["measured"].as_array().expect("rows");
    let count = |name: &str| {
        let names = rows.iter().filter_map(|row| row["name"].as_str());
        names.filter(|row| row.starts_with(name)).count()
    };
    assert_eq!(count("bare HTTP echo"), 6);
    assert_eq!(count("bare WebSocket echo"), 2);
    assert_eq!(count("hub, "), 36);
    assert_eq!(count("publishing"), 2);
    let left_out = report["left_out"].as_array().expect("a list");
    if need("aiohttp", left_out.is_empty().then_some(())).is_some() {
        assert_eq!(count("hub in Python"), 12);
    }
    for row in rows {
        for figure in ["cpu_us", "per_second"] {
            assert!(row[figure].as_f64().is_some_and(|it| it > 0.0), "{row}");
        }
    }
    let bars = report["bars"].as_array().expect("bars");
    // Four of them need a Chromium.
    let expected = if pagewire_testkit::chromium().is_some() {
        17
    } else {
        13
    };
    assert_eq!(bars.len(), expected, "each bar is measured: {bars:?}");
}

#[test]
fn decoding_is_measured_once() {
    if !proc_is_there() {
        return;
    }
    let output = bench(&[
        "decoding",
        "--frames",
        "4",
        "--rounds",
        "1",
        "--seconds",
        "0.01",
        "--json",
    ]);
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = report["measured"].as_array().expect("rows");
    for row in rows {
        assert!(row["cpu_us"].as_f64().is_some_and(|it| it > 0.0), "{row}");
    }
    let bars = report["bars"].as_array().expect("bars");
    let has_python = report["left_out"].is_null().then_some(());
    let (expected_rows, expected_bars) = match need("Python's protobuf and betterproto", has_python)
    {
        Some(()) => (10, 9),
        None => (7, 5),
    };
    assert_eq!(
        (rows.len(), bars.len()),
        (expected_rows, expected_bars),
        "{report}"
    );
}

#[test]
fn a_wrong_answer_fails_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().expect("a caller");
        let _ = caller.read(&mut [0; 1024]).expect("a call");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\"another\"";
        caller.write_all(answer).expect("it listens");
    });
    let mut arguments = vec!["load", "--to", &address, "--callers", "1", "--bytes", "32"];
    arguments.extend(["--seconds", "1", "--answer", "argument"]);
    let output = bench(&arguments);
    assert!(!output.status.success());
    let said = said(&output);
    assert!(said.contains(r#"was "another""#), "{said}");
    server.join().expect("it ended");
}

#[test]
fn a_name_that_nothing_has_is_refused() {
    let output = bench(&["--only", "hub, 65 pages"]);
    assert!(!output.status.success());
    let said = said(&output);
    assert!(said.contains("is part of no name"), "{said}");
}
