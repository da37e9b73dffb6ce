//! Is the hub there, is it a Pagewire hub, and does it know who asks?

use std::net::IpAddr;
use std::time::SystemTime;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::csp::Target;
use super::owner;
use super::probe::{Probe, Reply, Unreachable};
use super::report::{Check, State, length};
use crate::cli::HubArguments;
use crate::exit::{Failed, USAGE};
use crate::version;

/// The hub that is asked about.
#[derive(Debug)]
pub(crate) struct Hub<'a> {
    pub(crate) base: &'a str,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) probe: &'a Probe,
    target: Target,
    arguments: &'a HubArguments,
}

/// What is read of `GET /v1/status`.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    version: String,
    commit: Option<String>,
    uptime_ms: u64,
    pub(crate) now_ms: u64,
    pub(crate) connections: usize,
    pub(crate) connections_max: usize,
    pub(crate) open_files_max: Option<u64>,
    pub(crate) access: Access,
    scopes: Vec<String>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) refusals_forgotten: u64,
}

/// Who may reach the hub.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Access {
    pub(crate) origins: Vec<String>,
    pub(crate) plain: bool,
    pub(crate) plain_pages: Vec<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) trusted_proxies: Vec<String>,
}

/// One kind of refusal.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) from: Option<String>,
    pub(crate) asked: String,
    pub(crate) count: u64,
    pub(crate) last_ms: u64,
    pub(crate) reason: String,
    pub(crate) advice: String,
    pub(crate) flag: Option<String>,
}

/// What listens at the hub's address.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing, or nothing that helps to look further.
    Nothing,
    /// A hub that does not tell its status: too old, or not to us.
    Hub,
    /// A hub and its status.
    Open(Box<Status>),
}

/// The first look at a hub.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) found: Found,
    /// The hub's clock, where it told it.
    pub(crate) clock: Option<SystemTime>,
    pub(crate) checks: Vec<Check>,
}

impl Look {
    fn nothing(check: Check) -> Self {
        Self {
            found: Found::Nothing,
            clock: None,
            checks: vec![check],
        }
    }
}

/// What is read of a problem document.
#[derive(Deserialize)]
pub(crate) struct Problem {
    code: String,
    pub(crate) detail: String,
}

impl<'a> Hub<'a> {
    pub(crate) fn new(arguments: &'a HubArguments, probe: &'a Probe) -> Result<Self, Failed> {
        let base = arguments.hub.trim_end_matches('/');
        let is_http = |target: &Target| matches!(target.scheme.as_str(), "http" | "https");
        let target = Target::parse(base).filter(is_http).ok_or_else(|| {
            Failed::new(
                USAGE,
                format!(
                    "--hub {base:?} is no address such as http://127.0.0.1:9999 or https://hub.example"
                ),
            )
        })?;
        let default = if target.scheme == "https" { 443 } else { 80 };
        Ok(Self {
            base,
            host: target.host.clone(),
            port: target.port.unwrap_or(default),
            probe,
            target,
            arguments,
        })
    }

    /// True when it is reached over TLS: through something in front of it, as a hub itself speaks none.
    pub(crate) fn is_behind_tls(&self) -> bool {
        self.target.scheme == "https"
    }

    /// One of its files, or the hub itself where the path is empty.
    pub(crate) fn address(&self, path: &str) -> Target {
        Target {
            path: format!("{}{path}", self.target.path.trim_end_matches('/')),
            ..self.target.clone()
        }
    }

    /// Where pages attach.
    pub(crate) fn socket(&self) -> Target {
        Target {
            scheme: if self.is_behind_tls() { "wss" } else { "ws" }.to_owned(),
            ..self.address("/v1/page")
        }
    }

    /// True when it runs on this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Asks the hub itself, with the token.
    pub(crate) async fn get(&self, path: &str) -> Result<Reply, Unreachable> {
        let token = self.arguments.token.as_ref();
        let headers = token.map(|token| ("authorization", format!("Bearer {}", token.reveal())));
        let url = format!("{}{path}", self.base);
        self.probe.get(&url, headers.as_slice()).await
    }

    /// Looks who answers at its address.
    pub(crate) async fn look(&self) -> Look {
        let health = match self.get("/health").await {
            Ok(reply) => reply,
            Err(why) => return Look::nothing(self.unreachable(&why)),
        };
        if let Some(problem) = read::<Problem>(&health).filter(|p| p.code == "wrong_host") {
            return Look::nothing(self.wrong_host(&problem));
        }
        if !health.is_healthy() {
            return Look::nothing(self.stranger(&health));
        }
        let reply = match self.get("/v1/status").await {
            Ok(reply) => reply,
            Err(why) => return Look::nothing(self.unreachable(&why)),
        };
        let clock = reply
            .header("date")
            .and_then(|date| httpdate::parse_http_date(date).ok());
        let (found, checks) = match (read::<Status>(&reply), read::<Problem>(&reply)) {
            (Some(status), _) => {
                let checks = vec![self.running(&status), self.token_known(&status)];
                (Found::Open(Box::new(status)), checks)
            }
            (None, Some(problem)) => (Found::Hub, self.closed(&problem)),
            (None, None) => (Found::Nothing, vec![self.stranger(&reply)]),
        };
        Look {
            found,
            clock,
            checks,
        }
    }

    fn unreachable(&self, why: &Unreachable) -> Check {
        let base = self.base;
        match why {
            Unreachable::NobodyListens => Check::new(
                "hub",
                State::Bad,
                format!("no hub runs: nothing listens at {base}"),
                format!("hub 未运行：{base} 没有程序监听"),
            )
            .todo(self.serve_command()),
            Unreachable::Silent | Unreachable::NotHttp => Check::new(
                "hub",
                State::Bad,
                format!(
                    "another program has the hub's port {}{}: {why}",
                    self.port,
                    self.owner()
                ),
                format!("端口 {} 被其他程序占用{}", self.port, self.owner()),
            )
            .todo(OTHER_PORT),
            Unreachable::Tls(fault) => Check::new(
                "hub",
                State::Bad,
                format!("no TLS with the hub at {base}: {}", fault.what),
                format!("与 {base} 的 TLS 连接失败"),
            )
            .todos(fault.todo),
            Unreachable::NoAddress(_) | Unreachable::NoConnection | Unreachable::Other(_) => {
                Check::new(
                    "hub",
                    State::Bad,
                    format!("the hub at {base} cannot be reached: {why}"),
                    format!("无法连接 {base}"),
                )
                .todo(format!(
                    "reach a remote hub through a tunnel: ssh -L 9999:127.0.0.1:9999 {}",
                    self.host
                ))
            }
        }
    }

    fn serve_command(&self) -> String {
        let Self { host, port, .. } = self;
        match host.as_str() {
            _ if self.is_behind_tls() => {
                "start what speaks TLS in front of the hub (docs/reverse-proxy.md), and the hub: pagewire serve".into()
            }
            "127.0.0.1" | "localhost" if *port == 9999 => "pagewire serve".into(),
            "localhost" => format!("pagewire serve --listen 127.0.0.1:{port}"),
            _ if self.is_local() => format!("pagewire serve --listen {host}:{port}"),
            _ => format!(
                "start a hub there, and reach it through a tunnel: ssh -L 9999:127.0.0.1:9999 {host}"
            ),
        }
    }

    /// ` (nginx, process 7)`, where that is known.
    fn owner(&self) -> String {
        let owner = self.is_local().then(|| owner::of_port(self.port)).flatten();
        owner.map_or_else(String::new, |owner| format!(" ({owner})"))
    }

    fn stranger(&self, reply: &Reply) -> Check {
        let server = reply.header("server");
        let server = server.map_or_else(String::new, |server| format!(", Server: {server}"));
        Check::new(
            "hub",
            State::Bad,
            format!(
                "another program has the hub's port {}{}: it answers HTTP {}{server}",
                self.port,
                self.owner(),
                reply.status
            ),
            format!("端口 {} 被其他程序占用{}", self.port, self.owner()),
        )
        .why("it answered GET /health, but not as a Pagewire hub does")
        .todo(OTHER_PORT)
    }

    fn wrong_host(&self, problem: &Problem) -> Check {
        Check::new(
            "hub",
            State::Bad,
            format!(
                "a hub runs at {}, and does not take that name for its own",
                self.base
            ),
            format!("hub 在运行，但不接受主机名 {}", self.host),
        )
        .why(problem.detail.as_str())
        .todo(format!("pagewire serve --allow-host {}", self.host))
    }

    fn running(&self, status: &Status) -> Check {
        let build = |version: &str, commit: Option<&str>| match commit {
            Some(commit) => format!("{version} ({commit})"),
            None => version.to_owned(),
        };
        let theirs = build(&status.version, status.commit.as_deref());
        let ours = build(env!("CARGO_PKG_VERSION"), version::commit());
        let since = length(status.uptime_ms);
        let seen = format!("Pagewire {theirs} runs at {}, up for {since}", self.base);
        let seen_zh = format!("hub 正常：{}，已运行 {since}", self.base);
        // A commit that is not known on one side says nothing.
        let commits = status.commit.as_deref().zip(version::commit());
        let same_commit = commits.is_none_or(|(theirs, ours)| theirs == ours);
        if status.version == env!("CARGO_PKG_VERSION") && same_commit {
            return Check::new("hub", State::Ok, seen, seen_zh);
        }
        Check::new(
            "hub",
            State::Warn,
            seen,
            format!("{seen_zh}；版本与本程序（{ours}）不同"),
        )
        .why(format!(
            "this program is {ours}: another build than the hub"
        ))
        .todo("stop the hub and start it again: pagewire serve")
    }

    fn token_known(&self, status: &Status) -> Check {
        let scopes = status.scopes.join(", ");
        let (seen, seen_zh) = if self.arguments.token.is_some() {
            (
                format!("the hub knows the token; it may: {scopes}"),
                "令牌有效".to_owned(),
            )
        } else {
            (
                "no token is needed: programs on this machine may do everything but run code"
                    .into(),
                "本机程序无需令牌".to_owned(),
            )
        };
        Check::new("token", State::Ok, seen, seen_zh)
    }

    /// A hub that does not tell its status.
    fn closed(&self, problem: &Problem) -> Vec<Check> {
        let running = Check::new(
            "hub",
            State::Ok,
            format!("a Pagewire hub runs at {}", self.base),
            format!("hub 正常：{}", self.base),
        );
        let token = match problem.code.as_str() {
            "unauthorized" if self.arguments.token.is_some() => Check::new(
                "token",
                State::Bad,
                "the hub does not know the token that --token or PAGEWIRE_TOKEN gives",
                "hub 不认识这个令牌",
            )
            .why("tokens of the printed snippet are made anew in each run of the hub; lasting ones are given to it by --token or [[tokens]]")
            .todo("pagewire serve --token SECRET   (and the same SECRET here, in PAGEWIRE_TOKEN)"),
            "unauthorized" => Check::new(
                "token",
                State::Bad,
                "the hub takes no request without a token, and none was given",
                "hub 要求令牌，但没有提供",
            )
            .todo("PAGEWIRE_TOKEN=SECRET pagewire doctor"),
            "forbidden" => Check::new(
                "token",
                State::Warn,
                format!("the hub knows the token, but it is not for its status: {}", problem.detail),
                "令牌有效，但没有 admin 权限，无法查看状态",
            )
            .why("pages, refusals and limits of the hub can be seen with scope admin only")
            .todo("ask again with a token with scope admin"),
            _ => Check::new(
                "token",
                State::Warn,
                format!("the hub does not tell its status: {}: {}", problem.code, problem.detail),
                "hub 没有返回状态",
            )
            .why("an older hub has no status; refusals and limits cannot be seen")
            .todo("start the hub anew with this build: pagewire serve"),
        };
        vec![running, token]
    }
}

const OTHER_PORT: &str = "pagewire serve --listen 127.0.0.1:9998   (then --hub http://127.0.0.1:9998), or stop that program";

/// A JSON answer, where it has this form.
pub(crate) fn read<T: DeserializeOwned>(reply: &Reply) -> Option<T> {
    serde_json::from_slice(&reply.body).ok()
}

/// True for `localhost` and the loopback addresses.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
