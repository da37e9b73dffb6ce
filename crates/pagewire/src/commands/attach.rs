//! `pagewire attach`: pages of a browser become pages of a hub, through the DevTools protocol.

mod arguments;
mod remote;
mod words;

use std::sync::Arc;

use pagewire_browser::{
    AttachOptions, Code, Dialogs, HubPort, Present, Reach, Reloads, UserScript, WantedPage,
};
use pagewire_cdp::{Secrets, TapRules, UrlPattern};
use pagewire_hub::{Scope, Scopes};
use pagewire_rpc::{FUNCTION_EVAL, FunctionName, GroupName};
use pagewire_server::{Secret, Token};
use serde_json::{Value, json};

pub(crate) use self::arguments::AttachArguments;
use self::remote::RunningHub;
use self::words::Words;
use crate::commands::browser::{self, Told as _};
use crate::commands::own_hub::{OwnHub, PortTaken};
use crate::exit::{CANCELLED, Failed, USAGE};
use crate::serve::{HUB_DEFAULT, stop_signal};
use crate::settings::Settings;
use crate::version;

pub(crate) async fn run(arguments: &AttachArguments) -> Result<(), Failed> {
    let mut words = if arguments.json {
        Words::Json
    } else {
        Words::People
    };
    let wanted = arguments.browser.wanted()?;
    let scripts = read_scripts(arguments)?;
    let place = Place::find(arguments).await?;
    let options = options(arguments, scripts, &place.url)?;
    words.say("hub", place.told(arguments), &greeting(arguments, &place))?;
    let result = tokio::select! {
        result = browser::keep_attached(&wanted, &place.port, &options, &mut words) => result,
        () = stop_signal() => Err(Failed::silent(CANCELLED)),
    };
    place.close().await;
    match result {
        // Ctrl-C is how this command is meant to end.
        Err(failed) if failed.code == CANCELLED => Ok(()),
        other => other,
    }
}

fn greeting(arguments: &AttachArguments, place: &Place) -> String {
    let hub = if place.server.is_some() {
        format!("Pagewire {} runs a hub at {}", version::VERSION, place.url)
    } else {
        format!(
            "Pagewire {} attaches to the hub at {}",
            version::VERSION,
            place.url
        )
    };
    let group = &arguments.group;
    let calls: String = arguments
        .expose
        .iter()
        .map(|expose| expose.name.as_str())
        .chain(
            arguments
                .capture
                .iter()
                .map(|capture| capture.name.as_str()),
        )
        .map(|name| {
            format!(
                "\n  curl -X POST {}/v1/call/{group}/{name} -d '[]'",
                place.url
            )
        })
        .collect();
    let calls = if calls.is_empty() {
        format!(
            "\n  pagewire pages      lists the pages and their functions\n  pagewire call {group}/FUNCTION"
        )
    } else {
        calls
    };
    let code_token = place
        .server
        .as_ref()
        .and_then(|own| own.code_token.as_ref());
    let eval = code_token.map_or_else(String::new, |token| {
        format!(
            "\n\n  curl -H 'Authorization: Bearer {}' -d '[\"document.title\"]' {}/v1/call/{group}/eval",
            token.reveal(),
            place.url
        )
    });
    format!(
        "{hub}\nPages of group \"{group}\", through DevTools · 通过 DevTools 接入，分组 \"{group}\"：\n{calls}{eval}\n\nCtrl-C ends it.\n"
    )
}

/// The hub that pages go to.
struct Place {
    port: HubPort,
    url: String,
    /// Where it is this command's own.
    server: Option<OwnServer>,
}

struct OwnServer {
    own: OwnHub,
    /// For the function `eval`.
    code_token: Option<Secret>,
}

/// Made anew in each run: it runs code in pages of one group and does nothing else.
fn code_token(group: &GroupName) -> Token {
    let eval = FunctionName::new(FUNCTION_EVAL).expect("it is a name");
    Token {
        name: "eval".into(),
        secret: Secret::random(),
        scopes: Scopes::new(vec![Scope::call(group, &eval), Scope::RunCode]),
    }
}

impl Place {
    async fn find(arguments: &AttachArguments) -> Result<Self, Failed> {
        if let Some(url) = &arguments.hub {
            if !remote::answers(url).await {
                return Err(remote::no_hub(url));
            }
            return Self::running(url, arguments);
        }
        let settings = Settings::load(&arguments.settings, &arguments.config)?;
        let usual = format!("http://{HUB_DEFAULT}");
        if settings.listens_where_everybody_looks() && remote::answers(&usual).await {
            return Self::running(&usual, arguments);
        }
        let code_token = arguments.eval.then(|| code_token(&arguments.group));
        Self::own(&settings, code_token).await
    }

    /// A hub in another process.
    fn running(url: &str, arguments: &AttachArguments) -> Result<Self, Failed> {
        let hub = RunningHub::new(url, arguments.hub_token.clone(), &arguments.group)?;
        Ok(Self {
            port: HubPort::Remote(Arc::new(hub)),
            url: url.trim_end_matches('/').to_owned(),
            server: None,
        })
    }

    /// A hub in this process.
    async fn own(settings: &Settings, code_token: Option<Token>) -> Result<Self, Failed> {
        let tokens = code_token.iter().cloned().collect();
        let own = OwnHub::start(settings, tokens, PortTaken::Fail).await?;
        Ok(Self {
            port: HubPort::Local(own.hub.clone()),
            url: own.url.clone(),
            server: Some(OwnServer {
                own,
                code_token: code_token.map(|token| token.secret),
            }),
        })
    }

    /// For machines.
    fn told(&self, arguments: &AttachArguments) -> Value {
        let code_token = self.server.as_ref().and_then(|own| own.code_token.as_ref());
        json!({
            "http": self.url,
            "group": arguments.group,
            "own": self.server.is_some(),
            "eval_token": code_token.map(Secret::reveal),
        })
    }

    async fn close(self) {
        if let Some(server) = self.server {
            server.own.close().await;
        }
    }
}

fn read_scripts(arguments: &AttachArguments) -> Result<Vec<UserScript>, Failed> {
    let read = |path: &std::path::PathBuf| {
        let source = std::fs::read_to_string(path)
            .map_err(|error| Failed::new(USAGE, format!("--script {}: {error}", path.display())))?;
        let name = path.display().to_string();
        Ok(UserScript { name, source })
    };
    arguments.script.iter().map(read).collect()
}

fn options(
    arguments: &AttachArguments,
    scripts: Vec<UserScript>,
    hub_url: &str,
) -> Result<AttachOptions, Failed> {
    let own = arguments.browser.is_own();
    Ok(AttachOptions {
        group: arguments.group.clone(),
        hub_url: hub_url.to_owned(),
        documents: documents(arguments)?,
        kinds: arguments
            .targets
            .iter()
            .map(|kind| (*kind).into())
            .collect(),
        expose: arguments.expose.clone(),
        scripts,
        captures: arguments.capture.clone(),
        taps: Arc::new(TapRules {
            rules: arguments.tap.clone(),
            keep_secrets: if arguments.keep_secrets {
                Secrets::Keep
            } else {
                Secrets::Redact
            },
        }),
        decode: arguments.decode.clone(),
        reach: if own { Reach::All } else { Reach::Fitting },
        present: if arguments.reload {
            Present::Reload
        } else {
            Present::Keep
        },
        code: if arguments.eval { Code::On } else { Code::Off },
        dialogs: if own && arguments.browser.is_headless() {
            Dialogs::Answer
        } else {
            Dialogs::Leave
        },
        pages: arguments.url.iter().map(WantedPage::new).collect(),
        reloads: Reloads::default(),
    })
}

/// Those named, or the site of the address, or all.
fn documents(arguments: &AttachArguments) -> Result<Vec<UrlPattern>, Failed> {
    if !arguments.documents.is_empty() {
        return Ok(arguments.documents.clone());
    }
    let site = arguments.url.as_deref().map_or("*", site_of);
    let pattern = site
        .parse()
        .map_err(|error| Failed::new(USAGE, format!("{site}: {error}")))?;
    Ok(vec![pattern])
}

/// `https://shop.example` of an address below it.
fn site_of(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?', '#']);
    end.map_or(url, |at| &url[..begin + at])
}
