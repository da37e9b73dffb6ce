use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> UrlPattern {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Looks by both ways: our own, and the regular expression.
fn fits(pattern: &UrlPattern, url: &str) -> bool {
    let regex = fancy_regex::Regex::new(&pattern.to_regex()).expect("the expression can be read");
    let (own, by_regex) = (pattern.matches(url), regex.is_match(url).unwrap());
    assert_eq!(
        own,
        by_regex,
        "{pattern} on {url} as {}",
        pattern.to_regex()
    );
    own
}

/// Pattern, what fits it, and what does not.
const CASES: &[(&str, &str, &str)] = &[
    ("*", "about:blank data:,x https://shop.example/a#b null", ""),
    (
        "shop.example",
        "https://shop.example/ http://shop.example/a?b ws://shop.example:8080/x#y blob:https://shop.example/1-2",
        "https://www.shop.example/ https://shop.example.evil.test/ https://evil.test/shop.example about:blank data:,shop.example",
    ),
    (
        "*.shop.example",
        "https://www.shop.example/ https://a.b.shop.example/x",
        "https://shop.example/ https://evil.test/.shop.example https://evil.test/?.shop.example/",
    ),
    (
        "https://shop.example",
        "https://shop.example/ https://shop.example/any/path?q https://shop.example:8443/",
        "http://shop.example/ wss://shop.example/",
    ),
    (
        "shop.example/",
        "https://shop.example/ https://shop.example/#top",
        "https://shop.example/a https://shop.example/?q",
    ),
    (
        "shop.example:443/api/*",
        "https://shop.example/api/ wss://shop.example/api/x ftp://shop.example:443/api/",
        "http://shop.example/api/x https://shop.example:8443/api/x https://shop.example/API/x",
    ),
    (
        "http://shop.example:80",
        "http://shop.example/",
        "http://shop.example:8080/ https://shop.example/",
    ),
    (
        "localhost:8080",
        "http://localhost:8080/x ws://localhost:8080/",
        "http://localhost/ http://localhost:80801/",
    ),
    (
        "localhost:*/x",
        "http://localhost:1/x http://localhost/x",
        "http://localhost/y",
    ),
    (
        "shop*:443",
        "https://shop.example/",
        "https://shop.example:8443/",
    ),
    (
        "http://[::1]:8080/*",
        "http://[::1]:8080/a",
        "http://[::1]/a http://[::2]:8080/a",
    ),
    ("*://*/x", "http://[::1]:8080/x https://a/x", "https://a/y"),
    (
        "ws*://push.example",
        "ws://push.example/ wss://push.example/",
        "https://push.example/",
    ),
    (
        "https://shop*/a",
        "https://shop.example/a https://user@shop.example/a",
        "https://shop@evil.test/a https://evil.test/shop/a",
    ),
    (
        "*/app.js",
        "https://shop.example/app.js",
        "https://shop.example/app.js?v=1 https://shop.example/js/app.js",
    ),
    (
        "*/*app.js*",
        "https://shop.example/js/app.js?v=1 file:///home/app.js",
        "https://shop.example/app_js",
    ),
    ("file:///*.js", "file:///a/b.js", "file://host/b.js"),
    (
        "shop.example?q=*",
        "https://shop.example/?q=1",
        "https://shop.example/xq=1",
    ),
    (
        "shop.example/a?b",
        "https://shop.example/a?b",
        "https://shop.example/ab https://shop.example/axb",
    ),
    (
        r"shop.example/\*/*",
        "https://shop.example/*/x",
        "https://shop.example/a/x",
    ),
    (
        "shop.example/#/room/*",
        "https://shop.example/#/room/7",
        "https://shop.example/ https://shop.example/#/hall",
    ),
    (
        "shop.example/直播",
        "https://shop.example/%E7%9B%B4%E6%92%AD",
        "https://shop.example/x",
    ),
    (
        "HTTPS://Shop.Example/A",
        "https://shop.example/A",
        "https://shop.example/a",
    ),
    (
        "*://*/a**b***c",
        "https://x/abc https://x/a1b2c",
        "https://x/acb https://x/ab",
    ),
    ("*://*/*aab", "https://x/aaab", "https://x/aaabb"),
    ("*://*/ab*ba", "https://x/abba", "https://x/aba"),
];

#[test]
fn patterns_fit_what_their_table_says() {
    assert!(CASES.len() > 20);
    for (text, good, bad) in CASES {
        let pattern = pattern(text);
        assert_eq!(pattern.to_string(), *text);
        for url in good.split_whitespace() {
            assert!(fits(&pattern, url), "{text} does not fit {url}");
        }
        for url in bad.split_whitespace() {
            assert!(!fits(&pattern, url), "{text} fits {url}");
        }
    }
}

#[test]
fn case_counts_only_from_the_path_on() {
    let pattern = pattern("https://Shop.example/Path");
    assert!(pattern.matches("HTTPS://SHOP.EXAMPLE/Path"));
    assert!(!pattern.matches("https://shop.example/path"));
}

#[test]
fn origins_are_compared_by_scheme_host_and_port() {
    for (text, origin, may) in [
        (
            "https://shop.example/only/this",
            "https://shop.example",
            true,
        ),
        (
            "https://shop.example/only/this",
            "https://shop.example:8443",
            true,
        ),
        ("https://shop.example:443/", "https://shop.example", true),
        (
            "https://shop.example:443/",
            "https://shop.example:8443",
            false,
        ),
        ("https://shop.example", "http://shop.example", false),
        ("*.example", "https://evil.test", false),
        ("file:///*", "file://", true),
        ("*://*/*", "null", false),
        ("*://*/*", "://", false),
        ("*", "null", true),
        ("*", "://", true),
    ] {
        assert_eq!(
            pattern(text).may_be_of_origin(origin),
            may,
            "{text} {origin}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_pattern_is_said() {
    for (text, said) in [
        ("", "is empty"),
        ("shop.example/a b", "has the character ' '"),
        ("shop.example/\u{7}", r"has the character '\u{7}'"),
        (r"shop.example/\d", r"\ stands only before *"),
        (r"shop.example/\", r"\ stands only before *"),
        ("https://me@shop.example/", "has a user name"),
        (
            "直播.example",
            r#"has the host "直播.example"; write it as browsers do, which is xn--"#,
        ),
        ("shop.example:http", r#"has the port "http""#),
        ("shop.example:65536", r#"has the port "65536""#),
        ("shop.example:+80", r#"has the port "+80""#),
        ("shop.example:", r#"has the port """#),
        ("about:blank", r#"has the port "blank""#),
    ] {
        let error = text.parse::<UrlPattern>().expect_err(text).to_string();
        assert!(error.contains(said), "{text:?}: {error}");
    }
}

#[test]
fn a_pattern_has_a_length() {
    let of_length = |bytes: usize| format!("a/{}", "x".repeat(bytes - 2));
    assert!(
        of_length(URL_PATTERN_BYTES_MAX)
            .parse::<UrlPattern>()
            .is_ok()
    );
    let longer = of_length(URL_PATTERN_BYTES_MAX + 1).parse::<UrlPattern>();
    let (got, max) = (URL_PATTERN_BYTES_MAX + 1, URL_PATTERN_BYTES_MAX);
    assert_eq!(longer.unwrap_err(), PatternError::TooLong { got, max });
}

#[test]
fn many_stars_on_a_long_address_take_no_time() {
    // Trying every way to share the letters among the stars would not end.
    let pattern = pattern(&format!("*/{}", "*a".repeat(1_000) + "*b"));
    let url = format!("https://x/{}", "a".repeat(1_000_000));
    assert!(!pattern.matches(&url));
    assert!(pattern.matches(&(url + "b")));
}

#[test]
fn a_regular_expression_can_stand_in_any_text() {
    let hostile: String = (' '..='~')
        .filter(|c| !matches!(c, ' ' | '*' | '\\' | '#'))
        .collect();
    let pattern = pattern(&format!("*/x/{hostile}*z"));
    let regex = pattern.to_regex();
    let strange = regex.find(|c: char| {
        matches!(c, '"' | '\'' | '`' | '<' | '>' | '&' | '$') || !c.is_ascii_graphic()
    });
    assert_eq!(strange, Some(regex.len() - 1), "only the anchor: {regex}");
    // In a literal a slash would end it, except inside brackets.
    let classes = fancy_regex::Regex::new(r"\[\^(?:\\.|[^\]])*\]").unwrap();
    let outside = classes.replace_all(&regex, "").replace(r"\/", "");
    assert!(!outside.contains('/'), "{regex}");
    assert!(fits(&pattern, &format!("https://a/x/{hostile}z")));
}

fn some_pattern() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        Just(""),
        Just("*://"),
        Just("https://"),
        Just("ws*://"),
        Just("http://")
    ];
    let host = prop_oneof![
        "[ab.*]{1,6}",
        Just("*".to_owned()),
        Just("[::1]".to_owned())
    ];
    let port = prop_oneof![
        Just(""),
        Just(":*"),
        Just(":443"),
        Just(":80"),
        Just(":8080")
    ];
    (scheme, host, port, "(/[ab/?*#.]{0,8})?")
        .prop_map(|(scheme, host, port, path)| format!("{scheme}{host}{port}{path}"))
}

fn some_url() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        Just("https"),
        Just("http"),
        Just("ws"),
        Just("wss"),
        Just("blob:https")
    ];
    let user = prop_oneof![4 => Just(""), 1 => Just("ab@")];
    let host = prop_oneof![
        "[ab.]{1,6}",
        Just("[::1]".to_owned()),
        Just("[::2]".to_owned())
    ];
    let port = prop_oneof![Just(""), Just(":8080"), Just(":8443")];
    (scheme, user, host, port, "/[ab/?#.]{0,12}")
        .prop_map(|(scheme, user, host, port, path)| format!("{scheme}://{user}{host}{port}{path}"))
}

proptest! {
    #[test]
    fn the_regular_expression_fits_the_same_addresses(text in some_pattern(), url in some_url()) {
        fits(&pattern(&text), &url);
    }

    #[test]
    fn an_address_that_fits_is_of_an_origin_that_may(text in some_pattern(), url in some_url()) {
        let pattern = pattern(&text);
        let origin: String = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        prop_assert!(!pattern.matches(&url) || pattern.may_be_of_origin(&origin));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), url in any::<String>()) {
        if let Ok(pattern) = text.parse::<UrlPattern>() {
            pattern.matches(&url);
            pattern.may_be_of_origin(&url);
            prop_assert!(fancy_regex::Regex::new(&pattern.to_regex()).is_ok());
        }
    }

    #[test]
    fn a_pattern_of_any_text_fits_it(path in "[!-~]{0,30}") {
        let literal = path.replace('\\', "").replace('*', "\\*");
        let url = path.replace('\\', "");
        let (literal, url) = (format!("https://x/{literal}"), format!("https://x/{url}"));
        prop_assert!(fits(&pattern(&literal), &url));
    }
}
