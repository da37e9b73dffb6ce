//! Messages for one page, as the JavaScript that hands them over.

/// Messages for one page, as the JavaScript that hands them over.
#[derive(Debug)]
pub(super) struct Messages {
    expression: String,
    count: usize,
}

impl Messages {
    pub(super) fn new(binding: &str) -> Self {
        Self {
            expression: format!("{binding}("),
            count: 0,
        }
    }

    pub(super) fn push(&mut self, kind: &str, body: &str) {
        if self.count > 0 {
            self.expression.push(',');
        }
        self.count += 1;
        // In single quotes, so that those of JSON are escaped once less on the way.
        self.expression.push('\'');
        self.expression.push_str(kind);
        self.push_escaped(body);
        self.expression.push('\'');
    }

    /// ECMA-262 §12.9.4: all but these four characters stand for themselves.
    fn push_escaped(&mut self, mut text: &str) {
        self.expression.reserve(text.len() + 2);
        while let Some(at) = next_escaped(text.as_bytes()) {
            let (plain, rest) = text.split_at(at);
            self.expression.push_str(plain);
            self.expression.push_str(match rest.as_bytes()[0] {
                b'\\' => "\\\\",
                b'\'' => "\\'",
                b'\n' => "\\n",
                _ => "\\r",
            });
            text = &rest[1..];
        }
        self.expression.push_str(text);
    }

    /// As [`Messages::push`], for a text that is a JSON string already.
    pub(super) fn push_raw(&mut self, kind: char, text: &[u8]) {
        if self.count > 0 {
            self.expression.push(',');
        }
        self.count += 1;
        // JSON strings are JavaScript strings (ECMA-262 §12.9.4, since 2019).
        self.expression.push('"');
        self.expression.push(kind);
        let text = std::str::from_utf8(text).unwrap_or_default();
        self.expression.push_str(text.get(1..).unwrap_or("\""));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn into_expression(mut self) -> String {
        self.expression.push(')');
        self.expression
    }
}

/// Line breaks of JSON stand between its tokens only, and mostly nowhere, so looking for each kind by itself costs next to nothing.
fn next_escaped(text: &[u8]) -> Option<usize> {
    let quoted = memchr::memchr3(b'\\', b'\'', b'\n', text);
    let before = &text[..quoted.unwrap_or(text.len())];
    memchr::memchr(b'\r', before).or(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(messages: &[(&str, &str)]) -> String {
        let mut all = Messages::new("f");
        for (kind, body) in messages {
            all.push(kind, body);
        }
        all.into_expression()
    }

    #[test]
    fn messages_are_arguments_in_single_quotes() {
        assert_eq!(
            expression(&[("", r#"{"a":"it's"}"#), ("b", "AAEC")]),
            r#"f('{"a":"it\'s"}','bAAEC')"#
        );
        let breaks = "\r\n[1,\n\r2]\n";
        assert_eq!(expression(&[("", breaks)]), r"f('\r\n[1,\n\r2]\n')");
        let escapes = r#"["\"\\\u2028"]"#;
        assert_eq!(expression(&[("", escapes)]), r#"f('["\\"\\\\\\u2028"]')"#);
        assert_eq!(
            expression(&[("", "签名 \u{2028}🙂")]),
            "f('签名 \u{2028}🙂')"
        );
    }
}
