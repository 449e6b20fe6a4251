//! Numbers as people read them.

/// `20000` as `20,000`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes with three digits and a decimal unit: `41.2 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return format!("{} {unit}", digits(value));
        }
        value /= 1000.0;
    }
    format!("{} TB", digits(value))
}

/// Seconds, in the unit that needs no zeros.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 0.9995e-3 => format!("{} µs", digits(s * 1e6)),
        s if s < 0.9995 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} s", digits(s)),
    }
}

/// Microseconds.
pub(super) fn micros(microseconds: f64) -> String {
    seconds(microseconds / 1e6)
}

/// `1 thread`, `2 threads`.
pub(super) fn threads(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// Three significant digits, or all of a larger number's.
fn digits(value: f64) -> String {
    match value {
        v if v >= 99.95 || v == 0.0 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn chooses_units() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(41_234_567), "41.2 MB");
        assert_eq!(bytes(999_600), "1.00 MB");
        assert_eq!(seconds(0.0000123), "12.3 µs");
        assert_eq!(seconds(0.00999), "9.99 ms");
        assert_eq!(seconds(12.34), "12.3 s");
        assert_eq!(micros(1500.0), "1.50 ms");
    }
}
