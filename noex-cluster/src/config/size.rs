//! Pure: sizes as text, such as `64KiB`, `16MiB`, `1GiB`, or a number of bytes.

/// Reads a whole number with its unit, or without one if it is in bytes.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: usize = number.parse().ok()?;
    let shift = match unit {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_whole_number_with_a_unit_or_a_number_of_bytes() {
        for (text, size) in [
            ("0", 0),
            ("70000", 70_000),
            ("64KiB", 64 << 10),
            ("16MiB", 16 << 20),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(parse_size(text), Some(size), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_size() {
        for text in [
            "",
            "MiB",
            "-1",
            "1.5MiB",
            "1 MiB",
            "1MB",
            "1mib",
            "1š",
            "99999999999999999999",
            "18446744073709551615GiB",
        ] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
