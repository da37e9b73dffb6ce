//! Pages of Douyin's rooms.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, Query, RawQuery, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use pagewire_live::Site;
use serde_json::json;

use crate::load::{Load, digits};
use crate::lookup::title;
use crate::options::Status;
use crate::push::is_polling;
use crate::site::{Parameters, Shared, faults_of, parameter};

const PAGE: &str = include_str!("../../../web/sim/room.html");
const SCRIPT: &str = include_str!("../../../web/sim/room.js");
const STYLE: &str = include_str!("../../../web/sim/room.css");
/// Where the page has what it was loaded with.
const STATE: &str = "{{STATE}}";
const TITLE: &str = "{{TITLE}}";
const SCRIPT_ADDRESS: &str = "{{SCRIPT}}";
/// Where the script has the same, and its secret: a value of its own closure.
const SCRIPT_STATE: &str = "/*{{LOAD}}*/ null";

/// As strict as those of real sites: no script of anywhere else, none in the page, and no socket to anywhere but here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// `GET /live/{room}`.
pub(crate) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    Query(parameters): Parameters,
) -> Response {
    if let Err(refused) = faults_of(&parameters, Site::Douyin) {
        return refused.into_response();
    }
    let Some(room) = shared
        .by_name(&name)
        .filter(|room| room.options.site == Site::Douyin)
    else {
        let words = plain("直播间不存在 · This room does not exist");
        return (StatusCode::NOT_FOUND, words).into_response();
    };
    match room.status() {
        Status::Login => return Redirect::to("/login").into_response(),
        Status::Captcha => {
            return plain("验证码中间页 · Solve the captcha to go on").into_response();
        }
        Status::Waiting | Status::Live | Status::Ended => {}
    }
    let load = Load {
        visitor: digits(),
        secret: digits(),
    };
    let state = json!({ "state": json!({
        "roomStore": { "roomId": room.id.to_string(), "web_rid": name },
        "userStore": { "user_unique_id": load.visitor },
    }).to_string() });
    let query = query
        .map(|query| format!("&{}", escaped(&query)))
        .unwrap_or_default();
    let html = PAGE
        .replace(STATE, &in_script(&state.to_string()))
        .replace(TITLE, &escaped(&title(room)))
        .replace(
            SCRIPT_ADDRESS,
            &format!("/live/{name}/room.js?load={}{query}", load.visitor),
        );
    shared.loads.add(load);
    with_policy(Html(html).into_response())
}

/// `GET /live/{room}/room.js?load=…`: the script of one load, with the secret in its closure.
pub(crate) async fn script(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(parameters): Parameters,
) -> Response {
    let room = shared
        .by_name(&name)
        .filter(|room| room.options.site == Site::Douyin);
    let load = shared
        .loads
        .of(parameter(&parameters, "load").unwrap_or_default());
    let (Some(room), Some(load)) = (room, load) else {
        return (
            StatusCode::NOT_FOUND,
            "this page was not loaded from here; load it again\n",
        )
            .into_response();
    };
    let Ok(faults) = faults_of(&parameters, Site::Douyin) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let state = json!({
        "room": room.id.to_string(),
        "name": name,
        "visitor": load.visitor,
        "secret": load.secret,
        "faults": faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "polling": is_polling(room, &faults),
    });
    let script = SCRIPT.replace(SCRIPT_STATE, &state.to_string());
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    not_stored((kind, script).into_response())
}

/// `GET /assets/room.css`.
pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// `GET /login`.
pub(crate) async fn login() -> Response {
    plain("请先登录 · Log in to watch this room").into_response()
}

/// `GET /`: the rooms with pages.
pub(crate) async fn home(State(shared): State<Arc<Shared>>) -> Response {
    let mut list = String::new();
    for room in shared
        .rooms
        .iter()
        .filter(|room| room.options.site == Site::Douyin)
    {
        let (name, title) = (&room.options.name, escaped(&title(room)));
        // Writing to a String does not fail.
        let _ = write!(list, "<li><a href=\"/live/{name}\">{title}</a>");
    }
    let html = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>pagewire sim</title><link rel=\"stylesheet\" href=\"/assets/room.css\"><main class=\"plain\"><h1>模拟直播间 · Simulated rooms</h1><ul>{list}</ul></main>"
    );
    with_policy(Html(html).into_response())
}

fn plain(words: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{words}</title><p>{words}</p>\n"
    ))
}

fn with_policy(mut response: Response) -> Response {
    let policy = HeaderValue::from_static(POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-content-type-options"), nosniff);
    not_stored(response)
}

/// Each load is one of its own.
fn not_stored(mut response: Response) -> Response {
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    response
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON that may stand in an element of a script.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}
