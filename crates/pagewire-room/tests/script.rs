//! Scripts that sign, in real child processes.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test helper fails the test by panicking"
)]

mod scene;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pagewire_live::SIGN_ANSWER_BYTES_MAX;
use pagewire_room::signers::script::{SCRIPT_BYTES_MAX, ScriptFault, ScriptPlace};
use pagewire_room::signers::{Opening, SignError, SignerOptions, Signers};
#[cfg(target_os = "linux")]
use pagewire_testkit::until;
use scene::{documented, failure, file, options, request, sign, signature, signers};
use tempfile::TempDir;

/// A script that is stopped after this was not stopped: machines are slow, and some of it is starting the process.
const PATIENCE: Duration = Duration::from_secs(20);

struct Script {
    _folder: TempDir,
    path: PathBuf,
    signers: Signers,
}

fn script(source: &str) -> Script {
    script_with(source, "sign", |_| {})
}

/// Short times for what never ends.
fn impatient(source: &str) -> Script {
    script_with(source, "sign", |options| {
        options.script.timeout = Duration::from_millis(300);
    })
}

fn script_with(source: &str, function: &str, adjust: impl FnOnce(&mut SignerOptions)) -> Script {
    let (folder, path) = file("made-up.js", source);
    let mut options = options();
    options.script.program = Some(env!("CARGO_BIN_EXE_pagewire-script-child").into());
    adjust(&mut options);
    let signers = signers(&[&address(&path, function)], &options);
    Script {
        _folder: folder,
        path,
        signers,
    }
}

fn address(path: &Path, function: &str) -> String {
    format!("script:{}#{function}", path.display())
}

async fn fault(script: &Script) -> ScriptFault {
    let error = failure(&script.signers).await;
    let SignError::Script { fault, .. } = error else {
        panic!("no fault of the script but {error}");
    };
    fault
}

fn at(line: u32, function: &str) -> Option<ScriptPlace> {
    Some(ScriptPlace {
        function: Some(function.to_owned()),
        line: Some(line),
    })
}

#[tokio::test]
async fn a_script_gets_the_request_and_its_answer_counts() {
    let cases = [
        (
            "function sign(r) { return r.site + r.room_id + r.md5.length }",
            "sign",
            "made-up732",
        ),
        (
            "const sign = r => ({signature: Object.keys(r.parameters).join()})",
            "sign",
            "z,app_name,room_id",
        ),
        (
            "async function sign(r) { await null; return r.signed }",
            "sign",
            "live_id=1,room_id=7",
        ),
        (
            "const own = {api: {seed: 's+/=', sign() { return Promise.resolve({signature: this.seed}) }}}",
            "own.api.sign",
            "s+/=",
        ),
        (
            "class Own { static sign(r) { return `${typeof r}` } }",
            "Own.sign",
            "object",
        ),
    ];
    for (source, function, expected) in cases {
        let script = script_with(source, function, |_| {});
        assert_eq!(signature(&script.signers).await, expected, "{source}");
    }
    let whole = script(
        "function sign(r) { return {url: `wss://h/?room=${r.room_id}`, headers: {Cookie: 'a=b'}} }",
    );
    let Ok(Opening::Address { address, headers }) = sign(&whole.signers).await else {
        panic!("no address");
    };
    let address = address.http().to_string();
    assert_eq!((address.as_str(), headers.len()), ("https://h/?room=7", 1));
}

#[tokio::test]
async fn the_script_of_the_documents_signs() {
    let script = script(&documented("// sign.js"));
    assert_eq!(signature(&script.signers).await, "68b329da7");
}

#[tokio::test]
async fn a_script_keeps_what_it_knows_between_calls_until_something_goes_wrong() {
    let script = script(
        "let n = 0; function sign() { if (++n === 3) throw new Error('three'); return `${n}` }",
    );
    assert_eq!(signature(&script.signers).await, "1");
    assert_eq!(signature(&script.signers).await, "2");
    assert!(failure(&script.signers).await.to_string().contains("three"));
    let until = script.signers.states()[0]
        .rest
        .clone()
        .expect("it rests")
        .until;
    let signed = script
        .signers
        .sign(&request(), until)
        .await
        .expect("a fresh process");
    assert!(matches!(signed.opening, Opening::Signature(signature) if signature.0 == "1"));
}

#[tokio::test]
async fn what_loops_for_ever_is_stopped_and_named_wherever_it_loops() {
    let cases = [
        ("function sign() {\n  while (true) {}\n}", "in sign"),
        (
            "function sign() {\n  try { for (;;); } finally { for (;;); }\n}",
            "in sign",
        ),
        (
            "function sign() {\n  return /^(a+)+$/.test('a'.repeat(40) + 'b')\n}",
            "",
        ),
        (
            "function sign() { return {get signature() { for (;;); }} }",
            "",
        ),
        ("function sign() { return {toJSON() { for (;;); }} }", ""),
        ("function sign() { throw {toString() { for (;;); }} }", ""),
        ("async function sign() { await null; for (;;); }", ""),
        ("async function sign() { for (;;) await null; }", ""),
        (
            "function sign() { const again = () => Promise.resolve().then(again); return again() }",
            "",
        ),
        (
            "const again = () => Promise.resolve().then(again); again(); function sign() {}",
            "",
        ),
        ("for (;;); function sign() {}", ""),
    ];
    for (source, words) in cases {
        let script = impatient(source);
        let began = Instant::now();
        let fault = fault(&script).await;
        assert!(
            began.elapsed() < PATIENCE,
            "{source}: {:?}",
            began.elapsed()
        );
        // An error that cannot be put into words is no less an error, and the script is stopped.
        if source.contains("throw {") && matches!(fault, ScriptFault::Threw { .. }) {
            continue;
        }
        let ScriptFault::Slow { after_ms: 300, at } = fault else {
            panic!("{source}: {fault}");
        };
        let place = at.map_or_else(String::new, |at| at.to_string());
        assert!(place.contains(words), "{source}: {place}");
    }
}

#[tokio::test]
async fn a_native_loop_that_nothing_interrupts_is_killed_from_outside() {
    // A search that takes minutes, without any step of the script. (Large numbers end by themselves where they become too large.)
    let script = impatient(
        "function sign() { return `${'a'.repeat(1 << 24).indexOf('a'.repeat(1 << 20) + 'b')}` }",
    );
    let began = Instant::now();
    let fault = fault(&script).await;
    assert_eq!(
        fault,
        ScriptFault::Slow {
            after_ms: 300,
            at: None
        }
    );
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_eats_memory_is_stopped_and_the_next_call_has_a_fresh_process() {
    let cases = [
        "const a = []; while (true) a.push({})",
        "let s = 'x'; while (true) { s += s; s.at(-1) }",
        "return 'x'.repeat(1 << 29)",
        "return `${new Uint8Array(1 << 30).length}`",
        "const a = []; while (true) { try { a.push(new Array(1e6).fill(7)) } catch { a.push(1) } }",
    ];
    for eats in cases {
        let source = format!("let hungry = true; function sign() {{ {eats} }}");
        let script = script_with(&source, "sign", |options| {
            options.script.timeout = Duration::from_secs(5);
        });
        let fault = fault(&script).await;
        let limit_bytes = 64 << 20;
        let is_memory =
            matches!(fault, ScriptFault::Memory { limit_bytes: limit, .. } if limit == limit_bytes);
        // One catches the error and goes on.
        let goes_on = eats.contains("catch") && matches!(fault, ScriptFault::Slow { .. });
        assert!(is_memory || goes_on, "{eats}: {fault}");
        std::fs::write(&script.path, "function sign() { return 'fine' }").expect("written");
        let until = script.signers.states()[0]
            .rest
            .clone()
            .expect("it rests")
            .until;
        assert!(
            script.signers.sign(&request(), until).await.is_ok(),
            "{eats}"
        );
    }
}

#[tokio::test]
async fn memory_is_had_up_to_the_limit_and_not_beyond_it() {
    let takes = |bytes: usize| {
        let source = format!("function sign() {{ return `${{new Uint8Array({bytes}).length}}` }}");
        script_with(&source, "sign", |options| {
            options.script.memory_bytes_max = 16 << 20
        })
    };
    // The engine itself has some 200 kB of it.
    assert_eq!(
        signature(&takes(15 << 20).signers).await,
        (15 << 20).to_string()
    );
    let fault = fault(&takes(16 << 20)).await;
    assert!(
        matches!(fault, ScriptFault::Memory { limit_bytes, .. } if limit_bytes == 16 << 20),
        "{fault}"
    );
}

#[tokio::test]
async fn what_a_script_throws_is_told_with_its_place() {
    let cases = [
        (
            "function sign(r) {\n  return r.nothing.x\n}",
            "cannot read property 'x' of undefined",
            at(2, "sign"),
        ),
        (
            "function inner() { throw new RangeError('no') }\nfunction sign() {\n  inner() }",
            "RangeError: no",
            at(1, "inner"),
        ),
        (
            "async function sign() {\n  await null\n  throw new Error('late')\n}",
            "Error: late",
            at(3, "sign"),
        ),
        (
            "function sign() { return sign() }",
            "call stack",
            at(1, "sign"),
        ),
        ("function sign() { throw 'a text' }", "a text", None),
        (
            "function sign() { const a = {}; a.a = a; return a }",
            "circular",
            None,
        ),
        (
            "function sign() { return new Function('return 1n')() }",
            "BigInt",
            None,
        ),
        ("var x = 1;\nfunction sign( {", "SyntaxError", None),
        ("window.sign = () => ''", "window is not defined", None),
        ("export function sign() {}", "SyntaxError", None),
    ];
    for (source, words, place) in cases {
        let fault = fault(&script(source)).await;
        let ScriptFault::Threw { message, at } = &fault else {
            panic!("{source}: {fault}");
        };
        assert!(message.contains(words), "{source}: {message}");
        assert!(place.is_none() || *at == place, "{source}: {at:?}");
    }
    for (length, mark) in [(300, ""), (301, "…")] {
        let source = format!("function sign() {{ throw 'x'.repeat({length}) }}");
        let ScriptFault::Threw { message, .. } = fault(&script(&source)).await else {
            panic!("it throws");
        };
        assert_eq!(message, format!("{}{mark}", "x".repeat(300)));
    }
    let fault = fault(&script("\n\nvar x = ;")).await;
    assert!(fault.to_string().contains("line 3"), "{fault}");
}

#[tokio::test]
async fn what_is_no_function_and_no_answer_is_told() {
    let cases = [
        ("const other = 1", "(found: nothing)"),
        ("const sign = 7", "(found: number)"),
        ("function sign() {}", "undefined (no return?)"),
        ("function sign() { return () => 1 }", "a function"),
        (
            "function sign() { return new Promise(() => {}) }",
            "never settled",
        ),
        ("function sign() { return 7 }", "is a number"),
        (
            "function sign() { return {sign: ''} }",
            "neither \"signature\" nor \"url\"",
        ),
    ];
    for (source, words) in cases {
        let error = failure(&script(source).signers).await;
        assert!(error.to_string().contains(words), "{source}: {error}");
        assert!(!error.zh().is_empty());
    }
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit_and_not_longer() {
    let source = |length: usize| {
        // {"signature":"s","pad":"…"} has 27 characters around the padding.
        format!(
            "function sign() {{ return {{signature: 's', pad: 'x'.repeat({})}} }}",
            length - 27 + 1
        )
    };
    assert_eq!(
        signature(&script(&source(SIGN_ANSWER_BYTES_MAX)).signers).await,
        "s"
    );
    let fault = fault(&script(&source(SIGN_ANSWER_BYTES_MAX + 1))).await;
    let limit = SIGN_ANSWER_BYTES_MAX;
    assert_eq!(
        fault,
        ScriptFault::TooLong {
            bytes: limit + 1,
            limit
        }
    );
}

#[tokio::test]
async fn a_file_may_be_as_long_as_the_limit_and_not_longer() {
    let length = usize::try_from(SCRIPT_BYTES_MAX).expect("small");
    let function = "function sign() { return 'long' }";
    let source = format!("{function}{}", " ".repeat(length - function.len()));
    let script = script(&source);
    assert_eq!(signature(&script.signers).await, "long");
    std::fs::write(&script.path, format!("{source} ")).expect("written");
    let error = failure(&script.signers).await.to_string();
    assert!(
        error.contains("8388609 bytes, more than 8388608"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_changed_is_read_again() {
    let script = script("function sign() { return 'one' }");
    assert_eq!(signature(&script.signers).await, "one");
    std::fs::write(&script.path, "function sign() { return 'another' }").expect("written");
    assert_eq!(signature(&script.signers).await, "another");
    std::fs::remove_file(&script.path).expect("removed");
    let error = failure(&script.signers).await.to_string();
    assert!(
        error.contains("cannot read") && error.contains("made-up.js"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_at_the_start() {
    let address = "script:/no/such/file.js#sign".parse().expect("an address");
    let unusable = Signers::new(vec![address], &options()).expect_err("no file");
    let words = "--signer script:/no/such/file.js#sign: cannot read /no/such/file.js: ";
    assert!(unusable.to_string().starts_with(words), "{unusable}");
}

#[tokio::test]
async fn a_script_has_no_way_outside() {
    let names = "require process Deno std os fetch XMLHttpRequest WebSocket setTimeout window document self print load scriptArgs navigator Worker";
    let source = format!(
        "function sign() {{ return '[' + '{names}'.split(' ').filter(name => name in globalThis).join() + ']' }}"
    );
    assert_eq!(signature(&script(&source).signers).await, "[]");
    for module in ["fs", "os", "std", "./made-up.js"] {
        let source = format!("async function sign() {{ await import('{module}'); return 'in' }}");
        let fault = fault(&script(&source)).await;
        assert!(
            matches!(fault, ScriptFault::Threw { .. }),
            "{module}: {fault}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_ends_or_talks_nonsense_is_told_with_what_it_wrote() {
    let cases = [
        (
            "echo lost my way >&2; exit 3",
            "ended with exit code 3; it wrote:\n    lost my way",
        ),
        ("kill -9 $$", "was ended by signal 9 (SIGKILL)"),
        (
            "echo hello; read line; exec sleep 600",
            "says what it should not",
        ),
        ("yes x | tr -d '\\n'", "says what it should not"),
    ];
    for (program, words) in cases {
        let (_folder, path) = file(
            "child",
            &format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{program}\n"),
        );
        executable(&path);
        let script = script_with("function sign() {}", "sign", |options| {
            options.script.program = Some(path);
        });
        let error = failure(&script.signers).await.to_string();
        assert!(error.contains(words), "{program}: {error}");
    }
    let script = script_with("function sign() {}", "sign", |options| {
        options.script.program = Some("/no/such/program".into());
    });
    let error = failure(&script.signers).await.to_string();
    assert!(error.contains("cannot be started"), "{error}");
}

/// A script whose process tells its number in a file of this folder.
#[cfg(target_os = "linux")]
fn with_pid(source: &str, folder: &TempDir) -> Script {
    let wrapper = folder.path().join("child");
    let pid = folder.path().join("pid");
    let program = env!("CARGO_BIN_EXE_pagewire-script-child");
    let text = format!(
        "#!/bin/sh\necho $$ > {}\nexec {program} \"$@\"\n",
        pid.display()
    );
    std::fs::write(&wrapper, text).expect("written");
    executable(&wrapper);
    script_with(source, "sign", |options| {
        options.script.program = Some(wrapper)
    })
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_of_a_script_has_limits_of_its_own_and_no_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = with_pid("function sign() { return 's' }", &folder);
    assert_eq!(signature(&script.signers).await, "s");
    let pid = std::fs::read_to_string(folder.path().join("pid")).expect("a number");
    let read =
        |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", pid.trim())).expect(name);
    let limits = read("limits");
    for (name, limit) in [
        ("Max address space", 192 << 20),
        ("Max open files", 3),
        ("Max processes", 0),
        ("Max core file size", 0),
    ] {
        let line = limits
            .lines()
            .find(|line| line.starts_with(name))
            .expect(name);
        let hard = line[name.len()..].split_whitespace().nth(1);
        assert_eq!(hard, Some(limit.to_string().as_str()), "{line}");
    }
    // The shell around it sets some of its own.
    let environ = read("environ");
    assert!(
        !environ.contains("CARGO") && !environ.contains("HOME="),
        "{environ}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_died_between_calls_is_replaced_and_it_ends_with_its_signer() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = with_pid("let n = 0; function sign() { return `${++n}` }", &folder);
    let pid = || {
        std::fs::read_to_string(folder.path().join("pid"))
            .expect("a number")
            .trim()
            .to_owned()
    };
    let is_gone = async |pid: &str| {
        until("its end", async || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            (state.is_empty() || state.contains(") Z ")).then_some(())
        })
        .await;
    };
    assert_eq!(signature(&script.signers).await, "1");
    assert_eq!(signature(&script.signers).await, "2");
    let first = pid();
    let killed = std::process::Command::new("kill")
        .args(["-9", &first])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    is_gone(&first).await;
    assert_eq!(signature(&script.signers).await, "1");
    let second = pid();
    assert_ne!(first, second);
    drop(script);
    is_gone(&second).await;
}

#[cfg(unix)]
fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[tokio::test]
async fn what_a_script_logs_goes_to_our_log_within_limits() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let script = script(
        "function sign() { console.log('one', 2, {three: [4]}); console.warn('w'.repeat(2000)); for (let i = 0; i < 200; i++) console.debug('n' + i); return 's' }",
    );
    assert_eq!(signature(&script.signers).await, "s");
    let text = log.text();
    assert!(text.contains("one 2 {\"three\":[4]}"), "{text}");
    assert!(text.contains(&format!("{}…", "w".repeat(1024))) && !text.contains(&"w".repeat(1025)));
    // Two lines came before them, and a hundred is the limit.
    assert!(text.contains("n97") && !text.contains("n98"), "{text}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("UTF-8")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_hundred_calls_at_once_are_answered_one_after_the_other() {
    let script = script("let n = 0; function sign() { return `${++n}` }");
    let calls = (0..100).map(|_| signature(&script.signers));
    let mut answers: Vec<u32> = futures_util::future::join_all(calls)
        .await
        .into_iter()
        .map(|text| text.parse().expect("a number"))
        .collect();
    answers.sort_unstable();
    assert_eq!(answers, (1..=100).collect::<Vec<u32>>());
}
