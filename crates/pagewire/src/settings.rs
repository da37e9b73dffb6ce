//! Settings of the hub: one row each, which is flag, environment variable and key of the configuration file at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, CommandFactory as _};
use pagewire_hub::{GroupPolicy, HubOptions, Routing, Scopes, TopicOptions};
use pagewire_rpc::{GroupName, LinkOptions};
use pagewire_server::{
    Access, AllowedOrigin, Origin, PlainPattern, PublicUrl, Secret, ServerOptions, Token,
    TrustedProxy, parse_duration,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cli::{Cli, ConfigFile};
use crate::exit::{CONFIGURATION, Failed};

/// What plain pages are sent at once: the word that existing scripts wait for.
const GREETING_DEFAULT: &str = "lx";
/// The word for no greeting.
const NO_GREETING: &str = "none";
/// Time for calls to end when the hub stops.
const GRACE_DEFAULT: Duration = Duration::from_secs(5);

/// All settings. A flag wins over its environment variable, which wins over the file; lists but `listen` add up.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Address to listen on; may be repeated; port 0 takes a free one [default: 127.0.0.1:9999]
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "PAGEWIRE_LISTEN",
        value_delimiter = ','
    )]
    listen: Vec<SocketAddr>,
    /// Host name by which the hub may be addressed, beside localhost and the loopback addresses; may be repeated
    #[arg(
        long = "allow-host",
        value_name = "NAME",
        env = "PAGEWIRE_ALLOW_HOSTS",
        value_delimiter = ','
    )]
    allow_hosts: Vec<String>,
    /// Origin whose pages may attach: to free groups, or to the groups named; may be repeated
    #[arg(
        long = "allow-origin",
        value_name = "ORIGIN[=GROUP,…]",
        env = "PAGEWIRE_ALLOW_ORIGINS",
        value_delimiter = ';'
    )]
    allow_origins: Vec<OriginRule>,
    /// Refuse every request without a token, also from programs on this machine
    #[arg(long, env = "PAGEWIRE_REQUIRE_TOKEN", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    require_token: Option<bool>,
    /// Address of the hub through a reverse proxy: what is printed; its host is allowed, its path taken off requests
    #[arg(long, value_name = "https://HOST[/PATH]", env = "PAGEWIRE_PUBLIC_URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<PublicUrl>,
    /// Reverse proxy whose X-Forwarded-For and -Host are believed: an address, a network such as 10.0.0.0/8, or loopback; may be repeated
    #[arg(
        long = "trust-proxy",
        value_name = "ADDRESS",
        env = "PAGEWIRE_TRUST_PROXIES",
        value_delimiter = ','
    )]
    trust_proxies: Vec<TrustedProxy>,
    /// How long calls may go on when the hub stops [default: 5s]
    #[arg(long, value_name = "TIME", env = "PAGEWIRE_GRACE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    grace: Option<Time>,
    /// Time between heartbeats of a page; two without a sign of life end its link [default: 15s]
    #[arg(long, value_name = "TIME", env = "PAGEWIRE_HEARTBEAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat: Option<Time>,
    /// Calls that one page works on at once; more wait [default: 64]
    #[arg(long, value_name = "N", env = "PAGEWIRE_IN_FLIGHT_MAX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight_max: Option<usize>,
    /// Values that each topic keeps [default: 1024]
    #[arg(long, value_name = "N", env = "PAGEWIRE_TOPIC_VALUES_MAX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_values_max: Option<usize>,
    /// Values that each topic of a tapped connection keeps [default: 131072]
    #[arg(long, value_name = "N", env = "PAGEWIRE_TAP_VALUES_MAX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tap_values_max: Option<usize>,
    /// A token and what it allows, such as SECRET=call:shop/*,subscribe; all but run-code without scopes; may be repeated
    #[arg(long = "token", value_name = "SECRET[=SCOPE,…]", env = "PAGEWIRE_TOKENS", value_delimiter = ';', hide_env_values = true, value_parser = parse_token)]
    tokens: Vec<Token>,
    /// Origin whose pages may open a plain WebSocket at the hub's address, knowing nothing of Pagewire; may be repeated
    #[arg(
        long = "plain-page",
        value_name = "ORIGIN",
        env = "PAGEWIRE_PLAIN_PAGES",
        value_delimiter = ';'
    )]
    plain_pages: Vec<Origin>,
    /// What plain pages are sent at once; none for nothing [default: lx, and none with --echo]
    #[arg(long, value_name = "TEXT|none", env = "PAGEWIRE_PLAIN_GREETING")]
    #[serde(skip_serializing_if = "Option::is_none")]
    plain_greeting: Option<String>,
    /// Send every message of a plain WebSocket back to its sender, for trying clients
    #[arg(long, env = "PAGEWIRE_ECHO", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<bool>,
    /// Which page of a group takes a call: fewest-calls, round-robin or random [default: fewest-calls]
    #[arg(long, value_name = "RULE", env = "PAGEWIRE_ROUTING", value_parser = parse_routing)]
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<Routing>,
    /// Which origins own which groups, and how their calls are spread: [groups.NAME] origins = ["https://…"] routing = "random"
    #[arg(skip)]
    groups: BTreeMap<GroupName, GroupSettings>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupSettings {
    #[serde(default)]
    origins: Vec<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<Routing>,
}

/// `ORIGIN` or `ORIGIN=GROUP,GROUP`.
#[derive(Debug, Clone)]
struct OriginRule {
    origin: Origin,
    groups: Vec<GroupName>,
}

impl FromStr for OriginRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (origin, groups) = text.split_once('=').unwrap_or((text, ""));
        let groups = groups
            .split(',')
            .filter(|group| !group.is_empty())
            .map(parse_group);
        Ok(Self {
            origin: origin
                .parse()
                .map_err(|error: pagewire_server::OriginError| error.to_string())?,
            groups: groups.collect::<Result<_, _>>()?,
        })
    }
}

impl Serialize for OriginRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let groups: Vec<_> = self.groups.iter().map(GroupName::as_str).collect();
        let sign = if groups.is_empty() { "" } else { "=" };
        serializer.collect_str(&format_args!("{}{sign}{}", self.origin, groups.join(",")))
    }
}

impl<'de> Deserialize<'de> for OriginRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A length of time as people write it.
#[derive(Debug, Clone, Copy)]
struct Time(Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_duration(text).map(Self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

pub(crate) fn parse_group(text: &str) -> Result<GroupName, String> {
    GroupName::new(text).map_err(|error| error.to_string())
}

/// The words of the configuration file.
fn parse_routing(text: &str) -> Result<Routing, String> {
    use serde::de::IntoDeserializer as _;
    let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        text.into_deserializer();
    Routing::deserialize(deserializer).map_err(|error| error.to_string())
}

fn parse_token(text: &str) -> Result<Token, String> {
    let (secret, scopes) = match text.split_once('=') {
        None => (text, Scopes::all()),
        Some((secret, scopes)) => {
            let scopes: Result<_, _> = scopes.split(',').map(str::parse).collect();
            (
                secret,
                Scopes::new(scopes.map_err(|error: pagewire_hub::ScopeError| error.to_string())?),
            )
        }
    };
    let secret: Secret = secret
        .parse()
        .map_err(|error: pagewire_server::SecretError| error.to_string())?;
    Ok(Token {
        name: "--token".into(),
        secret,
        scopes,
    })
}

impl Settings {
    /// Flags and environment over the file.
    pub(crate) fn load(flags: &Self, file: &ConfigFile) -> Result<Self, Failed> {
        refuse_unknown_variables()?;
        let file = match file.path.clone().or_else(default_path) {
            None => Self::default(),
            Some(path) => Self::read(&path)?,
        };
        let settings = flags.clone().over(file);
        settings.refuse_plain_pages_behind_tokens()?;
        Ok(settings)
    }

    /// A page that knows nothing of Pagewire has no way to show a token: it would be turned away, whatever origins are named.
    fn refuse_plain_pages_behind_tokens(&self) -> Result<(), Failed> {
        if self.plain_pages.is_empty() || self.require_token != Some(true) {
            return Ok(());
        }
        Err(Failed::new(
            CONFIGURATION,
            "--plain-page and --require-token exclude each other: plain pages cannot show a token; leave one of them out",
        ))
    }

    fn read(path: &Path) -> Result<Self, Failed> {
        let wrong = |why: String| Failed::new(CONFIGURATION, format!("{}: {why}", path.display()));
        let settings = Self::read_file(path).map_err(wrong)?;
        if settings.holds_tokens() && is_readable_by_others(path) {
            tracing::warn!(path = %path.display(), "the file holds tokens and others may read it: chmod 600 it");
        }
        Ok(settings)
    }

    /// The settings of one file, or what is wrong with it.
    pub(crate) fn read_file(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Self::parse(&text)
    }

    pub(crate) fn holds_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let deserializer = toml::Deserializer::parse(text).map_err(|error| error.to_string())?;
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let path = error.path().to_string();
            format!("{path}: {}", error.into_inner())
        })
    }

    fn over(self, file: Self) -> Self {
        Self {
            listen: if self.listen.is_empty() {
                file.listen
            } else {
                self.listen
            },
            allow_hosts: [file.allow_hosts, self.allow_hosts].concat(),
            allow_origins: [file.allow_origins, self.allow_origins].concat(),
            require_token: self.require_token.or(file.require_token),
            public_url: self.public_url.or(file.public_url),
            trust_proxies: [file.trust_proxies, self.trust_proxies].concat(),
            grace: self.grace.or(file.grace),
            heartbeat: self.heartbeat.or(file.heartbeat),
            in_flight_max: self.in_flight_max.or(file.in_flight_max),
            topic_values_max: self.topic_values_max.or(file.topic_values_max),
            tap_values_max: self.tap_values_max.or(file.tap_values_max),
            tokens: [file.tokens, self.tokens].concat(),
            plain_pages: [file.plain_pages, self.plain_pages].concat(),
            plain_greeting: self.plain_greeting.or(file.plain_greeting),
            echo: self.echo.or(file.echo),
            routing: self.routing.or(file.routing),
            groups: file.groups,
        }
    }

    /// With every default filled in, for showing.
    pub(crate) fn effective(mut self) -> Self {
        let (hub, server) = (HubOptions::default(), ServerOptions::default());
        if self.listen.is_empty() {
            self.listen = server.listen;
        }
        self.require_token.get_or_insert(false);
        self.grace.get_or_insert(Time(GRACE_DEFAULT));
        self.heartbeat.get_or_insert(Time(hub.link.heartbeat));
        self.in_flight_max.get_or_insert(hub.link.in_flight_max);
        self.topic_values_max.get_or_insert(hub.topics.values_max);
        self.tap_values_max.get_or_insert(hub.topics.tap_values_max);
        self.echo.get_or_insert(false);
        self.routing.get_or_insert_default();
        if let Some(plain) = self.plain_pattern() {
            self.plain_greeting
                .get_or_insert_with(|| plain.greeting.unwrap_or_else(|| NO_GREETING.into()));
        }
        self
    }

    /// Origins whose pages may use the plain pattern.
    pub(crate) fn plain_pages(&self) -> &[Origin] {
        &self.plain_pages
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace.map_or(GRACE_DEFAULT, |time| time.0)
    }

    pub(crate) fn hub_options(&self) -> HubOptions {
        let (link, topics) = (LinkOptions::default(), TopicOptions::default());
        HubOptions {
            link: LinkOptions {
                heartbeat: self.heartbeat.map_or(link.heartbeat, |time| time.0),
                in_flight_max: self.in_flight_max.unwrap_or(link.in_flight_max).max(1),
                ..link
            },
            topics: TopicOptions {
                values_max: self.topic_values_max.unwrap_or(topics.values_max).max(1),
                tap_values_max: self.tap_values_max.unwrap_or(topics.tap_values_max).max(1),
                ..topics
            },
            groups: self.group_policy(),
            ..HubOptions::default()
        }
    }

    fn group_policy(&self) -> GroupPolicy {
        let from_table = self
            .groups
            .iter()
            .flat_map(|(group, owner)| owner.origins.iter().map(move |o| (group, o)));
        let from_rules = self
            .allow_origins
            .iter()
            .flat_map(|rule| rule.groups.iter().map(move |g| (g, &rule.origin)));
        let mut policy = GroupPolicy {
            routing: self.routing.unwrap_or_default(),
            ..GroupPolicy::default()
        };
        for (group, origin) in from_table.chain(from_rules) {
            let rules = policy.groups.entry(group.clone()).or_default();
            rules.origins.push(origin.as_str().to_owned());
        }
        for (group, own) in &self.groups {
            policy.groups.entry(group.clone()).or_default().routing = own.routing;
        }
        policy
    }

    /// None unless something switches the plain pattern on.
    pub(crate) fn plain_pattern(&self) -> Option<PlainPattern> {
        let echo = self.echo.unwrap_or(false);
        if self.plain_pages.is_empty() && !echo {
            return None;
        }
        let greeting = match self.plain_greeting.as_deref() {
            Some(NO_GREETING) => None,
            Some(text) => Some(text.to_owned()),
            // Who tries a client against an echo expects nothing before the echo.
            None => (!echo).then(|| GREETING_DEFAULT.to_owned()),
        };
        Some(PlainPattern { greeting, echo })
    }

    /// `attach_tokens` are made for this run only.
    pub(crate) fn server_options(&self, attach_tokens: Vec<Token>) -> ServerOptions {
        let free = self
            .allow_origins
            .iter()
            .filter(|rule| rule.groups.is_empty())
            .map(|rule| (&rule.origin, true));
        let bound = self
            .allow_origins
            .iter()
            .filter(|rule| !rule.groups.is_empty())
            .map(|rule| (&rule.origin, false));
        let owners = self
            .groups
            .values()
            .flat_map(|owner| owner.origins.iter().map(|origin| (origin, false)));
        // Rules without groups come first: the first match decides, and it allows more.
        let origins = free.chain(bound).chain(owners);
        let access = Access {
            hosts: self
                .allow_hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            origins: origins
                .map(|(origin, free_groups)| AllowedOrigin {
                    origin: origin.clone(),
                    free_groups,
                })
                .collect(),
            tokens: self.tokens.iter().cloned().chain(attach_tokens).collect(),
            require_token: self.require_token.unwrap_or(false),
            plain_pages: self.plain_pages.clone(),
            public_url: self.public_url.clone(),
            trusted_proxies: self.trust_proxies.clone(),
        };
        let mut options = ServerOptions {
            access,
            plain: self.plain_pattern(),
            ..ServerOptions::default()
        };
        if !self.listen.is_empty() {
            options.listen.clone_from(&self.listen);
        }
        options
    }

    /// The address to print for those who come through a proxy.
    /// True where no address to listen on was named.
    pub(crate) fn listens_where_everybody_looks(&self) -> bool {
        self.listen.is_empty()
    }

    pub(crate) fn public_url(&self) -> Option<&PublicUrl> {
        self.public_url.as_ref()
    }

    /// True when a token was configured: those that a run makes for itself do not protect an open address.
    pub(crate) fn open_address_without_token(&self) -> Option<SocketAddr> {
        self.listen
            .iter()
            .copied()
            .find(|address| !address.ip().is_loopback() && self.tokens.is_empty())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.listen
            .iter()
            .any(|address| !address.ip().is_loopback())
    }
}

/// A misspelt variable would otherwise be ignored without a word.
fn refuse_unknown_variables() -> Result<(), Failed> {
    match unknown_variables().first() {
        None => Ok(()),
        Some(name) => Err(Failed::new(
            CONFIGURATION,
            format!(
                "environment variable {name} is not known; known are: {}",
                known_variables().join(", ")
            ),
        )),
    }
}

/// Variables of the environment that begin like ours and are none of them.
pub(crate) fn unknown_variables() -> Vec<String> {
    let known = known_variables();
    let is_ours =
        |name: &String| name.starts_with("PAGEWIRE_") && !name.starts_with("PAGEWIRE_TEST_");
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names
        .filter(is_ours)
        .filter(|name| !known.contains(name) && name != "PAGEWIRE_REQUIRE_ALL")
        .collect()
}

/// The variable that somebody may have meant.
pub(crate) fn nearest_variable(name: &str) -> Option<String> {
    let distance = |known: &String| strsim::damerau_levenshtein(known, name);
    known_variables()
        .into_iter()
        .min_by_key(distance)
        .filter(|known| distance(known) <= 3)
}

fn known_variables() -> Vec<String> {
    let mut known: Vec<String> = ["PAGEWIRE_LOG"].map(String::from).to_vec();
    for command in Cli::command().get_subcommands() {
        known.extend(
            command
                .get_arguments()
                .filter_map(|arg| arg.get_env())
                .map(|env| env.to_string_lossy().into_owned()),
        );
    }
    known
}

/// `pagewire/config.toml` in the user's configuration folder, where it is there.
pub(crate) fn default_path() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            let home = if cfg!(windows) {
                std::env::var_os("APPDATA")
            } else {
                std::env::var_os("HOME")
            };
            home.map(|home| {
                if cfg!(windows) {
                    PathBuf::from(home)
                } else {
                    Path::new(&home).join(".config")
                }
            })
        });
    folder
        .map(|folder| folder.join("pagewire").join("config.toml"))
        .filter(|path| path.is_file())
}

/// True when other users of this machine may read the file.
#[cfg(unix)]
pub(crate) fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_readable_by_others(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_with_their_path() {
        let cases = [
            ("lisen = []", "lisen: "),
            ("[groups.shop]\norigin = []", "groups.shop.origin: "),
            (
                "[[tokens]]\nname = \"a\"\nsecret = \"0123456789abcdef\"\nscopes = [\"calls\"]",
                "tokens[0].scopes[0]: ",
            ),
            (
                "[[tokens]]\nname = \"a\"\nsecret = \"short\"\nscopes = []",
                "tokens[0].secret: ",
            ),
            ("allow_origins = [\"shop.example\"]", "allow_origins[0]: "),
            ("public_url = \"shop.example\"", "public_url: "),
            ("public_url = \"http://shop.example/v1\"", "public_url: "),
            ("trust_proxies = [\"nginx\"]", "trust_proxies[0]: "),
            ("listen = [\"127.0.0.1\"]", "listen[0]: "),
            ("grace = \"soon\"", "grace: "),
        ];
        for (text, path) in cases {
            let error = Settings::parse(text).unwrap_err();
            assert!(error.starts_with(path), "{text}: {error}");
        }
    }

    #[test]
    fn flags_win_and_lists_add_up() {
        let file = Settings::parse(
            "listen = [\"127.0.0.1:1\"]\ngrace = \"9s\"\nheartbeat = \"3s\"\nallow_hosts = [\"a\"]",
        )
        .unwrap();
        let flags =
            Settings::parse("listen = [\"127.0.0.1:2\"]\ngrace = \"1s\"\nallow_hosts = [\"b\"]")
                .unwrap();
        let settings = flags.over(file);
        assert_eq!(settings.grace(), Duration::from_secs(1));
        assert_eq!(
            settings.hub_options().link.heartbeat,
            Duration::from_secs(3)
        );
        let server = settings.server_options(Vec::new());
        assert_eq!(
            (server.listen, server.access.hosts),
            (
                vec!["127.0.0.1:2".parse().unwrap()],
                vec!["a".into(), "b".into()]
            )
        );
    }

    #[test]
    fn an_origin_with_groups_joins_only_those() {
        let settings = Settings::parse(
            "allow_origins = [\"https://free.example\", \"https://shop.example=a,b\"]\n[groups.c]\norigins = [\"https://c.example\"]",
        )
        .unwrap();
        let origins = settings.server_options(Vec::new()).access.origins;
        let shown: Vec<_> = origins
            .iter()
            .map(|allowed| (allowed.origin.as_str(), allowed.free_groups))
            .collect();
        assert_eq!(
            shown,
            [
                ("https://free.example", true),
                ("https://shop.example", false),
                ("https://c.example", false)
            ]
        );
        let policy = settings.hub_options().groups;
        let owners = |group| &policy.groups[&GroupName::new(group).unwrap()].origins;
        assert_eq!(*owners("b"), ["https://shop.example"]);
        assert_eq!(*owners("c"), ["https://c.example"]);
    }

    #[test]
    fn groups_have_their_own_routing() {
        let settings = Settings::parse(
            "routing = \"round-robin\"\n[groups.a]\nrouting = \"random\"\n[groups.b]\norigins = [\"https://b.example\"]",
        )
        .unwrap();
        let policy = settings.hub_options().groups;
        let of = |group| policy.groups[&GroupName::new(group).unwrap()].routing;
        assert_eq!(
            (policy.routing, of("a"), of("b")),
            (Routing::RoundRobin, Some(Routing::Random), None)
        );
        assert_eq!(parse_routing("fewest-calls"), Ok(Routing::FewestCalls));
        assert!(
            parse_routing("fastest")
                .unwrap_err()
                .contains("round-robin")
        );
    }

    #[test]
    fn the_plain_pattern_is_off_until_something_switches_it_on() {
        for (text, greeting) in [
            ("", None),
            ("plain_greeting = \"hi\"", None),
            (
                "plain_pages = [\"https://a.example\"]",
                Some((Some("lx"), false)),
            ),
            ("echo = true", Some((None, true))),
            (
                "echo = true\nplain_greeting = \"hi\"",
                Some((Some("hi"), true)),
            ),
            (
                "plain_pages = [\"http://127.0.0.1:8000\"]\nplain_greeting = \"none\"",
                Some((None, false)),
            ),
        ] {
            let plain = Settings::parse(text).unwrap().plain_pattern();
            let shown = plain
                .as_ref()
                .map(|plain| (plain.greeting.as_deref(), plain.echo));
            assert_eq!(shown, greeting, "{text}");
        }
    }

    #[test]
    fn proxies_are_told_to_the_server() {
        let settings = |text| Settings::parse(text).unwrap();
        let file =
            settings("public_url = \"https://old.example\"\ntrust_proxies = [\"10.0.0.0/8\"]");
        let flags =
            settings("public_url = \"https://shop.example/hub/\"\ntrust_proxies = [\"loopback\"]");
        let settings = flags.over(file);
        let access = settings.server_options(Vec::new()).access;
        assert_eq!(
            access.public_url.unwrap().as_str(),
            "https://shop.example/hub"
        );
        let proxies: Vec<_> = access
            .trusted_proxies
            .iter()
            .map(|p| p.to_string())
            .collect();
        assert_eq!(proxies, ["10.0.0.0/8", "loopback"]);
        let shown = toml::to_string(&settings.effective()).unwrap();
        assert!(
            shown.contains("public_url = \"https://shop.example/hub\""),
            "{shown}"
        );
    }

    #[test]
    fn secrets_are_masked_when_shown() {
        let settings = Settings {
            tokens: vec![parse_token("0123456789abcdef=call").unwrap()],
            ..Settings::default()
        };
        let shown = toml::to_string(&settings.effective()).unwrap();
        assert!(
            shown.contains("***") && !shown.contains("0123456789abcdef"),
            "{shown}"
        );
    }
}
