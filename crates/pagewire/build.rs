//! Tells the program which commit it was built from, for `--version`.
//!
//! The commit is read out of the repository's own files, which need no git; only its date asks git, where it is there.
//! In a source archive or a cargo package both are left out.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Characters of a commit that are shown.
const SHORT: usize = 7;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Not PAGEWIRE_…: `cargo run` hands these to the program, which refuses variables of its own name that it does not know.
    let commit = Repository::of_this_workspace().and_then(|repository| repository.commit());
    let (id, date) = commit.unwrap_or_default();
    let shown = [&id[..SHORT.min(id.len())], &date]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let suffix = if shown.is_empty() {
        String::new()
    } else {
        format!(" ({shown})")
    };
    println!("cargo::rustc-env=BUILD_COMMIT={shown}");
    println!("cargo::rustc-env=BUILD_COMMIT_SUFFIX={suffix}");
}

struct Repository {
    root: PathBuf,
    /// Where this checkout keeps its HEAD: `.git`, or a folder of its own for a second worktree.
    own: PathBuf,
    /// Where all checkouts keep their branches.
    common: PathBuf,
}

impl Repository {
    /// Only a repository whose root is the workspace: a package unpacked inside somebody else's repository is not of its commit.
    fn of_this_workspace() -> Option<Self> {
        let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("../..");
        let git = root.join(".git");
        let own = match fs::read_to_string(&git) {
            Ok(text) => root.join(text.strip_prefix("gitdir:")?.trim()),
            Err(_) if git.is_dir() => git,
            Err(_) => return None,
        };
        let common = fs::read_to_string(own.join("commondir"))
            .map_or_else(|_| own.clone(), |path| own.join(path.trim()));
        Some(Self { root, own, common })
    }

    /// The commit and its date.
    fn commit(&self) -> Option<(String, String)> {
        let head = self.own.join("HEAD");
        watch(&head);
        let text = fs::read_to_string(head).ok()?;
        let id = match text.trim().strip_prefix("ref: ") {
            Some(branch) => self.tip(branch)?,
            None => text.trim().to_owned(),
        };
        let is_id = id.len() > SHORT && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| {
            let date = self.date(&id).unwrap_or_default();
            (id, date)
        })
    }

    fn tip(&self, branch: &str) -> Option<String> {
        let (loose, packed) = (self.common.join(branch), self.common.join("packed-refs"));
        let id = fs::read_to_string(&loose).ok();
        if id.is_some() {
            watch(&loose);
        } else {
            // A branch that is packed is watched through its folder, where the next commit makes its file.
            watch(&packed);
            loose
                .ancestors()
                .skip(1)
                .find(|folder| folder.is_dir())
                .map(watch);
        }
        id.map(|id| id.trim().to_owned()).or_else(|| {
            let text = fs::read_to_string(packed).ok()?;
            let line = text
                .lines()
                .find(|line| line.split(' ').nth(1) == Some(branch))?;
            line.split(' ').next().map(str::to_owned)
        })
    }

    fn date(&self, id: &str) -> Option<String> {
        let output = Command::new("git")
            .current_dir(&self.root)
            .arg("--git-dir")
            .arg(&self.own)
            .args(["show", "--no-patch", "--format=%cs", id])
            .output()
            .ok()?;
        let date = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        let is_date = date.len() == 10
            && date
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
        is_date.then_some(date)
    }
}

/// A path that is not there would rebuild each time.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}
