//! What a real browser said (`fixtures/network.md`), and what becomes of it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    method: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    body_of: Option<NetworkId>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<&'a str>,
}

/// Plays the recording. Answers that nobody asked for are passed over.
fn play(taps: &mut Taps) -> Vec<String> {
    let recording = include_str!("../../../fixtures/network.jsonl");
    let session = session("S");
    let mut out = Vec::new();
    for line in recording.lines() {
        let line: Line<'_> = serde_json::from_str(line).expect("a line of the recording");
        if let Some(request) = line.body_of {
            let body = line
                .result
                .map(|result| serde_json::from_str(result.get()).unwrap());
            let body = body.as_ref().ok_or_else(|| line.error.unwrap_or_default());
            taps.handle_body(&session, &request, body);
        }
        if let (Some(method), Some(params)) = (line.method, line.params) {
            feed_raw(taps, &session, method, params).expect(method);
            if method == "Page.frameNavigated" {
                let told: FrameNavigated = serde_json::from_str(params.get()).unwrap();
                let document = told.frame.loader_id.as_ref();
                taps.handle_navigation(&session, document, "the page navigated", NOW_MS);
            }
        }
        out.extend(lines(taps));
    }
    out
}

#[test]
fn sockets_of_a_recorded_page_become_these_values() {
    let got = play(&mut taps(&["ws:127.0.0.1"])).join("\n");
    let expected = include_str!("../../../fixtures/network.ws.txt");
    assert_eq!(got.trim(), expected.trim(), "\n{got}");
}

#[test]
fn responses_of_a_recorded_page_become_these_values() {
    let got = play(&mut taps(&["http:127.0.0.1"])).join("\n");
    let expected = include_str!("../../../fixtures/network.http.txt");
    assert_eq!(got.trim(), expected.trim(), "\n{got}");
}

#[test]
fn secrets_of_a_recorded_page_are_kept_only_where_it_is_wished() {
    let secrets = ["cookie5ecret", "5ec2e7", "c2VjcmV0", "=t0k"];
    let rules = ["ws:*", "http:*/data*"];
    let redacted = play(&mut taps(&rules)).join("\n");
    let kept = play(&mut taps_with(&rules, Secrets::Keep)).join("\n");
    for secret in secrets {
        assert!(!redacted.contains(secret), "{secret}");
        assert!(kept.contains(secret), "{secret}");
    }
}

#[test]
fn nothing_comes_of_what_no_rule_fits() {
    assert_eq!(play(&mut taps(&[])), Vec::<String>::new());
    let rules = ["ws:push.example.com", "http:api.example.com"];
    assert_eq!(play(&mut taps(&rules)), Vec::<String>::new());
}
