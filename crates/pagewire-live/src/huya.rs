//! Huya: Tars in binary WebSocket messages.
//!
//! A message is a [`Command`]. Commands 7 and 22 bring one [`Push`] or many; each has the number of its struct, and the bytes of it. The others are
//! requests and their answers, which are no events: [`Answer`] reads those that matter. What a client sends is made by [`register_user`],
//! [`register_groups`], [`heartbeat`] and [`ask_for_prices`]. Field by field with the evidence: `docs/sites/huya.md`.
//!
//! `room` of an event is the uid of the presenter, as that is what every push tells, in its group or in itself; it is not the number in the address
//! of the page. One socket may bring gifts that were given in other rooms: a gift is of this room where the id of its `receiver` is the presenter's.

mod answers;
mod envelope;
mod fields;
mod gift;
mod messages;
mod names;
mod people;
mod rank;
mod requests;

pub(crate) use answers::Prices;
pub use answers::{Answer, PRICES_MAX, Price, prices};
pub use envelope::{BATCH_MESSAGES_MAX, Command, Push};
pub use messages::MENTIONS_MAX;
pub use requests::{
    HEARTBEAT_MS, SILENCE_MS, UserInfo, ask_for_prices, heartbeat, register_groups, register_user,
};

use crate::event::Time;
use crate::reader::Take;
use envelope::{Kind, unread};

/// Reads one WebSocket message. What gifts cost is told by an answer, and then stands in those of later messages.
pub(crate) fn read(frame: &[u8], arrival_ms: u64, prices: &mut Prices, take: Take<'_>) {
    let command = match Command::read(frame) {
        Ok(command) => command,
        Err(error) => return take(Err(error)),
    };
    let time = Time::best(0, command.create_ms(arrival_ms), arrival_ms);
    match command.what() {
        Kind::Push => match command.push() {
            Ok(push) => push.event(time, prices, take),
            Err(error) => take(Err(error)),
        },
        Kind::Batch => command.batch(&mut |push| match push {
            Ok(push) => push.event(time, prices, take),
            Err(error) => take(Err(error)),
        }),
        Kind::Answer => {
            if let Err(error) = prices.learn(frame) {
                take(Err(error));
            }
        }
        Kind::Request => {}
        Kind::Other => take(Ok(unread(&command, frame, time))),
    }
}
