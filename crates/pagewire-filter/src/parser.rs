//! Tokens to conditions, by recursive descent with a limit of depth.

use std::ops::Range;

use regex::RegexBuilder;

use crate::error::{Fault, FilterError, nearest};
use crate::expression::{Condition, Literal, Operand, Path, Relation, Step, Test};
use crate::lexer::{Place, Token, expected, tokens};
use crate::number::Number;
use crate::value::Wanted;

/// Parentheses and `!` in one another, and members in one another.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Regular expressions in one filter.
pub const FILTER_PATTERNS_MAX: usize = 16;
/// Size of a compiled regular expression, in bytes; the tables that are made while matching may be as large again, twice.
pub const FILTER_PATTERN_BYTES_MAX: usize = 256 << 10;

/// It says the limit in words, which a test compares.
const TOO_BIG: &str = "compiled it is over the limit of 262144 bytes; fewer or smaller counts such as {1,100} make it smaller, and so does [a-z0-9_] in place of \\w";

const METHODS: [&str; 5] = ["contains", "startsWith", "endsWith", "matches", "size"];
const FUNCTIONS: [&str; 2] = ["has", "size"];

#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) condition: Condition,
    pub(crate) wanted: Wanted,
}

pub(crate) fn parse(text: &str) -> Result<Parsed, FilterError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
        patterns: 0,
        wanted: Wanted::default(),
    };
    let condition = parser.any()?;
    match parser.token() {
        Token::End => Ok(Parsed {
            condition,
            wanted: parser.wanted,
        }),
        Token::Word(word) => Err(parser.foreign_word(word)),
        Token::Sign("-") => Err(parser.expected("an operator (there is no arithmetic)")),
        Token::Number(_) | Token::Text(_) | Token::Sign(_) => {
            Err(parser.expected("an operator such as && or =="))
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Place<'t>>,
    next: usize,
    depth: usize,
    patterns: usize,
    wanted: Wanted,
}

/// What parentheses may hold: a condition, or one side of a comparison.
enum Term {
    Condition(Condition),
    Operand(Operand),
}

impl<'t> Parser<'t> {
    fn place(&self) -> Place<'t> {
        let end = self.text.len();
        self.tokens.get(self.next).cloned().unwrap_or(Place {
            token: Token::End,
            at: end..end,
        })
    }

    fn token(&self) -> Token<'t> {
        self.place().token
    }

    fn begin(&self) -> usize {
        self.place().at.start
    }

    /// Where the last token ended.
    fn end(&self) -> usize {
        let last = self
            .next
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last));
        last.map_or(0, |place| place.at.end)
    }

    fn step(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.token(), Token::Sign(next) if next == sign);
        if is_next {
            self.step();
        }
        is_next
    }

    fn needs(&mut self, sign: &str, wanted: &'static str) -> Result<(), FilterError> {
        if self.takes(sign) {
            Ok(())
        } else {
            Err(self.expected(wanted))
        }
    }

    fn expected(&self, wanted: &'static str) -> FilterError {
        let at = self.place().at;
        let found = match self.text.get(at.clone()) {
            None | Some("") => "the end",
            Some(found) => found,
        };
        expected(wanted, found, at)
    }

    /// A word where an operator belongs.
    fn foreign_word(&self, word: &str) -> FilterError {
        let instead = match word.to_ascii_lowercase().as_str() {
            "and" => "&&",
            "or" => "||",
            "is" | "eq" => "==",
            "not" | "ne" => "!= or !(…)",
            "like" | "contains" => "NAME.contains(\"…\")",
            "matches" => "NAME.matches(\"…\")",
            _ => return self.expected("an operator such as && or =="),
        };
        let found = word.into();
        FilterError::new(self.place().at, Fault::Instead { found, instead })
    }

    fn any(&mut self) -> Result<Condition, FilterError> {
        let first = self.all()?;
        self.many("||", first, Self::all, Condition::Any)
    }

    fn all(&mut self) -> Result<Condition, FilterError> {
        let first = self.relation()?;
        self.many("&&", first, Self::relation, Condition::All)
    }

    fn many(
        &mut self,
        sign: &str,
        first: Condition,
        next: fn(&mut Self) -> Result<Condition, FilterError>,
        together: fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, FilterError> {
        let mut conditions = vec![first];
        while self.takes(sign) {
            conditions.push(next(self)?);
        }
        Ok(match conditions.pop() {
            Some(only) if conditions.is_empty() => only,
            last => {
                conditions.extend(last);
                together(conditions)
            }
        })
    }

    fn relation(&mut self) -> Result<Condition, FilterError> {
        let left = self.term()?;
        let token = self.token();
        let relation = match token {
            Token::Sign(sign) => Relation::of_sign(sign),
            Token::Word(_) | Token::Number(_) | Token::Text(_) | Token::End => None,
        };
        let left = match left {
            Term::Operand(left) => left,
            Term::Condition(_) if relation.is_some() => {
                return Err(self.expected("&& or ||, as a condition is not compared"));
            }
            Term::Condition(condition) => return Ok(condition),
        };
        if let Some(relation) = relation {
            self.step();
            let at = self.begin();
            return match self.term()? {
                Term::Operand(right) => Ok(Condition::Compare(left, relation, right)),
                Term::Condition(_) => {
                    let found = self.text.get(at..self.end()).unwrap_or_default();
                    Err(expected("a value or a member", found, at..self.end()))
                }
            };
        }
        if token == Token::Word("in") {
            self.step();
            return self.in_list(left);
        }
        match left {
            Operand::Path(path) => Ok(Condition::Is(path)),
            Operand::Literal(Literal::Bool(constant)) => Ok(Condition::Constant(constant)),
            Operand::Literal(_) | Operand::Size(_) => {
                if let Token::Word(word) = token {
                    return Err(self.foreign_word(word));
                }
                Err(self.expected("a comparison such as == or >="))
            }
        }
    }

    fn in_list(&mut self, left: Operand) -> Result<Condition, FilterError> {
        if !self.takes("[") {
            let wanted = "a list such as [\"a\", \"b\"], or a member that is one";
            return match self.token() {
                Token::Word(_) | Token::Sign("@") => match self.term()? {
                    Term::Operand(Operand::Path(path)) => Ok(Condition::InList(left, path)),
                    Term::Operand(_) | Term::Condition(_) => Err(self.expected(wanted)),
                },
                Token::Number(_) | Token::Text(_) | Token::Sign(_) | Token::End => {
                    Err(self.expected(wanted))
                }
            };
        }
        let mut list = Vec::new();
        while !self.takes("]") {
            match self.operand_literal()? {
                Some(literal) => list.push(literal),
                None => return Err(self.expected("a text, a number, true or false")),
            }
            if !matches!(self.token(), Token::Sign("]")) {
                self.needs(",", "a comma or ]")?;
            }
        }
        Ok(Condition::In(left, list))
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        if self.depth == FILTER_DEPTH_MAX {
            let fault = Fault::Limit {
                what: "parentheses and ! in one another",
                got: FILTER_DEPTH_MAX.saturating_add(1),
                max: FILTER_DEPTH_MAX,
            };
            return Err(FilterError::new(self.place().at, fault));
        }
        self.depth = self.depth.saturating_add(1);
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        if self.takes("!") {
            return self.deeper(|parser| {
                let condition = match parser.term()? {
                    Term::Condition(condition) => condition,
                    Term::Operand(Operand::Path(path)) => Condition::Is(path),
                    Term::Operand(Operand::Literal(Literal::Bool(constant))) => {
                        Condition::Constant(constant)
                    }
                    Term::Operand(_) => return Err(parser.expected("a condition after !")),
                };
                Ok(Term::Condition(Condition::Not(Box::new(condition))))
            });
        }
        if self.takes("(") {
            return self.deeper(|parser| {
                let condition = parser.any()?;
                if let Token::Word(word) = parser.token() {
                    return Err(parser.foreign_word(word));
                }
                parser.needs(")", "&&, || or )")?;
                // `(user.name) == "x"`.
                if let Condition::Is(path) = condition {
                    return Ok(Term::Operand(Operand::Path(path)));
                }
                Ok(Term::Condition(condition))
            });
        }
        if let Some(literal) = self.operand_literal()? {
            return Ok(Term::Operand(Operand::Literal(literal)));
        }
        self.named()
    }

    fn operand_literal(&mut self) -> Result<Option<Literal>, FilterError> {
        let place = self.place();
        let literal = match place.token {
            Token::Text(text) => Literal::Text(text.into()),
            Token::Number(number) => Literal::Number(number),
            Token::Word("true") => Literal::Bool(true),
            Token::Word("false") => Literal::Bool(false),
            Token::Word("null") => {
                let (found, instead) = ("null".into(), "has(NAME) or !has(NAME)");
                return Err(FilterError::new(
                    place.at,
                    Fault::Instead { found, instead },
                ));
            }
            Token::Sign("-") => {
                self.step();
                let Token::Number(number) = self.token() else {
                    return Err(self.expected("a number"));
                };
                Literal::Number(match number {
                    Number::Whole(whole) => Number::Whole(whole.saturating_neg()),
                    Number::Double(double) => Number::Double(-double),
                })
            }
            Token::Word(_) | Token::Sign(_) | Token::End => return Ok(None),
        };
        self.step();
        Ok(Some(literal))
    }

    /// What begins with a name: a function, or a member and what is asked of it.
    fn named(&mut self) -> Result<Term, FilterError> {
        let place = self.place();
        let first = match place.token {
            Token::Word("in") => return Err(self.expected("a member or a value before in")),
            Token::Word(word) => Some(word),
            Token::Sign("@") => None,
            Token::Text(_) | Token::Number(_) | Token::Sign(_) | Token::End => {
                return Err(self.expected("a member, a value, ! or ("));
            }
        };
        self.step();
        if let Some(name) = first
            && matches!(self.token(), Token::Sign("("))
        {
            return self.function(name, place.at);
        }
        self.member(first, place.at.start)
    }

    fn function(&mut self, name: &str, at: Range<usize>) -> Result<Term, FilterError> {
        if name == "not" {
            let (found, instead) = (name.into(), "!(…)");
            return Err(FilterError::new(at, Fault::Instead { found, instead }));
        }
        if !FUNCTIONS.contains(&name) {
            return Err(unknown("function", name, at, &FUNCTIONS));
        }
        self.step();
        let Term::Operand(Operand::Path(path)) = self.named()? else {
            return Err(self.expected("a member"));
        };
        self.needs(")", ")")?;
        Ok(match name {
            "has" => Term::Condition(Condition::Has(path)),
            _ => Term::Operand(Operand::Size(path)),
        })
    }

    fn member(&mut self, first: Option<&str>, begin: usize) -> Result<Term, FilterError> {
        let mut names = Vec::new();
        let mut steps = Vec::new();
        if let Some(name) = first {
            steps.push(self.wanted.member(&mut names, name));
        }
        loop {
            if steps.len() > FILTER_DEPTH_MAX {
                let fault = Fault::Limit {
                    what: "members in one another",
                    got: steps.len(),
                    max: FILTER_DEPTH_MAX,
                };
                return Err(FilterError::new(begin..self.end(), fault));
            }
            let end = self.end();
            if self.takes(".") {
                let place = self.place();
                let Token::Word(name) = place.token else {
                    return Err(self.expected("the name of a member or a method"));
                };
                self.step();
                if self.takes("(") {
                    let at = begin..end;
                    self.wanted.end(&names);
                    return self.method(Path { steps, at }, name, place.at);
                }
                steps.push(self.wanted.member(&mut names, name));
            } else if self.takes("[") {
                match self.token() {
                    Token::Text(name) => steps.push(self.wanted.member(&mut names, &name)),
                    Token::Number(Number::Whole(entry)) if usize::try_from(entry).is_ok() => {
                        steps.push(Step::Entry(usize::try_from(entry).unwrap_or_default()));
                    }
                    Token::Word(_) | Token::Number(_) | Token::Sign(_) | Token::End => {
                        return Err(self.expected(
                            "the number of an entry, or the name of a member as a text",
                        ));
                    }
                }
                self.step();
                self.needs("]", "]")?;
            } else {
                let at = begin..end;
                self.wanted.end(&names);
                return Ok(Term::Operand(Operand::Path(Path { steps, at })));
            }
        }
    }

    /// `(` is taken.
    fn method(&mut self, path: Path, name: &str, at: Range<usize>) -> Result<Term, FilterError> {
        if name == "size" {
            self.needs(")", ")")?;
            return Ok(Term::Operand(Operand::Size(path)));
        }
        if !METHODS.contains(&name) {
            return Err(unknown("method", name, at, &METHODS));
        }
        let place = self.place();
        let Token::Text(text) = place.token else {
            return Err(self.expected("a text in quotes"));
        };
        self.step();
        self.needs(")", ")")?;
        let test = match name {
            "contains" => Test::Contains(text.into()),
            "startsWith" => Test::StartsWith(text.into()),
            "endsWith" => Test::EndsWith(text.into()),
            _ => self.pattern(&text, place.at)?,
        };
        Ok(Term::Condition(Condition::Test(path, test)))
    }

    fn pattern(&mut self, pattern: &str, at: Range<usize>) -> Result<Test, FilterError> {
        self.patterns = self.patterns.saturating_add(1);
        if self.patterns > FILTER_PATTERNS_MAX {
            let fault = Fault::Limit {
                what: "patterns in one expression",
                got: self.patterns,
                max: FILTER_PATTERNS_MAX,
            };
            return Err(FilterError::new(at, fault));
        }
        let built = RegexBuilder::new(pattern)
            .size_limit(FILTER_PATTERN_BYTES_MAX)
            .dfa_size_limit(FILTER_PATTERN_BYTES_MAX)
            .build();
        built.map(Test::Matches).map_err(|error| {
            let is_too_big = matches!(error, regex::Error::CompiledTooBig(_));
            let why = if is_too_big {
                TOO_BIG.to_owned()
            } else {
                // The last line says what; those before it draw the place.
                let words = error.to_string();
                let last = words.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            };
            FilterError::new(at, Fault::Pattern(why.into()))
        })
    }
}

/// Names of which there are few: all are told, the most similar first.
fn unknown(
    what: &'static str,
    name: &str,
    at: Range<usize>,
    known: &[&'static str],
) -> FilterError {
    let mut names = nearest(name, known.iter().copied());
    if names.is_empty() {
        names = known.iter().map(|name| (*name).into()).collect();
    }
    let (name, nearest) = (name.into(), names);
    FilterError::new(
        at,
        Fault::Unknown {
            what,
            name,
            nearest,
        },
    )
}
