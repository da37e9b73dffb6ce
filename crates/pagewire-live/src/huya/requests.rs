//! What a client sends.

use pagewire_codec::{TarsWriter, WupPacket};

use super::envelope::{CALL, HEARTBEAT, REGISTER_GROUPS, REGISTER_USER};

/// How often the client says that it is there.
pub const HEARTBEAT_MS: u64 = 60_000;

/// The site's own client connects again when nothing was heard for so long.
pub const SILENCE_MS: u64 = 180_000;

/// Groups of this type are presenters.
const PRESENTERS: i64 = 3;
/// What the site's own page in a phone's browser says that it is.
const USER_AGENT: &str = "webh5&1.0.0&websocket";

/// Who wants to read, and where: the older of the two ways to register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserInfo<'a> {
    /// Of somebody who has logged in; 0 is nobody.
    pub uid: i64,
    /// What the site gave this browser. May be empty.
    pub guid: &'a str,
    /// What proves the uid. Empty for nobody.
    pub token: &'a str,
    /// `lChannelId` of the room's page.
    pub channel: i64,
    /// `lSubChannelId` of the room's page.
    pub sub_channel: i64,
    /// The uid of the presenter, `lUid` of the room's page.
    pub presenter: i64,
}

/// Command 1. The answer is [`Answer::Registered`](super::Answer::Registered).
pub fn register_user(user: &UserInfo<'_>) -> Vec<u8> {
    let mut to = TarsWriter::default();
    to.integer(0, user.uid)
        .integer(1, i64::from(user.uid == 0))
        .text(2, user.guid)
        .text(3, user.token)
        .integer(4, user.channel)
        .integer(5, user.sub_channel)
        .integer(6, user.presenter)
        .integer(7, PRESENTERS)
        .text(8, "")
        .text(9, "");
    command(REGISTER_USER, &to.into_bytes())
}

/// Command 16: the groups of a presenter, by their uid, without a log-in. The answer is
/// [`Answer::GroupsRegistered`](super::Answer::GroupsRegistered).
pub fn register_groups(presenter: i64) -> Vec<u8> {
    let groups = [format!("live:{presenter}"), format!("chat:{presenter}")];
    let mut to = TarsWriter::default();
    to.list(0, &groups, |to, group| {
        to.text(0, group);
    });
    to.text(1, "");
    command(REGISTER_GROUPS, &to.into_bytes())
}

/// Command 20. The answer is [`Answer::Heartbeat`](super::Answer::Heartbeat).
pub fn heartbeat() -> Vec<u8> {
    command(HEARTBEAT, &[])
}

/// The function that [`ask_for_prices`] calls.
pub(super) const PRICE_LIST: &str = "getPropsList";

/// Command 3, `PropsUIServer.getPropsList`: what gifts there are. The answer is [`Answer::Call`](super::Answer::Call), which
/// [`prices`](super::prices) reads.
pub fn ask_for_prices(request_id: i64) -> Vec<u8> {
    let mut to = TarsWriter::default();
    to.structure(0, |to| {
        to.structure(1, |to| {
            to.integer(0, 0)
                .text(1, "")
                .text(2, "")
                .text(3, USER_AGENT)
                .text(4, "");
        });
        to.text(2, "").integer(3, 1).text(4, "");
    });
    let request = to.into_bytes();
    let arguments = [("tReq", &*request)];
    let call = WupPacket::call(request_id, "PropsUIServer", PRICE_LIST, &arguments);
    command(CALL, &call.encode())
}

fn command(kind: i64, data: &[u8]) -> Vec<u8> {
    let mut to = TarsWriter::default();
    to.integer(0, kind).bytes(1, data);
    to.into_bytes()
}
