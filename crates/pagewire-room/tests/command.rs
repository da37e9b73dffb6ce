//! Programs that sign, as real processes.
#![cfg(unix)]

mod scene;

use std::time::{Duration, Instant};

use pagewire_live::SIGN_ANSWER_BYTES_MAX;
use pagewire_room::signers::{Opening, SignError, SignerAddress, Signers};
use pagewire_testkit::{program, until};
use scene::{documented, failure, options, request, sign, signature};

/// `sh -c SCRIPT`.
fn shell(script: &str, timeout: Duration) -> Signers {
    let command = SignerAddress::Command {
        program: "/bin/sh".to_owned(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
    };
    let mut options = options();
    options.command_timeout = timeout;
    Signers::new(vec![command], &options).expect("signers")
}

fn patient(script: &str) -> Signers {
    shell(script, Duration::from_secs(60))
}

#[tokio::test]
async fn a_program_reads_the_request_and_writes_its_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let heard = folder.path().join("heard");
    let tee = patient(&format!("cat > {}; echo bare", heard.display()));
    assert_eq!(signature(&tee).await, "bare");
    let heard = std::fs::read_to_string(heard).expect("what it was given");
    assert_eq!(heard, request().json() + "\n");
    let whole =
        patient(r#"echo '{"url": "ws://h/x", "headers": {"Origin": "https://o.example"}}'"#);
    assert!(matches!(sign(&whole).await, Ok(Opening::Address { .. })));
}

#[tokio::test]
async fn the_program_of_the_documents_signs() {
    let Some(python) = program("PAGEWIRE_TEST_PYTHON", "python3") else {
        return;
    };
    let (_folder, path) = scene::file("sign it.py", &documented("# sign.py"));
    let words = [python.display().to_string(), path.display().to_string()];
    let text = format!("command:{}", serde_json::to_string(&words).expect("JSON"));
    assert_eq!(
        signature(&scene::signers(&[&text], &options())).await,
        "68b329da"
    );
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_may_sign_all_the_same() {
    assert_eq!(signature(&patient("exec <&-; echo '\"s\"'")).await, "s");
}

#[tokio::test]
async fn a_program_that_fails_is_told_with_its_code_and_its_words() {
    let cases = [
        (
            "echo no key in the file >&2; exit 3",
            "/bin/sh ended with exit code 3; it wrote:\n    no key in the file",
        ),
        ("kill -TERM $$", "/bin/sh was ended by signal 15 (SIGTERM)"),
        ("true", "is empty"),
        ("echo signing...; echo '\"s\"'", "no signature has"),
        ("echo null", "is null"),
        // Somebody else holds its standard error open.
        ("sleep 600 >&- <&- & echo left >&2; exit 1", "left"),
    ];
    for (script, words) in cases {
        let error = failure(&patient(script)).await.to_string();
        assert!(error.contains(words), "{script}: {error}");
    }
    let missing = "command:/no/such/program".parse().expect("an address");
    let signers = Signers::new(vec![missing], &options()).expect("signers");
    let error = failure(&signers).await.to_string();
    assert!(
        error.starts_with("cannot start /no/such/program: "),
        "{error}"
    );
}

#[tokio::test]
async fn of_what_a_program_wrote_the_end_is_shown() {
    let error = failure(&patient(
        "yes 0123456789 | head -n 10000 >&2; echo the end >&2; exit 1",
    ))
    .await;
    let SignError::CommandFailed { stderr, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(stderr.len(), pagewire_room::signers::STDERR_BYTES_MAX);
    assert!(stderr.ends_with("the end\n"));
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit_and_not_longer() {
    let of_length = |length: usize| {
        patient(&format!(
            "printf '\"s\"'; yes ' ' | tr -d '\\n' | head -c {}",
            length - 3
        ))
    };
    assert_eq!(signature(&of_length(SIGN_ANSWER_BYTES_MAX)).await, "s");
    let limit = SIGN_ANSWER_BYTES_MAX;
    assert_eq!(
        failure(&of_length(limit + 1)).await,
        SignError::TooLong { limit }
    );
    // Without an end it is stopped there.
    assert_eq!(failure(&patient("yes")).await, SignError::TooLong { limit });
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = folder.path().join("child");
    let script = format!(
        "sleep 600 & echo $! > {}; echo waiting >&2; wait",
        child.display()
    );
    let signers = shell(&script, Duration::from_millis(500));
    let began = Instant::now();
    let error = failure(&signers).await.to_string();
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(
        error.contains("did not end within 500 ms and was stopped"),
        "{error}"
    );
    if let Ok(pid) = std::fs::read_to_string(&child) {
        is_gone(pid.trim()).await;
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_kills_the_program_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = folder.path().join("child");
    let signers = patient(&format!("sleep 600 & echo $! > {}; wait", child.display()));
    let request = request();
    let started = until("the child", async || {
        let text = std::fs::read_to_string(&child).ok()?;
        text.strip_suffix('\n').map(str::to_owned)
    });
    let pid = tokio::select! {
        _ = signers.sign(&request, Instant::now()) => panic!("it does not end"),
        pid = started => pid,
    };
    is_gone(&pid).await;
}

async fn is_gone(pid: &str) {
    let folder = format!("/proc/{pid}");
    until("the end of the child", async || {
        let state = std::fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
        // Its parent is dead too, and whoever adopted it may take a while to bury it.
        (state.is_empty() || state.contains(") Z ")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_program_gets_our_environment() {
    let path = std::env::var("PATH").expect("there is a PATH");
    let length = signature(&patient("echo \"\\\"${#PATH}\\\"\"")).await;
    assert_eq!(length, path.len().to_string());
}
