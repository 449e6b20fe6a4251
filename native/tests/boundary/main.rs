//! The matrix of boundary values over the command line: every value on every option that takes its
//! kind.
//!
//! A cell runs the command. It answers with code 0; or it refuses with code 1 or 2, says why on
//! standard error, prints no result and leaves every file as it was. It never panics, is never
//! ended by a signal or for want of address space, and comes to an end.
//!
//! **Adding a value or an option** is one line of a table.

mod files;
mod options;
mod place;
#[path = "../../../tests/boundary/tally.rs"]
mod tally;

fn main() -> std::process::ExitCode {
    tally::run(&[
        ("boundary_options", options::boundary_options),
        ("boundary_files", files::boundary_files),
        ("boundary_outputs", files::boundary_outputs),
    ])
}
