use proptest::prelude::*;

use super::*;
use crate::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX, FILTER_PATTERNS_MAX, FILTER_VALUES_MAX, Fault};

fn matches(filter: &str, json: &str) -> bool {
    let parsed = Filter::parse(filter);
    parsed
        .unwrap_or_else(|error| panic!("{filter}: {}", error.sentence(filter)))
        .matches_json(json.as_bytes())
}

fn refused(filter: &str) -> FilterError {
    Filter::parse(filter).expect_err(filter)
}

const CHAT: &str = r#"{"kind":"chat","time_ms":1767268801000,"id":"7590361705692463139",
    "user":{"id":"67398854614","name":"夏橘子汽水","level":14,"badges":[{"name":"灯","level":3},{"name":"Owls","level":21}]},
    "chat":{"text":"Hello \"world\" 你好\n123","pieces":[{"kind":"text","text":"Hello"}]},
    "big":9007199254740993,"part":1.5,"no":null,"yes":true,"list":["a",7,null,["x"]],"odd name":1,"empty":""}"#;

#[test]
fn expressions_say_which_values_are_wanted() {
    let cases = [
        // Comparisons.
        (r#"kind == "chat""#, true),
        (r#"kind == 'chat'"#, true),
        (r#""chat" == kind"#, true),
        (r#"kind != "chat""#, false),
        (r#"kind != "gift""#, true),
        ("user.level >= 14", true),
        ("user.level > 14", false),
        ("user.level <= 14 && user.level < 15", true),
        ("14 == user.level", true),
        ("part == 1.5", true),
        ("part > 1 && part < 2", true),
        ("part > -1", true),
        ("yes == true", true),
        ("yes", true),
        ("!yes", false),
        ("user.name < user.id", false),
        ("user.id < user.name", true),
        // To the last digit, whether written as a number or as a text.
        ("big == 9007199254740993", true),
        ("big == 9007199254740992", false),
        ("id == 7590361705692463139", true),
        ("id == 7590361705692463140", false),
        (r#"id == "7590361705692463139""#, true),
        ("id > 7590361705692463138", true),
        (r#"user.level == "14""#, true),
        (r#"user.name == 5"#, false),
        (r#"user.name != 5"#, true),
        // Together.
        (r#"kind == "gift" || user.level == 14"#, true),
        (r#"kind == "gift" && user.level == 14"#, false),
        (r#"kind == "gift" && user.level == 1 || yes"#, true),
        (r#"kind == "gift" && (user.level == 1 || yes)"#, false),
        (r#"!(kind == "gift")"#, true),
        ("!!yes", true),
        ("true", true),
        ("false", false),
        ("(user.level) == 14", true),
    ];
    check(&cases);
}

#[test]
fn lists_texts_and_what_is_missing_have_their_rules() {
    let cases = [
        // Lists of values.
        (r#"kind in ["chat", "gift.final"]"#, true),
        (r#"kind in ["gift.final"]"#, false),
        ("user.level in [13, 14,]", true),
        ("kind in []", false),
        (r#""a" in list"#, true),
        (r#""x" in list"#, false),
        ("7 in list", true),
        (r#"list[0] == "a""#, true),
        (r#"list[1] == "a""#, false),
        ("list[9] == 7", false),
        // A member of a list is that of each entry.
        (r#"user.badges.name == "Owls""#, true),
        (r#""Owls" in user.badges.name"#, true),
        ("user.badges.level > 20", true),
        ("user.badges.level > 21", false),
        ("user.badges[0].level > 20", false),
        (r#"user.badges.name.contains("wl")"#, true),
        // Texts.
        (r#"chat.text.contains("你好")"#, true),
        (r#"chat.text.contains("hello")"#, false),
        (r#"chat.text.matches("(?i)^hello")"#, true),
        (r#"chat.text.matches(r"\d{3}$")"#, true),
        (r#"chat.text.matches("\\d{4}")"#, false),
        (r#"chat.text.startsWith("Hello \"w")"#, true),
        (r#"chat.text.endsWith("\n123")"#, true),
        (r#"chat.text.endsWith('\u0031\u0032\u0033')"#, true),
        (r#"user.level.contains("1")"#, false),
        // Sizes and presence.
        ("size(user.badges) == 2", true),
        ("user.badges.size() == 2", true),
        ("size(user.name) == 5", true),
        ("size(chat) == 2", true),
        ("size(user.level) == 2", false),
        ("has(user.level)", true),
        ("has(user)", true),
        ("has(user.gender)", false),
        ("!has(user.gender)", true),
        ("has(no)", false),
        ("has(empty)", true),
        (r#"@["odd name"] == 1"#, true),
        (r#"user["level"] == 14"#, true),
        ("has(@)", true),
        ("size(@) == 12", true),
        // What is missing is no error: nothing is said of it, and `!` turns that round.
        ("gift.value >= 100", false),
        ("gift.value < 100", false),
        ("gift.value == 0", false),
        ("gift.value != 0", false),
        ("!(gift.value >= 100)", true),
        ("no != 1", false),
        ("!gift.ends", true),
        (r#"gift.name.contains("a")"#, false),
        ("kind.value == 1", false),
        ("list.name == 1", false),
    ];
    check(&cases);
}

fn check(cases: &[(&str, bool)]) {
    for (filter, expected) in cases {
        assert_eq!(matches(filter, CHAT), *expected, "{filter}");
    }
}

#[test]
fn a_value_need_not_be_an_object_nor_json() {
    for (filter, json, expected) in [
        ("@ > 5", "7", true),
        ("@ > 5", "3", false),
        (r#"@ == "x""#, r#""x""#, true),
        (r#"@.contains("x")"#, r#"["ax"]"#, true),
        ("@.a == 1", r#"[{"a":2},{"a":1}]"#, true),
        ("@[1].a == 1", r#"[{"a":2},{"a":1}]"#, true),
        ("a == 1", "null", false),
        ("a == 1", "", false),
        ("a == 1", r#"{"a":1"#, false),
        ("a == 1", r#"{"a":1} x"#, false),
        ("a == 1", r#"{"b":[[[[[1]]]]],"a":1}"#, true),
        ("a == 1", r#"{"a":2,"a":1}"#, true),
        ("true", "no json", true),
    ] {
        assert_eq!(matches(filter, json), expected, "{filter} {json}");
    }
}

/// Expressions, and what is said of them.
const ERRORS: &[(&str, &str)] = &[
    (
        "",
        "at character 1: expected a member, a value, ! or (, found the end",
    ),
    (
        "kind ==",
        "at character 8: expected a member, a value, ! or (, found the end",
    ),
    (r#"kind = "chat""#, "at character 6: write == in place of ="),
    (
        r#"kind == "a" and yes"#,
        "at character 13: write && in place of and",
    ),
    (
        r#"(kind == "a" or yes)"#,
        "at character 14: write || in place of or",
    ),
    ("not(yes)", "at character 1: write !(…) in place of not"),
    ("yes & no", "at character 5: write && in place of &"),
    (
        "no == null",
        "at character 7: write has(NAME) or !has(NAME) in place of null",
    ),
    (
        r#"kind == "chat"#,
        "at character 9: expected the quote that ends this text, found the end",
    ),
    (
        r#"kind == "\d""#,
        r#"at character 10: expected an escape (\n \t \r \" \' \\ \u1234), or a text without escapes: r"…", found \d"#,
    ),
    ("名字 == 1x", "at character 7: expected a number, found 1x"),
    ("a == 1.", "at character 6: expected a number, found 1."),
    (
        "a == 1e999",
        "at character 6: expected a number, found 1e999",
    ),
    ("a + 1", "at character 3: expected an expression, found +"),
    (
        "a - 1",
        "at character 3: expected an operator (there is no arithmetic), found -",
    ),
    (
        "(a == 1",
        "at character 8: expected &&, || or ), found the end",
    ),
    (
        "a == 1)",
        "at character 7: expected an operator such as && or ==, found )",
    ),
    (
        "a == 1 == 2",
        "at character 8: expected an operator such as && or ==, found ==",
    ),
    (
        "(a == 1) == 2",
        "at character 10: expected && or ||, as a condition is not compared, found ==",
    ),
    (
        "1 == (a == 2)",
        "at character 6: expected a value or a member, found (a == 2)",
    ),
    (
        r#""a""#,
        "at character 4: expected a comparison such as == or >=, found the end",
    ),
    (
        "kind in chat.",
        "at character 14: expected the name of a member or a method, found the end",
    ),
    (
        "kind in 5",
        "at character 9: expected a list such as [\"a\", \"b\"], or a member that is one, found 5",
    ),
    (
        "kind in [1 2]",
        "at character 12: expected a comma or ], found 2",
    ),
    (
        "a.contians(\"x\")",
        "at character 3: there is no method contians; there is contains",
    ),
    (
        "a.contains(x)",
        "at character 12: expected a text in quotes, found x",
    ),
    (
        "hass(a)",
        "at character 1: there is no function hass; there is has",
    ),
    (
        "lower(a) == 1",
        "at character 1: there is no function lower; there is has, size",
    ),
    (
        "a[-1] == 1",
        "at character 3: expected the number of an entry, or the name of a member as a text, found -",
    ),
    (
        r#"a.matches("(")"#,
        "at character 11: the pattern is not understood: unclosed group",
    ),
    (
        r#"a.matches("(?=x)")"#,
        "at character 11: the pattern is not understood: look-around, including look-ahead and look-behind, is not supported",
    ),
];

#[test]
fn errors_point_at_the_place() {
    for (filter, says) in ERRORS {
        assert_eq!(refused(filter).sentence(filter), *says, "{filter}");
    }
}

fn limit(filter: &str) -> (usize, usize) {
    let fault = refused(filter).fault;
    let Fault::Limit { got, max, .. } = fault else {
        panic!("{fault}")
    };
    (got, max)
}

#[test]
fn an_expression_is_as_long_as_it_may_be_and_no_longer() {
    let long = |bytes: usize| format!("a == \"{}\"", "x".repeat(bytes - 7));
    assert!(Filter::parse(&long(FILTER_BYTES_MAX)).is_ok());
    assert_eq!(
        limit(&long(FILTER_BYTES_MAX + 1)),
        (FILTER_BYTES_MAX + 1, FILTER_BYTES_MAX)
    );
}

#[test]
fn parentheses_and_members_are_as_deep_as_they_may_be_and_no_deeper() {
    let parentheses = |depth: usize| "(".repeat(depth) + "a" + &")".repeat(depth);
    let nots = |depth: usize| "!".repeat(depth) + "a";
    let members = |depth: usize| vec!["a"; depth].join(".");
    for deep in [parentheses, nots, members] {
        assert!(Filter::parse(&deep(FILTER_DEPTH_MAX)).is_ok());
        let over = (FILTER_DEPTH_MAX + 1, FILTER_DEPTH_MAX);
        assert_eq!(limit(&deep(FILTER_DEPTH_MAX + 1)), over);
    }
}

#[test]
fn patterns_are_as_many_and_as_large_as_they_may_be() {
    let many = |count: usize| vec![r#"a.matches("b")"#; count].join("||");
    assert!(Filter::parse(&many(FILTER_PATTERNS_MAX)).is_ok());
    let over = (FILTER_PATTERNS_MAX + 1, FILTER_PATTERNS_MAX);
    assert_eq!(limit(&many(FILTER_PATTERNS_MAX + 1)), over);
    // FILTER_PATTERN_BYTES_MAX: how large a pattern is when compiled is the engine's to say.
    let counted = |times: usize| format!(r#"a.matches("[a-z]{{{times}}}")"#);
    let (mut fits, mut is_over) = (1, 100_000);
    while is_over - fits > 1 {
        let middle = usize::midpoint(fits, is_over);
        match Filter::parse(&counted(middle)) {
            Ok(_) => fits = middle,
            Err(_) => is_over = middle,
        }
    }
    assert!((1_000..20_000).contains(&fits), "{fits}");
    let says = refused(&counted(is_over)).fault.to_string();
    assert!(says.contains("over the limit of 262144 bytes"), "{says}");
    assert!(Filter::parse(r#"a.matches("(?i)^\\w+ \\p{Han}{1,20}$")"#).is_ok());
}

#[test]
fn entries_past_the_limit_are_as_if_they_were_missing() {
    let list = |before: usize| format!("[{}1]", "0,".repeat(before));
    assert!(matches("1 in @", &list(FILTER_VALUES_MAX - 1)));
    assert!(!matches("1 in @", &list(FILTER_VALUES_MAX)));
    let size = format!("size(@) == {}", FILTER_VALUES_MAX + 1);
    assert!(matches(&size, &list(FILTER_VALUES_MAX)));
}

#[test]
fn a_value_that_takes_too_many_steps_does_not_match() {
    // Each entry of one list against each of another: FILTER_STEPS_MAX is 2,048 squared.
    let list = |entries: usize, value: &str| {
        format!("[{value}{}]", format!(",{value}").repeat(entries - 1))
    };
    let json = |entries: usize| {
        format!(
            r#"{{"a":{},"b":{}}}"#,
            list(entries, "1"),
            list(entries, "2")
        )
    };
    assert!(matches("!(a == b)", &json(1_400)));
    assert!(!matches("!(a == b)", &json(2_100)));
    assert!(!matches("true || false && a == b || !(a == b)", "no json"));
    // A pattern takes a step for 8 bytes.
    let text = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes));
    let eight = crate::FILTER_STEPS_MAX * 8;
    assert!(matches(r#"a.matches("x$")"#, &text(eight - 64)));
    assert!(!matches(r#"a.matches("x$")"#, &text(eight + 64)));
}

#[test]
fn members_are_told_with_their_places() {
    let filter =
        Filter::parse(r#"kind in ["chat"] && @["a b"].c[0].d == "x" || has(e) && "y" in f.g"#);
    let filter = filter.unwrap();
    let members = filter.members();
    let told: Vec<_> = members
        .iter()
        .map(|member| {
            let text = &filter.text()[member.at.clone()];
            (member.names.join("/"), text, member.texts.join("/"))
        })
        .collect();
    let expected = [
        ("kind", "kind", "chat"),
        ("a b/c/d", r#"@["a b"].c[0].d"#, "x"),
        ("e", "e", ""),
        ("f/g", "f.g", "y"),
    ];
    let expected = expected.map(|(names, text, texts)| (names.to_owned(), text, texts.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn what_a_member_must_be_is_known_beforehand() {
    use OnlyThis::{No, Yes};
    for (filter, expected) in [
        (r#"kind == "a""#, Some((vec!["a"], Yes))),
        (r#""a" == kind"#, Some((vec!["a"], Yes))),
        (r#"kind in ["b", "a"]"#, Some((vec!["a", "b"], Yes))),
        (r#"kind == "a" || kind == "b""#, Some((vec!["a", "b"], Yes))),
        (r#"kind == "a" && x > 1"#, Some((vec!["a"], No))),
        (
            r#"kind in ["a", "b"] && kind in ["b", "c"]"#,
            Some((vec!["b"], Yes)),
        ),
        (
            r#"kind == "a" && x > 1 || kind == "b""#,
            Some((vec!["a", "b"], No)),
        ),
        (r#"kind == "a" || x > 1"#, None),
        (r#"kind != "a""#, None),
        (r#"!(kind == "a")"#, None),
        (r#"kind.x == "a""#, None),
        (r#"x == "a""#, None),
        ("kind == 5", None),
        (r#"kind in ["a", 5]"#, None),
        ("kind == kind", None),
    ] {
        let parsed = Filter::parse(filter).unwrap();
        assert_eq!(parsed.texts_of("kind"), expected, "{filter}");
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3..4_i64).prop_map(Value::from),
        (-3.0..3.0).prop_map(Value::from),
        "[ab1-]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let path = "[abc](\\.[abc]|\\[[01]\\]){0,2}";
    let literal = prop_oneof![
        "-?[0-9]{1,3}",
        "[ab1-]{0,3}".prop_map(|text| quoted(&text)),
        Just("true".into())
    ];
    let relation = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (path, relation, literal)
            .prop_map(|(path, relation, literal)| format!("{path} {relation} {literal}")),
        path.prop_map(|path| format!("has({path})")),
        (path, "[ab1]").prop_map(|(path, text)| format!("{path}.contains(\"{text}\")")),
        (path, "[ab1]").prop_map(|(path, text)| format!("{path}.matches(\"^{text}\")")),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) || ({b})")),
        ]
    })
}

/// The rules once more, over whole values and by the text of the path: slow and plain.
fn reached<'v>(value: &'v serde_json::Value, path: &str) -> Vec<&'v serde_json::Value> {
    use serde_json::Value;
    let path = path.replace('[', ".[");
    path.split('.').fold(vec![value], |values, step| {
        let entry = step
            .strip_prefix('[')
            .and_then(|step| step.trim_end_matches(']').parse::<usize>().ok());
        let step_of = |value: &'v Value| -> Vec<&'v Value> {
            match (entry, value) {
                (Some(entry), Value::Array(list)) => list.get(entry).into_iter().collect(),
                (None, Value::Array(list)) => {
                    list.iter().filter_map(|entry| entry.get(step)).collect()
                }
                (None, value) => value.get(step).into_iter().collect(),
                (Some(_), _) => Vec::new(),
            }
        };
        values
            .into_iter()
            .flat_map(step_of)
            .filter(|value| !value.is_null())
            .collect()
    })
}

/// Lists directly in lists are not looked into: they are as if they were empty.
fn looked_into(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    let entry = |entry: &Value| {
        if entry.is_array() {
            Value::Array(Vec::new())
        } else {
            looked_into(entry)
        }
    };
    match value {
        Value::Array(list) => list.iter().map(entry).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), looked_into(value)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn lists_directly_in_lists_are_there_and_not_looked_into() {
    let json = r#"{"c": [null, [0, {"a": 0}]]}"#;
    for (filter, is_wanted) in [
        ("has(c[1])", true),
        ("c[1] == 0", false),
        ("has(c[1][0])", false),
        ("has(c[1].a)", false),
        ("has(c.a)", false),
    ] {
        assert_eq!(matches(filter, json), is_wanted, "{filter}");
    }
}

proptest! {
    #[test]
    fn conditions_together_are_what_they_are_alone(a in condition(), b in condition(), json in json()) {
        let json = json.to_string();
        let (is_a, is_b) = (matches(&a, &json), matches(&b, &json));
        prop_assert_eq!(matches(&format!("({a}) && ({b})"), &json), is_a && is_b);
        prop_assert_eq!(matches(&format!("({a}) || ({b})"), &json), is_a || is_b);
        prop_assert_eq!(matches(&format!("!({a})"), &json), !is_a);
    }

    #[test]
    fn a_path_leads_where_it_says(path in "[abc](\\.[abc]|\\[[01]\\]){0,3}", json in json()) {
        let looked_into = looked_into(&json);
        let there = reached(&looked_into, &path);
        let text = json.to_string();
        prop_assert_eq!(matches(&format!("has({path})"), &text), !there.is_empty());
        let is_number = |value: &serde_json::Value| value.is_number() || value.as_str().is_some_and(|text| text.parse::<i128>().is_ok());
        let entries = there.iter().flat_map(|value| value.as_array().map_or_else(|| vec![*value], |list| list.iter().collect()));
        let has_number = entries.clone().any(is_number);
        prop_assert_eq!(matches(&format!("{path} < 0 || {path} >= 0"), &text), has_number);
        let has_text = entries.clone().any(|value| value.as_str() == Some("a"));
        prop_assert_eq!(matches(&format!("{path} == \"a\""), &text), has_text);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_of_a_place_in_it(text in "([abc. ()\\[\\]!&|=<>\"'0-9@-]|has|size|in|contains|matches|\\PC){0,24}") {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error.at);
            prop_assert!(error.character(&text) <= text.chars().count() + 1);
        }
    }

    #[test]
    fn a_quoted_text_is_read_as_it_was(text in "\\PC{0,12}", odd in any::<String>()) {
        for text in [text, odd] {
            let json = serde_json::to_string(&text).unwrap();
            let filter = format!("@ == {}", quoted(&text));
            prop_assert!(matches(&filter, &json), "{}", filter);
        }
    }
}
