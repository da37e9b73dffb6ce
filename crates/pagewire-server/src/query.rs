//! Reading query parameters and bodies strictly: what is not known is refused by name.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Uri};
use pagewire_rpc::{ByteValue, JsonText, Payload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::problem::Problem;

/// Reads `500ms`, `5s`, `2m`, `1h 30m`; a bare number is seconds.
///
/// # Errors
///
/// Says what was wrong with the text.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("{text:?} is no length of time"));
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{text:?} is no length of time such as 500ms, 5s or 2m: {error}"))
}

/// For `#[serde(deserialize_with)]`.
pub(crate) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

pub(crate) fn parse_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|rejection| Problem::bad_request(rejection.body_text()))
}

/// Reads a body up to the limit as one value: JSON, or bytes with their own content type. None for an empty body that says no type.
pub(crate) async fn read_value(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Option<Payload>, Problem> {
    let bytes = read_body(body, bytes_max).await?;
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::trim);
    let media_type = content_type.unwrap_or("application/json");
    if !is_json(media_type) {
        return Ok(Some(Payload::Bytes(ByteValue::new(
            bytes,
            Some(media_type),
        ))));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let text = JsonText::parse(bytes).map_err(|error| {
        Problem::bad_request(format!(
            "the body is {error}; to send bytes, name their content type"
        ))
    })?;
    Ok(Some(Payload::Json(text)))
}

/// What curl sends with `-d` counts as JSON: that is what people paste.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or("").trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    let suffix = essence
        .len()
        .checked_sub(5)
        .and_then(|at| essence.get(at..));
    is("application/json")
        || is("application/x-www-form-urlencoded")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}

pub(crate) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, bytes_max)
        .await
        .map_err(|error| {
            let mut source: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = source {
                if error.is::<http_body_util::LengthLimitError>() {
                    return Problem::too_large(bytes_max);
                }
                source = error.source();
            }
            Problem::bad_request("the body did not arrive whole")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        for (text, ms) in [
            ("5s", 5_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1m 30s", 90_000),
            ("1.5", 1_500),
            ("0", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(ms)),
                "{text}"
            );
        }
        for text in ["", "x", "-1", "5 parsecs", "nan", "1e300"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn json_is_told_from_bytes() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.x+json",
            "application/x-www-form-urlencoded",
        ] {
            assert!(is_json(json), "{json}");
        }
        for bytes in ["application/octet-stream", "image/png", "text/plain", ""] {
            assert!(!is_json(bytes), "{bytes}");
        }
    }
}
