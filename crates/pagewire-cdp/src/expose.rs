//! What `--expose` says: a function of a page by an expression, without a change of the page.

use std::str::FromStr;

/// Longest name of an exposed function, in characters.
pub const EXPOSED_NAME_CHARS_MAX: usize = 64;

/// An expression of the page that becomes a function, written `name=EXPRESSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expose {
    /// 1–64 letters or digits of any script, `_`, `-`.
    pub name: String,
    /// JavaScript, not empty. Whether it can be parsed is for the browser to say.
    pub expression: String,
}

/// What is wrong with the text of an [`Expose`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExposeError {
    /// Nothing to tell the name from the expression.
    #[error("there is no = after the name; write name=EXPRESSION, such as sign=window.app.sign")]
    NoName,
    /// No name for a function.
    #[error(
        "the name before = is not 1-64 letters, digits, '_' or '-'; write name=EXPRESSION, such as sign=window.app.sign"
    )]
    Name,
    /// No expression.
    #[error("there is nothing after =; write name=EXPRESSION, such as sign=window.app.sign")]
    NoExpression,
}

impl FromStr for Expose {
    type Err = ExposeError;

    fn from_str(text: &str) -> Result<Self, ExposeError> {
        let (name, expression) = text.split_once('=').ok_or(ExposeError::NoName)?;
        if !is_function_name(name) {
            return Err(ExposeError::Name);
        }
        let expression = expression.trim();
        if expression.is_empty() {
            return Err(ExposeError::NoExpression);
        }
        Ok(Self {
            name: name.to_owned(),
            expression: expression.to_owned(),
        })
    }
}

/// The rule of the hub for names of functions.
pub(crate) fn is_function_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().nth(EXPOSED_NAME_CHARS_MAX).is_none()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_expression_are_read() {
        for (text, name, expression) in [
            ("sign=window.app.sign", "sign", "window.app.sign"),
            ("签名-2=(a, b) => a == b", "签名-2", "(a, b) => a == b"),
            ("x= y ", "x", "y"),
        ] {
            let expose: Expose = text.parse().unwrap();
            assert_eq!((&*expose.name, &*expose.expression), (name, expression));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_form() {
        for (text, error) in [
            ("sign", ExposeError::NoName),
            ("", ExposeError::NoName),
            ("=x", ExposeError::Name),
            ("app.sign=x", ExposeError::Name),
            ("a b=x", ExposeError::Name),
            ("sign=", ExposeError::NoExpression),
            ("sign=  ", ExposeError::NoExpression),
        ] {
            assert_eq!(text.parse::<Expose>(), Err(error), "{text}");
            assert!(error.to_string().contains("write name=EXPRESSION"));
        }
    }

    #[test]
    fn a_name_has_a_length() {
        let of = |chars: usize| format!("{}=x", "价".repeat(chars)).parse::<Expose>();
        assert!(of(EXPOSED_NAME_CHARS_MAX).is_ok());
        assert_eq!(of(EXPOSED_NAME_CHARS_MAX + 1), Err(ExposeError::Name));
    }
}
