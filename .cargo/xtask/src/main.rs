//! Project tasks behind `cargo xtask`.
fn main() {}
