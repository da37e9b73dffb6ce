//! What all addresses of the site share.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Query;
use http::StatusCode;
use pagewire_live::Site;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fault::{self, Fault, FaultError};
use crate::load::Loads;
use crate::options::Options;
use crate::room::Room;

/// A running site.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
    pub(crate) rooms: Vec<Arc<Room>>,
    pub(crate) loads: Loads,
    pub(crate) shut_down: CancellationToken,
    /// Rooms and sockets.
    pub(crate) tasks: TaskTracker,
}

/// Parameters of an address, in their order.
pub(crate) type Parameters = Query<Vec<(String, String)>>;

/// Words for whoever reads an answer that is no page.
pub(crate) type Refused = (StatusCode, String);

impl Shared {
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Room>> {
        self.rooms.iter().find(|room| room.options.name == name)
    }

    /// The room of a site, by its name or by what clients ask for.
    pub(crate) fn asked_for(&self, site: Site, asked: &str) -> Option<&Arc<Room>> {
        let mut of_site = self.rooms.iter().filter(|room| room.options.site == site);
        let id = asked.parse::<u64>().ok();
        of_site.find(|room| room.options.name == asked || Some(room.asked_for()) == id)
    }

    /// What Bilibili's address of tokens gives for a room.
    pub(crate) fn token(&self, room: &Room) -> String {
        crate::signature::sign(self.loads.own(), &format!("token {}", room.id))
    }
}

/// The first value of a parameter.
pub(crate) fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| &**value)
}

/// Faults of an address, each a parameter `fault`.
pub(crate) fn faults_of(
    parameters: &[(String, String)],
    site: Site,
) -> Result<Vec<Fault>, Refused> {
    let mut faults = Vec::new();
    for (_, text) in parameters.iter().filter(|(name, _)| name == "fault") {
        let mut read = || -> Result<(), FaultError> {
            let fault: Fault = text.parse()?;
            fault.check_site(site)?;
            fault.check_address()?;
            fault::stand(&mut faults, fault)
        };
        read().map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    }
    Ok(faults)
}
