//! Shell commands of a document: as much of a shell's language as documents use.

use std::iter::Peekable;
use std::str::Chars;

/// What is typed in the blocks `sh` and `console` of a document. In the latter lines with `$` are typed, the others are answers.
pub(super) fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let inside = lines.by_ref().take_while(|line| !line.starts_with("```"));
        let typed: Vec<_> = match language {
            "sh" => inside.collect(),
            "console" => inside.filter_map(|line| line.strip_prefix("$ ")).collect(),
            _ => {
                inside.for_each(drop);
                continue;
            }
        };
        blocks.push(typed.join("\n"));
    }
    blocks
}

/// The commands of a script, each as its words, without comments and redirections. Nothing is expanded.
pub(super) fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reading = Reading::default();
    let mut rest = script.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' => reading
                .word()
                .extend(rest.by_ref().take_while(|c| *c != '\'')),
            '"' => double_quoted(&mut rest, reading.word()),
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(c) => reading.word().push(c),
            },
            '#' if reading.word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            '>' | '<' => {
                reading.word = None;
                while rest.next_if(|c| ">&< ".contains(*c)).is_some() {}
                reading.is_file = true;
            }
            '|' | '&' | ';' | '(' | ')' | '\n' => reading.end_command(),
            c if c.is_whitespace() => reading.end_word(),
            c => reading.word().push(c),
        }
    }
    reading.end_command();
    reading.commands
}

#[derive(Default)]
struct Reading {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    /// The next word is where something goes to or comes from.
    is_file: bool,
}

impl Reading {
    fn word(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.is_file)
        {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}

fn double_quoted(rest: &mut Peekable<Chars<'_>>, word: &mut String) {
    while let Some(c) = rest.next() {
        match c {
            '"' => return,
            '\\' => word.extend(rest.next()),
            c => word.push(c),
        }
    }
}

#[test]
fn scripts_are_taken_apart_as_a_shell_does() {
    let script = "A=1 pagewire tail a --filter 'b > \"1\"' | jq -r \"\\\"x\\\"\" > out 2>&1 # no\n\
                  cd a && pagewire call x#y \\\n  '' &\n";
    let expected = [
        &["A=1", "pagewire", "tail", "a", "--filter", "b > \"1\""][..],
        &["jq", "-r", "\"x\""],
        &["cd", "a"],
        &["pagewire", "call", "x#y", ""],
    ];
    assert_eq!(commands(script), expected);
    let markdown = "a\n```sh\none\n```\n```\nno\n```\n```console\n$ two\nno\n```\n";
    assert_eq!(blocks(markdown), ["one", "two"]);
}
