//! From the tab of a room to a socket of our own.

use pagewire_live::{Input, Reason, RoomOptions, State, goes_direct};

use super::{Run, about, connection};
use crate::watch::kept::What;
use crate::watch::listener::{CLOSED_HERE, Note};
use crate::watch::reads::Reads;
use crate::watch::{DirectSource, Source, WatchedRoom};

/// What takes the place of a tab that is at fault.
pub(super) struct Instead {
    source: Box<DirectSource>,
    room: WatchedRoom,
    options: RoomOptions,
    seed: u64,
}

impl Instead {
    pub(super) fn of(
        source: &Source,
        room: &WatchedRoom,
        options: &RoomOptions,
        seed: u64,
    ) -> Option<Self> {
        match source {
            Source::TabFirst(_, direct) => Some(Self {
                source: direct.clone(),
                room: room.clone(),
                options: options.clone(),
                seed,
            }),
            Source::Direct(_) | Source::Tab(_) => None,
        }
    }
}

impl Run<'_> {
    pub(super) fn leaves_tab(&self, state: State, reason: &Reason) -> bool {
        let instead = self.instead.as_ref();
        instead.is_some_and(|Instead { room, options, .. }| {
            goes_direct(&room.entry, &options.credentials, state, reason)
        })
    }

    /// What was told of the room stays told: what the socket brings again is left out.
    pub(super) fn go_direct(&mut self, why: &Reason) {
        let Some(instead) = self.instead.take() else {
            return;
        };
        let Instead {
            source,
            room,
            options,
            seed,
        } = instead;
        let at = self.clock.now();
        for open in self.open.clone() {
            self.closed(at, open, None, CLOSED_HERE);
        }
        let source = Source::Direct(source);
        self.about = about(&source, &room, true);
        self.connection = connection(&source, &room, options, seed);
        self.source = Reads::new(source, room.entry, room.address, seed);
        self.listener.note(&Note::GoesDirect { why });
        self.keep(at, What::Note(self.about.clone()));
        self.handle(Input::Start);
        self.act();
    }
}
