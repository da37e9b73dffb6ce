//! The journal: frames of live connections, kept before they are decoded.
//!
//! A journal is a folder of **segments**, a segment is a file of **chunks**, a chunk has **records** ([`Record`]): frames, connections, notes,
//! gaps. `docs/journal.md` has the format byte by byte, and what it promises:
//!
//! - When [`JournalWriter::append`] returns, its records are with the system: `kill -9` does not lose them. They are on the disk a second later.
//! - A byte that was changed, put in, taken out or zeroed costs the records of the chunk that it is in. [`JournalReader`] says which, and gives
//!   all others ([`Item`]).
//! - The same journal gives the same records, in the order in which they were appended.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("journal");
//! use pagewire_journal::{Entry, Item, JournalReader, JournalWriter, Options, Record, Stamp};
//!
//! let now = Stamp { mono_us: 0, unix_us: 1_700_000_000_000_000 };
//! let (mut journal, _) = JournalWriter::open(&path, Options::default(), now.unix_us)?;
//! journal.append(&[Entry { at: now, record: Record::Note(r#"{"room":"made up"}"#) }])?;
//! journal.close()?;
//!
//! let mut reader = JournalReader::open(&path)?;
//! while let Some(item) = reader.read()? {
//!     match item {
//!         Item::Record { number, entry } => assert_eq!((number, entry.at), (0, now)),
//!         Item::Damage(damage) => panic!("{damage}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod chunk;
mod damage;
mod error;
mod folder;
mod packing;
mod reader;
mod record;
mod segment;
mod speed;
mod stamp;
mod window;
mod writer;

pub use chunk::{CHUNK_BYTES_MAX, CHUNK_HEAD_BYTES, FORMAT_VERSION};
pub use damage::{Damage, DamageKind};
pub use error::Error;
pub use folder::SEGMENTS_MAX;
pub use reader::{JournalReader, find_note};
pub use record::{Closed, ConnectionId, Direction, Entry, Frame, FrameKind, Gap, Opened, Record};
pub use segment::{Item, RESYNC_NESTED_MAX, SegmentError, SegmentReader, Skipped};
pub use speed::{NoSpeed, Speed};
pub use stamp::{Moment, Stamp};
pub use writer::{Appended, JournalWriter, Options, Recovered};
