//! How fast a journal is told, as somebody types it.

/// So many times as fast as it was, above 0. None for `max`.
pub(crate) fn parse_times(text: &str) -> Result<Option<f64>, String> {
    if text == "max" {
        return Ok(None);
    }
    match text.trim_end_matches('x').parse::<f64>() {
        Ok(times) if times.is_finite() && times > 0.0 => Ok(Some(times)),
        Ok(_) | Err(_) => Err("it is a number above 0, such as 1 or 2.5, or max".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_max_or_a_number_above_0() {
        for (text, times) in [("max", None), ("1", Some(1.0)), ("2.5x", Some(2.5))] {
            assert_eq!(parse_times(text), Ok(times), "{text}");
        }
        for text in ["0", "-1", "inf", "NaN", "fast", ""] {
            assert!(parse_times(text).is_err(), "{text}");
        }
    }
}
