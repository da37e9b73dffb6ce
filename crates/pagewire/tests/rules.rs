//! Rules of the repository that a compiler does not check: crate borders, purity of cores, documents that are true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which layer each crate is of (`docs/ARCHITECTURE.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Core,
    Shell,
    Top,
    /// For tests and benchmarks only.
    Dev,
}

const LAYERS: &[(&str, Layer)] = &[
    ("pagewire-rpc", Layer::Core),
    ("pagewire-cdp", Layer::Core),
    ("pagewire-codec", Layer::Core),
    ("pagewire-live", Layer::Core),
    ("pagewire-filter", Layer::Core),
    ("pagewire-arguments", Layer::Shell),
    ("pagewire-hub", Layer::Shell),
    ("pagewire-dial", Layer::Shell),
    ("pagewire-room", Layer::Shell),
    ("pagewire-server", Layer::Shell),
    ("pagewire-browser", Layer::Shell),
    ("pagewire-journal", Layer::Shell),
    ("pagewire-sim", Layer::Shell),
    ("pagewire-testkit", Layer::Dev),
    ("pagewire-bench", Layer::Dev),
    ("pagewire", Layer::Top),
];

/// Scripts that pages load, and the bytes that each must stay below.
const PAGE_SCRIPTS: [(&str, usize); 2] = [("pagewire.js", 12_288), ("hook.js", 6_656)];

/// What a core may not depend on, directly or not: runtimes, sockets, clocks, randomness.
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "axum",
    "mio",
    "socket2",
    "getrandom",
    "rand",
    "chrono",
    "tracing",
];
/// What a core's source may not name.
const IMPURE_PATHS: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "std::net",
    "std::fs",
    "std::thread",
    "std::env",
    "tokio::",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Where the source of a crate is.
fn source_folder(name: &str) -> PathBuf {
    match name {
        "pagewire-bench" => root().join("benches/src"),
        _ => root().join("crates").join(name).join("src"),
    }
}

fn layer(name: &str) -> Option<Layer> {
    LAYERS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, layer)| *layer)
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Normal and build dependencies of each of our crates, by name.
fn direct_dependencies(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> = metadata["workspace_members"]
        .as_array()
        .expect("members")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .filter(|package| {
            package["id"]
                .as_str()
                .is_some_and(|id| members.contains(id))
        })
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter();
            let normal = dependencies.filter(|dependency| dependency["kind"] != "dev");
            let names = normal
                .filter_map(|dependency| dependency["name"].as_str())
                .map(str::to_owned);
            (
                package["name"].as_str().expect("a name").to_owned(),
                names.collect(),
            )
        })
        .collect()
}

#[test]
fn dependencies_go_from_top_to_shell_to_core() {
    let dependencies = direct_dependencies(&metadata());
    let known: BTreeSet<_> = LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        dependencies.keys().cloned().collect::<BTreeSet<_>>(),
        known,
        "LAYERS names every crate"
    );
    for (name, uses) in &dependencies {
        let own = layer(name).expect("known");
        for other in uses.iter().filter_map(|other| Some((other, layer(other)?))) {
            let allowed = match own {
                Layer::Core => other.1 == Layer::Core,
                Layer::Shell => other.1 <= Layer::Shell,
                Layer::Top => other.1 <= Layer::Shell,
                Layer::Dev => other.1 != Layer::Top,
            };
            assert!(allowed, "{name} must not depend on {}", other.0);
        }
    }
}

#[test]
fn cores_reach_no_runtime_socket_clock_or_randomness() {
    for (name, _) in LAYERS.iter().filter(|(_, layer)| *layer == Layer::Core) {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "-p",
                name,
                "-e",
                "normal",
                "--prefix",
                "none",
                "--offline",
                "--locked",
            ])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        let tree = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            tree.contains(name),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for line in tree.lines() {
            let dependency = line.split_whitespace().next().unwrap_or_default();
            assert!(!IMPURE.contains(&dependency), "{name} reaches {dependency}");
        }
        let sources = sources(&source_folder(name));
        assert!(sources.len() > 1, "{name} has sources");
        for (path, text) in sources
            .iter()
            .filter(|(path, _)| !path.ends_with("tests.rs"))
        {
            // Unit tests and examples in documents may begin at any time.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let named = IMPURE_PATHS.iter().find(|path| line.contains(**path));
                assert!(named.is_none(), "{}: {line}", path.display());
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            found.push((path, text));
        }
    }
    found
}

fn all_sources() -> String {
    let texts = LAYERS
        .iter()
        .flat_map(|(name, _)| sources(&source_folder(name)));
    let mut texts: Vec<_> = texts.map(|(_, text)| text).collect();
    texts.extend(PAGE_SCRIPTS.map(|(name, _)| read(&format!("web/bridge/{name}"))));
    texts.join("\n")
}

/// Names in backquotes that stand first in the rows of a table.
fn first_column(text: &str) -> Vec<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

#[test]
fn every_limit_of_the_documents_is_in_the_code_and_the_other_way_round() {
    let (limits, code) = (read("docs/limits.md"), all_sources());
    let documented = first_column(&limits);
    assert!(
        documented.len() > 30,
        "{} limits are documented",
        documented.len()
    );
    for name in &documented {
        assert!(
            code.contains(name),
            "docs/limits.md names {name}, which is not in the code"
        );
    }
    let is_limit = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        lower.ends_with("_max")
            && (word.chars().all(|c| c.is_ascii_uppercase() || c == '_') || lower == **word)
    };
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    let declared: BTreeSet<&str> = words
        .filter(is_limit)
        .filter(|word| !word.starts_with("PAGEWIRE_"))
        .collect();
    assert!(declared.len() > 20, "{declared:?}");
    let missing: Vec<_> = declared
        .iter()
        .filter(|name| !limits.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/limits.md does not name {missing:?}"
    );
}

#[test]
fn the_life_of_a_call_names_functions_that_exist() {
    let architecture = read("docs/ARCHITECTURE.md");
    let section = architecture
        .split("## The life of one call")
        .nth(1)
        .expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let names: Vec<_> = section
        .lines()
        .filter_map(|line| line.trim_start().split_once(". `"))
        .filter_map(|(_, rest)| rest.split('`').next())
        .collect();
    assert!((5..=10).contains(&names.len()), "{names:?}");
    let code = all_sources();
    for name in names {
        let function = name.rsplit("::").next().unwrap_or(name);
        assert!(
            code.contains(&format!("fn {function}(")),
            "{name} does not exist"
        );
    }
}

#[test]
fn settings_of_clippy_in_cores_repeat_those_of_the_root() {
    let common = |text: &str| -> BTreeSet<String> {
        text.lines()
            .map(str::trim)
            .filter(|line| line.starts_with("{ path") || line.contains(" = "))
            .map(str::to_owned)
            .collect()
    };
    let root_rules = common(&read("clippy.toml"));
    for (name, _) in LAYERS.iter().filter(|(_, layer)| *layer == Layer::Core) {
        let core_rules = common(&read(&format!("crates/{name}/clippy.toml")));
        let missing: Vec<_> = root_rules.difference(&core_rules).collect();
        assert!(
            missing.is_empty(),
            "crates/{name}/clippy.toml lacks {missing:?}"
        );
    }
}

#[test]
fn the_scripts_for_pages_are_small() {
    for (name, limit) in PAGE_SCRIPTS {
        let bytes = read(&format!("web/bridge/{name}")).len();
        assert!(bytes < limit, "web/bridge/{name} has {bytes} bytes");
    }
}

#[test]
fn both_readmes_have_the_two_commands() {
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = read(readme);
        assert!(
            text.contains("cargo run --release -- demo") && text.contains("./check"),
            "{readme}"
        );
    }
}
