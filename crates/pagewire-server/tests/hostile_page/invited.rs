//! Pages that may attach or hold a token, and want more than that.

use std::path::Path;

use pagewire_hub::{GroupPolicy, HubOptions, Scopes};
use pagewire_rpc::GroupName;
use pagewire_server::{Access, AllowedOrigin, Secret, Token};
use pagewire_testkit::{FakePage, Site, TestHub, chromium};
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::{CALL, SECRET, TOPIC};

const SHOP: &str = "https://shop.example";
const REFUSED: &str = r#""error":{"code":-32006"#;

/// What `pages/hostile.html` tries, and two things that it must hear.
const ATTEMPTS: &[(&str, &str, &str)] = &[
    ("call", "-32006", "call:victim/secret"),
    ("stream", "-32006", "call:victim/secret"),
    ("follow the victim", "-32006", "pages/victim/price"),
    ("follow programs", "-32006", "programs/news"),
    ("follow everything", "-32006", "subscribe:*"),
    ("publish as the victim", "gained", "pages/evil/pages/victim"),
    ("publish beside", "-32602", "'..'"),
    ("publish as a program", "-32602", ""),
    ("publish to nothing", "-32602", ""),
    ("join the victim", "group victim belongs to", "this machine"),
    ("join another origin's", "group shop belongs to", SHOP),
    ("join a configured one", "group bank belongs to", "origins"),
    ("be the victim", REFUSED, " 4403"),
    ("be the victim in one's own group", REFUSED, " 4403"),
    ("be a page of another origin", REFUSED, " 4403"),
    ("be such a page in one's own group", REFUSED, " 4403"),
    ("expose for another group", "violation", " 4400"),
    ("answer for another page", "pages/evil/last", " 1005"),
    ("change groups", "violation", " 4400"),
];

/// It uses the real page script, and page sockets of its own beside it.
#[tokio::test]
async fn an_attached_page_gets_at_nothing_of_others() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let origins = vec![allowed(&site.origin), allowed(SHOP)];
    let bank = GroupName::new("bank").expect("a name");
    let options = HubOptions {
        groups: GroupPolicy::of_owners([(bank, vec!["https://bank.example".into()])]),
        ..HubOptions::default()
    };
    let mut stage = Stage::with_site(site, options, access(origins, Vec::new())).await;
    let shop = attach_to_shop(&stage.hub).await;
    let html = include_str!("../pages/hostile.html")
        .replace("{{hub}}", &stage.hub.http_url())
        .replace("{{victim}}", &stage.victim)
        .replace("{{shop}}", &shop.id);
    let browser = stage.show(&chromium, html);

    let outcomes = stage.site.report().await;
    let tried = outcomes.as_object().expect("outcomes by name").len();
    assert_eq!(tried, ATTEMPTS.len());
    for (name, must, too) in ATTEMPTS {
        let heard = outcomes[name].as_str().unwrap_or_default();
        let fits = heard.contains(must) && heard.contains(too);
        assert!(fits, "{name}: {heard}");
    }
    check_others_are_untouched(&stage, &shop);
    stage.check_programs_are_served().await;
    let trapped = stage.hub.client().post("/v1/call/evil/trap", "").await;
    assert_eq!(trapped.text().await, r#""trapped""#, "its own it can do");
    browser.close().await;
}

/// Whatever the hostile page did, it did in its own group.
fn check_others_are_untouched(stage: &Stage, shop: &FakePage) {
    assert_eq!(stage.calls(), 0);
    assert_eq!(stage.published("pages/victim/price"), 1);
    for info in stage.hub.hub.topics().list() {
        let topic = info.topic.as_str();
        let is_its_own = topic.starts_with("pages/evil/");
        assert!(is_its_own || topic == "pages/victim/price", "{topic}");
    }
    for page in stage.hub.hub.pages() {
        let is_its_own = page.group.as_str() == "evil";
        let id = page.id.as_str();
        let is_others = id == stage.victim || id == shop.id;
        assert!(is_its_own || (is_others && page.epoch == 1), "{page:?}");
    }
}

/// A page of the other allowed origin.
async fn attach_to_shop(hub: &TestHub) -> FakePage {
    let socket = FakePage::connect(hub, &[("origin", SHOP)]).await;
    let mut socket = socket.expect("the origin is allowed");
    let welcome = FakePage::greet(&mut socket, json!({ "group": "shop" })).await;
    let id = welcome["result"]["page"].as_str();
    FakePage {
        id: id.expect("a welcome").to_owned(),
        epoch: 1,
        socket,
    }
}

fn allowed(origin: &str) -> AllowedOrigin {
    AllowedOrigin {
        origin: origin.parse().expect("an origin"),
        free_groups: true,
    }
}

fn access(origins: Vec<AllowedOrigin>, tokens: Vec<Token>) -> Access {
    Access {
        origins,
        tokens,
        ..Access::default()
    }
}

#[tokio::test]
async fn an_allowed_origin_may_attach_and_read_why_it_may_do_no_more() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let access = access(vec![allowed(&site.origin)], Vec::new());
    let mut stage = Stage::with_site(site, HubOptions::default(), access).await;
    let typed = json!({"content-type": "application/json"});
    let v1 = &["pagewire.v1"];
    let forbidden = "give them a token";
    let asks = [
        ask(socket("/v1/page", v1, "mine"), "", r#""result":{"page""#),
        ask(get("/health", &no_headers()), "200", r#"{"ok":true}"#),
        ask(post(CALL, &no_headers()), "403", forbidden),
        ask(post(CALL, &typed), "403", forbidden),
        ask(
            post("/v1/topics/programs/a", &no_headers()),
            "403",
            forbidden,
        ),
        ask(get("/v1/pages", &no_headers()), "403", forbidden),
        ask(get("/v1/topics", &no_headers()), "403", forbidden),
        ask(get(TOPIC, &no_headers()), "403", forbidden),
        ask(events(TOPIC), NOTHING, ""),
        ask(socket(TOPIC, v1, ""), NOTHING, ""),
    ];
    check_asks(&chromium, &mut stage, &asks).await;
    assert_eq!(stage.calls(), 0);
    stage.check_programs_are_served().await;
}

/// The tokens of one page, in the ways in which they travel.
struct Bearer {
    headers: Value,
    protocols: [String; 2],
    query: String,
}

impl Bearer {
    fn of(secret: &Secret) -> Self {
        let authorization = format!("Bearer {}", secret.reveal());
        Self {
            headers: json!({"authorization": authorization, "content-type": "application/json"}),
            protocols: ["pagewire.v1".into(), secret.subprotocol()],
            query: format!("token={}", secret.reveal()),
        }
    }

    fn socket(&self, path: &str, group: &str) -> Value {
        let protocols = self.protocols.each_ref().map(String::as_str);
        socket(path, &protocols, group)
    }

    fn in_address(&self, path: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}{}", self.query)
    }
}

#[tokio::test]
async fn a_token_lets_a_foreign_page_do_what_its_scopes_say() {
    let Some(chromium) = chromium() else { return };
    let scopes = [
        "call:victim/secret",
        "subscribe:pages/victim/price",
        "publish:programs/news",
    ];
    let token = Token {
        name: "page".into(),
        secret: Secret::random(),
        scopes: Scopes::new(scopes.map(|scope| scope.parse().expect("a scope")).into()),
    };
    let bearer = Bearer::of(&token.secret);
    let access = access(Vec::new(), vec![token]);
    let mut stage = Stage::start(HubOptions::default(), access).await;
    let hidden = FakePage::attach(&stage.hub, "hidden", &[]).await;
    let asks = [
        asks_within_the_scopes(&bearer),
        asks_beyond_the_scopes(&bearer, &hidden),
        asks_without_a_good_token(&bearer),
    ];
    check_asks(&chromium, &mut stage, &asks.concat()).await;
    assert_eq!(stage.calls(), 1);
    assert_eq!(stage.published("programs/news"), 1);
    assert_eq!(stage.published("programs/other"), 0);
}

fn asks_within_the_scopes(bearer: &Bearer) -> Vec<Ask> {
    let newest = format!("{TOPIC}?last=1");
    let price = r#""value":1250"#;
    vec![
        // Preflighted.
        ask(post(CALL, &bearer.headers), "200 p_", SECRET),
        ask(
            post("/v1/topics/programs/news", &bearer.headers),
            "200",
            r#""seq":1"#,
        ),
        ask(get(TOPIC, &bearer.headers), "200", price),
        ask(
            get("/v1/pages", &bearer.headers),
            "200",
            r#""group":"victim""#,
        ),
        // Simple: the token stands in the address, or among the protocols.
        ask(get(&bearer.in_address(TOPIC), &no_headers()), "200", price),
        ask(events(&bearer.in_address(&newest)), "{", price),
        ask(bearer.socket(&newest, ""), "{", price),
    ]
}

fn asks_beyond_the_scopes(bearer: &Bearer, hidden: &FakePage) -> Vec<Ask> {
    let other = "/v1/topics/programs/other";
    let (reads, publishes) = ("subscribe:programs/other", "publish:programs/other");
    let hidden = format!("/v1/pages/{}", hidden.id);
    vec![
        ask(
            post("/v1/call/victim/other", &bearer.headers),
            "403",
            "call:victim/other",
        ),
        ask(post(other, &bearer.headers), "403", publishes),
        ask(get(other, &bearer.headers), "403", reads),
        ask(get(&bearer.in_address(other), &no_headers()), "403", reads),
        ask(events(&bearer.in_address(other)), NOTHING, ""),
        ask(get(&hidden, &bearer.headers), "404", ""),
        ask(bearer.socket("/v1/page", "mine"), "", "attach:mine"),
    ]
}

/// A token where none may stand, and one that the hub does not know: not even the refusal can be read.
fn asks_without_a_good_token(bearer: &Bearer) -> Vec<Ask> {
    let guess = "0123456789abcdef";
    let guessed = json!({"authorization": format!("Bearer {guess}")});
    vec![
        ask(post(&bearer.in_address(CALL), &no_headers()), NOTHING, ""),
        ask(
            get(&bearer.in_address("/v1/pages"), &no_headers()),
            NOTHING,
            "",
        ),
        ask(post(CALL, &guessed), NOTHING, ""),
        ask(
            get(&format!("{TOPIC}?token={guess}"), &no_headers()),
            NOTHING,
            "",
        ),
        ask(post(CALL, &no_headers()), NOTHING, ""),
    ]
}

/// What a page asks of the hub, how the answer begins and what it holds.
#[derive(Debug, Clone)]
struct Ask {
    question: Value,
    begin: &'static str,
    part: &'static str,
}

/// The answer where the page gets none: `pages/ask.html` says so.
const NOTHING: &str = "nothing";

fn ask(question: Value, begin: &'static str, part: &'static str) -> Ask {
    Ask {
        question,
        begin,
        part,
    }
}

fn no_headers() -> Value {
    json!({})
}

fn get(path: &str, headers: &Value) -> Value {
    json!({"way": "fetch", "path": path, "options": {"headers": headers}})
}

fn post(path: &str, headers: &Value) -> Value {
    let options = json!({"method": "POST", "body": "[]", "headers": headers});
    json!({"way": "fetch", "path": path, "options": options})
}

fn events(path: &str) -> Value {
    json!({"way": "events", "path": path})
}

/// With a group the page says hello.
fn socket(path: &str, protocols: &[&str], group: &str) -> Value {
    json!({"way": "socket", "path": path, "protocols": protocols, "group": group})
}

/// Lets a page of the site ask all of this.
async fn check_asks(chromium: &Path, stage: &mut Stage, asks: &[Ask]) {
    let questions: Value = asks.iter().map(|ask| ask.question.clone()).collect();
    let html = include_str!("../pages/ask.html")
        .replace("{{hub}}", &stage.hub.http_url())
        .replace("{{asks}}", &questions.to_string());
    let browser = stage.show(chromium, html);
    let report = stage.site.report().await;
    assert_eq!(report["origin"], stage.site.origin);
    let answers = report["answers"].as_array().expect("answers");
    assert_eq!(answers.len(), asks.len());
    for (ask, answer) in asks.iter().zip(answers) {
        let answer = answer.as_str().expect("a text");
        let fits = answer.starts_with(ask.begin) && answer.contains(ask.part);
        assert!(fits, "{ask:?}: {answer}");
    }
    browser.close().await;
}
