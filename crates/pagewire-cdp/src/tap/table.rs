//! What is known of sockets and requests, by session, up to a limit.

use std::collections::HashMap;

use crate::error::Error;
use crate::ids::{NetworkId, SessionId};

/// Entries by session and by the browser's id, which is unique only in its session.
#[derive(Debug)]
pub(super) struct Table<T> {
    what: &'static str,
    max: usize,
    of: HashMap<SessionId, HashMap<NetworkId, T>>,
    len: usize,
    told_full: bool,
}

impl<T> Table<T> {
    pub(super) fn new(what: &'static str, max: usize) -> Self {
        Self {
            what,
            max,
            of: HashMap::new(),
            len: 0,
            told_full: false,
        }
    }

    /// Puts an entry in that is not there yet. Without room it is passed over, which the first time is an error.
    pub(super) fn insert(&mut self, session: &SessionId, id: &str, entry: T) -> Result<(), Error> {
        if self.is_full() {
            return self.pass_over();
        }
        let of_session = self.of.entry(session.clone()).or_default();
        if of_session.insert(NetworkId::from(id), entry).is_none() {
            self.len = self.len.saturating_add(1);
        }
        Ok(())
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len >= self.max
    }

    pub(super) const fn pass_over(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.told_full, true) {
            return Ok(());
        }
        Err(Error::Limit {
            what: self.what,
            got: self.max.saturating_add(1),
            max: self.max,
        })
    }

    pub(super) fn get_mut(&mut self, session: &SessionId, id: &str) -> Option<&mut T> {
        self.of.get_mut(session)?.get_mut(id)
    }

    pub(super) fn remove(&mut self, session: &SessionId, id: &str) -> Option<T> {
        let of_session = self.of.get_mut(session)?;
        let entry = of_session.remove(id)?;
        if of_session.is_empty() {
            self.of.remove(session);
        }
        self.len = self.len.saturating_sub(1);
        Some(entry)
    }

    /// Moves an entry of another session to this one, where it is not there yet.
    pub(super) fn adopt(&mut self, session: &SessionId, id: &str) {
        if self.get_mut(session, id).is_some() {
            return;
        }
        let mut sessions = self.of.iter();
        let from = sessions.find(|(_, of_session)| of_session.contains_key(id));
        let Some(from) = from.map(|(from, _)| from.clone()) else {
            return;
        };
        if let Some(entry) = self.remove(&from, id) {
            let of_session = self.of.entry(session.clone()).or_default();
            of_session.insert(NetworkId::from(id), entry);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Takes out the entries of a session that `ends` says, in the order of their ids.
    pub(super) fn drain(
        &mut self,
        session: &SessionId,
        ends: impl Fn(&NetworkId, &T) -> bool,
    ) -> Vec<(NetworkId, T)> {
        let Some(of_session) = self.of.get_mut(session) else {
            return Vec::new();
        };
        let mut ended: Vec<_> = of_session.extract_if(|id, entry| ends(id, entry)).collect();
        if of_session.is_empty() {
            self.of.remove(session);
        }
        ended.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.len = self.len.saturating_sub(ended.len());
        ended
    }
}
