//! Push servers: who is let in, and how.

mod first;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use pagewire_live::Site;

use crate::fault::{Fault, Refusal};
use crate::feed::{Feed, INCOMING_BYTES_MAX};
use crate::options::Status;
use crate::room::{Opening, Room, wall_ms};
use crate::signature::{signed_text, stub};
use crate::site::{Parameters, Shared, faults_of, parameter};
use crate::wire::{Answered, DouyinWire, Unit, Wire, cursor_of, response};

/// Messages of one answer to polling.
const FETCH_MESSAGES: usize = 200;
/// How often whoever polls is to ask.
const POLLING_MS: u64 = 500;

/// `GET /webcast/im/push/v2/`.
pub(crate) async fn douyin(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
    upgrade: WebSocketUpgrade,
) -> Response {
    let faults = match faults_of(&parameters, Site::Douyin) {
        Ok(faults) => faults,
        Err(refused) => return refused.into_response(),
    };
    let asked = parameter(&parameters, "room_id").unwrap_or_default();
    let Some(room) = shared.asked_for(Site::Douyin, asked).cloned() else {
        return (StatusCode::NOT_FOUND, "room_id is of no room here\n").into_response();
    };
    if let Err(response) = let_in(&shared, &room, &faults, &parameters).await {
        return response;
    }
    let number = cursor_of(parameter(&parameters, "cursor").unwrap_or_default());
    let next = match number {
        Some(number) => {
            room.count(|counters| counters.resumed += 1);
            room.resume(number)
        }
        None => room.present(),
    };
    let wire = DouyinWire::new(room.id, shared.options.heartbeat.as_secs());
    serve(upgrade, &shared, async move |socket, shut_down| {
        let wire = Wire::Douyin(wire);
        Feed {
            socket,
            room,
            wire,
            faults,
            next,
            shut_down,
        }
        .run()
        .await;
    })
}

/// All that may stand in the way of a socket of Douyin.
async fn let_in(
    shared: &Shared,
    room: &Room,
    faults: &[Fault],
    parameters: &[(String, String)],
) -> Result<(), Response> {
    match room.status() {
        Status::Live | Status::Ended => {}
        Status::Waiting | Status::Login | Status::Captcha => {
            return Err((StatusCode::NOT_FOUND, "the room has no broadcast\n").into_response());
        }
    }
    slow(room, faults).await;
    if let Opening::Refused(how) = room.open(faults) {
        return Err(match how {
            Refusal::Blocked => blocked(),
            Refusal::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                (status, "refused, as a fault wants it\n").into_response()
            }
        });
    }
    if is_polling(room, faults) {
        let why = "there is no socket, messages are fetched\n";
        return Err((StatusCode::SERVICE_UNAVAILABLE, why).into_response());
    }
    let text = signed_text(|name| parameter(parameters, name));
    let signature = parameter(parameters, "signature").unwrap_or_default();
    if !shared.loads.fits(&stub(&text), signature) {
        room.count(|counters| counters.refused += 1);
        return Err(blocked());
    }
    Ok(())
}

/// HTTP 200 in the place of 101, with headers that say why.
fn blocked() -> Response {
    let headers = [
        ("handshake-msg", "DEVICE_BLOCKED"),
        ("handshake-status", "415"),
    ];
    (StatusCode::OK, headers).into_response()
}

fn all<'f>(of_room: &'f [Fault], faults: &'f [Fault]) -> impl Iterator<Item = &'f Fault> {
    of_room.iter().chain(faults)
}

pub(crate) fn is_polling(room: &Room, faults: &[Fault]) -> bool {
    all(&room.faults(), faults).any(|fault| *fault == Fault::Polling)
}

async fn slow(room: &Room, faults: &[Fault]) {
    let of_room = room.faults();
    let mut waits = all(&of_room, faults).filter_map(|fault| {
        if let Fault::SlowHandshake(wait) = fault {
            Some(*wait)
        } else {
            None
        }
    });
    let wait = waits.next();
    tokio::time::sleep(wait.unwrap_or(Duration::ZERO)).await;
}

/// `GET /webcast/im/fetch/`.
pub(crate) async fn fetch(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Response {
    let faults = match faults_of(&parameters, Site::Douyin) {
        Ok(faults) => faults,
        Err(refused) => return refused.into_response(),
    };
    let asked = parameter(&parameters, "room_id").unwrap_or_default();
    let room = shared.asked_for(Site::Douyin, asked);
    let is_there = |room: &&Arc<Room>| matches!(room.status(), Status::Live | Status::Ended);
    let Some(room) = room.filter(is_there) else {
        // As the site answers what it does not want to: with nothing.
        return StatusCode::OK.into_response();
    };
    let is_polling = is_polling(room, &faults);
    let number = cursor_of(parameter(&parameters, "cursor").unwrap_or_default());
    let from = match number {
        Some(number) => room.resume(number),
        None => room.present(),
    };
    let (batch, _) = room.after(from, FETCH_MESSAGES);
    room.count(|counters| {
        counters.polls += u64::from(is_polling);
        counters.missed += batch.missed;
    });
    let units: Vec<_> = batch
        .messages
        .iter()
        .map(|message| Unit::from(&**message))
        .collect();
    let answered = Answered {
        room: room.id,
        heartbeat_s: shared.options.heartbeat.as_secs(),
        next: batch.next,
        now_ms: wall_ms(),
        polling_ms: is_polling.then_some(POLLING_MS),
    };
    let kind = [(http::header::CONTENT_TYPE, "application/protobuf")];
    (kind, response(&units, &answered)).into_response()
}

/// `GET /huya`.
pub(crate) async fn huya(
    state: State<Arc<Shared>>,
    query: Parameters,
    upgrade: WebSocketUpgrade,
) -> Response {
    asked_later(state, query, upgrade, Site::Huya)
}

/// `GET /bilibili/sub`.
pub(crate) async fn bilibili(
    state: State<Arc<Shared>>,
    query: Parameters,
    upgrade: WebSocketUpgrade,
) -> Response {
    asked_later(state, query, upgrade, Site::Bilibili)
}

/// `GET /douyu`.
pub(crate) async fn douyu(
    state: State<Arc<Shared>>,
    query: Parameters,
    upgrade: WebSocketUpgrade,
) -> Response {
    asked_later(state, query, upgrade, Site::Douyu)
}

/// Lets anybody in, and hears from them which room they want.
fn asked_later(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
    upgrade: WebSocketUpgrade,
    site: Site,
) -> Response {
    let faults = match faults_of(&parameters, site) {
        Ok(faults) => faults,
        Err(refused) => return refused.into_response(),
    };
    let of_all = shared.clone();
    serve(upgrade, &shared, async move |mut socket, shut_down| {
        let asked = first::room(&mut socket, &of_all, site, &faults);
        let asked = tokio::select! {
            asked = asked => asked,
            () = shut_down.cancelled() => None,
        };
        let Some((room, wire)) = asked else {
            return;
        };
        let next = room.present();
        Feed {
            socket,
            room,
            wire,
            faults,
            next,
            shut_down,
        }
        .run()
        .await;
    })
}

fn serve<F>(
    upgrade: WebSocketUpgrade,
    shared: &Shared,
    serve: impl FnOnce(WebSocket, tokio_util::sync::CancellationToken) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    // Counted from here on, so that nothing is opened behind the back of whoever shuts down.
    let (token, shut_down) = (shared.tasks.token(), shared.shut_down.clone());
    upgrade
        .max_message_size(INCOMING_BYTES_MAX)
        .max_frame_size(INCOMING_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            serve(socket, shut_down).await;
            drop(token);
        })
}
