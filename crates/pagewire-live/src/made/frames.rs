//! Frames of a made-up room, whichever site sends them.

use super::manifest::Manifest;
use crate::event::Site;

/// Frames of one made-up room, in the order they come. As an iterator it goes on for ever.
pub trait Frames: Iterator<Item = Vec<u8>> {
    /// What the frames so far hold.
    fn manifest(&self) -> &Manifest;
}

/// The sites whose frames are made up, each with its module, and those whose are not.
macro_rules! sites {
    ($($site:ident in $module:ident),*; not $($other:ident),*) => {
        $(impl Frames for super::$module::Frames {
            fn manifest(&self) -> &Manifest {
                self.manifest()
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
