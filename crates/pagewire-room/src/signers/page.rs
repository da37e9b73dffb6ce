//! `page:GROUP/FUNCTION`: a function that a page of the hub exposes.

use std::time::Duration;

use bytes::Bytes;
use pagewire_hub::{CallRequest, Failure, FailureReason, Hub, Reply, Target};
use pagewire_live::SignRequest;
use pagewire_rpc::{CallEnd, FunctionName, GroupName, JsonText, Payload};

use super::error::{SignError, WORDS_CHARS_MAX, excerpt};

/// Calls the function with the request as its one argument.
#[derive(Debug)]
pub(super) struct PageSigner {
    pub(super) hub: Hub,
    pub(super) group: GroupName,
    pub(super) function: FunctionName,
    pub(super) timeout: Duration,
}

impl PageSigner {
    /// # Cancel safety
    ///
    /// Dropping the future takes the call back: the page is told.
    pub(super) async fn ask(&self, request: &SignRequest) -> Result<Bytes, SignError> {
        let argument = JsonText::of_checked(request.json().into());
        let call = CallRequest {
            group: self.group.clone(),
            function: self.function.clone(),
            target: Target::Any,
            arguments: Payload::Json(argument.wrapped_in_array()),
            timeout: self.timeout,
            // Signing twice does no harm, so another tab may take over.
            idempotent: true,
            traceparent: None,
        };
        let answer = self.hub.call(call).await;
        match answer.map_err(|failure| self.why(failure))?.reply {
            Reply::Value(Payload::Json(text)) => Ok(text.into_bytes()),
            Reply::Value(Payload::Bytes(_)) => Err(SignError::PageCall(
                "the function gives bytes, and should give a text or an object".to_owned(),
            )),
            Reply::Stream(_) => Err(SignError::PageCall(
                "the function streams, and should give one value".to_owned(),
            )),
        }
    }

    fn why(&self, failure: Failure) -> SignError {
        let no_page = |why| SignError::NoPage {
            group: self.group.clone(),
            function: self.function.clone(),
            why,
        };
        match failure.reason {
            FailureReason::NotFound(missed, hints) => no_page(missed.explain(&hints)),
            FailureReason::Draining(_) => {
                no_page("the pages of this group are draining".to_owned())
            }
            FailureReason::BadArguments(why) => SignError::PageCall(format!(
                "the request does not fit the function's schema: {why}"
            )),
            FailureReason::ShuttingDown => SignError::PageCall("the hub shuts down".to_owned()),
            FailureReason::Ended(end) => match end {
                CallEnd::NotFound => no_page("the page does not expose it any more".to_owned()),
                CallEnd::PageGone(why) => SignError::PageGone(why.to_string()),
                CallEnd::PageError(error) | CallEnd::BadArguments(error) => {
                    SignError::PageThrew(excerpt(&error.message, WORDS_CHARS_MAX))
                }
                CallEnd::Timeout => SignError::PageSlow {
                    after: self.timeout,
                    cause: failure
                        .cause
                        .map_or_else(String::new, |cause| cause.to_string()),
                },
                CallEnd::TooLarge(error) => SignError::PageCall(error.message),
                CallEnd::Overloaded => {
                    SignError::PageCall("the page has too many calls waiting".to_owned())
                }
                CallEnd::Cancelled | CallEnd::Result(_) => {
                    SignError::PageCall("it was taken back".to_owned())
                }
            },
        }
    }
}
