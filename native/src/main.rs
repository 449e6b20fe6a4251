//! The `ecphory` command.
fn main() {}
