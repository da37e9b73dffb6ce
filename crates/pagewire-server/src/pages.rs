//! `GET /v1/pages`, `GET` and `DELETE /v1/pages/{id}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use pagewire_hub::PageInfo;
use pagewire_rpc::PageId;
use serde::Serialize;

use crate::access::Principal;
use crate::problem::Problem;
use crate::server::Shared;

#[derive(Serialize)]
pub(crate) struct PageList {
    pages: Vec<PageInfo>,
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<PageList>, Problem> {
    if !principal.scopes.may_see_any() {
        return Err(Problem::forbidden(
            "listing pages needs scope admin or call",
        ));
    }
    let mut pages = shared.hub.pages();
    pages.retain(|page| principal.scopes.may_see(&page.group));
    Ok(Json(PageList { pages }))
}

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<PageInfo>, Problem> {
    let page = find(&id).and_then(|id| shared.hub.page(&id));
    let page = page.filter(|page| principal.scopes.may_see(&page.group));
    page.map(Json).ok_or_else(|| no_such_page(&id))
}

pub(crate) async fn detach(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if !principal.scopes.may_administer() {
        return Err(Problem::forbidden("detaching a page needs scope admin"));
    }
    match find(&id) {
        Some(page) if shared.hub.detach(&page) => Ok(StatusCode::NO_CONTENT),
        Some(_) | None => Err(no_such_page(&id)),
    }
}

fn find(id: &str) -> Option<PageId> {
    PageId::new(id).ok()
}

fn no_such_page(id: &str) -> Problem {
    Problem::not_found(format!("no page {id} is attached"))
}
