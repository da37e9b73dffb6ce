//! The command line of `pagewire attach`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{Capture, Expose, TapRule, UrlPattern};
use pagewire_rpc::{FunctionName, GroupName};
use pagewire_server::Secret;

use crate::cli::ConfigFile;
use crate::commands::browser::BrowserArguments;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(crate) struct AttachArguments {
    /// The page to open. Documents of its site become pages of the hub; see --match
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) browser: BrowserArguments,
    /// Documents that become pages: an address with * for any text; may be repeated [default: the site of URL, or *]
    #[arg(long = "match", value_name = "URL-PATTERN")]
    pub(crate) documents: Vec<UrlPattern>,
    /// What becomes a page of the hub
    #[arg(
        long,
        value_name = "KIND,…",
        value_delimiter = ',',
        default_value = "tab"
    )]
    pub(crate) targets: Vec<Kind>,
    /// Group of the pages
    #[arg(long, default_value = "page", value_parser = crate::settings::parse_group)]
    pub(crate) group: GroupName,
    /// Let programs call an expression of the page: a function such as app.api.sign or (x) => x + 1, or any value; may be repeated
    #[arg(long, value_name = "NAME=EXPRESSION")]
    pub(crate) expose: Vec<Expose>,
    /// Run this file in each document, before the page's own scripts; it has pagewire.expose and pagewire.publish; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Vec<PathBuf>,
    /// Expose what an expression is at a place of a script, also inside functions: NAME=URL-PATTERN:LINE:COLUMN:EXPRESSION, or with "text near it" for LINE:COLUMN; may be repeated
    #[arg(long, value_name = "NAME=PLACE:EXPRESSION")]
    pub(crate) capture: Vec<Capture>,
    /// Take the page's own WebSocket messages (ws:URL-PATTERN) or responses (http:URL-PATTERN) to topics taps/…; may be repeated
    #[arg(long, value_name = "ws:PATTERN|http:PATTERN")]
    pub(crate) tap: Vec<TapRule>,
    /// Give each tapped frame to this function of the page too, and what it returns to topic taps/…/decoded
    #[arg(long, value_name = "FUNCTION", requires = "tap", value_parser = parse_function)]
    pub(crate) decode: Option<FunctionName>,
    /// Let programs run code of theirs in the pages, as function eval; they need a token with run-code, which is printed
    #[arg(long)]
    pub(crate) eval: bool,
    /// Leave cookies, log-ins and signed values in captured handshakes
    #[arg(long)]
    pub(crate) keep_secrets: bool,
    /// Load pages that are open already again, so that nothing of them is missed
    #[arg(long)]
    pub(crate) reload: bool,
    /// Attach to a hub that runs; without it, to the one at 127.0.0.1:9999 if there is one, else this command runs its own
    #[arg(
        long,
        value_name = "URL",
        env = "PAGEWIRE_HUB",
        conflicts_with = "listen"
    )]
    pub(crate) hub: Option<String>,
    /// Token to show to that hub: it needs attach:GROUP, and publish:taps/* for taps
    #[arg(
        long,
        value_name = "SECRET",
        env = "PAGEWIRE_TOKEN",
        hide_env_values = true
    )]
    pub(crate) hub_token: Option<Secret>,
    /// One JSON object a line on standard output, for machines
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    #[command(
        flatten,
        next_help_heading = "Options of the hub, when it is this command's own"
    )]
    pub(crate) settings: Settings,
}

/// What can become a page of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The main frames of tabs and popups.
    Tab,
    /// Frames inside of them.
    Iframe,
    /// Dedicated workers.
    Worker,
    /// Shared workers.
    SharedWorker,
    /// Service workers.
    ServiceWorker,
}

impl From<Kind> for TargetKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Tab => Self::Page,
            Kind::Iframe => Self::Iframe,
            Kind::Worker => Self::Worker,
            Kind::SharedWorker => Self::SharedWorker,
            Kind::ServiceWorker => Self::ServiceWorker,
        }
    }
}

fn parse_function(text: &str) -> Result<FunctionName, String> {
    FunctionName::new(text).map_err(|error| error.to_string())
}
