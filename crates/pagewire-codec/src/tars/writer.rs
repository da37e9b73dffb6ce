//! Writing Tars.

use super::head::{LONG_TAG, Type};

/// Writes fields, which must come in ascending order of their tags.
#[derive(Debug, Clone, Default)]
pub struct TarsWriter {
    bytes: Vec<u8>,
}

impl TarsWriter {
    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An integer, in the smallest type that holds it.
    pub fn integer(&mut self, tag: u8, value: i64) -> &mut Self {
        if value == 0 {
            self.head(tag, Type::Zero);
        } else if let Ok(value) = i8::try_from(value) {
            self.number(tag, Type::Int8, value.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.number(tag, Type::Int16, value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.number(tag, Type::Int32, value.to_be_bytes());
        } else {
            self.number(tag, Type::Int64, value.to_be_bytes());
        }
        self
    }

    /// A 32-bit float.
    pub fn float(&mut self, tag: u8, value: f32) -> &mut Self {
        self.number(tag, Type::Float, value.to_be_bytes())
    }

    /// A 64-bit float.
    pub fn double(&mut self, tag: u8, value: f64) -> &mut Self {
        self.number(tag, Type::Double, value.to_be_bytes())
    }

    /// A string.
    pub fn text(&mut self, tag: u8, text: &str) -> &mut Self {
        self.string(tag, text.as_bytes())
    }

    /// A string of bytes that need not be UTF-8.
    ///
    /// # Panics
    ///
    /// Where it is 4 GiB long, which Tars cannot say.
    pub fn string(&mut self, tag: u8, bytes: &[u8]) -> &mut Self {
        if let Ok(length) = u8::try_from(bytes.len()) {
            self.number(tag, Type::ShortString, [length]);
        } else {
            let length = u32::try_from(bytes.len()).expect("a string of Tars is below 4 GiB");
            self.number(tag, Type::LongString, length.to_be_bytes());
        }
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A byte list.
    pub fn bytes(&mut self, tag: u8, bytes: &[u8]) -> &mut Self {
        self.head(tag, Type::Bytes).head(0, Type::Int8);
        self.count(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A struct, whose fields `write` writes.
    pub fn structure(&mut self, tag: u8, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.head(tag, Type::StructBegin);
        write(self);
        self.head(0, Type::StructEnd)
    }

    /// A list. `write` writes each item as one field with the tag 0.
    pub fn list<T>(
        &mut self,
        tag: u8,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.head(tag, Type::List).items(items, write)
    }

    /// A map. `write` writes each pair as two fields: the key with the tag 0, and the value with the tag 1.
    pub fn map<T>(
        &mut self,
        tag: u8,
        pairs: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.head(tag, Type::Map).items(pairs, write)
    }

    fn items<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        let items = items.into_iter();
        self.count(items.len());
        for item in items {
            write(self, item);
        }
        self
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.integer(0, i64::try_from(count).unwrap_or(i64::MAX))
    }

    fn number<const N: usize>(&mut self, tag: u8, kind: Type, bytes: [u8; N]) -> &mut Self {
        self.head(tag, kind).bytes.extend_from_slice(&bytes);
        self
    }

    fn head(&mut self, tag: u8, kind: Type) -> &mut Self {
        // The types stand in the order of their numbers.
        let kind = kind as u8;
        if tag < LONG_TAG {
            self.bytes.push(tag << 4 | kind);
        } else {
            self.bytes.extend([LONG_TAG << 4 | kind, tag]);
        }
        self
    }
}
