//! `pagewire sim`: live rooms that anybody can have, and that go wrong when told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use pagewire_sim::{
    Fault, Options, RATE_MAX, ROOMS_MAX, RoomOptions, Sim, SimError, Site, Speed, Status,
};
use serde_json::{Value, json};

use crate::exit::{FAILED, Failed, USAGE};
use crate::serve::stop_signal;
use crate::terminal::{print_json, print_text};

#[derive(Debug, Args)]
pub(crate) struct SimArguments {
    /// Port of 127.0.0.1; 0 is a free one, which is printed · 端口
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Which rooms: the same number gives the same people, texts and gifts · 种子，决定人物、文字和礼物
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Messages a second in each room · 每个房间每秒的消息数
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE_MAX)))]
    rate: u32,
    /// How many rooms with a page, at most 249; beside them there is one each of Huya, Bilibili and Douyu · 有网页的房间数，最多 249
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=PAGES))]
    rooms: u16,
    /// Broadcasts end after so many messages [default: about a million] · 多少条消息后下播
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
    /// One more room, with the messages of this journal: FOLDER/SITE-ROOM of `pagewire watch --journal FOLDER` · 回放录制的直播
    #[arg(long, value_name = "FOLDER")]
    journal: Option<PathBuf>,
    /// How fast the journal plays: 1 as it was, 10 ten times as fast, max · 回放速度
    #[arg(
        long,
        value_name = "TIMES|max",
        default_value = "1",
        requires = "journal"
    )]
    speed: Speed,
    /// What goes wrong, such as drop=20, doubled-gifts, refuse=3; may be repeated. In every room whose site can have it. docs/sim.md tells of each · 故障
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// One JSON object a line on standard output, for machines · 输出 JSON
    #[arg(long)]
    json: bool,
}

/// When the room goes live that waits.
const LIVE_AFTER: Duration = Duration::from_secs(60);
/// The name of the first room with a page.
const FIRST: u64 = 1_001;
/// The rooms beside those.
const OTHERS: [(&str, Site, Status); 7] = [
    ("huya", Site::Huya, Status::Live),
    ("bilibili", Site::Bilibili, Status::Live),
    ("douyu", Site::Douyu, Status::Live),
    ("waiting", Site::Douyin, Status::Waiting),
    ("ended", Site::Douyin, Status::Ended),
    ("login", Site::Douyin, Status::Login),
    ("captcha", Site::Douyin, Status::Captcha),
];
/// Most rooms with a page.
const PAGES: i64 = (ROOMS_MAX - OTHERS.len()) as i64;

pub(crate) async fn run(arguments: &SimArguments) -> Result<(), Failed> {
    // Listened for before anybody is told that it can be sent.
    let stop = stop_signal();
    let recorded = arguments.recorded().map_err(failed)?;
    let options = Options {
        port: arguments.port,
        rooms: arguments.rooms(recorded.as_ref()),
        ..Options::default()
    };
    let sim = Sim::start(options).await.map_err(failed)?;
    if arguments.json {
        print_json(&listening(&sim)?.to_string())?;
    } else {
        print_text(&words(&sim, arguments, recorded.as_ref())?)?;
    }
    stop.await;
    sim.shut_down().await;
    if arguments.json {
        print_json(&json!({ "event": "stopped" }).to_string())?;
    }
    Ok(())
}

fn failed(error: SimError) -> Failed {
    let code = match &error {
        SimError::Options(_) | SimError::Fault(_) => USAGE,
        SimError::Port { .. }
        | SimError::Journal(_)
        | SimError::NoSite(_)
        | SimError::NoRoom(_) => FAILED,
    };
    Failed::new(code, error.to_string())
}

impl SimArguments {
    /// The room that plays the journal.
    fn recorded(&self) -> Result<Option<RoomOptions>, SimError> {
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let mut room = RoomOptions::of_journal(journal, self.speed)?;
        room.messages = self.messages;
        room.faults = self.faults_of(&room);
        Ok(Some(room))
    }

    fn rooms(&self, recorded: Option<&RoomOptions>) -> Vec<RoomOptions> {
        let live = (0..u64::from(self.rooms))
            .map(|at| ((FIRST + at).to_string(), Site::Douyin, Status::Live));
        let others = OTHERS.map(|(name, site, status)| (name.to_owned(), site, status));
        let all = live.chain(others).zip(self.seed..);
        let made = all.map(|((name, site, status), seed)| {
            let room = RoomOptions {
                seed,
                rate: self.rate,
                messages: self.messages,
                status,
                live_after: Some(LIVE_AFTER),
                ..RoomOptions::new(&name, site)
            };
            RoomOptions {
                faults: self.faults_of(&room),
                ..room
            }
        });
        // One that is played has the name that it has in the journal, and may be one of these that was recorded.
        let is_free = |made: &RoomOptions| recorded.is_none_or(|room| room.name != made.name);
        let made = made.filter(is_free);
        recorded.cloned().into_iter().chain(made).collect()
    }

    fn faults_of(&self, room: &RoomOptions) -> Vec<Fault> {
        let fits = |fault: &&Fault| room.check_fault(**fault).is_ok();
        self.faults.iter().filter(fits).copied().collect()
    }
}

fn listening(sim: &Sim) -> Result<Value, Failed> {
    let origin = format!("http://{}", sim.address());
    let rooms = sim.rooms().map(|room| {
        let control = format!("{origin}/sim/rooms/{room}");
        Ok(json!({
            "room": room,
            "url": sim.room_url(room)?,
            "push": sim.push_url(room)?,
            "id": sim.asked_for(room)?.to_string(),
            "manifest": format!("{control}/manifest"),
            "faults": format!("{control}/faults"),
        }))
    });
    let rooms: Result<Vec<_>, SimError> = rooms.collect();
    Ok(json!({
        "event": "listening",
        "url": origin,
        "secret": sim.secret(),
        "rooms": rooms.map_err(failed)?,
    }))
}

fn words(
    sim: &Sim,
    arguments: &SimArguments,
    recorded: Option<&RoomOptions>,
) -> Result<String, Failed> {
    let origin = format!("http://{}", sim.address());
    let mut lines = vec![
        format!("Simulated live rooms at {origin}/ · 模拟直播间"),
        "All people, texts and gifts are made up. A room begins when somebody watches it. · 人物、文字和礼物都是虚构的，有人观看时开始".to_owned(),
        String::new(),
    ];
    if let Some(room) = recorded {
        lines.extend(of_recorded(sim, room)?);
    }
    lines.extend(["Pages (open them in a browser) · 网页".to_owned()]);
    let live = (0..u64::from(arguments.rooms)).map(|at| (FIRST + at).to_string());
    for room in live {
        lines.push(format!("  {}", sim.room_url(&room).map_err(failed)?));
    }
    let live_after = LIVE_AFTER.as_secs();
    for (room, what) in [
        (
            "waiting",
            format!("goes live after {live_after} s · {live_after} 秒后开播"),
        ),
        ("ended", "has ended · 已结束".to_owned()),
        ("login", "wants a log-in · 需要登录".to_owned()),
        ("captcha", "wants a captcha · 需要验证码".to_owned()),
    ] {
        lines.push(format!("  {origin}/live/{room:<8}  {what}"));
    }
    lines.push(String::new());
    lines.push("Push servers · 推送服务器".to_owned());
    if arguments.rooms > 0 {
        let url = sim.push_url(&FIRST.to_string()).map_err(failed)?;
        lines.push(format!("  Douyin    '{url}'"));
    }
    for (site, room, what) in [
        ("Huya", "huya", "presenter"),
        ("Bilibili", "bilibili", "room"),
        ("Douyu", "douyu", "room"),
    ] {
        let (url, id) = (
            sim.push_url(room).map_err(failed)?,
            sim.asked_for(room).map_err(failed)?,
        );
        lines.push(format!("  {site:<9} {url}  {what} {id}"));
    }
    let room = if arguments.rooms > 0 { "1001" } else { "huya" };
    lines.extend([
        String::new(),
        "To copy · 可复制的命令".to_owned(),
        format!("  curl {origin}/sim/rooms                    # rooms and their connections · 房间列表"),
        format!("  curl {origin}/sim/rooms/{room}/manifest      # what was sent · 已发送的内容"),
        format!("  curl -d '\"drop\"' {origin}/sim/rooms/{room}/faults                       # drop all connections now · 立即断开"),
        format!("  curl -d '[\"drop=20\", \"doubled-gifts\"]' {origin}/sim/rooms/{room}/faults  # from now on · 从现在起"),
        format!("  curl -d '\"none\"' {origin}/sim/rooms/{room}/faults                       # all well again · 恢复正常"),
        String::new(),
        "Ctrl-C ends it · 按 Ctrl-C 退出".to_owned(),
    ]);
    Ok(lines.join("\n"))
}

/// Of the room that plays a journal: what is in it was somebody's.
fn of_recorded(sim: &Sim, room: &RoomOptions) -> Result<Vec<String>, Failed> {
    let (name, site) = (&room.name, room.site.name());
    let id = sim.asked_for(name).map_err(failed)?;
    let (url, push) = (
        sim.room_url(name).map_err(failed)?,
        sim.push_url(name).map_err(failed)?,
    );
    let mut lines = vec![
        format!(
            "Recorded, and not made up: room {name} of {site}, number {id} · 录制的直播（非虚构）"
        ),
        format!("  {url}"),
    ];
    if push != url {
        lines.push(format!("  '{push}'"));
    }
    lines.push(String::new());
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_says_how_many_rooms_with_a_page_there_can_be() {
        assert_eq!(PAGES, 249);
    }
}
