//! A page as its site delivers it: its address after redirections, and its policies.

use http::StatusCode;

use super::csp::{Policies, Target};
use super::meta;
use super::probe::{Probe, Unreachable};
use super::report::{Check, State};

/// Redirections that are followed. Browsers stop at 20; honest sites need two or three.
const REDIRECTIONS_MAX: usize = 8;

/// A page and what its site says about it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) target: Target,
    pub(crate) policies: Policies,
}

impl Page {
    /// Fetches its head and beginning, and takes the policies out of them.
    pub(crate) async fn fetch(&mut self, probe: &Probe) -> Result<Check, Check> {
        for _ in 0..=REDIRECTIONS_MAX {
            let reply = match probe.get(&self.url, &[]).await {
                Ok(reply) => reply,
                Err(why) => return Err(self.not_fetched(&why)),
            };
            let next = reply
                .header("location")
                .filter(|_| reply.status.is_redirection());
            if let Some((url, target)) = next.and_then(|location| self.resolve(location)) {
                (self.url, self.target) = (url, target);
                continue;
            }
            let headers = reply.headers.get_all("content-security-policy");
            for header in headers.iter().filter_map(|value| value.to_str().ok()) {
                self.policies.add(header);
            }
            meta::policies(&reply.text())
                .iter()
                .for_each(|text| self.policies.add(text));
            return Ok(self.fetched(reply.status));
        }
        Err(Check::new(
            "fetch",
            State::Warn,
            format!("{} redirects without end", self.url),
            "重定向过多",
        )
        .todo("give the address that the browser shows in the end"))
    }

    /// Absolute addresses and paths; anything else is seldom and stays where it is.
    fn resolve(&self, location: &str) -> Option<(String, Target)> {
        let url = if location.starts_with('/') && !location.starts_with("//") {
            format!("{}{location}", self.origin_text())
        } else {
            location.to_owned()
        };
        let target = Target::parse(&url)?;
        Some((url, target))
    }

    /// Scheme, host and port, where one is named.
    pub(crate) fn origin_text(&self) -> String {
        let Target {
            scheme, host, port, ..
        } = &self.target;
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{scheme}://{host}{port}")
    }

    fn fetched(&self, status: StatusCode) -> Check {
        let policies = match self.policies.len() {
            0 => "no Content-Security-Policy".to_owned(),
            1 => "one Content-Security-Policy".to_owned(),
            n => format!("{n} Content-Security-Policies, each of which must allow"),
        };
        let check = Check::new(
            "fetch",
            State::Ok,
            format!("{} answers {status}, with {policies}", self.url),
            format!("已获取 {}", self.url),
        );
        if status.is_success() {
            return check;
        }
        Check::new("fetch", State::Warn, format!("{} answers {status}: what follows is about that answer", self.url), "网页返回了错误状态")
            .why("a page behind a login may have another policy")
            .todo("in its console (F12), Network, the first entry: copy its content-security-policy to --csp")
    }

    fn not_fetched(&self, why: &Unreachable) -> Check {
        let policy = if self.policies.is_empty() {
            "its policy is not known"
        } else {
            "it is judged by the policy given here"
        };
        Check::new(
            "fetch",
            State::Warn,
            format!("{} was not fetched: {why}; {policy}", self.url),
            format!("无法获取 {}", self.url),
        )
        .todos(why.todo())
        .todo("in the page's console (F12), Network, the first entry: copy its content-security-policy, then: pagewire doctor --csp 'POLICY'")
    }
}
