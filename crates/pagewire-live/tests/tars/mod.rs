//! Tars, written as its description says, and with nothing of the code that is tested.

/// A value of a field.
#[derive(Debug, Clone)]
pub(crate) enum Field<'a> {
    /// In the smallest type that holds it.
    Int(i64),
    Text(&'a str),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Struct(Vec<(u8, Self)>),
}

/// Fields with no struct around them.
pub(crate) fn message(fields: &[(u8, Field<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, field) in fields {
        write(*tag, field, &mut out);
    }
    out
}

fn write(tag: u8, field: &Field<'_>, out: &mut Vec<u8>) {
    match field {
        Field::Int(0) => head(tag, 12, out),
        Field::Int(number) => {
            let bytes = number.to_be_bytes();
            let (kind, length) = match number {
                -0x80..=0x7f => (0, 1),
                -0x8000..=0x7fff => (1, 2),
                -0x8000_0000..=0x7fff_ffff => (2, 4),
                _ => (3, 8),
            };
            head(tag, kind, out);
            out.extend(&bytes[8 - length..]);
        }
        Field::Text(text) => {
            if let Ok(length) = u8::try_from(text.len()) {
                head(tag, 6, out);
                out.push(length);
            } else {
                let length = u32::try_from(text.len()).expect("a text below 4 GiB");
                head(tag, 7, out);
                out.extend(length.to_be_bytes());
            }
            out.extend(text.as_bytes());
        }
        Field::Bytes(bytes) => {
            head(tag, 13, out);
            head(0, 0, out);
            write(0, &Field::Int(bytes.len() as i64), out);
            out.extend(bytes);
        }
        Field::List(items) => {
            head(tag, 9, out);
            write(0, &Field::Int(items.len() as i64), out);
            for item in items {
                write(0, item, out);
            }
        }
        Field::Struct(fields) => {
            head(tag, 10, out);
            out.extend(message(fields));
            head(0, 11, out);
        }
    }
}

fn head(tag: u8, kind: u8, out: &mut Vec<u8>) {
    if tag < 15 {
        out.push(tag << 4 | kind);
    } else {
        out.extend([0xf0 | kind, tag]);
    }
}
