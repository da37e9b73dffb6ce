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
    }
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
        Arc::new(Exposed::new(function, &page.group))
    });
    registry.expose(page, exposed.collect());
}

fn route(registry: &mut Registry, function: &str, page: Option<&str>) -> Result<String, String> {
    let page = page.map(|page| PageId::new(page).unwrap());
    let function = FunctionName::new(function).unwrap();
    registry
        .route(&GroupName::new("g").unwrap(), &function, page.as_ref())
        .map(|(page, _)| page.id.to_string())
}

#[test]
fn a_group_belongs_to_its_origins() {
    let (shop, evil) = ("https://shop.example", "https://evil.example");
    let group = GroupName::new("owned").unwrap();
    let mut registry = Registry::new(HashMap::from([(group, vec![shop.to_owned()])]), 100);
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
    let mut registry = Registry::new(HashMap::new(), 1);
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
    registry.remove(&first);
    assert_eq!(
        route(&mut registry, "f", None).unwrap(),
        "p",
        "the old link's end leaves the new one alone"
    );
    registry.remove(&second);
    assert!(registry.pages().is_empty() && registry.groups.is_empty());
}

#[test]
fn pages_at_their_limit_are_refused() {
    let mut registry = Registry::new(HashMap::new(), 2);
    for ok in [true, true, false] {
        assert_eq!(
            attach(&mut registry, &hello("g", None, 0), local()).is_ok(),
            ok
        );
    }
}

#[test]
fn missing_things_are_named() {
    let mut registry = Registry::new(HashMap::new(), 10);
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
        let mut registry = Registry::new(HashMap::new(), 100);
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
                        registry.remove(&page);
                    }
                }
                Step::Release(index) if !calls.is_empty() => {
                    let page = calls.swap_remove(index % calls.len());
                    registry.release(&page);
                }
                Step::Release(_) => {}
                Step::Call(function) => {
                    let function = format!("f{function}");
                    let load = |page: &Arc<Page>| calls.iter().filter(|call| Arc::ptr_eq(call, page)).count();
                    let able = pages.values().filter(|(_, functions)| functions.contains(&function.as_str()));
                    let fewest = able.map(|(page, _)| load(page)).min();
                    let routed = registry.route(&GroupName::new("g").unwrap(), &FunctionName::new(&function).unwrap(), None);
                    prop_assert_eq!(routed.as_ref().ok().map(|(page, _)| load(page)), fewest);
                    calls.extend(routed.ok().map(|(page, _)| page));
                }
            }
        }
        pages.values().for_each(|(page, _)| registry.remove(page));
        prop_assert!(registry.groups.is_empty() && registry.pages.is_empty());
    }
}
