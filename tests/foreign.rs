//! The answers that another machine wrote, found again here to the bit.
//!
//! Reads the files that the program `bits` writes, from the directory `ECPHORY_BITS`: run by name on
//! emulated machines, after `bits` has run on the host.

use std::fs;
use std::path::PathBuf;

use ecphory::arch::Isa;
use ecphory::exec::Sequential;
use ecphory::{Check, Index, Region};

fn file(name: &str) -> Vec<u8> {
    let directory = std::env::var_os("ECPHORY_BITS").expect("ECPHORY_BITS names a directory");
    let path = PathBuf::from(directory).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `bits`", path.display()))
}

fn words<const N: usize, T>(name: &str, from: fn([u8; N]) -> T) -> Vec<T> {
    file(name).as_chunks().0.iter().map(|&bytes| from(bytes)).collect()
}

#[test]
fn answers_are_those_of_the_machine_that_built_the_snapshot() {
    let (snapshot, queries) = (file("words.ecp"), words("queries.f32", f32::from_le_bytes));
    let ids = words("ids.f64", f64::from_le_bytes);
    let distances: Vec<u32> = words("distances.f32", u32::from_le_bytes);
    let mut compared = Vec::new();
    for isa in Isa::ALL {
        let Some(builder) = Index::builder(1).isa(isa) else { continue };
        let region = Region::copy_of(&snapshot).unwrap();
        let index = builder.open(region, Check::Full).unwrap();
        let k = ids.len() / (queries.len() / index.options().dim);
        let found = index.search_batch(&queries, k, None, &Sequential).unwrap();
        assert!(found.keys.iter().map(|&key| key as f64).eq(ids.iter().copied()), "{isa}: ids");
        let bits = found.distances.iter().map(|distance| distance.to_bits());
        assert!(bits.eq(distances.iter().copied()), "{isa}: distance bits");
        compared.push(isa);
    }
    println!("equal on {compared:?}");
    assert!(compared.len() > 1, "this machine has more than plain Rust: {compared:?}");
}
