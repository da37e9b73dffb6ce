//! `pagewire doctor` as its user sees it: what is wrong is found, and what to type is named.

mod binary;
mod tls_peer;

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::get;
use pagewire_hub::{Hub, HubOptions};
use pagewire_server::{
    Access, AllowedOrigin, PlainPattern, Secret, Server, ServerOptions, Token, TrustedProxy,
};
use pagewire_testkit::{FakePage, Site, TestHub, chromium, until};
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use self::binary::{Serve, run, run_with};
use self::tls_peer::{Shown, TlsPeer};

/// A diagnosis: the exit code and the checks.
struct Diagnosis {
    code: i32,
    checks: Vec<Value>,
}

impl Diagnosis {
    async fn of(hub: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        // The proxies of whoever runs the tests are not the matter.
        let quiet = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, ""));
        let environment = [&[("PAGEWIRE_HUB", hub)], &quiet[..], environment].concat();
        let arguments = [&["doctor", "--json"], arguments].concat();
        let finished = run_with(&arguments, &environment).await;
        let shown: Value = serde_json::from_str(&finished.stdout).expect(&finished.stderr);
        let checks = shown["checks"].as_array().expect("checks").clone();
        let bad = checks.iter().any(|check| check["state"] == "bad");
        assert_eq!(shown["ok"], !bad);
        assert_eq!(finished.code, i32::from(bad), "{shown}");
        for check in &checks {
            let said = |member: &str| check[member].as_str().is_some_and(|text| !text.is_empty());
            assert!(said("seen") && said("seen_zh"), "{check}");
        }
        Self {
            code: finished.code,
            checks,
        }
    }

    /// The first check of this name.
    fn check(&self, name: &str) -> &Value {
        let mut checks = self.checks.iter();
        checks.find(|check| check["check"] == name).expect(name)
    }

    fn has(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check["check"] == name)
    }

    /// The check of this name has this state, and all these words in it.
    fn expect(&self, name: &str, state: &str, words: &[&str]) {
        let check = self.check(name);
        assert_eq!(check["state"], state, "{check}");
        for word in words {
            let text = check.to_string();
            assert!(text.contains(word), "no {word:?} in {text}");
        }
    }
}

#[tokio::test]
async fn a_hub_that_does_not_run_is_told_with_how_to_start_it() {
    // A port that is taken, so that nobody else gets it, and on which nobody listens.
    let nobody = TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    nobody.bind(any).expect("a free port");
    let address = nobody.local_addr().expect("an address").to_string();
    let diagnosis = Diagnosis::of(&format!("http://{address}"), &[], &[]).await;
    let start = format!("pagewire serve --listen {address}");
    diagnosis.expect("hub", "bad", &["nothing listens", &start]);
    assert_eq!(diagnosis.code, 1);
    for name in ["proxy", "env", "config", "clock", "browser"] {
        assert!(diagnosis.has(name), "{name}");
    }
    assert!(!diagnosis.has("pages") && !diagnosis.has("refused"));
}

#[tokio::test]
async fn another_program_on_the_port_is_named() {
    let site = Site::start().await;
    let diagnosis = Diagnosis::of(&site.origin, &[], &[]).await;
    diagnosis.expect("hub", "bad", &["another program", "404", "--listen"]);
    if cfg!(target_os = "linux") {
        let own = format!("process {}", std::process::id());
        diagnosis.expect("hub", "bad", &[&own]);
    }
    // A port on which somebody listens and speaks something else.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let greet = tokio::spawn(async move {
        while let Ok((stream, _)) = silent.accept().await {
            let _ = stream.try_write(b"SSH-2.0-x\r\n");
        }
    });
    let diagnosis = Diagnosis::of(&format!("http://{address}"), &[], &[]).await;
    diagnosis.expect("hub", "bad", &["another program", "does not speak HTTP"]);
    greet.abort();
}

#[tokio::test]
async fn a_hub_that_is_well_has_nothing_bad() {
    let serve = Serve::start(&["--listen", "127.0.0.1:0"]).await;
    let http = serve.listening["http"]
        .as_str()
        .expect("an address")
        .to_owned();
    let diagnosis = Diagnosis::of(&http, &[], &[]).await;
    // The same build as this program's.
    diagnosis.expect("hub", "ok", &[env!("CARGO_PKG_VERSION"), &http]);
    diagnosis.expect("token", "ok", &["no token is needed"]);
    diagnosis.expect("loopback", "ok", &["127.0.0.1"]);
    diagnosis.expect("pages", "warn", &["no page is attached", "snippet"]);
    diagnosis.expect("refusals", "ok", &[]);
    diagnosis.expect("proxy", "ok", &[]);
    diagnosis.expect("config", "ok", &["no configuration file"]);
    assert_eq!(diagnosis.code, 0);
    serve.stop().await;
}

#[tokio::test]
async fn attached_pages_are_shown_with_how_they_fare() {
    let hub = TestHub::start().await;
    let hello = json!({"group": "shop", "url": "https://shop.example/\nok    all", "functions": [{"name": "price"}]});
    let page = FakePage::attach_with(&hub, hello).await;
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    diagnosis.expect("hub", "ok", &[]);
    diagnosis.expect("pages", "ok", &["1 attached", "shop (1)"]);
    diagnosis.expect("page", "ok", &[&page.id, "price"]);
    let shown = run_with(&["doctor"], &[("PAGEWIRE_HUB", &hub.http_url())]).await;
    assert!(
        shown.stdout.contains("shop.example/ ok    all"),
        "{}",
        shown.stdout
    );
    // A call that the page leaves unanswered.
    let client = hub.client();
    let slow = client.post("/v1/call/shop/price?timeout=10ms", "").await;
    assert_eq!(slow.status.as_u16(), 504);
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    diagnosis.expect(
        "page",
        "warn",
        &["1 of 1 calls ended without an answer", "--timeout"],
    );
}

#[tokio::test]
async fn a_hub_of_another_build_is_told() {
    let options = ServerOptions {
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        commit: Some("0000000 2026-01-01".into()),
        open_files_max: Some(100),
        ..ServerOptions::default()
    };
    let hub = Hub::new(HubOptions::default());
    let server = Server::bind(hub, options).await.expect("a free port");
    let http = format!("http://{}", server.addresses()[0]);
    let run = tokio::spawn(server.run(std::future::pending(), Duration::ZERO));
    let diagnosis = Diagnosis::of(&http, &[], &[]).await;
    // A build from an archive knows no commit of its own to compare with.
    let has_commit = binary::run(&["--version"]).await.stdout.contains('(');
    let state = if has_commit { "warn" } else { "ok" };
    diagnosis.expect("hub", state, &["0000000 2026-01-01"]);
    diagnosis.expect("files", "warn", &["100 files", "ulimit -n 20064"]);
    run.abort();
}

#[tokio::test]
async fn a_refused_origin_is_shown_with_the_line_that_allows_it() {
    let hub = TestHub::start().await;
    let site = Site::start().await;
    let refused = FakePage::connect(&hub, &[("origin", &site.origin)]).await;
    assert!(refused.is_err());
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    let line = format!("pagewire serve --allow-origin {}", site.origin);
    diagnosis.expect("refused", "warn", &[&site.origin, "once", &line]);
    // The line is true: a hub that is started like this lets the page in.
    let allowed = AllowedOrigin {
        origin: site.origin.parse().expect("an origin"),
        free_groups: true,
    };
    let access = Access {
        origins: vec![allowed],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    assert!(
        FakePage::connect(&hub, &[("origin", &site.origin)])
            .await
            .is_ok()
    );
    let page = format!("{}/", site.origin);
    site.page("/", "hello");
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--page", &page], &[]).await;
    diagnosis.expect("origin", "ok", &[&site.origin]);
    diagnosis.expect("fetch", "ok", &["no Content-Security-Policy"]);
    diagnosis.expect("connect", "ok", &[]);
    diagnosis.expect("script", "ok", &[]);
    diagnosis.expect("network", "ok", &["this machine"]);
}

#[tokio::test]
async fn a_real_page_that_was_refused_is_found_again() {
    let Some(chromium) = chromium() else {
        return;
    };
    let hub = TestHub::start().await;
    let site = Site::start().await;
    let bridge = include_str!("../../../web/bridge/pagewire.js");
    site.page("/bridge.js", bridge);
    let connect = format!(
        "pagewire.connect({})",
        json!({"url": hub.http_url(), "group": "shop"})
    );
    site.page(
        "/",
        format!("<script src=/bridge.js></script><script>{connect}</script>"),
    );
    let browser = pagewire_testkit::BrowserPage::open(&chromium, &format!("{}/", site.origin));
    let client = hub.client();
    until("the refusal", async || {
        let status = client.get("/v1/status").await.json().await;
        (status["refusals"] != json!([])).then_some(())
    })
    .await;
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    let flag = format!("--allow-origin {}", site.origin);
    diagnosis.expect("refused", "warn", &[&flag]);
    browser.close().await;
}

#[tokio::test]
async fn a_policy_that_refuses_is_quoted_with_what_to_add() {
    let hub = TestHub::start().await;
    let site = Site::start().await;
    let policy = "default-src 'self'; script-src 'self' 'unsafe-inline'";
    site.page_with("/header", "x", &[("content-security-policy", policy)]);
    let meta = "<meta http-equiv=Content-Security-Policy content=\"connect-src &#39;none&#39;\">";
    site.page("/meta", meta);
    let report_only = [("content-security-policy-report-only", "default-src 'none'")];
    site.page_with("/watched", "x", &report_only);
    let of = async |path: &str| {
        let page = format!("{}{path}", site.origin);
        Diagnosis::of(&hub.http_url(), &["--page", &page], &[]).await
    };
    let diagnosis = of("/header").await;
    diagnosis.expect(
        "connect",
        "bad",
        &["default-src 'self'", &hub.ws_url(), &hub.http_url()],
    );
    diagnosis.expect(
        "script",
        "warn",
        &["script-src 'self' 'unsafe-inline'", "curl", "/bridge.js"],
    );
    assert_eq!(diagnosis.code, 1);
    let diagnosis = of("/meta").await;
    diagnosis.expect("connect", "bad", &["connect-src 'none'"]);
    diagnosis.expect("script", "ok", &[]);
    let diagnosis = of("/watched").await;
    diagnosis.expect("connect", "ok", &[]);
    // What was added helps.
    let added = format!(
        "connect-src {} {}; script-src 'none'",
        hub.ws_url(),
        hub.http_url()
    );
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--csp", &added], &[]).await;
    diagnosis.expect("connect", "ok", &[]);
    diagnosis.expect("script", "warn", &["script-src 'none'"]);
    let file = std::env::temp_dir().join(format!("pagewire-csp-{}", std::process::id()));
    std::fs::write(&file, "Content-Security-Policy: connect-src 'self'\n").expect("a file");
    let path = file.to_str().expect("text");
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--csp-file", path], &[]).await;
    diagnosis.expect("connect", "bad", &["connect-src 'self'"]);
    std::fs::remove_file(file).expect("removed");
}

#[tokio::test]
async fn pages_of_other_machines_are_told_what_browsers_ask() {
    let hub = TestHub::start().await;
    for (page, origin, state, words) in [
        // Addresses of documentation: nobody has them, and no name has to be resolved.
        (
            "https://203.0.113.7:443/",
            "https://203.0.113.7",
            "warn",
            "loopback-network",
        ),
        (
            "http://192.0.2.1:1/x",
            "http://192.0.2.1:1",
            "bad",
            "https://192.0.2.1",
        ),
    ] {
        let arguments = ["--page", page, "--csp", "connect-src ws:"];
        let diagnosis = Diagnosis::of(&hub.http_url(), &arguments, &[]).await;
        diagnosis.expect("network", state, &[words]);
        diagnosis.expect(
            "fetch",
            "warn",
            &["was not fetched", "judged by the policy"],
        );
        diagnosis.expect("connect", "ok", &[]);
        let line = json!(format!("pagewire serve --allow-origin {origin}"));
        diagnosis.expect("origin", "warn", &[&line.to_string()]);
    }
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--page", "https://203.0.113.7/"], &[]).await;
    assert!(!diagnosis.has("connect"), "its policy is not known");
    diagnosis.expect("mixed", "ok", &["Safari"]);
}

#[tokio::test]
async fn redirections_are_followed_up_to_a_limit() {
    let hub = TestHub::start().await;
    let next = |Path(left): Path<usize>| async move { Redirect::to(&format!("/{}", left - 1)) };
    let policy = [("content-security-policy", "connect-src 'none'")];
    let router = Router::new()
        .route("/0", get(async move || (policy, "end")))
        .route("/{left}", get(next));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let of = async |redirections: usize| {
        let page = format!("{origin}/{redirections}");
        Diagnosis::of(&hub.http_url(), &["--page", &page], &[]).await
    };
    let diagnosis = of(8).await;
    diagnosis.expect("fetch", "ok", &[&format!("{origin}/0 answers 200")]);
    diagnosis.expect("connect", "bad", &["connect-src 'none'"]);
    let diagnosis = of(9).await;
    diagnosis.expect("fetch", "warn", &["redirects without end"]);
    assert!(!diagnosis.has("connect"));
    server.abort();
}

#[tokio::test]
async fn a_page_of_an_https_site_is_judged_by_its_policy() {
    let hub = TestHub::start().await;
    let site = Site::start().await;
    let policy = [("content-security-policy", "default-src 'self'")];
    site.page_with("/cart", "x", &policy);
    let front = TlsPeer::in_front_of(site.origin.trim_start_matches("http://")).await;
    let page = format!("https://localhost:{}/cart", front.port);
    let arguments = ["--page", &page, "--ca", front.ca()];
    let diagnosis = Diagnosis::of(&hub.http_url(), &arguments, &[]).await;
    let fetched = format!("{page} answers 200 OK, with one Content-Security-Policy");
    diagnosis.expect("fetch", "ok", &[&fetched]);
    diagnosis.expect("connect", "bad", &["default-src 'self'", &hub.ws_url()]);
    diagnosis.expect("script", "warn", &["default-src 'self'"]);
    diagnosis.expect("mixed", "ok", &["Safari"]);
    // Nobody told whose certificates count.
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--page", &page], &[]).await;
    let words = [
        "leads to no root that this machine trusts",
        "\"name that root with --ca FILE\"",
        "its policy is not known",
    ];
    diagnosis.expect("fetch", "warn", &words);
    assert!(!diagnosis.has("connect"), "its policy is not known");
    let other_name = page.replace("localhost", "127.0.0.1");
    let arguments = ["--page", &other_name, "--ca", front.ca()];
    let diagnosis = Diagnosis::of(&hub.http_url(), &arguments, &[]).await;
    diagnosis.expect("fetch", "warn", &["is for another name", "localhost"]);
}

#[tokio::test]
async fn a_hub_behind_tls_is_looked_at_like_any_other() {
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "shop", &["price"]).await;
    let front = TlsPeer::in_front_of(&hub.address).await;
    let url = format!("https://localhost:{}", front.port);
    let csp = format!("connect-src wss://localhost:{}", front.port);
    let arguments = ["--ca", front.ca(), "--csp", &csp];
    let diagnosis = Diagnosis::of(&url, &arguments, &[]).await;
    diagnosis.expect("hub", "ok", &[&url]);
    diagnosis.expect("page", "ok", &[&page.id, "price"]);
    diagnosis.expect("connect", "ok", &[&csp["connect-src ".len()..]]);
    assert!(!diagnosis.has("loopback"), "certificates name one name");
    let diagnosis = Diagnosis::of(&url, &[], &[]).await;
    diagnosis.expect("hub", "bad", &["no TLS with the hub", "with --ca FILE"]);
    let diagnosis = Diagnosis::of(&format!("https://{}", hub.address), &[], &[]).await;
    diagnosis.expect(
        "hub",
        "bad",
        &["does not speak TLS", "address without the s"],
    );
    // An authority of the same name, and with another key.
    let other = TlsPeer::in_front_of(&hub.address).await;
    let diagnosis = Diagnosis::of(&url, &["--ca", other.ca()], &[]).await;
    let words = ["signed by another key", "if it is yours"];
    diagnosis.expect("hub", "bad", &words);
    // Trusted by name, and still no certificate for a server.
    let front = TlsPeer::in_front_of_as(Shown::Authority, &hub.address).await;
    let url = format!("https://localhost:{}", front.port);
    let diagnosis = Diagnosis::of(&url, &["--ca", front.ca()], &[]).await;
    let words = ["that of an authority", "basicConstraints=critical,CA:FALSE"];
    diagnosis.expect("hub", "bad", &words);
    for (arguments, words) in [
        (["--hub", "ws://127.0.0.1:9999"], "is no address such as"),
        (["--ca", "/nonexistent"], "--ca /nonexistent"),
    ] {
        let finished = run(&[&["doctor"], &arguments[..]].concat()).await;
        assert_eq!(finished.code, 2);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn plain_pages_are_told_with_the_line_that_lets_them_in() {
    let hub = TestHub::start().await;
    let shop = hub.client().with("origin", "https://shop.example");
    let refused = shop
        .with("connection", "upgrade")
        .with("upgrade", "websocket");
    assert_eq!(refused.get("/").await.status, 403);
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    let line = "pagewire serve --plain-page https://shop.example";
    diagnosis.expect("refused", "warn", &["plain WebSocket", line, "普通"]);
    assert!(!diagnosis.has("plain"));
    for (plain_pages, words) in [
        (vec![], "--plain-page ORIGIN"),
        (
            vec!["https://shop.example".parse().expect("an origin")],
            "pages of https://shop.example",
        ),
    ] {
        let options = ServerOptions {
            access: Access {
                plain_pages,
                ..Access::default()
            },
            plain: Some(PlainPattern {
                greeting: None,
                echo: false,
            }),
            ..ServerOptions::default()
        };
        let hub = TestHub::with_server(HubOptions::default(), options).await;
        let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
        diagnosis.expect("plain", "ok", &[words]);
    }
}

/// A hub that has this public address and a token of an administrator.
async fn public_hub(public_url: &str) -> (TestHub, Token) {
    let token = Token {
        name: "admin".into(),
        secret: Secret::random(),
        scopes: serde_json::from_value(json!(["admin"])).expect("a scope"),
    };
    let access = Access {
        tokens: vec![token.clone()],
        public_url: Some(public_url.parse().expect("an address")),
        trusted_proxies: vec![TrustedProxy::Loopback],
        ..Access::default()
    };
    (TestHub::with(HubOptions::default(), access).await, token)
}

#[tokio::test]
async fn what_came_through_a_proxy_without_a_token_is_told() {
    // Whatever has this port answers as no hub does.
    let site = Site::start().await;
    let (hub, _) = public_hub(&format!("{}/hub", site.origin)).await;
    let forwarded = hub.client().with("x-forwarded-for", "203.0.113.7");
    assert_eq!(forwarded.get("/v1/pages").await.status, 401);
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    let words = ["Authorization: Bearer", "--trust-proxy loopback", "代理"];
    diagnosis.expect("refused", "warn", &words);
    let words = [
        "something else than the hub",
        "404",
        "docs/reverse-proxy.md",
    ];
    diagnosis.expect("public", "warn", &words);
    diagnosis.expect("hub", "ok", &[]);
}

#[tokio::test]
async fn the_public_address_of_a_hub_is_tried() {
    // The port of the proxy is known before the hub is, and the hub's before the proxy starts.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let public = format!("http://{}/hub", listener.local_addr().expect("bound"));
    let (hub, token) = public_hub(&public).await;
    let address = hub.address.clone();
    let proxy = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let address = address.clone();
            tokio::spawn(async move {
                let mut hub = TcpStream::connect(address).await.expect("it listens");
                let _ = copy_bidirectional(&mut client, &mut hub).await;
            });
        }
    });
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    diagnosis.expect("public", "ok", &[&public, "the proxies loopback"]);
    let secret = [("PAGEWIRE_TOKEN", token.secret.reveal())];
    let diagnosis = Diagnosis::of(&public, &[], &secret).await;
    diagnosis.expect("hub", "ok", &[&public]);
    diagnosis.expect("public", "ok", &[&public]);
    proxy.abort();
    let _ = proxy.await;
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    diagnosis.expect(
        "public",
        "warn",
        &["was not reached: nothing listens there"],
    );
}

#[tokio::test]
async fn pages_that_drain_or_time_out_are_told_with_what_to_do() {
    let hub = TestHub::start().await;
    let page = FakePage::attach(&hub, "shop", &["price"]).await;
    let client = hub.client();
    for _ in 0..3 {
        let slow = client.post("/v1/call/shop/price?timeout=10ms", "").await;
        assert_eq!(slow.status.as_u16(), 504);
    }
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    let words = ["3 calls in a row timed out", "another chance every 30 s"];
    diagnosis.expect("page", "warn", &words);
    let drain = format!("/v1/pages/{}/drain", page.id);
    assert!(client.post(&drain, "").await.status.is_success());
    let diagnosis = Diagnosis::of(&hub.http_url(), &[], &[]).await;
    let resume = format!("pagewire pages --resume {}", page.id);
    diagnosis.expect("page", "warn", &["draining", &resume]);
}

#[tokio::test]
async fn tokens_variables_files_and_proxies_are_judged() {
    let token = "averysecretsecret";
    let flag = format!("{token}=call:shop/*");
    let serve = Serve::start(&[
        "--listen",
        "127.0.0.1:0",
        "--token",
        &flag,
        "--require-token",
    ])
    .await;
    let http = serve.listening["http"]
        .as_str()
        .expect("an address")
        .to_owned();
    let diagnosis = Diagnosis::of(&http, &[], &[]).await;
    diagnosis.expect("token", "bad", &["without a token", "PAGEWIRE_TOKEN"]);
    let unknown = [("PAGEWIRE_TOKEN", "nobodyknowsthis0")];
    let diagnosis = Diagnosis::of(&http, &[], &unknown).await;
    diagnosis.expect("token", "bad", &["does not know the token"]);
    let known = [("PAGEWIRE_TOKEN", token)];
    let diagnosis = Diagnosis::of(&http, &[], &known).await;
    diagnosis.expect("token", "warn", &["scope admin", "--token 'SECRET=admin'"]);
    diagnosis.expect("pages", "warn", &["no page is attached"]);
    let misspelt = [
        known[0],
        ("PAGEWIRE_LISEN", "x"),
        ("http_proxy", "http://192.0.2.1:1"),
    ];
    let diagnosis = Diagnosis::of(&http, &[], &misspelt).await;
    diagnosis.expect("env", "bad", &["PAGEWIRE_LISEN", "PAGEWIRE_LISTEN"]);
    diagnosis.expect("proxy", "warn", &["http_proxy", "no_proxy=127.0.0.1"]);
    let senseless = [known[0], ("PAGEWIRE_GRACE", "soon")];
    let diagnosis = Diagnosis::of(&http, &[], &senseless).await;
    diagnosis.expect("env", "bad", &["soon"]);
    serve.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn configuration_files_are_judged() {
    use std::os::unix::fs::PermissionsExt as _;
    let hub = TestHub::start().await;
    let file = std::env::temp_dir().join(format!("pagewire-doctor-{}.toml", std::process::id()));
    let path = file.to_str().expect("text");
    let secret = "[[tokens]]\nname = \"t\"\nsecret = \"0123456789abcdef\"\nscopes = []\n";
    for (text, mode, state, words) in [
        (secret, 0o644, "warn", "chmod 600"),
        (secret, 0o600, "ok", "understood"),
        ("grace = \"1s\"\n", 0o644, "ok", "understood"),
        ("grac = \"1s\"\n", 0o600, "bad", "grac: "),
    ] {
        std::fs::write(&file, text).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("ours");
        let diagnosis = Diagnosis::of(&hub.http_url(), &["--config", path], &[]).await;
        diagnosis.expect("config", state, &[words]);
    }
    std::fs::remove_file(file).expect("removed");
}

#[tokio::test]
async fn a_browser_is_started_where_that_is_asked_for() {
    if chromium().is_none() {
        return;
    }
    let hub = TestHub::start().await;
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--browser"], &[]).await;
    diagnosis.expect("browser", "ok", &[]);
    diagnosis.expect("start", "ok", &["loaded a page"]);
    let broken = [("PAGEWIRE_CHROMIUM", "/bin/false")];
    let diagnosis = Diagnosis::of(&hub.http_url(), &["--browser"], &broken).await;
    diagnosis.expect("browser", "warn", &["does not run"]);
    diagnosis.expect("start", "bad", &["does not start"]);
}
