//! Expressions of filters, and values that they are asked of. An input is an expression, a line feed and a value as JSON.
#![no_main]

use pagewire_filter::Filter;

pagewire_fuzz::target!(check, seeds: seeds());

fn check(input: &[u8]) {
    let line = input.iter().position(|byte| *byte == b'\n');
    let (expression, json) = input.split_at(line.unwrap_or(input.len()));
    let Ok(expression) = std::str::from_utf8(expression) else {
        return;
    };
    let filter = match Filter::parse(expression) {
        Ok(filter) => filter,
        Err(error) => {
            let place = expression.get(error.at.clone());
            assert!(place.is_some(), "{error}");
            assert!(error.character(expression) <= expression.chars().count() + 1);
            assert!(!error.sentence(expression).is_empty());
            return;
        }
    };
    let matches = filter.matches_json(json);
    // In parentheses it is the same, and after `!` the other, where the value can be read and takes no more steps than it may.
    if let (Ok(same), Ok(other)) = (
        Filter::parse(&format!("({expression})")),
        Filter::parse(&format!("!({expression})")),
    ) {
        assert_eq!(same.matches_json(json), matches);
        assert!(!(matches && other.matches_json(json)));
    }
    // What a member must be is so.
    if let Some((texts, _)) = filter.texts_of("kind")
        && matches
        && let Ok(value) = serde_json::from_slice::<serde_json::Value>(json)
        && let Some(kind) = value["kind"].as_str()
    {
        assert!(texts.contains(&kind), "{kind} is none of {texts:?}");
    }
    for member in filter.members() {
        assert!(expression.get(member.at).is_some());
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let json = r#"{"kind":"chat","user":{"id":"7","name":"a","level":3,"badges":[{"level":1},{"level":2}]},"chat":{"text":"ab\n"},"list":["x",1,null,true]}"#;
    let expressions = [
        r#"kind == "chat" && user.level >= 3"#,
        r#"kind in ["chat", 'gift.final'] || !(user.id == 7)"#,
        r#"chat.text.matches(r"^a.\n") && chat.text.contains("b")"#,
        r#"user.badges.level > 1 && "x" in list && list[1] == 1.0"#,
        r#"has(user.name) && size(user.badges) == 2 && @["kind"].startsWith("\u0063")"#,
    ];
    let seed = |expression: &str| format!("{expression}\n{json}").into_bytes();
    expressions.map(seed).into()
}
