//! JSON for people: a member a line. Names keep their order and numbers their spelling.

/// Breaks JSON without white space between its tokens into lines.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let (mut in_text, mut escaped) = (false, false);
    let mut tokens = json.chars().peekable();
    while let Some(c) = tokens.next() {
        out.push(c);
        let is_end = in_text;
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            if in_text {
                continue;
            }
        }
        match c {
            '"' => in_text = !is_end,
            ':' => out.push(' '),
            ',' => break_line(&mut out, depth),
            // What is empty stays on its line.
            '{' | '[' if !matches!(tokens.peek(), Some('}' | ']')) => {
                depth += 1;
                break_line(&mut out, depth);
            }
            '{' | '[' => out.extend(tokens.next()),
            _ => {}
        }
        let closes = !in_text && matches!(tokens.peek(), Some('}' | ']'));
        if closes && depth > 0 {
            depth -= 1;
            break_line(&mut out, depth);
        }
    }
    out
}

/// JSON without white space between its tokens.
pub(super) fn compact(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let is_kept = |c: &char| {
        let was_in_text = in_text;
        in_text = if in_text {
            escaped || *c != '"'
        } else {
            *c == '"'
        };
        escaped = was_in_text && !escaped && *c == '\\';
        was_in_text || !c.is_ascii_whitespace()
    };
    json.chars().filter(is_kept).collect()
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_order_its_numbers_and_its_texts() {
        let json = r#"{"b":"a,{\"[:","a":[1.50,[],{}],"c":{"d":null}}"#;
        let expected = "{\n  \"b\": \"a,{\\\"[:\",\n  \"a\": [\n    1.50,\n    [],\n    {}\n  ],\n  \"c\": {\n    \"d\": null\n  }\n}";
        assert_eq!(pretty(json), expected);
        for short in ["{}", "[]", "1", "\"x\"", "[[]]"] {
            let value: serde_json::Value = serde_json::from_str(short).unwrap();
            assert_eq!(pretty(short), serde_json::to_string_pretty(&value).unwrap());
        }
    }

    #[test]
    fn white_space_goes_but_that_of_texts() {
        let json = "{ \"b c\" :\t\"a \\\" , \\\\\" ,\r\n \"a\" : [ 1.50 , { } ] }\n";
        assert_eq!(compact(json), r#"{"b c":"a \" , \\","a":[1.50,{}]}"#);
        assert_eq!(
            pretty(&compact(&pretty(&compact(json)))),
            pretty(&compact(json))
        );
    }
}
