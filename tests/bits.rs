//! The same bits everywhere: instruction sets and thread counts here, and the files against which
//! the JavaScript runtimes are compared.
//!
//! Writes to `bits/` in the build directory, all little-endian:
//!
//! | file | content |
//! |---|---|
//! | `bits.json` | `{dimensions, items, queries, k}` |
//! | `vectors.f32`, `queries.f32` | rows of 32-bit floats |
//! | `words.ecp` | the snapshot built from `vectors.f32` with keys 0, 1, … and default options |
//! | `ids.f64`, `distances.f32` | `k` neighbours per query, as the JavaScript package gives them |

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ecphory::arch::{Isa, detected, kernels_for};
use ecphory::exec::{Exec, Sequential};
use ecphory::{Batch, Check, Index, Region};
use ecphory_native::Pool;
use ecphory_tests::{Words, words};

const K: usize = 10;

/// Instruction sets whose bits a developer's and a CI machine must compare.
#[cfg(target_arch = "x86_64")]
const WANTED: [Isa; 3] = [Isa::Scalar, Isa::Avx2, Isa::Avx512];
#[cfg(not(target_arch = "x86_64"))]
const WANTED: [Isa; 1] = [Isa::Scalar];

fn build(isa: Isa, exec: &dyn Exec) -> Vec<u8> {
    let Words { vectors, .. } = words();
    let keys: Vec<u64> = (0..vectors.rows() as u64).collect();
    let index = Index::builder(vectors.dim()).isa(isa).unwrap().build().unwrap();
    index.bulk_build(&keys, vectors.values(), exec, &mut |_| true).unwrap();
    index.to_snapshot().unwrap()
}

fn search(isa: Isa, snapshot: &[u8], exec: &dyn Exec) -> Batch {
    let region = Region::copy_of(snapshot).unwrap();
    let index = Index::builder(1).isa(isa).unwrap().open(region, Check::Full).unwrap();
    index.search_batch(words().queries.values(), K, None, exec).unwrap()
}

/// The reference: this machine's best kernels, one thread.
fn snapshot() -> &'static [u8] {
    static SNAPSHOT: OnceLock<Vec<u8>> = OnceLock::new();
    SNAPSHOT.get_or_init(|| build(detected().isa, &Sequential))
}

fn bits(batch: &Batch) -> (&[u64], Vec<u32>) {
    (&batch.keys, batch.distances.iter().map(|distance| distance.to_bits()).collect())
}

#[test]
fn answers_have_the_same_bits_on_every_instruction_set_and_thread_count() {
    let two = Pool::new(2).unwrap();
    let reference = search(detected().isa, snapshot(), &Sequential);
    assert_eq!(reference.keys.len(), words().queries.rows() * K);
    assert_eq!(bits(&search(detected().isa, snapshot(), &two)), bits(&reference));
    let mut compared = 0;
    for isa in WANTED {
        // A machine without one of them has nothing to compare; that it has the best it can have is
        // the kernel suite's business (ECPHORY_REQUIRE_ISA).
        if kernels_for(isa).is_none() {
            continue;
        }
        assert_eq!(bits(&search(isa, snapshot(), &two)), bits(&reference), "{isa}");
        compared += 1;
    }
    assert!(compared >= 1, "scalar kernels exist everywhere");
}

#[test]
fn built_snapshots_have_the_same_bytes_on_every_instruction_set_and_thread_count() {
    let two = Pool::new(2).unwrap();
    assert!(build(detected().isa, &two) == snapshot(), "two threads");
    // Scalar builds take long and compare as AVX2 does: the differential suite covers the kernels.
    if kernels_for(Isa::Avx2).is_some() {
        assert!(build(Isa::Avx2, &two) == snapshot(), "avx2");
    }
}

#[test]
fn the_files_for_other_runtimes_are_written() {
    let Words { vectors, queries } = words();
    let directory = directory();
    fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(directory.join(name), bytes).unwrap();
    let answers = search(detected().isa, snapshot(), &Sequential);
    write("vectors.f32", floats(vectors.values()));
    write("queries.f32", floats(queries.values()));
    write("words.ecp", snapshot().to_vec());
    write("ids.f64", answers.keys.iter().flat_map(|&key| (key as f64).to_le_bytes()).collect());
    write("distances.f32", floats(&answers.distances));
    let shape = serde_json::json!({
        "dimensions": vectors.dim(),
        "items": vectors.rows(),
        "queries": queries.rows(),
        "k": K,
    });
    // Last, so that its presence says that all are there.
    write("bits.json", shape.to_string().into_bytes());
}

/// `bits` in the build directory.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("bits")
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
