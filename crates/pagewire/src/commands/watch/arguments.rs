//! The command line of `pagewire watch`.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pagewire_cdp::Expose;
use pagewire_room::signers::SignerAddress;

use crate::cli::ConfigFile;
use crate::commands::browser::BrowserArguments;
use crate::commands::live::ShowArguments;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// The rooms: addresses of their pages, links as people share them, or short forms such as huya:123 · 直播间地址
    #[arg(value_name = "ROOM", required = true)]
    pub(crate) rooms: Vec<String>,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
    /// Keep every frame in FOLDER/SITE-ROOM, for `pagewire replay` · 保存原始数据
    #[arg(long, value_name = "FOLDER", env = "PAGEWIRE_JOURNAL")]
    pub(crate) journal: Option<PathBuf>,
    /// Wait for the next broadcast when one has ended · 下播后等待下一场
    #[arg(long)]
    pub(crate) next: bool,
    /// More sites, or other addresses of those that are known (docs/sites) · 站点表
    #[arg(long, value_name = "FILE", env = "PAGEWIRE_SITES")]
    pub(crate) sites: Option<PathBuf>,
    /// Where the frames come from [default: tab, and direct where that does not work; direct with --signer, --address or --id] · 数据来源
    #[arg(long, value_name = "SOURCE", value_enum)]
    pub(crate) source: Option<SourceName>,
    #[command(
        flatten,
        next_help_heading = "A connection of our own (--source direct)"
    )]
    pub(crate) direct: DirectArguments,
    #[command(flatten, next_help_heading = "The browser of tabs")]
    pub(crate) browser: BrowserArguments,
    /// Let signers and programs call an expression of the room's page, as group `rooms`: NAME=EXPRESSION; may be repeated
    #[arg(
        long,
        value_name = "NAME=EXPRESSION",
        help_heading = "The browser of tabs"
    )]
    pub(crate) expose: Vec<Expose>,
    #[command(flatten, next_help_heading = "The hub that the rooms are topics of")]
    pub(crate) config: ConfigFile,
    #[command(flatten, next_help_heading = "The hub that the rooms are topics of")]
    pub(crate) settings: Settings,
}

/// Where the frames of a room come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceName {
    /// The room's page in a browser, opened where no tab has it: its own socket is read
    Tab,
    /// A socket without a browser; most sites want its address signed
    Direct,
}

/// What a connection of our own is made with.
#[derive(Args)]
pub(crate) struct DirectArguments {
    /// Who signs: page:GROUP/FUNCTION, script:FILE#FUNCTION, command:PROGRAM ARGUMENT…, or an HTTP address; several are asked in their order (docs/signers.md) · 签名器
    #[arg(long = "signer", value_name = "SIGNER")]
    pub(crate) signers: Vec<SignerAddress>,
    /// The whole address of a push socket, with its signature; of one room; may be repeated · 完整的推送地址
    #[arg(long = "address", value_name = "wss://…")]
    pub(crate) addresses: Vec<String>,
    /// The site's own id of the room (of Huya: of the presenter). The site is not asked about the room then; of one room
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Your cookies of the site, as its requests have them; the environment keeps them out of the process list
    #[arg(
        long,
        value_name = "NAME=VALUE; …",
        env = "PAGEWIRE_COOKIE",
        hide_env_values = true
    )]
    pub(crate) cookie: Option<String>,
    /// User agent of requests; cookies and signatures of a browser want its own [default: that of a browser]
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,
    /// What lets you into the room, such as Bilibili's token of getDanmuInfo
    #[arg(
        long,
        value_name = "SECRET",
        env = "PAGEWIRE_ROOM_TOKEN",
        hide_env_values = true
    )]
    pub(crate) room_token: Option<String>,
    /// Your id on the site, where the token is of your account [default: nobody's]
    #[arg(
        long,
        value_name = "ID",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub(crate) room_user: u64,
    /// What the site gave your browser, such as Bilibili's cookie buvid3
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) room_device: String,
    /// Trust the root certificates in this file too (PEM), beside those of the system
    #[arg(long, value_name = "FILE", env = "PAGEWIRE_CA")]
    pub(crate) ca: Option<PathBuf>,
}

impl fmt::Debug for DirectArguments {
    /// Without cookies and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectArguments")
            .field("signers", &self.signers)
            .finish_non_exhaustive()
    }
}

impl DirectArguments {
    /// They say how a socket of our own is opened.
    pub(crate) fn are_given(&self) -> bool {
        !self.signers.is_empty() || !self.addresses.is_empty() || self.id.is_some()
    }
}
