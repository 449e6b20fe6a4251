//! The stress tests under LLVM's sanitizers: one finds races, one memory that is used after it was
//! given back, or beyond its end.
//!
//! Nothing is suppressed. Each sanitizer is also shown a planted fault, and has failed if it is
//! silent about that.

use super::areas::{Step, Tally, tests};
use crate::{toolchain, workspace};
use std::process::Command;

/// A sanitizer, and what it is to watch.
struct Sanitizer {
    name: &'static str,
    flags: &'static [&'static str],
    /// Whether the standard library is to be watched as well: what its locks and channels order
    /// would be taken for races otherwise. Its memory comes from the system, which is watched.
    with_std: bool,
    /// Test programs, and of each the tests with this in their names.
    suites: &'static [(&'static str, &'static str)],
    /// The test of the program `planted` with a fault, and what is said of it.
    planted: (&'static str, &'static str),
}

/// It does not see fences: the core loads otherwise where it would use one. Only what several
/// threads do together is worth its time.
const THREAD: Sanitizer = Sanitizer {
    name: "thread",
    flags: &["-Zsanitizer=thread", "-Clink-arg=-fsanitize=thread", "--cfg=ecphory_tsan"],
    with_std: true,
    suites: &[("churn", "survive"), ("history", ""), ("insert", ""), ("live", "an_update_is_seen")],
    planted: ("links_that_publish_nothing", "WARNING: ThreadSanitizer: data race"),
};

const ADDRESS: Sanitizer = Sanitizer {
    name: "address",
    flags: &["-Zsanitizer=address", "-Clink-arg=-fsanitize=address"],
    with_std: false,
    suites: &[
        ("badinput", ""),
        ("churn", ""),
        ("history", ""),
        ("insert", ""),
        ("live", ""),
        ("open", ""),
    ],
    planted: ("memory_that_was_freed", "ERROR: AddressSanitizer: heap-use-after-free"),
};

/// The commands of both.
pub(super) fn steps() -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    for sanitizer in [THREAD, ADDRESS] {
        let Sanitizer { suites, planted: (test, words), .. } = sanitizer;
        for (suite, filter) in suites {
            let mut command = sanitizer.cargo_test(suite)?;
            command.arg(filter).env("ECPHORY_FEW", "1");
            steps.push(tests(command));
        }
        let mut command = sanitizer.cargo_test("planted")?;
        command.args([test, "--exact"]);
        steps.push(Step { command, tally: Tally::Finding(words) });
    }
    Ok(steps)
}

impl Sanitizer {
    /// Runs a test program, whose arguments follow.
    fn cargo_test(&self, suite: &str) -> anyhow::Result<Command> {
        // The run-time library is clang's, which also links it.
        let flags: Vec<String> =
            self.flags.iter().chain(&["-Zexternal-clangrt"]).map(ToString::to_string).collect();
        let target_dir = workspace::target().join(self.name);
        let mut cargo = if self.with_std {
            toolchain::cargo_with_std("test", "std,test,panic_unwind", &target_dir, &flags)?
        } else {
            toolchain::cargo_with_flags("test", &target_dir, &flags)?
        };
        let host = toolchain::host()?;
        let linker = format!("CARGO_TARGET_{}_LINKER", host.to_uppercase().replace('-', "_"));
        // Named, so that build scripts and macros are not watched.
        cargo
            .args(["--target", &host, "--package", "ecphory-tests", "--test", suite, "--"])
            .env(linker, toolchain::CLANG)
            // Reports with names, where LLVM's own tool for that is not installed.
            .env("TSAN_OPTIONS", "allow_addr2line=1")
            .env("ASAN_OPTIONS", "allow_addr2line=1");
        Ok(cargo)
    }
}
