//! `pagewire serve`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use pagewire_hub::{Drained, Hub, Scope, Scopes};
use pagewire_rpc::GroupName;
use pagewire_server::{BindError, PlainPattern, PublicUrl, Secret, Server, ServerOptions, Token};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::cli::ServeArguments;
use crate::exit::{self, CONFIGURATION, FAILED, Failed};
use crate::settings::Settings;
use crate::terminal::print_text;
use crate::{nofile, version};

/// Where commands look for a hub when nobody says where it is.
pub(crate) const HUB_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9999);

pub(crate) async fn run(arguments: &ServeArguments) -> Result<(), Failed> {
    let settings = Settings::load(&arguments.settings, &arguments.config)?;
    if let Some(address) = settings.open_address_without_token() {
        return Err(Failed::new(
            CONFIGURATION,
            BindError::NeedsToken(address).to_string(),
        ));
    }
    let attach = attach_token(&arguments.group)?;
    let options = settings.server_options(vec![attach.clone()]);
    let open_files_max = nofile::raise();
    let options = ServerOptions {
        commit: version::commit().map(str::to_owned),
        connections_max: nofile::fit(options.connections_max, open_files_max),
        open_files_max,
        ..options
    };
    // Before anybody is told that the hub is there, as whoever is told may stop it.
    let stop = stop_signal();
    let server = Server::bind(Hub::new(settings.hub_options()), options).await;
    let server = server.map_err(|error| Failed::new(FAILED, error.to_string()))?;
    if settings.is_open() {
        tracing::warn!(
            "the hub can be reached from other machines without TLS: put a proxy with TLS in front of it"
        );
    }
    announce(
        server.addresses(),
        settings.public_url(),
        &arguments.group,
        &attach.secret,
        arguments.json,
    )?;
    if !arguments.json {
        if let Some(plain) = plain_words(&settings, server.addresses()) {
            print_text(&plain)?;
        }
        print_text("\nCtrl-C stops the hub.")?;
    }
    let drained = server.run(stop, settings.grace()).await;
    conclude(drained, arguments.json)
}

/// A token for the printed snippet, made anew in each run: it attaches pages to one group and does nothing else.
fn attach_token(group: &GroupName) -> Result<Token, Failed> {
    let scope: Scope = format!("attach:{group}")
        .parse()
        .map_err(|error: pagewire_hub::ScopeError| Failed::new(exit::USAGE, error.to_string()))?;
    Ok(Token {
        name: "snippet".into(),
        secret: Secret::random(),
        scopes: Scopes::new(vec![scope]),
    })
}

fn announce(
    addresses: &[SocketAddr],
    public: Option<&PublicUrl>,
    group: &GroupName,
    attach: &Secret,
    json: bool,
) -> Result<(), Failed> {
    let urls: Vec<_> = addresses
        .iter()
        .map(|address| format!("http://{}", reachable(*address)))
        .collect();
    let http = urls.first().map_or("", String::as_str);
    let reached = public.map_or(http, PublicUrl::as_str);
    let snippet = snippet(reached, group, attach);
    let hook = hook(reached);
    let userscript = userscript(reached, group);
    if json {
        let line = json!({
            "event": "listening",
            "http": http,
            "addresses": urls,
            "public_url": public,
            "group": group,
            "attach_token": attach.reveal(),
            "snippet": snippet,
            "hook": hook,
            "userscript": userscript,
            "version": env!("CARGO_PKG_VERSION"),
        });
        return print_text(&line.to_string());
    }
    print_text(&format!(
        "Pagewire {version} listens on {all}

To attach a page, paste this into its console (F12). It may attach to group \"{group}\", and nothing else:
把下面这行粘贴到网页控制台（F12），该网页即接入分组 \"{group}\"：

  {snippet}

then expose a function there and call it from here:

  pw.expose(\"title\", () => document.title)
  curl -X POST {http}/v1/call/{group}/title{elsewhere}
{more}",
        version = env!("CARGO_PKG_VERSION"),
        all = urls.join(", "),
        elsewhere = public.map_or_else(String::new, |url| elsewhere(url, group)),
        more = more_words(&hook, &userscript),
    ))
}

/// What else may run in a page.
fn more_words(hook: &str, userscript: &str) -> String {
    format!(
        "
To publish what the page's own WebSockets receive and send, paste this after the first line; the console then names the topics to follow:
若还要获取网页自身 WebSocket 的消息，接着粘贴下面这行，控制台会给出主题：

  {hook}

For userscript managers such as Tampermonkey: put your page's host in place of SITE, and start the hub with --allow-origin https://SITE.
With &hook=* behind it, it publishes the page's WebSocket messages too.
用户脚本管理器（如油猴）可从此地址安装：SITE 换成网页的主机名，hub 启动时加 --allow-origin https://SITE；末尾加上 &hook=* 则同时获取 WebSocket 消息：

  {userscript}&match=https://SITE/*"
    )
}

/// How the same call goes through the proxy.
fn elsewhere(public: &PublicUrl, group: &GroupName) -> String {
    format!(
        "
or from anywhere, with a token of yours (--token SECRET=call:{group}/*) · 经反向代理调用需要令牌：

  curl -X POST -H 'Authorization: Bearer SECRET' {public}/v1/call/{group}/title"
    )
}

/// What people are told of the plain pattern, where it is on.
fn plain_words(settings: &Settings, addresses: &[SocketAddr]) -> Option<String> {
    let PlainPattern { greeting, echo } = settings.plain_pattern()?;
    let address = reachable(*addresses.first()?);
    let pages: String = settings
        .plain_pages()
        .iter()
        .map(|origin| format!("\n  pages of {origin}"))
        .collect();
    let hub = hub_option(address);
    let (greeted, greeted_zh) = greeting.map_or_else(Default::default, |text| {
        (
            format!("Each is sent {text:?} first. "),
            format!("连接后先收到 {text:?}；"),
        )
    });
    let (echoed, echoed_zh) = match echo {
        true => (" and sent back", "，并原样送回"),
        false => ("", ""),
    };
    Some(format!(
        "
A plain WebSocket, for scripts that know nothing of Pagewire: ws://{address} is open to
  programs on this machine{pages}
{greeted}What they send is kept in topic plain/HOST{echoed}.
普通 WebSocket：原有脚本无需改动，直接连接上述地址。
{greeted_zh}发来的消息存入主题 plain/主机名{echoed_zh}。

  pagewire pages{hub}
  pagewire tail plain/HOST{hub}
  pagewire send plain-HOST TEXT --wait 5s{hub}"
    ))
}

/// What commands need to find the hub.
fn hub_option(address: SocketAddr) -> String {
    if address == HUB_DEFAULT {
        String::new()
    } else {
        format!(" --hub http://{address}")
    }
}

/// One line for a page's console.
fn snippet(http: &str, group: &GroupName, attach: &Secret) -> String {
    let options = json!({ "url": http, "group": group, "token": attach.reveal() });
    format!("var pw = (await import(\"{http}/bridge/pagewire.mjs\")).connect({options})")
}

/// The line behind the snippet that also observes the page's sockets.
fn hook(http: &str) -> String {
    format!("(await import(\"{http}/bridge/hook.mjs\")).hook(pw)")
}

/// Where userscript managers get the page script, but for the pages that it is to run in.
fn userscript(http: &str, group: &GroupName) -> String {
    let group = utf8_percent_encode(group.as_str(), NON_ALPHANUMERIC);
    format!("{http}/bridge.user.js?group={group}")
}

/// The address as this machine reaches it: an unspecified one is reached through loopback.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            SocketAddr::from(([127, 0, 0, 1], v4.port()))
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v6.port()))
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    }
}

fn conclude(drained: Drained, json: bool) -> Result<(), Failed> {
    let Drained { calls_cut, pages } = drained;
    if json {
        return print_text(
            &json!({ "event": "stopped", "calls_cut": calls_cut, "pages": pages }).to_string(),
        );
    }
    print_text(&format!(
        "\nStopped: {pages} pages were told, {calls_cut} calls were cut off."
    ))
}

/// Ends with Ctrl-C or SIGTERM; on Unix with those too that come between this call and the first poll. A second one ends the process at once.
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
    let first = next_signal();
    async {
        first.await;
        let second = next_signal();
        tokio::spawn(async {
            second.await;
            #[expect(clippy::exit, reason = "the user asked twice")]
            std::process::exit(i32::from(exit::CANCELLED));
        });
    }
}

// Without a way to be stopped, being stopped at once is the safer reading: so both end where the system gives no signals.

#[cfg(unix)]
fn next_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
async fn next_signal() {
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_where_the_hub_is_unless_they_look_there_anyway() {
        for (address, option) in [
            ("127.0.0.1:9999", ""),
            ("127.0.0.1:9998", " --hub http://127.0.0.1:9998"),
            ("[::1]:9999", " --hub http://[::1]:9999"),
        ] {
            assert_eq!(hub_option(address.parse().unwrap()), option);
        }
    }
}
