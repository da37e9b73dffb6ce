//! `/sim/`: what stands, what was sent, and what shall go wrong.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::room::Room;
use crate::signature::sign;
use crate::site::{Refused, Shared};

/// Bytes of the body of a request.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// A fault, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wanted {
    One(String),
    Many(Vec<String>),
}

/// What a signer is asked, by whatever name: see `docs/sim.md`.
#[derive(Deserialize)]
struct ToSign {
    #[serde(alias = "X-MS-STUB", alias = "md5")]
    stub: String,
}

#[derive(Serialize)]
struct Signed {
    signature: String,
    #[serde(rename = "X-Bogus")]
    bogus: String,
}

/// `GET /sim/rooms`.
pub(crate) async fn rooms(State(shared): State<Arc<Shared>>) -> Response {
    let rooms = shared.rooms.iter().map(|room| room.listed());
    Json(rooms.collect::<Vec<_>>()).into_response()
}

/// `GET /sim/rooms/{room}`.
pub(crate) async fn room(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    Ok(Json(found(&shared, &name)?.listed()).into_response())
}

/// `GET /sim/rooms/{room}/manifest`, with the ids of all messages where `ids=true` is asked for.
pub(crate) async fn manifest(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Refused> {
    let mut manifest = found(&shared, &name)?.manifest();
    if query.get("ids").is_none_or(|ids| ids != "true") {
        manifest.ids.clear();
    }
    Ok(Json(manifest).into_response())
}

/// `GET /sim/rooms/{room}/faults`: those that stand.
pub(crate) async fn faults(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    Ok(standing(found(&shared, &name)?))
}

/// `POST /sim/rooms/{room}/faults`: a fault as a JSON text, or several in a list. All are looked at before the first comes about.
pub(crate) async fn add_faults(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let room = found(&shared, &name)?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|_| {
        let words = "the body is a fault as a JSON text, such as \"drop\", or a list of them: [\"masked\", \"drop=20\"]\n";
        (StatusCode::UNPROCESSABLE_ENTITY, words.to_owned())
    })?;
    let texts = match wanted {
        Wanted::One(text) => vec![text],
        Wanted::Many(texts) => texts,
    };
    let refused =
        |error: crate::FaultError| (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n"));
    let faults: Result<Vec<Fault>, _> = texts
        .iter()
        .map(|text| {
            let fault: Fault = text.parse()?;
            room.options.check_fault(fault).map(|()| fault)
        })
        .collect();
    for fault in faults.map_err(refused)? {
        room.fault(fault).map_err(refused)?;
    }
    Ok(standing(room))
}

/// `POST /sim/sign`: what a page would sign, for signers that are no page.
pub(crate) async fn signed(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Response, Refused> {
    let wanted: ToSign = serde_json::from_slice(&body).map_err(|_| {
        let words = "the body is JSON with the MD5 to sign as a member \"md5\" (or \"stub\", or \"X-MS-STUB\")\n";
        (StatusCode::UNPROCESSABLE_ENTITY, words.to_owned())
    })?;
    let signature = sign(shared.loads.own(), &wanted.stub);
    Ok(Json(Signed {
        bogus: signature.clone(),
        signature,
    })
    .into_response())
}

fn standing(room: &Room) -> Response {
    let faults = room
        .faults()
        .iter()
        .map(Fault::to_string)
        .collect::<Vec<_>>();
    Json(faults).into_response()
}

fn found<'s>(shared: &'s Shared, name: &str) -> Result<&'s Arc<Room>, Refused> {
    shared.by_name(name).ok_or_else(|| {
        let words = "there is no such room; GET /sim/rooms lists those that there are\n";
        (StatusCode::NOT_FOUND, words.to_owned())
    })
}
