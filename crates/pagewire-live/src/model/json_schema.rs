//! The JSON Schema of events.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Member, Names, Record, Shape};
use crate::event::event_record;

/// The JSON Schema (2020-12) of an event. Objects may have more members than it tells: newer versions add some.
pub fn event_json_schema() -> Value {
    let event = event_record();
    let mut records = BTreeMap::new();
    let mut schema = object(&event, &mut records);
    let kinds = event.members.iter().find(|member| member.name == "kind");
    if let Some(Shape::Name(kinds)) = kinds.map(|member| &member.shape) {
        schema.insert(
            "oneOf".into(),
            kinds.0.iter().map(|(kind, _)| of_kind(kind)).collect(),
        );
    }
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".into(), json!("Event"));
    schema.insert(
        "$defs".into(),
        records.into_iter().collect::<Map<_, _>>().into(),
    );
    schema.into()
}

/// An event of this kind has a member of its name.
fn of_kind(kind: &str) -> Value {
    json!({"properties": {"kind": {"const": kind}}, "required": [kind.replace('.', "_")]})
}

fn object(record: &Record, records: &mut BTreeMap<String, Value>) -> Map<String, Value> {
    let mut properties = Map::new();
    for member in &record.members {
        let mut schema = value(&member.shape, records);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".into(), text(member.doc).into());
        }
        properties.insert(member.name.into(), schema);
    }
    let required = record.members.iter().filter(|member| is_required(member));
    let required: Vec<_> = required.map(|member| member.name).collect();
    let mut object = Map::new();
    object.insert("type".into(), "object".into());
    object.insert("description".into(), text(record.doc).into());
    object.insert("properties".into(), properties.into());
    if !required.is_empty() {
        object.insert("required".into(), required.into());
    }
    object
}

const fn is_required(member: &Member) -> bool {
    match member.shape {
        Shape::Text | Shape::Count | Shape::Bytes | Shape::Name(_) | Shape::Record(_) => true,
        Shape::Flag | Shape::Optional(_) | Shape::List(_) => false,
    }
}

fn value(shape: &Shape, records: &mut BTreeMap<String, Value>) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Shape::Name(Names(names)) => {
            let names = names
                .iter()
                .map(|(name, doc)| json!({"const": name, "description": text(doc)}));
            json!({"anyOf": names.collect::<Vec<_>>()})
        }
        Shape::Record(of) => {
            let record = of();
            let known = records.contains_key(record.name);
            if !known {
                records.insert(record.name.into(), Value::Null);
                let schema = object(&record, records);
                records.insert(record.name.into(), schema.into());
            }
            json!({"$ref": format!("#/$defs/{}", record.name)})
        }
        Shape::Optional(inner) => value(inner, records),
        Shape::List(inner) => json!({"type": "array", "items": value(inner, records)}),
    }
}

fn text(doc: &[&str]) -> String {
    doc.iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}
