//! What close codes mean.

/// Says that the connection was lost; never sent (RFC 6455 §7.4.1).
pub(crate) const ABNORMAL: u16 = 1006;
/// Stands for a close frame without a code; never sent either.
pub(crate) const NO_STATUS: u16 = 1005;

/// The name of a close code: RFC 6455 §7.4.1, then IANA's WebSocket Close Code Number Registry.
pub(crate) fn name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        NO_STATUS => "no status received",
        ABNORMAL => "abnormal closure",
        1007 => "invalid frame payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake",
        3000 => "unauthorized",
        3003 => "forbidden",
        3008 => "timeout",
        3001..=3999 => "registered for a library or framework",
        4000..=4999 => "private use; ask the server's documentation",
        _ => "not assigned",
    }
}

/// True where the server ended the connection as planned: done, going away, or without a word.
pub(crate) fn is_normal(code: u16) -> bool {
    matches!(code, 1000 | 1001 | NO_STATUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_names_and_kinds() {
        let cases = [
            (999, "not assigned", false),
            (1000, "normal closure", true),
            (1001, "going away", true),
            (1004, "not assigned", false),
            (1005, "no status received", true),
            (1006, "abnormal closure", false),
            (1011, "internal error", false),
            (1016, "not assigned", false),
            (2999, "not assigned", false),
            (3000, "unauthorized", false),
            (3002, "registered for a library or framework", false),
            (3999, "registered for a library or framework", false),
            (4000, "private use; ask the server's documentation", false),
            (4999, "private use; ask the server's documentation", false),
            (5000, "not assigned", false),
        ];
        for (code, words, normal) in cases {
            assert_eq!((name(code), is_normal(code)), (words, normal), "{code}");
        }
    }
}
