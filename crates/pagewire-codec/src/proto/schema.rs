//! `.proto` files, compiled at run time.

use std::collections::HashMap;
use std::path::Path;

use prost_reflect::DescriptorPool;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::table::{self, Table};

/// Where the text of `.proto` files comes from. The well-known types of Google (`google/protobuf/*.proto`) are there without it.
pub trait SchemaSource {
    /// The text of a file by the name that `import` uses, or none where there is no such file.
    fn read(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> SchemaSource for F {
    fn read(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// A set of message types.
#[derive(Debug)]
pub struct Schema {
    pub(super) pool: DescriptorPool,
    pub(super) tables: Vec<Table>,
    pub(super) by_name: HashMap<Box<str>, MessageId>,
}

/// A message type of one [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId(pub(super) usize);

/// Why there is no schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A file that is not there or has a mistake in it.
    #[error("{0}")]
    Compile(String),
    /// A name that no message has.
    #[error("there is no message {name} in the schema; it has {known}")]
    NoMessage {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// No message was named, and the file has not exactly one.
    #[error("the message must be named, as the schema has {known}")]
    NotOne {
        /// Those that there are.
        known: String,
    },
}

/// Messages that are listed where one is not found.
const LISTED: usize = 12;

impl Schema {
    /// Compiles a file and what it imports. No program `protoc` is needed.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Compile`] with the file, the line and what is wrong there.
    pub fn compile(file: &str, source: impl SchemaSource + 'static) -> Result<Self, SchemaError> {
        let mut files = ChainFileResolver::new();
        files.add(Files(source));
        files.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(files);
        compiler.include_imports(true);
        let compiled = compiler.open_file(file);
        compiled.map_err(|error| SchemaError::Compile(told(&error)))?;
        Ok(Self::of(compiler.descriptor_pool()))
    }

    fn of(pool: DescriptorPool) -> Self {
        let tables = table::tables(&pool);
        let messages = pool.all_messages().enumerate();
        let by_name = messages
            .map(|(id, message)| (message.full_name().into(), MessageId(id)))
            .collect();
        Self {
            pool,
            tables,
            by_name,
        }
    }

    /// A message by its full name (`shop.v1.Order`), or by its last part (`Order`) where only one message has that.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NoMessage`], which lists messages that there are.
    pub fn message(&self, name: &str) -> Result<MessageId, SchemaError> {
        if let Some(id) = self.by_name.get(name) {
            return Ok(*id);
        }
        let ends = |full: &str| full.rsplit('.').next() == Some(name);
        let mut found = self.by_name.iter().filter(|(full, _)| ends(full));
        if let (Some((_, id)), None) = (found.next(), found.next()) {
            return Ok(*id);
        }
        Err(SchemaError::NoMessage {
            name: name.to_owned(),
            known: self.listed(),
        })
    }

    /// All messages with their full names, those of imported files too.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &str)> {
        let names = self.tables.iter().map(|table| &*table.name).enumerate();
        names.map(|(id, name)| (MessageId(id), name))
    }

    /// The message of the file that was compiled, where it has one that is in no other one.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NotOne`], which lists messages that there are.
    pub fn only_message(&self) -> Result<MessageId, SchemaError> {
        let file = self.pool.files().last();
        let mut messages = file.iter().flat_map(|file| file.messages());
        match (messages.next(), messages.next()) {
            (Some(one), None) => self.message(one.full_name()),
            _ => Err(SchemaError::NotOne {
                known: self.listed(),
            }),
        }
    }

    /// The full name of a message.
    pub fn name(&self, id: MessageId) -> &str {
        self.tables.get(id.0).map_or("", |table| &table.name)
    }

    /// Names of messages, those of Google's files left out.
    fn listed(&self) -> String {
        let names = self.tables.iter().map(|table| &*table.name);
        let mut names: Vec<_> = names
            .filter(|name| !name.starts_with("google.protobuf."))
            .collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(LISTED);
        names.truncate(LISTED);
        match (names.is_empty(), more) {
            (true, _) => "none".to_owned(),
            (false, 0) => names.join(", "),
            (false, more) => format!("{} and {more} more", names.join(", ")),
        }
    }
}

struct Files<S>(S);

impl<S: SchemaSource> FileResolver for Files<S> {
    /// Names are paths already.
    fn resolve_path(&self, path: &Path) -> Option<String> {
        path.to_str().map(str::to_owned)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.read(name) {
            Some(text) => File::from_source(name, &text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The error with its place, in one line.
fn told(error: &protox::Error) -> String {
    let place = error
        .file()
        .map_or_else(String::new, |file| format!("{file}: "));
    let text = error.to_string();
    // Some say the file themselves.
    if text.contains(place.trim_end_matches(": ")) {
        text
    } else {
        format!("{place}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &'static str) -> Result<Schema, String> {
        let source = move |name: &str| match name {
            "shop.proto" => Some(text.to_owned()),
            "user.proto" => {
                Some("syntax = \"proto3\"; package shop; message User { int32 id = 1; }".to_owned())
            }
            _ => None,
        };
        Schema::compile("shop.proto", source).map_err(|error| error.to_string())
    }

    #[test]
    fn files_import_each_other_and_the_well_known_types() {
        let schema = compile(
            "syntax = \"proto3\"; package shop; import \"user.proto\"; import \"google/protobuf/timestamp.proto\";
            message Order { User user = 1; google.protobuf.Timestamp at = 2; message Item { string name = 1; } repeated Item items = 3; }",
        )
        .unwrap();
        let order = schema.message("shop.Order").unwrap();
        assert_eq!(schema.message("Order").unwrap(), order);
        assert_eq!(
            schema.name(schema.message("Item").unwrap()),
            "shop.Order.Item"
        );
        assert_eq!(
            schema.message("Orders").unwrap_err().to_string(),
            "there is no message Orders in the schema; it has shop.Order, shop.Order.Item, shop.User"
        );
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let cases = [
            ("message A { string name = ; }", "shop.proto"),
            ("syntax = \"proto3\"; import \"none.proto\";", "none.proto"),
            ("syntax = \"proto3\"; message A { B b = 1; }", "'B'"),
        ];
        for (text, place) in cases {
            let error = compile(text).unwrap_err();
            assert!(error.contains(place), "{error}");
        }
    }
}
