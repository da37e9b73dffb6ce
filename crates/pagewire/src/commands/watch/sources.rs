//! Where the frames of the rooms come from: tabs of a browser, or sockets of our own.

use std::sync::Arc;

use pagewire_browser::{AttachOptions, Dialogs, Reach, Reloads, WantedPage};
use pagewire_cdp::{PatternError, TapRules, UrlPattern};
use pagewire_dial::tls::{self, Trust};
use pagewire_hub::Hub;
use pagewire_live::{AfterEnd, AskFirst, Credentials, Fallback, RoomFacts, RoomOptions};
use pagewire_room::signers::{SignerOptions, Signers};
use pagewire_room::watch::{
    DirectSource, Reload, Source, TabSource, WatchedRoom, documents, tap_rules,
};
use pagewire_rpc::GroupName;
use tokio::sync::watch;

use super::arguments::{SourceName, WatchArguments};
use crate::commands::browser::Wanted;
use crate::commands::own_hub::OwnHub;
use crate::exit::{FAILED, Failed, NO_BROWSER, USAGE};

/// The group of the rooms' pages.
const GROUP: &str = "rooms";

/// What was decided before anything begins.
pub(super) struct Plan {
    source: Planned,
    /// The browser that has the rooms' pages, where one is needed.
    pub(super) browser: Option<Wanted>,
    /// Why there is none, where that decided it.
    pub(super) without: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planned {
    Tab,
    /// Sockets of our own where the tab does not work.
    TabFirst,
    Direct,
}

/// The sources, and what is attached to for them.
pub(super) struct Sources {
    /// In the order of the rooms.
    pub(super) rooms: Vec<Source>,
    pub(super) attach: AttachOptions,
    /// Tells the tabs that the browser is lost.
    pub(super) lost: watch::Sender<Option<String>>,
}

impl Plan {
    /// The user's own tab first, unless something else was said or there is no browser.
    pub(super) fn new(arguments: &WatchArguments) -> Result<Self, Failed> {
        let plan = |source, browser| Self {
            source,
            browser,
            without: None,
        };
        let named = match arguments.source {
            None if arguments.direct.are_given() => Some(SourceName::Direct),
            named => named,
        };
        let wanted = || arguments.browser.wanted();
        match named {
            Some(SourceName::Direct) if arguments.expose.is_empty() => {
                Ok(plan(Planned::Direct, None))
            }
            Some(SourceName::Direct) => Ok(plan(Planned::Direct, Some(wanted()?))),
            Some(SourceName::Tab) => Ok(plan(Planned::Tab, Some(wanted()?))),
            // Who names a browser that runs wants what it shows; who has a proxy for one does not want to be seen beside it.
            None if !arguments.browser.is_own() || arguments.browser.has_proxy() => {
                Ok(plan(Planned::Tab, Some(wanted()?)))
            }
            None => match wanted() {
                Ok(browser) => Ok(plan(Planned::TabFirst, Some(browser))),
                Err(failed) if failed.code == NO_BROWSER => Ok(Self {
                    without: Some(first_line(&failed)),
                    ..plan(Planned::Direct, None)
                }),
                Err(failed) => Err(failed),
            },
        }
    }

    pub(super) fn is_direct(&self) -> bool {
        self.source == Planned::Direct
    }

    pub(super) fn sources(
        &self,
        arguments: &WatchArguments,
        rooms: &[WatchedRoom],
        own: &OwnHub,
    ) -> Result<Sources, Failed> {
        let pages = pages(rooms)?;
        let reloads = Reloads::default();
        let group = GroupName::new(GROUP).expect("it is a name");
        let direct = match self.source {
            Planned::Direct => Some(direct(arguments, &own.hub)?),
            // A tab needs no certificates of ours.
            Planned::TabFirst => match direct(arguments, &own.hub) {
                Err(failed) if failed.code != USAGE => None,
                direct => Some(direct?),
            },
            Planned::Tab => None,
        };
        let direct = direct.map(Box::new);
        let lost = watch::Sender::new(None);
        let sources = pages.iter().enumerate().map(|(place, page)| {
            let reloads = reloads.clone();
            let tab = || TabSource {
                reload: Reload::new(move || reloads.ask(place)),
                at: page.at.subscribe(),
                lost: lost.subscribe(),
                ..TabSource::new(own.hub.clone(), group.clone(), page.documents.clone())
            };
            match (self.source, direct.clone()) {
                (Planned::Direct, Some(direct)) => Source::Direct(direct),
                (Planned::TabFirst, Some(direct)) => Source::TabFirst(tab(), direct),
                (Planned::Tab | Planned::TabFirst | Planned::Direct, _) => Source::Tab(tab()),
            }
        });
        let taps = match self.source {
            Planned::Tab | Planned::TabFirst => taps(rooms)?,
            Planned::Direct => TapRules::default(),
        };
        Ok(Sources {
            rooms: sources.collect(),
            lost,
            attach: AttachOptions {
                documents: all_documents(&pages),
                taps: Arc::new(taps),
                expose: arguments.expose.clone(),
                pages,
                reloads,
                ..of_browser(arguments, group, &own.url)
            },
        })
    }
}

/// What is wrong, for one line.
pub(super) fn first_line(failed: &Failed) -> String {
    let message = failed.message.as_deref().unwrap_or_default();
    message.lines().next().unwrap_or_default().to_owned()
}

fn of_browser(arguments: &WatchArguments, group: GroupName, hub_url: &str) -> AttachOptions {
    let is_own = arguments.browser.is_own();
    let options = AttachOptions::new(group, hub_url);
    AttachOptions {
        reach: if is_own { Reach::All } else { Reach::Fitting },
        dialogs: if is_own && arguments.browser.is_headless() {
            Dialogs::Answer
        } else {
            Dialogs::Leave
        },
        ..options
    }
}

fn pages(rooms: &[WatchedRoom]) -> Result<Vec<WantedPage>, Failed> {
    let page = |room: &WatchedRoom| {
        let url = room.address.page.clone();
        let documents = documents(&room.address).map_err(|error| not_a_pattern(room, &error))?;
        Ok(WantedPage {
            documents,
            ..WantedPage::new(url)
        })
    };
    rooms.iter().map(page).collect()
}

fn all_documents(pages: &[WantedPage]) -> Vec<UrlPattern> {
    let documents = pages.iter().flat_map(|page| &page.documents);
    documents.cloned().collect()
}

/// Those of all rooms.
fn taps(rooms: &[WatchedRoom]) -> Result<TapRules, Failed> {
    let mut taps = TapRules::default();
    for room in rooms {
        let of_room = tap_rules(room).map_err(|error| not_a_pattern(room, &error))?;
        taps.rules.extend(of_room.rules);
    }
    Ok(taps)
}

fn not_a_pattern(room: &WatchedRoom, error: &PatternError) -> Failed {
    Failed::new(USAGE, format!("{}: {error}", room.address.page))
}

fn direct(arguments: &WatchArguments, hub: &Hub) -> Result<DirectSource, Failed> {
    let arguments = &arguments.direct;
    let connector = tls::connector(&Trust::Roots(arguments.ca.as_deref()))?;
    let mut source = DirectSource::new(connector.clone());
    if !arguments.signers.is_empty() {
        let options = SignerOptions::new(hub.clone(), connector);
        let signers = Signers::new(arguments.signers.clone(), &options)
            .map_err(|error| Failed::new(FAILED, error.to_string()))?;
        source.signers = Some(Arc::new(signers));
    }
    source.addresses.clone_from(&arguments.addresses);
    if let Some(user_agent) = &arguments.user_agent {
        source.user_agent.clone_from(user_agent);
    }
    source.cookie = arguments.cookie.clone().unwrap_or_default();
    Ok(source)
}

/// What the connection of a room is to do.
pub(super) fn room_options(arguments: &WatchArguments) -> RoomOptions {
    let direct = &arguments.direct;
    let id = direct.id.clone().unwrap_or_default();
    let is_known = direct.id.is_some() || !direct.addresses.is_empty();
    RoomOptions {
        facts: RoomFacts {
            room_id: id.clone(),
            presenter: id,
            ..RoomFacts::default()
        },
        credentials: Credentials {
            user: direct.room_user,
            token: direct.room_token.clone().unwrap_or_default(),
            device: direct.room_device.clone(),
        },
        ask_first: if is_known {
            AskFirst::No
        } else {
            AskFirst::Yes
        },
        after_end: if arguments.next {
            AfterEnd::WaitForNext
        } else {
            AfterEnd::Stop
        },
        fallback: Fallback::Poll,
        ..RoomOptions::default()
    }
}
