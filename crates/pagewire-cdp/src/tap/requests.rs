//! Requests and their responses.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::Tapped;
use super::clock::{Clock, Moment};
use super::name::ConnectionName;
use super::rules::TapRules;
use super::table::Table;
use super::value::{self, Encoding, End, Head, Payload, told_url};
use crate::connection::RawEvent;
use crate::error::Error;
use crate::event::{
    EventSourceMessageReceived, LoadingFailed, LoadingFinished, RequestWillBeSent, Response,
    ResponseBody, ResponseReceived,
};
use crate::ids::{NetworkId, SessionId};

/// Tapped requests of one page under way at once, with those whose body is being fetched. One more is not tapped.
pub const TAP_REQUESTS_MAX: usize = 1_024;

/// The requests of a page that are tapped.
#[derive(Debug)]
pub(super) struct Requests {
    rules: Arc<TapRules>,
    table: Table<Request>,
}

#[derive(Debug)]
struct Request {
    connection: ConnectionName,
    url: Box<str>,
    /// None where the request was not seen.
    method: Option<Box<str>>,
    status: Option<u16>,
    mime: Option<Box<str>>,
    stage: Stage,
}

/// How far a request is.
#[derive(Debug)]
enum Stage {
    /// Told where a worker is made, or by the worker, and answered in the worker: perhaps one of another page.
    Announced,
    UnderWay,
    /// An event stream: its messages have been told one by one.
    Streaming,
    /// It has ended at this moment, and its body has been asked for.
    WantsBody(Moment),
}

impl Requests {
    pub(super) fn new(rules: Arc<TapRules>) -> Self {
        Self {
            rules,
            table: Table::new("requests of a page", TAP_REQUESTS_MAX),
        }
    }

    pub(super) fn handle_event(
        &mut self,
        session: &SessionId,
        name: &str,
        event: &RawEvent<'_>,
        clock: &mut Clock,
        wall_ms: u64,
        out: &mut VecDeque<Tapped>,
    ) -> Result<(), Error> {
        match name {
            "requestWillBeSent" => {
                let told: RequestWillBeSent<'_> = event.read()?;
                clock.told(told.timestamp, told.wall_time);
                let moment = clock.event(told.timestamp, wall_ms);
                self.sent(session, &told, moment, out)?;
            }
            "responseReceived" => {
                let told: ResponseReceived<'_> = event.read()?;
                self.adopt(session, &told.request_id);
                self.answered(session, &told)?;
            }
            "eventSourceMessageReceived" => {
                let told: EventSourceMessageReceived<'_> = event.read()?;
                let moment = clock.event(told.timestamp, wall_ms);
                self.stream_event(session, &told, moment, out)?;
            }
            "loadingFinished" => {
                let told: LoadingFinished<'_> = event.read()?;
                let moment = clock.event(told.timestamp, wall_ms);
                self.adopt(session, &told.request_id);
                self.finished(session, &told.request_id, moment, out);
            }
            "loadingFailed" => {
                let told: LoadingFailed<'_> = event.read()?;
                let moment = clock.event(told.timestamp, wall_ms);
                self.adopt(session, &told.request_id);
                self.failed(session, &told, moment, out);
            }
            _ => {}
        }
        Ok(())
    }

    fn sent(
        &mut self,
        session: &SessionId,
        told: &RequestWillBeSent<'_>,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) -> Result<(), Error> {
        // A redirected request keeps its id; what it was answered with has no body that could be fetched.
        if let Some(response) = &told.redirect_response
            && let Some(mut redirected) = self.table.remove(session, &told.request_id)
        {
            redirected.answered(response);
            out.push_back(redirected.value(moment, End::NoBody));
        }
        // Neither the script of a worker nor the question whether a request to another origin is allowed (CORS-preflight) is of a document. The
        // question has no body.
        let is_of_none = is_of_browser(&told.request_id) && told.loader_id.is_empty();
        let is_script = told.kind == "Script";
        let is_known = self.table.get_mut(session, &told.request_id).is_some();
        if is_known || is_of_none && !is_script || !self.rules.taps_response(&told.request.url) {
            return Ok(());
        }
        let mut request = self.request(&told.request.url, Some(&told.request.method));
        if is_of_none {
            request.stage = Stage::Announced;
        }
        self.table.insert(session, &told.request_id, request)
    }

    fn request(&self, url: &str, method: Option<&str>) -> Request {
        Request {
            connection: ConnectionName::of_responses(url),
            url: told_url(url, self.rules.keep_secrets),
            method: method.map(Into::into),
            status: None,
            mime: None,
            stage: Stage::UnderWay,
        }
    }

    /// The document of a frame of another site is requested in the document around it, and ends in the frame.
    fn adopt(&mut self, session: &SessionId, id: &str) {
        if is_of_browser(id) {
            self.table.adopt(session, id);
        }
    }

    fn answered(&mut self, session: &SessionId, told: &ResponseReceived<'_>) -> Result<(), Error> {
        let is_known = self.table.get_mut(session, &told.request_id).is_some();
        let begins = !is_known && is_of_browser(&told.request_id);
        let method = match &*told.kind {
            // The first one of a new tab is requested before anybody can listen to the tab.
            "Document" if begins => Some(None),
            // Of a worker (HTML §10.2.4).
            "Script" if begins => Some(Some("GET")),
            _ => None,
        };
        if let Some(method) = method
            && self.rules.taps_response(&told.response.url)
        {
            let request = self.request(&told.response.url, method);
            self.table.insert(session, &told.request_id, request)?;
        }
        if let Some(request) = self.table.get_mut(session, &told.request_id) {
            request.answered(&told.response);
        }
        Ok(())
    }

    fn stream_event(
        &mut self,
        session: &SessionId,
        told: &EventSourceMessageReceived<'_>,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) -> Result<(), Error> {
        let Some(request) = self.table.get_mut(session, &told.request_id) else {
            return Ok(());
        };
        let event = Payload::new(Encoding::Text, told.event_name).map(|_| told.event_name);
        let data = Payload::new(Encoding::Text, told.data);
        let (event, data) = event.zip(data).ok_or(Error::Malformed {
            what: "a message of an event stream",
            at: 0,
        })?;
        request.stage = Stage::Streaming;
        out.push_back(value::stream_event(
            &request.connection,
            event,
            data,
            moment,
        ));
        Ok(())
    }

    fn finished(
        &mut self,
        session: &SessionId,
        id: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        let Some(request) = self.table.get_mut(session, id) else {
            return;
        };
        match request.stage {
            // A worker that begins may be too busy to tell its answer's head.
            Stage::Announced | Stage::UnderWay => {
                request.stage = Stage::WantsBody(moment);
                out.push_back(Tapped::WantBody {
                    session: session.clone(),
                    request: NetworkId::from(id),
                });
            }
            Stage::Streaming => {
                out.push_back(request.value(moment, End::NoBody));
                self.table.remove(session, id);
            }
            Stage::WantsBody(_) => {}
        }
    }

    fn failed(
        &mut self,
        session: &SessionId,
        told: &LoadingFailed<'_>,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        let Some(request) = self.table.remove(session, &told.request_id) else {
            return;
        };
        let end = if told.canceled && request.has_no_body() {
            empty_body()
        } else {
            End::Error(&told.error_text)
        };
        out.push_back(request.value(moment, end));
    }

    pub(super) fn handle_body(
        &mut self,
        session: &SessionId,
        id: &NetworkId,
        body: Result<&ResponseBody<'_>, &str>,
        out: &mut VecDeque<Tapped>,
    ) {
        let Some(request) = self.table.get_mut(session, id.as_str()) else {
            return;
        };
        let Stage::WantsBody(moment) = request.stage else {
            return;
        };
        let payload = body.map(|body| {
            let encoding = if body.base64_encoded {
                Encoding::Base64
            } else {
                Encoding::Text
            };
            Payload::new(encoding, body.body)
        });
        let end = match payload {
            Ok(Some(payload)) => End::Body(payload),
            Ok(None) => End::Error("the browser told a body that is no text"),
            Err(error) => End::Error(error),
        };
        out.push_back(request.value(moment, end));
        self.table.remove(session, id.as_str());
    }

    pub(super) fn forget_session(
        &mut self,
        session: &SessionId,
        reason: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        for (_, request) in self.table.drain(session, |_, _| true) {
            request.end_early(moment, reason, out);
        }
    }

    /// Bodies that have been asked for still come.
    pub(super) fn forget_document(
        &mut self,
        session: &SessionId,
        document: Option<&NetworkId>,
        reason: &str,
        moment: Moment,
        out: &mut VecDeque<Tapped>,
    ) {
        let ends = |id: &NetworkId, request: &Request| {
            Some(id) != document && !matches!(request.stage, Stage::WantsBody(_))
        };
        for (_, request) in self.table.drain(session, ends) {
            request.end_early(moment, reason, out);
        }
    }
}

impl Request {
    fn answered(&mut self, response: &Response<'_>) {
        self.status = Some(response.status);
        self.mime = Some((*response.mime_type).into());
        if matches!(self.stage, Stage::Announced) {
            self.stage = Stage::UnderWay;
        }
    }

    fn end_early(self, moment: Moment, reason: &str, out: &mut VecDeque<Tapped>) {
        if !matches!(self.stage, Stage::Announced) {
            out.push_back(self.value(moment, End::Error(reason)));
        }
    }

    /// RFC 9110 §6.4.1. Chromium calls such responses cancelled when their end comes.
    const fn has_no_body(&self) -> bool {
        matches!(self.status, Some(204 | 205 | 304))
    }

    fn value(&self, moment: Moment, end: End<'_>) -> Tapped {
        let head = Head {
            url: &self.url,
            method: self.method.as_deref(),
            status: self.status,
            mime: self.mime.as_deref(),
        };
        value::response(&self.connection, head, moment, end)
    }
}

/// Whether the browser itself makes the request, as for a document and for the script of a worker. Such ids are unique in the whole browser;
/// those of other requests are `PROCESS.NUMBER` (Chromium 156).
fn is_of_browser(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn empty_body() -> End<'static> {
    let empty: Option<&'static RawValue> = serde_json::from_str(r#""""#).ok();
    empty
        .and_then(|empty| Payload::new(Encoding::Text, empty))
        .map_or(End::NoBody, End::Body)
}
