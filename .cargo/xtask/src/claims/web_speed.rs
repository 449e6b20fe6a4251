//! Claims about speed in the browser: 20,000 × 384 in Chromium, one page, interleaved rounds
//! (the native command after each).

use super::table::speed;
use super::{Bound, Claim};

/// The claims.
pub(super) const CLAIMS: &[Claim] = &[
    speed(
        "B10",
        "browser, words20k: queries per second at recall 0.95, ours in batches / hnswlib-wasm",
        Bound::AtLeast(6.0),
        |run| run.web()?.number("/ratio/queries_hnswlib"),
    ),
    speed(
        "J7",
        "browser, words20k: speed of building, ours / hnswlib-wasm",
        Bound::AtLeast(4.0),
        |run| run.web()?.number("/ratio/build_hnswlib"),
    ),
    speed(
        "B9",
        "browser, words20k: queries per second at recall 0.95, relaxed-simd / native AVX2, one thread",
        Bound::AtLeast(0.4),
        |run| run.web()?.number("/ratio/queries_native"),
    ),
    speed(
        "B9",
        "browser, words20k: queries per second at recall 0.95, relaxed-simd / simd128",
        Bound::AtLeast(1.0),
        |run| run.web()?.number("/ratio/queries_simd128"),
    ),
    speed(
        "B9",
        "browser, words20k: queries per second of batches at recall 0.95, two threads / one",
        Bound::AtLeast(1.7),
        |run| run.web()?.number("/ratio/queries_threads"),
    ),
    speed(
        "B9",
        "browser, words20k: speed of building, two threads / one",
        Bound::AtLeast(1.7),
        |run| run.web()?.number("/ratio/build_threads"),
    ),
];
