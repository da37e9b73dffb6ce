//! `examples/container`, as far as it holds without a container engine. `./check container` builds it where an engine answers.

mod binary;

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use http::StatusCode;
use pagewire_testkit::Http;

use crate::binary::{Serve, run_with};

const SECRET: &str = "0123456789abcdef";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn containerfile() -> String {
    fs::read_to_string(root().join("examples/container/Containerfile")).expect("the file")
}

/// What the image's first stage takes out of the repository.
fn copied() -> Vec<String> {
    let text = containerfile();
    let copies = text.lines().filter_map(|line| line.strip_prefix("COPY "));
    let from_here = copies.filter(|line| !line.starts_with("--from="));
    let sources = from_here.flat_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words[..words.len() - 1].to_vec()
    });
    sources.map(str::to_owned).collect()
}

#[test]
fn what_the_image_copies_is_there_and_not_ignored() {
    let ignored = fs::read_to_string(root().join("examples/container/Containerfile.dockerignore"));
    let ignored = ignored.expect("the file");
    let let_through: Vec<_> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert_eq!(copied(), let_through);
    for source in copied() {
        assert!(root().join(&source).exists(), "{source}");
    }
}

#[cfg(unix)]
#[test]
fn what_the_image_copies_is_a_workspace_that_needs_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for source in copied() {
        let original = root().join(&source).canonicalize().expect("it is there");
        std::os::unix::fs::symlink(original, folder.path().join(&source)).expect("linked");
    }
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(folder.path())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let mut seen = 0;
    for entry in fs::read_dir(root().join("crates"))
        .expect("a folder")
        .flatten()
    {
        let base = Path::new("crates").join(entry.file_name());
        seen += check_includes(&entry.path().join("src"), &base.join("src"));
    }
    assert!(seen >= 2, "the page script is built in");
}

/// Files that are built in lie in what is copied. Tells how many there were.
fn check_includes(folder: &Path, name: &Path) -> usize {
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        if path.is_dir() {
            seen += check_includes(&path, &name);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for include in text.split("include_str!(\"").skip(1) {
            let file = include.split('"').next().expect("a path");
            let file = without_dots(&name.parent().expect("a folder").join(file));
            let is_copied = copied().iter().any(|source| file.starts_with(source));
            assert!(is_copied, "{} is not copied", file.display());
            seen += 1;
        }
    }
    seen
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

#[test]
fn the_image_is_built_with_the_rust_that_the_workspace_asks_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'))
        .expect("a version");
    assert!(containerfile().contains(&format!("library/rust:{version}-")));
}

/// Runs the hub with the environment of the image and of the compose file.
#[tokio::test]
async fn the_hub_of_the_image_starts_with_a_token_only_and_demands_it() {
    let image = containerfile();
    assert!(image.contains("ENV PAGEWIRE_LISTEN=0.0.0.0:9999"));
    assert!(image.contains("http://127.0.0.1:9999/health"));
    let listen = ("PAGEWIRE_LISTEN", "0.0.0.0:0");
    let refused = run_with(&["serve"], &[listen]).await;
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    assert!(refused.stderr.contains("token"), "{}", refused.stderr);

    let compose = fs::read_to_string(root().join("examples/container/compose.yaml"));
    let compose = compose.expect("the file");
    for part in [
        "context: ../..\n",
        "dockerfile: examples/container/Containerfile\n",
        "PAGEWIRE_TOKENS: ${PAGEWIRE_TOKENS:?",
        "PAGEWIRE_ALLOW_HOSTS: hub\n",
    ] {
        assert!(compose.contains(part), "{part}");
    }
    let environment = [
        listen,
        ("PAGEWIRE_TOKENS", SECRET),
        ("PAGEWIRE_ALLOW_HOSTS", "hub"),
    ];
    let serve = Serve::start_with(&[], &environment).await;
    let address = serve.listening["http"]
        .as_str()
        .expect("an address")
        .to_owned();
    let client = Http::new(address);
    assert_eq!(client.get("/health").await.status, StatusCode::OK);
    let by_name = client.with("host", "hub:9999");
    assert_eq!(
        by_name.get("/v1/pages").await.status,
        StatusCode::UNAUTHORIZED
    );
    let known = by_name.with("authorization", &format!("Bearer {SECRET}"));
    assert_eq!(known.get("/v1/pages").await.status, StatusCode::OK);
    serve.stop().await;
}
