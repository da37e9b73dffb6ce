//! What a person may type while the demo stays: commands that work as they are printed.

use pagewire_hub::Hub;
use serde_json::{Value, json};

use super::GROUP;
use super::room::LiveRoom;
use crate::exit::Failed;

/// Where commands look for a hub by themselves.
const USUAL_HUB: &str = "http://127.0.0.1:9999";
/// Values that are shown of a topic that has ended.
const LAST: usize = 20;

/// Addresses, and commands about them.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) addresses: Value,
    /// About the sample page.
    pub(super) calls: Vec<String>,
    /// About the live room; empty without one.
    pub(super) room: Vec<String>,
}

impl Next {
    pub(super) fn of_site(hub: &str, site: &str) -> Self {
        Self {
            addresses: json!({ "hub": hub, "site": site }),
            calls: vec![
                format!("curl -d '[2,3]' {hub}/v1/call/{GROUP}/add"),
                format!("curl -N -d '[5]' {hub}/v1/call/{GROUP}/countdown"),
                format!("curl -d '[320,200]' {hub}/v1/call/{GROUP}/draw -o picture.png"),
                format!("curl {hub}/v1/pages"),
                format!("curl {hub}/v1/topics"),
            ],
            room: Vec::new(),
        }
    }

    /// With the room that was watched.
    pub(super) fn with_room(mut self, hub: &Hub, room: &LiveRoom) -> Result<Self, Failed> {
        let url = self.addresses["hub"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let tail = |topic: &str| {
            let at = match url.as_str() {
                USUAL_HUB => String::new(),
                other => format!(" --hub {other}"),
            };
            format!("{} tail {topic}{at} --last {LAST}", program())
        };
        let pages = hub.pages();
        let page = pages.iter().find(|page| page.url == room.page());
        let taps = page.map(|page| page.taps.as_slice()).unwrap_or_default();
        let socket = taps.iter().filter(|tap| is_socket(tap.topic.as_str()));
        let topic = room.topic(hub)?;
        self.room.push(format!(
            "curl -d '{}' {url}/v1/call/{GROUP}/sign",
            room.to_be_signed()?
        ));
        self.room.push(tail(topic.topic().as_str()));
        // Frames become events again where the binary can do that.
        if let (true, Some(tap)) = (
            cfg!(feature = "decode"),
            socket.max_by_key(|tap| tap.frames),
        ) {
            let decoded = " --decode frame --site douyin";
            self.room.push(tail(tap.topic.as_str()) + decoded);
        }
        self.room.push(format!("curl {}", room.manifest_url()));
        self.addresses["room"] = room.page().into();
        Ok(self)
    }
}

/// Whether a topic has the frames of a socket, and not answers to requests, nor what the sample page's decoder would make of frames.
fn is_socket(topic: &str) -> bool {
    !topic.contains("/http-") && !topic.ends_with("/decoded")
}

/// This program, as it was called.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match called.as_str() {
        "" => "pagewire".to_owned(),
        plain if plain.chars().all(is_plain) => plain.to_owned(),
        other => format!("'{}'", other.replace('\'', r"'\''")),
    }
}
