//! The inputs that fuzzing kept, and those that it begins with, read again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ecphory_tests::heap::Measured;
use ecphory_tests::readers::{READERS, Reader, kept};

// So that readers see what opening a file takes.
#[global_allocator]
static HEAP: Measured = Measured;

/// Held by the one test whose heap is measured.
static ALONE: Mutex<()> = Mutex::new(());

fn read(reader: &Reader, what: &str, input: &[u8]) {
    let read = catch_unwind(AssertUnwindSafe(|| (reader.read)(input)));
    assert!(read.is_ok(), "the reader of {} is harmed by {what}", reader.name);
}

#[test]
fn kept_inputs_do_no_harm() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for reader in &READERS {
        let (start, inputs) = (Instant::now(), kept(reader.name));
        assert!(!inputs.is_empty(), "no input was kept for the reader of {}", reader.name);
        for (name, input) in &inputs {
            read(reader, name, input);
        }
        let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
        let (name, count, seconds) = (reader.name, inputs.len(), start.elapsed().as_secs_f64());
        println!("{name}: {count} inputs of {bytes} bytes in {seconds:.1} s");
    }
}

#[test]
fn first_inputs_do_no_harm() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for reader in &READERS {
        for (number, input) in (reader.seeds)().iter().enumerate() {
            read(reader, &format!("seed {number}"), input);
        }
    }
}

/// The same input does the same again, or nothing that is kept would tell anything.
#[test]
fn first_inputs_are_the_same_each_time() {
    for reader in &READERS {
        assert!((reader.seeds)() == (reader.seeds)(), "{}", reader.name);
    }
}
