//! What on this machine stands between a program and the hub: other addresses, proxies, clock, limits, settings.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use pagewire_server::ServerOptions;

use super::hub::{Hub, Status};
use super::probe::Unreachable;
use super::report::{Check, State, length};
use crate::cli::{Cli, ConfigFile};
use crate::nofile::{self, CONNECTIONS_FEW, OpenFiles};
use crate::settings::{self, Settings};

/// No machine that runs this has an earlier time: 1 January 2025, in seconds of Unix time.
const EARLIEST: u64 = 1_735_689_600;
/// A difference that matters to nobody, in seconds.
const CLOCK_TOLERANCE: u64 = 60;

/// The same port by the three names of this machine. Only where the hub answered at its own, and not through TLS, where certificates say which names count.
pub(crate) async fn loopback(hub: &Hub<'_>) -> Vec<Check> {
    if !hub.is_local() || hub.is_behind_tls() {
        return Vec::new();
    }
    let (mut reached, mut strangers) = (Vec::new(), Vec::new());
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let url = format!("http://{host}:{}/health", hub.port);
        match hub.probe.get(&url, &[]).await {
            Ok(reply) if reply.is_healthy() => reached.push(host),
            Ok(_) | Err(Unreachable::Silent | Unreachable::NotHttp) => strangers.push(host),
            Err(_) => {}
        }
    }
    let list = reached.join(", ");
    if !strangers.is_empty() {
        let others = strangers.join(", ");
        return vec![
            Check::new(
                "loopback",
                State::Warn,
                format!("port {} is the hub at {list}, and another program at {others}", hub.port),
                format!("{list} 是 hub，{others} 是其他程序"),
            )
            .why("a program that says localhost may reach the other one: which of the two it takes is up to its system")
            .todo(format!("write {} in programs and pages", hub.base)),
        ];
    }
    let v4_only = !reached.contains(&"[::1]");
    let check = Check::new(
        "loopback",
        State::Ok,
        format!(
            "reached as {list}{}",
            if v4_only { "; not as [::1]" } else { "" }
        ),
        format!("可通过 {list} 访问"),
    );
    vec![if v4_only {
        check.why(format!(
            "the hub listens on IPv4 only, which is the default; --listen [::1]:{} adds the other",
            hub.port
        ))
    } else {
        check
    }]
}

/// Proxies that programs use by themselves (this one does not).
pub(crate) fn proxy(hub: &Hub<'_>) -> Check {
    let set = |name: &&str| env::var(name).is_ok_and(|value| !value.is_empty());
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    let used: Vec<_> = names.into_iter().filter(|name| set(name)).collect();
    if used.is_empty() {
        return Check::new(
            "proxy",
            State::Ok,
            "no proxy is set in the environment",
            "环境变量中没有代理",
        );
    }
    let used = used.join(", ");
    let exceptions = env::var("no_proxy").or_else(|_| env::var("NO_PROXY"));
    if is_exempt(&hub.host, &exceptions.unwrap_or_default()) {
        return Check::new(
            "proxy",
            State::Ok,
            format!("{used} is set, and no_proxy leaves {} out", hub.host),
            "设置了代理，但 hub 地址不走代理",
        );
    }
    Check::new(
        "proxy",
        State::Warn,
        format!("{used} is set: curl, Python and others send requests for {} to the proxy", hub.host),
        "设置了代理：curl、Python 等会把发往 hub 的请求交给代理",
    )
    .why("the proxy cannot reach this machine's loopback, or reaches its own; this program itself uses no proxy")
    .todo("export no_proxy=127.0.0.1,localhost,::1 NO_PROXY=127.0.0.1,localhost,::1")
}

/// Names, domains and `*` count as most programs read them.
fn is_exempt(host: &str, exceptions: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    exceptions.split([',', ' ']).map(str::trim).any(|entry| {
        let domain = entry
            .trim_start_matches('.')
            .trim_start_matches('[')
            .trim_end_matches(']');
        entry == "*"
            || (!domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}"))))
            || (entry == "127.0.0.0/8" && host.starts_with("127."))
    })
}

/// The hub's clock, as its answers tell it, is another one only where the hub is on another machine.
pub(crate) fn clock(hub: &Hub<'_>, theirs: Option<SystemTime>) -> Check {
    let seconds = |time: SystemTime| {
        time.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
    };
    let theirs = theirs.filter(|_| !hub.is_local()).map(seconds);
    judge_clock(seconds(SystemTime::now()), theirs)
}

/// Both in seconds of Unix time.
fn judge_clock(now: u64, theirs: Option<u64>) -> Check {
    if now < EARLIEST {
        return Check::new(
            "clock",
            State::Bad,
            "this machine's clock is before 2025",
            "系统时间早于 2025 年",
        )
        .why("certificates look invalid, and times of values are wrong")
        .todo("set the clock: sudo timedatectl set-ntp true");
    }
    let apart = theirs.map(|theirs| now.abs_diff(theirs));
    match apart {
        None => Check::new("clock", State::Ok, "the clock is plausible", "系统时间合理"),
        Some(apart) if apart <= CLOCK_TOLERANCE => Check::new(
            "clock",
            State::Ok,
            "the hub's clock and this one agree",
            "与 hub 的时间一致",
        ),
        Some(apart) => {
            let apart = length(apart.saturating_mul(1_000));
            Check::new(
                "clock",
                State::Warn,
                format!("the hub's clock and this one are {apart} apart"),
                format!("与 hub 的时间相差 {apart}"),
            )
            .why("times of topic values are the hub's")
            .todo("set the clock that is wrong: sudo timedatectl set-ntp true")
        }
    }
}

/// Files that the hub may have open, or would.
pub(crate) fn files(status: Option<&Status>) -> Vec<Check> {
    let wanted = ServerOptions::default().connections_max;
    let running = status.and_then(|status| Some((status.open_files_max?, status)));
    let (files, taken, seen, seen_zh) = match (running, nofile::limit()) {
        (Some((files, status)), _) => (
            files,
            status.connections_max,
            format!(
                "the hub may have {files} files open; {} of at most {} connections are",
                status.connections, status.connections_max
            ),
            format!("hub 最多打开 {files} 个文件"),
        ),
        (None, Some(OpenFiles { soft, hard })) => {
            let taken = OpenFiles::room(hard).min(wanted);
            (
                hard,
                taken,
                format!(
                    "at most {soft} open files, which serve raises to {hard}, for at most {taken} connections"
                ),
                format!("打开文件数上限 {soft}，serve 会提高到 {hard}"),
            )
        }
        (None, None) => return Vec::new(),
    };
    let room = OpenFiles::room(files);
    if room >= CONNECTIONS_FEW && room >= taken {
        return vec![Check::new("files", State::Ok, seen, seen_zh)];
    }
    vec![
        Check::new("files", State::Warn, seen, seen_zh)
            .why("each connection is a file: more than fit wait until others close")
            .todo(OpenFiles::advice(wanted.max(taken))),
    ]
}

/// The configuration file and the environment, as `pagewire serve` would read them.
pub(crate) fn settings(file: &ConfigFile) -> Vec<Check> {
    vec![environment(), configuration(file)]
}

fn environment() -> Check {
    let unknown = settings::unknown_variables();
    if let Some(name) = unknown.first() {
        let check = Check::new(
            "env",
            State::Bad,
            format!("{} is no variable of Pagewire", unknown.join(", ")),
            format!("未知的环境变量 {}", unknown.join(", ")),
        )
        .why("a misspelt name would be ignored without a word, so pagewire serve refuses to start with it");
        return match settings::nearest_variable(name) {
            Some(known) => check.todo(format!("unset {name}   (perhaps you mean {known})")),
            None => check.todo(format!("unset {name}")),
        };
    }
    // The same table of flags reads the environment.
    match Cli::try_parse_from(["pagewire", "config"]) {
        Ok(_) => Check::new(
            "env",
            State::Ok,
            "variables of Pagewire are known and have a meaning",
            "环境变量正确",
        ),
        Err(error) => Check::new(
            "env",
            State::Bad,
            "a variable of Pagewire has no meaning",
            "环境变量的值不正确",
        )
        .why(error.to_string().lines().next().unwrap_or_default())
        .todo("correct or unset it: env | grep PAGEWIRE_"),
    }
}

fn configuration(file: &ConfigFile) -> Check {
    let Some(path) = file.path.clone().or_else(settings::default_path) else {
        return Check::new(
            "config",
            State::Ok,
            "there is no configuration file; defaults hold",
            "没有配置文件，使用默认值",
        );
    };
    let shown = path.display();
    match Settings::read_file(&path) {
        Err(why) => Check::new(
            "config",
            State::Bad,
            format!("{shown} cannot be used"),
            format!("配置文件 {shown} 有错误"),
        )
        .why(why)
        .todo("correct it, then: pagewire config"),
        Ok(read) if read.holds_tokens() && settings::is_readable_by_others(&path) => Check::new(
            "config",
            State::Warn,
            format!("{shown} holds tokens, and others may read it"),
            format!("配置文件 {shown} 含有令牌，但其他用户可读"),
        )
        .todo(format!("chmod 600 {shown}")),
        Ok(_) => Check::new(
            "config",
            State::Ok,
            format!("{shown} is read and understood"),
            format!("配置文件 {shown} 正确"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let (now, early) = (EARLIEST + 1_000, EARLIEST - 1);
        for (now, theirs, state) in [
            (now, None, "\"ok\""),
            (now, Some(now - CLOCK_TOLERANCE), "\"ok\""),
            (now, Some(now + CLOCK_TOLERANCE + 1), "\"warn\""),
            (EARLIEST, None, "\"ok\""),
            (early, Some(early), "\"bad\""),
        ] {
            let shown = serde_json::to_string(&judge_clock(now, theirs)).unwrap();
            assert!(shown.contains(state), "{now} {theirs:?}: {shown}");
        }
    }

    #[test]
    fn exceptions_of_proxies_are_read_as_programs_read_them() {
        for (host, exceptions, exempt) in [
            ("127.0.0.1", "", false),
            ("127.0.0.1", "localhost,127.0.0.1", true),
            ("127.0.0.1", "127.0.0.0/8", true),
            ("127.0.0.1", "*", true),
            ("localhost", "127.0.0.1", false),
            ("[::1]", "localhost, ::1", true),
            ("hub.shop.example", ".shop.example", true),
            ("hub.shop.example", "shop.example", true),
            ("evilshop.example", "shop.example", false),
        ] {
            assert_eq!(is_exempt(host, exceptions), exempt, "{host} {exceptions:?}");
        }
    }
}
