//! What is written beside frames that are kept: whose they are.

use serde::Deserialize;

use crate::event::Site;

/// Whose frames a journal keeps, as the note says that stands before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// How they are read.
    pub site: Site,
    /// What the room is called at its site. Empty where the note does not tell.
    pub room: String,
}

#[derive(Deserialize)]
struct Text {
    format: String,
    #[serde(default)]
    room: String,
}

impl About {
    /// Reads a note, which is JSON with members `format`, the name of a [`Site`], and `room`. None for notes about other things.
    pub fn read(json: &str) -> Option<Self> {
        let text: Text = serde_json::from_str(json).ok()?;
        let site = Site::ALL
            .iter()
            .find(|site| site.name() == text.format)
            .copied()?;
        Some(Self {
            site,
            room: text.room,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_whose_frames_they_are_or_is_about_something_else() {
        let about = |site, room: &str| {
            Some(About {
                site,
                room: room.to_owned(),
            })
        };
        let cases = [
            (
                r#"{"kind":"room","format":"huya","room":"lpl"}"#,
                about(Site::Huya, "lpl"),
            ),
            (r#"{"format":"douyin"}"#, about(Site::Douyin, "")),
            (r#"{"format":"nowhere","room":"1"}"#, None),
            (r#"{"kind":"end"}"#, None),
            ("", None),
        ];
        for (json, expected) in cases {
            assert_eq!(About::read(json), expected, "{json}");
        }
    }
}
