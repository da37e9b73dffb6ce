//! `pagewire decode frame` and `pagewire gen-frames`: frames of live rooms, as somebody types them.
#![cfg(all(unix, feature = "decode"))]

mod binary;
mod frames;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use pagewire_live::{Event, Site};
use pagewire_testkit::soon;
use serde_json::Value;

use self::binary::{Finished, command, lines, run, run_with};
use self::frames::{decode_lines, events, feed, with_input};

/// Frames of a room as lines, and what they hold; none where the site's are not made up.
async fn made(site: &str, more: &[&str]) -> Option<(String, Value)> {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("manifest.json");
    let manifest = manifest.to_str().expect("UTF-8");
    let arguments = ["gen-frames", "--site", site, "--manifest", manifest];
    let made = run(&[&arguments[..], more].concat()).await;
    if made.code == 2 {
        let words = format!("frames of {site} are not made up; there are those of douyin");
        assert!(made.stderr.contains(&words), "{}", made.stderr);
        return None;
    }
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    let manifest = std::fs::read(manifest).expect("it was written");
    Some((
        made.stdout,
        serde_json::from_slice(&manifest).expect("JSON"),
    ))
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// Counts and values by who gave what.
type Given = BTreeMap<(String, String), (u64, u64)>;

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn given(events: &[Value], kind: &str) -> Given {
    let mut given = Given::new();
    for event in events.iter().filter(|event| event["kind"] == kind) {
        let gift = &event[kind.replace('.', "_")];
        let key = (text(&event["user"]["id"]), text(&gift["gift"]));
        let sum = given.entry(key).or_default();
        *sum = (
            sum.0 + number(&gift["count"]),
            sum.1 + number(&gift["value"]),
        );
    }
    given
}

fn told(manifest: &Value) -> Given {
    let list = manifest["gifts"]["by_sender_and_gift"].as_array();
    let told = list.expect("a list").iter().map(|given| {
        let key = (text(&given["sender"]), text(&given["gift"]));
        (key, (number(&given["count"]), number(&given["value"])))
    });
    told.collect()
}

#[tokio::test]
async fn what_is_read_adds_up_to_what_was_made() {
    let mut sites = 0;
    for site in Site::ALL.iter().map(|site| site.name()) {
        let more = ["--frames", "60", "--messages", "20", "--seed", "7"];
        let Some((frames, manifest)) = made(site, &more).await else {
            continue;
        };
        sites += 1;
        let decoded = decode_lines(site, &["--json"], frames.as_bytes()).await;
        assert_eq!((decoded.code, decoded.stderr.as_str()), (0, ""), "{site}");
        let events = events(&decoded);

        let mut expected = told(&manifest);
        assert!(expected.len() > 20, "{site}: {}", expected.len());
        let deltas = given(&events, "gift.delta");
        if deltas.values().all(|(_, value)| *value == 0) {
            // Some sites tell what gifts are worth elsewhere, and not in frames.
            assert_eq!(site, "douyu");
            expected.values_mut().for_each(|(_, value)| *value = 0);
        }
        assert_eq!(deltas, expected, "{site}");
        assert_eq!(given(&events, "gift.final"), expected, "{site}");

        let ids: HashSet<_> = events.iter().map(|event| text(&event["id"])).collect();
        if !ids.contains("") {
            assert_eq!(ids.len() as u64, number(&manifest["messages_unique"]));
        }
        // What came again is there once, so a kind may have so many fewer.
        let repeated = number(&manifest["messages"]) - number(&manifest["messages_unique"]);
        let by_kind = manifest["by_kind"].as_object().expect("an object");
        assert!(by_kind.len() > 5, "{site}");
        for (kind, count) in by_kind {
            let read = events.iter().filter(|event| event["kind"] == *kind).count() as u64;
            assert!(
                read > 0 && read + repeated >= number(count),
                "{site}: {kind}"
            );
        }
    }
    assert!(sites > 0);
}

#[tokio::test]
async fn a_folder_of_frames_and_lines_of_both_forms_hold_the_same() {
    let (base64, manifest) = made("douyin", &["--frames", "6"]).await.expect("made up");
    let (hex, _) = made("douyin", &["--frames", "6", "--hex"])
        .await
        .expect("made up");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("room");
    let name = folder.to_str().expect("UTF-8");
    let arguments = [
        "gen-frames",
        "--site",
        "douyin",
        "--frames",
        "6",
        "-o",
        name,
    ];
    assert_eq!(run(&arguments).await.code, 0);
    let written = std::fs::read(folder.join("manifest.json")).expect("a manifest");
    assert_eq!(
        serde_json::from_slice::<Value>(&written).expect("JSON"),
        manifest
    );

    let files: Vec<_> = (1..=6)
        .map(|number| format!("{name}/{number:06}.bin"))
        .collect();
    let files = files.iter().map(String::as_str);
    let decode = ["decode", "frame", "--site", "douyin", "--json"];
    let of_files = run(&decode.into_iter().chain(files).collect::<Vec<_>>()).await;
    assert_eq!(of_files.code, 0, "{}", of_files.stderr);
    assert!(events(&of_files).len() as u64 > number(&manifest["messages_unique"]));
    for lines in [base64, hex] {
        let of_lines = decode_lines("douyin", &["--json"], lines.as_bytes()).await;
        assert_eq!(of_lines.stdout, of_files.stdout);
    }

    let again = run(&arguments).await;
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("is not empty; name a new folder"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn a_frame_alone_is_read_however_it_is_given() {
    let (lines, _) = made("douyin", &["--frames", "1", "--hex"])
        .await
        .expect("made up");
    let hex = lines.trim();
    let bytes: Vec<_> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let decode = ["decode", "frame", "--site", "douyin", "--json"];
    let (of_hex, of_input) = (
        run(&[&decode[..], &["--hex", hex]].concat()).await,
        with_input(&decode, &bytes).await,
    );
    assert!(of_hex.code == 0 && events(&of_hex).len() > 5);
    assert_eq!(of_hex.stdout, of_input.stdout);
}

#[tokio::test]
async fn kinds_are_picked_and_fields_of_the_site_are_added() {
    let (frames, manifest) = made("douyin", &["--frames", "20"]).await.expect("made up");
    let more = ["--json", "--kind", "chat,gift.delta", "--site-fields"];
    let decoded = decode_lines("douyin", &more, frames.as_bytes()).await;
    let events = events(&decoded);
    let kinds: HashSet<_> = events.iter().map(|event| text(&event["kind"])).collect();
    assert_eq!(kinds, HashSet::from(["chat".into(), "gift.delta".into()]));
    // Gifts are counted though their own messages are not shown.
    assert_eq!(given(&events, "gift.delta"), told(&manifest));
    for event in &events {
        let method = &event["site_fields"]["common"]["method"];
        match event["kind"] == "chat" {
            true => assert_eq!(*method, event["method"]),
            false => assert!(method.is_null(), "no message alone tells it"),
        }
    }
}

async fn shown(frames: &str, more: &[&str]) -> Finished {
    let decoded = decode_lines("douyin", more, frames.as_bytes()).await;
    assert_eq!(decoded.code, 0, "{more:?}: {}", decoded.stderr);
    decoded
}

#[tokio::test]
async fn filters_pick_events() {
    let (frames, _) = made("douyin", &["--frames", "40"]).await.expect("made up");
    let all = events(&shown(&frames, &["--format", "json"]).await);
    let wanted = |is: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        all.iter().filter(|event| is(event)).cloned().collect()
    };
    let large = wanted(&|event| event["gift_final"]["value"].as_u64() >= Some(20));
    let count = large.len();
    assert!(count > 1 && count < all.len(), "{count} large gifts");
    for arguments in [
        ["--min-gift", "20"],
        ["--filter", "gift_final.value >= 20"],
        ["--filter", "has(gift_final) && !(gift_final.value < 20)"],
    ] {
        let picked = shown(&frames, &[&["--json"][..], &arguments].concat()).await;
        assert_eq!(events(&picked), large, "{arguments:?}");
    }
    let giver = &large[0]["user"];
    let own = wanted(&|event| event["user"]["id"] == giver["id"]);
    for user in [&giver["id"], &giver["name"]] {
        let picked = shown(&frames, &["--json", "--user", &text(user)]).await;
        assert_eq!(events(&picked), own, "{user}");
    }
}

#[tokio::test]
async fn events_are_written_in_other_forms() {
    let (frames, _) = made("douyin", &["--frames", "40"]).await.expect("made up");
    let all = events(&shown(&frames, &["--json"]).await);
    let template = ["--kind", "chat", "--template", "{user.name}: {chat.text}"];
    let lines = shown(&frames, &template).await.stdout;
    let compat = shown(&frames, &["--format", "compat"]).await.stdout;
    let chats: Vec<_> = all.iter().filter(|event| event["kind"] == "chat").collect();
    assert!(chats.len() > 5);
    assert_eq!(lines.lines().count(), chats.len());
    for (line, chat) in lines.lines().zip(chats) {
        let user = &chat["user"];
        let (id, name, said) = (&user["id"], &user["name"], &chat["chat"]["text"]);
        let said = format!("{}: {}", text(name), text(said));
        assert_eq!(line, said);
        let line = format!("【聊天msg】[{}]{said}", text(id));
        let is_plain = chat["method"] == "WebcastChatMessage";
        assert!(
            !is_plain || compat.lines().any(|shown| shown == line),
            "{line}"
        );
    }
    let given = |event: &Value| event["gift_delta"]["count"].as_u64();
    let gifts: u64 = all.iter().filter_map(given).sum();
    let count = |line: &str| line.rsplit_once('x')?.1.parse::<u64>().ok();
    let lines = compat
        .lines()
        .filter(|line| line.starts_with("【礼物msg】"));
    assert_eq!(lines.filter_map(count).sum::<u64>(), gifts);
}

#[tokio::test]
async fn people_read_a_line_an_event() {
    let (frames, _) = made("douyin", &["--frames", "3"]).await.expect("made up");
    let words = decode_lines("douyin", &[], frames.as_bytes()).await;
    let json = decode_lines("douyin", &["--json"], frames.as_bytes()).await;
    assert_eq!(words.code, 0);
    let events = events(&json);
    assert_eq!(words.stdout.lines().count(), events.len());
    for (line, event) in words.stdout.lines().zip(&events) {
        let (time, rest) = line.split_at(8);
        assert!(time.starts_with("12:00:0"), "{line}");
        assert_eq!(rest.split_whitespace().next(), event["kind"].as_str());
        if let Some(name) = event["user"]["name"].as_str() {
            assert!(line.contains(name), "{line} of {event}");
        }
    }
    let kinds: HashSet<_> = events.iter().map(|event| text(&event["kind"])).collect();
    let known: HashSet<_> = Event::kinds().map(str::to_owned).collect();
    assert!(kinds.is_subset(&known) && kinds.len() > 6);
    assert!(
        !words.stdout.contains('\u{1b}'),
        "colours are for terminals"
    );
}

#[tokio::test]
async fn mistakes_are_told_with_what_to_do() {
    let missing = Path::new("/nonexistent/frame.bin");
    let missing = missing.to_str().expect("UTF-8");
    let frame = ["decode", "frame", "--site", "douyin"];
    for (arguments, words) in [
        (vec!["decode", "frame"], "--site <SITE>"),
        (vec!["decode", "frame", "--site", "doyin"], "douyin"),
        ([&frame[..], &["--kind", "chats"]].concat(), "gift.delta"),
        ([&frame[..], &["--site-fields"]].concat(), "--json"),
        (
            [&frame[..], &["--filter", "user.nmae == 1"]].concat(),
            "at character 1: there is no member nmae; there is name",
        ),
        (
            [&frame[..], &["--match", "/(/"]].concat(),
            "the pattern is not understood: unclosed group",
        ),
        (
            [&frame[..], &["--match", "x", "--min-gift", "1"]].concat(),
            "no event can be all of this",
        ),
        (
            [&frame[..], &["--template", "{user"]].concat(),
            "--template: at character 1: this brace is not closed",
        ),
        (
            [&frame[..], &["--format", "template"]].concat(),
            "needs --template",
        ),
        (
            [&frame[..], &["--format", "compat", "--template", "x"]].concat(),
            "leave the other --format out",
        ),
        (
            [&frame[..], &["--format", "compat", "--json"]].concat(),
            "cannot be used with",
        ),
        (
            [&frame[..], &["--lines", "--hex", "00"]].concat(),
            "cannot be used with",
        ),
        ([&frame[..], &["--lines", missing]].concat(), missing),
        ([&frame[..], &[missing]].concat(), missing),
        (vec!["gen-frames"], "--site <SITE>"),
        (
            vec!["gen-frames", "--site", "douyin", "--hex", "-o", "x"],
            "cannot be used with",
        ),
    ] {
        let Finished { code, stderr, .. } = run(&arguments).await;
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[tokio::test]
async fn a_frame_has_as_many_messages_as_can_be_asked_for() {
    for (messages, code) in [("0", 2), ("1000", 0), ("1001", 2)] {
        let arguments = ["gen-frames", "--site", "douyin", "--frames", "1"];
        let made = run(&[&arguments[..], &["--messages", messages]].concat()).await;
        assert_eq!(made.code, code, "{messages}: {}", made.stderr);
    }
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_it_without_failure() {
    let (frames, _) = made("douyin", &["--frames", "100"]).await.expect("made up");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("frames");
    std::fs::write(&file, frames).expect("written");
    let file = file.to_str().expect("UTF-8");
    for arguments in [
        &["gen-frames", "--site", "douyin", "--frames", "1000000"][..],
        &[
            "decode",
            "frame",
            "--site",
            "douyin",
            "--site-fields",
            "--lines",
            "--json",
            file,
        ],
    ] {
        let mut child = command(arguments).spawn().expect("started");
        let mut lines = lines(child.stdout.take().expect("piped"));
        soon("a line", lines.next_line())
            .await
            .expect("read")
            .expect("a line");
        drop(lines);
        let output = soon("the end", child.wait_with_output())
            .await
            .expect("ended");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[tokio::test]
async fn the_page_shows_what_the_commands_print() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/decode.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let command = "pagewire gen-frames --site douyin --seed 3 --frames 3 --messages 6 | pagewire decode frame --site douyin --lines\n```\n\n```\n";
    let (_, shown) = page.split_once(command).expect("the command is there");
    let (shown, _) = shown.split_once("```").expect("what it prints has an end");
    let more = ["--seed", "3", "--frames", "3", "--messages", "6"];
    let (frames, _) = made("douyin", &more).await.expect("made up");
    let printed = decode_lines("douyin", &[], frames.as_bytes()).await;
    assert_eq!(printed.stdout, shown);
}

#[tokio::test]
async fn lines_that_are_no_frames_are_told_and_the_others_come_out() {
    let more = ["--frames", "2", "--messages", "3", "--hex"];
    let (frames, _) = made("douyin", &more).await.expect("made up");
    let (first, second) = frames.split_once('\n').expect("two lines");
    let input = format!("{first}\n\n0a1\na*b\n{second}");
    let (whole, mixed) = (
        decode_lines("douyin", &["--json"], frames.as_bytes()).await,
        decode_lines("douyin", &["--json"], input.as_bytes()).await,
    );
    assert_eq!((mixed.code, &mixed.stdout), (1, &whole.stdout));
    assert_eq!(
        mixed.stderr,
        "pagewire: standard input, line 3, is cut: it has an odd number of digits, 3\n\
         pagewire: standard input, line 4, is not base64: Invalid symbol 42, offset 1.\n"
    );
    let more = ["--json", "--from", "base64"];
    let misread = decode_lines("douyin", &more, frames.as_bytes()).await;
    assert!(misread.code == 1 && misread.stdout.is_empty());
}

#[tokio::test]
async fn lines_are_in_the_language_of_the_system_or_in_the_one_asked_for() {
    let (frames, _) = made("douyin", &["--frames", "1"]).await.expect("made up");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames.txt");
    std::fs::write(&path, frames).expect("it is written");
    let path = path.to_str().expect("UTF-8");
    let decoded = async |more: &[&str], lang: &str| {
        let arguments = ["decode", "frame", "--site", "douyin", "--lines", path];
        let arguments = [&arguments[..], more].concat();
        let decoded = run_with(&arguments, &[("LANG", lang)]).await;
        assert_eq!(decoded.code, 0, "{}", decoded.stderr);
        decoded.stdout
    };
    let english = decoded(&[], "C").await;
    let chinese = decoded(&[], "zh_CN.UTF-8").await;
    assert!(
        english.contains("  enter       ") && english.contains("came in"),
        "{english}"
    );
    assert!(
        chinese.contains("  进场      ") && chinese.contains("进入直播间"),
        "{chinese}"
    );
    assert_eq!(english.lines().count(), chinese.lines().count());
    assert_eq!(decoded(&["--lang", "en"], "zh_CN.UTF-8").await, english);
    assert_eq!(decoded(&["--lang", "zh"], "de_DE.UTF-8").await, chinese);
    let json = decoded(&["--json"], "C").await;
    assert_eq!(decoded(&["--json", "--lang", "zh"], "C").await, json);
}

#[tokio::test]
async fn lines_tell_the_time_of_the_readers_zone_and_json_that_of_all() {
    let (frames, _) = made("douyin", &["--frames", "1"]).await.expect("made up");
    let decoded = async |more: &[&str], zone: &str| {
        let arguments = ["decode", "frame", "--site", "douyin", "--lines"];
        let mut decode = command(&[&arguments[..], more].concat());
        decode.env("TZ", zone);
        let decoded = feed(decode, frames.as_bytes()).await;
        assert_eq!(decoded.code, 0, "{}", decoded.stderr);
        decoded.stdout
    };
    let lines = decoded(&[], "UTC").await;
    assert!(lines.starts_with("12:00:00  "), "{lines}");
    assert!(lines.lines().all(|line| line.starts_with("12:00:0")));
    let in_china = decoded(&[], "CST-8").await;
    assert_eq!(in_china, lines.replace("12:00:0", "20:00:0"));
    for form in ["json", "compat"] {
        let more = ["--format", form];
        assert_eq!(decoded(&more, "CST-8").await, decoded(&more, "UTC").await);
    }
    if Path::new("/usr/share/zoneinfo/Asia/Shanghai").exists() {
        assert_eq!(decoded(&[], "Asia/Shanghai").await, in_china);
    }
}

#[tokio::test]
async fn a_text_that_was_taken_for_bytes_is_told_with_what_to_do() {
    let (two, _) = made("douyin", &["--frames", "2"]).await.expect("made up");
    let one = two.lines().next().expect("a line");
    let hex = "00 00 00 10";
    let frame = ["decode", "frame", "--site", "douyin"];
    let from_base64 = [&frame[..], &["--from", "base64"]].concat();
    let lines = "standard input: it has several lines: with --lines each of them is a frame";
    let base64 = "standard input: it looks like base64: --from base64";
    let hexadecimal = "standard input: it looks like hexadecimal: --from hex";
    for (arguments, input, hint) in [
        (&frame[..], &*two, lines),
        (&frame, one, base64),
        (&frame, hex, hexadecimal),
        (&["decode", "bilibili"], hex, hexadecimal),
        (&["decode", "bilibili"], "(not) a text of bytes", ""),
        (&["decode", "bilibili", "--from", "hex"], hex, ""),
        (
            &from_base64,
            "/w==\n/w==",
            "`pagewire decode frame --lines` reads each by itself",
        ),
        (&from_base64, "/w\n/w", lines),
    ] {
        let decoded = feed(command(arguments), input.as_bytes()).await;
        assert_ne!(decoded.code, 0, "{arguments:?}");
        let has_hint = decoded.stderr.contains(": it ") || decoded.stderr.contains("--lines");
        assert_eq!(has_hint, !hint.is_empty(), "{}", decoded.stderr);
        assert!(decoded.stderr.contains(hint), "{}", decoded.stderr);
    }
}
