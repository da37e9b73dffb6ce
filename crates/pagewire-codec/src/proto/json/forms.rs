//! Messages whose JSON is not an object of their fields.

use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::{Found, Place, Transcoder, body};
use crate::error::{DecodeError, Fault};
use crate::proto::schema::MessageId;
use crate::proto::table::{Form, Holds};

impl<'a> Transcoder<'_, 'a> {
    /// A message of the type that the first field names, in the bytes of the second: its type stands among its fields, or beside it where it is
    /// no object of fields. Not by the library, for that goes as deep as the input.
    pub(super) fn any(&mut self, begin: usize, place: Place) -> Result<(), DecodeError> {
        let found = self.found.get(begin..).unwrap_or_default();
        let last = |field| found.iter().rfind(|found| found.field == field).copied();
        let (url, value) = (last(0), last(1));
        self.found.truncate(begin);
        let (url, id) = self.type_of_any(url, place)?;
        self.out.extend_from_slice(b"{\"@type\":");
        self.scalar(&Holds::String, url)?;
        let has_own_form = self.table(id.0).is_some_and(|table| match table.form {
            Form::Fields => &*table.name == "google.protobuf.Empty",
            Form::Any | Form::WellKnown(_) => true,
        });
        if has_own_form {
            self.out.extend_from_slice(b",\"value\":");
        }
        let inner_at = self.out.len();
        let (bytes, at) = value.map_or((&[][..], place.at), |value| (body(value.value), value.at));
        self.message(id.0, bytes, place.inner(at))?;
        if has_own_form {
            self.out.push(b'}');
        } else if self.out.get(inner_at..) == Some(b"{}") {
            self.out.remove(inner_at);
        } else if let Some(brace) = self.out.get_mut(inner_at) {
            *brace = b',';
        }
        Ok(())
    }

    /// Its field that names the type, and the type.
    fn type_of_any(
        &self,
        url: Option<Found<'a>>,
        place: Place,
    ) -> Result<(Found<'a>, MessageId), DecodeError> {
        let text = url.and_then(|url| std::str::from_utf8(body(url.value)).ok());
        let name = text.and_then(|text| Some(text.rsplit_once('/')?.1));
        let id = name.and_then(|name| self.schema.by_name.get(name));
        url.zip(id.copied()).ok_or_else(|| {
            let why = "the type of a google.protobuf.Any is not in the schema";
            DecodeError::at(url.map_or(place.at, |url| url.at), Fault::Malformed(why))
        })
    }

    /// These are rare, and their JSON has rules of its own; a library knows them.
    pub(super) fn well_known(
        &mut self,
        descriptor: &MessageDescriptor,
        bytes: &[u8],
        place: Place,
    ) -> Result<(), DecodeError> {
        let wrong = |why| DecodeError::at(place.at, Fault::Malformed(why));
        let message = DynamicMessage::decode(descriptor.clone(), bytes)
            .map_err(|_| wrong("a message of google.protobuf cannot be read"))?;
        serde_json::to_writer(&mut *self.out, &message)
            .map_err(|_| wrong("a message of google.protobuf has no JSON"))
    }
}
