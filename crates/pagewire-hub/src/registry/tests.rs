//! Joining, taking over and routing, without any link.

use super::*;
use proptest::prelude::*;

fn hello(group: &str, page: Option<&str>, epoch: u64) -> Hello {
    let page = page.map_or_else(|| "null".to_owned(), |page| format!("\"{page}\""));
    serde_json::from_str(&format!(
        r#"{{"group":"{group}","page":{page},"epoch":{epoch}}}"#
    ))
    .expect("a hello")
}

fn attachment(grant: Grant, origin: Option<&str>) -> Attachment {
    Attachment {
        carrier: "test",
        origin: origin.map(Into::into),
        grant,
        scopes: Scopes::none(),
        topic: None,
    }
}

fn registry(pages_max: usize) -> Registry {
    routed(Routing::FewestCalls, pages_max)
}

fn routed(routing: Routing, pages_max: usize) -> Registry {
    let policy = GroupPolicy {
        routing,
        groups: HashMap::new(),
    };
    Registry::new(policy, pages_max, 7)
}

fn attach(
    registry: &mut Registry,
    hello: &Hello,
    attachment: Attachment,
) -> Result<Arc<Page>, String> {
    let fresh = PageId::new(&format!("fresh{}", registry.turn)).unwrap();
    let attached = registry.attach(hello, attachment, fresh, Vec::new(), Instant::now());
    attached
        .map(|(page, _)| page)
        .map_err(|refusal| refusal.message().to_owned())
}

fn local() -> Attachment {
    attachment(Grant::Any, None)
}

fn expose(registry: &mut Registry, page: &Arc<Page>, names: &[&str]) {
    let exposed = names.iter().map(|name| {
        let function =
            serde_json::from_str(&format!(r#"{{"name":"{name}"}}"#)).expect("a function");
        Arc::new(Exposed::new(function, &page.group, Arc::default()))
    });
    registry.expose(page, exposed.collect());
}

fn route(registry: &mut Registry, function: &str, page: Option<&str>) -> Result<String, String> {
    let page = page.map(|page| PageId::new(page).unwrap());
    let wanted = page.as_ref().map_or(Wanted::Any(&[]), Wanted::Page);
    ask(registry, function, wanted, Instant::now()).map(|page| page.id.to_string())
}

fn ask(
    registry: &mut Registry,
    function: &str,
    wanted: Wanted<'_>,
    now: Instant,
) -> Result<Arc<Page>, String> {
    let (group, function) = (
        GroupName::new("g").unwrap(),
        FunctionName::new(function).unwrap(),
    );
    match registry.route(&group, &function, wanted, now) {
        Ok(route) => Ok(route.page),
        Err(NoRoute::NotFound(why)) => Err(why.to_string()),
        Err(NoRoute::Draining(group)) => Err(format!("{group} drains")),
    }
}

/// Pages `p0`, `p1`, … of group `g` that expose `f`.
fn with_pages(registry: &mut Registry, count: usize) -> Vec<Arc<Page>> {
    (0..count)
        .map(|index| {
            let hello = hello("g", Some(&format!("p{index}")), 0);
            let page = attach(registry, &hello, local()).unwrap();
            expose(registry, &page, &["f"]);
            page
        })
        .collect()
}

fn picks(registry: &mut Registry, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| route(registry, "f", None).unwrap())
        .collect()
}

#[test]
fn a_group_belongs_to_its_origins() {
    let (shop, evil) = ("https://shop.example", "https://evil.example");
    let group = GroupName::new("owned").unwrap();
    let policy = GroupPolicy::of_owners([(group, vec![shop.to_owned()])]);
    let mut registry = Registry::new(policy, 100, 0);
    let token = |scope: &str| Attachment {
        scopes: Scopes::new(vec![scope.parse().unwrap()]),
        ..attachment(Grant::Token, Some(evil))
    };
    let cases = [
        ("owned", attachment(Grant::Origin, Some(shop)), true),
        ("owned", attachment(Grant::Origin, Some(evil)), false),
        ("owned", token("attach:owned"), true),
        ("owned", token("attach:other"), false),
        ("owned", local(), true),
        ("free", attachment(Grant::Origin, Some(evil)), true),
        ("free", attachment(Grant::Origin, Some(shop)), false),
        ("free", attachment(Grant::Origin, Some(evil)), true),
        ("local", local(), true),
        ("local", attachment(Grant::Origin, Some(evil)), false),
    ];
    for (index, (group, attachment, joins)) in cases.into_iter().enumerate() {
        let got = attach(&mut registry, &hello(group, None, 0), attachment);
        assert_eq!(got.is_ok(), joins, "case {index}: {got:?}");
    }
}

#[test]
fn a_page_id_is_taken_over_only_from_the_same_group_and_origin() {
    let mut registry = registry(1);
    let shop = || attachment(Grant::Any, Some("https://shop.example"));
    let first = attach(&mut registry, &hello("g", Some("p"), 4), shop()).unwrap();
    assert_eq!(first.epoch, 5);
    expose(&mut registry, &first, &["f"]);
    assert!(attach(&mut registry, &hello("other", Some("p"), 0), shop()).is_err());
    assert!(attach(&mut registry, &hello("g", Some("p"), 0), local()).is_err());
    let second = attach(&mut registry, &hello("g", Some("p"), 0), shop()).unwrap();
    assert_eq!(second.epoch, 6, "the epoch grows whatever the page says");
    assert!(
        route(&mut registry, "f", None).is_err(),
        "functions of the old link are gone with it"
    );
    expose(&mut registry, &second, &["f"]);
    registry.remove(&first, Departure::Lost, Instant::now());
    assert_eq!(
        route(&mut registry, "f", None).unwrap(),
        "p",
        "the old link's end leaves the new one alone"
    );
    registry.remove(&second, Departure::Lost, Instant::now());
    assert!(registry.pages().is_empty() && registry.groups.is_empty());
}

#[test]
fn pages_at_their_limit_are_refused() {
    let mut registry = registry(2);
    for ok in [true, true, false] {
        assert_eq!(
            attach(&mut registry, &hello("g", None, 0), local()).is_ok(),
            ok
        );
    }
}

#[test]
fn missing_things_are_named() {
    let mut registry = registry(10);
    assert_eq!(
        route(&mut registry, "f", None).unwrap_err(),
        "no page is attached to group g"
    );
    let page = attach(&mut registry, &hello("g", Some("p"), 0), local()).unwrap();
    assert_eq!(
        route(&mut registry, "f", None).unwrap_err(),
        "no page of group g exposes f"
    );
    assert_eq!(
        route(&mut registry, "f", Some("p")).unwrap_err(),
        "page p does not expose f"
    );
    assert_eq!(
        route(&mut registry, "f", Some("q")).unwrap_err(),
        "group g has no page q"
    );
    expose(&mut registry, &page, &["f"]);
    registry.retract(&page, &[FunctionName::new("f").unwrap()]);
    assert_eq!(
        route(&mut registry, "f", None).unwrap_err(),
        "no page of group g exposes f"
    );
}

#[test]
fn round_robin_asks_one_after_the_other_however_busy() {
    let mut registry = routed(Routing::RoundRobin, 10);
    let pages = with_pages(&mut registry, 3);
    assert_eq!(
        picks(&mut registry, 7),
        ["p0", "p1", "p2", "p0", "p1", "p2", "p0"]
    );
    registry.release(&pages[2], Outcome::Answered);
    assert_eq!(picks(&mut registry, 3), ["p1", "p2", "p0"]);
}

#[test]
fn random_gives_each_page_about_the_same_share() {
    let mut registry = routed(Routing::Random, 10);
    with_pages(&mut registry, 4);
    let picks = picks(&mut registry, 4_000);
    for page in ["p0", "p1", "p2", "p3"] {
        let share = picks.iter().filter(|id| *id == page).count();
        assert!((850..1_150).contains(&share), "{page} took {share} of 4000");
    }
}

#[test]
fn a_key_keeps_its_page_and_the_others_keep_theirs_when_one_leaves() {
    let mut registry = registry(100);
    let pages = with_pages(&mut registry, 20);
    let now = Instant::now();
    let owners = |registry: &mut Registry| -> Vec<String> {
        let keys = (0..500).map(|key| format!("user-{key}"));
        keys.map(|key| {
            let page = ask(registry, "f", Wanted::Key(&key, &[]), now).unwrap();
            registry.release(&page, Outcome::Answered);
            page.id.to_string()
        })
        .collect()
    };
    let before = owners(&mut registry);
    assert_eq!(owners(&mut registry), before, "the same key, the same page");
    let busiest = |owners: &[String]| {
        let share = |page: &Arc<Page>| owners.iter().filter(|id| **id == page.id.as_str()).count();
        pages.iter().map(share).max()
    };
    assert!(
        busiest(&before) < Some(75),
        "500 keys over 20 pages: {:?}",
        busiest(&before)
    );
    registry.remove(&pages[3], Departure::Lost, Instant::now());
    let after = owners(&mut registry);
    for (before, after) in before.iter().zip(&after) {
        assert!(
            before == after || before == "p3",
            "{before} lost a key to {after}"
        );
    }
    let tried = [PageId::new(&after[0]).unwrap()];
    let next = ask(&mut registry, "f", Wanted::Key("user-0", &tried), now).unwrap();
    assert_ne!(next.id, tried[0], "a page that was tried is passed over");
    with_pages(&mut registry, 4);
    assert_eq!(owners(&mut registry), before, "p3 is back and has its keys");
}

#[test]
fn a_draining_page_takes_only_calls_that_name_it() {
    let mut registry = registry(10);
    let pages = with_pages(&mut registry, 2);
    assert!(registry.set_draining(&pages[0].id, true));
    assert_eq!(picks(&mut registry, 3), ["p1", "p1", "p1"]);
    assert_eq!(route(&mut registry, "f", Some("p0")).unwrap(), "p0");
    let now = Instant::now();
    for key in 0..50 {
        let key = key.to_string();
        let page = ask(&mut registry, "f", Wanted::Key(&key, &[]), now).unwrap();
        assert_eq!(page.id.as_str(), "p1");
    }
    assert!(registry.info(&pages[0].id, now).unwrap().draining);
    registry.set_draining(&pages[1].id, true);
    assert_eq!(route(&mut registry, "f", None).unwrap_err(), "g drains");
    assert_eq!(
        route(&mut registry, "x", None).unwrap_err(),
        "no page of group g exposes x"
    );
    registry.set_draining(&pages[0].id, false);
    assert_eq!(route(&mut registry, "f", None).unwrap(), "p0");
    assert!(!registry.set_draining(&PageId::new("p9").unwrap(), true));
}

#[test]
fn a_page_that_times_out_three_times_in_a_row_is_asked_last_for_a_while() {
    let mut registry = routed(Routing::RoundRobin, 10);
    let pages = with_pages(&mut registry, 2);
    let now = Instant::now();
    let time_out = |registry: &mut Registry, times: usize| {
        for _ in 0..times {
            ask(registry, "f", Wanted::Page(&pages[0].id), now).unwrap();
            registry.release(&pages[0], Outcome::TimedOut(now));
        }
    };
    let answer = |registry: &mut Registry| {
        ask(registry, "f", Wanted::Page(&pages[0].id), now).unwrap();
        registry.release(&pages[0], Outcome::Answered);
    };
    let is_last = |registry: &mut Registry, now: Instant| {
        let asked: Vec<_> = (0..2)
            .map(|_| ask(registry, "f", Wanted::Any(&[]), now).unwrap())
            .collect();
        asked.iter().all(|page| page.id == pages[1].id)
    };
    time_out(&mut registry, 2);
    assert!(!is_last(&mut registry, now), "two in a row are not enough");
    answer(&mut registry);
    time_out(&mut registry, 2);
    assert!(
        !is_last(&mut registry, now),
        "an answer begins the count again"
    );
    time_out(&mut registry, 1);
    assert!(is_last(&mut registry, now));
    let health = registry.info(&pages[0].id, now).unwrap().health;
    assert_eq!((health.timeouts_in_row, health.asked_last), (3, true));

    let later = now + std::time::Duration::from_secs(30);
    assert!(!is_last(&mut registry, later), "it gets one more chance");
    time_out(&mut registry, 1);
    assert!(is_last(&mut registry, now), "and only one");
    answer(&mut registry);
    assert!(!is_last(&mut registry, now), "an answer clears it");

    time_out(&mut registry, 3);
    registry.remove(&pages[1], Departure::Lost, Instant::now());
    assert_eq!(
        route(&mut registry, "f", None).unwrap(),
        "p0",
        "nobody else is there"
    );
}

#[derive(Debug, Clone)]
enum Step {
    Call(usize),
    Release(usize),
    Leave(usize),
    Attach(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_usize).prop_map(Step::Call),
        4 => (0..32_usize).prop_map(Step::Release),
        1 => (0..6_usize).prop_map(Step::Leave),
        2 => (0..6_usize, any::<bool>()).prop_map(|(page, both)| Step::Attach(page, both)),
    ]
}

proptest! {
    /// Against a model that walks over all pages: the page that takes a call has the function and none of the others has fewer calls.
    #[test]
    fn calls_go_to_the_page_with_the_fewest_under_way(steps in prop::collection::vec(step(), 1..100)) {
        let mut registry = registry(100);
        let mut pages: HashMap<String, (Arc<Page>, Vec<&str>)> = HashMap::new();
        let mut calls: Vec<Arc<Page>> = Vec::new();
        for step in steps {
            match step {
                Step::Attach(page, both) => {
                    let id = format!("p{page}");
                    let attached = attach(&mut registry, &hello("g", Some(&id), 0), local()).unwrap();
                    let functions = if both { vec!["f0", "f1"] } else { vec!["f0"] };
                    expose(&mut registry, &attached, &functions);
                    pages.insert(id, (attached, functions));
                }
                Step::Leave(page) => {
                    if let Some((page, _)) = pages.remove(&format!("p{page}")) {
                        registry.remove(&page, Departure::Lost, Instant::now());
                    }
                }
                Step::Release(index) if !calls.is_empty() => {
                    let page = calls.swap_remove(index % calls.len());
                    registry.release(&page, Outcome::Answered);
                }
                Step::Release(_) => {}
                Step::Call(function) => {
                    let function = format!("f{function}");
                    let load = |page: &Arc<Page>| calls.iter().filter(|call| Arc::ptr_eq(call, page)).count();
                    let able = pages.values().filter(|(_, functions)| functions.contains(&function.as_str()));
                    let fewest = able.map(|(page, _)| load(page)).min();
                    let routed = ask(&mut registry, &function, Wanted::Any(&[]), Instant::now());
                    prop_assert_eq!(routed.as_ref().ok().map(load), fewest);
                    calls.extend(routed.ok());
                }
            }
        }
        pages.values().for_each(|(page, _)| registry.remove(page, Departure::Lost, Instant::now()));
        prop_assert!(registry.groups.is_empty() && registry.pages.is_empty());
    }
}

#[test]
fn names_are_compared_up_to_the_limit() {
    let mut registry = registry(NAMES_COMPARED_MAX + 1);
    let group = |n: usize| format!("g{n}");
    for n in 0..=NAMES_COMPARED_MAX {
        attach(&mut registry, &hello(&group(n), None, 0), local()).unwrap();
        let missed = NotFound::Group(GroupName::new("missed").unwrap());
        let names = registry.hints(&missed, Instant::now()).groups.len();
        assert_eq!(names, (n + 1).min(NAMES_COMPARED_MAX));
    }
    let page = attach(&mut registry, &hello("functions", None, 0), local());
    assert!(page.is_err(), "no more pages than that");
    let page = registry.pages().pop().expect("a page");
    let names: Vec<_> = (0..=NAMES_COMPARED_MAX).map(|n| format!("f{n}")).collect();
    for count in [NAMES_COMPARED_MAX, NAMES_COMPARED_MAX + 1] {
        let some: Vec<_> = names[..count].iter().map(String::as_str).collect();
        expose(&mut registry, &page, &some);
        let function = FunctionName::new("missed").unwrap();
        for missed in [
            NotFound::Function(page.group.clone(), function.clone()),
            NotFound::FunctionOfPage(page.id.clone(), function),
        ] {
            let hints = registry.hints(&missed, Instant::now());
            assert_eq!(hints.functions.len(), NAMES_COMPARED_MAX, "{missed}");
        }
    }
}
