//! `GET /v1/pages`, `GET` and `DELETE /v1/pages/{id}`, `POST /v1/pages/{id}/drain` and `/resume`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::{Extension, Json};
use http::StatusCode;
use pagewire_hub::{PageInfo, Scopes};
use pagewire_rpc::PageId;
use serde::{Deserialize, Serialize};

use crate::access::Principal;
use crate::problem::Problem;
use crate::query::{duration, parse_query};
use crate::server::Shared;

/// Longest time that the calls of a page get before it is detached.
const GRACE_MAX: Duration = Duration::from_secs(600);

#[derive(Serialize)]
pub(crate) struct PageList {
    pages: Vec<PageInfo>,
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<PageList>, Problem> {
    if !principal.scopes.may_see_any() {
        return Err(Problem::missing_scope("call"));
    }
    let pages = seen_by(&principal.scopes, shared.hub.pages());
    Ok(Json(PageList { pages }))
}

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<PageInfo>, Problem> {
    let page = find(&id).and_then(|id| shared.hub.page(&id));
    let mut seen = seen_by(&principal.scopes, page.into_iter().collect());
    seen.pop()
        .map(Json)
        .ok_or_else(|| Problem::no_such_page(&id))
}

/// The pages that these scopes show, each with the taps that they may read.
pub(crate) fn seen_by(scopes: &Scopes, mut pages: Vec<PageInfo>) -> Vec<PageInfo> {
    pages.retain(|page| scopes.may_see(&page.group));
    for page in &mut pages {
        page.taps.retain(|tap| scopes.may_subscribe(&tap.topic));
    }
    pages
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetachQuery {
    #[serde(default, deserialize_with = "duration")]
    grace: Option<Duration>,
}

impl DetachQuery {
    fn grace(&self) -> Option<Duration> {
        self.grace.map(|grace| grace.min(GRACE_MAX))
    }
}

/// Detaches a page, after its calls have ended if the program gives them time.
pub(crate) async fn detach(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let query: DetachQuery = parse_query(request.uri())?;
    let page = administer(&shared, &principal, &id)?;
    if let Some(grace) = query.grace() {
        shared.hub.drain(&page, grace).await;
    }
    shared.hub.detach(&page);
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a page take no new calls but those that name it.
pub(crate) async fn drain(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let page = administer(&shared, &principal, &id)?;
    shared.hub.set_draining(&page, true);
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back what [`drain`] did.
pub(crate) async fn resume(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let page = administer(&shared, &principal, &id)?;
    shared.hub.set_draining(&page, false);
    Ok(StatusCode::NO_CONTENT)
}

/// The id of a page that is attached, for those who may change its state.
fn administer(shared: &Shared, principal: &Principal, id: &str) -> Result<PageId, Problem> {
    if !principal.scopes.may_administer() {
        return Err(Problem::missing_scope("admin"));
    }
    let page = find(id).and_then(|id| shared.hub.page(&id));
    page.map(|page| page.id)
        .ok_or_else(|| Problem::no_such_page(id))
}

fn find(id: &str) -> Option<PageId> {
    PageId::new(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_over_the_limit_is_cut_to_it() {
        for (asked, given) in [(0, 0), (600, 600), (601, 600)] {
            let query = DetachQuery {
                grace: Some(Duration::from_secs(asked)),
            };
            assert_eq!(query.grace(), Some(Duration::from_secs(given)));
        }
    }
}
