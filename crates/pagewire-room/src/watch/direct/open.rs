//! Opens a push socket: signed where the site wants that.

use std::time::Instant;

use http::header::{COOKIE, USER_AGENT};
use http::{HeaderName, HeaderValue};
use pagewire_dial::{Address, DialError, Header};
use pagewire_live::{Browser, Failure, FailureKind, Resume, RoomFacts, SignRequest, Signing};

use super::About;
use crate::direct::{DirectSocket, open};
use crate::signers::{Opening, SignError, Signed, SignerAddress};
use crate::watch::keeper::unix_us;

/// A socket that is open.
pub(super) struct Opened {
    pub(super) socket: DirectSocket,
    /// Without its query, which has secrets.
    pub(super) address: String,
}

/// Who signed, and who was asked before.
#[derive(Debug)]
pub(in crate::watch) struct SignedBy {
    pub(in crate::watch) signer: SignerAddress,
    pub(in crate::watch) failed: Vec<(SignerAddress, SignError)>,
}

/// Why there is none.
pub(super) enum NotOpened {
    Refused {
        status: u16,
        headers: Vec<(String, String)>,
    },
    Failed(Failure),
}

/// Where to, and with which headers.
struct Way {
    address: Address,
    headers: Vec<Header>,
}

impl About {
    /// Opens a socket; who signed is known also where none opened.
    pub(super) async fn open(
        &self,
        address: &str,
        resume: &Resume,
        facts: &RoomFacts,
    ) -> (Option<SignedBy>, Result<Opened, NotOpened>) {
        match self.way(address, resume, facts).await {
            Ok((way, signed)) => (signed, self.open_at(way).await),
            Err(failure) => (None, Err(NotOpened::Failed(failure))),
        }
    }

    async fn open_at(&self, way: Way) -> Result<Opened, NotOpened> {
        let Way { address, headers } = way;
        let opened = open(
            &self.source.connector,
            &address,
            headers,
            self.source.socket,
        )
        .await;
        let shown = address.to_string();
        Ok(Opened {
            socket: opened.map_err(not_opened)?,
            address: shown.split('?').next().unwrap_or_default().to_owned(),
        })
    }

    async fn way(
        &self,
        address: &str,
        resume: &Resume,
        facts: &RoomFacts,
    ) -> Result<(Way, Option<SignedBy>), Failure> {
        let own = self.headers();
        let Some(signing) = &self.entry.signing else {
            return Ok((way(address, own)?, None));
        };
        if !self.source.addresses.is_empty() {
            return Ok((way(&signing.resumed(address, resume), own)?, None));
        }
        let request = self.request(signing, address, resume, facts);
        let Signed {
            signer,
            opening,
            failed,
        } = self.sign(&request).await?;
        let signed = Some(SignedBy { signer, failed });
        let (address, headers) = match opening {
            Opening::Signature(signature) => {
                let address = request.address_with(signing, &signature.0);
                return Ok((way(&address, own)?, signed));
            }
            Opening::Address { address, headers } => (address, headers),
        };
        let names: Vec<_> = headers.iter().map(|header| header.name.clone()).collect();
        let others = own.into_iter().filter(|own| !names.contains(&own.name));
        let headers = others.chain(headers).collect();
        Ok((Way { address, headers }, signed))
    }

    pub(super) fn request(
        &self,
        signing: &Signing,
        address: &str,
        resume: &Resume,
        facts: &RoomFacts,
    ) -> SignRequest {
        let browser = Browser::of_user_agent(&self.source.user_agent);
        let (site, now_ms) = (&self.entry.name, unix_us() / 1_000);
        signing.request(site, address, facts, &browser, resume, now_ms, self.seed)
    }

    pub(super) async fn sign(&self, request: &SignRequest) -> Result<Signed, Failure> {
        let failed = |text| Failure {
            kind: FailureKind::Signer,
            text,
        };
        let Some(signers) = &self.source.signers else {
            return Err(failed("there is none; name one with --signer".to_owned()));
        };
        let signed = signers.sign(request, Instant::now()).await;
        signed.map_err(|all| failed(all.to_string()))
    }

    /// Of the table, and the user's. What cannot be a header is left out, as it came from the user's own table.
    fn headers(&self) -> Vec<Header> {
        let own = [
            (USER_AGENT.as_str(), &self.source.user_agent),
            (COOKIE.as_str(), &self.source.cookie),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        let all = self.entry.headers_for(&self.room).into_iter().chain(own);
        let headers = all.filter_map(|(name, value)| {
            let name: HeaderName = name.parse().ok()?;
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(name == COOKIE);
            (!value.is_empty()).then_some(Header { name, value })
        });
        headers.collect()
    }
}

fn way(address: &str, headers: Vec<Header>) -> Result<Way, Failure> {
    let checked: Result<Address, String> = address.parse();
    let address = checked.map_err(|text| Failure {
        kind: FailureKind::Other,
        text,
    })?;
    Ok(Way { address, headers })
}

fn not_opened(error: DialError) -> NotOpened {
    let kind = match &error {
        DialError::Refused(refusal) => {
            let headers = refusal.headers().iter();
            let headers = headers.filter_map(|(name, value)| {
                Some((name.to_string(), value.to_str().ok()?.to_owned()))
            });
            return NotOpened::Refused {
                status: refusal.status().as_u16(),
                headers: headers.collect(),
            };
        }
        DialError::Lookup { .. } => FailureKind::NoHost,
        DialError::ConnectionRefused { .. } | DialError::Unreachable { .. } => {
            FailureKind::Unreachable
        }
        DialError::Tls { .. } => FailureKind::Tls,
        DialError::TimedOut { .. } => FailureKind::TimedOut,
        DialError::BrokenOff { .. } | DialError::BadAnswer { .. } => FailureKind::Other,
    };
    // The address has a signature in it, so of the words only the kind is told.
    let text = match error {
        DialError::Lookup { why, .. }
        | DialError::Unreachable { why, .. }
        | DialError::Tls { why, .. }
        | DialError::BrokenOff { why, .. }
        | DialError::BadAnswer { why, .. } => why,
        DialError::ConnectionRefused { .. } => "connection refused".to_owned(),
        DialError::TimedOut { .. } | DialError::Refused(_) => String::new(),
    };
    NotOpened::Failed(Failure { kind, text })
}
