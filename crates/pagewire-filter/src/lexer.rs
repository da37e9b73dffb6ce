//! An expression as words and signs.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Fault, FilterError};
use crate::number::Number;

/// Longest expression, in bytes.
pub const FILTER_BYTES_MAX: usize = 4_096;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'t> {
    Word(&'t str),
    Number(Number),
    Text(Cow<'t, str>),
    Sign(&'static str),
    End,
}

/// A token and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Place<'t> {
    pub(crate) token: Token<'t>,
    pub(crate) at: Range<usize>,
}

/// Longer ones first: `<=` is not `<`.
const SIGNS: [&str; 17] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "@", "-",
];

/// What other languages write, and what is meant.
const FOREIGN: [(&str, &str); 5] = [
    ("&", "&&"),
    ("|", "||"),
    ("=~", "NAME.matches(\"…\")"),
    ("=", "=="),
    ("<>", "!="),
];

pub(crate) fn tokens(text: &str) -> Result<Vec<Place<'_>>, FilterError> {
    if text.len() > FILTER_BYTES_MAX {
        let fault = Fault::Limit {
            what: "bytes of an expression",
            got: text.len(),
            max: FILTER_BYTES_MAX,
        };
        return Err(FilterError::new(0..text.len(), fault));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let place = lexer.next()?;
        let is_end = place.token == Token::End;
        tokens.push(place);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes on by so many bytes, and gives them and their place.
    fn take(&mut self, length: usize) -> (&'t str, Range<usize>) {
        let end = self.at.saturating_add(length).min(self.text.len());
        let at = self.at..end;
        self.at = end;
        (self.text.get(at.clone()).unwrap_or_default(), at)
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> (&'t str, Range<usize>) {
        let rest = self.rest();
        self.take(rest.find(|c| !belongs(c)).unwrap_or(rest.len()))
    }

    fn next(&mut self) -> Result<Place<'t>, FilterError> {
        self.take_while(char::is_whitespace);
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            let (token, at) = (Token::End, self.at..self.at);
            return Ok(Place { token, at });
        };
        if rest.starts_with(['"', '\'']) {
            return self.quoted();
        }
        if rest.starts_with("r\"") || rest.starts_with("r'") {
            return self.raw();
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if first.is_alphabetic() || first == '_' {
            let (word, at) = self.take_while(|c| c.is_alphanumeric() || c == '_');
            let token = Token::Word(word);
            return Ok(Place { token, at });
        }
        let is_foreign = |foreign: &&(&str, &str)| {
            rest.starts_with(foreign.0)
                && !SIGNS
                    .iter()
                    .any(|sign| sign.len() >= foreign.0.len() && rest.starts_with(sign))
        };
        if let Some((foreign, instead)) = FOREIGN.iter().find(is_foreign) {
            let (found, at) = self.take(foreign.len());
            let found = found.into();
            return Err(FilterError::new(at, Fault::Instead { found, instead }));
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            let (_, at) = self.take(sign.len());
            let token = Token::Sign(sign);
            return Ok(Place { token, at });
        }
        let (found, at) = self.take(first.len_utf8());
        Err(expected("an expression", found, at))
    }

    fn number(&mut self) -> Result<Place<'t>, FilterError> {
        let begin = self.at;
        // A sign belongs to an exponent only, `e` and a point to the number.
        let mut before = ' ';
        let rest = self.rest();
        let end = rest.find(|c: char| {
            let is_sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
            before = c;
            !(c.is_alphanumeric() || c == '.' || c == '_' || is_sign)
        });
        let (text, at) = self.take(end.unwrap_or(rest.len()));
        // `1.` and `1.e5` are no numbers of JSON, though Rust reads them.
        let is_complete = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
            && text.ends_with(|c: char| c.is_ascii_digit())
            && !text.contains(".e")
            && !text.contains(".E");
        let number = is_complete.then(|| Number::parse(text)).flatten();
        let number = number.ok_or_else(|| expected("a number", text, begin..at.end))?;
        let token = Token::Number(number);
        Ok(Place { token, at })
    }

    /// `r"\d+"`: a text without escapes, for patterns.
    fn raw(&mut self) -> Result<Place<'t>, FilterError> {
        let begin = self.at;
        let (opening, _) = self.take(2);
        let quote = if opening.ends_with('"') { '"' } else { '\'' };
        let Some(length) = self.rest().find(quote) else {
            return Err(unended(begin..self.text.len()));
        };
        let (text, _) = self.take(length);
        self.take(1);
        let token = Token::Text(Cow::Borrowed(text));
        let at = begin..self.at;
        Ok(Place { token, at })
    }

    fn quoted(&mut self) -> Result<Place<'t>, FilterError> {
        let begin = self.at;
        let (quote, _) = self.take(1);
        let (text, _) = self.take_while(|c| c != '\\' && !quote.starts_with(c));
        let mut text = Cow::Borrowed(text);
        loop {
            let escape = self.at;
            let mut chars = self.rest().chars();
            match chars.next() {
                None => return Err(unended(begin..self.text.len())),
                Some('\\') => {
                    self.take(1);
                    text.to_mut().push(self.escaped(escape)?);
                }
                Some(c) if quote.starts_with(c) => break,
                Some(c) => {
                    self.take(c.len_utf8());
                    text.to_mut().push(c);
                }
            }
        }
        self.take(1);
        let token = Token::Text(text);
        let at = begin..self.at;
        Ok(Place { token, at })
    }

    /// What stands behind a backslash. `\u` with four digits is as in JSON; what it cannot say needs no escape.
    fn escaped(&mut self, escape: usize) -> Result<char, FilterError> {
        let c = self.rest().chars().next();
        self.take(c.map_or(0, char::len_utf8));
        let plain = match c {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some(c @ ('"' | '\'' | '\\' | '/')) => Some(c),
            Some('u') => {
                let digits = self.rest().get(..4);
                let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                self.take(digits.map_or(0, str::len));
                code.and_then(char::from_u32)
            }
            _ => None,
        };
        plain.ok_or_else(|| {
            let at = escape..self.at;
            let found = self.text.get(at.clone()).unwrap_or_default();
            let wanted = r#"an escape (\n \t \r \" \' \\ \u1234), or a text without escapes: r"…""#;
            expected(wanted, found, at)
        })
    }
}

pub(crate) fn expected(wanted: &'static str, found: &str, at: Range<usize>) -> FilterError {
    let found = found.into();
    FilterError::new(at, Fault::Expected { wanted, found })
}

fn unended(at: Range<usize>) -> FilterError {
    expected("the quote that ends this text", "the end", at)
}
