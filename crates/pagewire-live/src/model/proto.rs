//! The `.proto` of events.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Member, Names, Record, Shape};
use crate::event::{KIND_MEMBERS_FROM, event_record};

/// Events as a `.proto` file. The JSON of an event is what Protobuf's own rules read as a message `Event` of it.
pub fn event_proto() -> String {
    let mut file = String::from(
        "// What happens in live rooms. Made from the Rust types of pagewire-live; do not edit.\n\
         // The JSON of an event is that of a message Event (https://protobuf.dev/programming-guides/json/).\n\
         syntax = \"proto3\";\n\npackage pagewire.live.v1;\n",
    );
    let mut done = BTreeSet::new();
    let mut next = vec![event_record()];
    while let Some(record) = next.pop() {
        if done.insert(record.name) {
            message(&record, &mut file);
            let inner = record
                .members
                .iter()
                .filter_map(|member| inner(&member.shape));
            let mut inner: Vec<_> = inner.collect();
            inner.reverse();
            next.append(&mut inner);
        }
    }
    file
}

fn inner(shape: &Shape) -> Option<Record> {
    match shape {
        Shape::Record(of) => Some(of()),
        Shape::Optional(shape) | Shape::List(shape) => inner(shape),
        Shape::Text | Shape::Count | Shape::Flag | Shape::Bytes | Shape::Name(_) => None,
    }
}

fn message(record: &Record, file: &mut String) {
    file.push('\n');
    comment(record.doc, "", file);
    line(file, format_args!("message {} {{", record.name));
    let of_kinds = |member: &&Member| record.name == "Event" && member.number >= KIND_MEMBERS_FROM;
    for member in record.members.iter().filter(|member| !of_kinds(member)) {
        field(member, "  ", file);
    }
    let mut kinds = record.members.iter().filter(of_kinds).peekable();
    if kinds.peek().is_some() {
        line(
            file,
            format_args!("  // The member of the kind.\n  oneof body {{"),
        );
        kinds.for_each(|member| field(member, "    ", file));
        line(file, format_args!("  }}"));
    }
    line(file, format_args!("}}"));
}

fn field(member: &Member, indent: &str, file: &mut String) {
    comment(member.doc, indent, file);
    if let Shape::Name(Names(names)) = within(&member.shape) {
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        line(
            file,
            format_args!("{indent}// One of {}; more may come.", names.join(", ")),
        );
    }
    let label = match &member.shape {
        Shape::List(_) => "repeated ",
        // Members of a oneof have no label, and messages tell by themselves whether they are there.
        Shape::Optional(inner) if !matches!(**inner, Shape::Record(_)) => "optional ",
        Shape::Optional(_) | Shape::Text | Shape::Count | Shape::Flag | Shape::Bytes => "",
        Shape::Name(_) | Shape::Record(_) => "",
    };
    let of = type_name(within(&member.shape));
    line(
        file,
        format_args!("{indent}{label}{of} {} = {};", member.name, member.number),
    );
}

fn within(shape: &Shape) -> &Shape {
    match shape {
        Shape::Optional(inner) | Shape::List(inner) => within(inner),
        Shape::Text | Shape::Count | Shape::Flag | Shape::Bytes | Shape::Name(_) => shape,
        Shape::Record(_) => shape,
    }
}

fn type_name(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::Name(_) => "string",
        Shape::Count => "uint64",
        Shape::Flag => "bool",
        Shape::Bytes => "bytes",
        Shape::Record(of) => of().name,
        Shape::Optional(inner) | Shape::List(inner) => type_name(inner),
    }
}

fn comment(doc: &[&str], indent: &str, file: &mut String) {
    for text in doc {
        line(file, format_args!("{indent}// {}", text.trim()));
    }
}

fn line(file: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(file, "{text}").expect("a String takes all");
}
