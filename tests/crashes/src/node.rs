//! What Node.js calls: numbers in and out, and a text that tells what went wrong.

use std::sync::Mutex;

use crate::everywhere::{Seen, crash_everywhere};
use crate::work::{generations, plan};

/// Requests of a plan.
const REQUESTS: usize = 100;

/// What the last panic said.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Lets plans run until so many distinct images were opened, and returns how many: in the upper half
/// those of a second crash.
///
/// # Panics
/// If anything that was acknowledged is lost; [`said`] tells what.
#[unsafe(no_mangle)]
pub extern "C" fn crashes(images: u32) -> u64 {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(mut said) = SAID.lock() {
            *said = panic.to_string();
        }
    }));
    let mut seen = Seen::default();
    let mut counts = crash_everywhere(&generations(12, 3), 3, 40, &mut seen);
    for seed in 0.. {
        if counts[0] >= images as usize {
            break;
        }
        let more = crash_everywhere(&plan(REQUESTS, 900 + seed), seed, 40, &mut seen);
        counts = [counts[0] + more[0], counts[1] + more[1]];
    }
    (counts[1] as u64) << 32 | counts[0] as u64
}

/// Where the text of the last panic is: its address, and in the upper half its bytes.
#[unsafe(no_mangle)]
pub extern "C" fn said() -> u64 {
    SAID.lock().map_or(0, |said| (said.len() as u64) << 32 | said.as_ptr() as usize as u64)
}
