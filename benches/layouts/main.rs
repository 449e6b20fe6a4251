//! One walk over a graph whose links lie apart from the rows, or beside them: what `cargo xtask
//! bench layouts` counts cache misses of.
//!
//! ```text
//!   prepare FILE                     builds an index of words20k, writes it as a snapshot
//!   walk FILE LAYOUT ROWS PASSES     walks it for every query, PASSES times
//! ```
//!
//! The graph is that of the index, level 0, read from the snapshot; rows are 7-bit codes or vectors
//! of floats, in the order of the index's slots. The walk is the plain best-first search of HNSW in
//! its two passes, with the library's own kernels, and not the library's own loop, which knows one
//! layout only: it keeps a byte a node for what was seen, begins at one node for all queries, and
//! asks for nothing ahead. Which nodes it reads, and in what order, does not depend on the layout:
//! the checksum that it prints shows it.

mod layout;
mod walk;

use std::path::Path;

use ecphory::exec::Sequential;
use ecphory::{Index, Metric};
use ecphory_native::{Pool, save};
use ecphory_tests::words;

use layout::{Codes, Floats, Graph, Memory, Placement, RowKind};
use walk::walk;

const USAGE: &str =
    "usage: layouts prepare FILE | walk FILE separate|packed|aligned codes|f32 PASSES";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["prepare", file] => prepare(Path::new(file)),
        ["walk", file, layout, rows, passes] => {
            let graph = Graph::read(Path::new(file));
            let placement = Placement::from_name(layout).expect(USAGE);
            let passes = passes.parse().expect(USAGE);
            match rows {
                "codes" => report::<Codes>(&graph, placement, passes),
                "f32" => report::<Floats>(&graph, placement, passes),
                _ => panic!("{USAGE}"),
            }
        }
        _ => panic!("{USAGE}"),
    }
}

/// Writes what [`Graph::read`] reads. The same bytes on every machine.
fn prepare(file: &Path) {
    let vectors = &words().vectors;
    let index = Index::builder(vectors.dim()).metric(Metric::L2).build().expect("options fit");
    let keys: Vec<u64> = (0..vectors.rows() as u64).collect();
    let values = vectors.values();
    match Pool::per_core() {
        Ok(pool) => index.bulk_build(&keys, values, &pool, &mut |_| true),
        Err(_) => index.bulk_build(&keys, values, &Sequential, &mut |_| true),
    }
    .expect("the set fits");
    save(&index, file).expect("room for a snapshot");
}

/// Walks and prints how many queries, scored rows, expanded nodes and bytes a node there were, and
/// the checksum of what was found.
fn report<R: RowKind>(graph: &Graph, placement: Placement, passes: usize) {
    let memory = Memory::<R>::new(graph, placement);
    let queries = &words().queries;
    let queries: Vec<_> = (0..queries.rows()).map(|row| R::row(queries.row(row))).collect();
    let mut total = walk::Total::default();
    for _ in 0..passes {
        for query in &queries {
            walk(&memory, query, &mut total);
        }
    }
    println!(
        "{} {} {} {} {:016x}",
        passes * queries.len(),
        total.scored,
        total.expanded,
        memory.node_bytes(),
        total.checksum
    );
}
