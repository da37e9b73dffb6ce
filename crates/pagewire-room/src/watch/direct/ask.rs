//! Asks the site by HTTP: whether the room is live, and for messages where there is no socket.

use pagewire_live::{Failure, FailureKind, Resume, RoomAnswer, RoomFacts};

use super::http::{Answer, failure};
use super::{About, SignedBy, Told};
use crate::signers::{Opening, SignError, SignerAddress};

/// Who gave no signature.
type Failed = Vec<(SignerAddress, SignError)>;

impl About {
    pub(super) async fn ask(&self) -> Told {
        let Some(address) = self.entry.ask_address(&self.room) else {
            let why = "the table of sites does not say where";
            return Told::AskFailed(failure(FailureKind::Other, why));
        };
        match self.get(&address).await {
            Ok(answer) if self.entry.is_log_in(&answer.address) => {
                Told::Answered(RoomAnswer::LogIn)
            }
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                Told::Answered(self.entry.ask.read(answer.status, &body))
            }
            Err(failure) => Told::AskFailed(failure),
        }
    }

    async fn get(&self, address: &str) -> Result<Answer, Failure> {
        let is_own = |address: &str| self.entry.has_host_of(address);
        self.http.get(address, is_own).await
    }

    /// Polls. Who signs each time is not told, only who did not.
    pub(super) async fn poll(&self, resume: &Resume, facts: &RoomFacts) -> (SignedBy, Told) {
        let (failed, address) = self.fetch_address(resume, facts).await;
        let answer = match address {
            Ok(address) => self.get(&address).await,
            Err(failure) => Err(failure),
        };
        let told = match answer {
            Ok(Answer {
                status: 200, body, ..
            }) => Told::Polled(body),
            Ok(Answer { status, .. }) => {
                let why = format!("the site answered {status}");
                Told::PollFailed(failure(FailureKind::Other, why))
            }
            Err(failure) => Told::PollFailed(failure),
        };
        let signer = None;
        (SignedBy { signer, failed }, told)
    }

    /// Signed where somebody signs: whether a site wants that for polling too is its own affair.
    async fn fetch_address(
        &self,
        resume: &Resume,
        facts: &RoomFacts,
    ) -> (Failed, Result<String, Failure>) {
        let address = self.entry.fetch_address(&self.room);
        let (Some(address), Some(signing)) = (address, &self.entry.signing) else {
            let why = "the table of sites does not say where to poll";
            return (Vec::new(), Err(failure(FailureKind::Other, why)));
        };
        let request = self.request(signing, &address, resume, facts);
        if self.source.signers.is_none() {
            return (Vec::new(), Ok(request.address_unsigned()));
        }
        let (SignedBy { failed, .. }, opening) = self.sign(&request).await;
        let address = opening.and_then(|opening| match opening {
            Opening::Signature(signature) => Ok(request.address_with(signing, &signature.0)),
            Opening::Address { .. } => {
                let why = "the signer gave the address of a socket, and polling needs a signature";
                Err(failure(FailureKind::Signer, why))
            }
        });
        (failed, address)
    }
}
