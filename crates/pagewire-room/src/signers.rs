//! Signers: who signs the address of a push socket. No site's signing code is here; each signer is the user's own.
//!
//! [`Signers`] asks them in order. One that fails rests for a while, and why is kept ([`Signers::states`]). `docs/signers.md` is what
//! users are promised.

mod address;
mod command;
mod error;
mod opening;
pub mod order;
mod page;
mod process;
pub mod script;
mod target;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pagewire_dial::tls::Connector;
use pagewire_hub::Hub;
use pagewire_live::{SignAnswer, SignRequest};

use self::address::AddressSigner;
use self::command::CommandSigner;
pub use self::error::SignError;
pub use self::opening::{Opening, Signature};
use self::order::{Order, Rest};
use self::page::PageSigner;
pub use self::process::STDERR_BYTES_MAX;
use self::script::{ScriptOptions, ScriptSigner};
pub use self::target::SignerAddress;

/// Most signers of a list.
pub const SIGNERS_MAX: usize = 16;

/// What signers need, and how long each may take.
#[derive(Debug, Clone)]
pub struct SignerOptions {
    /// The hub whose pages are asked.
    pub hub: Hub,
    /// Opens connections to servers that sign.
    pub connector: Connector,
    /// How scripts are run.
    pub script: ScriptOptions,
    /// How long a page may take; 5 s by default.
    pub page_timeout: Duration,
    /// How long a program may take from its start to its end; 10 s by default.
    pub command_timeout: Duration,
    /// How long a server may take from the look-up of its name to the end of its answer; 10 s by default.
    pub address_timeout: Duration,
}

impl SignerOptions {
    /// Pages of this hub, servers through this connector, and the times above.
    pub fn new(hub: Hub, connector: Connector) -> Self {
        Self {
            hub,
            connector,
            script: ScriptOptions::default(),
            page_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(10),
            address_timeout: Duration::from_secs(10),
        }
    }
}

/// Several signers in order, shared by all rooms.
#[derive(Debug)]
pub struct Signers {
    signers: Vec<(SignerAddress, Signer)>,
    order: Mutex<Order>,
}

#[derive(Debug)]
enum Signer {
    Page(PageSigner),
    Script(Box<ScriptSigner>),
    Command(CommandSigner),
    Address(Box<AddressSigner>),
}

/// A signer of a list that cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--signer {signer}: {why}")]
pub struct UnusableSigner {
    /// Which.
    pub signer: SignerAddress,
    /// Why.
    pub why: Box<SignError>,
}

/// What came of signing.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who signed.
    pub signer: SignerAddress,
    /// The signature, or a whole address, checked.
    pub opening: Opening,
    /// Those that were asked before it, and why they gave nothing.
    pub failed: Vec<(SignerAddress, SignError)>,
}

/// No signer gave anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("none of {} signers signed", .failures.len())]
pub struct AllFailed {
    /// Each signer in its order, and why it gave nothing, now or when it was asked last.
    pub failures: Vec<(SignerAddress, SignError)>,
}

/// How a signer fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerState {
    /// Which.
    pub signer: SignerAddress,
    /// Why and until when it rests; none when it has not failed since it worked last.
    pub rest: Option<Rest>,
}

impl Signers {
    /// Checks the list, and reads the scripts in it.
    ///
    /// # Errors
    ///
    /// Which signer cannot be used, and why: one too many, a script that cannot be read, a build without scripts.
    pub fn new(
        addresses: Vec<SignerAddress>,
        options: &SignerOptions,
    ) -> Result<Self, UnusableSigner> {
        let unusable = |signer: &SignerAddress, why| UnusableSigner {
            signer: signer.clone(),
            why: Box::new(why),
        };
        if let Some(surplus) = addresses.get(SIGNERS_MAX) {
            let why = SignError::TooMany { limit: SIGNERS_MAX };
            return Err(unusable(surplus, why));
        }
        let mut signers = Vec::with_capacity(addresses.len());
        for address in addresses {
            let signer = Signer::new(&address, options).map_err(|why| unusable(&address, why))?;
            signers.push((address, signer));
        }
        Ok(Self {
            order: Mutex::new(Order::new(signers.len())),
            signers,
        })
    }

    /// Asks one signer after the other until one signs. `now` decides who rests.
    ///
    /// # Errors
    ///
    /// None of them did: why each of them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes a call of a page back, kills a program, and closes a connection.
    pub async fn sign(&self, request: &SignRequest, now: Instant) -> Result<Signed, AllFailed> {
        let began = Instant::now();
        let (mut tried, mut failed) = (Vec::new(), Vec::new());
        while let Some(which) = self.next(&tried, now) {
            let Some((address, signer)) = self.signers.get(which) else {
                break;
            };
            match signer.ask(request, address).await {
                Ok(opening) => {
                    self.order().worked(which);
                    return Ok(Signed {
                        signer: address.clone(),
                        opening,
                        failed,
                    });
                }
                Err(error) => {
                    tracing::warn!(signer = %address, %error, "a signer failed and rests");
                    failed.push((address.clone(), error.clone()));
                    self.order().failed(which, error, now + began.elapsed());
                    tried.push(which);
                }
            }
        }
        Err(self.all_failed())
    }

    /// How long asking all of them may take, one after the other.
    pub fn longest(&self) -> Duration {
        self.signers
            .iter()
            .map(|(_, signer)| signer.longest())
            .sum()
    }

    /// How each signer fares, in their order.
    pub fn states(&self) -> Vec<SignerState> {
        let order = self.order();
        let signers = self.signers.iter().enumerate();
        let states = signers.map(|(which, (signer, _))| SignerState {
            signer: signer.clone(),
            rest: order.rest(which).cloned(),
        });
        states.collect()
    }

    fn next(&self, tried: &[usize], now: Instant) -> Option<usize> {
        self.order().next(tried, now)
    }

    fn order(&self) -> std::sync::MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_failed(&self) -> AllFailed {
        let rests = self.states().into_iter();
        let failures = rests.filter_map(|state| Some((state.signer, state.rest?.reason)));
        AllFailed {
            failures: failures.collect(),
        }
    }
}

impl Signer {
    fn new(address: &SignerAddress, options: &SignerOptions) -> Result<Self, SignError> {
        Ok(match address.clone() {
            SignerAddress::Page { group, function } => Self::Page(PageSigner {
                hub: options.hub.clone(),
                group,
                function,
                timeout: options.page_timeout,
            }),
            SignerAddress::Script { file, function } => {
                let signer = ScriptSigner::new(file, function, options.script.clone())?;
                Self::Script(Box::new(signer))
            }
            SignerAddress::Command { program, arguments } => Self::Command(CommandSigner {
                program,
                arguments,
                timeout: options.command_timeout,
            }),
            SignerAddress::Http(uri) => {
                let (connector, timeout) = (options.connector.clone(), options.address_timeout);
                Self::Address(Box::new(AddressSigner::new(uri, connector, timeout)))
            }
        })
    }

    /// How long it may take.
    fn longest(&self) -> Duration {
        match self {
            Self::Page(signer) => signer.timeout,
            Self::Script(signer) => signer.longest(),
            Self::Command(signer) => signer.timeout,
            Self::Address(signer) => signer.timeout,
        }
    }

    async fn ask(
        &self,
        request: &SignRequest,
        address: &SignerAddress,
    ) -> Result<Opening, SignError> {
        let result = &request.result;
        let (answer, ignored) = match self {
            Self::Page(signer) => SignAnswer::read_json(&signer.ask(request).await?, result)?,
            Self::Script(signer) => SignAnswer::read_json(&signer.ask(request).await?, result)?,
            Self::Command(signer) => SignAnswer::read(&signer.ask(request).await?, result)?,
            Self::Address(signer) => SignAnswer::read(&signer.ask(request).await?, result)?,
        };
        if let Some(ignored) = ignored {
            tracing::info!(signer = %address, "{ignored}");
        }
        Ok(Opening::try_from(answer)?)
    }
}
