//! Options of all commands that show events.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use pagewire_live::{Event, EventFilter, FilterParts, Said, Site, Template};

use super::{EventPrinter, Language};
use crate::exit::{Failed, USAGE};

/// What a command shows that shows events and nothing else.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    pub(crate) events: EventArguments,
    /// Show events only of which this is true, such as 'gift_delta.value >= 1000' (docs/filters.md) · 过滤表达式
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// One JSON object a line on standard output, for machines (docs/events.md): as --format json
    #[arg(long)]
    json: bool,
}

/// Which events are shown, and how. The command has options `--json` and `--filter` besides ([`OwnOptions`]).
#[derive(Debug, Args)]
pub(crate) struct EventArguments {
    /// Show events of these kinds only, such as chat,gift.delta; gifts are counted all the same
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', value_parser = PossibleValuesParser::new(Event::kinds()))]
    pub(crate) kinds: Vec<String>,
    /// Show what this person does only: a name or an id, whole; may be repeated · 只看某人
    #[arg(long = "user", value_name = "NAME|ID")]
    pub(crate) users: Vec<String>,
    /// Show chats with this text only; /…/ is a pattern, /…/i one for whichever case · 只看含此文字的弹幕
    #[arg(long = "match", value_name = "TEXT|/PATTERN/")]
    pub(crate) said: Option<String>,
    /// Show gifts only that are worth at least so much when their combo ends, in the site's smallest money · 只看不低于此价值的礼物
    #[arg(long, value_name = "VALUE")]
    pub(crate) min_gift: Option<u64>,
    /// How events are written: lines for people, json as --json, compat as a known Python program does, or --template · 输出格式
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "json")]
    pub(crate) format: Option<EventFormat>,
    /// Write each event as this says, such as '{user.name}: {chat.text}' (docs/events.md) · 自定义每行的格式
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    pub(crate) template: Option<String>,
    /// With --json: add all that the site itself sent, as a member `site_fields` · 附上网站的原始字段
    #[arg(long)]
    pub(crate) site_fields: bool,
    /// Language of lines for people, and of states and summaries [default: that of the system] · 语言
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub(crate) lang: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// For people
    Lines,
    /// An object a line
    Json,
    /// Lines such as 【聊天msg】, for scripts that read them
    Compat,
    /// As --template says
    Template,
}

/// Options about events that other values of a command have too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnOptions<'a> {
    pub(crate) json: bool,
    /// An expression over events.
    pub(crate) filter: Option<&'a str>,
}

/// How events are written.
#[derive(Debug)]
pub(crate) enum Written {
    Lines(Language),
    Json,
    JsonWithSiteFields,
    Compat,
    Template(Template),
}

impl ShowArguments {
    /// # Errors
    ///
    /// The options do not go together, or one of them is not understood.
    pub(crate) fn printer(&self) -> Result<EventPrinter, Failed> {
        let own = OwnOptions {
            json: self.json,
            filter: self.filter.as_deref(),
        };
        EventPrinter::new(&self.events, own)
    }
}

impl EventArguments {
    /// Something was asked for.
    pub(crate) fn are_given(&self) -> bool {
        let Self {
            kinds,
            users,
            said,
            min_gift,
            format,
            template,
            site_fields,
            lang,
        } = self;
        *site_fields
            || !(kinds.is_empty() && users.is_empty())
            || said.is_some()
            || min_gift.is_some()
            || format.is_some()
            || template.is_some()
            || lang.is_some()
    }

    /// Which events are wanted.
    pub(crate) fn filter(&self, own: OwnOptions<'_>) -> Result<EventFilter, Failed> {
        let parts = FilterParts {
            kinds: self.kinds.clone(),
            users: self.users.clone(),
            said: self.said.as_deref().map(Said::parse),
            min_gift: self.min_gift,
            expression: own.filter.map(str::to_owned),
        };
        EventFilter::new(&parts)
            .map_err(|error| Failed::new(USAGE, format!("no such events can be shown: {error}")))
    }

    /// How they are written.
    pub(crate) fn written(&self, own: OwnOptions<'_>) -> Result<Written, Failed> {
        let usage = |words: &str| Err(Failed::new(USAGE, words));
        let format = match (own.json, self.format, &self.template) {
            (true, ..) => EventFormat::Json,
            (false, None, None) => EventFormat::Lines,
            (false, None, Some(_)) => EventFormat::Template,
            (false, Some(format), _) => format,
        };
        if self.site_fields && format != EventFormat::Json {
            return usage("--site-fields belongs to --json, which writes all members of an event");
        }
        match (format, &self.template) {
            (EventFormat::Template, None) => {
                usage("--format template needs --template, such as '{user.name}: {chat.text}'")
            }
            (EventFormat::Template, Some(template)) => Template::parse(template)
                .map(Written::Template)
                .map_err(|error| Failed::new(USAGE, format!("--template: {error}"))),
            (_, Some(_)) => {
                usage("--template is a format of its own: leave the other --format out")
            }
            (EventFormat::Lines, None) => Ok(Written::Lines(Language::of_user(self.lang))),
            (EventFormat::Compat, None) => Ok(Written::Compat),
            (EventFormat::Json, None) if self.site_fields => Ok(Written::JsonWithSiteFields),
            (EventFormat::Json, None) => Ok(Written::Json),
        }
    }
}

/// Reads the name of a site.
pub(crate) fn site() -> impl TypedValueParser<Value = Site> {
    let names = Site::ALL.iter().map(|site| site.name());
    PossibleValuesParser::new(names).map(|name| {
        let mut sites = Site::ALL.iter().copied();
        let named = sites.find(|site| site.name() == name);
        named.expect("the parser knows only names of sites")
    })
}
