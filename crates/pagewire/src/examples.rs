//! What the help and the documents tell people to type is understood, and names what there is.

mod shell;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, CommandFactory as _};
use pagewire_filter::Filter;
use pagewire_live::{EventFilter, FilterParts, SiteTable, Template};
use pagewire_rpc::TopicName;

use crate::cli::Cli;

/// What topics begin with (`docs/protocol.md` §3.4).
const TOPICS: [&str; 5] = ["pages/", "plain/", "programs/", "rooms/", "taps/"];

#[test]
fn examples_of_options_are_values_of_them() {
    let (mut seen, mut wrong) = (0, Vec::new());
    each_command(&Cli::command(), &mut |command| {
        for argument in command.get_arguments() {
            for help in [argument.get_help(), argument.get_long_help()] {
                let help = help.map(ToString::to_string).unwrap_or_default();
                for example in examples(&help) {
                    seen += 1;
                    if let Err(why) = check_value(command, argument, &example) {
                        let id = argument.get_id();
                        wrong.push(format!("{command} {id}: {example}: {why}"));
                    }
                }
            }
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 40, "{seen}");
}

#[test]
fn commands_that_help_mentions_are_there() {
    let (mut seen, mut wrong) = (0, Vec::new());
    each_command(&Cli::command(), &mut |command| {
        let help = command.clone().render_long_help().to_string();
        for mentioned in help.split('`').skip(1).step_by(2) {
            let Some([words]) = shell::commands(mentioned).first_chunk().cloned() else {
                continue;
            };
            if let Some(typed) = pagewire(&words) {
                seen += 1;
                // A mention need not be whole.
                if let Err(error) = parse(&typed)
                    && error.kind() != ErrorKind::MissingRequiredArgument
                    && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                {
                    wrong.push(format!("{command}: {mentioned}: {error}"));
                }
            }
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 5, "{seen}");
}

#[test]
fn commands_of_the_documents_are_understood_and_name_what_there_is() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in documents() {
        let text = std::fs::read_to_string(&path).expect("it is read");
        for words in shell::blocks(&text)
            .iter()
            .flat_map(|it| shell::commands(it))
        {
            let checked = match pagewire(&words) {
                Some(typed) => parse(&typed)
                    .map_err(|error| error.to_string())
                    .and_then(|matches| check_names(&matches)),
                None => match asked_by_http(&words) {
                    Some(filter) => check_event_filter(filter),
                    None => continue,
                },
            };
            seen += 1;
            if let Err(why) = checked {
                wrong.push(format!("{}: {}: {why}", path.display(), words.join(" ")));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 80, "{seen}");
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    let mut folders = ["docs", "docs/sites", "examples/plain", "."].map(|name| root.join(name));
    for folder in &mut folders {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let files = entries.map(|entry| entry.expect("an entry").path());
        paths.extend(files.filter(|path| path.extension() == Some(OsStr::new("md"))));
    }
    paths
}

fn each_command(command: &Command, take: &mut impl FnMut(&Command)) {
    take(command);
    for inner in command.get_subcommands() {
        each_command(inner, take);
    }
}

fn parse(typed: &[String]) -> Result<ArgMatches, clap::Error> {
    Cli::command()
        .try_get_matches_from(["pagewire"].into_iter().chain(typed.iter().map(|it| &**it)))
}

/// What is typed behind `pagewire`, where that is what is called.
fn pagewire(words: &[String]) -> Option<Vec<String>> {
    let is_setting = |word: &&String| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let words = &words[words.iter().take_while(is_setting).count()..];
    let (program, rest) = words.split_first()?;
    match &**program {
        "pagewire" => Some(rest.to_vec()),
        // The program that is run where none is named.
        "cargo" if rest.first()? == "run" && !names_program(rest) => {
            let at = rest.iter().position(|word| word == "--")?;
            Some(rest[at + 1..].to_vec())
        }
        _ => None,
    }
}

/// The filter of a request for the events of a room.
fn asked_by_http(words: &[String]) -> Option<&str> {
    let of_room = |word: &String| word.contains("/v1/topics/rooms/");
    let mut filters = words.iter().filter_map(|word| word.strip_prefix("filter="));
    filters.next().filter(|_| words.iter().any(of_room))
}

fn names_program(words: &[String]) -> bool {
    words.iter().any(|word| word == "-p" || word == "--bin")
}

/// What stands behind `such as`: a quoted text, or words with commas and `or` between them.
fn examples(help: &str) -> Vec<String> {
    let mut found = Vec::new();
    for behind in help.split("such as ").skip(1) {
        if let Some(quoted) = behind.strip_prefix('\'') {
            found.extend(quoted.split_once('\'').map(|(text, _)| text.to_owned()));
            continue;
        }
        let mut words = behind.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let value = word.trim_end_matches([',', ';', '.']);
            if value == "a" || value.contains('\'') {
                // It is said in words.
                break;
            }
            if value != "or" {
                found.push(value.to_owned());
            }
            let goes_on = word.ends_with(',') || value == "or";
            if !goes_on && words.peek() != Some(&"or") {
                break;
            }
        }
    }
    found
}

fn check_value(command: &Command, argument: &Arg, example: &str) -> Result<(), String> {
    let id = argument.get_id().as_str();
    let value = match id {
        // The example is of the second half.
        "expose" => format!("name={example}"),
        "tokens" => example.replace("SECRET", &"s".repeat(16)),
        _ => example.to_owned(),
    };
    let option = argument.get_long().map(|name| format!("--{name}"));
    let typed = option.into_iter().chain([value]);
    let typed = ["pagewire".to_owned()].into_iter().chain(typed);
    if let Err(error) = command.clone().try_get_matches_from(typed)
        // Values are read before it is looked what else there must be.
        && error.kind() != ErrorKind::MissingRequiredArgument
    {
        return Err(error.to_string());
    }
    match id {
        "filter" if command.get_name() == "tail" => check_filter(example),
        "filter" => check_event_filter(example),
        "template" => check_template(example),
        "topic" => check_topic(example),
        "rooms" => check_room(example),
        _ => Ok(()),
    }
}

/// What clap takes as any text: expressions, topics, rooms, journals.
fn check_names(matches: &ArgMatches) -> Result<(), String> {
    let (mut name, mut matches) = ("", matches);
    while let Some((inner_name, inner)) = matches.subcommand() {
        (name, matches) = (inner_name, inner);
    }
    let text = |id: &str| matches.try_get_one::<String>(id).ok().flatten();
    let topic = text("topic").map(String::as_str);
    topic.map_or(Ok(()), check_topic)?;
    let of_room = topic.is_some_and(|topic| topic.starts_with("rooms/"));
    let decodes = matches!(matches.try_contains_id("site"), Ok(true));
    if let Some(filter) = text("filter") {
        if name != "tail" || of_room || decodes {
            check_event_filter(filter)?;
        } else {
            check_filter(filter)?;
        }
    }
    text("template").map_or(Ok(()), |template| check_template(template))?;
    if let Ok(Some(rooms)) = matches.try_get_many::<String>("rooms") {
        rooms.map(String::as_str).try_for_each(check_room)?;
    }
    match matches.try_get_one::<PathBuf>("journal") {
        // That of `watch` is the folder of all.
        Ok(Some(journal)) if name != "watch" => check_journal(journal),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn check_filter(expression: &str) -> Result<(), String> {
    let filter = Filter::parse(expression);
    filter.map(|_| ()).map_err(|error| error.to_string())
}

/// An event filter knows the members of `docs/event.schema.json`, which is made from the same model.
fn check_event_filter(expression: &str) -> Result<(), String> {
    let parts = FilterParts {
        expression: Some(expression.to_owned()),
        ..FilterParts::default()
    };
    let filter = EventFilter::new(&parts);
    filter.map(|_| ()).map_err(|error| error.to_string())
}

fn check_template(template: &str) -> Result<(), String> {
    let template = Template::parse(template);
    template.map(|_| ()).map_err(|error| error.to_string())
}

fn check_topic(topic: &str) -> Result<(), String> {
    TopicName::new(topic).map_err(|error| error.to_string())?;
    let is_known = TOPICS.iter().any(|begin| topic.starts_with(begin));
    is_known
        .then_some(())
        .ok_or_else(|| format!("no topic is named {topic}"))
}

fn check_room(room: &str) -> Result<(), String> {
    if room == "ROOM-URL" {
        // It stands for one.
        return Ok(());
    }
    // Of the Chinese README.
    let room = room.replace("房间号", "ROOM");
    let room = SiteTable::shipped().parse_room(&room);
    room.map(|_| ()).map_err(|error| error.to_string())
}

/// `FOLDER/SITE-ROOM`
fn check_journal(journal: &Path) -> Result<(), String> {
    let name = journal.file_name().and_then(OsStr::to_str);
    let site = name.and_then(|name| name.split_once('-'));
    let is_known = site.is_some_and(|(site, _)| SiteTable::shipped().get(site).is_some());
    is_known
        .then_some(())
        .ok_or_else(|| format!("no journal is named {journal:?}"))
}
