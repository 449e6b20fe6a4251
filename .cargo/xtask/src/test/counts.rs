//! How many tests ran, read from what the runners print.

use std::ops::AddAssign;

/// Tests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Counts {
    /// Tests that gave an answer.
    pub(crate) fn ran(self) -> usize {
        self.passed + self.failed
    }

    /// The sum of all result lines of an output.
    pub(crate) fn of(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines() {
            counts += of_line(line.trim());
        }
        counts
    }
}

/// Reads one line in any of the formats in use:
///
/// - `cargo test`: `test result: ok. 3 passed; 0 failed; 1 ignored; …`
/// - the test runner of Node.js: `# pass 3` or `ℹ pass 3`, each count on its own line
/// - the project's own programs: `3 passed, 0 failed`, also followed by `, 1 skipped`
fn of_line(line: &str) -> Counts {
    if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
        return of_node(rest);
    }
    let summary = match line.strip_prefix("test result: ") {
        Some(rest) => rest.split_once(". ").map_or("", |(_, counts)| counts),
        None => line,
    };
    of_summary(summary).unwrap_or_default()
}

fn of_node(rest: &str) -> Counts {
    let mut counts = Counts::default();
    if let Some((name, Ok(number))) =
        rest.split_once(' ').map(|(name, number)| (name, number.parse::<usize>()))
    {
        match name {
            "pass" => counts.passed = number,
            "fail" | "cancelled" => counts.failed = number,
            "skipped" | "todo" => counts.skipped = number,
            _ => {}
        }
    }
    counts
}

/// `N passed, N failed` with either separator and anything known after it; `None` for other text.
fn of_summary(text: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut parts = text.split([',', ';']).map(str::trim);
    counts.passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    counts.failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    for part in parts {
        if let Some(number) = part.strip_suffix(" ignored").or(part.strip_suffix(" skipped")) {
            counts.skipped = number.parse().ok()?;
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn cargo_result_lines_are_added_up() {
        let output = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.1s\n\
            test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Counts::of(output), counts(7, 2, 1));
    }

    #[test]
    fn node_prints_one_count_a_line() {
        let output =
            "# tests 7\n# suites 1\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n";
        assert_eq!(Counts::of(output), counts(5, 2, 2));
        assert_eq!(Counts::of("ℹ pass 5\nℹ fail 0\n"), counts(5, 0, 0));
    }

    #[test]
    fn own_programs_print_one_line() {
        assert_eq!(Counts::of("12 passed, 1 failed"), counts(12, 1, 0));
        assert_eq!(Counts::of("  12 passed, 0 failed, 3 skipped"), counts(12, 0, 3));
    }

    #[test]
    fn other_text_counts_nothing() {
        let output =
            "5 passed\nall 3 passed, 0 failed\n# passing 3\n3 failed, 3 passed\ntest result: ok\n";
        assert_eq!(Counts::of(output), Counts::default());
    }
}
