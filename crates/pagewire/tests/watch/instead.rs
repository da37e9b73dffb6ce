//! From the tab to a socket of our own, where the tab is at fault and the room is not.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract;
use axum::response::{Html, IntoResponse as _, Redirect};
use axum::routing::get;
use pagewire_live::Site;
use pagewire_sim::{RoomOptions, Sim};
use pagewire_testkit::{chromium, soon};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::task::AbortOnDropHandle;

use crate::binary::{interrupt, lines};
use crate::reader::{quick, sim};
use crate::watching::{QUICK, check_site, finished, watching};

/// What is said when a room leaves its tab.
const GOES_DIRECT: &str = "so the room goes on with a socket of our own";

/// A site whose page does nothing, and whose push server is the simulator's and wants no signature.
struct Still {
    sim: Sim,
    room: String,
    folder: TempDir,
    /// When a page that opened no socket opens none.
    open_within_ms: u64,
    _server: AbortOnDropHandle<()>,
}

impl Still {
    async fn start() -> Self {
        Self::of(quick(Site::Huya, &[])).await
    }

    async fn of(room: RoomOptions) -> Self {
        let sim = sim(room).await;
        let id = sim.asked_for("r").expect("an id");
        let asked = json!({ "presenter": id }).to_string();
        let page = async |extract::Path(room): extract::Path<String>| match &*room {
            "7" => Ok(Html("<!doctype html><title>7</title><p>Tea").into_response()),
            "8" => Ok(Redirect::to("/sign-in?next=8").into_response()),
            _ => Err((http::StatusCode::NOT_FOUND, "no such room")),
        };
        let routes = Router::new()
            .route("/made/{room}", get(page))
            .route("/ask/{room}", get(async || Redirect::to("../asked/it")))
            .route(
                "/sign-in",
                get(async || Html("<!doctype html><title>Sign in</title>")),
            )
            .route("/asked/it", get(async move || asked))
            .route("/s/7", get(async || Redirect::to("/t/7")))
            .route(
                "/t/7",
                get(async || Redirect::permanent("../made/7?from=t")),
            )
            .route("/s/lost", get(async || Redirect::to("/asked/it")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async {
            let _ = axum::serve(listener, routes).await;
        });
        Self {
            room: format!("http://{address}/made/7"),
            sim,
            folder: tempfile::tempdir().expect("a folder"),
            open_within_ms: 20_000,
            _server: AbortOnDropHandle::new(server),
        }
    }

    fn watching(&self, arguments: &[&str]) -> Command {
        let command = watching(&self.folder, arguments);
        let open_within_ms = self.open_within_ms;
        let push = self.sim.push_url("r").expect("a room");
        let table = format!(
            r#"{QUICK}
[made]
format = "huya"
rooms = ["http://127.0.0.1/made/{{room}}"]
page = "http://{{origin}}/made/{{room}}"
short = ["http://127.0.0.1/s/*"]
sockets = ["ws://127.0.0.1/huya"]
push = ["{push}"]
[made.ask]
address = "http://{{origin}}/ask/{{room}}"
presenter = ["/presenter"]
[made.timing]
open_within_ms = {open_within_ms}
"#
        );
        let file = self.folder.path().join("sites.toml");
        std::fs::write(file, table).expect("written");
        command
    }

    /// A browser that ends at once, and says that all is well.
    fn no_browser(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join("browser");
        std::fs::write(&path, "#!/bin/sh\nexit 0\n").expect("written");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, executable).expect("executable");
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[tokio::test]
async fn a_page_that_opens_no_socket_is_left_for_one_of_our_own_and_that_is_said_once() {
    let Some(chromium) = chromium() else {
        return;
    };
    let site = Still {
        open_within_ms: 1_500,
        ..Still::start().await
    };
    let browser = ["--headless", "--browser", text(&chromium)];
    let journals = ["--journal", text(site.folder.path())];
    let arguments = [&[&*site.room, "--json"], &browser[..], &journals].concat();
    let watched = finished(&mut site.watching(&arguments)).await;
    check_site(&watched, &site.sim, "r", Site::Huya);
    let said = &watched.stderr;
    let why = "the tab does not work (the page opened no socket of a room), ";
    assert_eq!(said.matches(GOES_DIRECT).count(), 1, "{said}");
    assert!(said.contains(&(why.to_owned() + GOES_DIRECT)), "{said}");
    // What the journal has is what was seen.
    let replayed = crate::watching::replay(&site.folder.path().join("made-7"), &["--json"]).await;
    assert_eq!(
        crate::watching::events(&replayed),
        crate::watching::events(&watched)
    );
}

#[tokio::test]
async fn a_log_in_that_the_page_wants_is_not_gone_round() {
    let Some(chromium) = chromium() else {
        return;
    };
    let site = Still::start().await;
    let room = site.room.replace("/made/7", "/made/8");
    let arguments = [&*room, "--headless", "--browser", text(&chromium)];
    let mut child = site.watching(&arguments).spawn().expect("started");
    let mut lines = lines(child.stderr.take().expect("piped"));
    let at = site.room.replace("/made/7", "/sign-in");
    let words = format!("waiting: the site sent the tab to {at}");
    let mut said = String::new();
    let waiting = async {
        while !said.contains(&words) {
            let line = lines.next_line().await.expect("read");
            said += &(line.expect("it waits") + "\n");
        }
    };
    soon("the log-in", waiting).await;
    interrupt(&child);
    while let Some(line) = soon("the end", lines.next_line()).await.expect("read") {
        said += &(line + "\n");
    }
    assert!(!said.contains(GOES_DIRECT), "{said}");
    let ended = soon("the end", child.wait()).await;
    assert_eq!(ended.expect("ended").code(), Some(0));
}

#[tokio::test]
async fn a_browser_that_cannot_be_started_is_done_without() {
    let site = Still::start().await;
    let nowhere = site.folder.path().join("nothing");
    let arguments = [&*site.room, "--json", "--browser", text(&nowhere)];
    let mut command = site.watching(&arguments);
    let watched = finished(command.env("LC_ALL", "zh_CN.UTF-8")).await;
    check_site(&watched, &site.sim, "r", Site::Huya);
    let words = "标签页无法使用（没有可用的浏览器：cannot start ";
    assert_eq!(
        watched.stderr.matches(words).count(),
        1,
        "{}",
        watched.stderr
    );
    assert!(
        watched.stderr.contains("改用直接连接继续"),
        "{}",
        watched.stderr
    );
}

#[tokio::test]
async fn where_no_browser_is_found_there_is_a_socket_of_our_own_from_the_beginning() {
    let site = Still::start().await;
    let mut command = site.watching(&[&site.room, "--json"]);
    let watched = finished(command.env("PATH", "/nonexistent")).await;
    check_site(&watched, &site.sim, "r", Site::Huya);
    let words = "So the rooms are watched by sockets of our own.";
    assert_eq!(
        watched.stderr.matches(words).count(),
        1,
        "{}",
        watched.stderr
    );
    assert!(!watched.stderr.contains(GOES_DIRECT), "{}", watched.stderr);
}

#[tokio::test]
async fn a_browser_that_ends_at_once_is_done_without_and_is_no_browser_that_somebody_closed() {
    let site = Still::start().await;
    let browser = site.no_browser();
    let arguments = [
        &*site.room,
        "--json",
        "--headless",
        "--browser",
        text(&browser),
    ];
    let watched = finished(&mut site.watching(&arguments)).await;
    check_site(&watched, &site.sim, "r", Site::Huya);
    let said = &watched.stderr;
    assert_eq!(said.matches(GOES_DIRECT).count(), 1, "{said}");
    assert!(said.contains("the browser does not stay: "), "{said}");
}

#[tokio::test]
async fn a_browser_that_was_done_without_is_no_failure_in_the_end() {
    let endless = RoomOptions {
        rate: 100,
        messages: None,
        ..quick(Site::Huya, &[])
    };
    let site = Still::of(endless).await;
    let nowhere = site.folder.path().join("nothing");
    let arguments = [&*site.room, "--browser", text(&nowhere)];
    let mut child = site.watching(&arguments).spawn().expect("started");
    let mut said = lines(child.stderr.take().expect("piped"));
    let live = async {
        while let Some(line) = said.next_line().await.expect("read") {
            if line.contains("live: messages come") {
                break;
            }
        }
    };
    soon("messages", live).await;
    interrupt(&child);
    let ended = soon("the end", child.wait_with_output()).await;
    assert_eq!(ended.expect("ended").status.code(), Some(0));
}

/// Where the tab or the browser was asked for by name, where the browser has a proxy of its own, and where a signature would be missing.
#[tokio::test]
async fn a_tab_is_not_left_where_that_was_not_wanted_or_leads_nowhere() {
    let site = Still::start().await;
    let signed = sim(quick(Site::Douyin, &[])).await;
    let signed = signed.room_url("r").expect("a room");
    let nowhere = site.folder.path().join("nothing");
    let none = ["--browser", text(&nowhere)];
    for (room, browser, more) in [
        (&site.room, &none, &["--source", "tab"][..]),
        (&site.room, &none, &["--proxy", "socks5://127.0.0.1:9"]),
        (&site.room, &["--port", "1"], &[]),
        (&signed, &none, &[]),
    ] {
        let arguments = [&[&**room], &browser[..], more].concat();
        let watched = finished(&mut site.watching(&arguments)).await;
        let said = &watched.stderr;
        assert_eq!(watched.code, 1, "{said}");
        assert!(!said.contains(GOES_DIRECT), "{said}");
        let words = "refused: there is no browser for its tab: ";
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn a_room_that_does_not_exist_is_no_fault_of_the_tab() {
    let Some(chromium) = chromium() else {
        return;
    };
    let site = Still::start().await;
    let other = site.room.replace("/made/7", "/made/9");
    let arguments = [&*other, "--headless", "--browser", text(&chromium)];
    let watched = finished(&mut site.watching(&arguments)).await;
    assert_eq!(watched.code, 5, "{}", watched.stderr);
    assert!(!watched.stderr.contains(GOES_DIRECT), "{}", watched.stderr);
}

#[tokio::test]
async fn a_short_link_is_followed_to_its_room_and_the_site_to_where_it_answers() {
    let site = Still::start().await;
    let link = site.room.replace("/made/7", "/s/7");
    let arguments = [&*link, &*site.room, "--json", "--source", "direct"];
    let watched = finished(&mut site.watching(&arguments)).await;
    // The link and the address are one room.
    check_site(&watched, &site.sim, "r", Site::Huya);
    let lost = site.room.replace("/made/7", "/s/lost");
    let words = format!(
        "{lost} leads to {}",
        site.room.replace("/made/7", "/asked/it")
    );
    let ended = finished(&mut site.watching(&[&lost])).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains(&words), "{}", ended.stderr);
    assert!(ended.stderr.contains("no room of made"), "{}", ended.stderr);
    let closed = ["http://127.0.0.1:1/s/7"];
    let ended = finished(&mut site.watching(&closed)).await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let words = "where http://127.0.0.1:1/s/7 leads could not be asked";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}
