//! `--signer` texts: what signs, as a person writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use http::Uri;
use pagewire_rpc::{FunctionName, GroupName};

/// Which signer a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerAddress {
    /// `page:GROUP/FUNCTION`: a function that a page of the hub exposes.
    Page {
        /// The group.
        group: GroupName,
        /// The function.
        function: FunctionName,
    },
    /// `script:FILE#FUNCTION`: a function of a JavaScript file.
    Script {
        /// The file.
        file: PathBuf,
        /// Its name, or a path of names such as `signer.sign`.
        function: String,
    },
    /// `command:PROGRAM ARGUMENT…` or `command:["PROGRAM", "ARGUMENT", …]`: a program, without a shell.
    Command {
        /// Looked for in `PATH` when it has no slash.
        program: String,
        /// As they are.
        arguments: Vec<String>,
    },
    /// `http://…` or `https://…`: a server that is asked with POST.
    Http(Uri),
}

/// The forms, for errors.
const FORMS: &str =
    "page:GROUP/FUNCTION, script:FILE#FUNCTION, command:PROGRAM ARGUMENT…, http://… or https://…";

impl FromStr for SignerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("{text:?} names no kind of signer; write {FORMS}"))?;
        match kind {
            "page" => page(rest),
            "script" => script(rest),
            "command" => command(rest),
            "http" | "https" => address(text),
            _ => Err(format!("{kind:?} is no kind of signer; write {FORMS}")),
        }
    }
}

fn page(rest: &str) -> Result<SignerAddress, String> {
    let (group, function) = rest
        .split_once('/')
        .ok_or_else(|| format!("page:{rest} names no function; write page:GROUP/FUNCTION"))?;
    let wrong = |error: pagewire_rpc::Error| format!("page:{rest}: {error}");
    Ok(SignerAddress::Page {
        group: GroupName::new(group).map_err(wrong)?,
        function: FunctionName::new(function).map_err(wrong)?,
    })
}

fn script(rest: &str) -> Result<SignerAddress, String> {
    let (file, function) = rest
        .rsplit_once('#')
        .ok_or_else(|| format!("script:{rest} names no function; write script:{rest}#FUNCTION"))?;
    if file.is_empty() {
        return Err("script: names no file; write script:FILE#FUNCTION".to_owned());
    }
    if !function.split('.').all(is_identifier) {
        return Err(format!(
            "{function:?} is no name of a function, such as sign or signer.sign"
        ));
    }
    Ok(SignerAddress::Script {
        file: PathBuf::from(file),
        function: function.to_owned(),
    })
}

/// An identifier of JavaScript, without the escapes that nobody writes.
fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    let begins = |letter: char| letter.is_alphabetic() || letter == '_' || letter == '$';
    letters.next().is_some_and(begins)
        && letters.all(|letter| begins(letter) || letter.is_alphanumeric())
}

fn command(rest: &str) -> Result<SignerAddress, String> {
    let mut words = if rest.trim_start().starts_with('[') {
        let words: Result<Vec<String>, _> = serde_json::from_str(rest);
        words.map_err(|error| format!("command:{rest} is no JSON list of texts: {error}"))?
    } else if rest.contains(['"', '\'', '\\']) {
        return Err(format!(
            "command:{rest} has quotes, and no shell is there to read them; write a JSON list: command:[\"PROGRAM\", \"ARGUMENT\"]"
        ));
    } else {
        rest.split_whitespace().map(str::to_owned).collect()
    };
    if words
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        return Err("command: names no program; write command:PROGRAM ARGUMENT…".to_owned());
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err("command: a program cannot be given a zero byte".to_owned());
    }
    Ok(SignerAddress::Command {
        program: words.remove(0),
        arguments: words,
    })
}

fn address(text: &str) -> Result<SignerAddress, String> {
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("{text:?} is no address: {error}"))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("an address with a name and a password is not taken; put a key into the query, or use command:".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(format!("{text:?} names no host"));
    }
    Ok(SignerAddress::Http(uri))
}

/// As it was written, without what may be secret: a query, and the arguments of a program.
impl fmt::Display for SignerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { group, function } => write!(f, "page:{group}/{function}"),
            Self::Script { file, function } => write!(f, "script:{}#{function}", file.display()),
            Self::Command { program, arguments } => {
                let more = if arguments.is_empty() { "" } else { " …" };
                write!(f, "command:{program}{more}")
            }
            Self::Http(uri) => {
                let authority = uri.authority().map_or("", |authority| authority.as_str());
                let scheme = uri.scheme_str().unwrap_or("http");
                let query = if uri.query().is_some() { "?…" } else { "" };
                write!(f, "{scheme}://{authority}{}{query}", uri.path())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_and_shown_without_secrets() {
        let command = |words: &[&str]| SignerAddress::Command {
            program: words[0].into(),
            arguments: words[1..].iter().map(|word| (*word).to_owned()).collect(),
        };
        let script = |file: &str, function: &str| SignerAddress::Script {
            file: file.into(),
            function: function.into(),
        };
        let page = SignerAddress::Page {
            group: GroupName::new("douyin").unwrap(),
            function: FunctionName::new("sign").unwrap(),
        };
        let http = |text: &str| SignerAddress::Http(text.parse().unwrap());
        let cases = [
            ("page:douyin/sign", page, "page:douyin/sign"),
            (
                "script:a b.js#sign",
                script("a b.js", "sign"),
                "script:a b.js#sign",
            ),
            (
                "script:C:\\x#1.js#$a._b2",
                script("C:\\x#1.js", "$a._b2"),
                "script:C:\\x#1.js#$a._b2",
            ),
            (
                "command:node  sign.js",
                command(&["node", "sign.js"]),
                "command:node …",
            ),
            ("command:./sign", command(&["./sign"]), "command:./sign"),
            (
                "command: [\"/a b/sign\", \"\", \"it's\"]",
                command(&["/a b/sign", "", "it's"]),
                "command:/a b/sign …",
            ),
            (
                "http://127.0.0.1:8080/sign?key=secret",
                http("http://127.0.0.1:8080/sign?key=secret"),
                "http://127.0.0.1:8080/sign?…",
            ),
            ("https://h", http("https://h"), "https://h/"),
        ];
        for (text, expected, shown) in cases {
            let address: SignerAddress = text.parse().expect(text);
            assert_eq!(address, expected, "{text}");
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_names_no_signer_is_refused_with_the_form_to_write() {
        let cases = [
            ("sign", "names no kind"),
            ("file:x.js", "\"file\" is no kind of signer; write page:"),
            ("page:douyin", "names no function"),
            ("page:dou yin/sign", "group name"),
            ("page:douyin/", "function name"),
            ("script:x.js", "write script:x.js#FUNCTION"),
            ("script:#sign", "names no file"),
            ("script:x.js#", "no name of a function"),
            ("script:x.js#a-b", "no name of a function"),
            ("script:x.js#a..b", "no name of a function"),
            ("script:x.js#alert(1)", "no name of a function"),
            ("command:", "names no program"),
            ("command:[]", "names no program"),
            ("command:[1]", "no JSON list of texts"),
            ("command:node 'a b'", "JSON list"),
            ("command:[\"a\\u0000\"]", "zero byte"),
            ("http://", "no address"),
            ("https://me:pw@h/", "password"),
        ];
        for (text, words) in cases {
            let error = text.parse::<SignerAddress>().expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
