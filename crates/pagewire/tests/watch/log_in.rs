//! A site that sends the tab of a room to a log-in first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use pagewire_live::Site;
use pagewire_testkit::{chromium, soon};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::binary::{Finished, lines};
use crate::reader::{quick, sim};
use crate::watching::{LIMIT, check, watching};

/// A page without a socket is told after 20 s; where the tab is, long before.
const AT_ONCE: Duration = Duration::from_secs(15);

/// Waits until somebody has logged in, and goes on to where the site has its users go: not to the room.
const SIGN_IN: &str = "<!doctype html><title>Sign in</title><script>
const look = async () => {
  const answer = await fetch('/allowed');
  if (await answer.text() === 'true') location = '/home';
  else setTimeout(look, 50);
};
look();
</script>";

/// What the site knows.
#[derive(Clone)]
struct Known {
    is_in: Arc<AtomicBool>,
    page: String,
}

impl Known {
    fn is_in(&self) -> bool {
        self.is_in.load(Ordering::SeqCst)
    }
}

async fn room(State(known): State<Known>) -> Response {
    if known.is_in() {
        Html(known.page).into_response()
    } else {
        Redirect::to("/sign-in?next=/made/7").into_response()
    }
}

async fn start(known: Known) -> (String, AbortOnDropHandle<()>) {
    let allowed = async |State(known): State<Known>| known.is_in().to_string();
    let routes = Router::new()
        .route("/made/7", get(room))
        .route("/sign-in", get(async || Html(SIGN_IN)))
        .route(
            "/home",
            get(async || Html("<!doctype html><title>Home</title>")),
        )
        .route("/allowed", get(allowed))
        .with_state(known);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async {
        let _ = axum::serve(listener, routes).await;
    });
    (format!("http://{address}"), AbortOnDropHandle::new(server))
}

const TABLE: &str = r#"
[made]
like = "douyin"
rooms = ["http://127.0.0.1/made/{room}"]
page = "http://{origin}/made/{room}"
log_in = []
sockets = ["ws://127.0.0.1/webcast/im/push/*"]
"#;

#[tokio::test]
async fn a_tab_that_is_sent_to_a_log_in_is_said_at_once_and_the_room_goes_on_after_it() {
    let Some(chromium) = chromium() else {
        return;
    };
    let sim = sim(quick(Site::Douyin, &[])).await;
    let push = sim.push_url("r").expect("a room");
    let known = Known {
        is_in: Arc::default(),
        page: format!("<!doctype html><title>7</title><script>new WebSocket('{push}')</script>"),
    };
    let (origin, _server) = start(known.clone()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let room = format!("{origin}/made/7");
    let browser = chromium.to_str().expect("UTF-8");
    let arguments = [&*room, "--json", "--headless", "--browser", browser];
    let mut command = watching(&folder, &arguments);
    std::fs::write(folder.path().join("sites.toml"), TABLE).expect("written");
    let mut child = command.spawn().expect("started");
    let mut said = lines(child.stderr.take().expect("piped"));
    let words = format!("waiting: the site sent the tab to {origin}/sign-in");
    let mut told = String::new();
    let sent = async {
        while !told.ends_with("Log in there, then the room goes on.\n") {
            let line = said.next_line().await.expect("read").expect("a line");
            let line = line.split(" Without a window").next().expect("a part");
            told += &format!("{line}\n");
        }
    };
    timeout(AT_ONCE, sent).await.expect("at once");
    assert!(told.contains(&words), "{told}");

    known.is_in.store(true, Ordering::SeqCst);
    let rest = tokio::spawn(async move {
        let mut rest = String::new();
        while let Ok(Some(line)) = said.next_line().await {
            rest += &(line + "\n");
        }
        rest
    });
    let ended = timeout(LIMIT, child.wait_with_output()).await;
    let ended = ended.expect("it ends").expect("ended");
    let watched = Finished {
        code: ended.status.code().unwrap_or(-1),
        stdout: String::from_utf8(ended.stdout).expect("UTF-8"),
        stderr: soon("the words", rest).await.expect("read"),
    };
    check(&watched, &sim, "r");
    assert!(
        watched.stderr.contains("live: messages come"),
        "{}",
        watched.stderr
    );
}
