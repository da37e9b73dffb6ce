//! Frames of any site to events.

use pagewire_codec::{DecodeError, Inflater};

use crate::event::{Event, Site};
use crate::{bilibili, douyin, douyu, huya};

/// Whom events and errors are given, in the order of the frame.
pub(crate) type Take<'t> = &'t mut dyn FnMut(Result<Event<'_>, DecodeError>);

/// Reads the frames of one site. Keeps its buffers for the next frame, and what a frame says of gifts in later ones: of Huya, what they cost.
#[derive(Debug)]
pub struct FrameReader {
    site: Site,
    scratch: Scratch,
    prices: huya::Prices,
}

/// What reading needs besides the frame.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) inflater: Inflater,
    pub(crate) unpacked: Vec<u8>,
}

impl FrameReader {
    /// Of this site.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            scratch: Scratch::default(),
            prices: huya::Prices::default(),
        }
    }

    /// Gives the events of one transport message, and an error for each part of it that could not be read; what is beside such a part is there all
    /// the same. A message of a kind that is not known is an event of kind `unknown`. `arrival_ms` is when it came, in milliseconds of Unix time.
    ///
    /// The frame unpacks to at most [`UNPACKED_BYTES_MAX`](pagewire_codec::UNPACKED_BYTES_MAX).
    pub fn read(
        &mut self,
        frame: &[u8],
        arrival_ms: u64,
        mut take: impl FnMut(Result<Event<'_>, DecodeError>),
    ) {
        let (scratch, take) = (&mut self.scratch, &mut take);
        match self.site {
            Site::Douyin | Site::Tiktok => {
                douyin::read(self.site, frame, arrival_ms, scratch, take)
            }
            Site::Huya => huya::read(frame, arrival_ms, &mut self.prices, take),
            Site::Bilibili => bilibili::read(frame, arrival_ms, scratch, take),
            Site::Douyu => douyu::read(frame, arrival_ms, take),
        }
    }
}
