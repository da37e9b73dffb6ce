//! Topics as their subscribers see them.

use proptest::prelude::*;

use super::*;
use pagewire_rpc::{ByteValue, JsonText};

fn json(text: &str) -> Payload {
    Payload::Json(JsonText::parse(bytes::Bytes::copy_from_slice(text.as_bytes())).expect("valid"))
}

fn name(text: &str) -> TopicName {
    TopicName::new(text).expect("a topic")
}

fn topics(options: TopicOptions) -> Topics {
    Topics::new(options, "run".into())
}

fn publish(topics: &Topics, count: u64) {
    for n in 0..count {
        topics
            .publish(&name("t"), &json(&n.to_string()), n)
            .expect("there is room");
    }
}

fn start(topics: &Topics, start: Start) -> Subscription {
    topics
        .subscribe(&name("t"), &start, SlowReader::Gap)
        .expect("there is room")
}

/// All that is ready, as text: numbers of values, `gap N` or `reset`.
fn ready(subscription: &mut Subscription) -> Vec<String> {
    std::iter::from_fn(|| subscription.next_ready())
        .map(|notice| match notice {
            Notice::Value(record) => record.seq.to_string(),
            Notice::Gap {
                lost: Some(lost),
                next_seq,
            } => format!("gap {lost} before {next_seq}"),
            Notice::Gap {
                lost: None,
                next_seq,
            } => format!("reset before {next_seq}"),
        })
        .collect()
}

#[test]
fn a_subscription_begins_where_it_asks() {
    let topics = topics(TopicOptions {
        values_max: 3,
        ..TopicOptions::default()
    });
    publish(&topics, 5);
    let cursor = |text: &str| Cursor::parse(text).expect("a cursor");
    let cases = [
        (Start::Next, vec![]),
        (Start::Last(2), vec!["4", "5"]),
        (Start::Last(99), vec!["3", "4", "5"]),
        (Start::Since(cursor("3"), None), vec!["4", "5"]),
        (Start::Since(cursor("run0:4"), None), vec!["5"]),
        (Start::Since(cursor("5"), None), vec![]),
        (
            Start::Since(cursor("0"), None),
            vec!["gap 2 before 3", "3", "4", "5"],
        ),
        (
            Start::Since(cursor("6"), None),
            vec!["reset before 3", "3", "4", "5"],
        ),
        (
            Start::Since(cursor("other:5"), None),
            vec!["reset before 3", "3", "4", "5"],
        ),
        (Start::Since(cursor("0"), Some(1)), vec!["5"]),
    ];
    for (begin, expected) in cases {
        assert_eq!(
            ready(&mut start(&topics, begin.clone())),
            expected,
            "{begin:?}"
        );
    }
    assert_eq!(Cursor::parse("x"), None);
}

#[test]
fn a_slow_reader_is_told_what_it_lost() {
    let topics = topics(TopicOptions {
        values_max: 3,
        ..TopicOptions::default()
    });
    let mut patient = start(&topics, Start::Next);
    let mut strict = topics
        .subscribe(&name("t"), &Start::Next, SlowReader::Disconnect)
        .unwrap();
    publish(&topics, 3);
    assert_eq!(
        ready(&mut patient),
        ["1", "2", "3"],
        "at the limit nothing is lost"
    );
    publish(&topics, 4);
    assert_eq!(
        ready(&mut patient),
        ["gap 1 before 5", "5", "6", "7"],
        "one past it one value is"
    );
    assert_eq!(patient.cursor().to_string(), "run0:7");
    assert_eq!(ready(&mut strict), ["gap 4 before 5"]);
    publish(&topics, 1);
    assert!(
        strict.next_ready().is_none(),
        "a disconnected reader gets nothing more"
    );
}

#[tokio::test]
async fn a_waiting_subscriber_is_woken() {
    let topics = topics(TopicOptions::default());
    let mut subscription = start(&topics, Start::Next);
    let (notice, ()) = tokio::join!(subscription.next(), async { publish(&topics, 1) });
    assert!(matches!(notice, Some(Notice::Value(record)) if record.seq == 1));
}

#[test]
fn bytes_kept_stay_within_their_limits() {
    let value = json(&format!("\"{}\"", "x".repeat(870)));
    let cost = value.len() + 128;
    let topics = topics(TopicOptions {
        bytes_max: 2 * cost,
        bytes_total_max: 3 * cost,
        ..TopicOptions::default()
    });
    let kept = |topic: &str, count: u64| {
        for _ in 0..count {
            topics.publish(&name(topic), &value, 0).unwrap();
        }
        topics
            .list()
            .iter()
            .map(|info| info.kept)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept("a", 2), [2], "at the topic's limit");
    assert_eq!(kept("a", 1), [2], "one past it the oldest goes");
    assert_eq!(kept("b", 1), [2, 1], "at the limit of all topics");
    assert_eq!(
        kept("b", 1),
        [2, 1],
        "one past it the publishing topic gives way"
    );
}

#[test]
fn topics_at_their_limit_make_room_or_refuse() {
    let topics = topics(TopicOptions {
        topics_max: 2,
        topics_per_group_max: 1,
        ..TopicOptions::default()
    });
    let publish = |topic: &str| topics.publish(&name(topic), &json("1"), 0);
    publish("pages/g/a").unwrap();
    assert_eq!(
        publish("pages/g/b").unwrap_err(),
        PublishError::TooManyTopicsInGroup(1)
    );
    publish("x").unwrap();
    let (_a, b) = (
        topics
            .subscribe(&name("pages/g/a"), &Start::Next, SlowReader::Gap)
            .unwrap(),
        topics
            .subscribe(&name("x"), &Start::Next, SlowReader::Gap)
            .unwrap(),
    );
    assert_eq!(publish("y").unwrap_err(), PublishError::TooManyTopics(2));
    drop(b);
    publish("y").unwrap();
    let left: Vec<_> = topics
        .list()
        .into_iter()
        .map(|info| info.topic.to_string())
        .collect();
    assert_eq!(left, ["pages/g/a", "y"]);
}

/// How many values each topic keeps, by name.
fn kept(topics: &Topics) -> Vec<(String, usize)> {
    let list = topics.list().into_iter();
    list.map(|info| (info.topic.to_string(), info.kept))
        .collect()
}

#[test]
fn taps_keep_more_than_other_topics() {
    let value = json("1");
    let cost = value.len() + 128;
    for (options, max) in [
        (
            TopicOptions {
                values_max: 2,
                tap_values_max: 3,
                ..TopicOptions::default()
            },
            3,
        ),
        (
            TopicOptions {
                bytes_max: 2 * cost,
                tap_bytes_max: 3 * cost,
                ..TopicOptions::default()
            },
            3,
        ),
    ] {
        let topics = topics(options);
        for count in 1..=max + 1 {
            for topic in ["programs/t", "taps/p/1-a"] {
                topics.publish(&name(topic), &value, 0).unwrap();
            }
            let of_tap = count.min(max);
            assert_eq!(
                kept(&topics),
                [
                    ("programs/t".into(), count.min(2)),
                    ("taps/p/1-a".into(), of_tap)
                ]
            );
        }
    }
}

#[test]
fn a_burst_of_frames_is_kept_for_a_subscriber_that_lags() {
    let text = |length: usize| {
        json(&format!(
            r#"{{"kind":"binary","direction":"received","size":0,"at_us":0,"time_ms":0,"base64":"{}"}}"#,
            "A".repeat(length)
        ))
    };
    for (count, value) in [(100_000, text(88)), (50, text((1 << 20) / 3 * 4 + 4))] {
        let topics = topics(TopicOptions::default());
        let mut subscription = topics
            .subscribe(&name("taps/p/1-a"), &Start::Next, SlowReader::Gap)
            .unwrap();
        for _ in 0..count {
            topics.publish(&name("taps/p/1-a"), &value, 0).unwrap();
        }
        let mut seen = 0;
        while let Some(notice) = subscription.next_ready() {
            seen += 1;
            assert!(matches!(notice, Notice::Value(record) if record.seq == seen));
        }
        assert_eq!(seen, count);
    }
}

#[test]
fn taps_have_a_limit_together_and_leave_the_others_their_room() {
    let value = json(&format!("\"{}\"", "x".repeat(870)));
    let cost = value.len() + 128;
    let topics = topics(TopicOptions {
        tap_bytes_max: 3 * cost,
        tap_bytes_total_max: 5 * cost,
        bytes_total_max: 8 * cost,
        ..TopicOptions::default()
    });
    let publish = |topic: &str, count: usize| {
        for _ in 0..count {
            topics.publish(&name(topic), &value, 0).unwrap();
        }
        kept(&topics)
            .into_iter()
            .map(|(_, kept)| kept)
            .collect::<Vec<_>>()
    };
    assert_eq!(publish("taps/p/1", 3), [3]);
    let follows = topics.subscribe(&name("taps/p/1"), &Start::Next, SlowReader::Gap);
    assert_eq!(publish("taps/p/2", 2), [3, 2], "at the limit of all taps");
    assert_eq!(
        publish("taps/p/2", 1),
        [3, 2],
        "one past it the publishing tap gives way"
    );
    assert_eq!(
        publish("programs/t", 3),
        [3, 3, 2],
        "others have their room"
    );
    // A new tap takes the room of what nobody follows, if it has to; what is followed it leaves alone.
    assert_eq!(publish("taps/p/3", 1), [3, 3, 1, 1]);
    drop(follows);
    assert_eq!(publish("taps/p/4", 2), [3, 1, 1, 1, 2]);
    let in_all: usize = topics.list().iter().map(|info| info.kept_bytes).sum();
    assert_eq!(in_all, 8 * cost, "what is accounted for is what is kept");
}

#[test]
fn one_page_has_so_many_taps_and_the_quietest_makes_room() {
    let topics = topics(TopicOptions {
        topics_per_group_max: 2,
        ..TopicOptions::default()
    });
    let publish = |topic: &str| topics.publish(&name(topic), &json("1"), 0);
    for topic in ["taps/p/1", "taps/p/2", "taps/other/1", "taps/p/3"] {
        publish(topic).unwrap();
    }
    let names = |topics: &Topics| {
        kept(topics)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&topics), ["taps/other/1", "taps/p/2", "taps/p/3"]);
    let follow = |topic: &str| topics.subscribe(&name(topic), &Start::Next, SlowReader::Gap);
    let _followed = (follow("taps/p/2").unwrap(), follow("taps/p/3").unwrap());
    assert_eq!(
        publish("taps/p/4").unwrap_err(),
        PublishError::TooManyTapsOfPage(2)
    );
}

#[test]
fn subscribers_at_their_limit_are_refused() {
    let topics = topics(TopicOptions {
        subscribers_max: 1,
        ..TopicOptions::default()
    });
    let first = start(&topics, Start::Next);
    let second = topics.subscribe(&name("t"), &Start::Next, SlowReader::Gap);
    assert_eq!(second.err(), Some(SubscribeError::TooManySubscribers(1)));
    drop(first);
    start(&topics, Start::Next);
}

#[test]
fn a_record_is_one_line_of_json_with_the_value_as_it_came() {
    let topics = topics(TopicOptions::default());
    let mut subscription = start(&topics, Start::Next);
    topics
        .publish(
            &name("t"),
            &json("{\"b\":1.0,\n\"a\":12345678901234567890}"),
            7,
        )
        .unwrap();
    let bytes = ByteValue::new(bytes::Bytes::from_static(b"\x00\xff"), Some("image/png"));
    topics
        .publish(&name("t"), &Payload::Bytes(bytes), 8)
        .unwrap();
    let lines: Vec<_> = std::iter::from_fn(|| subscription.next_ready())
        .map(|notice| match notice {
            Notice::Value(record) => String::from_utf8(record.json().to_vec()).unwrap(),
            Notice::Gap { .. } => "gap".into(),
        })
        .collect();
    assert_eq!(
        lines,
        [
            r#"{"seq":1,"cursor":"run0:1","time_ms":7,"value":{"b":1.0, "a":12345678901234567890}}"#,
            r#"{"seq":2,"cursor":"run0:2","time_ms":8,"type":"image/png","base64":"AP8="}"#,
        ]
    );
}

proptest! {
    /// Whatever is published and read in whatever order: numbers grow by one but for gaps that say exactly how many are missing.
    #[test]
    fn nothing_is_lost_without_being_told(steps in prop::collection::vec((0..20_u64, any::<bool>()), 1..60), values_max in 1..40_usize) {
        let topics = topics(TopicOptions { values_max, ..TopicOptions::default() });
        let mut subscription = start(&topics, Start::Next);
        let (mut published, mut seen) = (0, 0);
        for (count, read) in steps {
            publish(&topics, count);
            published += count;
            while let Some(notice) = if read { subscription.next_ready() } else { None } {
                match notice {
                    Notice::Gap { lost, next_seq } => {
                        seen += lost.expect("the same run");
                        prop_assert_eq!(next_seq, seen + 1);
                    }
                    Notice::Value(record) => {
                        seen += 1;
                        prop_assert_eq!(record.seq, seen);
                    }
                }
            }
            prop_assert!(!read || seen == published);
        }
    }
}

fn wanted(topics: &Topics, start: Start, filter: &str) -> Subscription {
    let filter = topics.filter(filter).expect("a filter");
    let subscription = topics.subscribe(&name("t"), &start, SlowReader::Gap);
    subscription.expect("there is room").filtered(filter)
}

/// All that is wanted of what is there now.
async fn seqs(subscription: &mut Subscription) -> Vec<u64> {
    let kept = subscription.take_kept().await;
    let seq = |notice| match notice {
        Notice::Value(record) => record.seq,
        Notice::Gap { .. } => panic!("a gap"),
    };
    kept.into_iter().map(seq).collect()
}

#[tokio::test]
async fn what_a_filter_does_not_want_is_passed_over_and_the_place_goes_on() {
    let topics = topics(TopicOptions::default());
    publish(&topics, 500);
    let mut subscription = wanted(&topics, Start::Last(1_000), "@ == 3 || @ == 450");
    assert_eq!(seqs(&mut subscription).await, [4, 451]);
    assert_eq!(subscription.cursor().to_string(), "run0:500");
    let passed = subscription
        .take_passed_over()
        .expect("49 after the last one");
    assert_eq!(
        (passed.count, passed.cursor.to_string()),
        (49, "run0:500".to_owned())
    );
    assert_eq!(subscription.take_passed_over(), None);
    // It goes on from there, and what it waits for comes.
    let mut resumed = wanted(&topics, Start::Since(passed.cursor, None), "@ == 7");
    publish(&topics, 8);
    let Some(Notice::Value(record)) = resumed.next().await else {
        panic!("no value")
    };
    assert_eq!(record.seq, 508);
    // Bytes have no members.
    let bytes = Payload::Bytes(ByteValue::new(bytes::Bytes::from_static(b"7"), None));
    topics
        .publish(&name("t"), &bytes, 0)
        .expect("there is room");
    let mut all = wanted(&topics, Start::Last(1), "true");
    assert_eq!(seqs(&mut all).await, [509]);
    let mut none = wanted(&topics, Start::Last(1), "@ == 7");
    assert_eq!(seqs(&mut none).await, [0; 0]);
}

#[tokio::test]
async fn a_gap_is_told_whatever_the_filter_wants() {
    let topics = topics(TopicOptions {
        values_max: 3,
        ..TopicOptions::default()
    });
    let mut subscription = wanted(&topics, Start::Next, "@ == 4");
    publish(&topics, 5);
    let told = ready(&mut subscription);
    assert_eq!(told, ["gap 2 before 3", "5"]);
}

#[test]
fn other_subscribers_have_a_turn_while_a_filter_looks_through_much() {
    let topics = topics(TopicOptions::default());
    let large = format!("{:?}", "x".repeat(300 << 10));
    for _ in 0..3 {
        topics
            .publish(&name("t"), &json(&large), 0)
            .expect("there is room");
    }
    publish(&topics, 1);
    let mut subscription = wanted(&topics, Start::Last(9), "@ == 0");
    // Each large one is as much as may be looked through at once.
    for _ in 0..3 {
        assert_eq!(ready(&mut subscription), [""; 0]);
    }
    assert_eq!(ready(&mut subscription), ["4"]);
}

#[test]
fn there_are_as_many_different_filters_as_there_may_be() {
    let topics = topics(TopicOptions {
        filters_max: 2,
        ..TopicOptions::default()
    });
    let _held = [topics.filter("a"), topics.filter("b"), topics.filter("a")];
    assert_eq!(
        topics.filter("c").err(),
        Some(FilterRefused::TooManyFilters(2))
    );
}
