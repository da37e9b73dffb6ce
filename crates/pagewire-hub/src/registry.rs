//! Who is attached, who may join a group, and who takes the next call. Pure but for the lock that its owner puts around it.

mod class;
mod departures;
mod group;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pagewire_arguments::ArgumentCheck;
use pagewire_rpc::{
    Departure, Function, FunctionName, GroupName, Hello, PageId, Payload, Refusal, TopicName,
};
use serde::{Deserialize, Serialize};

use self::departures::Departures;
use self::group::{Group, Slot};
pub(crate) use self::group::{Outcome, Wanted};
use crate::FastMap;
use crate::hints::{Hints, NAMES_COMPARED_MAX};
use crate::metrics::FunctionStats;
use crate::page::{Page, PageInfo};
use crate::scope::Scopes;

/// What is known of a page before it says hello.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The kind of carrier: `ws`, `cdp`, `plain`.
    pub carrier: &'static str,
    /// The page's origin, where a browser told it.
    pub origin: Option<String>,
    /// Which groups it may join.
    pub grant: Grant,
    /// What else it may do: call and subscribe.
    pub scopes: Scopes,
    /// Where its publications go; `None`: each to the topic that it names, below `pages/{group}/`.
    pub topic: Option<TopicName>,
}

/// Which groups a page may join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Any: a program on this machine, or a page of the hub's own.
    Any,
    /// Those that its token's `attach` scopes name.
    Token,
    /// It comes from an allowed origin: the groups that the configuration gives to this origin, and groups that nobody else owns.
    Origin,
    /// It comes from an allowed origin, but only to the groups that the configuration gives to it.
    OriginOfGroup,
}

/// What the configuration says of groups.
#[derive(Debug, Clone, Default)]
pub struct GroupPolicy {
    /// How calls are spread over the pages of a group that has no entry in `groups`, or one that does not say.
    pub routing: Routing,
    /// Single groups.
    pub groups: HashMap<GroupName, GroupRules>,
}

/// What the configuration says of one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupRules {
    /// The origins that own it; empty: whoever comes first.
    pub origins: Vec<String>,
    /// How its calls are spread.
    pub routing: Option<Routing>,
}

impl GroupPolicy {
    /// Only says which origins own which groups.
    pub fn of_owners(owners: impl IntoIterator<Item = (GroupName, Vec<String>)>) -> Self {
        let rules = |origins| GroupRules {
            origins,
            routing: None,
        };
        let groups = owners
            .into_iter()
            .map(|(group, origins)| (group, rules(origins)));
        Self {
            groups: groups.collect(),
            ..Self::default()
        }
    }

    fn routing_of(&self, group: &GroupName) -> Routing {
        let own = self.groups.get(group).and_then(|rules| rules.routing);
        own.unwrap_or(self.routing)
    }

    fn owners(&self, group: &GroupName) -> Option<&[String]> {
        let rules = self.groups.get(group)?;
        (!rules.origins.is_empty()).then_some(rules.origins.as_slice())
    }
}

/// How calls that name no page are spread over the pages of a group. Pages that time out are asked last in each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// The page with the fewest calls under way; among equals the one that waited longest. The default.
    #[default]
    FewestCalls,
    /// One after the other, whatever they are busy with.
    RoundRobin,
    /// Any, each with the same chance.
    Random,
}

/// Why there is no page for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// No page is attached to this group.
    Group(GroupName),
    /// The group has no such page.
    Page(GroupName, PageId),
    /// No page of the group exposes the function.
    Function(GroupName, FunctionName),
    /// This page does not expose the function.
    FunctionOfPage(PageId, FunctionName),
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(f, "no page is attached to group {group}"),
            Self::Page(group, page) => write!(f, "group {group} has no page {page}"),
            Self::Function(group, function) => {
                write!(f, "no page of group {group} exposes {function}")
            }
            Self::FunctionOfPage(page, function) => {
                write!(f, "page {page} does not expose {function}")
            }
        }
    }
}

/// Why a call is not routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoRoute {
    NotFound(NotFound),
    /// All pages that could take it are draining.
    Draining(GroupName),
}

/// Where a call goes.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) page: Arc<Page>,
    pub(crate) exposed: Arc<Exposed>,
}

#[derive(Debug)]
pub(crate) struct Registry {
    groups: FastMap<GroupName, Group>,
    pages: FastMap<PageId, GroupName>,
    departures: Departures,
    policy: GroupPolicy,
    pages_max: usize,
    /// Grows with each assignment; equal loads go to the page that waited longest.
    turn: u64,
    /// Makes draws differ from run to run.
    seed: u64,
}

/// A function with its argument check made ready.
#[derive(Debug)]
pub(crate) struct Exposed {
    pub(crate) function: Function,
    pub(crate) stats: Arc<FunctionStats>,
    check: Option<ArgumentCheck>,
}

impl Exposed {
    /// Schemas that cannot be compiled are not checked, and the log says so: the function itself works.
    pub(crate) fn new(function: Function, group: &GroupName, stats: Arc<FunctionStats>) -> Self {
        let check = ArgumentCheck::compile(&function).unwrap_or_else(|why| {
            tracing::warn!(%group, function = %function.name, why, "arguments are not checked: bad schema");
            None
        });
        Self {
            function,
            stats,
            check,
        }
    }

    pub(crate) fn check(&self, arguments: &Payload) -> Result<(), String> {
        self.check
            .as_ref()
            .map_or(Ok(()), |check| check.check(arguments))
    }
}

/// A call's place at a page; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Load {
    registry: Arc<Mutex<Registry>>,
    page: Arc<Page>,
    /// What the end of the call says about the page.
    pub(crate) outcome: Outcome,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .release(&self.page, self.outcome);
    }
}

impl Load {
    pub(crate) fn new(registry: Arc<Mutex<Registry>>, page: Arc<Page>) -> Self {
        Self {
            registry,
            page,
            outcome: Outcome::Unknown,
        }
    }
}

impl Registry {
    pub(crate) fn new(policy: GroupPolicy, pages_max: usize, seed: u64) -> Self {
        Self {
            seed,
            groups: FastMap::default(),
            pages: FastMap::default(),
            departures: Departures::default(),
            policy,
            pages_max,
            turn: 0,
        }
    }

    /// Registers the page of `hello` with its functions, and takes it over from an older link that holds its id, all in one step: no call
    /// finds the page half-way. `fresh_id` is used when the page brings none.
    pub(crate) fn attach(
        &mut self,
        hello: &Hello,
        attachment: Attachment,
        fresh_id: PageId,
        functions: Vec<Arc<Exposed>>,
        now: Instant,
    ) -> Result<(Arc<Page>, Option<Arc<Page>>), Refusal> {
        self.may_join(&hello.group, &attachment)
            .map_err(Refusal::Access)?;
        let id = hello.page.clone().unwrap_or(fresh_id);
        let old = self.holder(&id).cloned();
        if let Some(old) = &old {
            if old.group != hello.group || old.attachment.origin != attachment.origin {
                return Err(Refusal::Access(
                    "this page id belongs to a page of another group or origin".into(),
                ));
            }
            self.take_out(old);
        } else if self.pages.len() >= self.pages_max {
            return Err(Refusal::TooManyPages);
        }
        let epoch = hello
            .epoch
            .max(old.as_ref().map_or(0, |old| old.epoch))
            .saturating_add(1);
        let origin = (attachment.grant == Grant::Origin)
            .then(|| attachment.origin.clone())
            .flatten();
        let page = Arc::new(Page::new(id.clone(), epoch, hello, attachment, now));
        self.turn += 1;
        let routing = self.policy.routing_of(&hello.group);
        let group = self
            .groups
            .entry(hello.group.clone())
            .or_insert_with(|| Group::new(routing));
        group.origin = group.origin.take().or(origin);
        group.add(page.clone(), self.turn);
        group.expose(&page, functions);
        self.pages.insert(id, hello.group.clone());
        Ok((page, old))
    }

    fn may_join(&self, group: &GroupName, attachment: &Attachment) -> Result<(), String> {
        let origin = attachment.origin.as_deref().unwrap_or("(none)");
        match attachment.grant {
            Grant::Any => Ok(()),
            Grant::Token if attachment.scopes.may_attach(group) => Ok(()),
            Grant::Token => Err(format!("the token has no scope attach:{group}")),
            Grant::Origin | Grant::OriginOfGroup => {
                let configured = self.policy.owners(group);
                let bound = self
                    .groups
                    .get(group)
                    .filter(|group| !group.slots.is_empty());
                match (configured, bound.and_then(|group| group.origin.as_deref())) {
                    (Some(origins), _) if origins.iter().any(|own| own == origin) => Ok(()),
                    (Some(_), _) => Err(format!(
                        "group {group} belongs to other origins than {origin}"
                    )),
                    (None, _) if attachment.grant == Grant::OriginOfGroup => Err(format!(
                        "{origin} may join only the groups that the configuration gives it, not {group}"
                    )),
                    (None, Some(owner)) if owner != origin => Err(format!(
                        "group {group} belongs to pages of {owner}, not of {origin}"
                    )),
                    (None, None) if bound.is_some() => Err(format!(
                        "group {group} belongs to pages that attached with a token or from this machine"
                    )),
                    (None, _) => Ok(()),
                }
            }
        }
    }

    /// Takes a link out, and remembers why it left. Another link of the same page id stays.
    pub(crate) fn remove(&mut self, page: &Arc<Page>, why: Departure, now: Instant) {
        if self.take_out(page) {
            let (page, group) = (page.id.clone(), page.group.clone());
            self.departures.add(page, group, why, now);
        }
    }

    /// True when it was this link that held the page's place.
    fn take_out(&mut self, page: &Arc<Page>) -> bool {
        let Some(group) = self.groups.get_mut(&page.group) else {
            return false;
        };
        if !group.remove(page) {
            return false;
        }
        self.pages.remove(&page.id);
        if group.slots.is_empty() {
            self.groups.remove(&page.group);
        }
        true
    }

    pub(crate) fn expose(&mut self, page: &Arc<Page>, functions: Vec<Arc<Exposed>>) {
        if let Some(group) = self.groups.get_mut(&page.group) {
            group.expose(page, functions);
        }
    }

    pub(crate) fn retract(&mut self, page: &Arc<Page>, names: &[FunctionName]) {
        if let Some(group) = self.groups.get_mut(&page.group) {
            group.retract(page, names);
        }
    }

    /// Finds the page for a call and takes a place there.
    pub(crate) fn route(
        &mut self,
        group_name: &GroupName,
        function: &FunctionName,
        wanted: Wanted<'_>,
        now: Instant,
    ) -> Result<Route, NoRoute> {
        let not_found = |why| Err(NoRoute::NotFound(why));
        let Some(group) = self.groups.get_mut(group_name) else {
            return not_found(NotFound::Group(group_name.clone()));
        };
        self.turn += 1;
        let random = self.seed ^ self.turn;
        let slot = group
            .pick(function, wanted, random, now)
            .and_then(|id| group.slots.get(&id).map(|slot| (id, slot)));
        let Some((id, slot)) = slot else {
            return match wanted {
                Wanted::Page(id) => not_found(NotFound::Page(group_name.clone(), id.clone())),
                Wanted::Any(_) | Wanted::Key(..) if group.drains(function) => {
                    Err(NoRoute::Draining(group_name.clone()))
                }
                Wanted::Any(_) | Wanted::Key(..) => {
                    not_found(NotFound::Function(group_name.clone(), function.clone()))
                }
            };
        };
        let Some(exposed) = slot.functions.get(function).cloned() else {
            return not_found(NotFound::FunctionOfPage(id, function.clone()));
        };
        let page = slot.page.clone();
        group.take(&id, self.turn);
        Ok(Route { page, exposed })
    }

    /// What there is in place of what was not found: names to compare, not yet compared, and the page that left.
    pub(crate) fn hints(&self, missed: &NotFound, now: Instant) -> Hints {
        let mut hints = Hints::default();
        match missed {
            NotFound::Group(group) => {
                let groups = self.groups.keys().take(NAMES_COMPARED_MAX);
                hints.groups = groups.cloned().collect();
                hints.left = self.departures.last(group, None, now);
            }
            NotFound::Page(group, page) => {
                hints.left = self.departures.last(group, Some(page), now);
            }
            NotFound::Function(group, _) => {
                let group = self.groups.get(group).into_iter();
                let functions = group.flat_map(Group::functions).take(NAMES_COMPARED_MAX);
                hints.functions = functions.cloned().collect();
            }
            NotFound::FunctionOfPage(page, _) => {
                let slot = self.slot(page).into_iter();
                let functions = slot.flat_map(|slot| slot.functions.keys());
                hints.functions = functions.take(NAMES_COMPARED_MAX).cloned().collect();
            }
        }
        hints
    }

    fn release(&mut self, page: &Arc<Page>, outcome: Outcome) {
        if let Some(group) = self.groups.get_mut(&page.group) {
            group.release(page, outcome);
        }
        page.released.notify_waiters();
    }

    /// Calls that have a place at a page, waiting ones and open streams included.
    pub(crate) fn load_of(&self, page: &Arc<Page>) -> usize {
        self.groups
            .get(&page.group)
            .map_or(0, |group| group.load_of(page))
    }

    /// Sets whether a page gets new calls that do not name it. False when there is no such page.
    pub(crate) fn set_draining(&mut self, id: &PageId, draining: bool) -> bool {
        let group = self
            .pages
            .get(id)
            .and_then(|name| self.groups.get_mut(name));
        group.is_some_and(|group| {
            group.set_draining(id, draining);
            true
        })
    }

    fn slot(&self, id: &PageId) -> Option<&Slot> {
        self.groups.get(self.pages.get(id)?)?.slots.get(id)
    }

    fn holder(&self, id: &PageId) -> Option<&Arc<Page>> {
        self.slot(id).map(|slot| &slot.page)
    }

    pub(crate) fn page(&self, id: &PageId) -> Option<Arc<Page>> {
        self.holder(id).cloned()
    }

    pub(crate) fn pages(&self) -> Vec<Arc<Page>> {
        self.slots().map(|slot| slot.page.clone()).collect()
    }

    pub(crate) fn infos(&self, now: Instant) -> Vec<PageInfo> {
        let mut infos: Vec<_> = self.slots().map(|slot| slot.info(now)).collect();
        infos.sort_by(|a, b| (&a.group, &a.id).cmp(&(&b.group, &b.id)));
        infos
    }

    pub(crate) fn info(&self, id: &PageId, now: Instant) -> Option<PageInfo> {
        self.slot(id).map(|slot| slot.info(now))
    }

    /// Pages, and different functions of all groups.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let functions = self.groups.values().map(|group| group.functions_count());
        (self.pages.len(), functions.sum())
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.groups.values().flat_map(|group| group.slots.values())
    }
}

#[cfg(test)]
mod tests;
