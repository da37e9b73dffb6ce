//! `pagewire watch`: live rooms, as they happen.

mod arguments;
mod output;
mod rooms;
mod screen;
mod sources;
mod status;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use pagewire_browser::{AttachOptions, HubPort, Report};
use pagewire_hub::Hub;
use pagewire_live::{RoomAddress, Tally};
use pagewire_room::watch::{
    JournalOptions, Listeners, RoomTopic, Source, WatchError, WatchOptions, Watched, WatchedRoom,
    watch,
};
use serde_json::Value;
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

pub(crate) use self::arguments::WatchArguments;
pub(crate) use self::output::{Output, Overflow, Streams, Writing};
pub(crate) use self::screen::{Board, Screen};
use self::sources::{Plan, Sources, first_line, room_options};
use super::browser::{Told, keep_attached};
use super::live::{Language, Remarks, summary};
use super::own_hub::{OwnHub, PortTaken};
use crate::exit::{FAILED, Failed, SUCCESS, USAGE};
use crate::serve::stop_signal;
use crate::settings::Settings;
use crate::terminal::{harmless, stderr_is_terminal, stdout_is_terminal};
use crate::version;

pub(crate) async fn run(arguments: &WatchArguments) -> Result<(), Failed> {
    // Listened for before anybody is told that it can be sent.
    let mut stop = Box::pin(stop_signal());
    let table = rooms::table(arguments.sites.as_deref())?;
    let ca = arguments.direct.ca.as_deref();
    let rooms = tokio::select! {
        rooms = rooms::rooms(&table, &arguments.rooms, ca) => rooms?,
        () = &mut stop => return Ok(()),
    };
    check(arguments, &rooms)?;
    let printer = arguments.show.printer()?;
    let plan = Plan::new(arguments)?;
    let settings = Settings::load(&arguments.settings, &arguments.config)?;
    let own = OwnHub::start(&settings, Vec::new(), PortTaken::AnyPort).await?;
    let watching = Watching {
        arguments,
        rooms: &rooms,
        own: &own,
        language: Language::of_user(arguments.show.events.lang),
        remarks: printer.remarks(),
    };
    let result = watching.run(&plan, stop).await;
    own.close().await;
    result
}

/// Options that are of one room.
fn check(arguments: &WatchArguments, rooms: &[WatchedRoom]) -> Result<(), Failed> {
    let direct = &arguments.direct;
    let of_one = [
        ("--address", !direct.addresses.is_empty()),
        ("--id", direct.id.is_some()),
    ];
    match of_one.iter().find(|(_, given)| *given) {
        Some((option, _)) if rooms.len() > 1 => Err(Failed::new(
            USAGE,
            format!("{option} is of one room, and {} were named", rooms.len()),
        )),
        Some(_) | None => Ok(()),
    }
}

/// What all rooms of the command share.
struct Watching<'a> {
    arguments: &'a WatchArguments,
    rooms: &'a [WatchedRoom],
    own: &'a OwnHub,
    language: Language,
    remarks: Remarks,
}

/// A room that is not watched any more.
struct Ended {
    place: usize,
    tally: Tally,
    watched: Result<Watched, WatchError>,
}

impl Watching<'_> {
    async fn run(
        &self,
        plan: &Plan,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failed> {
        let sources = plan.sources(self.arguments, self.rooms, self.own)?;
        let (output, writing) = start_output(Overflow::LeaveOut, stop)?;
        let board = Board::new(self.rooms.len(), output.clone(), self.language);
        let stopping = CancellationToken::new();
        let Sources {
            rooms,
            attach,
            lost,
        } = sources;
        let topics = self.topics()?;
        output.say(self.greeting(&topics));
        if let Some(why) = &plan.without {
            output.say(harmless(why));
            output.say(self.without_browser().to_owned());
        }
        let mut tasks = JoinSet::new();
        // Who signs should be there before the first signature is wanted.
        let signs_by_page = plan.browser.is_some() && plan.is_direct();
        for (place, (source, topic)) in rooms.into_iter().zip(topics).enumerate() {
            let room = self.room(place, source, topic, &board, stopping.clone())?;
            let ready = signs_by_page.then(|| page_is_there(self.own.hub.clone(), &attach));
            let stop = stopping.clone();
            tasks.spawn(async move {
                if let Some(ready) = ready {
                    stop.run_until_cancelled(ready).await;
                }
                room.await
            });
        }
        drop(board);
        let mut told = Spoken {
            output: output.clone(),
            language: self.language,
        };
        let browser = self.browser(plan, &attach, &lost, &mut told);
        let ends = Ends {
            output: &output,
            rooms: self.rooms,
            language: self.language,
            stopping: &stopping,
            lost: &lost,
        };
        let (mut ended, why) = ends.of(&mut tasks, browser).await;
        ended.sort_by_key(|ended| ended.place);
        self.summarize(&ended, &output);
        drop((told, output));
        writing.finish().await?;
        conclude(&ended, why)
    }

    /// Keeps the browser attached while anybody needs it. Ends when its user closes it, and when it cannot be had any more.
    async fn browser(
        &self,
        plan: &Plan,
        attach: &AttachOptions,
        lost: &watch_channel::Sender<Option<String>>,
        told: &mut Spoken,
    ) -> Result<(), Failed> {
        // Programs may call what the page exposes, whoever reads the room.
        let is_kept = plan.is_direct() || !attach.expose.is_empty();
        if let Some(browser) = &plan.browser {
            let port = HubPort::Local(self.own.hub.clone());
            tokio::select! {
                result = keep_attached(browser, &port, attach, told) => return result,
                () = lost.closed(), if !is_kept => {}
            }
        }
        std::future::pending().await
    }

    fn topics(&self) -> Result<Vec<RoomTopic>, Failed> {
        let rooms = self.rooms.iter();
        let topics = rooms.map(|room| RoomTopic::new(self.own.hub.clone(), &room.address));
        let topics: Result<_, _> = topics.collect();
        topics.map_err(|error| Failed::new(USAGE, error.to_string()))
    }

    fn greeting(&self, topics: &[RoomTopic]) -> String {
        let url = &self.own.url;
        let topics: Vec<_> = topics.iter().map(|topic| topic.topic().as_str()).collect();
        let topics = topics.join(" ");
        let version = version::VERSION;
        match self.language {
            Language::English => {
                format!("Pagewire {version}: topic {topics} of the hub at {url}. Ctrl-C ends it.")
            }
            Language::Chinese => {
                format!("Pagewire {version}：hub {url}，主题 {topics}。按 Ctrl-C 结束。")
            }
        }
    }

    const fn without_browser(&self) -> &'static str {
        match self.language {
            Language::English => "So the rooms are watched by sockets of our own.",
            Language::Chinese => "因此不经过浏览器，直接连接直播间。",
        }
    }

    /// A room, from its source to the terminal and to the hub.
    fn room(
        &self,
        place: usize,
        source: Source,
        mut topic: RoomTopic,
        board: &Board,
        stop: CancellationToken,
    ) -> Result<impl Future<Output = Ended> + use<>, Failed> {
        let room = self.rooms[place].clone();
        let mut printer = self.arguments.show.printer()?;
        let name = (self.rooms.len() > 1).then(|| name(&room.address));
        if let Some(name) = &name {
            printer.mark(name);
        }
        let mut screen = Screen::new(name, place, board.clone(), printer, Some(topic.topic()));
        let options = WatchOptions {
            connection: room_options(self.arguments),
            journal: self.journal(&room.address),
            seed: random(),
            ..WatchOptions::default()
        };
        Ok(async move {
            let mut listeners = Listeners(vec![&mut screen, &mut topic]);
            let stop = stop.cancelled_owned();
            let watched = watch(room, source, options, &mut listeners, stop).await;
            Ended {
                place,
                tally: screen.into_tally(),
                watched,
            }
        })
    }

    fn journal(&self, room: &RoomAddress) -> Option<JournalOptions> {
        let folder = self.arguments.journal.as_ref()?;
        Some(JournalOptions {
            path: journal_of(folder, room),
            options: pagewire_journal::Options::default(),
        })
    }

    /// Says what the rooms were.
    fn summarize(&self, ended: &[Ended], output: &Output) {
        let watched = ended.iter().filter(|ended| ended.watched.is_ok());
        for Ended { place, tally, .. } in watched {
            let room = &self.rooms[*place].address;
            output.summary(&summary(&name(room), tally, self.language), self.remarks);
        }
    }
}

/// How the command ends. What rooms could not be begun was said.
fn conclude(ended: &[Ended], why: Result<(), Failed>) -> Result<(), Failed> {
    why?;
    let mut code = SUCCESS;
    for Ended { watched, .. } in ended {
        match watched {
            Err(_) => return Err(Failed::silent(FAILED)),
            Ok(watched) if code == SUCCESS => code = rooms::exit_code(watched),
            Ok(_) => {}
        }
    }
    if code == SUCCESS {
        Ok(())
    } else {
        Err(Failed::silent(code))
    }
}

/// What ends rooms.
struct Ends<'a> {
    output: &'a Output,
    rooms: &'a [WatchedRoom],
    language: Language,
    stopping: &'a CancellationToken,
    /// Tells tabs that their browser is lost.
    lost: &'a watch_channel::Sender<Option<String>>,
}

impl Ends<'_> {
    /// Waits for the end of all rooms. Ctrl-C, a reader that is gone and a browser that its user closes end them; of one that cannot be had any more the
    /// rooms are told that read its tabs.
    async fn of(
        self,
        tasks: &mut JoinSet<Ended>,
        browser: impl Future<Output = Result<(), Failed>>,
    ) -> (Vec<Ended>, Result<(), Failed>) {
        tokio::pin!(browser);
        let (mut ended, mut why, mut has_browser) = (Vec::new(), Ok(()), true);
        loop {
            let goes_on = !self.stopping.is_cancelled();
            tokio::select! {
                next = tasks.join_next() => match next {
                    Some(one) => {
                        let one = one.expect("rooms do not panic");
                        self.tell(&one);
                        ended.push(one);
                    }
                    None => break,
                },
                () = self.output.stopped(), if goes_on => self.stopping.cancel(),
                () = self.output.ended(), if goes_on => self.stopping.cancel(),
                result = &mut browser, if goes_on && has_browser => {
                    has_browser = false;
                    why = self.without_browser(result);
                }
            }
        }
        // Rooms that went on without it do not miss it.
        let is_missed = |one: &Ended| one.watched.as_ref().is_ok_and(rooms::misses_tab);
        if self.lost.borrow().is_some() && !ended.iter().any(is_missed) {
            why = Ok(());
        }
        (ended, why)
    }

    /// Says at once why a room could not be begun: the others may go on for hours.
    fn tell(&self, one: &Ended) {
        if let Err(error) = &one.watched {
            let error = match (self.language, error) {
                (Language::Chinese, WatchError::Journal(error)) => error.zh(),
                (Language::English | Language::Chinese, _) => error.to_string(),
            };
            let line = match self.rooms {
                [_] => format!("pagewire: {error}"),
                rooms => format!("[{}] {error}", name(&rooms[one.place].address)),
            };
            self.output.say(harmless(&line));
        }
    }

    fn without_browser(&self, result: Result<(), Failed>) -> Result<(), Failed> {
        match &result {
            Err(failed) if self.lost.receiver_count() > 0 => {
                self.lost.send_replace(Some(first_line(failed)));
            }
            Ok(()) | Err(_) => self.stopping.cancel(),
        }
        result
    }
}

/// How long a browser may take from its start to the first page that is attached.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the hub is asked whether it is there.
const PAGE_POLL: Duration = Duration::from_millis(50);

/// Waits until a page of the rooms is attached, for a while: then whoever misses it says so.
fn page_is_there(hub: Hub, attach: &AttachOptions) -> impl Future<Output = ()> + use<> {
    let group = attach.group.clone();
    async move {
        let there = async {
            while !hub.pages().iter().any(|page| page.group == group) {
                sleep(PAGE_POLL).await;
            }
        };
        let _ = timeout(PAGE_TIMEOUT, there).await;
    }
}

/// Begins to write to standard output and standard error, until `stop` ends the command.
pub(crate) fn start_output(
    overflow: Overflow,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(Output, Writing), Failed> {
    let streams = Streams {
        out: io::stdout(),
        err: io::stderr(),
        has_status: stdout_is_terminal() && stderr_is_terminal(),
    };
    let (output, mut writing) = Output::start(streams, overflow)
        .map_err(|error| Failed::new(FAILED, format!("cannot start a thread: {error}")))?;
    writing.stopped_by(stop);
    Ok((output, writing))
}

/// What a room is called, in few words.
fn name(room: &RoomAddress) -> String {
    format!("{}/{}", room.site, room.room)
}

/// The journal of a room in the folder of all.
fn journal_of(folder: &std::path::Path, room: &RoomAddress) -> PathBuf {
    folder.join(format!("{}-{}", room.site, room.room))
}

fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// What is said of the browser. What becomes of its pages, the states of the rooms tell.
struct Spoken {
    output: Output,
    language: Language,
}

impl Told for Spoken {
    fn say(&mut self, event: &str, _value: Value, text: &str) -> Result<(), Failed> {
        let chinese = match event {
            "browser" => "浏览器已就绪",
            "browser_lost" => "浏览器已断开，正在重新连接",
            "closed" => "浏览器已被关闭",
            _ => text,
        };
        self.output.say(harmless(self.language.of(text, chinese)));
        Ok(())
    }

    fn report(&mut self, report: &Report) -> Result<(), Failed> {
        if let Report::Problem { text } = report {
            self.output.say(harmless(text));
        }
        Ok(())
    }
}
