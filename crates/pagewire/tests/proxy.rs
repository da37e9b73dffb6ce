//! The set-ups of `examples/nginx` and `docs/reverse-proxy.md`: a real nginx, a real Chromium, and the real hub.

mod binary;
#[path = "proxy/nginx.rs"]
mod nginx;

use std::path::PathBuf;

use http::StatusCode;
use pagewire_testkit::{BrowserPage, Http, Site, chromium, program, until};
use serde_json::{Value, json};

use crate::binary::{Serve, run};
use crate::nginx::{Nginx, REMOTE_CLIENT, Transport, nginx, reserve_port};

const SECRET: &str = "a-program-elsewhere";
const BEARER: &str = "Bearer a-program-elsewhere";
/// The names of the examples lead to this machine.
const NAMES: &str = "--host-resolver-rules=MAP *.example 127.0.0.1";

/// Functions of the test's pages. `counted` holds its second value back until `go` is called.
const FUNCTIONS: &str = r#"
    let go;
    const gone = new Promise((resolve) => { go = resolve; });
    pw.expose("add", (a, b) => a + b);
    pw.expose("tell", (value) => pw.publish("news", value));
    pw.expose("go", () => go());
    pw.expose("counted", async function* () { yield 1; await gone; yield 2; });
"#;

struct Machine {
    nginx: PathBuf,
    chromium: PathBuf,
}

fn machine() -> Option<Machine> {
    Some(Machine {
        nginx: nginx()?,
        chromium: chromium()?,
    })
}

async fn serve(port: u16, public_url: &str, more: &[&str]) -> Serve {
    let listen = format!("127.0.0.1:{port}");
    let token = format!("{SECRET}=call,subscribe");
    let usual = [
        "--listen",
        &listen,
        "--public-url",
        public_url,
        "--trust-proxy",
        "127.0.0.1",
        "--group",
        "shop",
        "--token",
        &token,
    ];
    Serve::start(&[&usual, more].concat()).await
}

/// Waits until as many pages are attached, as a program on this machine sees it without a token.
async fn attached(hub_port: u16, count: usize) -> Value {
    let direct = Http::new(format!("http://127.0.0.1:{hub_port}"));
    until("the pages", async || {
        let pages = direct.get("/v1/pages").await.json().await;
        let all = pages["pages"].as_array().expect("a list");
        let ready = |page: &Value| page["functions"].as_array().is_some_and(|f| !f.is_empty());
        (all.len() == count && all.iter().all(ready)).then_some(pages)
    })
    .await
}

#[tokio::test]
async fn a_site_and_the_hub_share_an_origin_through_nginx() {
    let Some(machine) = machine() else { return };
    let hub_port = reserve_port().await;
    let nginx = Nginx::start(&machine.nginx, "same-origin.conf", hub_port).await;
    let site = format!("http://shop.example:{}", nginx.port());
    let serve = serve(hub_port, &format!("{site}/pagewire"), &[]).await;
    let token = serve.listening["attach_token"].as_str().expect("a token");
    // The script knows by its own address where the hub is.
    let html = format!(
        r#"<!doctype html><script src="/pagewire/bridge.js"></script><script>
            const pw = pagewire.connect({});{FUNCTIONS}</script>"#,
        json!({"group": "shop", "token": token})
    );
    nginx.put("index.html", &html);
    let browser = BrowserPage::open_with(&machine.chromium, &format!("{site}/"), &[NAMES]);
    let pages = attached(hub_port, 1).await;
    assert_eq!(pages["pages"][0]["origin"], site.as_str());

    check_program_from_elsewhere(&nginx, "shop.example", "/pagewire").await;
    // The command line takes an address with a path.
    let hub = format!("http://127.0.0.1:{}/pagewire", nginx.port());
    let called = run(&["call", "shop/add", "20", "22", "--hub", &hub]).await;
    assert_eq!((called.code, called.stdout.as_str()), (0, "42\n"));
    // Below the path only: the rest is the site's.
    let beside = nginx.outside("shop.example").with("authorization", BEARER);
    assert_eq!(beside.get("/v1/pages").await.status, StatusCode::NOT_FOUND);
    browser.close().await;
    drop(nginx);
    let log = serve.stop_and_log().await;
    assert!(log.contains(&format!("client={REMOTE_CLIENT}")), "{log}");
    assert!(
        !log.contains("docs/reverse-proxy.md"),
        "the proxy is known: {log}"
    );
}

#[tokio::test]
async fn a_page_of_an_https_site_attaches_over_wss() {
    let Some(machine) = machine() else { return };
    let Some(openssl) = program("PAGEWIRE_TEST_OPENSSL", "openssl") else {
        return;
    };
    let hub_port = reserve_port().await;
    let tls = Transport::Tls(openssl);
    let nginx = Nginx::start_with(&machine.nginx, "same-origin.conf", hub_port, tls).await;
    let site = format!("https://shop.example:{}", nginx.port());
    let serve = serve(hub_port, &format!("{site}/pagewire"), &[]).await;
    let snippet = serve.listening["snippet"].as_str().expect("a snippet");
    let html = format!("<!doctype html><script type=module>{snippet};{FUNCTIONS}</script>");
    nginx.put("index.html", &html);
    // The certificate is nobody's.
    let flags = [NAMES, "--ignore-certificate-errors"];
    let browser = BrowserPage::open_with(&machine.chromium, &format!("{site}/"), &flags);
    let pages = attached(hub_port, 1).await;
    assert_eq!(pages["pages"][0]["origin"], site.as_str());
    let direct = Http::new(format!("http://127.0.0.1:{hub_port}"));
    let sum = direct.post("/v1/call/shop/add", "[1,2]").await;
    assert_eq!(sum.text().await, "3");
    browser.close().await;
    serve.stop().await;
}

#[tokio::test]
async fn the_hub_has_an_origin_of_its_own_through_nginx() {
    let Some(machine) = machine() else { return };
    let hub_port = reserve_port().await;
    let mut site = Site::start().await;
    let nginx = Nginx::start(&machine.nginx, "own-origin.conf", hub_port).await;
    let public = format!("http://hub.example:{}", nginx.port());
    let shop = format!("http://shop.example:{}", site.port());
    let serve = serve(hub_port, &public, &["--allow-origin", &shop]).await;
    // What `serve` prints for the console of any page, and a call from the page back through CORS.
    let snippet = serve.listening["snippet"].as_str().expect("a snippet");
    let report = format!(
        r#"const answer = await fetch("{public}/v1/call/shop/add", {{
            method: "POST", body: "[20,22]", headers: {{ Authorization: "{BEARER}", "Content-Type": "application/json" }} }});
        await fetch("/report", {{ method: "POST", body: JSON.stringify({{
            sum: await answer.json(), page: answer.headers.get("Pagewire-Page") }}) }});"#
    );
    let script = format!(
        "{snippet};{FUNCTIONS}await new Promise((resolve) => pw.on(\"open\", resolve));{report}"
    );
    site.page(
        "/",
        format!("<!doctype html><script type=module>{script}</script>"),
    );
    let browser = BrowserPage::open_with(&machine.chromium, &format!("{shop}/"), &[NAMES]);
    let report = site.report().await;
    let pages = attached(hub_port, 1).await;
    assert_eq!(pages["pages"][0]["origin"], shop.as_str());
    assert_eq!(report, json!({"sum": 42, "page": pages["pages"][0]["id"]}));
    check_program_from_elsewhere(&nginx, "hub.example", "").await;
    browser.close().await;
    serve.stop().await;
}

/// Through nginx under a local name, the rules for browsers on this machine hold.
#[tokio::test]
async fn an_allowed_origin_attaches_through_nginx_on_the_same_machine_and_others_do_not() {
    let Some(machine) = machine() else { return };
    let hub_port = reserve_port().await;
    let mut site = Site::start().await;
    let nginx = Nginx::start(&machine.nginx, "own-origin.conf", hub_port).await;
    let public = format!("http://127.0.0.1:{}", nginx.port());
    let serve = serve(hub_port, &public, &["--allow-origin", &site.origin]).await;
    let script = format!(
        r#"<!doctype html><script src="{public}/bridge.js"></script><script>
        const tell = (said) => fetch("/report", {{ method: "POST", body: JSON.stringify(said) }});
        const pw = pagewire.connect({{ group: "shop" }});{FUNCTIONS}
        pw.on("open", () => tell({{ attached: location.hostname }}));
        pw.on("error", ({{ message }}) => tell({{ refused: message }}));</script>"#
    );
    site.page("/", script);
    let allowed = BrowserPage::open(&machine.chromium, &format!("{}/", site.origin));
    assert_eq!(site.report().await, json!({"attached": "127.0.0.1"}));
    let foreign = format!("http://localhost:{}/", site.port());
    let foreign = BrowserPage::open(&machine.chromium, &foreign);
    let refused = site.report().await;
    let why = refused["refused"].as_str().expect("a refusal");
    assert!(
        why.contains("Start the hub with --allow-origin"),
        "{refused}"
    );
    attached(hub_port, 1).await;
    // Programs on this machine need no token through their own proxy either; those elsewhere do.
    let sum = nginx
        .inside("localhost")
        .post("/v1/call/shop/add", "[1,2]")
        .await;
    assert_eq!(sum.text().await, "3");
    let refused = nginx
        .outside("localhost")
        .post("/v1/call/shop/add", "[1,2]")
        .await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    allowed.close().await;
    foreign.close().await;
    serve.stop().await;
}

#[tokio::test]
async fn an_nginx_that_the_hub_was_not_told_of_makes_nobody_local() {
    let Some(program) = nginx() else { return };
    let hub_port = reserve_port().await;
    let nginx = Nginx::start(&program, "own-origin.conf", hub_port).await;
    let listen = format!("127.0.0.1:{hub_port}");
    let serve = Serve::start(&["--listen", &listen]).await;
    for _ in 0..2 {
        let refused = nginx.inside("localhost").get("/v1/pages").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let log = serve.stop_and_log().await;
    assert_eq!(log.matches("docs/reverse-proxy.md").count(), 1, "{log}");
    assert!(log.contains("proxy=127.0.0.1"), "{log}");
}

/// A program on another machine: all that a token allows, at the speed at which it happens, and nothing without one.
async fn check_program_from_elsewhere(nginx: &Nginx, name: &str, prefix: &str) {
    let outside = nginx.outside(name);
    check_refusals(&outside, prefix).await;
    let health = format!("{prefix}/health");
    assert_eq!(outside.get(&health).await.text().await, "{\"ok\":true}");
    let unknown = nginx.outside("evil.example").get(&health).await;
    assert_eq!(unknown.status, StatusCode::MISDIRECTED_REQUEST);
    let program = outside.with("authorization", BEARER);
    let sum = program
        .post(&format!("{prefix}/v1/call/shop/add"), "[40,2]")
        .await;
    assert_eq!(
        (sum.status, sum.text().await),
        (StatusCode::OK, "42".to_owned())
    );

    // Each value arrives while the stream goes on.
    let topic = format!("{prefix}/v1/topics/pages/shop/news");
    let mut news = program
        .with("accept", "text/event-stream")
        .get(&topic)
        .await;
    assert_eq!(news.header("content-type"), "text/event-stream");
    for value in ["\"one\"", "\"two\""] {
        let told = program
            .post(&format!("{prefix}/v1/call/shop/tell"), value)
            .await;
        assert_eq!(told.status, StatusCode::OK);
        news.read_until(value).await;
    }
    let counted = format!("{prefix}/v1/call/shop/counted");
    let mut counted = program.post(&counted, "").await;
    counted.read_until("1\n").await;
    let go = program.post(&format!("{prefix}/v1/call/shop/go"), "").await;
    assert_eq!(go.status, StatusCode::OK);
    counted.read_until("2\n").await;

    // The hub itself says what is too large.
    let body = vec![b' '; (16 << 20) + 1];
    let large = program
        .post(&format!("{prefix}/v1/call/shop/add"), body)
        .await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(large.json().await["code"], "too_large");
}

async fn check_refusals(outside: &Http, prefix: &str) {
    let call = format!("{prefix}/v1/call/shop/add");
    let disguises = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("forwarded", "for=127.0.0.1"),
        ("origin", "http://shop.example"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("x-disguise", "none"),
    ];
    for (name, value) in disguises {
        let program = outside.with(name, value);
        let refused = program.post(&call, "[1,2]").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}: {value}");
        let refused = program.get(&format!("{prefix}/v1/pages")).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}: {value}");
    }
}
