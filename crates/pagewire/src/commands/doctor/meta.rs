//! Policies that a document brings with itself, in `<meta>`. Pure.

/// The policies in `<meta http-equiv="Content-Security-Policy">` of the beginning of a document.
pub(crate) fn policies(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end..]);
        } else if starts_with_name(rest, "meta") {
            let (attributes, after) = attributes(&rest["meta".len()..]);
            let value = |name: &str| {
                let named = attributes.iter().find(|(key, _)| key == name);
                named.map(|(_, value)| value.as_str())
            };
            let is_policy = value("http-equiv")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("content-security-policy"));
            found.extend(value("content").filter(|_| is_policy).map(str::to_owned));
            rest = after;
        }
    }
    found
}

fn starts_with_name(text: &str, name: &str) -> bool {
    let head = text.as_bytes().get(..name.len());
    let next = text.as_bytes().get(name.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
        && next.is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'/')
}

/// The attributes of a tag up to its `>`, names in lower case, and what follows.
fn attributes(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut attributes = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if text.is_empty() || text.starts_with('>') {
            return (attributes, text);
        }
        // A name has one character at least, so each turn takes something away.
        let first = text.chars().next().map_or(0, char::len_utf8);
        let end = text[first..]
            .find(|c: char| c.is_ascii_whitespace() || "=/>".contains(c))
            .map_or(text.len(), |at| at + first);
        let name = text[..end].to_ascii_lowercase();
        text = text[end..].trim_start();
        let value = match text.strip_prefix('=') {
            None => "",
            Some(after) => {
                let (value, after) = attribute_value(after.trim_start());
                text = after;
                value
            }
        };
        attributes.push((name, decode_entities(value)));
    }
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text
        .find(|c: char| c.is_ascii_whitespace() || c == '>')
        .unwrap_or(text.len());
    text.split_at(end)
}

/// The entities that stand in policies.
fn decode_entities(text: &str) -> String {
    [
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, is)| {
        text.replace(entity, is)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_found_in_a_document() {
        let cases = [
            (
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'\">",
                vec!["default-src 'self'"],
            ),
            (
                "<META content='a \"b\"' data-x HTTP-EQUIV=content-security-policy />",
                vec!["a \"b\""],
            ),
            (
                "<meta http-equiv=Content-Security-Policy content=\"connect-src &#39;self&#39;\"><meta http-equiv=content-security-policy content=b>",
                vec!["connect-src 'self'", "b"],
            ),
            (
                "<!-- <meta http-equiv=content-security-policy content=a> --><p>",
                vec![],
            ),
            (
                "<meta http-equiv=Content-Security-Policy-Report-Only content=a><meta name=x content=y>",
                vec![],
            ),
            (
                "<metadata http-equiv=content-security-policy content=a><meta",
                vec![],
            ),
            (
                "<meta http-equiv=content-security-policy content=\"a",
                vec!["a"],
            ),
            (
                "<meta = = >价<meta \u{e9}=价 http-equiv=content-security-policy content=c",
                vec!["c"],
            ),
        ];
        for (html, expected) in cases {
            assert_eq!(policies(html), expected, "{html}");
        }
    }
}
