//! Writing STT.

/// Writes the items of a message, and escapes them.
#[derive(Debug, Clone, Default)]
pub struct SttWriter {
    message: String,
}

impl SttWriter {
    /// What was written.
    pub fn into_message(self) -> String {
        self.message
    }

    /// A value with a key.
    pub fn field(&mut self, key: &str, value: &str) -> &mut Self {
        escape(key, &mut self.message);
        self.message.push_str("@=");
        self.item(value)
    }

    /// A value without a key, for lists.
    pub fn item(&mut self, value: &str) -> &mut Self {
        escape(value, &mut self.message);
        self.message.push('/');
        self
    }

    /// A message within this one, whose items `write` writes.
    pub fn nested(&mut self, key: &str, write: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self::default();
        write(&mut inner);
        self.field(key, &inner.message)
    }
}

fn escape(text: &str, to: &mut String) {
    for c in text.chars() {
        match c {
            '@' => to.push_str("@A"),
            '/' => to.push_str("@S"),
            _ => to.push(c),
        }
    }
}
