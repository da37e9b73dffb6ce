//! Short links, as people share them: they lead to a room by redirections.

use pagewire_live::{Failure, RoomAddress, SiteTable};

use super::direct::{DirectSource, Http};

/// Why a short link is no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShortLinkError {
    /// It cannot be asked where it leads.
    #[error("where {link} leads could not be asked: {failure}")]
    Failed {
        /// The whole of it.
        link: String,
        /// Why.
        failure: Failure,
    },
    /// It leads to something else.
    #[error(
        "{link} leads to {leads_to}, which is no room of {site} that is known; open the room in a browser and give the address of its page"
    )]
    NoRoom {
        /// The whole of it.
        link: String,
        /// Where it ends.
        leads_to: String,
        /// The site whose links such are.
        site: String,
    },
}

/// The room that a short link leads to; none where it is no short link of a site of the table. The link is asked without cookies, with the user agent
/// and the connector of the source.
///
/// # Errors
///
/// It leads to no room of its site, or cannot be asked.
///
/// # Cancel safety
///
/// Dropping the future closes the connection.
pub async fn room_of_short_link(
    table: &SiteTable,
    link: &str,
    source: &DirectSource,
) -> Result<Option<RoomAddress>, ShortLinkError> {
    let Some((entry, link)) = table.short_link(link) else {
        return Ok(None);
    };
    let http = Http::new(source, entry.timing.open_within_ms);
    let is_room = |address: &str| {
        let room = table.parse_room(address).ok()?;
        (room.site == entry.name).then_some(room)
    };
    match http.follow(&link, is_room).await {
        Ok(Ok(room)) => Ok(Some(room)),
        Ok(Err(leads_to)) => Err(ShortLinkError::NoRoom {
            leads_to,
            site: entry.name.clone(),
            link,
        }),
        Err(failure) => Err(ShortLinkError::Failed { link, failure }),
    }
}
