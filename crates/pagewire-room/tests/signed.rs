//! Rooms whose addresses are signed: by slow signers, by none, and by those that say where to connect.
#![allow(
    clippy::unwrap_used,
    reason = "a test helper fails the test by panicking"
)]

mod watched;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use pagewire_dial::tls::plain_connector;
use pagewire_hub::{Hub, HubOptions};
use pagewire_live::{Site, SiteTable, State};
use pagewire_room::signers::{SignerOptions, Signers};
use pagewire_testkit::soon;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use watched::reader::{quick, sim};
use watched::{Heard, Scene};

fn options() -> SignerOptions {
    SignerOptions::new(Hub::new(HubOptions::default()), plain_connector())
}

fn signers(texts: &[&str], options: &SignerOptions) -> Option<Arc<Signers>> {
    let addresses = texts.iter().map(|text| text.parse().unwrap()).collect();
    Some(Arc::new(Signers::new(addresses, options).unwrap()))
}

async fn port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("127.0.0.1:{port}"))
}

#[tokio::test]
async fn slow_signers_take_no_time_from_those_behind_them() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let mut scene = Scene::of(&sim, "r");
    scene.room.entry.timing.open_within_ms = 3_000;
    // They take the request and never answer.
    let ((_one, one), (_other, other)) = (port().await, port().await);
    let slow = [format!("http://{one}/"), format!("http://{other}/")];
    let works = format!("http://{}/sim/sign", sim.address());
    let mut options = options();
    options.address_timeout = Duration::from_secs(2);
    scene.source.signers = signers(&[&slow[0], &slow[1], &works], &options);
    let mut heard = Heard::new(Site::Douyin);
    scene.watch(&mut heard).await;
    heard.found.check(&sim.manifest("r").unwrap());
    let told: Vec<_> = heard.words.iter().map(|[words, _]| words).take(3).collect();
    for (words, expected) in told.iter().zip([
        format!("{} failed, and rests: ", slow[0]),
        format!("{} failed, and rests: ", slow[1]),
        format!("signed by {works}"),
    ]) {
        assert!(words.starts_with(&expected), "{told:?}");
    }
    let fails = |(_, reason): &(State, String)| reason == "unreachable";
    assert!(!heard.states.iter().any(fails), "{:?}", heard.states);
}

#[tokio::test]
async fn where_nobody_signs_each_is_told_with_its_reason_and_the_state_is_one_line() {
    let sim = sim(quick(Site::Douyin, &[])).await;
    let mut scene = Scene::of(&sim, "r");
    let texts = ["page:made-up/sign", "command:/no/such/program x"];
    scene.source.signers = signers(&texts, &options());
    let mut heard = Heard::new(Site::Douyin);
    let stop = Arc::new(Notify::new());
    let stops = Arc::clone(&stop);
    heard.on_state = Box::new(move |_, reason| {
        if reason == "unreachable" {
            stops.notify_one();
        }
    });
    let watching = scene.watch_until(&mut heard, stop.notified());
    let reason = soon("the failure", watching).await.status.reason;
    let words = "no connection: no signer gave a signature (0/2)";
    assert_eq!(reason.to_string(), words);
    assert_eq!(reason.zh(), "无法连接：没有得到签名（0/2）");
    let [[page, page_zh], [program, program_zh]] = &heard.words[..2] else {
        panic!("{:?}", heard.words);
    };
    assert!(page.starts_with("page:made-up/sign failed, and rests: no page of group made-up"));
    assert!(page_zh.contains("组 made-up 中没有页面"), "{page_zh}");
    assert!(program.contains("cannot start /no/such/program: "));
    assert!(program_zh.contains("/no/such/program"), "{program_zh}");
}

/// The head of the handshake that goes out, where a signer gives `answer` with `{place}` filled in and the site's address is `pushed`.
async fn handshake(pushed: &str, mut answer: Value) -> String {
    const ONE_HOST: &str = r#"
[sim]
rooms = ["http://127.0.0.1/live/{room}"]
sockets = ["ws://127.0.0.1/*"]
polling = []
answers = []
"#;
    let sim = sim(quick(Site::Douyin, &[])).await;
    let mut scene = Scene::of(&sim, "r");
    let table = SiteTable::shipped().with(ONE_HOST).unwrap();
    scene.room.entry = table.get("sim").unwrap().clone();
    scene.options.connection.addresses = vec![pushed.to_owned()];
    scene.source.cookie = "own=1".to_owned();

    let (site, place) = port().await;
    let port_number = place.split(':').next_back().unwrap();
    let url = answer["url"].as_str().unwrap().replace("PORT", port_number);
    answer["url"] = url.into();
    let (signing, signer) = port().await;
    let answer = answer.to_string();
    let routes = Router::new().route("/", post(async move || answer));
    tokio::spawn(async { axum::serve(signing, routes).await });
    let signer = format!("http://{signer}/");
    scene.source.signers = signers(&[&signer], &options());

    let head = async {
        let (mut socket, _) = site.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        socket.write_all(refusal).await.unwrap();
        String::from_utf8(head).unwrap().to_ascii_lowercase()
    };
    let (told, heads) = tokio::sync::oneshot::channel();
    let mut heard = Heard::new(Site::Douyin);
    let stop = async { told.send(head.await).unwrap() };
    soon("the handshake", scene.watch_until(&mut heard, stop)).await;
    heads.await.unwrap()
}

#[tokio::test]
async fn the_users_cookie_goes_to_the_sites_own_hosts_and_not_out_of_tls() {
    let (plain, tls) = ("ws://127.0.0.1:1/x", "wss://127.0.0.1:1/x");
    let (own, other) = ("ws://127.0.0.1:PORT/x?s=1", "ws://localhost:PORT/x?s=1");
    let of_signer = json!({"Cookie": "signers=1"});
    for (pushed, answer, cookie) in [
        (plain, json!({"url": own}), Some("own=1")),
        (plain, json!({"url": other}), None),
        (tls, json!({"url": own}), None),
        (
            plain,
            json!({"url": own, "headers": of_signer}),
            Some("signers=1"),
        ),
        (
            plain,
            json!({"url": other, "headers": of_signer}),
            Some("signers=1"),
        ),
    ] {
        let head = handshake(pushed, answer.clone()).await;
        let lines = head.lines();
        let found: Vec<_> = lines
            .filter_map(|line| line.strip_prefix("cookie: "))
            .collect();
        assert_eq!(found, Vec::from_iter(cookie), "{pushed} {answer}: {head}");
        assert!(head.contains("user-agent: mozilla"), "{head}");
    }
}
