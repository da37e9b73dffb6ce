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

use super::arguments::{SourceName, WatchArguments};
use crate::commands::browser::Wanted;
use crate::commands::own_hub::OwnHub;
use crate::exit::{FAILED, Failed, NO_BROWSER, USAGE};

/// The group of the rooms' pages.
const GROUP: &str = "rooms";

/// What was decided before anything begins.
pub(super) struct Plan {
    source: SourceName,
    /// The browser that has the rooms' pages, where one is needed.
    pub(super) browser: Option<Wanted>,
}

/// The sources, and what is attached to for them.
pub(super) struct Sources {
    /// In the order of the rooms.
    pub(super) rooms: Vec<Source>,
    pub(super) attach: AttachOptions,
}

impl Plan {
    /// The user's own tab first, unless something else was said or there is no browser.
    pub(super) fn new(arguments: &WatchArguments) -> Result<Self, Failed> {
        let direct = |browser| Self {
            source: SourceName::Direct,
            browser,
        };
        let tab = |browser| Self {
            source: SourceName::Tab,
            browser: Some(browser),
        };
        let named = match arguments.source {
            None if arguments.direct.are_given() => Some(SourceName::Direct),
            named => named,
        };
        match named {
            Some(SourceName::Direct) if arguments.expose.is_empty() => Ok(direct(None)),
            Some(SourceName::Direct) => arguments.browser.wanted().map(Some).map(direct),
            Some(SourceName::Tab) => arguments.browser.wanted().map(tab),
            None => match arguments.browser.wanted() {
                Ok(browser) => Ok(tab(browser)),
                Err(failed) if failed.code == NO_BROWSER => Ok(direct(None)),
                Err(failed) => Err(failed),
            },
        }
    }

    pub(super) fn is_direct(&self) -> bool {
        self.source == SourceName::Direct
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
            SourceName::Direct => Some(direct(arguments, &own.hub)?),
            SourceName::Tab => None,
        };
        let sources = pages.iter().enumerate().map(|(place, page)| {
            if let Some(direct) = &direct {
                return Source::Direct(Box::new(direct.clone()));
            }
            let reloads = reloads.clone();
            Source::Tab(TabSource {
                hub: own.hub.clone(),
                group: group.clone(),
                documents: page.documents.clone(),
                reload: Reload::new(move || reloads.ask(place)),
            })
        });
        let taps = match self.source {
            SourceName::Tab => taps(rooms)?,
            SourceName::Direct => TapRules::default(),
        };
        Ok(Sources {
            rooms: sources.collect(),
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
        Ok(WantedPage { url, documents })
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
