//! Checking arguments against the schemas that a page gave for its function.
//!
//! All of `jsonschema` is generic, and is compiled in the crate that compiles a schema. That is this one, which is optimised for a short build (`Cargo.toml` of
//! the workspace): in the hub, whose own code has to be fast, it was a tenth of a cold build.

use jsonschema::{PatternOptions, Validator};
use pagewire_rpc::{Function, Payload};
use serde_json::Value;

/// Memory that one compiled `pattern` may take, in bytes.
pub const PATTERN_BYTES_MAX: usize = 256 << 10;
/// Longest explanation of a misfit that is passed on, in characters.
pub const EXPLANATION_CHARS_MAX: usize = 500;

/// The check of one function's arguments, made ready when the function is exposed.
#[derive(Debug)]
pub struct ArgumentCheck {
    params: Vec<ParamCheck>,
}

#[derive(Debug)]
struct ParamCheck {
    name: String,
    required: bool,
    schema: Option<Validator>,
}

impl ArgumentCheck {
    /// Compiles the schemas. None when the function says nothing of its parameters.
    ///
    /// # Errors
    ///
    /// The page's fault: a text that names the parameter whose schema is not valid JSON Schema, uses a remote reference, or has a pattern that is too large.
    pub fn compile(function: &Function) -> Result<Option<Self>, String> {
        let Some(params) = &function.params else {
            return Ok(None);
        };
        let params = params.iter().map(|param| {
            let schema = param.schema.as_ref().map(compile_schema).transpose();
            Ok(ParamCheck {
                name: param.name.clone(),
                required: param.required,
                schema: schema
                    .map_err(|why| format!("schema of parameter {:?}: {why}", param.name))?,
            })
        });
        params
            .collect::<Result<_, String>>()
            .map(|params| Some(Self { params }))
    }

    /// Says in words what does not fit.
    ///
    /// # Errors
    ///
    /// The caller's fault: the first misfit, in at most [`EXPLANATION_CHARS_MAX`] characters beside the name of the parameter.
    pub fn check(&self, arguments: &Payload) -> Result<(), String> {
        let Payload::Json(text) = arguments else {
            return self.check_count(1);
        };
        let arguments: Vec<Value> = serde_json::from_slice(text.as_bytes())
            .map_err(|error| format!("the arguments cannot be checked: {error}"))?;
        self.check_count(arguments.len())?;
        for (param, value) in self.params.iter().zip(&arguments) {
            let Some(schema) = &param.schema else {
                continue;
            };
            schema.validate(value).map_err(|error| {
                let place = error.instance_path().to_string();
                clipped(format!("argument {:?}{place}: {error}", param.name))
            })?;
        }
        Ok(())
    }

    fn check_count(&self, count: usize) -> Result<(), String> {
        if let Some(missing) = self.params.iter().skip(count).find(|param| param.required) {
            return Err(format!(
                "argument {:?} is missing ({count} given)",
                missing.name
            ));
        }
        if count > self.params.len() {
            return Err(format!(
                "{count} arguments given, the function takes at most {} (one array as one argument is written [[…]])",
                self.params.len()
            ));
        }
        Ok(())
    }
}

fn compile_schema(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(
            PatternOptions::regex()
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_BYTES_MAX),
        )
        .build(schema)
        .map_err(|error| clipped(error.to_string()))
}

fn clipped(text: String) -> String {
    match text.char_indices().nth(EXPLANATION_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pagewire_rpc::JsonText;

    fn check(params: &str) -> Result<Option<ArgumentCheck>, String> {
        let function = format!(r#"{{"name":"f","params":{params}}}"#);
        ArgumentCheck::compile(&serde_json::from_str(&function).expect("a function"))
    }

    #[test]
    fn misfits_are_named() {
        let check = check(
            r#"[{"name":"sku","required":true,"schema":{"type":"string","pattern":"^[A-Z]+$"}},
                {"name":"options","schema":{"type":"object","properties":{"n":{"type":"integer"}}}},{"name":"any"}]"#,
        )
        .unwrap()
        .unwrap();
        let cases = [
            (r#"["A"]"#, ""),
            (r#"["A",{"n":1},[1]]"#, ""),
            ("[]", r#"argument "sku" is missing"#),
            (
                r#"["A",{},1,2]"#,
                "4 arguments given, the function takes at most 3",
            ),
            ("[1]", r#"argument "sku": 1 is not of type "string""#),
            (r#"["a"]"#, r#"argument "sku": "a" does not match"#),
            (
                r#"["A",{"n":"x"}]"#,
                r#"argument "options"/n: "x" is not of type "integer""#,
            ),
        ];
        for (arguments, expected) in cases {
            let payload = Payload::Json(JsonText::parse(arguments.into()).unwrap());
            let got = check.check(&payload).err().unwrap_or_default();
            assert!(
                got.starts_with(expected) && got.is_empty() == expected.is_empty(),
                "{arguments}: {got}"
            );
        }
    }

    #[test]
    fn bad_schemas_are_refused_when_exposed() {
        for schema in [
            r#"{"type":"nonsense"}"#,
            r#"{"$ref":"https://example.invalid/x.json"}"#,
            r#"{"pattern":"(a{1000}){1000}"}"#,
        ] {
            let params = format!(r#"[{{"name":"x","schema":{schema}}}]"#);
            assert!(check(&params).unwrap_err().contains("\"x\""), "{schema}");
        }
        assert!(
            ArgumentCheck::compile(&serde_json::from_str(r#"{"name":"f"}"#).unwrap())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn explanations_are_cut_at_their_limit() {
        let at = "x".repeat(EXPLANATION_CHARS_MAX);
        assert_eq!(clipped(at.clone()), at);
        assert_eq!(clipped(format!("{at}x")), format!("{at}…"));
    }
}
