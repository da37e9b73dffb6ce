//! Opens a push socket: signed where the site wants that.

use std::time::Instant;

use http::header::{COOKIE, USER_AGENT};
use http::{HeaderName, HeaderValue};
use pagewire_dial::{Address, DialError, Header, Security};
use pagewire_live::{Browser, Failure, FailureKind, Resume, RoomFacts, SignRequest, Signing};

use super::About;
use crate::direct::{DirectSocket, open};
use crate::signers::{AllFailed, Opening, SignError, Signed, SignerAddress};
use crate::watch::keeper::unix_us;

/// A socket that is open.
pub(super) struct Opened {
    pub(super) socket: DirectSocket,
    /// Without its query, which has secrets.
    pub(super) address: String,
}

/// Who signed, if anybody did, and who gave nothing.
#[derive(Debug)]
pub(in crate::watch) struct SignedBy {
    pub(in crate::watch) signer: Option<SignerAddress>,
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
    /// Opens a socket; who signed and who did not is known also where none opened.
    pub(super) async fn open(
        &self,
        address: &str,
        resume: &Resume,
        facts: &RoomFacts,
    ) -> (Option<SignedBy>, Result<Opened, NotOpened>) {
        let (signed, way) = self.way(address, resume, facts).await;
        let opened = match way {
            Ok(way) => self.open_at(way).await,
            Err(failure) => Err(NotOpened::Failed(failure)),
        };
        (signed, opened)
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
    ) -> (Option<SignedBy>, Result<Way, Failure>) {
        let own = self.headers();
        let Some(signing) = &self.entry.signing else {
            return (None, way(address, own));
        };
        if !self.source.addresses.is_empty() {
            return (None, way(&signing.resumed(address, resume), own));
        }
        let request = self.request(signing, address, resume, facts);
        let (signed, opening) = self.sign(&request).await;
        let way = opening.and_then(|opening| match opening {
            Opening::Signature(signature) => way(&request.address_with(signing, &signature.0), own),
            Opening::Address {
                address: given,
                headers,
            } => Ok(self.way_of_signer(address, given, headers, own)),
        });
        (Some(signed), way)
    }

    /// To where a signer says, in place of `address`. Its headers go before our own, and the user's cookie only to the site's own hosts, and not in the
    /// open where `address` is not.
    fn way_of_signer(
        &self,
        address: &str,
        given: Address,
        headers: Vec<Header>,
        own: Vec<Header>,
    ) -> Way {
        let leaves_tls = given.security == Security::Plain && !address.starts_with("ws://");
        let is_own = !leaves_tls && self.entry.has_host_of(&given.http().to_string());
        let names: Vec<_> = headers.iter().map(|header| header.name.clone()).collect();
        let own = own.into_iter().filter(|own| {
            let is_free = !names.contains(&own.name);
            is_free && (is_own || own.name != COOKIE)
        });
        Way {
            headers: own.chain(headers).collect(),
            address: given,
        }
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

    /// Who did not sign is told beside, each with its reason: a failure is one line.
    pub(super) async fn sign(&self, request: &SignRequest) -> (SignedBy, Result<Opening, Failure>) {
        let signed = match &self.source.signers {
            Some(signers) => signers.sign(request, Instant::now()).await,
            None => Err(AllFailed::default()),
        };
        match signed {
            Ok(Signed {
                signer,
                opening,
                failed,
            }) => {
                let signer = Some(signer);
                (SignedBy { signer, failed }, Ok(opening))
            }
            Err(AllFailed { failures: failed }) => {
                let text = match failed.len() {
                    0 => "there is none; name one with --signer".to_owned(),
                    count => format!("0/{count}"),
                };
                let kind = FailureKind::Signer;
                let signer = None;
                (SignedBy { signer, failed }, Err(Failure { kind, text }))
            }
        }
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
