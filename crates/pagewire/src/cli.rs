//! The command line. Flags of `serve` are the settings themselves ([`crate::settings`]).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use pagewire_server::{Secret, parse_duration};

use crate::commands::attach::AttachArguments;
use crate::commands::connect::ConnectArguments;
#[cfg(feature = "decode")]
use crate::commands::decode::{DecodeArguments, EncodeArguments, LiveArguments};
#[cfg(feature = "decode")]
use crate::commands::gen_frames::GenFramesArguments;
#[cfg(feature = "watch")]
use crate::commands::replay::ReplayArguments;
use crate::commands::sim::SimArguments;
#[cfg(feature = "watch")]
use crate::commands::watch::WatchArguments;
use crate::settings::Settings;

/// Wires live web pages to programs: call a page's own functions, stream what it publishes.
///
/// 把浏览器里的网页接到程序：调用网页自己的函数，接收网页发布的数据。
#[derive(Debug, Parser)]
#[command(name = "pagewire", version = crate::version::VERSION, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the hub · 启动 hub
    Serve(ServeArguments),
    /// Make pages of a browser pages of a hub, through DevTools: call them and listen to them · 接入浏览器中的网页
    Attach(Box<AttachArguments>),
    /// Call a function of a page · 调用网页函数
    Call(CallArguments),
    /// List attached pages and their functions · 列出已接入的网页
    Pages(PagesArguments),
    /// Show the values of a topic as they come · 跟随一个主题
    Tail(TailArguments),
    /// Publish a value to a topic · 发布一个值
    Publish(PublishArguments),
    /// Send a text to a page of the plain pattern, and wait for its next message · 向普通 WebSocket 网页发送文本
    Send(SendArguments),
    /// Talk to any WebSocket server from the terminal · 在终端里收发 WebSocket 消息
    Connect(Box<ConnectArguments>),
    /// Watch live rooms: chat, gifts, likes, entries, counts, as they happen · 观看直播间：弹幕、礼物、点赞、进场、人数
    #[cfg(feature = "watch")]
    Watch(Box<WatchArguments>),
    /// Tell again what `watch --journal` kept of a room · 回放已保存的直播间数据
    #[cfg(feature = "watch")]
    Replay(Box<ReplayArguments>),
    /// Make bytes readable: frames of live rooms, Protobuf with a schema or without one, Tars, STT, Bilibili, WebSocket frames · 把二进制数据解码成可读的内容
    #[cfg(feature = "decode")]
    Decode(DecodeArguments),
    /// Make bytes out of JSON: Protobuf by a schema · 按 schema 把 JSON 编码成二进制
    #[cfg(feature = "decode")]
    Encode(EncodeArguments),
    /// Make up frames of a live room from a number, with what they hold: for tests · 生成虚构的直播间数据，用于测试
    #[cfg(feature = "decode")]
    GenFrames(GenFramesArguments),
    /// Run live rooms of made-up people: pages and push servers to try things on, with faults on demand · 运行模拟直播间
    Sim(SimArguments),
    /// Show the effective settings, secrets masked · 显示生效的配置
    Config(ConfigArguments),
    /// See it work: a hub, a sample page in Chromium, calls and values · 一条命令看演示
    Demo(DemoArguments),
    /// Say in plain words what works, what does not, and what to type · 检查并说明为什么连不上
    Doctor(DoctorArguments),
    /// Print a script that completes commands in a shell · 生成命令补全脚本
    Completions(CompletionsArguments),
    /// Print the manual pages, or write them to a folder · 生成手册页
    Man(ManArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Group of the printed snippet
    #[arg(long, default_value = "page", value_parser = crate::settings::parse_group)]
    pub(crate) group: pagewire_rpc::GroupName,
    /// One JSON object a line on standard output, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// Configuration file (TOML); default: pagewire/config.toml in the user's configuration folder, if it is there
    #[arg(long = "config", value_name = "FILE", env = "PAGEWIRE_CONFIG")]
    pub(crate) path: Option<PathBuf>,
}

/// How to reach a running hub.
#[derive(Debug, Args)]
pub(crate) struct HubArguments {
    /// Address of the hub
    #[arg(
        long,
        value_name = "URL",
        env = "PAGEWIRE_HUB",
        default_value = "http://127.0.0.1:9999"
    )]
    pub(crate) hub: String,
    /// Token to show to the hub; the environment keeps it out of the process list
    #[arg(
        long,
        value_name = "SECRET",
        env = "PAGEWIRE_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<Secret>,
    /// Trust the root certificates in this file too (PEM), beside those of the system
    #[arg(long, value_name = "FILE", env = "PAGEWIRE_CA")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CallArguments {
    #[command(flatten)]
    pub(crate) hub: HubArguments,
    /// The function: group/function
    #[arg(value_name = "GROUP/FUNCTION")]
    pub(crate) function: String,
    /// Arguments, each as JSON; what is not JSON is taken as a text
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,
    /// Send this file's bytes as the one argument (- is standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "arguments")]
    pub(crate) bytes: Option<PathBuf>,
    /// Print the values of a stream as they come, one a line (without it: one array at the end)
    #[arg(long)]
    pub(crate) stream: bool,
    /// How long the call may take, such as 500ms, 5s, 2m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Ask exactly this page
    #[arg(long, value_name = "ID")]
    pub(crate) page: Option<String>,
    /// Ask the same page for the same key, such as a user's name
    #[arg(long, value_name = "TEXT", conflicts_with = "page")]
    pub(crate) key: Option<String>,
    /// The call may run twice: ask another page when the first one is lost
    #[arg(long)]
    pub(crate) idempotent: bool,
    /// Print a text result without quotes
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PagesArguments {
    #[command(flatten)]
    pub(crate) hub: HubArguments,
    /// The hub's own JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) change: PageChange,
}

/// What to do with one page instead of listing all.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PageChange {
    /// Give this page no new calls but those that name it; those under way go on
    #[arg(long, value_name = "ID")]
    pub(crate) drain: Option<String>,
    /// Give this page calls again
    #[arg(long, value_name = "ID")]
    pub(crate) resume: Option<String>,
    /// Detach this page and tell it not to come back
    #[arg(long, value_name = "ID")]
    pub(crate) detach: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    pub(crate) hub: HubArguments,
    /// The page: its id, or its group where that has one page only (see `pagewire pages`)
    #[arg(value_name = "PAGE|GROUP")]
    pub(crate) page: String,
    /// The text, sent as it is; - reads standard input
    #[arg(allow_negative_numbers = true)]
    pub(crate) text: String,
    /// Wait so long for the page's next message and print it
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) wait: Option<Duration>,
    /// Print a text without quotes
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TailArguments {
    #[command(flatten)]
    pub(crate) hub: HubArguments,
    /// The topic, such as pages/demo/clock, taps/PAGE/CONNECTION (`pagewire pages` lists those of each page), or pages/GROUP/sockets/CONNECTION
    pub(crate) topic: String,
    /// Begin after this cursor or number
    #[arg(long, value_name = "CURSOR")]
    pub(crate) since: Option<String>,
    /// Begin with at most so many kept values
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<u64>,
    /// Show values only of which this is true, such as 'cents > 1000' (docs/filters.md); with --decode frame, events · 过滤表达式
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) filter: Option<String>,
    /// The hub's own records, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[cfg(feature = "decode")]
    #[command(flatten)]
    pub(crate) decoding: LiveArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PublishArguments {
    #[command(flatten)]
    pub(crate) hub: HubArguments,
    /// The topic: programs/…
    pub(crate) topic: String,
    /// The value as JSON; what is not JSON is taken as a text
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) value: String,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// End after the tour: 0 when all went well, 1 when not, 3 without Chromium
    #[arg(long)]
    pub(crate) once: bool,
    /// One JSON object a line, for machines
    #[arg(long)]
    pub(crate) json: bool,
    /// The browser to use instead of the first one found
    #[arg(long, value_name = "FILE", env = "PAGEWIRE_CHROMIUM")]
    pub(crate) browser: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) hub: HubArguments,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Would the page script attach from this page? Looks at its policy, its scheme and where it comes from
    #[arg(long, value_name = "URL")]
    pub(crate) page: Option<String>,
    /// A Content-Security-Policy to judge, as text; may be repeated, and each must allow
    #[arg(long, value_name = "POLICY")]
    pub(crate) csp: Vec<String>,
    /// The same out of a file
    #[arg(long, value_name = "FILE")]
    pub(crate) csp_file: Option<PathBuf>,
    /// Start the browser for a moment, without a window
    #[arg(long)]
    pub(crate) browser: bool,
    /// One JSON object, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write one file a page to this folder instead
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
