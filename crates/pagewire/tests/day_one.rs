//! What a newcomer tries first: version, completions, manual pages.

mod binary;

use std::process::Stdio;

use pagewire_testkit::{need, program, soon};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use self::binary::run;

/// What `--help` lists.
async fn subcommands() -> Vec<String> {
    let help = run(&["--help"]).await.stdout;
    let list = help.split("Commands:\n").nth(1).expect("a list");
    let list = list.split("\n\n").next().expect("a list");
    let names = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> = names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 8, "{names:?}");
    names
}

#[tokio::test]
async fn the_version_names_the_commit_where_there_is_one() {
    let shown = run(&["--version"]).await.stdout;
    let commit = git(&["rev-parse", "HEAD"]).await;
    let date = git(&["show", "--no-patch", "--format=%cs", "HEAD"]).await;
    let suffix = match need("a git checkout", commit.zip(date)) {
        Some((commit, date)) => format!(" ({} {date})", &commit[..7]),
        None => return,
    };
    assert_eq!(
        shown,
        format!("pagewire {}{suffix}\n", env!("CARGO_PKG_VERSION"))
    );
    let call = run(&["call", "--version"]).await.stdout;
    assert_eq!(
        call,
        format!("pagewire-call {}{suffix}\n", env!("CARGO_PKG_VERSION"))
    );
}

async fn git(arguments: &[&str]) -> Option<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    if !std::path::Path::new(root).join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output();
    let output = output.await.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[tokio::test]
async fn bash_completes_subcommands_and_flags() {
    let Some(bash) = program("PAGEWIRE_TEST_BASH", "bash") else {
        return;
    };
    let script = run(&["completions", "bash"]).await.stdout;
    for (words, expected) in [
        ("pagewire comp", "completions"),
        ("pagewire doctor --pag", "--page"),
        ("pagewire completions fi", "fish"),
    ] {
        // What a Tab does: the function that the script registered, called with the words typed so far.
        let ask = format!(
            "{script}
words=({words}) COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
read -r _ _ function _ < <(complete -p pagewire | sed 's/.*-F/complete -F/')
$function pagewire \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new(&bash).args(["--norc", "-c", &ask]).output();
        let output = soon("bash", output).await.expect("bash runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{expected}\n"),
            "{words}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[tokio::test]
async fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).await;
        assert_eq!(script.code, 0, "{shell}");
        for name in subcommands().await {
            assert!(script.stdout.contains(&name), "{shell}: {name}");
        }
    }
    assert_eq!(run(&["completions", "tcsh"]).await.code, 2);
}

#[tokio::test]
async fn manual_pages_are_rendered_and_name_every_subcommand() {
    let folder = std::env::temp_dir().join(format!("pagewire-man-{}", std::process::id()));
    let out = folder.to_str().expect("text");
    assert_eq!(run(&["man", "--out", out]).await.code, 0);
    let names = subcommands().await;
    let pages = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(pages, names.len() + 1);
    let main = folder.join("pagewire.1");
    if let Some(text) = render(main.to_str().expect("text")).await {
        for name in &names {
            let page = folder.join(format!("pagewire-{name}.1"));
            assert!(
                text.contains(&format!("pagewire-{name}(1)")),
                "{name}: {text}"
            );
            let own = render(page.to_str().expect("text"))
                .await
                .expect("as before");
            assert!(
                own.contains(&format!("pagewire-{name}(1)")) && own.contains("--help"),
                "{own}"
            );
        }
    }
    std::fs::remove_dir_all(&folder).expect("removed");
    let all = run(&["man"]).await.stdout;
    assert_eq!(all.matches("\n.TH ").count(), names.len() + 1);
}

/// The page as a terminal shows it, without overstrikes.
async fn render(page: &str) -> Option<String> {
    let mandoc = program_there("mandoc").map(|file| (file, vec!["-T", "utf8", page]));
    let groff = || {
        program_there("groff").map(|file| {
            (
                file,
                vec![
                    "-K", "utf8", "-T", "utf8", "-P", "-c", "-P", "-bou", "-man", page,
                ],
            )
        })
    };
    let (file, arguments) = need("mandoc or groff", mandoc.or_else(groff))?;
    let mut command = Command::new(file);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it runs");
    child
        .stdin
        .take()
        .expect("piped")
        .shutdown()
        .await
        .expect("closed");
    let output = soon("the page", child.wait_with_output())
        .await
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // mandoc prints a bold letter as the letter, a backspace and the letter.
    let mut shown = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            shown.pop();
        } else {
            shown.push(c);
        }
    }
    Some(shown)
}

fn program_there(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
