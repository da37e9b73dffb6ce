use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Request as Asked, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;

/// Requests that came: host and path, and the cookie.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// A server that answers so many bytes, redirects so many times, or to wherever the query says.
struct Server {
    port: u16,
    seen: Seen,
}

impl Server {
    async fn start() -> Self {
        let seen = Seen::default();
        let count = async |Path(left): Path<usize>| match left {
            0 => "there".into_response(),
            left => Redirect::to(&format!("../count/{}", left - 1)).into_response(),
        };
        let to = async |request: Asked| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            (StatusCode::FOUND, [(LOCATION, query)])
        };
        let note = |State(seen): State<Seen>, request: Asked, next: Next| async move {
            let text = |value: Option<&HeaderValue>| {
                value
                    .map_or("", |value| value.to_str().expect("text"))
                    .to_owned()
            };
            let headers = request.headers();
            let place = text(headers.get(http::header::HOST)) + request.uri().path();
            let cookie = text(headers.get(COOKIE));
            seen.lock().expect("alone").push((place, cookie));
            next.run(request).await
        };
        let routes = Router::new()
            .route(
                "/bytes/{bytes}",
                get(async |Path(bytes): Path<usize>| vec![b'x'; bytes]),
            )
            .route("/count/{left}", get(count))
            .route("/to", get(to))
            .route(
                "/not_modified",
                get(async || (StatusCode::NOT_MODIFIED, [(LOCATION, "/")])),
            )
            .layer(from_fn_with_state(seen.clone(), note));
        // Both names of this machine lead to it.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async { axum::serve(listener, routes).await });
        Self { port, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn seen(&self) -> Vec<(String, String)> {
        let port = format!(":{}", self.port);
        let seen = std::mem::take(&mut *self.seen.lock().expect("alone"));
        let without = |(place, cookie): (String, String)| (place.replace(&port, ""), cookie);
        seen.into_iter().map(without).collect()
    }
}

fn http() -> Http {
    let source = DirectSource {
        cookie: "a=1".to_owned(),
        ..DirectSource::new(tls::plain_connector())
    };
    Http::new(&source, 60_000)
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit_and_not_longer() {
    let (server, http) = (Server::start().await, http());
    let got = |bytes: usize| {
        let (url, http) = (server.url(&format!("/bytes/{bytes}")), &http);
        async move { http.get(&url, |_| false).await }
    };
    let answer = got(ASK_BYTES_MAX).await.expect("an answer");
    assert_eq!((answer.status, answer.body.len()), (200, ASK_BYTES_MAX));
    let failure = got(ASK_BYTES_MAX + 1).await.expect_err("too long");
    assert!(failure.text.contains("more than"), "{failure:?}");
}

#[tokio::test]
async fn redirections_are_followed_to_the_limit_and_not_one_more() {
    let (server, http) = (Server::start().await, http());
    let url = |times: usize| server.url(&format!("/count/{times}"));
    for times in 0..=REDIRECTS_MAX {
        let answer = http.get(&url(times), |_| false).await.expect("an answer");
        assert_eq!((answer.status, &*answer.body), (200, &b"there"[..]));
        assert_eq!(answer.address, url(0));
        assert_eq!(server.seen().len(), times + 1);
    }
    let too_many = http.get(&url(REDIRECTS_MAX + 1), |_| false).await;
    let text = too_many.expect_err("one more").text;
    assert_eq!(text, "it redirects more than 5 times");
    assert_eq!(server.seen().len(), REDIRECTS_MAX + 1);

    let found = async |times| {
        let at = url(0);
        let look = |address: &str| (address == at).then_some(times);
        http.follow(&url(times), look).await
    };
    let last = found(REDIRECTS_MAX).await.expect("followed");
    assert_eq!(last, Ok(REDIRECTS_MAX));
    // What is looked for is not asked itself.
    assert_eq!(server.seen().len(), REDIRECTS_MAX);
    let text = found(REDIRECTS_MAX + 1).await.expect_err("one more").text;
    assert_eq!(text, "it redirects more than 5 times");
    let nothing = http
        .follow(&url(1), |_| None::<()>)
        .await
        .expect("followed");
    assert_eq!(nothing, Err(url(0)));
}

#[tokio::test]
async fn cookies_go_to_the_host_that_they_were_given_for_and_to_those_of_its_site() {
    let (server, http) = (Server::start().await, http());
    let other = format!("http://localhost:{}/bytes/1", server.port);
    let url = server.url(&format!("/to?{other}"));
    let cookies = async |is_own: bool| {
        let answer = http.get(&url, |_| is_own).await.expect("an answer");
        assert_eq!((answer.status, &answer.address), (200, &other));
        server.seen()
    };
    let place = |host: &str, cookie: &str| (host.to_owned(), cookie.to_owned());
    let first = place("127.0.0.1/to", "a=1");
    assert_eq!(
        cookies(false).await,
        [first.clone(), place("localhost/bytes/1", "")]
    );
    assert_eq!(
        cookies(true).await,
        [first, place("localhost/bytes/1", "a=1")]
    );
    // Back at the first host they are sent again; whoever only follows sends none at all.
    let back = format!(
        "http://localhost:{}/to?{}",
        server.port,
        server.url("/bytes/1")
    );
    let there_and_back = server.url(&format!("/to?{back}"));
    http.get(&there_and_back, |_| false)
        .await
        .expect("an answer");
    let cookies: Vec<_> = server
        .seen()
        .into_iter()
        .map(|(_, cookie)| cookie)
        .collect();
    assert_eq!(cookies, ["a=1", "", "a=1"]);
    http.follow(&url, |_| None::<()>)
        .await
        .expect("followed")
        .expect_err("nothing");
    assert!(server.seen().iter().all(|(_, cookie)| cookie.is_empty()));
}

#[tokio::test]
async fn a_redirection_that_leads_nowhere_is_said_in_words_and_others_are_none() {
    let (server, http) = (Server::start().await, http());
    for (location, words) in [
        (
            "ftp://host.test/",
            "it redirects to ftp://host.test/, which is no web address",
        ),
        ("http://", "which is no web address"),
        ("", "it redirects, and does not say where to"),
    ] {
        let got = http
            .get(&server.url(&format!("/to?{location}")), |_| false)
            .await;
        let text = got.expect_err(location).text;
        assert!(text.contains(words), "{location}: {text}");
    }
    let answer = http.get(&server.url("/not_modified"), |_| false).await;
    assert_eq!(answer.expect("an answer").status, 304);
}
