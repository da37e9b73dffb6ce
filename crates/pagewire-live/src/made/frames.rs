//! Frames of a made-up room, whichever site sends them.

use super::course::Course;
use super::manifest::Manifest;
use super::room::{Happening, Room};
use crate::event::Site;

/// Frames of one made-up room, in the order they come. As an iterator it goes on for ever.
pub trait Frames: Iterator<Item = Vec<u8>> {
    /// What the frames so far hold.
    fn manifest(&self) -> &Manifest;

    /// The room itself, for whoever lets things happen in it one by one, and has each written with [`Frames::write`].
    fn room(&mut self) -> &mut Room;

    /// A message by itself, to be put into frames elsewhere. None for what the site has no message for. The manifest does not count it.
    fn write(&mut self, happening: &Happening) -> Option<Written>;
}

/// One message, as it stands in the frames of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Of a `Response` of Douyin.
    Douyin {
        /// What it is, such as `WebcastChatMessage`.
        method: String,
        /// Its fields.
        payload: Vec<u8>,
    },
    /// Of a push of Huya.
    Huya {
        /// The number of its struct.
        uri: i64,
        /// Its fields.
        body: Vec<u8>,
    },
    /// A whole packet of Bilibili or Douyu. A frame is any number of them.
    Packet(Vec<u8>),
}

/// The sites whose frames are made up, each with its module, and those whose are not.
macro_rules! sites {
    ($($site:ident in $module:ident),*; not $($other:ident),*) => {
        $(impl Frames for super::$module::Frames {
            fn manifest(&self) -> &Manifest {
                self.manifest()
            }

            fn room(&mut self) -> &mut Room {
                &mut self.course.room
            }

            fn write(&mut self, happening: &Happening) -> Option<Written> {
                self.written(happening)
            }
        }

        impl super::$module::Frames {
            /// Those of the room of this seed.
            pub fn new(seed: u64) -> Self {
                Self::of(Course::new(seed, super::$module::MESSAGES_PER_FRAME))
            }

            /// With so many messages a frame on average; a frame has at least one, and not twice as many.
            #[must_use]
            pub const fn messages_per_frame(mut self, messages: u64) -> Self {
                self.course.messages_per_frame = messages;
                self
            }

            /// What the frames so far hold.
            pub const fn manifest(&self) -> &Manifest {
                &self.course.manifest
            }
        })*

        /// Frames of the room of this seed as the site sends them, with about so many messages in each, or as many as the site sends. None for a site
        /// whose frames are not made up.
        pub fn frames(
            site: Site,
            seed: u64,
            messages_per_frame: Option<u64>,
        ) -> Option<Box<dyn Frames + Send>> {
            match site {
                $(Site::$site => {
                    let messages = messages_per_frame.unwrap_or(super::$module::MESSAGES_PER_FRAME);
                    let frames = super::$module::Frames::new(seed).messages_per_frame(messages);
                    Some(Box::new(frames))
                })*
                $(Site::$other)|* => None,
            }
        }
    };
}

sites! { Douyin in douyin, Huya in huya, Bilibili in bilibili, Douyu in douyu; not Tiktok }
