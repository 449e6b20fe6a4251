//! Faults made on purpose, one a test, for a sanitizer to find. `cargo xtask test` runs each under
//! its sanitizer and fails if that is silent. Not to be run otherwise.

/// Links are exchanged without a release, so that nothing orders what stands in a row before those
/// who come by its link.
#[cfg(ecphory_tsan)]
#[test]
fn links_that_publish_nothing() {
    use ecphory::{Index, Metric};
    use ecphory_tests::data::random;

    const DIM: usize = 8;
    const ROWS: usize = 2000;
    ecphory::break_publication();
    let vectors = random(ROWS, DIM, 1);
    let row = |row: usize| &vectors[row * DIM..][..DIM];
    let index = Index::builder(DIM).metric(Metric::L2).m(8).build().unwrap();
    index.insert(0, row(0)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for key in 1..ROWS {
                index.insert(key as u64, row(key)).unwrap();
            }
        });
        while !writer.is_finished() {
            // What is inserted about now is what is asked for.
            index.search(row(index.len().min(ROWS - 1))).up_to(10).run().unwrap();
        }
    });
}

/// Memory is read after it was given back.
#[test]
fn memory_that_was_freed() {
    let freed = Box::into_raw(Box::new(7_u8));
    // SAFETY: the box is whole, and nobody else has it.
    drop(unsafe { Box::from_raw(freed) });
    // SAFETY: there is none: this is the fault.
    let read = unsafe { std::ptr::read_volatile(freed) };
    println!("no sanitizer watches: {read}");
}
