//! The matrix of boundary values over the library: every value on every entry point that takes its
//! kind.
//!
//! ```text
//!   values ─┬─► calls ─► subjects (empty, inserted, built, opened, worn, emptied × metric × rows)
//!           │              │
//!           └─ oracle ────►│ cell: the documented answer or error, no panic, no end that does not
//!                          │       come, bounded memory, nothing changed that was refused
//!                          └──► tally: `N cells, M fail`, or `--json`
//! ```
//!
//! **Adding a value or an entry point** is one line of a table. What is wanted of it is written
//! from the documentation, apart from the code that is asked.

mod bytes;
mod cell;
mod described;
mod keys;
mod names;
mod numbers;
mod stores;
mod subject;
mod tally;
mod vectors;

#[global_allocator]
static HEAP: ecphory_tests::heap::Measured = ecphory_tests::heap::Measured;

fn main() -> std::process::ExitCode {
    // A panic is a failed cell, which says so itself.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    tally::run(&[
        ("boundary_vectors", vectors::boundary_vectors),
        ("boundary_search_numbers", numbers::boundary_search_numbers),
        ("boundary_sizes", numbers::boundary_sizes),
        ("boundary_keys", keys::boundary_keys),
        ("boundary_described", described::boundary_described),
        ("boundary_filters", described::boundary_filters),
        ("boundary_shapes", keys::boundary_shapes),
        ("boundary_snapshots", bytes::boundary_snapshots),
        ("boundary_vector_files", bytes::boundary_vector_files),
        ("boundary_writers", bytes::boundary_writers),
        ("boundary_names", names::boundary_names),
        ("boundary_stores", stores::boundary_stores),
    ])
}
