//! What is injected into documents: the page script over a binding, and what the user wants exposed.

use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{Expose, UrlPattern};
use pagewire_rpc::GroupName;
use serde::Serialize;

use super::captures::place_in_words;
use super::options::AttachOptions;

/// The page script, as served by the hub.
const BRIDGE: &str = include_str!("../../../../web/bridge/pagewire.js");
/// What runs it over a binding.
const DEVTOOLS: &str = include_str!("../../../../web/bridge/devtools.js");
/// What stands for the browser's own things in the page script.
const SHADOWED: &str = "WebSocket, Blob, fetch, sessionStorage, console, globalThis";

/// What the addresses of our own scripts begin with.
pub(super) const OWN: &str = "pagewire:";

/// A script of the user, that has `pagewire` (the link) as a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserScript {
    /// What messages call it, such as its file name.
    pub name: String,
    /// Its text.
    pub source: String,
}

/// What [`DEVTOOLS`] is told.
#[derive(Debug, Serialize)]
struct Config<'a> {
    /// Of the binding.
    name: &'a str,
    /// Regular expressions of the addresses of documents.
    documents: Vec<String>,
    /// In main frames.
    tabs: bool,
    /// In frames inside them.
    frames: bool,
    /// In empty tabs that no page opened. Each tab begins as one while its address is on its way, and would be a page for a moment.
    blank: bool,
    hub: &'a str,
    group: &'a GroupName,
    /// Names, and where they are captured, in words.
    captures: Vec<(&'a str, String)>,
}

/// The page script with its settings; safe to run twice in a document.
pub(super) fn link_script(binding: &str, options: &AttachOptions) -> String {
    let captures = options.captures.iter();
    let mut pages = options.pages.iter();
    let config = Config {
        name: binding,
        documents: options.documents.iter().map(UrlPattern::to_regex).collect(),
        tabs: options.kinds.contains(&TargetKind::Page),
        frames: options.kinds.contains(&TargetKind::Iframe),
        blank: pages.any(|page| page.url.starts_with("about:blank")),
        hub: &options.hub_url,
        group: &options.group,
        captures: captures
            .map(|capture| (capture.name.as_str(), place_in_words(capture)))
            .collect(),
    };
    let config = serde_json::to_string(&config).expect("texts are JSON");
    let devtools = DEVTOOLS.trim_end();
    format!(
        "({devtools})({config}, function ({SHADOWED}) {{\n{BRIDGE}\n}});\n//# sourceURL={OWN}link.js\n"
    )
}

/// Exposes one expression. It is looked at anew in each call, so that it may come into being later.
pub(super) fn expose_script(binding: &str, expose: &Expose) -> String {
    let name = serde_json::to_string(&expose.name).expect("a text is JSON");
    let expression = &expose.expression;
    let body = if is_path(expression) {
        // The function keeps the object that it is a member of as its `this`.
        format!("typeof {expression} === \"function\" ? {expression}(...args) : {expression}")
    } else {
        format!(
            "((value) => typeof value === \"function\" ? value(...args) : value)((\n{expression}\n))"
        )
    };
    // The second copy does nothing. With it the script has no meaning where the expression closes brackets that it did not open.
    format!(
        "globalThis.{binding}?.link?.expose({name}, (...args) => ({body}));\n() => [\n{expression}\n];\n//# sourceURL={OWN}expose.js\n"
    )
}

/// A script of the user with the link as `pagewire`.
pub(super) fn user_script(binding: &str, script: &UserScript) -> String {
    let url = script.name.replace(['\n', '\r'], " ");
    format!(
        "globalThis.{binding}?.link && (async (pagewire) => {{\n{}\n}})(globalThis.{binding}.link).catch((error) => console.error(error));\n//# sourceURL={url}\n",
        script.source
    )
}

/// True for `app.api.sign`: names joined by dots.
fn is_path(expression: &str) -> bool {
    expression.split('.').all(|name| {
        let mut chars = name.chars();
        chars
            .next()
            .is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$')
            && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_names_joined_by_dots() {
        for path in ["sign", "app.api.sign", "$.ajax", "_private", "签名.计算"] {
            assert!(is_path(path), "{path}");
        }
        for other in [
            "",
            "x => x + 1",
            "app.",
            "a..b",
            "1a",
            "document.querySelector('a')",
            "a[0]",
        ] {
            assert!(!is_path(other), "{other}");
        }
    }
}
