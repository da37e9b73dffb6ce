//! What is wanted of a browser.

use std::sync::Arc;

use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{Capture, Expose, Secrets, TapRules, UrlPattern};
use pagewire_rpc::{FunctionName, GroupName};

use super::pages::{Reloads, WantedPage};
use super::script::UserScript;

/// What is wanted of a browser.
#[derive(Debug, Clone)]
pub struct AttachOptions {
    /// The group of all its pages.
    pub group: GroupName,
    /// Address of the hub, for the lines that pages show.
    pub hub_url: String,
    /// Which documents become pages: those whose address fits one of these.
    pub documents: Vec<UrlPattern>,
    /// Which kinds of contexts become pages. Default: tabs.
    pub kinds: Vec<TargetKind>,
    /// Functions without a change of the page.
    pub expose: Vec<Expose>,
    /// Scripts of the user.
    pub scripts: Vec<UserScript>,
    /// Values out of closures.
    pub captures: Vec<Capture>,
    /// Which sockets and responses are tapped.
    pub taps: Arc<TapRules>,
    /// The page's function that each tapped frame goes through.
    pub decode: Option<FunctionName>,
    /// Which tabs are attached to.
    pub reach: Reach,
    /// What happens to documents that were there before.
    pub present: Present,
    /// Who answers the page's dialogs (`alert`, `confirm`).
    pub dialogs: Dialogs,
    /// Whether programs may run code of theirs in the pages.
    pub code: Code,
    /// Opened at the beginning, each unless a tab has it.
    pub pages: Vec<WantedPage>,
    /// Asks for them to be loaded again.
    pub reloads: Reloads,
}

impl AttachOptions {
    /// Every tab of a browser of ours, and nothing exposed or tapped.
    pub fn new(group: GroupName, hub_url: &str) -> Self {
        Self {
            group,
            hub_url: hub_url.to_owned(),
            documents: vec![UrlPattern::any()],
            kinds: vec![TargetKind::Page],
            expose: Vec::new(),
            scripts: Vec::new(),
            captures: Vec::new(),
            taps: Arc::new(TapRules {
                rules: Vec::new(),
                keep_secrets: Secrets::Redact,
            }),
            decode: None,
            reach: Reach::All,
            present: Present::Keep,
            dialogs: Dialogs::Answer,
            code: Code::Off,
            pages: Vec::new(),
            reloads: Reloads::default(),
        }
    }
}

/// Which tabs are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All: the browser is ours.
    All,
    /// Those whose address fits, and those that are opened from now on: the browser is the user's.
    Fitting,
}

/// What happens to documents that were there before us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// They stay as they are.
    Keep,
    /// They are loaded again, so that nothing of them is missed.
    Reload,
}

/// Who answers the page's dialogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialogs {
    /// The user.
    Leave,
    /// Nobody sees them: they are cancelled, `beforeunload` is confirmed.
    Answer,
}

/// Whether programs may run code of theirs in the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// They may not.
    Off,
    /// Each page has a function `eval`; calling it needs the scope `run-code`.
    On,
}
