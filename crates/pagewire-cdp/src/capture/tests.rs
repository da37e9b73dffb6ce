use proptest::prelude::*;

use super::*;

fn at(line: u32, column: u32) -> Place {
    Place::At { line, column }
}

fn near(text: &str) -> Place {
    Place::Near(text.to_owned())
}

/// Text, and what it means: pattern, place, expression.
const CAPTURES: &[(&str, &str)] = &[
    (
        "key=*/app.js:120:18:secretKey",
        "*/app.js | 120:18 | secretKey",
    ),
    (
        "key=https://a/app.js:1:1:a ? b : c",
        "https://a/app.js | 1:1 | a ? b : c",
    ),
    (
        "key=http://localhost:8080/app.js:10:5:x",
        "http://localhost:8080/app.js | 10:5 | x",
    ),
    ("key=localhost:8080:10:5:x", "localhost:8080 | 10:5 | x"),
    (
        "key=http://[::1]:8080/a.js:10:5:x",
        "http://[::1]:8080/a.js | 10:5 | x",
    ),
    (
        "key=http://[2001:10:20:30::1]/a.js:10:5:x",
        "http://[2001:10:20:30::1]/a.js | 10:5 | x",
    ),
    (
        "key=[10::20:30:40]:80/a.js:1:2:x",
        "[10::20:30:40]:80/a.js | 1:2 | x",
    ),
    (
        "key=*/a.js?v=1:10:5:({a: 1, b: \"x\":2})",
        "*/a.js?v=1 | 10:5 | ({a: 1, b: \"x\":2})",
    ),
    ("key=*/a.js:10:5:x == 1:2:3", "*/a.js | 10:5 | x == 1:2:3"),
    (
        "key=*/a.js:1:2:f('http://[::1]/')",
        "*/a.js | 1:2 | f('http://[::1]/')",
    ),
    (
        "key=*/a.js:1:2:x://[a]:3:4:y",
        "*/a.js | 1:2 | x://[a]:3:4:y",
    ),
    (
        "key=*/a.js:\"return sign(\":{a: b}",
        "*/a.js | return sign( | {a: b}",
    ),
    (
        r#"key=*:80/a.js:"a \"b\": 1:2:3\t":x"#,
        "*:80/a.js | a \"b\": 1:2:3\t | x",
    ),
    (r#"键-1=*:"签名": x "#, "* | 签名 | x"),
];

#[test]
fn captures_are_read() {
    for (text, meaning) in CAPTURES {
        let capture: Capture = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let place = match &capture.place {
            Place::At { line, column } => format!("{line}:{column}"),
            Place::Near(text) => text.clone(),
        };
        let got = format!("{} | {place} | {}", capture.url, capture.expression);
        assert_eq!(got, *meaning, "{text}");
        assert_eq!(capture.name, text.split_once('=').unwrap().0);
    }
}

#[test]
fn what_is_wrong_is_said_with_the_form() {
    let cases = [
        ("key", CaptureError::NoName),
        ("a.b=*/a.js:1:1:x", CaptureError::Name),
        ("key=", CaptureError::NoPlace),
        ("key=*/a.js", CaptureError::NoPlace),
        ("key=*/a.js:120:x", CaptureError::NoPlace),
        ("key=*/a.js:120:18", CaptureError::NoPlace),
        ("key=http://[::1", CaptureError::NoPlace),
        ("key=*/a.js:0:18:x", CaptureError::Place("0:18".into())),
        (
            "key=*/a.js:1:4294967296:x",
            CaptureError::Place("1:4294967296".into()),
        ),
        ("key=*/a.js:\"no end", CaptureError::Text),
        ("key=*/a.js:\"\":x", CaptureError::Text),
        ("key=*/a.js:\"a\"x", CaptureError::Text),
        ("key=*/a.js:1:1:", CaptureError::NoExpression),
        ("key=*/a.js:\"a\": ", CaptureError::NoExpression),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Capture>().expect_err(text);
        assert_eq!(error, expected, "{text}");
        assert!(
            error
                .to_string()
                .contains("name=URL-PATTERN:LINE:COLUMN:EXPRESSION"),
            "{error}"
        );
    }
    let error = "key=a b:1:1:x".parse::<Capture>().unwrap_err();
    assert!(
        matches!(error, CaptureError::Pattern(PatternError::Character(' '))),
        "{error}"
    );
}

#[test]
fn places_are_counted_as_the_browser_counts() {
    let source = "const a = 1;\r\nlet 价 = '😀'; sign(a);\n\rsign(b)\u{2028} last";
    for (text, place) in [
        ("const", Some((0, 0))),
        ("a = 1", Some((0, 6))),
        ("let", Some((1, 0))),
        // The emoji takes two units.
        ("sign(", Some((1, 14))),
        ("sign(b", Some((3, 0))),
        ("last", Some((4, 1))),
        ("1;\r\nlet", Some((0, 10))),
        ("missing", None),
    ] {
        let found = near(text).find(source);
        let found = found.map(|found| (found.line_number, found.column_number));
        assert_eq!(found, place, "{text}");
    }
    let found = at(1, 1).find("").unwrap();
    assert_eq!((found.line_number, found.column_number), (0, 0));
}

proptest! {
    #[test]
    fn any_text_and_expression_come_back(text in ".{1,20}", expression in "[!-~][ -~]{0,30}[!-~]", line in 1..u32::MAX, column in 1..u32::MAX) {
        let quoted = serde_json::to_string(&text).unwrap();
        let capture: Capture = format!("k=http://x:80/a.js:{quoted}:{expression}").parse().unwrap();
        prop_assert_eq!(&capture.place, &near(&text));
        prop_assert_eq!(&capture.expression, &expression);
        let capture: Capture = format!("k=http://x:80/a.js:{line}:{column}:({expression}").parse().unwrap();
        prop_assert_eq!(capture.place, at(line, column));
        prop_assert_eq!(capture.expression, format!("({expression}"));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), source in any::<String>()) {
        let _ = text.parse::<Capture>();
        let _ = format!("k={text}").parse::<Capture>();
        near(&text).find(&source);
    }
}
