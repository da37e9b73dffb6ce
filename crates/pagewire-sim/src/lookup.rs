//! How clients find a room without its page.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use pagewire_live::Site;
use serde_json::json;

use crate::options::Status;
use crate::room::{Room, wall_ms};
use crate::site::{Parameters, Shared, parameter};

/// `GET /webcast/room/web/enter/?web_rid=…` of Douyin.
pub(crate) async fn enter(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Response {
    let name = parameter(&parameters, "web_rid").unwrap_or_default();
    let Some(room) = shared
        .by_name(name)
        .filter(|room| room.options.site == Site::Douyin)
    else {
        let none = json!({ "status_code": 4_001_038, "data": { "message": "room does not exist", "prompts": "直播间不存在" } });
        return Json(none).into_response();
    };
    // `status` of the room: 1 is preparing, 2 live, 4 ended. `room_status`: 0 is live, 2 not.
    let (status, room_status) = match room.status() {
        Status::Waiting => (1, 2),
        Status::Live => (2, 0),
        Status::Ended => (4, 2),
        Status::Login => {
            let words = json!({ "status_code": 20_003, "data": { "prompts": "请先登录" } });
            return (StatusCode::UNAUTHORIZED, Json(words)).into_response();
        }
        // As the site answers whom it takes for a robot.
        Status::Captcha => return StatusCode::OK.into_response(),
    };
    Json(json!({
        "status_code": 0,
        "extra": { "now": wall_ms() },
        "data": {
            "data": [{ "id_str": room.id.to_string(), "status": status, "title": title(room) }],
            "enter_room_id": room.id.to_string(),
            "room_status": room_status,
            "user": { "id_str": room.host.id.to_string(), "nickname": room.host.name },
        },
    }))
    .into_response()
}

/// What the page shows above all.
pub(crate) fn title(room: &Room) -> String {
    format!("{} 的直播间 · room {}", room.host.name, room.options.name)
}

/// `GET /bilibili/xlive/web-room/v1/index/getDanmuInfo?id=…`: where the push server is, and the token for it.
pub(crate) async fn danmu_info(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Response {
    let asked = parameter(&parameters, "id").unwrap_or_default();
    let Some(room) = shared.asked_for(Site::Bilibili, asked) else {
        return Json(json!({ "code": 60_004, "message": "直播间不存在", "data": null }))
            .into_response();
    };
    let port = shared.address.port();
    Json(json!({
        "code": 0,
        "message": "0",
        "data": {
            "token": shared.token(room),
            "host_list": [{ "host": "127.0.0.1", "port": port, "ws_port": port, "wss_port": port }],
            "room_id": room.id,
        },
    }))
    .into_response()
}
