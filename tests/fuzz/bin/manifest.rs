//! Looks for inputs that harm the reader of manifests.
#![no_main]

use ecphory_tests::heap::Measured;
use ecphory_tests::readers::read;

#[global_allocator]
static HEAP: Measured = Measured;

libfuzzer_sys::fuzz_target!(|input: &[u8]| read("manifest", input));
